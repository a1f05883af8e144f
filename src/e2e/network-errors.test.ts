/** What the network says when it can't: errors of ICMP, path MTU, and ports that run out. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import type { SocketAddress } from '../posix/address.ts';
import type { ReceivedMessage } from '../posix/message.ts';
import { poll } from '../posix/poll.ts';
import type { Socket } from '../posix/socket.ts';
import { settledLeakCheck } from '../posix/test-kit.ts';
import { dataOf } from './control-kit.ts';
import { whyNoNamespace } from './network-namespace.ts';
import type { RoutedNetworks } from './routed-networks.ts';
import { boundUdp, bytes, ip, makeNetworks, nextText, SMALL_MTU, textOf, WAIT } from './routed-networks.ts';

const { constants, errorNumbers } = loadNative();

type Case = (t: TestContext, networks: RoutedNetworks) => Promise<void>;

/** The next message of the error queue, once there is one. */
function nextError(socket: Socket): ReceivedMessage {
  const [revents] = poll([{ on: socket, events: 0 }], WAIT.timeout);
  assert.equal((revents ?? 0) & constants.POLLERR, constants.POLLERR);
  const message = socket.recvMsg({}, { flags: constants.MSG_ERRQUEUE });
  assert.ok(message !== null);
  assert.equal(message.errorQueue, true);
  return message;
}

/** What the two families call the same. */
interface Family {
  readonly any: string;
  readonly near: string;
  readonly router: string;
  readonly far: string;
  /** A network that the router has no way to. */
  readonly nowhere: string;
  readonly row: 'IP_RECVERR' | 'IPV6_RECVERR';
  readonly origin: number;
  readonly portUnreachable: readonly [type: number, code: number];
  readonly hostUnreachable: readonly [type: number, code: number, errno: 'EHOSTUNREACH' | 'ENETUNREACH'];
  /** Bytes before the payload of UDP. */
  readonly headers: number;
  readonly tooBig: readonly [type: number, code: number];
}

const V4: Family = {
  any: '0.0.0.0',
  near: '10.1.0.1',
  router: '10.1.0.254',
  far: '10.3.0.1',
  nowhere: '10.9.0.1',
  row: 'IP_RECVERR',
  origin: constants.SO_EE_ORIGIN_ICMP,
  portUnreachable: [3, 3],
  hostUnreachable: [3, 1, 'EHOSTUNREACH'],
  headers: 28,
  tooBig: [3, 4],
};
const V6: Family = {
  any: '::',
  near: 'fd01::1',
  router: 'fd01::fe',
  far: 'fd03::1',
  nowhere: 'fd09::1',
  row: 'IPV6_RECVERR',
  origin: constants.SO_EE_ORIGIN_ICMP6,
  portUnreachable: [1, 4],
  hostUnreachable: [1, 0, 'ENETUNREACH'],
  headers: 48,
  tooBig: [2, 0],
};

function tellErrors(socket: Socket, { row }: Family): void {
  if (row === 'IP_RECVERR') socket.setOption('IPPROTO_IP', row, true);
  else socket.setOption('IPPROTO_IPV6', row, true);
}

const hostOf = (message: { readonly address: unknown }): unknown =>
  (message.address as { host?: string } | null)?.host;

// --- errors of ICMP -----------------------------------------------------------------------------

/** A port of `far` that nobody has. */
async function closedPort(t: TestContext, { far }: RoutedNetworks, { any }: Family): Promise<number> {
  const { socket, port } = await boundUdp(t, far, any);
  socket.close();
  return port;
}

const notToldUnasked =
  (family: Family): Case =>
  async (t, networks) => {
    const port = await closedPort(t, networks, family);
    const { socket: server, port: open } = await boundUdp(t, networks.far, family.any);
    const { socket } = await boundUdp(t, networks.near, family.any);
    for (const text of ['one', 'two']) socket.sendTo(bytes(text), ip(family.far, port));
    // Both are refused by the time that this is answered.
    socket.sendTo(bytes('three'), ip(family.far, open));
    const { address } = await server.recvFromAsync(64, WAIT);
    assert.ok(address !== null);
    server.sendTo(bytes('fine'), address);
    assert.deepEqual(await nextText(socket), ['fine', family.far]);
    assert.equal(socket.getOption('SOL_SOCKET', 'SO_ERROR'), 0);
  };

