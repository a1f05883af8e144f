/** The native reactor's life: handles and their generations, disposal, descriptors (F07, F51, F52, F57, F59). */
/* eslint-disable @typescript-eslint/unbound-method -- that they are bound is what is tested */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';

import { nodeHooks } from '../testing/node/hooks.ts';
import { countDescriptors, openDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { BatchHandler, NativeReactor } from './types.ts';
import { CALL, EVENT, FAMILY, SLOT_COUNT } from './types.ts';

const native = loadNative();
const { AF_INET, AF_INET6, AF_UNIX, SOCK_STREAM } = native.constants;
const { EBADF, EINPROGRESS, EMFILE } = native.errorNumbers;
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);

function makeReactor(onBatch: BatchHandler = () => undefined, usePoll = false): NativeReactor {
  const made = native.createReactor(onBatch, usePoll, true, 0, false);
  if (typeof made === 'number') throw new Error(`createReactor answered ${String(made)}`);
  return made;
}

function open(reactor: NativeReactor): number {
  const handle = reactor.socket(AF_INET, SOCK_STREAM, 0);
  assert.ok(handle > 0);
  return handle;
}

/** A listening socket, and its port. */
function openListener(reactor: NativeReactor): { handle: number; port: number } {
  const handle = open(reactor);
  assert.equal(reactor.bind(handle, FAMILY.ipv4, LOOPBACK, 0, 0), 0);
  assert.equal(reactor.listen(handle, 128), 0);
  reactor.localAddress(handle);
  const [, high = 0, low = 0] = reactor.scratch;
  return { handle, port: 256 * high + low };
}

/** Every function that takes a handle, called with this one. */
const WITH_HANDLE: readonly (readonly [string, (reactor: NativeReactor, handle: number) => number])[] = [
  ['bind', (r, h) => r.bind(h, FAMILY.ipv4, LOOPBACK, 0, 0)],
  ['connect', (r, h) => r.connect(h, FAMILY.ipv4, LOOPBACK, 9, 0)],
  ['listen', (r, h) => r.listen(h, 1)],
  ['startReading', (r, h) => r.startReading(h, 1, true)],
  ['startAccepting', (r, h) => r.startAccepting(h)],
  ['stop', (r, h) => r.stop(h)],
  ['write', (r, h) => r.write(h, LOOPBACK)],
  ['write of nothing', (r, h) => r.write(h, new Uint8Array(0))],
  ['pending', (r, h) => r.pending(h)],
  ['shutWrite', (r, h) => r.shutWrite(h)],
  ['close', (r, h) => r.close(h)],
  ['abort', (r, h) => r.abort(h)],
  ['setOption', (r, h) => r.setOption(h, 1, 9, 1)],
  ['getOption', (r, h) => r.getOption(h, 1, 9)],
  ['localAddress', (r, h) => r.localAddress(h)],
  ['remoteAddress', (r, h) => r.remoteAddress(h)],
  ['reference', (r, h) => r.reference(h, true)],
  ['descriptor', (r, h) => r.descriptor(h)],
  ['detach', (r, h) => r.detach(h)],
  ['handOver', (r, h) => r.handOver(h)],
];

for (const [name, call] of WITH_HANDLE) {
  test(`${name} answers EBADF for a handle that is nobody's, and touches nobody (F52)`, () => {
    const reactor = makeReactor();
    const living = open(reactor);
    const fd = reactor.descriptor(living);
    const dead = open(reactor);
    reactor.close(dead);
    const generations = [0, 1, 2, 3, 2 ** 31, 2 ** 32 - 1].map((generation) => generation * SLOT_COUNT);
    const slot = living % SLOT_COUNT;
    const nobodys = [0, dead, ...generations.map((base) => base + slot), SLOT_COUNT - 1, 2 ** 52 - 1];
    for (const handle of nobodys.filter((each) => each !== living))
      assert.equal(call(reactor, handle), -EBADF, `handle ${String(handle)}`);
    assert.equal(reactor.live(), 1);
    assert.equal(reactor.descriptor(living), fd);
    reactor.dispose();
  });

  test(`${name} throws after dispose (F18)`, () => {
    const reactor = makeReactor();
    const handle = open(reactor);
    reactor.dispose();
    assert.throws(() => call(reactor, handle), { code: 'ERR_DISPOSED' });
  });
}

test('every function but dispose throws after dispose, whatever its arguments', () => {
  const before = countDescriptors();
  const reactor = makeReactor();
  open(reactor);
  reactor.dispose();
  assert.equal(countDescriptors(), before);
  for (const [name, value] of Object.entries(reactor)) {
    if (typeof value !== 'function' || name === 'dispose') continue;
    assert.throws(
      () => {
        (value as () => void)();
      },
      { code: 'ERR_DISPOSED' },
      name,
    );
  }
  reactor.dispose();
});

test('events, slab and scratch stay readable after dispose', () => {
  const reactor = makeReactor();
  const { events, scratch } = reactor;
  const slab = reactor.slab();
  reactor.dispose();
  assert.deepEqual([events[0], slab[0], scratch[0]].map(Number.isInteger), [true, true, true]);
  assert.equal(slab.fill(1).at(-1), 1);
});

