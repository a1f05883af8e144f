/** Control messages of sockets that are not IP's. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { loadNative } from '../addon/load.ts';
import type { ControlInput } from '../posix/control-messages.ts';
import { Descriptor } from '../posix/descriptor.ts';
import { Socket } from '../posix/socket.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { isTimespec } from './control-datagrams.ts';
import { dataOf, enable, Pair, portOf, XYZ } from './control-kit.ts';
import type { Special } from './control-kit.ts';
import type { PythonAgent } from './python-agent.ts';

const c = loadNative().constants;

// --- Unix ---------------------------------------------------------------------------------------

/** A socket that CPython, as `s`, is connected to. */
async function unixFrom(agent: PythonAgent, type: 'SOCK_STREAM' | 'SOCK_SEQPACKET'): Promise<Socket> {
  const path = tempPath();
  using listener = Socket.socket('AF_UNIX', type);
  listener.bind({ family: 'unix', path });
  listener.listen(1);
  await agent.run(`s = socket.socket(socket.AF_UNIX, socket.${type}); s.connect(${JSON.stringify(path)})`);
  return (await listener.acceptAsync()).socket;
}

async function credentialsIn(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_SEQPACKET');
  enable(socket, c.SOL_SOCKET, c.SO_PASSCRED);
  await agent.run('s.send(b"xyz"); s.close()');
  const expected = await agent.ask('dict(pid=os.getpid(), uid=os.getuid(), gid=os.getgid())');
  assert.deepEqual(dataOf(await socket.recvMsgAsync(), 'SCM_CREDENTIALS'), expected);
}

async function credentialsOut(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_SEQPACKET');
  await agent.run('s.setsockopt(1, 16, 1)');
  const data = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  socket.sendMsg({ data: XYZ, control: [{ level: 'SOL_SOCKET', type: 'SCM_CREDENTIALS', data }] });
  await agent.run('data, anc, flags, peer = s.recvmsg(100, 100); s.close()');
  assert.deepEqual(await agent.ask('[[l, t, *struct.unpack("3I", d)] for l, t, d in anc]'), [
    [c.SOL_SOCKET, c.SCM_CREDENTIALS, data.pid, data.uid, data.gid],
  ]);
}

async function unixInq(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_STREAM');
  enable(socket, c.SOL_SOCKET, c.SO_INQ);
  await agent.run('s.send(bytes(100)); s.close()');
  const message = await socket.recvMsgAsync({ size: 30 });
  assert.equal(dataOf(message, 'SCM_INQ'), 70);
}

async function pidfd(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_SEQPACKET');
  enable(socket, c.SOL_SOCKET, c.SO_PASSPIDFD);
  await agent.run('s.send(b"xyz"); s.close()');
  using message = await socket.recvMsgAsync();
  const descriptor = dataOf(message, 'SCM_PIDFD');
  assert.ok(descriptor instanceof Descriptor);
  const info = readFileSync(`/proc/self/fdinfo/${String(descriptor.fd)}`, 'utf8');
  assert.equal(Number(/^Pid:\s*(\d+)$/m.exec(info)?.[1]), agent.pid);
}

async function rightsIn(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_SEQPACKET');
  await agent.run(`a, b = os.pipe(); u, v = socket.socketpair()
socket.send_fds(s, [b"xyz"], [a, u.fileno()]); os.write(b, b"through"); v.send(b"socket")
s.close(); os.close(a); os.close(b); u.close(); v.close()`);
  using message = await socket.recvMsgAsync();
  const [pipe, other] = dataOf(message, 'SCM_RIGHTS');
  assert.deepEqual([pipe?.kind, other?.kind], ['pipe', 'socket']);
  using made = other?.toSocket();
  assert.equal(Buffer.from(made?.recv() ?? []).toString(), 'socket');
}

async function rightsOut(agent: PythonAgent): Promise<void> {
  using socket = await unixFrom(agent, 'SOCK_SEQPACKET');
  using pair = new Pair(...Socket.pair());
  await using file = await open('/proc/self/status');
  const control: ControlInput[] = [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [pair.peer, file] }];
  socket.sendMsg({ data: XYZ, control });
  pair.peer.close();
  await agent.run('data, fds, flags, peer = socket.recv_fds(s, 100, 9); s.close()');
  await agent.run('o = socket.socket(fileno=fds[0]); o.send(b"from afar"); o.close()');
  assert.equal(Buffer.from(await pair.socket.recvAsync()).toString(), 'from afar');
  assert.equal(
    await agent.ask('[os.readlink("/proc/self/fd/%d" % fds[1]).endswith("/status"), os.close(fds[1])][0]'),
    true,
  );
}

// --- netlink ------------------------------------------------------------------------------------