const portUnreachable =
  (family: Family): Case =>
  async (t, networks) => {
    const port = await closedPort(t, networks, family);
    const { socket } = await boundUdp(t, networks.near, family.any);
    tellErrors(socket, family);
    socket.sendTo(bytes('refused'), ip(family.far, port));
    const message = nextError(socket);
    // What was sent, and whom to; who says that it did not arrive.
    assert.equal(textOf(message.data), 'refused');
    assert.deepEqual(message.address, ip(family.far, port));
    const { errno, name, origin, type, code, offender } = dataOf(message, family.row);
    assert.deepEqual([errno, name, origin], [errorNumbers.ECONNREFUSED, 'ECONNREFUSED', family.origin]);
    assert.deepEqual([type, code], family.portUnreachable);
    assert.deepEqual(offender, ip(family.far));
    assert.equal(socket.recvMsg({}, { flags: constants.MSG_ERRQUEUE }), null);
    // The socket goes on.
    const { socket: server, port: open } = await boundUdp(t, networks.far, family.any);
    socket.sendTo(bytes('still here'), ip(family.far, open));
    assert.deepEqual(await nextText(server), ['still here', family.near]);
  };

const connectedIsTold =
  (family: Family): Case =>
  async (t, networks) => {
    const port = await closedPort(t, networks, family);
    const { socket } = await boundUdp(t, networks.near, family.any);
    socket.connect(ip(family.far, port));
    socket.send(bytes('x'));
    await assert.rejects(socket.recvAsync(64, WAIT), { code: 'ECONNREFUSED', syscall: 'recv' });
    assert.equal(socket.recv(), null);
  };

const hostUnreachable =
  (family: Family): Case =>
  async (t, networks) => {
    const { socket } = await boundUdp(t, networks.near, family.any);
    tellErrors(socket, family);
    socket.sendTo(bytes('lost'), ip(family.nowhere, 9));
    const message = nextError(socket);
    const { name, origin, type, code, offender } = dataOf(message, family.row);
    const [expectedType, expectedCode, errno] = family.hostUnreachable;
    assert.deepEqual([name, origin, type, code], [errno, family.origin, expectedType, expectedCode]);
    assert.deepEqual(offender, ip(family.router));
    assert.equal(hostOf(message), family.nowhere);
  };

const tcpUnreachable: Case = async (t, { near, far }) => {
  const { port } = await boundUdp(t, far, '0.0.0.0');
  using refused = await near.socket('AF_INET', 'SOCK_STREAM');
  await assert.rejects(refused.connectAsync(ip('10.3.0.1', port), WAIT), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    remote: ip('10.3.0.1', port),
  });
  using lost = await near.socket('AF_INET', 'SOCK_STREAM');
  // TCP itself would try on: this has it believe the router.
  lost.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  await assert.rejects(lost.connectAsync(ip('10.9.0.1', 9), WAIT), { code: 'EHOSTUNREACH' });
  await near.ip('route', 'add', 'prohibit', '10.8.0.0/24');
  using forbidden = await near.socket('AF_INET', 'SOCK_STREAM');
  assert.throws(() => forbidden.connect(ip('10.8.0.1', 9)), { code: 'EACCES', syscall: 'connect' });
};

const silentNeighbour: Case = async (t, { near }) => {
  // Asked three times, this far apart.
  await near.sysctl('ipv4/neigh/a0/retrans_time_ms', '20');
  const { socket } = await boundUdp(t, near, '0.0.0.0');
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  assert.equal(socket.sendTo(bytes('hello?'), ip('10.1.0.99', 9)), 6);
  const message = nextError(socket);
  const { name, type, code, offender } = dataOf(message, 'IP_RECVERR');
  // It is this machine that says so.
  assert.deepEqual([name, type, code, offender], ['EHOSTUNREACH', 3, 1, ip('10.1.0.1')]);
  assert.equal(hostOf(message), '10.1.0.99');
};

const timeExceeded: Case = async (t, { near }) => {
  const { socket } = await boundUdp(t, near, '0.0.0.0');
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  socket.setOption('IPPROTO_IP', 'IP_TTL', 1);
  socket.sendTo(bytes('one hop'), ip('10.3.0.1', 33_434));
  const { name, type, code, offender } = dataOf(nextError(socket), 'IP_RECVERR');
  assert.deepEqual([name, type, code, offender], ['EHOSTUNREACH', 11, 0, ip('10.1.0.254')]);
};

// --- path MTU -----------------------------------------------------------------------------------

/** Never fragments what it sends, and reads the path MTU. */
function discover(socket: Socket, { row }: Family): () => number {
  if (row === 'IP_RECVERR') {
    socket.setOption('IPPROTO_IP', 'IP_MTU_DISCOVER', constants.IP_PMTUDISC_DO);
    return () => socket.getOption('IPPROTO_IP', 'IP_MTU');
  }
  socket.setOption('IPPROTO_IPV6', 'IPV6_MTU_DISCOVER', constants.IPV6_PMTUDISC_DO);
  return () => socket.getOption('IPPROTO_IPV6', 'IPV6_MTU');
}

const LARGE_MTU = 1500;

