/**
 * Connecting to a name whose addresses are of every kind (F16, F63, F64), from the resolver to the stream: one row a
 * scenario, over a network in memory and a clock that is moved by hand.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from '../testing/manual-clock.ts';
import { ManualSignal } from '../testing/manual-signal.ts';
import type { MemorySource } from '../testing/memory-network.ts';
import { MemoryNetwork } from '../testing/memory-network.ts';
import type { MemoryProvider } from '../testing/memory-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import type { ScenarioRow } from '../testing/memory-scenario.ts';
import type { MemorySocket } from '../testing/memory-socket.ts';
import type { IpAddress, IpEndpoint } from './address.ts';
import { formatAddress, parseIp } from './address.ts';
import { ConnectError, isSocketError, ResolveError } from './errors.ts';
import type { Attempt } from './happy-eyeballs.ts';
import { MAX_ADDRESSES_TRIED, MAX_ATTEMPTS_AT_ONCE } from './happy-eyeballs.ts';
import type { Resolver } from './names.ts';
import type { TcpConnectOptions } from './provider.ts';

/** How an address answers, and after how many milliseconds. */
type Outcome = readonly [outcome: NonNullable<ScenarioRow['outcome']>, delay?: number];

interface Scenario {
  readonly name: string;
  /** What the resolver answers, in this order. */
  readonly answers: readonly string[];
  /** When it answers; never, or with an error's code. Default 0. */
  readonly resolver?: number | 'dead' | `EAI_${string}`;
  /** Of addresses that do not simply accept. */
  readonly world?: Readonly<Record<string, Outcome>>;
  readonly options?: Partial<TcpConnectOptions>;
  /** Milliseconds after which the signal aborts. */
  readonly abort?: number;
  /** The winner, `aborted`, the resolver's error, or each attempt's. */
  readonly result: string;
  /** When that is told. */
  readonly at: number;
  /** When each attempt begins. */
  readonly started: readonly string[];
  /** Those that are called off when it ends. */
  readonly cancelled?: readonly string[];
  /** The most descriptors at once, where that matters. */
  readonly most?: number;
}

const [A6, B6, C6] = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
const [A4, B4] = ['192.0.2.1', '192.0.2.2'];
const HOLE: Outcome = ['blackhole'];
const SLOW: Outcome = ['listen', 300];
const REFUSED: Outcome = ['refused'];