test('a function keeps its own reactor, whatever its this (F50)', () => {
  const one = makeReactor();
  const two = makeReactor();
  const { socket, live, close } = one;
  const handle = Reflect.apply(socket, two, [AF_INET, SOCK_STREAM, 0]);
  assert.deepEqual([one.live(), two.live()], [1, 0]);
  for (const receiver of [undefined, null, 1, 'x', Symbol('x'), {}, new Proxy({}, {}), Object.create(one)])
    assert.equal(Reflect.apply(live, receiver, []), 1);
  assert.equal(Reflect.apply(two.close, one, [handle]), -EBADF);
  assert.equal(Reflect.apply(close, two, [handle]), 0);
  one.dispose();
  assert.equal(two.live(), 0);
  two.dispose();
});

test('a function called with new does what it does without', () => {
  const before = countDescriptors();
  const reactor = makeReactor();
  Reflect.construct(reactor.socket, [AF_INET, SOCK_STREAM, 0]);
  assert.equal(reactor.live(), 1);
  assert.throws(() => Reflect.construct(reactor.socket, []) as unknown, TypeError);
  assert.throws(() => Reflect.construct(reactor.write, [1]) as unknown, TypeError);
  reactor.dispose();
  assert.equal(countDescriptors(), before);
});

test('bytes of another realm are bytes', async () => {
  const { runInNewContext } = await import('node:vm');
  const foreign = runInNewContext('Uint8Array.of(127, 0, 0, 1)') as Uint8Array;
  const reactor = makeReactor();
  assert.equal(reactor.bind(open(reactor), FAMILY.ipv4, foreign, 0, 0), 0);
  reactor.dispose();
});

test('a slot is used again with another generation only (F52)', () => {
  const reactor = makeReactor();
  const seen = new Set<number>();
  for (let i = 0; i < 3000; i++) {
    const handle = open(reactor);
    assert.ok(!seen.has(handle));
    seen.add(handle);
    assert.equal(reactor.close(handle), 0);
    assert.equal(reactor.close(handle), -EBADF);
  }
  assert.equal(reactor.live(), 0);
  reactor.dispose();
});

for (const usePoll of [false, true]) {
  const poller = usePoll ? 'poll' : 'epoll';
  test(`1,000 ${poller} reactors with open sockets are disposed without a trace (F07)`, () => {
    const before = countDescriptors();
    for (let i = 0; i < 1000; i++) {
      const reactor = makeReactor(undefined, usePoll);
      openListener(reactor);
      open(reactor);
      reactor.dispose();
    }
    assert.equal(countDescriptors(), before);
  });

  test(`dispose inside the batch closes everything, and ends the batches (${poller}, F51)`, async () => {
    const before = countDescriptors();
    let batches = 0;
    const disposed = new Promise<void>((resolve) => {
      const reactor = makeReactor(() => {
        batches++;
        reactor.dispose();
        assert.throws(() => reactor.flush(), { code: 'ERR_DISPOSED' });
        resolve();
      }, usePoll);
      const { handle, port } = openListener(reactor);
      reactor.startAccepting(handle);
      for (let i = 0; i < 50; i++)
        assert.equal(reactor.connect(open(reactor), FAMILY.ipv4, LOOPBACK, port, 0), -EINPROGRESS);
    });
    await disposed;
    assert.equal(countDescriptors(), before);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(batches, 1);
  });
}

test('an exception of the batch handler is uncaught, and the next batch comes', async () => {
  const uncaught = nodeHooks().captureUncaught?.();
  assert.ok(uncaught);
  let batches = 0;
  const second = new Promise<void>((resolve) => {
    const reactor = makeReactor(() => {
      if (++batches === 1) {
        const again = reactor.connect(open(reactor), FAMILY.ipv4, LOOPBACK, port, 0);
        assert.equal(again, -EINPROGRESS);
        throw new Error('mine');
      }
      reactor.dispose();
      resolve();
    });
    const { port } = openListener(reactor);
    reactor.connect(open(reactor), FAMILY.ipv4, LOOPBACK, port, 0);
  });
  assert.match(String(await uncaught.next()), /mine/);
  await second;
  uncaught.stop();
});

/** The flags of a descriptor: O_NONBLOCK and O_CLOEXEC, as fdinfo shows them in octal. */
function flagsOf(fd: number): string[] {
  const text = readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8');
  const flags = parseInt(/flags:\s*(\d+)/.exec(text)?.[1] ?? '', 8);
  return [(flags & 0o4000) !== 0 ? 'nonblock' : '', (flags & 0o2000000) !== 0 ? 'cloexec' : ''];
}

/** The handle of the first connection among the events of a batch; 0 if there is none. */
function acceptedOf(reactor: NativeReactor, count: number): number {
  for (let at = 0; at < 4 * count; at += 4) {
    const [kind = 0, , slot = 0, generation = 0] = reactor.events.subarray(at, at + 4);
    if (kind === EVENT.accepted) return generation * SLOT_COUNT + slot;
  }
  return 0;
}