const pathMtu =
  (family: Family): Case =>
  async (t, networks) => {
    const { socket: server, port } = await boundUdp(t, networks.far, family.any);
    const { socket } = await boundUdp(t, networks.near, family.any);
    const mtu = discover(socket, family);
    tellErrors(socket, family);
    assert.throws(mtu, { code: 'ENOTCONN' });
    socket.connect(ip(family.far, port));
    assert.equal(mtu(), LARGE_MTU);
    const largest = new Uint8Array(LARGE_MTU - family.headers);
    // More than the cable takes: the system itself says so, at once.
    const tooLarge = new Uint8Array(largest.length + 1);
    assert.throws(() => socket.send(tooLarge), { code: 'EMSGSIZE', syscall: 'send' });
    const local = dataOf(nextError(socket), family.row);
    assert.deepEqual([local.origin, local.info], [constants.SO_EE_ORIGIN_LOCAL, LARGE_MTU]);
    // More than the next cable takes: the router says so.
    assert.equal(socket.send(largest), largest.length);
    const { name, origin, type, code, info, offender } = dataOf(nextError(socket), family.row);
    assert.deepEqual([name, origin, info], ['EMSGSIZE', family.origin, SMALL_MTU]);
    assert.deepEqual([type, code], family.tooBig);
    assert.deepEqual(offender, ip(family.router));
    // From now on it is known.
    assert.equal(mtu(), SMALL_MTU);
    assert.throws(() => socket.send(largest), { code: 'EMSGSIZE' });
    assert.equal(dataOf(nextError(socket), family.row).info, SMALL_MTU);
    const fitting = new Uint8Array(SMALL_MTU - family.headers);
    assert.equal(socket.send(fitting), fitting.length);
    assert.equal((await server.recvAsync(2048, WAIT)).length, fitting.length);
  };

const pathMtuByMessage: Case = async (t, { near, far }) => {
  const { port } = await boundUdp(t, far, '::');
  const { socket } = await boundUdp(t, near, '::');
  socket.setOption('IPPROTO_IPV6', 'IPV6_RECVPATHMTU', true);
  socket.setOption('IPPROTO_IPV6', 'IPV6_DONTFRAG', true);
  socket.connect(ip('fd03::1', port));
  assert.throws(() => socket.send(new Uint8Array(4000)), { code: 'EMSGSIZE' });
  const message = socket.recvMsg({}, WAIT);
  assert.equal(message.length, 0);
  const { address, mtu } = dataOf(message, 'IPV6_PATHMTU');
  assert.equal(address.host, 'fd03::1');
  assert.equal(mtu, socket.getOption('IPPROTO_IPV6', 'IPV6_PATHMTU').mtu);
};

const fragments: Case = async (t, { near, far }) => {
  const { socket: server, port } = await boundUdp(t, far, '0.0.0.0');
  server.setOption('IPPROTO_IP', 'IP_RECVFRAGSIZE', true);
  const { socket } = await boundUdp(t, near, '0.0.0.0');
  socket.setOption('IPPROTO_IP', 'IP_MTU_DISCOVER', constants.IP_PMTUDISC_DONT);
  socket.sendTo(new Uint8Array(4000).fill(7), ip('10.3.0.1', port));
  const message = await server.recvMsgAsync({}, WAIT);
  assert.equal(message.data.length, 4000);
  const size = dataOf(message, 'IP_RECVFRAGSIZE');
  assert.ok(size > 1000 && size <= SMALL_MTU, String(size));
};

// --- ports --------------------------------------------------------------------------------------

const portsRunOut: Case = async (t, { near, router }) => {
  using listener = await router.socket('AF_INET', 'SOCK_STREAM');
  listener.bind(ip('10.1.0.254'));
  listener.listen();
  const target = listener.localAddress();
  await near.sysctl('ipv4/ip_local_port_range', '40000 40003');
  const all: Socket[] = [];
  t.after(() => {
    for (const each of all) each.close();
  });
  for (let i = 0; i < 4; i++) {
    const socket = await near.socket('AF_INET', 'SOCK_STREAM');
    all.push(socket);
    await socket.connectAsync(target, WAIT);
  }
  const ports = all.map((each) => (each.localAddress() as { port: number }).port);
  assert.deepEqual(ports.toSorted(), [40_000, 40_001, 40_002, 40_003]);
  const extra = await near.socket('AF_INET', 'SOCK_STREAM');
  all.push(extra);
  assert.throws(() => extra.connect(target), { code: 'EADDRNOTAVAIL', syscall: 'connect', remote: target });
  // Nothing of it is left: when a port is free again, the same socket connects.
  all[0]?.setOption('SOL_SOCKET', 'SO_LINGER', { onoff: 1, linger: 0 });
  all[0]?.close();
  await extra.connectAsync(target, WAIT);
  assert.equal((extra.localAddress() as { port: number }).port, ports[0]);
  const datagram = await Promise.all([0, 1, 2, 3, 4].map(() => near.socket('AF_INET', 'SOCK_DGRAM')));
  all.push(...datagram);
  for (const each of datagram.slice(0, 4)) each.bind(ip('10.1.0.1'));
  assert.throws(
    () => {
      datagram[4]?.bind(ip('10.1.0.1'));
    },
    { code: 'EADDRINUSE', syscall: 'bind' },
  );
};