const many4 = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.0.${String(i >> 8)}.${String(i & 255)}`);
const many6 = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `2001:db8::${(i + 1).toString(16)}`);
const all = (hosts: readonly string[], outcome: Outcome): Readonly<Record<string, Outcome>> =>
  Object.fromEntries(hosts.map((host) => [host, outcome]));
const errors = (hosts: readonly string[], code: string): string =>
  hosts.map((host) => `${host} ${code}`).join(', ');
/** Begun one after the other, in a time of its own each. */
const every = (delay: number, hosts: readonly string[]): string[] =>
  hosts.map((host, i) => `${String(i * delay)} ${host}`);

/** The first addresses of two families, in turn. */
const inTurn = (first: readonly string[], second: readonly string[], count: number): string[] =>
  first.flatMap((host, i) => [host, second[i] ?? '']).slice(0, count);

const FAMILIES: readonly Scenario[] = [
  {
    name: 'both families work',
    answers: [A6, A4],
    result: A6,
    at: 0,
    started: [`0 ${A6}`],
  },
  {
    name: 'IPv6 is a black hole',
    answers: [A6, A4],
    world: { [A6]: HOLE },
    result: A4,
    at: 250,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6],
  },
  {
    name: 'IPv4 is a black hole, and first',
    answers: [A4, A6],
    world: { [A4]: HOLE },
    result: A6,
    at: 250,
    started: [`0 ${A4}`, `250 ${A6}`],
    cancelled: [A4],
  },
  {
    name: 'three addresses of IPv6 are black holes, and IPv4 is last',
    answers: [A6, B6, C6, A4],
    world: all([A6, B6, C6], HOLE),
    result: A4,
    at: 250,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6],
  },
  {
    name: 'both families are slow, and the first is left to finish',
    answers: [A6, A4],
    world: { [A6]: SLOW, [A4]: SLOW },
    result: A6,
    at: 300,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A4],
  },
  {
    name: 'both families are slower than four delays',
    answers: [A6, A4, B6, B4, C6],
    world: all([A6, A4, B6, B4, C6], ['listen', 1100]),
    result: A6,
    at: 1100,
    started: [`0 ${A6}`, `250 ${A4}`, `500 ${B6}`, `750 ${B4}`, `1000 ${C6}`],
    cancelled: [A4, B6, B4, C6],
    most: 5,
  },
  {
    name: 'IPv6 is a black hole and IPv4 is slow',
    answers: [A6, A4],
    world: { [A6]: HOLE, [A4]: SLOW },
    result: A4,
    at: 550,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6],
  },
  {
    name: 'the second overtakes the first',
    answers: [A6, A4],
    world: { [A6]: ['listen', 400], [A4]: ['listen', 10] },
    result: A4,
    at: 260,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6],
  },
  {
    name: 'only one family is wanted',
    answers: [A6, A4, B4],
    world: { [A4]: HOLE },
    options: { family: 'ipv4' },
    result: B4,
    at: 250,
    started: [`0 ${A4}`, `250 ${B4}`],
    cancelled: [A4],
  },
  {
    name: 'nothing is of the family that is wanted',
    answers: [A6, B6],
    options: { family: 'ipv4' },
    result: 'EAI_ADDRFAMILY',
    at: 0,
    started: [],
  },
  {
    name: 'a shorter delay',
    answers: [A6, A4, B6],
    world: all([A6, A4], HOLE),
    options: { attemptDelay: 100 },
    result: B6,
    at: 200,
    started: [`0 ${A6}`, `100 ${A4}`, `200 ${B6}`],
    cancelled: [A6, A4],
  },
];

const FAILURES: readonly Scenario[] = [
  {
    name: 'the first address refuses at once',
    answers: [A6, A4],
    world: { [A6]: REFUSED },
    result: A4,
    at: 0,
    started: [`0 ${A6}`, `0 ${A4}`],
  },
  {
    name: 'the first refuses late, and the second is under way',
    answers: [A6, A4],
    world: { [A6]: ['refused', 260], [A4]: SLOW },
    result: A4,
    at: 550,
    started: [`0 ${A6}`, `250 ${A4}`],
  },
  {
    name: 'a whole family is unreachable',
    answers: [A6, B6, A4, B4],
    world: { [A6]: ['unreachable'], [B6]: ['unreachable'], [A4]: REFUSED },
    result: B4,
    at: 0,
    started: [A6, A4, B6, B4].map((host) => `0 ${host}`),
  },
  {
    name: 'everything refuses, each in its own way',
    answers: [A6, A4, B6, B4],
    world: { [A6]: ['unreachable', 20], [A4]: REFUSED, [B6]: ['denied'], [B4]: ['reset', 5] },
    result: `${A6} EHOSTUNREACH, ${A4} ECONNREFUSED, ${B6} EACCES, ${B4} ECONNRESET`,
    at: 25,
    started: [`0 ${A6}`, `20 ${A4}`, `20 ${B6}`, `20 ${B4}`],
  },
  {
    name: 'the system gives up before we do',
    answers: [A6, A4],
    world: { [A6]: ['timeout', 1000], [A4]: ['timeout', 1000] },
    result: `${A6} ETIMEDOUT, ${A4} ETIMEDOUT`,
    at: 1250,
    started: [`0 ${A6}`, `250 ${A4}`],
  },
];

const HOSTILE: readonly Scenario[] = [
  {
    name: 'all of IPv6 comes first, 500 black holes',
    answers: [...many6(500), A4],
    world: all(many6(500), HOLE),
    result: A4,
    at: 250,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6],
    most: 2,
  },
  {
    name: '500 of one family refuse',
    answers: many4(500),
    world: all(many4(500), REFUSED),
    result: errors(many4(MAX_ADDRESSES_TRIED), 'ECONNREFUSED'),
    at: 0,
    started: many4(MAX_ADDRESSES_TRIED).map((host) => `0 ${host}`),
    most: 1,
  },
  {
    name: '500 of one family are black holes, for a minute',
    answers: many4(500),
    world: all(many4(500), HOLE),
    options: { timeout: 60_000 },
    result: errors(many4(MAX_ATTEMPTS_AT_ONCE), 'ETIMEDOUT'),
    at: 60_000,
    started: every(250, many4(MAX_ATTEMPTS_AT_ONCE)),
    cancelled: many4(MAX_ATTEMPTS_AT_ONCE),
    most: MAX_ATTEMPTS_AT_ONCE,
  },
  {
    name: 'a thousand answers, and the eighth address works',
    answers: [...many6(500), ...many4(500)],
    world: { ...all(many6(500), HOLE), ...all(many4(3), HOLE) },
    result: many4(4)[3] ?? '',
    at: 7 * 250,
    started: every(250, inTurn(many6(4), many4(4), 8)),
    cancelled: inTurn(many6(4), many4(3), 7),
    most: 8,
  },
  {
    name: 'a thousand answers that refuse are tried in both families',
    answers: [...many6(500), ...many4(500)],
    world: { ...all(many6(500), REFUSED), ...all(many4(500), REFUSED) },
    result: errors(inTurn(many6(32), many4(32), MAX_ADDRESSES_TRIED), 'ECONNREFUSED'),
    at: 0,
    started: inTurn(many6(32), many4(32), MAX_ADDRESSES_TRIED).map((host) => `0 ${host}`),
    most: 1,
  },
  {
    name: 'what is answered many times is tried once',
    answers: [A6, A6, '2001:DB8:0::1', A4, A6, A4, B4],
    world: { [A6]: HOLE, [A4]: REFUSED },
    result: B4,
    at: 250,
    started: [`0 ${A6}`, `250 ${A4}`, `250 ${B4}`],
    cancelled: [A6],
  },
];

const NAMES: readonly Scenario[] = [
  {
    name: 'a slow name server',
    answers: [A6, A4],
    resolver: 400,
    world: { [A6]: HOLE },
    result: A4,
    at: 650,
    started: [`400 ${A6}`, `650 ${A4}`],
    cancelled: [A6],
  },
  {
    name: 'a slow name server leaves less of the time',
    answers: [A6, A4],
    resolver: 400,
    world: { [A6]: HOLE, [A4]: HOLE },
    options: { timeout: 700 },
    result: `${A6} ETIMEDOUT, ${A4} ETIMEDOUT`,
    at: 700,
    started: [`400 ${A6}`, `650 ${A4}`],
    cancelled: [A6, A4],
  },
  {
    name: 'a name server that says nothing',
    answers: [],
    resolver: 'dead',
    options: { timeout: 5000 },
    result: 'resolve ETIMEDOUT',
    at: 5000,
    started: [],
  },
  {
    name: 'a name server that says nothing, and nobody who waits',
    answers: [],
    resolver: 'dead',
    abort: 100,
    result: 'aborted',
    at: 100,
    started: [],
  },
  { name: 'an empty answer', answers: [], result: 'EAI_NODATA', at: 0, started: [] },
  { name: 'no such name', answers: [], resolver: 'EAI_NONAME', result: 'EAI_NONAME', at: 0, started: [] },
  { name: 'a lame name server', answers: [], resolver: 'EAI_AGAIN', result: 'EAI_AGAIN', at: 0, started: [] },
];

const ENDS: readonly Scenario[] = [
  {
    name: 'the time is over in the middle',
    answers: [A6, A4, B6, B4],
    world: { [A6]: HOLE, [A4]: REFUSED, [B6]: HOLE, [B4]: HOLE },
    options: { timeout: 400 },
    result: `${A6} ETIMEDOUT, ${A4} ECONNREFUSED, ${B6} ETIMEDOUT`,
    at: 400,
    started: [`0 ${A6}`, `250 ${A4}`, `250 ${B6}`],
    cancelled: [A6, B6],
  },
  {
    name: 'the time is over just before an answer',
    answers: [A6],
    world: { [A6]: SLOW },
    options: { timeout: 299 },
    result: `${A6} ETIMEDOUT`,
    at: 299,
    started: [`0 ${A6}`],
    cancelled: [A6],
  },
  {
    name: 'an answer just before the time is over',
    answers: [A6],
    world: { [A6]: SLOW },
    options: { timeout: 301 },
    result: A6,
    at: 300,
    started: [`0 ${A6}`],
  },
  {
    name: 'aborted in the middle',
    answers: [A6, A4, B6],
    world: all([A6, A4, B6], HOLE),
    abort: 499,
    result: 'aborted',
    at: 499,
    started: [`0 ${A6}`, `250 ${A4}`],
    cancelled: [A6, A4],
  },
  {
    name: 'aborted while sixteen are under way',
    answers: many4(100),
    world: all(many4(100), HOLE),
    abort: 10_000,
    result: 'aborted',
    at: 10_000,
    started: every(250, many4(MAX_ATTEMPTS_AT_ONCE)),
    cancelled: many4(MAX_ATTEMPTS_AT_ONCE),
    most: MAX_ATTEMPTS_AT_ONCE,
  },
];

/** Lets every promise that is ready settle. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A network that writes down which attempts begin, which are called off, and what they hold. */
class WatchedNetwork extends MemoryNetwork {
  readonly started: string[] = [];
  readonly cancelled: string[] = [];
  most = 0;
  /** What is open beside the attempts. */
  base = 0;

  override dialTcp(remote: IpEndpoint, source: MemorySource): Attempt<MemorySocket> {
    this.started.push(`${String(this.clock.now())} ${remote.host}`);
    const attempt = super.dialTcp(remote, source);
    this.most = Math.max(this.most, this.openCount - this.base);
    return {
      result: attempt.result,
      cancel: () => {
        this.cancelled.push(remote.host);
        attempt.cancel();
      },
    };
  }
}

function resolverOf({ answers, resolver = 0 }: Scenario, clock: ManualClock): Resolver {
  const addresses = answers.map((text): IpAddress => {
    const family = text.includes(':') ? 'ipv6' : 'ipv4';
    return { family, host: text };
  });
  return (host) =>
    new Promise((resolve, reject) => {
      if (typeof resolver === 'number')
        clock.setTimer(resolver, () => {
          resolve(addresses);
        });
      else if (resolver !== 'dead') reject(new ResolveError(resolver, host));
    });
}

/** What a connect came to, as text for the table. */
function resultOf(error: unknown, aborted: unknown): string {
  if (error === aborted) return 'aborted';
  if (error instanceof ResolveError) return error.code;
  assert.ok(error instanceof ConnectError, String(error));
  const who = (each: (typeof error.errors)[number]): string =>
    each.remote === undefined
      ? (each.op ?? '')
      : formatAddress(each.remote).replace(/:80$/, '').replace(/[[\]]/g, '');
  return error.errors.map((each) => `${who(each)} ${each.code}`).join(', ');
}

/** Lets things move, and then time, until it is over. */
async function runUntil(clock: ManualClock, provider: MemoryProvider, isOver: () => boolean): Promise<void> {
  for (;;) {
    await settle();
    await provider.idle();
    await settle();
    if (isOver()) return;
    const { next } = clock;
    assert.ok(next !== null, 'nothing will ever happen');
    clock.advance(next - clock.now());
  }
}

async function play(scenario: Scenario): Promise<void> {
  const { world = {}, options, abort, result, at, started, cancelled = [], most } = scenario;
  const clock = new ManualClock();
  const rows = Object.entries(world).map(([address, [outcome, delay]]) => ({ address, outcome, delay }));
  const network = new WatchedNetwork({ clock, scenario: rows });
  const provider = memoryProvider({ network, resolver: resolverOf(scenario, clock) });
  for (const host of ['0.0.0.0', '::']) await provider.listen({ host, port: 80, ipv6Only: host === '::' });
  network.base = network.openCount;
  const signal = new ManualSignal();
  const reason = new Error('enough');
  let end: { text: string; at: number } | undefined;
  const tell = (text: string): void => {
    end = { text, at: clock.now() };
  };
  const connected = provider.connect({ host: 'name.test', port: 80, signal, ...options }).then(
    (stream) => {
      assert.ok(stream.remote.family !== 'unix');
      tell(stream.remote.host);
      return stream;
    },
    (error: unknown) => {
      assert.ok(error === reason || isSocketError(error), String(error));
      tell(resultOf(error, reason));
      return undefined;
    },
  );
  if (abort !== undefined)
    clock.setTimer(abort, () => {
      signal.abort(reason);
    });
  await runUntil(clock, provider, () => end !== undefined);
  assert.deepEqual(end, { text: result, at });
  assert.deepEqual(network.started, started);
  assert.deepEqual(network.cancelled, cancelled);
  if (most !== undefined) assert.equal(network.most, most, 'descriptors at once');
  const stream = await connected;
  assert.equal(network.openCount - network.base, stream === undefined ? 0 : 1, 'descriptors of losers');
  assert.equal(signal.listenerCount, 0, 'listeners of the signal');
  assert.deepEqual(
    [...provider.sockets()].filter(({ kind }) => kind === 'stream').length,
    stream === undefined ? 0 : 1,
  );
  stream?.abort();
  await provider.idle();
  assert.equal(network.openCount, network.base);
  // Time goes on, and nothing that was called off comes back.
  clock.advance(100_000);
  await settle();
  assert.deepEqual([network.started.length, network.openCount], [started.length, network.base]);
  await provider.close();
}

for (const scenario of [...FAMILIES, ...FAILURES, ...HOSTILE, ...NAMES, ...ENDS]) {
  for (const text of scenario.answers) assert.ok(parseIp(text), text);
  test(`connect to a name: ${scenario.name} (F64)`, () => play(scenario));
}
