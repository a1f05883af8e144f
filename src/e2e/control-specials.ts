/** Control messages of IP sockets that need more than a datagram: error queues, streams, odd packets. */
import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { loadNative } from '../addon/load.ts';
import type { ControlInput } from '../posix/control-messages.ts';
import { Socket } from '../posix/socket.ts';
import { isTimespec } from './control-datagrams.ts';
import { dataOf, enable, portOf, tcpPair, udpPair, XYZ } from './control-kit.ts';
import type { Pair, Special } from './control-kit.ts';
import type { PythonAgent } from './python-agent.ts';

const c = loadNative().constants;

const ERRORS = { flags: c.MSG_ERRQUEUE };

// --- the error queue ----------------------------------------------------------------------------

/** A UDP port on which nobody listens. */
function closedPort(family: 'ipv4' | 'ipv6', host: string): number {
  using socket = Socket.socket(family === 'ipv4' ? 'AF_INET' : 'AF_INET6', 'SOCK_DGRAM');
  socket.bind({ family, host, port: 0 });
  return portOf(socket);
}

async function refused(): Promise<void> {
  using socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
  enable(socket, c.IPPROTO_IP, c.IP_RECVERR);
  const to = { family: 'ipv4', host: '127.0.0.1', port: closedPort('ipv4', '127.0.0.1') } as const;
  socket.sendTo(XYZ, to);
  const message = await socket.recvMsgAsync({}, ERRORS);
  assert.deepEqual([message.errorQueue, message.data, message.address], [true, XYZ, to]);
  assert.deepEqual(dataOf(message, 'IP_RECVERR'), {
    ...{ errno: 111, name: 'ECONNREFUSED', origin: c.SO_EE_ORIGIN_ICMP, info: 0, data: 0 },
    ...{ type: c.ICMP_DEST_UNREACH, code: c.ICMP_PORT_UNREACH },
    offender: { family: 'ipv4', host: '127.0.0.1', port: 0 },
  });
}

async function refused6(): Promise<void> {
  using socket = Socket.socket('AF_INET6', 'SOCK_DGRAM');
  enable(socket, c.IPPROTO_IPV6, c.IPV6_RECVERR);
  const to = { family: 'ipv6', host: '::1', port: closedPort('ipv6', '::1') } as const;
  socket.sendTo(XYZ, to);
  const message = await socket.recvMsgAsync({}, ERRORS);
  assert.deepEqual([message.errorQueue, message.data, message.address], [true, XYZ, to]);
  assert.deepEqual(dataOf(message, 'IPV6_RECVERR'), {
    ...{ errno: 111, name: 'ECONNREFUSED', origin: c.SO_EE_ORIGIN_ICMP6, type: 1, code: 4, info: 0, data: 0 },
    offender: { family: 'ipv6', host: '::1', port: 0 },
  });
}

const ZERO_COPY = `
import socket
socket.socket(fileno=3).sendmsg([b'xyz'], [], ${String(c.MSG_ZEROCOPY)})
`;

/**
 * Zero-copy sends are told of by the same message; on loopback the system has to copy. It is CPython that sends, on the
 * same socket, for here nobody can promise memory that stays as it is.
 */