const ownPortRange: Case = async (t, { far }) => {
  const sockets: Socket[] = [];
  t.after(() => {
    for (const each of sockets) each.close();
  });
  const make = async (): Promise<Socket> => {
    const socket = await far.socket('AF_INET', 'SOCK_STREAM');
    sockets.push(socket);
    socket.setOption('IPPROTO_IP', 'IP_LOCAL_PORT_RANGE', { low: 50_000, high: 50_001 });
    return socket;
  };
  const taken: number[] = [];
  for (let i = 0; i < 2; i++) {
    const socket = await make();
    socket.bind(ip('10.3.0.1'));
    taken.push((socket.localAddress() as { port: number }).port);
  }
  assert.deepEqual(taken.toSorted(), [50_000, 50_001]);
  const third = await make();
  assert.throws(
    () => {
      third.bind(ip('10.3.0.1'));
    },
    { code: 'EADDRINUSE' },
  );
};

const addressWithoutPort: Case = async (t, { far, router }) => {
  const targets: SocketAddress[] = [];
  for (const host of ['10.3.0.254', '10.1.0.254']) {
    const listener = await router.socket('AF_INET', 'SOCK_STREAM');
    t.after(() => {
      listener.close();
    });
    listener.bind(ip(host));
    listener.listen();
    targets.push(listener.localAddress());
  }
  const ports: number[] = [];
  for (const target of targets) {
    const socket = await far.socket('AF_INET', 'SOCK_STREAM');
    t.after(() => {
      socket.close();
    });
    socket.setOption('IPPROTO_IP', 'IP_LOCAL_PORT_RANGE', { low: 50_500, high: 50_500 });
    socket.setOption('IPPROTO_IP', 'IP_BIND_ADDRESS_NO_PORT', true);
    socket.bind(ip('10.3.0.1'));
    assert.deepEqual(socket.localAddress(), ip('10.3.0.1'));
    await socket.connectAsync(target, WAIT);
    ports.push((socket.localAddress() as { port: number }).port);
  }
  // The one port that there is, twice: the peers differ.
  assert.deepEqual(ports, [50_500, 50_500]);
};

const BOTH: readonly (readonly [name: string, family: Family])[] = [
  ['IPv4', V4],
  ['IPv6', V6],
];

const CASES: readonly (readonly [name: string, run: Case])[] = [
  ...BOTH.flatMap(([name, family]): (readonly [string, Case])[] => [
    [
      `sockets of ${name} that did not ask are not told that a port is unreachable (F24)`,
      notToldUnasked(family),
    ],
    [
      `${family.row} tells of a port that is unreachable, and the socket goes on (F24)`,
      portUnreachable(family),
    ],
    [`a connected socket of ${name} is told of a port that is unreachable (F24)`, connectedIsTold(family)],
    [`${family.row} tells of a network that is unreachable, and who says so`, hostUnreachable(family)],
    [`path MTU of ${name} is discovered behind a smaller hop (F21)`, pathMtu(family)],
  ]),
  ['connectAsync is refused by a host, a router and a route of its own (F16)', tcpUnreachable],
  ['IP_RECVERR tells of a neighbour that does not answer', silentNeighbour],
  ['IP_RECVERR tells of a router where the time to live ran out', timeExceeded],
  ['IPV6_RECVPATHMTU tells with a message of no bytes', pathMtuByMessage],
  ['IP_RECVFRAGSIZE tells how a datagram came in pieces', fragments],
  ['connect says EADDRNOTAVAIL when all ports are taken, and recovers (F04)', portsRunOut],
  ['IP_LOCAL_PORT_RANGE bounds the ports of one socket (F04)', ownPortRange],
  ['IP_BIND_ADDRESS_NO_PORT shares a port among connections to several peers (F04)', addressWithoutPort],
];

test('errors between network namespaces', { skip: whyNoNamespace() }, async (t) => {
  const leaks = await settledLeakCheck();
  await t.test('two hosts and a router', async (all) => {
    const networks = await makeNetworks(all);
    for (const [name, run] of CASES) await all.test(name, (each) => run(each, networks));
  });
  leaks.check();
});
