/**
 * The race for a connection over real sockets (F16, F64), in a network that has addresses of every kind: black holes, from
 * which nothing comes back; routes that end; hosts that refuse; a listener with a full backlog. Only the time between
 * attempts is moved by hand.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../base/address.ts';
import { formatAddress, parseIp } from '../base/address.ts';
import { ConnectError } from '../base/errors.ts';
import type { Listener, Stream, TcpConnectOptions } from '../base/provider.ts';
import { Socket } from '../posix/socket.ts';
import { countDescriptors, leakCheck } from '../testing/node/leak-check.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

/** A cable without ARP: what is sent on it goes to no hardware address that the other end has, and is gone. */
const NETWORK = `
ip link add hole0 type veth peer name hole1
ip link set hole0 addrgenmode none arp off
ip link set hole1 addrgenmode none arp off up
ip address add 10.9.0.1/24 dev hole0
ip address add fd09::1/64 dev hole0 nodad
ip link set hole0 up
ip route add unreachable 10.8.0.0/24
ip -6 route add unreachable fd08::/64
ip route add prohibit 10.7.0.0/24
ip route add blackhole 10.6.0.0/24`;

const [HOLE4, HOLE6] = ['10.9.0.2', 'fd09::2'];
const [NO_ROUTE4, NO_ROUTE6] = ['10.8.0.2', 'fd08::2'];
const PROHIBITED = '10.7.0.2';
const BLACKHOLE_ROUTE = '10.6.0.2';
const [REFUSES4, REFUSES6] = ['127.0.0.2', 'fd09::1'];
const [OPEN4, OPEN6] = ['127.0.0.1', '::1'];

interface Row {
  readonly name: string;
  readonly answers: readonly string[];
  readonly options?: Partial<TcpConnectOptions>;
  /** Milliseconds by which time is moved, one step after the other, each when all is quiet. */
  readonly steps?: readonly number[];
  readonly abort?: boolean;
  /** Attempts under way after the last step. */
  readonly underWay?: number;
  /** Who wins, `aborted`, or the errors. */
  readonly result: string;
}

const ROWS: readonly Row[] = [
  { name: 'IPv6 is a black hole', answers: [HOLE6, OPEN4], steps: [250], result: OPEN4 },
  { name: 'IPv4 is a black hole, and first', answers: [HOLE4, OPEN6], steps: [250], result: OPEN6 },
  {
    name: 'three black holes in both families',
    answers: [HOLE6, HOLE4, 'fd09::3', OPEN4],
    steps: [250, 250, 250],
    result: OPEN4,
  },
  { name: 'the first address refuses at once', answers: [REFUSES6, OPEN4], result: OPEN4 },
  { name: 'IPv6 has no route', answers: [NO_ROUTE6, 'fd08::3', OPEN4], result: OPEN4 },
  { name: 'IPv4 has no route, and is first', answers: [NO_ROUTE4, OPEN6], result: OPEN6 },
  {
    name: 'everything fails, each in its own way',
    answers: [NO_ROUTE6, PROHIBITED, REFUSES6, REFUSES4, BLACKHOLE_ROUTE],
    result: `${NO_ROUTE6} EHOSTUNREACH, ${PROHIBITED} EACCES, ${REFUSES6} ECONNREFUSED, ${REFUSES4} ECONNREFUSED, ${BLACKHOLE_ROUTE} EINVAL`,
  },
  {
    name: 'the time is over in the middle',
    answers: [HOLE6, REFUSES4, 'fd09::3', HOLE4],
    options: { timeout: 400 },
    steps: [250, 150],
    result: `${HOLE6} ETIMEDOUT, ${REFUSES4} ECONNREFUSED, fd09::3 ETIMEDOUT`,
  },
  {
    name: 'aborted in the middle',
    answers: [HOLE6, HOLE4, OPEN4],
    steps: [250],
    abort: true,
    underWay: 2,
    result: 'aborted',
  },
  {
    name: 'a thousand black holes',
    answers: Array.from({ length: 1000 }, (_, i) => `fd09::1:${i.toString(16)}`),
    steps: Array.from({ length: 40 }, () => 250),
    abort: true,
    underWay: 16,
    result: 'aborted',
  },
];

