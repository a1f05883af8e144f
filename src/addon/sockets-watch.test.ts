/** Native sockets: waiting, and events. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';

import type { UncaughtCapture } from '../testing/suite.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeSockets } from './native-sockets.ts';
import { READINESS, SLAB } from './native-sockets.ts';

const native = loadNative();
const { constants, errorNumbers } = native;
const { AF_UNIX, MSG_DONTWAIT, MSG_NOSIGNAL, SHUT_WR, SOCK_DGRAM, SOCK_STREAM } = constants;
const { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDHUP } = constants;
const { EAGAIN, EBADF, EINVAL, EPERM } = errorNumbers;

const SLOTS = 2 ** 20;
const RECORDS_BEFORE_DATA = SLAB.data / 4;

/** Sockets, and what was told of them. */
class Bench {
  readonly sockets: NativeSockets;
  readonly words: Int32Array;
  /** Everything that was told: slot and readiness. */
  readonly told: (readonly [slot: number, readiness: number])[] = [];
  /** Done with each batch, after it was recorded. */
  onBatch: () => void = () => undefined;
  /** A socket that is always writable, in a slot that no other one will have. */
  readonly #sentinel: number;
  #wake: () => void = () => undefined;

  constructor(usePoll: boolean) {
    const made = native.createSockets((count) => {
      this.#take(count);
    }, usePoll);
    if (typeof made === 'number') throw new Error(`createSockets answered ${String(made)}`);
    this.sockets = made;
    this.words = new Int32Array(made.slab().buffer);
    this.#sentinel = made.socket(AF_UNIX, SOCK_DGRAM, 0);
    made.reference(true);
  }

