/** What a simulated network does to datagrams, and its faults; the rest is said by the suite. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SocketAddress } from '../base/address.ts';
import type { SocketError } from '../base/errors.ts';
import type { Datagram, UdpBindOptions } from '../base/provider.ts';
import { ManualClock } from './manual-clock.ts';
import type { DatagramConditions } from './memory-conditions.ts';
import { memoryProvider, type MemoryProvider, type MemoryProviderOptions } from './memory-provider.ts';

interface Pair {
  readonly provider: MemoryProvider;
  readonly clock: ManualClock;
  readonly a: Datagram;
  readonly b: Datagram;
  /** The first bytes of what `b` has received. */
  readonly got: number[];
  readonly errors: SocketError[];
  /** Sends numbers from `a` to `b`, or elsewhere, and answers how each `done` was told. */
  readonly send: (numbers: readonly number[], to?: SocketAddress) => Promise<(string | null)[]>;
}

async function pair(options: MemoryProviderOptions = {}, extra: UdpBindOptions = {}): Promise<Pair> {
  const clock = new ManualClock();
  const provider = memoryProvider({ ...options, clock });
  const [a, b] = [await provider.bind({ ...extra }), await provider.bind({ host: '127.0.0.1' })];
  const got: number[] = [];
  const errors: SocketError[] = [];
  b.start({ receive: ({ bytes }) => got.push(bytes[0] ?? -1), close: () => undefined });
  a.start({ receive: () => undefined, error: (error) => errors.push(error), close: () => undefined });
  const send: Pair['send'] = async (numbers, to = b.local) => {
    const dones = numbers.map(
      (number) =>
        new Promise<string | null>((resolve) => {
          a.send({ bytes: Uint8Array.of(number), to }, (error) => {
            resolve(error?.code ?? null);
          });
        }),
    );
    const codes = await Promise.all(dones);
    await provider.idle();
    return codes;
  };
  return { provider, clock, a, b, got, errors, send };
}

const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const HUNDRED = Array.from({ length: 100 }, (_, i) => i);

test('memoryProvider loses, doubles and delays each datagram as a function decides', async () => {
  const fates: Readonly<Record<number, readonly number[]>> = { 1: [], 2: [0, 5], 3: [10], 5: [3] };
  const { clock, got, send, provider } = await pair({ datagrams: ({ number }) => fates[number] ?? [0] });
  assert.deepEqual(await send([0, 1, 2, 3, 4, 5]), [null, null, null, null, null, null]);
  assert.deepEqual(got, [0, 2, 4]);
  for (const [time, expected] of [
    [3, [0, 2, 4, 5]],
    [2, [0, 2, 4, 5, 2]],
    [5, [0, 2, 4, 5, 2, 3]],
  ] as const) {
    clock.advance(time);
    await provider.idle();
    assert.deepEqual(got, expected);
  }
  assert.equal(clock.pending, 0);
});

test('memoryProvider tells its function where each datagram comes from and goes to', async () => {
  const seen: string[] = [];
  const { a, b, send } = await pair({
    datagrams: ({ from, to, bytes, number }) => {
      seen.push(`${String(from.port)} ${String(to.port)} ${to.host} ${String(bytes[0])} ${String(number)}`);
      return [0];
    },
  });
  await send([7, 8]);
  assert.ok(a.local.family === 'ipv4' && b.local.family === 'ipv4');
  const ports = `${String(a.local.port)} ${String(b.local.port)} 127.0.0.1`;
  assert.deepEqual(seen, [`${ports} 7 0`, `${ports} 8 1`]);
});

/** Sends a hundred datagrams, lets all time pass, and answers what came. */
async function hundred(datagrams: DatagramConditions): Promise<number[]> {
  const { clock, got, send, provider } = await pair({ datagrams });
  await send(HUNDRED);
  clock.advance(1000);
  await provider.idle();
  return got;
}

test('memoryProvider has shares of loss, duplication and reordering', async () => {
  assert.deepEqual(await hundred({}), HUNDRED);
  assert.deepEqual(await hundred({ loss: 1 }), []);
  assert.deepEqual(
    await hundred({ duplication: 1 }),
    HUNDRED.flatMap((i) => [i, i]),
  );
  const lossy = await hundred({ loss: 0.3 });
  assert.ok(lossy.length > 50 && lossy.length < 90, `${String(lossy.length)} of 100`);
  assert.deepEqual(
    lossy,
    [...lossy].sort((x, y) => x - y),
  );
  const swapped = await hundred({ reordering: 0.3 });
  assert.notDeepEqual(swapped, HUNDRED);
  assert.deepEqual(
    [...swapped].sort((x, y) => x - y),
    HUNDRED,
  );
});

