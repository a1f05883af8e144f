/** What takes two hosts or a second interface: which address, which interface, which group. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import type { Socket } from '../posix/socket.ts';
import { settledLeakCheck } from '../posix/test-kit.ts';
import { dataOf } from './control-kit.ts';
import { whyNoNamespace } from './network-namespace.ts';
import type { RoutedNetworks } from './routed-networks.ts';
import { boundUdp, bytes, ip, makeNetworks, nextText, WAIT } from './routed-networks.ts';

const { constants } = loadNative();

type Case = (t: TestContext, networks: RoutedNetworks) => Promise<void>;

/** The bytes of a datagram are its name: which came, and in which order, is what is seen. */
const send = (socket: Socket, text: string, host: string, port: number): void => {
  assert.equal(socket.sendTo(bytes(text), ip(host, port)), text.length);
};

// --- addresses ----------------------------------------------------------------------------------

const pktinfo4: Case = async (t, { near, router, index }) => {
  const { socket: server, port } = await boundUdp(t, router, '0.0.0.0');
  server.setOption('IPPROTO_IP', 'IP_PKTINFO', true);
  for (const [host, device] of [
    ['10.1.0.254', 'r0'],
    ['10.1.0.253', 'r0'],
    ['10.2.0.254', 'r1'],
  ] as const) {
    // A connected client hears only from the address that it asked.
    const { socket: client } = await boundUdp(t, near, '0.0.0.0');
    client.connect(ip(host, port));
    client.send(bytes('ask'));
    const asked = await server.recvMsgAsync({}, WAIT);
    const info = dataOf(asked, 'IP_PKTINFO');
    assert.deepEqual(info, { interface: index[device], source: host, destination: host });
    const control = [{ level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: info }] as const;
    assert.ok(asked.address !== null);
    server.sendMsg({ data: bytes('answer'), address: asked.address, control });
    assert.deepEqual(await nextText(client), ['answer', host]);
  }
};

const pktinfo6: Case = async (t, { near, router, index }) => {
  const { socket: server, port } = await boundUdp(t, router, '::');
  server.setOption('IPPROTO_IPV6', 'IPV6_RECVPKTINFO', true);
  for (const [host, device] of [
    ['fd01::fe', 'r0'],
    ['fd01::fd', 'r0'],
    ['fd02::fe', 'r1'],
  ] as const) {
    const { socket: client } = await boundUdp(t, near, '::');
    client.connect(ip(host, port));
    client.send(bytes('ask'));
    const asked = await server.recvMsgAsync({}, WAIT);
    const info = dataOf(asked, 'IPV6_PKTINFO');
    assert.deepEqual(info, { address: host, interface: index[device] });
    const control = [{ level: 'IPPROTO_IPV6', type: 'IPV6_PKTINFO', data: info }] as const;
    assert.ok(asked.address !== null);
    server.sendMsg({ data: bytes('answer'), address: asked.address, control });
    assert.deepEqual(await nextText(client), ['answer', host]);
  }
};

const chooseSource: Case = async (t, { near, router, index }) => {
  const { socket: server, port } = await boundUdp(t, router, '::');
  const { socket: client } = await boundUdp(t, near, '0.0.0.0');
  const { socket: client6 } = await boundUdp(t, near, '::');
  for (const source of ['10.1.0.1', '10.1.0.2']) {
    const control = [{ level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: { source } }] as const;
    client.sendMsg({ data: bytes('v4'), address: ip('10.1.0.254', port), control });
    assert.deepEqual(await nextText(server), ['v4', `::ffff:${source}`]);
  }
  for (const address of ['fd01::1', 'fd01::2']) {
    const control = [{ level: 'IPPROTO_IPV6', type: 'IPV6_PKTINFO', data: { address } }] as const;
    client6.sendMsg({ data: bytes('v6'), address: ip('fd01::fe', port), control });
    assert.deepEqual(await nextText(server), ['v6', address]);
  }
  // The interface alone: a group has no route, so that it is what chooses.
  server.setOption('IPPROTO_IPV6', 'IPV6_RECVPKTINFO', true);
  for (const [from, at] of [
    ['a0', 'r0'],
    ['a1', 'r1'],
  ] as const) {
    const data = { interface: index[from] };
    const control = [{ level: 'IPPROTO_IPV6', type: 'IPV6_PKTINFO', data }] as const;
    client6.sendMsg({ data: bytes('all'), address: ip('ff02::1', port), control });
    const got = await server.recvMsgAsync({}, WAIT);
    assert.deepEqual(dataOf(got, 'IPV6_PKTINFO'), { address: 'ff02::1', interface: index[at] });
  }
};

