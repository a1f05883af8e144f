/** Sockets of IP by other protocols than TCP and UDP. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import {
  bytes,
  connected,
  echoRequest,
  INTERNET,
  textOf,
  WAIT,
  whyNo,
  withChecksum,
} from '../e2e/families-kit.ts';
import { NetworkNamespace, whyNoNamespace } from '../e2e/network-namespace.ts';
import { python } from '../testing/node/peer.ts';
import type { InternetAddress } from './address.ts';
import type { Socket } from './socket.ts';
import { closing, internet, LOOPBACK, open, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();
const { ICMP_ECHO, ICMP_ECHOREPLY } = constants;
/** RFC 4443 */
const ICMP6_ECHO = 128;
const ICMP6_ECHO_REPLY = 129;

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const LOOPBACK6: InternetAddress = { family: 'ipv6', host: '::1', port: 0 };
const IP_HEADER = 20;
/** What tells our packets from others of this machine. */
const ID = process.pid & 0xffff;

/** Receives until a packet is ours: raw sockets see everybody's. */
function receiveOurs(socket: Socket, isOurs: (data: Uint8Array) => boolean): Uint8Array {
  for (;;) {
    const data = socket.recv(2048, WAIT);
    if (isOurs(data)) return data;
  }
}

const u16 = (data: Uint8Array, at: number): number =>
  new DataView(data.buffer, data.byteOffset, data.length).getUint16(at);

// --- raw ----------------------------------------------------------------------------------------

test(
  'SOCK_RAW IPPROTO_ICMP is answered by loopback',
  { skip: whyNo('AF_INET', 'SOCK_RAW', 'IPPROTO_ICMP') },
  (t) => {
    const socket = open(t, 'AF_INET', 'SOCK_RAW', 'IPPROTO_ICMP');
    socket.setOption('SOL_RAW', 'ICMP_FILTER', { pass: [ICMP_ECHOREPLY] });
    const request = withChecksum(echoRequest(ICMP_ECHO, ID, 1, 'echo'), 2);
    assert.equal(socket.sendTo(request, LOOPBACK), request.length);
    const packet = receiveOurs(socket, (data) => u16(data, IP_HEADER + 4) === ID);
    // IPv4 comes with its header.
    assert.equal(packet[0], 0x45);
    const reply = packet.subarray(IP_HEADER);
    assert.deepEqual([reply[0], u16(reply, 6), textOf(reply.subarray(8))], [ICMP_ECHOREPLY, 1, 'echo']);
  },
);

test(
  'SOCK_RAW IPPROTO_ICMPV6 is answered by loopback, and has its checksum made',
  { skip: whyNo('AF_INET6', 'SOCK_RAW', 'IPPROTO_ICMPV6') },
  (t) => {
    const socket = open(t, 'AF_INET6', 'SOCK_RAW', 'IPPROTO_ICMPV6');
    socket.setOption('SOL_ICMPV6', 'ICMPV6_FILTER', { pass: [ICMP6_ECHO_REPLY] });
    socket.sendTo(echoRequest(ICMP6_ECHO, ID, 2, 'echo6'), LOOPBACK6);
    // Without its header.
    const reply = receiveOurs(socket, (data) => u16(data, 4) === ID);
    assert.deepEqual([reply[0], u16(reply, 6), textOf(reply.subarray(8))], [ICMP6_ECHO_REPLY, 2, 'echo6']);
  },
);

/** A datagram of UDP with an IPv4 header of our making. Length and checksum of the header are the system's to fill in. */
function packetOfOurs(from: string, to: InternetAddress, text: string): Uint8Array {
  const payload = bytes(text);
  const packet = new Uint8Array(IP_HEADER + 8 + payload.length);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0x10], 0);
  packet.set([77, constants.IPPROTO_UDP], 8);
  packet.set(from.split('.').map(Number), 12);
  packet.set(to.host.split('.').map(Number), 16);
  view.setUint16(IP_HEADER, 4242);
  view.setUint16(IP_HEADER + 2, to.port);
  // No checksum: zero is none.
  view.setUint16(IP_HEADER + 4, 8 + payload.length);
  packet.set(payload, IP_HEADER + 8);
  return packet;
}