export async function zeroCopy(): Promise<void> {
  using pair = udpPair();
  const { socket, peer } = pair;
  enable(socket, c.SOL_SOCKET, c.SO_ZEROCOPY);
  const stdio = ['ignore', 'ignore', 'pipe', socket.fd] as const;
  const { status, stderr } = spawnSync('python3', ['-c', ZERO_COPY], { stdio: [...stdio], encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(peer.recv(), new TextEncoder().encode('xyz'));
  const message = await socket.recvMsgAsync({}, ERRORS);
  const done = dataOf(message, 'IP_RECVERR');
  assert.deepEqual([done.origin, done.errno, done.info, done.data], [c.SO_EE_ORIGIN_ZEROCOPY, 0, 0, 0]);
  assert.equal(done.code, c.SO_EE_CODE_ZEROCOPY_COPIED);
}

const STAMPS = c.SOF_TIMESTAMPING_SOFTWARE | c.SOF_TIMESTAMPING_OPT_TSONLY | c.SOF_TIMESTAMPING_OPT_ID;

/** A send that asks for a stamp, and the stamp. */
async function stamped(type: 'SO_TIMESTAMPING' | 'SO_TIMESTAMPING_NEW'): Promise<void> {
  using pair = udpPair();
  const { socket } = pair;
  enable(socket, c.SOL_SOCKET, c[type], STAMPS);
  const ask = { level: 'SOL_SOCKET', type, data: c.SOF_TIMESTAMPING_TX_SOFTWARE } as ControlInput;
  // Without the message there is none, for it is the message that asks.
  socket.sendMsg({ data: XYZ });
  socket.sendMsg({ data: XYZ, control: [ask] });
  const message = await socket.recvMsgAsync({}, ERRORS);
  assert.ok(isTimespec(dataOf(message, type).software));
  const { origin, name, info } = dataOf(message, 'IP_RECVERR');
  assert.deepEqual([origin, name, info], [c.SO_EE_ORIGIN_TIMESTAMPING, 'ENOMSG', c.SCM_TSTAMP_SND]);
  assert.equal(socket.recvMsg({}, ERRORS), null);
}

async function stampId(): Promise<void> {
  using pair = udpPair();
  const { socket } = pair;
  enable(socket, c.SOL_SOCKET, c.SO_TIMESTAMPING, STAMPS | c.SOF_TIMESTAMPING_TX_SOFTWARE);
  socket.sendMsg({ data: XYZ, control: [{ level: 'SOL_SOCKET', type: 'SCM_TS_OPT_ID', data: 0xfedcba98 }] });
  const message = await socket.recvMsgAsync({}, ERRORS);
  assert.equal(dataOf(message, 'IP_RECVERR').data, 0xfedcba98);
}

/**
 * Stamps of arrivals. The system switches them on some time after they are asked for, so datagrams are sent until one has
 * a stamp.
 */
async function arrivals(type: 'SO_TIMESTAMPING' | 'SO_TIMESTAMPING_NEW'): Promise<void> {
  const flags = c.SOF_TIMESTAMPING_RX_SOFTWARE | c.SOF_TIMESTAMPING_SOFTWARE;
  using pair = udpPair();
  const { socket, peer } = pair;
  enable(peer, c.SOL_SOCKET, c[type], flags);
  for (;;) {
    socket.send(XYZ);
    const message = await peer.recvMsgAsync();
    if (message.control.length === 0) continue;
    const { software, transformed, hardware } = dataOf(message, type);
    assert.ok(isTimespec(software), JSON.stringify(software));
    assert.deepEqual([transformed, hardware], [null, null]);
    return;
  }
}

async function statistics(): Promise<void> {
  using pair = tcpPair();
  const { socket } = pair;
  const flags = STAMPS | c.SOF_TIMESTAMPING_OPT_STATS | c.SOF_TIMESTAMPING_TX_ACK;
  enable(socket, c.SOL_SOCKET, c.SO_TIMESTAMPING, flags);
  socket.send(XYZ);
  const message = await socket.recvMsgAsync({}, ERRORS);
  const attributes = dataOf(message, 'SCM_TIMESTAMPING_OPT_STATS');
  // Netlink attributes: lengths of four bytes or more that add up to the whole.
  const view = new DataView(attributes.buffer, attributes.byteOffset, attributes.byteLength);
  let at = 0;
  while (at < attributes.length) at += Math.max(4, Math.ceil(view.getUint16(at, true) / 4) * 4);
  assert.equal(at, attributes.length);
  assert.ok(at >= 12 * 8);
  assert.equal(dataOf(message, 'IP_RECVERR').info, c.SCM_TSTAMP_ACK);
}

// --- IP -----------------------------------------------------------------------------------------

/** A packet with a header of its own: the message is judged, and changes no more than the route. */
async function protocol(agent: PythonAgent): Promise<void> {
  await agent.run('r = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)');
  using socket = Socket.socket('AF_INET', 'SOCK_RAW', 'IPPROTO_RAW');
  const header = Buffer.from('450000170000000040fd00007f0000017f000001', 'hex');
  const send = (data: number): void => {
    const address = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const;
    const control: ControlInput[] = [{ level: 'IPPROTO_IP', type: 'IP_PROTOCOL', data }];
    socket.sendMsg({ data: [header, XYZ], address, control });
  };
  assert.throws(
    () => {
      send(0);
    },
    { code: 'EINVAL' },
  );
  send(253);
  assert.equal(await agent.ask('r.recv(100)[20:].decode()'), 'xyz');
  await agent.run('r.close()');
}

const SMALL_MTU = 1280;

/** A UDP socket on which 2000 bytes do not fit into one packet, connected to another. */
function narrowPair(): Pair {
  const pair = udpPair('ipv6');
  enable(pair.socket, c.IPPROTO_IPV6, c.IPV6_MTU, SMALL_MTU);
  return pair;
}

function dontFragment(): void {
  using pair = narrowPair();
  const { socket, peer } = pair;
  const data = new Uint8Array(2000);
  const control = (value: number): ControlInput[] => [
    { level: 'IPPROTO_IPV6', type: 'IPV6_DONTFRAG', data: value },
  ];
  assert.equal(socket.sendMsg({ data, control: control(0) }), 2000);
  assert.throws(() => socket.sendMsg({ data, control: control(1) }), { code: 'EMSGSIZE' });
  assert.equal(peer.recv()?.length, 2000);
  assert.equal(peer.recv(), null);
}

function pathMtu(): void {
  using pair = narrowPair();
  const { socket } = pair;
  enable(socket, c.IPPROTO_IPV6, c.IPV6_RECVPATHMTU);
  enable(socket, c.IPPROTO_IPV6, c.IPV6_DONTFRAG);
  assert.throws(() => socket.send(new Uint8Array(2000)), { code: 'EMSGSIZE' });
  const message = socket.recvMsg();
  assert.ok(message !== null);
  assert.deepEqual(dataOf(message, 'IPV6_PATHMTU'), {
    address: { family: 'ipv6', host: '::1', port: 0 },
    mtu: SMALL_MTU,
  });
}

/** A label that this socket has leased: others need not, unless some program has one to itself. */
async function flowInfo(agent: PythonAgent): Promise<void> {
  const label = 0x80000 + (process.pid & 0xffff);
  await agent.run(
    'r = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); r.bind(("::1", 0)); r.setsockopt(41, 11, 1)',
  );
  const port = await agent.ask<number>('r.getsockname()[1]');
  using socket = Socket.socket('AF_INET6', 'SOCK_DGRAM');
  socket.setOption('IPPROTO_IPV6', 'IPV6_FLOWLABEL_MGR', {
    ...{ dst: '::1', label, action: c.IPV6_FL_A_GET, share: c.IPV6_FL_S_ANY, flags: c.IPV6_FL_F_CREATE },
  });
  const control: ControlInput[] = [{ level: 'IPPROTO_IPV6', type: 'IPV6_FLOWINFO', data: label }];
  socket.sendMsg({ data: XYZ, address: { family: 'ipv6', host: '::1', port }, control });
  await agent.run('data, anc, flags, peer = r.recvmsg(100, 100); r.close()');
  assert.deepEqual(await agent.ask('[[l, t, *struct.unpack(">I", d)] for l, t, d in anc]'), [
    [c.IPPROTO_IPV6, c.IPV6_FLOWINFO, label],
  ]);
}

/** The header goes out only beside a routing header, so what can be seen is that it is judged. */
function beforeRouting(): void {
  using pair = narrowPair();
  const { socket, peer } = pair;
  const send = (...data: readonly number[]): void => {
    const control: ControlInput[] = [
      { level: 'IPPROTO_IPV6', type: 'IPV6_RTHDRDSTOPTS', data: Uint8Array.from(data) },
    ];
    socket.sendMsg({ data: XYZ, control });
  };
  assert.throws(
    () => {
      send(0, 9, 1, 4, 0, 0, 0, 0);
    },
    { code: 'EINVAL' },
  );
  send(0, 0, 1, 4, 0, 0, 0, 0);
  assert.deepEqual(peer.recv(), XYZ);
}

function txTime(): void {
  using pair = udpPair();
  const { socket, peer } = pair;
  const control: ControlInput[] = [
    { level: 'SOL_SOCKET', type: 'SCM_TXTIME', data: process.hrtime.bigint() },
  ];
  assert.throws(() => socket.sendMsg({ data: XYZ, control }), { code: 'EINVAL' });
  enable(socket, c.SOL_SOCKET, c.SO_TXTIME, c.CLOCK_MONOTONIC, 0);
  socket.sendMsg({ data: XYZ, control });
  assert.deepEqual(peer.recv(), XYZ);
}

async function tcpInq(): Promise<void> {
  using pair = tcpPair();
  const { socket, peer } = pair;
  enable(socket, c.IPPROTO_TCP, c.TCP_INQ);
  peer.send(new Uint8Array(100));
  const message = await socket.recvMsgAsync({ size: 30 });
  assert.equal(dataOf(message, 'TCP_CM_INQ'), 70);
}

/** More datagrams than the buffer takes; the next one that fits says how many were lost. */
async function overflow(agent: PythonAgent): Promise<void> {
  using socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
  socket.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  enable(socket, c.SOL_SOCKET, c.SO_RXQ_OVFL);
  enable(socket, c.SOL_SOCKET, c.SO_RCVBUF, 4096);
  await agent.run(`to = ("127.0.0.1", ${String(portOf(socket))}); s = socket.socket(type=socket.SOCK_DGRAM)
for i in range(100): s.sendto(bytes(100), to)`);
  let kept = 0;
  while (socket.recv() !== null) kept++;
  await agent.run('s.sendto(b"last", to); s.close()');
  const message = await socket.recvMsgAsync();
  assert.ok(kept > 0 && kept < 100);
  assert.equal(dataOf(message, 'SO_RXQ_OVFL'), 100 - kept);
}

/** By level and type. */
export const IP_RECEIVED: Readonly<Record<string, Special>> = {
  'IPPROTO_IP/IP_RECVERR': { run: refused },
  'IPPROTO_IPV6/IPV6_PATHMTU': { run: pathMtu },
  'IPPROTO_IPV6/IPV6_RECVERR': { run: refused6 },
  'IPPROTO_TCP/TCP_CM_INQ': { run: tcpInq },
  'SOL_SOCKET/SCM_TIMESTAMPING_OPT_STATS': { run: statistics },
  'SOL_SOCKET/SO_RXQ_OVFL': { run: overflow },
  'SOL_SOCKET/SO_TIMESTAMPING': { run: () => arrivals('SO_TIMESTAMPING') },
  'SOL_SOCKET/SO_TIMESTAMPING_NEW': { run: () => arrivals('SO_TIMESTAMPING_NEW') },
};

export const IP_SENT: Readonly<Record<string, Special>> = {
  'IPPROTO_IP/IP_PROTOCOL': { run: protocol, needsRoot: true },
  'IPPROTO_IPV6/IPV6_DONTFRAG': { run: dontFragment },
  'IPPROTO_IPV6/IPV6_FLOWINFO': { run: flowInfo },
  'IPPROTO_IPV6/IPV6_RTHDRDSTOPTS': { run: beforeRouting, needsRoot: true },
  'SOL_SOCKET/SCM_TS_OPT_ID': { run: stampId },
  'SOL_SOCKET/SCM_TXTIME': { run: txTime },
  'SOL_SOCKET/SO_TIMESTAMPING': { run: () => stamped('SO_TIMESTAMPING') },
  'SOL_SOCKET/SO_TIMESTAMPING_NEW': { run: () => stamped('SO_TIMESTAMPING_NEW') },
};