const linkLocal: Case = async (t, { near, router, index }) => {
  const { socket: server, port } = await boundUdp(t, router, '::');
  const { socket: client } = await boundUdp(t, near, '::');
  const to = { ...ip('fe80::b', port), scope: String(index.a0) };
  client.sendTo(bytes('by number'), to);
  const got = await server.recvFromAsync(64, WAIT);
  assert.equal(got.address?.family, 'ipv6');
  assert.deepEqual([got.address.host, got.address.scope], ['fe80::a', String(index.r0)]);
  // What was received is good for the answer.
  server.sendTo(bytes('back'), got.address);
  const back = await client.recvFromAsync(64, WAIT);
  assert.deepEqual(back.address, to);
  await near.sendDatagram(['AF_INET6', 'SOCK_DGRAM'], { ...to, scope: 'a0' }, 'by name');
  assert.deepEqual(await nextText(server), ['by name', 'fe80::a']);
  assert.throws(() => client.connect(ip('fe80::b', port)), { code: 'EINVAL', syscall: 'connect' });
  await assert.rejects(
    near.sendDatagram(['AF_INET6', 'SOCK_DGRAM'], { ...to, scope: 'a7' }, 'no such'),
    /ENODEV/,
  );
};

// --- interfaces ---------------------------------------------------------------------------------

const bindToInterface: Case = async (t, { near, router, index }) => {
  using first = await router.socket('AF_INET', 'SOCK_DGRAM');
  using second = await router.socket('AF_INET', 'SOCK_DGRAM');
  first.setOption('SOL_SOCKET', 'SO_BINDTODEVICE', 'r0');
  second.setOption('SOL_SOCKET', 'SO_BINDTOIFINDEX', index.r1);
  assert.equal(second.getOption('SOL_SOCKET', 'SO_BINDTODEVICE'), 'r1');
  assert.equal(first.getOption('SOL_SOCKET', 'SO_BINDTOIFINDEX'), index.r0);
  first.bind(ip('0.0.0.0'));
  const { port } = first.localAddress() as { port: number };
  // They are of different interfaces, so that both may have the port.
  second.bind(ip('0.0.0.0', port));
  const { socket: client } = await boundUdp(t, near, '0.0.0.0');
  for (const round of ['1', '2']) {
    send(client, `r1 ${round}`, '10.2.0.254', port);
    send(client, `r0 ${round}`, '10.1.0.254', port);
    assert.deepEqual(await nextText(first), [`r0 ${round}`, '10.1.0.1']);
    assert.deepEqual(await nextText(second), [`r1 ${round}`, '10.2.0.1']);
  }
  assert.equal(first.recv(), null);
  assert.equal(second.recv(), null);
  assert.throws(
    () => {
      first.setOption('SOL_SOCKET', 'SO_BINDTODEVICE', 'a0');
    },
    { code: 'ENODEV' },
  );
};

const broadcast: Case = async (t, { near, router }) => {
  const { socket: server, port } = await boundUdp(t, router, '0.0.0.0');
  const { socket: client } = await boundUdp(t, near, '0.0.0.0');
  for (const host of ['10.1.0.255', '255.255.255.255'])
    assert.throws(() => client.sendTo(bytes('x'), ip(host, port)), { code: 'EACCES', syscall: 'sendto' });
  client.setOption('SOL_SOCKET', 'SO_BROADCAST', true);
  send(client, 'subnet', '10.1.0.255', port);
  assert.deepEqual(await nextText(server), ['subnet', '10.1.0.1']);
  send(client, 'all', '255.255.255.255', port);
  assert.deepEqual(await nextText(server), ['all', '10.1.0.1']);
};