test(
  "IP_HDRINCL sends a header of the caller's, also from an address of its choice",
  { skip: whyNo('AF_INET', 'SOCK_RAW', 'IPPROTO_RAW') },
  (t) => {
    const receiver = open(t, 'AF_INET', 'SOCK_DGRAM');
    receiver.bind(LOOPBACK);
    receiver.setOption('IPPROTO_IP', 'IP_RECVTTL', true);
    receiver.setOption('IPPROTO_IP', 'IP_RECVTOS', true);
    const to = internet(receiver.localAddress());
    // IPPROTO_RAW implies it; any other protocol is told.
    const implied = open(t, 'AF_INET', 'SOCK_RAW', 'IPPROTO_RAW');
    assert.equal(implied.getOption('IPPROTO_IP', 'IP_HDRINCL'), true);
    const told = open(t, 'AF_INET', 'SOCK_RAW', 'IPPROTO_UDP');
    assert.equal(told.getOption('IPPROTO_IP', 'IP_HDRINCL'), false);
    told.setOption('IPPROTO_IP', 'IP_HDRINCL', true);
    for (const socket of [implied, told]) {
      const packet = packetOfOurs('127.7.7.7', to, 'made');
      assert.equal(socket.sendTo(packet, { ...to, port: 0 }), packet.length);
      const { data, address, control } = receiver.recvMsg({}, WAIT);
      assert.equal(textOf(data), 'made');
      assert.deepEqual(address, { family: 'ipv4', host: '127.7.7.7', port: 4242 });
      assert.deepEqual(
        control.map(({ type, data: value }) => [type, value]),
        [
          ['IP_TTL', 77],
          ['IP_TOS', 0x10],
        ],
      );
    }
    assert.throws(() => implied.sendTo(bytes('short'), to), { code: 'EINVAL' });
  },
);

test(
  'SOCK_RAW of a protocol for experiments carries what it is given',
  { skip: whyNo('AF_INET', 'SOCK_RAW', 253) },
  (t) => {
    const [sender, receiver] = [open(t, 'AF_INET', 'SOCK_RAW', 253), open(t, 'AF_INET', 'SOCK_RAW', 253)];
    receiver.bind({ ...LOOPBACK, host: '127.9.9.9' });
    sender.sendTo(bytes(`raw ${String(ID)}`), { ...LOOPBACK, host: '127.9.9.9' });
    const { data, address } = receiver.recvFrom(2048, WAIT);
    assert.equal(textOf(data.subarray(IP_HEADER)), `raw ${String(ID)}`);
    assert.equal(data[9], 253);
    // Of raw sockets the port is none.
    assert.deepEqual(address, LOOPBACK);
  },
);

// --- ping ---------------------------------------------------------------------------------------

const noNamespace = whyNoNamespace();

/** A network of its own where all may ping. */
async function pingable(t: TestContext): Promise<NetworkNamespace> {
  const space = new NetworkNamespace();
  t.after(() => space.close());
  await space.ip('link', 'set', 'lo', 'up');
  await space.sysctl('ipv4/ping_group_range', '0 2147483647');
  return space;
}

test('SOCK_DGRAM IPPROTO_ICMP pings, with the port as its id', { skip: noNamespace }, async (t) => {
  const space = await pingable(t);
  const socket = closing(t, await space.socket('AF_INET', 'SOCK_DGRAM', 'IPPROTO_ICMP'));
  socket.bind({ ...LOOPBACK, port: 321 });
  assert.deepEqual(socket.localAddress(), { ...LOOPBACK, port: 321 });
  // The id that it says does not matter: it is the socket's, as is the checksum.
  socket.sendTo(echoRequest(ICMP_ECHO, 9, 1, 'ping'), LOOPBACK);
  const { data, address } = socket.recvFrom(2048, WAIT);
  assert.deepEqual(
    [data[0], u16(data, 4), u16(data, 6), textOf(data.subarray(8))],
    [ICMP_ECHOREPLY, 321, 1, 'ping'],
  );
  assert.deepEqual(address, LOOPBACK);
  assert.throws(() => socket.sendTo(echoRequest(ICMP_ECHOREPLY, 9, 1, 'no'), LOOPBACK), { code: 'EINVAL' });
});

test('SOCK_DGRAM IPPROTO_ICMPV6 pings', { skip: noNamespace }, async (t) => {
  const space = await pingable(t);
  const socket = closing(t, await space.socket('AF_INET6', 'SOCK_DGRAM', 'IPPROTO_ICMPV6'));
  socket.connect(LOOPBACK6);
  socket.send(echoRequest(ICMP6_ECHO, 0, 3, 'ping6'));
  const data = socket.recv(2048, WAIT);
  const local = internet(socket.localAddress());
  assert.deepEqual([data[0], u16(data, 4), u16(data, 6)], [ICMP6_ECHO_REPLY, local.port, 3]);
});

test('SOCK_DGRAM IPPROTO_ICMP is refused where the group may not ping', { skip: noNamespace }, async (t) => {
  const space = await pingable(t);
  await space.sysctl('ipv4/ping_group_range', '1 0');
  await assert.rejects(space.socket('AF_INET', 'SOCK_DGRAM', 'IPPROTO_ICMP'), /EACCES/);
});

// --- MPTCP --------------------------------------------------------------------------------------