async function netlinkGroup(agent: PythonAgent): Promise<void> {
  using socket = Socket.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_USERSOCK');
  const group = 5;
  socket.bind({ family: 'netlink', port: 0, groups: 1 << (group - 1) });
  enable(socket, c.SOL_NETLINK, c.NETLINK_PKTINFO);
  // The same call is also for the kernel, which listens to nothing of this protocol.
  await agent.run(`s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_USERSOCK)
try: s.sendto(b"xyz", (0, ${String(1 << (group - 1))}))
except ConnectionRefusedError: pass
s.close()`);
  const message = await socket.recvMsgAsync();
  assert.deepEqual(message.data, XYZ);
  assert.deepEqual(dataOf(message, 'NETLINK_PKTINFO'), { group });
}

/** A link that is made in another network namespace, to which this one has given an id. */
async function netlinkNamespace(): Promise<void> {
  const name = `portside-${String(process.pid)}`;
  const ip = (...args: readonly string[]): void => {
    execFileSync('ip', args);
  };
  ip('netns', 'add', name);
  try {
    ip('netns', 'set', name, '4321');
    using socket = Socket.socket('AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE');
    enable(socket, c.SOL_NETLINK, c.NETLINK_LISTEN_ALL_NSID);
    socket.bind({ family: 'netlink', port: 0, groups: c.RTMGRP_LINK });
    ip('-n', name, 'link', 'set', 'lo', 'up');
    for (;;) {
      const message = await socket.recvMsgAsync();
      // Others may change links of this namespace meanwhile.
      if (message.control.length === 0) continue;
      assert.equal(dataOf(message, 'NETLINK_LISTEN_ALL_NSID'), 4321);
      return;
    }
  } finally {
    ip('netns', 'delete', name);
  }
}

// --- packet -------------------------------------------------------------------------------------

const LOOPBACK_HEADER = 14;
/** The frame is the program's. @see linux/if_packet.h */
const TP_STATUS_USER = 1;

/** A datagram on loopback, as a packet socket sees it. */
async function auxiliary(): Promise<void> {
  using socket = Socket.socket('AF_PACKET', 'SOCK_RAW');
  enable(socket, c.SOL_PACKET, c.PACKET_AUXDATA);
  socket.bind({ family: 'packet', protocol: c.ETH_P_IP, interface: 'lo' });
  using sender = Socket.socket('AF_INET', 'SOCK_DGRAM');
  sender.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  const port = portOf(sender);
  sender.sendTo(XYZ, { family: 'ipv4', host: '127.0.0.1', port });
  for (;;) {
    const message = await socket.recvMsgAsync();
    const isOurs = Buffer.from(message.data).readUInt16BE(LOOPBACK_HEADER + 20) === port;
    if (!isOurs) continue;
    const { status, vlanTag, vlanProtocol, ...places } = dataOf(message, 'PACKET_AUXDATA');
    assert.equal(status & TP_STATUS_USER, TP_STATUS_USER);
    assert.deepEqual([vlanTag, vlanProtocol], [0, 0]);
    const length = LOOPBACK_HEADER + 20 + 8 + 3;
    assert.deepEqual(places, { length, captured: length, mac: 0, network: LOOPBACK_HEADER });
    return;
  }
}

async function frameStamp(): Promise<void> {
  using socket = Socket.socket('AF_PACKET', 'SOCK_RAW');
  socket.bind({ family: 'packet', protocol: 0, interface: 'lo' });
  const flags = c.SOF_TIMESTAMPING_SOFTWARE | c.SOF_TIMESTAMPING_TX_SOFTWARE | c.SOF_TIMESTAMPING_OPT_ID;
  enable(socket, c.SOL_SOCKET, c.SO_TIMESTAMPING, flags);
  // To nobody, of a protocol for experiments.
  socket.send(new Uint8Array(60).fill(0x88, 12, 13).fill(0xb5, 13, 14));
  const message = await socket.recvMsgAsync({}, { flags: c.MSG_ERRQUEUE });
  const { name, origin, data } = dataOf(message, 'PACKET_TX_TIMESTAMP');
  assert.deepEqual([name, origin, data], ['ENOMSG', c.SO_EE_ORIGIN_TIMESTAMPING, 0]);
  assert.ok(isTimespec(dataOf(message, 'SO_TIMESTAMPING').software));
}

/** By level and type. */
export const LOCAL_RECEIVED: Readonly<Record<string, Special>> = {
  'SOL_NETLINK/NETLINK_LISTEN_ALL_NSID': { run: netlinkNamespace, needsRoot: true },
  'SOL_NETLINK/NETLINK_PKTINFO': { run: netlinkGroup, needsRoot: true },
  'SOL_PACKET/PACKET_AUXDATA': { run: auxiliary, needsRoot: true },
  'SOL_PACKET/PACKET_TX_TIMESTAMP': { run: frameStamp, needsRoot: true },
  'SOL_SOCKET/SCM_CREDENTIALS': { run: credentialsIn },
  'SOL_SOCKET/SCM_INQ': { run: unixInq },
  'SOL_SOCKET/SCM_PIDFD': { run: pidfd },
  'SOL_SOCKET/SCM_RIGHTS': { run: rightsIn },
};

export const LOCAL_SENT: Readonly<Record<string, Special>> = {
  'SOL_SOCKET/SCM_CREDENTIALS': { run: credentialsOut },
  'SOL_SOCKET/SCM_RIGHTS': { run: rightsOut },
};