// --- groups -------------------------------------------------------------------------------------

const GROUP = '239.7.7.7';
const GROUP6 = 'ff15::7';

const membershipByIndex: Case = async (t, { near, router, index }) => {
  const { socket: first, port } = await boundUdp(t, router, '0.0.0.0', 40_400);
  const { socket: second } = await boundUdp(t, router, '0.0.0.0', port);
  for (const [socket, ifindex] of [
    [first, index.r0],
    [second, index.r1],
  ] as const) {
    socket.setOption('IPPROTO_IP', 'IP_MULTICAST_ALL', false);
    socket.setOption('IPPROTO_IP', 'IP_ADD_MEMBERSHIP', { multiaddr: GROUP, ifindex });
  }
  const { socket: client } = await boundUdp(t, near, '0.0.0.0');
  for (const [ifindex, text] of [
    [index.a0, 'a0'],
    [index.a1, 'a1'],
    [index.a0, 'a0 again'],
  ] as const) {
    client.setOption('IPPROTO_IP', 'IP_MULTICAST_IF', { ifindex });
    send(client, text, GROUP, port);
  }
  assert.equal((await nextText(first))[0], 'a0');
  assert.equal((await nextText(first))[0], 'a0 again');
  assert.equal((await nextText(second))[0], 'a1');
  first.setOption('IPPROTO_IP', 'IP_DROP_MEMBERSHIP', { multiaddr: GROUP, ifindex: index.r0 });
  assert.throws(
    () => {
      first.setOption('IPPROTO_IP', 'IP_DROP_MEMBERSHIP', { multiaddr: GROUP, ifindex: index.r0 });
    },
    { code: 'EADDRNOTAVAIL' },
  );
};

interface Group {
  readonly level: 'IPPROTO_IP' | 'IPPROTO_IPV6';
  readonly group: string;
  readonly any: string;
  readonly sources: readonly [good: string, bad: string];
}

const GROUPS: readonly Group[] = [
  { level: 'IPPROTO_IP', group: GROUP, any: '0.0.0.0', sources: ['10.1.0.1', '10.1.0.2'] },
  { level: 'IPPROTO_IPV6', group: GROUP6, any: '::', sources: ['fd01::1', 'fd01::2'] },
];

/** Sends to a group from each source, the unwanted one first. */
async function sendFromBoth(
  t: TestContext,
  { near, index }: RoutedNetworks,
  { group, sources }: Group,
  port: number,
): Promise<void> {
  for (const source of sources.toReversed()) {
    const { socket } = await boundUdp(t, near, source);
    if (source.includes(':')) socket.setOption('IPPROTO_IPV6', 'IPV6_MULTICAST_IF', index.a0);
    else socket.setOption('IPPROTO_IP', 'IP_MULTICAST_IF', { ifindex: index.a0 });
    send(socket, 'hello', group, port);
  }
}

const blockedSource =
  (which: Group): Case =>
  async (t, networks) => {
    const { level, group, any, sources } = which;
    const { socket, port } = await boundUdp(t, networks.router, any);
    const place = { interface: networks.index.r0, group };
    const source = { ...place, source: sources[1] };
    socket.setOption(level, 'MCAST_JOIN_GROUP', place);
    await sendFromBoth(t, networks, which, port);
    assert.deepEqual(await nextText(socket), ['hello', sources[1]]);
    assert.deepEqual(await nextText(socket), ['hello', sources[0]]);
    socket.setOption(level, 'MCAST_BLOCK_SOURCE', source);
    await sendFromBoth(t, networks, which, port);
    assert.deepEqual(await nextText(socket), ['hello', sources[0]]);
    socket.setOption(level, 'MCAST_UNBLOCK_SOURCE', source);
    await sendFromBoth(t, networks, which, port);
    assert.deepEqual(await nextText(socket), ['hello', sources[1]]);
    assert.deepEqual(await nextText(socket), ['hello', sources[0]]);
    socket.setOption(level, 'MCAST_LEAVE_GROUP', place);
    assert.equal(socket.recv(), null);
  };