/** Lets everything settle that needs no time: what the kernel answers at once, and what is done about that. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

const portOf = ({ local }: Listener): number => (local.family === 'unix' ? 0 : local.port);

/** Listens on one port of both families, and only at the addresses that are open. */
async function listenOnBoth(provider: LocalProvider): Promise<number> {
  const port = portOf(await provider.listen({ host: OPEN4 }));
  await provider.listen({ host: OPEN6, port });
  return port;
}

interface World {
  readonly clock: ManualClock;
  readonly provider: LocalProvider;
  readonly asked: () => number;
}

function makeWorld(answers: readonly string[]): World {
  let asked = 0;
  const clock = new ManualClock();
  const addresses = answers.map(parseIp).filter((address): address is IpAddress => address !== null);
  assert.equal(addresses.length, answers.length);
  const provider = localProvider({
    clock,
    resolver: () => {
      asked++;
      return Promise.resolve(addresses);
    },
  });
  return { clock, provider, asked: () => asked };
}

function resultOf(error: unknown, reason: unknown, port: number): string {
  if (error === reason) return 'aborted';
  assert.ok(error instanceof ConnectError, String(error));
  return error.errors
    .map(({ remote, code }) => {
      assert.ok(remote !== undefined && remote.family !== 'unix');
      assert.equal(remote.port, port);
      return `${remote.host} ${code}`;
    })
    .join(', ');
}

async function play({ answers, options, steps = [], abort = false, underWay, result }: Row): Promise<void> {
  const { clock, provider, asked } = makeWorld(answers);
  const port = await listenOnBoth(provider);
  const before = countDescriptors();
  const controller = new AbortController();
  const reason = new Error('enough');
  let stream: Stream | undefined;
  const { signal } = controller;
  const told = provider.connect({ host: 'name.test', port, signal, ...options }).then(
    (made) => {
      stream = made;
      return formatAddress(made.remote).replace(/^\[?(.*?)\]?:\d+$/, '$1');
    },
    (error: unknown) => resultOf(error, reason, port),
  );
  for (const step of steps) {
    await settle();
    clock.advance(step);
  }
  await settle();
  if (underWay !== undefined) assert.equal(countDescriptors() - before, underWay, 'attempts under way');
  if (abort) controller.abort(reason);
  assert.equal(await told, result);
  assert.equal(countDescriptors() - before, stream === undefined ? 0 : 1, 'descriptors of losers');
  assert.deepEqual([asked(), clock.pending], [1, 0]);
  await provider.close();
}

/** Listens with room for one connection, and fills it: the kernel drops the SYN of whoever comes next. */
function fullListener(): { listener: Socket; filler: Socket; port: number } {
  const listener = Socket.socket('AF_INET6', 'SOCK_STREAM');
  listener.bind({ family: 'ipv6', host: OPEN6, port: 0 });
  listener.listen(0);
  const { port } = listener.localAddress() as { port: number };
  const filler = Socket.socket('AF_INET6', 'SOCK_STREAM');
  filler.connect({ family: 'ipv6', host: OPEN6, port }, { timeout: 10_000 });
  return { listener, filler, port };
}

if (inOwnNetwork(import.meta.url, NETWORK)) {
  for (const row of ROWS) {
    test(`connect to a name: ${row.name} (F64)`, async () => {
      const leaks = leakCheck();
      await play(row);
      leaks.check();
    });
  }

  test('connect to a name: a listener that is slow wins after all, with others under way (F05, F64)', async () => {
    const leaks = leakCheck();
    const { listener, filler, port } = fullListener();
    const { clock, provider } = makeWorld([OPEN6, HOLE4, 'fd09::3']);
    const before = countDescriptors();
    const connecting = provider.connect({ host: 'name.test', port });
    for (const step of [250, 250]) {
      await settle();
      clock.advance(step);
    }
    await settle();
    assert.equal(countDescriptors() - before, 3, 'attempts under way');
    // There is room now, for the SYN that the kernel sends once more by itself.
    listener.accept({ timeout: 10_000 }).socket.close();
    const stream = await connecting;
    assert.equal(formatAddress(stream.remote), `[${OPEN6}]:${String(port)}`);
    assert.equal(countDescriptors() - before, 1, 'descriptors of losers');
    await provider.close();
    filler.close();
    listener.close();
    leaks.check();
  });
}