test('memoryProvider is the same network for the same seed', async () => {
  const conditions = { loss: 0.2, duplication: 0.2, jitter: 7, delay: 1 };
  const first = await hundred({ ...conditions, seed: 5 });
  assert.deepEqual(await hundred({ ...conditions, seed: 5 }), first);
  assert.notDeepEqual(await hundred({ ...conditions, seed: 6 }), first);
});

test('memoryProvider delays datagrams by its clock', async () => {
  const { clock, got, send, provider } = await pair({ datagrams: { delay: 20 } });
  await send(TEN);
  clock.advance(19);
  await provider.idle();
  assert.deepEqual(got, []);
  clock.advance(1);
  await provider.idle();
  assert.deepEqual(got, TEN);
});

test('memoryProvider refuses shares and times that are none', () => {
  for (const datagrams of [{ loss: 2 }, { loss: -1 }, { duplication: NaN }, { delay: -1 }, { jitter: NaN }])
    assert.throws(() => memoryProvider({ datagrams }), RangeError);
});

const FAR = { family: 'ipv4', host: '192.0.2.9', port: 53 } as const;

test('scenario decides what becomes of datagrams to an address', async () => {
  for (const [outcome, done, told] of [
    ['blackhole', null, []],
    ['timeout', null, []],
    ['refused', null, ['ECONNREFUSED']],
    ['unreachable', null, ['EHOSTUNREACH']],
    ['denied', 'EACCES', []],
  ] as const) {
    const scenario = [{ address: FAR.host, outcome }];
    const { errors, send } = await pair({ scenario }, { icmpErrors: true });
    assert.deepEqual(await send([1], FAR), [done], outcome);
    assert.deepEqual(
      errors.map(({ code }) => code),
      told,
      outcome,
    );
    for (const { remote } of errors) assert.deepEqual(remote, FAR);
  }
  const { send } = await pair();
  assert.deepEqual(await send([1], FAR), ['EHOSTUNREACH']);
});

test('scenario delays what the network answers to a datagram', async () => {
  const scenario = [{ address: FAR.host, outcome: 'refused', delay: 30 }] as const;
  const { clock, errors, send, provider } = await pair({ scenario }, { icmpErrors: true });
  await send([1], FAR);
  assert.equal(errors.length, 0);
  clock.advance(30);
  await provider.idle();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ECONNREFUSED'],
  );
});

test('faults fail the sends and receives of message sockets, and nothing else', async () => {
  const { a, b, got, errors, send, provider } = await pair();
  provider.faults.fail('send', 'ENOBUFS', { after: 1 });
  assert.deepEqual(await send([1, 2, 3]), [null, 'ENOBUFS', null]);
  assert.deepEqual(got, [1, 3]);
  provider.faults.fail('receive', 'ENOMEM');
  a.start({ receive: () => got.push(-2), error: (error) => errors.push(error), close: () => undefined });
  await new Promise<void>((resolve) => {
    b.send({ bytes: Uint8Array.of(1), to: { family: 'ipv4', host: '127.0.0.1', port: portOf(a) } }, () => {
      resolve();
    });
  });
  await provider.idle();
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ENOMEM'],
  );
  assert.deepEqual(got, [1, 3, -2]);
  provider.faults.fail('bind', 'EMFILE');
  await assert.rejects(provider.bind({}), { code: 'EMFILE' });
});

function portOf({ local }: Datagram): number {
  assert.ok(local.family !== 'unix');
  return local.port;
}

test('multicastLoopback keeps what is sent from members on this machine', async () => {
  const { a, b, send, provider } = await pair();
  const group = { family: 'ipv4', host: '239.1.2.3' } as const;
  const heard: number[] = [];
  const member = await provider.bind({ port: portOf(b) + 1 });
  member.start({ receive: ({ bytes }) => heard.push(bytes[0] ?? -1), close: () => undefined });
  member.join({ group });
  const to = { ...group, port: portOf(member) };
  await send([1], to);
  a.set('multicastLoopback', false);
  await send([2], to);
  a.set('multicastLoopback', true);
  await send([3], to);
  assert.deepEqual(heard, [1, 3]);
});

test('bind of a remote that is a name takes the time of its look-up, and no more', async () => {
  const clock = new ManualClock();
  const resolver = (): Promise<never> => new Promise(() => undefined);
  const provider = memoryProvider({ clock, resolver });
  const remote = { host: 'slow.test', port: 5 };
  const binding = assert.rejects(provider.bind({ remote, timeout: 50 }), { code: 'ETIMEDOUT' });
  await provider.idle();
  clock.advance(50);
  await binding;
  assert.equal(clock.pending, 0);
  assert.equal(provider.network.openCount, 0);
});