const oneSource =
  (which: Group): Case =>
  async (t, networks) => {
    const { level, group, any, sources } = which;
    const { socket, port } = await boundUdp(t, networks.router, any);
    const source = { interface: networks.index.r0, group, source: sources[0] };
    socket.setOption(level, 'MCAST_JOIN_SOURCE_GROUP', source);
    await sendFromBoth(t, networks, which, port);
    assert.deepEqual(await nextText(socket), ['hello', sources[0]]);
    assert.equal(socket.recv(), null);
    socket.setOption(level, 'MCAST_LEAVE_SOURCE_GROUP', source);
    assert.throws(
      () => {
        socket.setOption(level, 'MCAST_LEAVE_SOURCE_GROUP', source);
      },
      { code: 'EINVAL' },
    );
  };

// --- what the peer sees -------------------------------------------------------------------------

const seenByPeer4: Case = async (t, { near, far }) => {
  const { socket: server, port } = await boundUdp(t, far, '0.0.0.0');
  server.setOption('IPPROTO_IP', 'IP_RECVTTL', true);
  server.setOption('IPPROTO_IP', 'IP_RECVTOS', true);
  const { socket: client } = await boundUdp(t, near, '0.0.0.0');
  client.setOption('IPPROTO_IP', 'IP_TTL', 9);
  // Expedited forwarding, able to carry congestion marks.
  client.setOption('IPPROTO_IP', 'IP_TOS', 0xb9);
  send(client, 'by option', '10.3.0.1', port);
  const one = await server.recvMsgAsync({}, WAIT);
  // The router is a hop.
  assert.deepEqual([dataOf(one, 'IP_TTL'), dataOf(one, 'IP_TOS')], [8, 0xb9]);
  const control = [
    { level: 'IPPROTO_IP', type: 'IP_TTL', data: 77 },
    { level: 'IPPROTO_IP', type: 'IP_TOS', data: 0x2a },
  ] as const;
  client.sendMsg({ data: bytes('by message'), address: ip('10.3.0.1', port), control });
  const two = await server.recvMsgAsync({}, WAIT);
  assert.deepEqual([dataOf(two, 'IP_TTL'), dataOf(two, 'IP_TOS')], [76, 0x2a]);
};

const seenByPeer6: Case = async (t, { near, far }) => {
  const { socket: server, port } = await boundUdp(t, far, '::');
  server.setOption('IPPROTO_IPV6', 'IPV6_RECVHOPLIMIT', true);
  server.setOption('IPPROTO_IPV6', 'IPV6_RECVTCLASS', true);
  const { socket: client } = await boundUdp(t, near, '::');
  client.setOption('IPPROTO_IPV6', 'IPV6_UNICAST_HOPS', 9);
  client.setOption('IPPROTO_IPV6', 'IPV6_TCLASS', 0xb9);
  send(client, 'by option', 'fd03::1', port);
  const one = await server.recvMsgAsync({}, WAIT);
  assert.deepEqual([dataOf(one, 'IPV6_HOPLIMIT'), dataOf(one, 'IPV6_TCLASS')], [8, 0xb9]);
  const control = [
    { level: 'IPPROTO_IPV6', type: 'IPV6_HOPLIMIT', data: 77 },
    { level: 'IPPROTO_IPV6', type: 'IPV6_TCLASS', data: 0x2a },
  ] as const;
  client.sendMsg({ data: bytes('by message'), address: ip('fd03::1', port), control });
  const two = await server.recvMsgAsync({}, WAIT);
  assert.deepEqual([dataOf(two, 'IPV6_HOPLIMIT'), dataOf(two, 'IPV6_TCLASS')], [76, 0x2a]);
};