for (const [name, loopback] of INTERNET) {
  const skip = whyNo(name, 'SOCK_STREAM', 'IPPROTO_MPTCP');

  test(`${name} IPPROTO_MPTCP connects on loopback, and tells of it`, { skip }, (t) => {
    const [client, server] = connected(t, [name, 'SOCK_STREAM', 'IPPROTO_MPTCP'], (listener) => {
      listener.bind(loopback);
    });
    client.send(bytes('many paths'));
    assert.equal(textOf(server.recv(64, WAIT)), 'many paths');
    const info = client.getOption('SOL_MPTCP', 'MPTCP_INFO');
    // No path beside the first, whose keys are exchanged (MPTCP_INFO_FLAG_REMOTE_KEY_RECEIVED).
    assert.deepEqual([info.subflows, info.flags & 2], [0, 2]);
    assert.notEqual(info.token, 0);
    assert.equal(client.protocol, constants.IPPROTO_MPTCP);
    assert.equal(server.getOption('SOL_SOCKET', 'SO_PROTOCOL'), constants.IPPROTO_MPTCP);
    const [path] = client.getOption('SOL_MPTCP', 'MPTCP_SUBFLOW_ADDRS');
    assert.deepEqual(path, { local: client.localAddress(), remote: server.localAddress() });
    client.shutdown('write');
    assert.equal(server.recv(64, WAIT).length, 0);
  });

  test(`${name} IPPROTO_MPTCP becomes TCP with a peer that has no more`, { skip }, async (t) => {
    const listener = open(t, name, 'SOCK_STREAM', 'IPPROTO_MPTCP');
    listener.bind(loopback);
    listener.listen();
    const { port } = internet(listener.localAddress());
    const peer = python(
      t,
      `s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); s.send(b'plain'); say(s.recv(9).decode())`,
      loopback.host,
      String(port),
    );
    const { socket } = await listener.acceptAsync(WAIT);
    closing(t, socket);
    assert.equal(textOf(socket.recv(64, WAIT)), 'plain');
    assert.throws(() => socket.getOption('SOL_MPTCP', 'MPTCP_INFO'), { code: /^(EOPNOTSUPP|ENOPROTOOPT)$/ });
    socket.send(bytes('yes'));
    assert.equal(await peer.line(), 'yes');
  });
}

// --- UDP-Lite -----------------------------------------------------------------------------------

for (const [name, loopback] of INTERNET) {
  const skip = whyNo(name, 'SOCK_DGRAM', 'IPPROTO_UDPLITE');

  test(`${name} IPPROTO_UDPLITE sends with the coverage that it is told`, { skip }, (t) => {
    const [one, two] = [
      open(t, name, 'SOCK_DGRAM', 'IPPROTO_UDPLITE'),
      open(t, name, 'SOCK_DGRAM', 'IPPROTO_UDPLITE'),
    ];
    one.bind(loopback);
    two.bind(loopback);
    one.sendTo(bytes('covered'), two.localAddress());
    const got = two.recvFrom(64, WAIT);
    assert.equal(textOf(got.data), 'covered');
    assert.deepEqual(got.address, one.localAddress());
    // The header and two bytes are covered by what is sent, and more is wanted: nothing comes but what has more.
    one.setOption('IPPROTO_UDPLITE', 'UDPLITE_SEND_CSCOV', 10);
    two.setOption('IPPROTO_UDPLITE', 'UDPLITE_RECV_CSCOV', 12);
    assert.equal(one.getOption('IPPROTO_UDPLITE', 'UDPLITE_SEND_CSCOV'), 10);
    one.sendTo(bytes('too little'), two.localAddress());
    one.setOption('IPPROTO_UDPLITE', 'UDPLITE_SEND_CSCOV', 12);
    one.sendTo(bytes('enough'), two.localAddress());
    assert.equal(textOf(two.recv(64, WAIT)), 'enough');
    assert.equal(two.recv(), null);
  });
}

test(
  'IPPROTO_UDPLITE talks with CPython',
  { skip: whyNo('AF_INET', 'SOCK_DGRAM', 'IPPROTO_UDPLITE') },
  async (t) => {
    const peer = python(
      t,
      `s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDPLITE); s.bind(('127.0.0.1', 0))
say(s.getsockname()[1]); data, who = s.recvfrom(64); s.sendto(data[::-1], who); wait()`,
    );
    const socket = open(t, 'AF_INET', 'SOCK_DGRAM', 'IPPROTO_UDPLITE');
    socket.setOption('IPPROTO_UDPLITE', 'UDPLITE_SEND_CSCOV', 8);
    socket.connect({ ...LOOPBACK, port: Number(await peer.line()) });
    socket.send(bytes('lite'));
    assert.equal(textOf(socket.recv(64, WAIT)), 'etil');
  },
);