for (const usePoll of [false, true]) {
  test(`every descriptor is close-on-exec and non-blocking (${usePoll ? 'poll' : 'epoll'}, F59)`, async (t) => {
    const before = openDescriptors();
    let reactor: NativeReactor | undefined;
    t.after(() => {
      reactor?.dispose();
    });
    const accepted = await new Promise<number>((resolve) => {
      const mine = makeReactor((count) => {
        const handle = acceptedOf(mine, count);
        if (handle !== 0) resolve(handle);
      }, usePoll);
      reactor = mine;
      const { handle, port } = openListener(mine);
      mine.startAccepting(handle);
      mine.connect(open(mine), FAMILY.ipv4, LOOPBACK, port, 0);
    });
    assert.ok(reactor !== undefined);
    const sockets = [AF_INET, AF_INET6, AF_UNIX].map(
      (family) => reactor?.socket(family, SOCK_STREAM, 0) ?? 0,
    );
    for (const handle of [accepted, ...sockets])
      assert.deepEqual(flagsOf(reactor.descriptor(handle)), ['nonblock', 'cloexec']);
    const made = [...openDescriptors().keys()].filter((fd) => !before.has(fd));
    assert.ok(made.length >= 8, `${String(made.length)} descriptors`);
    for (const fd of made) assert.equal(flagsOf(fd)[1], 'cloexec', `descriptor ${String(fd)}`);
  });
}

test('socket answers what the system refuses, and counts nothing', () => {
  const reactor = makeReactor();
  const before = countDescriptors();
  reactor.fault(CALL.socket, EMFILE, 0, 1);
  assert.equal(reactor.socket(AF_INET, SOCK_STREAM, 0), -EMFILE);
  assert.ok(reactor.socket(12345, SOCK_STREAM, 0) < 0);
  assert.ok(reactor.socket(AF_INET, 12345, 0) < 0);
  assert.ok(reactor.socket(2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1) < 0);
  assert.equal(reactor.live(), 0);
  assert.equal(countDescriptors(), before);
  reactor.dispose();
});

/** One random step upon a pool of handles, dead ones among them. */
type Step = readonly [action: number, which: number, value: number];

const ACTIONS: readonly ((reactor: NativeReactor, handle: number, value: number, port: number) => unknown)[] =
  [
    (r, _h, _v, port) => {
      const handle = r.socket(AF_INET, SOCK_STREAM, 0);
      r.connect(handle, FAMILY.ipv4, LOOPBACK, port, 0);
      return handle;
    },
    (r, h, value) => r.write(h, new Uint8Array(value * 97)),
    (r, h, value) => r.startReading(h, (value % 65536) + 1, value % 2 === 0),
    (r, h) => r.stop(h),
    (r, h) => r.shutWrite(h),
    (r, h) => r.close(h),
    (r, h) => r.abort(h),
    (r) => r.flush(),
    (r, h) => r.pending(h),
    (r, h, value) => r.reference(h, value % 2 === 0),
    (r, h) => r.remoteAddress(h),
    (r, _h, value) => {
      r.limit(value % 50, value % 30);
    },
    (r, h, value) => r.connect(h, FAMILY.ipv4, LOOPBACK, value, 0),
    (r, h, value) => r.listen(h, value),
    (r, h) => r.startAccepting(h),
  ];

/** Takes the steps of a story, a few in each batch, and disposes of the reactor in the last. */
function live(steps: readonly Step[], usePoll: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const handles: number[] = [];
    let at = 0;
    const run = (): void => {
      for (const end = Math.min(at + 7, steps.length); at < end; at++) {
        const [action = 0, which = 0, value = 0] = steps[at] ?? [];
        const answer = ACTIONS[action % ACTIONS.length]?.(
          reactor,
          handles[which % Math.max(1, handles.length)] ?? 0,
          value,
          port,
        );
        if (action % ACTIONS.length === 0) handles.push(answer as number);
      }
    };
    const reactor = makeReactor((count) => {
      try {
        for (let i = 0; i < 4 * count; i += 4) {
          const [kind = 0, , slot = 0, generation = 0] = reactor.events.subarray(i, i + 4);
          if (kind === EVENT.accepted) handles.push(generation * SLOT_COUNT + slot);
        }
        run();
        if (at < steps.length) {
          // Something must happen, or there is no further batch.
          reactor.connect(reactor.socket(AF_INET, SOCK_STREAM, 0), FAMILY.ipv4, LOOPBACK, port, 0);
          reactor.flush();
          return;
        }
        reactor.dispose();
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }, usePoll);
    const { handle, port } = openListener(reactor);
    reactor.startAccepting(handle);
    reactor.connect(open(reactor), FAMILY.ipv4, LOOPBACK, port, 0);
  });
}

for (const usePoll of [false, true]) {
  test(`any order of calls, in and between batches, leaves nothing (${usePoll ? 'poll' : 'epoll'}, F51, F52)`, async () => {
    const before = countDescriptors();
    const step = fc.tuple(fc.nat(ACTIONS.length - 1), fc.nat(40), fc.nat(3000));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => live(steps, usePoll)),
      { numRuns: 150 },
    );
    assert.equal(countDescriptors(), before);
  });
}