  #take(count: number): void {
    assert.ok(count > 0);
    for (let i = 0; i < count; i++) this.told.push([this.words[2 * i] ?? -1, this.words[2 * i + 1] ?? 0]);
    this.#wake();
    this.onBatch();
  }

  pair(type: number): readonly [near: number, far: number] {
    const near = this.sockets.pair(AF_UNIX, type, 0);
    return [near, this.sockets.idAt(this.words[0] ?? 0)];
  }

  /** Waits until a socket was told to be ready in all of these ways, and forgets what was told by then. */
  async hears(id: number, readiness: number): Promise<void> {
    const slot = id % SLOTS;
    for (;;) {
      const sum = this.told.reduce((bits, [at, bit]) => (at === slot ? bits | bit : bits), 0);
      if ((sum & readiness) === readiness) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.told.length = 0;
  }

  /** What is told until another socket, that is ready, has been told of. */
  async toldSoFar(): Promise<readonly (readonly [number, number])[]> {
    const slot = this.#sentinel % SLOTS;
    assert.equal(this.sockets.watch(this.#sentinel, READINESS.writable), 0);
    const before: (readonly [number, number])[] = [];
    while (!before.some(([at]) => at === slot)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      before.push(...this.told.splice(0));
    }
    this.sockets.unwatch(this.#sentinel);
    return before.filter(([at]) => at !== slot);
  }
}

/** Runs `use`, which must not leave a descriptor behind. */
async function withBench(
  usePoll: boolean,
  use: (bench: Bench, sockets: NativeSockets) => Promise<void>,
): Promise<void> {
  const before = countDescriptors();
  const bench = new Bench(usePoll);
  try {
    await use(bench, bench.sockets);
  } finally {
    bench.sockets.dispose();
  }
  assert.equal(countDescriptors(), before);
}

function captureUncaught(): UncaughtCapture {
  const capture = nodeHooks().captureUncaught?.();
  if (capture === undefined) throw new Error('uncaught exceptions cannot be captured');
  return capture;
}

/** Takes all that is there. */
function drain(sockets: NativeSockets, id: number): void {
  while (sockets.recv(id, 65536, MSG_DONTWAIT) > 0);
  assert.equal(sockets.recv(id, 65536, MSG_DONTWAIT), -EAGAIN);
}

const say = (sockets: NativeSockets, id: number): void => {
  assert.equal(sockets.send(id, 1, MSG_DONTWAIT | MSG_NOSIGNAL), 1);
};

/** A test with each poller. */
function testBoth(name: string, run: (bench: Bench, sockets: NativeSockets) => Promise<void>): void {
  for (const usePoll of [false, true])
    test(`${name} (${usePoll ? 'poll' : 'epoll'})`, () => withBench(usePoll, run));
}

testBoth('watch tells of what is so, and of each change after would-block', async (bench, sockets) => {
  const [near, far] = bench.pair(SOCK_STREAM);
  assert.equal(sockets.watch(near, READINESS.readable), 0);
  await bench.hears(near, READINESS.writable);
  for (let round = 0; round < 20; round++) {
    say(sockets, far);
    await bench.hears(near, READINESS.readable);
    drain(sockets, near);
    assert.equal(sockets.watch(near, READINESS.readable), 0);
  }
});

testBoth('watch is silent about what stays as it was', async (bench, sockets) => {
  const [near, far] = bench.pair(SOCK_STREAM);
  say(sockets, far);
  sockets.watch(near, READINESS.readable);
  await bench.hears(near, READINESS.readable | READINESS.writable);
  assert.deepEqual(await bench.toldSoFar(), []);
});

testBoth(
  'unwatch, close and release end the events, also of what is ready already',
  async (bench, sockets) => {
    const ends = [
      (id: number): number => sockets.unwatch(id),
      (id: number): number => sockets.close(id),
      (id: number): number => sockets.release(id),
    ];
    for (const end of ends) {
      const [near, far] = bench.pair(SOCK_STREAM);
      say(sockets, far);
      sockets.watch(near, READINESS.readable);
      const result = end(near);
      assert.ok(result >= 0);
      assert.deepEqual(await bench.toldSoFar(), []);
      if (end === ends[2]) closeSync(result);
    }
  },
);

testBoth('an event of a slot’s earlier life reaches nobody (F52)', async (bench, sockets) => {
  for (let round = 0; round < 20; round++) {
    const [near, far] = bench.pair(SOCK_STREAM);
    sockets.watch(near, READINESS.readable);
    await bench.hears(near, READINESS.writable);
    say(sockets, far);
    sockets.close(near);
    const next = sockets.socket(AF_UNIX, SOCK_DGRAM, 0);
    sockets.watch(next, READINESS.readable);
    await bench.hears(next, READINESS.writable);
    sockets.close(far);
    sockets.close(next);
  }
});

testBoth(
  'what a handler does to other sockets of its batch is not undone by the batch',
  async (bench, sockets) => {
    const pairs = Array.from({ length: 20 }, () => bench.pair(SOCK_STREAM));
    for (const [near, far] of pairs) {
      say(sockets, far);
      sockets.watch(near, READINESS.readable);
    }
    const dead = new Set<number>();
    const { promise, resolve } = deferred();
    bench.onBatch = () => {
      for (const [near] of pairs.slice(10)) if (sockets.close(near) === 0) dead.add(near % SLOTS);
      bench.told.length = 0;
      bench.onBatch = () => undefined;
      resolve();
    };
    await promise;
    assert.equal(dead.size, 10);
    assert.deepEqual(
      (await bench.toldSoFar()).filter(([slot]) => dead.has(slot)),
      [],
    );
  },
);

testBoth('several ids of one descriptor are told each of its own (F54)', async (bench, sockets) => {
  const [near, far] = bench.pair(SOCK_STREAM);
  const lent = sockets.adopt(sockets.descriptor(near), false);
  for (const id of [near, lent]) assert.equal(sockets.watch(id, READINESS.readable), 0);
  await bench.hears(near, READINESS.writable);
  say(sockets, far);
  const bothHear = Promise.all([near, lent].map((id) => heardOf(bench, id)));
  await bothHear;
  sockets.close(near);
  assert.equal(sockets.close(lent), 0);
});

/** Waits until a socket was told to be readable, and forgets nothing. */
async function heardOf(bench: Bench, id: number): Promise<void> {
  const { promise, resolve } = deferred();
  const look = (): void => {
    if (bench.told.some(([slot, bits]) => slot === id % SLOTS && (bits & READINESS.readable) !== 0))
      resolve();
  };
  const before = bench.onBatch;
  bench.onBatch = () => {
    before();
    look();
  };
  look();
  await promise;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

testBoth('dispose inside the handler ends it all at once', async (bench, sockets) => {
  const pairs = Array.from({ length: 5 }, () => bench.pair(SOCK_STREAM));
  for (const [near] of pairs) sockets.watch(near, READINESS.readable);
  const { promise, resolve } = deferred();
  bench.onBatch = () => {
    sockets.dispose();
    assert.throws(() => sockets.live(), { code: 'ERR_DISPOSED' });
    resolve();
  };
  await promise;
});

testBoth(
  'a handler that throws is an uncaught exception, and the next events come (F58)',
  async (bench, sockets) => {
    const [near, far] = bench.pair(SOCK_STREAM);
    const capture = captureUncaught();
    try {
      for (let round = 0; round < 5; round++) {
        const mine = new Error(`mine ${String(round)}`);
        bench.onBatch = () => {
          throw mine;
        };
        sockets.watch(near, READINESS.readable);
        say(sockets, far);
        assert.equal(await capture.next(), mine);
        bench.onBatch = () => undefined;
        drain(sockets, near);
        sockets.watch(near, READINESS.readable);
        bench.told.length = 0;
        say(sockets, far);
        await bench.hears(near, READINESS.readable);
        drain(sockets, near);
      }
    } finally {
      capture.stop();
    }
  },
);

testBoth('an exception whose handler disposes of the sockets (F58)', async (bench, sockets) => {
  const [near] = bench.pair(SOCK_STREAM);
  const capture = captureUncaught();
  try {
    const mine = new Error('mine');
    bench.onBatch = () => {
      sockets.dispose();
      throw mine;
    };
    sockets.watch(near, READINESS.readable);
    assert.equal(await capture.next(), mine);
  } finally {
    capture.stop();
  }
});

testBoth('more sockets than a batch holds are all told of', async (bench, sockets) => {
  const nears = Array.from({ length: 600 }, () => {
    const [near, far] = bench.pair(SOCK_DGRAM);
    say(sockets, far);
    return near;
  });
  const missing = new Set(nears.map((id) => id % SLOTS));
  const { promise, resolve } = deferred();
  bench.onBatch = () => {
    for (const [slot, bits] of bench.told.splice(0))
      if ((bits & READINESS.readable) !== 0) missing.delete(slot);
    if (missing.size === 0) resolve();
  };
  for (const near of nears) assert.equal(sockets.watch(near, READINESS.readable), 0);
  await promise;
});

test('watch answers what epoll refuses', async () => {
  await withBench(false, async (bench, sockets) => {
    const file = sockets.adopt(openSync(process.execPath, 'r'), true);
    assert.equal(sockets.watch(file, READINESS.readable), -EPERM);
    const [near] = bench.pair(SOCK_STREAM);
    assert.equal(sockets.watch(near, READINESS.writable), 0);
    await bench.hears(near, READINESS.writable);
  });
});

test('two spaces in one thread are told of their own sockets only', async () => {
  await withBench(false, async (first) => {
    const second = new Bench(false);
    const { sockets } = second;
    try {
      const [a] = first.pair(SOCK_STREAM);
      const [b, other] = second.pair(SOCK_STREAM);
      assert.equal(a, b);
      first.sockets.watch(a, READINESS.readable);
      sockets.watch(b, READINESS.readable);
      await first.hears(a, READINESS.writable);
      await second.hears(b, READINESS.writable);
      say(sockets, other);
      await second.hears(b, READINESS.readable);
      assert.deepEqual(await first.toldSoFar(), []);
      // The end of one is nothing to the other.
      first.sockets.dispose();
      drain(sockets, b);
      sockets.watch(b, READINESS.readable);
      say(sockets, other);
      await second.hears(b, READINESS.readable);
    } finally {
      sockets.dispose();
    }
  });
});

test('wait answers how a socket is ready, and 0 when the time is up', async () => {
  await withBench(false, async (bench, sockets) => {
    const [near, far] = bench.pair(SOCK_STREAM);
    assert.equal(sockets.wait(near, POLLIN, 0), 0);
    assert.equal(sockets.wait(near, POLLIN | POLLOUT, -1), POLLOUT);
    const start = performance.now();
    assert.equal(sockets.wait(near, POLLIN, 20), 0);
    assert.ok(performance.now() - start >= 19.9);
    say(sockets, far);
    assert.equal(sockets.wait(near, POLLIN, -1), POLLIN);
    sockets.shutdown(far, SHUT_WR);
    assert.equal(sockets.wait(near, POLLRDHUP, -1), POLLRDHUP);
    sockets.close(far);
    assert.equal(sockets.wait(near, 0, -1) & POLLHUP, POLLHUP);
    assert.equal(sockets.wait(far, POLLIN, -1), -EBADF);
    return Promise.resolve();
  });
});

test('poll answers for each descriptor, passes over negative ones, and changes no other word', async () => {
  await withBench(false, async (bench, sockets) => {
    const { words } = bench;
    const [near, far] = bench.pair(SOCK_STREAM);
    const closed = openSync('/dev/null', 'r');
    closeSync(closed);
    say(sockets, far);
    const fd = sockets.descriptor(near);
    const items = [fd, POLLIN, -1, -1, POLLIN, -1, closed, POLLIN, -1, fd, POLLOUT, -1, fd, 0, -1];
    words.set(items, RECORDS_BEFORE_DATA);
    assert.equal(sockets.poll(5, 1000), 3);
    const wanted = [POLLIN, 0, POLLNVAL, POLLOUT, 0];
    assert.deepEqual(
      [...words.subarray(RECORDS_BEFORE_DATA, RECORDS_BEFORE_DATA + items.length)],
      items.map((word, i) => (i % 3 === 2 ? wanted[(i - 2) / 3] : word)),
    );
    const start = performance.now();
    assert.equal(sockets.poll(0, 20), 0);
    assert.ok(performance.now() - start >= 19.9);
    // More than there may be descriptors.
    const most = Math.floor((words.length - RECORDS_BEFORE_DATA) / 3);
    words.fill(-1, RECORDS_BEFORE_DATA);
    assert.ok([0, -EINVAL].includes(sockets.poll(most, 0)));
    assert.throws(() => sockets.poll(most + 1, 0), RangeError);
    return Promise.resolve();
  });
});

test('wait tells of failure and hangup that nobody asked for', async () => {
  await withBench(false, async (bench, sockets) => {
    const [near, far] = bench.pair(SOCK_STREAM);
    say(sockets, near);
    // Closed with data that nobody has read: a reset.
    sockets.close(far);
    assert.equal(sockets.wait(near, 0, -1), POLLHUP | POLLERR);
    return Promise.resolve();
  });
});