const foreignAddress: Case = async (t, { near, router }) => {
  const foreign = ip('192.0.2.55');
  for (const option of ['IP_FREEBIND', 'IP_TRANSPARENT'] as const) {
    using socket = await near.socket('AF_INET', 'SOCK_DGRAM');
    assert.throws(
      () => {
        socket.bind(foreign);
      },
      { code: 'EADDRNOTAVAIL', syscall: 'bind', local: foreign },
    );
    socket.setOption('IPPROTO_IP', option, true);
    socket.bind(foreign);
    assert.equal((socket.localAddress() as { host: string }).host, '192.0.2.55');
  }
  const { socket: server, port } = await boundUdp(t, router, '0.0.0.0');
  using sender = await near.socket('AF_INET', 'SOCK_DGRAM');
  sender.setOption('IPPROTO_IP', 'IP_TRANSPARENT', true);
  sender.bind(foreign);
  send(sender, 'from another', '10.1.0.254', port);
  assert.deepEqual(await nextText(server), ['from another', '192.0.2.55']);
  using six = await near.socket('AF_INET6', 'SOCK_DGRAM');
  six.setOption('IPPROTO_IPV6', 'IPV6_FREEBIND', true);
  six.bind(ip('2001:db8::55'));
  assert.equal((six.localAddress() as { host: string }).host, '2001:db8::55');
};

const packetOfTheWire: Case = async (t, { near, router, index }) => {
  using tap = await router.socket('AF_PACKET', 'SOCK_DGRAM');
  tap.bind({ family: 'packet', protocol: constants.ETH_P_IP, interface: index.r0 });
  const { socket: client, port } = await boundUdp(t, near, '0.0.0.0');
  send(client, 'seen', '10.1.0.254', 9);
  const { data, address } = await tap.recvFromAsync(2048, WAIT);
  assert.equal(address?.family, 'packet');
  assert.deepEqual(
    [address.interface, address.protocol, address.hardwareType, address.packetType, address.address?.length],
    [index.r0, constants.ETH_P_IP, constants.ARPHRD_ETHER, constants.PACKET_HOST, 6],
  );
  const [link] = JSON.parse(await near.ip('-j', 'link', 'show', 'dev', 'a0')) as { address: string }[];
  assert.equal(Buffer.from(address.address ?? []).toString('hex'), link?.address.replaceAll(':', ''));
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  assert.deepEqual([view.getUint8(9), view.getUint16(20), view.getUint16(22)], [17, port, 9]);
  assert.equal(Buffer.from(data.subarray(28, 32)).toString(), 'seen');
};

const CASES: readonly (readonly [name: string, run: Case])[] = [
  ['IP_PKTINFO answers from the address that was asked, and says which interface', pktinfo4],
  ['IPV6_PKTINFO answers from the address that was asked, and says which interface', pktinfo6],
  ['sendMsg chooses source and interface by IP_PKTINFO and IPV6_PKTINFO', chooseSource],
  ['addresses of the link go by number and by name of an interface', linkLocal],
  ['SO_BINDTODEVICE and SO_BINDTOIFINDEX let in only what comes by that interface', bindToInterface],
  ['SO_BROADCAST is asked for, and reaches the other host', broadcast],
  ['IP_ADD_MEMBERSHIP joins on the interface of a number', membershipByIndex],
  ...GROUPS.flatMap((group): (readonly [string, Case])[] => [
    [`MCAST_JOIN_GROUP of ${group.level} receives, but for a source that is blocked`, blockedSource(group)],
    [`MCAST_JOIN_SOURCE_GROUP of ${group.level} receives from that source alone`, oneSource(group)],
  ]),
  ['IP_TTL and IP_TOS with its ECN bits arrive at a host behind a router', seenByPeer4],
  ['IPV6_UNICAST_HOPS and IPV6_TCLASS arrive at a host behind a router', seenByPeer6],
  ['IP_FREEBIND and IP_TRANSPARENT bind an address that is not here', foreignAddress],
  ['a packet socket tells the sender of a frame by its hardware address', packetOfTheWire],
];

test('between network namespaces', { skip: whyNoNamespace() }, async (t) => {
  const leaks = await settledLeakCheck();
  await t.test('two hosts and a router', async (all) => {
    const networks = await makeNetworks(all);
    for (const [name, run] of CASES) await all.test(name, (each) => run(each, networks));
  });
  leaks.check();
});
