/** The defects of ucode's own module, by their numbers: none of them is here. */
import assert from 'node:assert/strict';
import { openSync, closeSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Socket as PosixSocket } from '../posix/socket.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { Address } from './addresses.ts';
import { connect, listen } from './connect.ts';
import * as numbers from './constants.ts';
import { create, error } from './module.ts';
import { poll } from './poll.ts';
import { sockaddr } from './resolve.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, dataOf, must, portOf, using, usingPair } from './test-kit.ts';

const { AF_INET, AF_INET6, AF_UNIX, EINVAL, POLLIN, POLLNVAL, POLLOUT, SCM_CREDENTIALS, SCM_RIGHTS } =
  numbers;
const { IPPROTO_IP, IPPROTO_IPV6, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET } =
  numbers;

checkLeaks();

const udp = (family = AF_INET, address: Address = family === AF_INET ? '127.0.0.1' : '::1'): Socket => {
  const socket = using(create(family, SOCK_DGRAM));
  must(socket.bind(address));
  return socket;
};

// --- memory -------------------------------------------------------------------------------------

test('sendmsg sends descriptors, credentials and packet information (defect 1)', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  b.setopt(SOL_SOCKET, numbers.SO_PASSCRED, true);
  const credentials = { pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const sent = a.sendmsg('x', [
    { level: SOL_SOCKET, type: SCM_RIGHTS, data: [a, b.fileno()] },
    { level: SOL_SOCKET, type: SCM_CREDENTIALS, data: credentials },
  ]);
  assert.equal(sent, 1);
  const { ancillary } = must(b.recvmsg(10, 500));
  const sockets = dataOf(ancillary, SOL_SOCKET, SCM_RIGHTS) as Socket[];
  assert.equal(sockets.length, 2);
  for (const socket of sockets) using(socket);
  assert.deepEqual(dataOf(ancillary, SOL_SOCKET, SCM_CREDENTIALS), credentials);
  must(sockets[0]).send('through a copy');
  assert.equal(String(b.recv()), 'through a copy');

  const receiver = udp();
  const sender = using(create(AF_INET, SOCK_DGRAM));
  sender.sendmsg(
    'y',
    [{ level: IPPROTO_IP, type: numbers.IP_PKTINFO, data: { spec_dst: '127.0.0.5' } }],
    must(receiver.sockname()),
  );
  assert.equal(must(receiver.recvmsg(10)).address?.address, '127.0.0.5');
});

test('sendmsg takes control messages as bytes, and refuses malformed ones (defect 2)', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const header = Buffer.alloc(24);
  header.writeBigUInt64LE(20n, 0);
  header.writeInt32LE(SOL_SOCKET, 8);
  header.writeInt32LE(SCM_RIGHTS, 12);
  header.writeInt32LE(a.fileno(), 16);
  assert.equal(a.sendmsg('x', header), 1);
  const [socket] = dataOf(must(b.recvmsg(10, 100)).ancillary, SOL_SOCKET, SCM_RIGHTS) as Socket[];
  using(must(socket));
  for (const bytes of ['abc', 'x'.repeat(16), Buffer.alloc(16), header.subarray(0, 18)]) {
    assert.equal(a.sendmsg('x', bytes), null);
    assert.equal(a.error(), 'Malformed ancillary data: Invalid argument');
  }
});

test('setopt refuses a number where an option is text (defect 3)', () => {
  const socket = using(create());
  for (const [level, option] of [
    [numbers.IPPROTO_TCP, numbers.TCP_CONGESTION],
    [SOL_SOCKET, numbers.SO_BINDTODEVICE],
    [IPPROTO_IP, numbers.IP_OPTIONS],
    [IPPROTO_IPV6, numbers.IPV6_HOPOPTS],
  ] as const) {
    assert.equal(socket.setopt(level, option, 12345678), null);
    assert.equal(socket.error(), 'Argument value is not a string value: Invalid argument');
  }
});

test('sockaddr refuses numbers where an address or a path is text (defect 4)', () => {
  for (const [address, context] of [
    [{ address: 12345678 }, 'Invalid IP address'],
    [{ family: AF_UNIX, path: 12345678 }, 'Invalid path value'],
    [{ path: 5 }, 'Invalid path value'],
    [{ address: '127.0.0.1', path: 5 }, 'Invalid path value'],
  ] as const) {
    assert.equal(sockaddr(address as unknown as Address), null);
    assert.equal(error(), `${context}: Invalid argument`);
  }
});

const { BPF_K, BPF_RET } = numbers;
const ACCEPT_ALL: readonly [number, number, number, number] = [BPF_RET | BPF_K, 0, 0, 0xffffffff];

test('getopt reads an attached filter back, however long it is (defect 5)', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  const nothing = [numbers.BPF_LD | numbers.BPF_IMM, 0, 0, 7] as const;
  const filter = [...Array.from({ length: 40 }, () => [...nothing]), [...ACCEPT_ALL]];
  assert.equal(socket.setopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER, { filter }), true);
  assert.deepEqual(socket.getopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER), { len: 41, filter });
});

test('setopt refuses a filter that claims to be longer than it is (defect 6)', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  const attach = (value: unknown): true | null => socket.setopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER, value);
  assert.equal(attach({ len: 2, filter: [ACCEPT_ALL] }), null);
  assert.equal(socket.error(true), EINVAL);
  assert.equal(attach({ len: 1, filter: [...ACCEPT_ALL] }), true);
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(BPF_RET | BPF_K);
  bytes.writeUInt32LE(0xffffffff, 4);
  assert.equal(attach({ filter: bytes }), true);
  assert.deepEqual(socket.getopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER), {
    len: 1,
    filter: [[...ACCEPT_ALL]],
  });
  assert.equal(attach({ filter: 'abc' }), null);
  assert.equal(attach({ filter: [1, 2, 3] }), null);
  assert.equal(attach({ filter: 5 }), null);
});

test('connect and listen refuse a port beside a path (defect 7)', () => {
  const path = tempPath();
  for (const make of [connect, listen]) {
    assert.equal(make({ path }, 80), null);
    assert.equal(error(), 'Port argument is only valid for IPv4 and IPv6 addresses: Invalid argument');
  }
});

// --- connecting and listening -------------------------------------------------------------------

test('connect tells what became of the attempt, and makes a stream (defect 8)', () => {
  assert.equal(connect(tempPath('missing')), null);
  assert.equal(error(), 'connect(): No such file or directory');
  const listener = using(listen('127.0.0.1', 0));
  const socket = using(connect('127.0.0.1', portOf(listener), {}));
  assert.equal(socket.getopt(SOL_SOCKET, numbers.SO_TYPE), SOCK_STREAM);
  const port = portOf(listener);
  listener.close();
  assert.equal(connect('127.0.0.1', port), null);
  assert.equal(error(), 'connect(): Connection refused');
});

test('connect finds out what type listens at a path (defect 9)', () => {
  for (const socktype of [undefined, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]) {
    const path = tempPath();
    const listener = using(listen(path, null, socktype === undefined ? null : { socktype }));
    const type = socktype ?? SOCK_DGRAM;
    assert.equal(listener.getopt(SOL_SOCKET, numbers.SO_TYPE), type);
    assert.equal(using(connect(path)).getopt(SOL_SOCKET, numbers.SO_TYPE), type);
  }
  const path = tempPath();
  using(listen(path, null, { socktype: SOCK_DGRAM }));
  assert.equal(connect(path, null, { socktype: SOCK_STREAM }), null);
  assert.equal(error(true), numbers.EPROTOTYPE);
});

test('listen without a service lets the system choose a port, and connect asks for none (defect 10)', () => {
  const ports = [listen(), listen('127.0.0.1'), listen('127.0.0.1', null)].map((socket) =>
    portOf(using(socket)),
  );
  assert.deepEqual(
    ports.filter((port) => port < 1024),
    [],
  );
  assert.equal(connect('127.0.0.1'), null);
  assert.equal(error(), 'connect(): Connection refused');
});

test('listen without a host means every address also if hints are given (defect 11)', () => {
  const socket = using(listen(null, 0, { socktype: SOCK_STREAM, family: AF_INET }));
  assert.equal(must(socket.sockname()).address, '0.0.0.0');
});

test('connect and listen take brackets, and a port behind an address (defect 12)', () => {
  const six = using(listen('[::1]', 0));
  const port = portOf(six);
  for (const args of [
    ['[::1]', port],
    [`[::1]:${String(port)}`],
    ['::1', String(port)],
    ['[::1]:1', port],
  ] as const)
    using(connect(args[0], args[1]));
  const four = using(listen('127.0.0.1:0'));
  using(connect(`127.0.0.1:${String(portOf(four))}`));
  using(connect(`localhost:${String(portOf(four))}`));
});

// --- receiving ----------------------------------------------------------------------------------

test('recvmsg without sizes has room for any datagram (defect 13)', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  a.send('x'.repeat(60_000));
  const { data, length, flags } = must(b.recvmsg());
  assert.deepEqual([data.length, length, flags], [60_000, 60_000, 0]);
});

test('recv tells the true length of a datagram if it is asked to (defect 14)', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  a.send('0123456789');
  const peeked = must(b.recv(4, numbers.MSG_PEEK | numbers.MSG_TRUNC));
  assert.deepEqual([String(peeked), peeked.fullLength], ['0123', 10]);
  const data = must(b.recv(4, numbers.MSG_TRUNC));
  assert.deepEqual([String(data), data.fullLength], ['0123', 10]);
  a.send('0123456789');
  assert.equal(must(b.recv(4)).fullLength, undefined);
});

test('recvmsg decodes errors of IPv4 (defect 15)', () => {
  const target = udp();
  const address = must(target.sockname());
  target.close();
  const socket = using(create(AF_INET, SOCK_DGRAM));
  socket.setopt(IPPROTO_IP, numbers.IP_RECVERR, true);
  must(socket.connect(address));
  socket.send('refused');
  must(poll(5000, [socket, 0]));
  const { ancillary, data, flags } = must(socket.recvmsg(100, 500, numbers.MSG_ERRQUEUE));
  assert.equal(String(data), 'refused');
  assert.equal(flags & numbers.MSG_ERRQUEUE, numbers.MSG_ERRQUEUE);
  assert.deepEqual(dataOf(ancillary, IPPROTO_IP, numbers.IP_RECVERR), {
    errno: numbers.ECONNREFUSED,
    origin: numbers.SO_EE_ORIGIN_ICMP,
    type: numbers.ICMP_DEST_UNREACH,
    code: numbers.ICMP_PORT_UNREACH,
    info: 0,
    data: 0,
    len: 0,
    flags: 0,
    offender: { family: AF_INET, address: '127.0.0.1', port: 0 },
  });
});

test('recvmsg decodes options, TOS, packet information and flow information (defect 15)', () => {
  const receiver = udp();
  for (const option of [numbers.IP_RECVOPTS, numbers.IP_RETOPTS, numbers.IP_RECVTOS, numbers.IP_PKTINFO])
    must(receiver.setopt(IPPROTO_IP, option, true));
  const sender = using(create(AF_INET, SOCK_DGRAM));
  sender.setopt(IPPROTO_IP, numbers.IP_TOS, 0xb8);
  const noOperation = Buffer.from([1, 1, 1, 1]);
  must(sender.setopt(IPPROTO_IP, numbers.IP_OPTIONS, noOperation));
  sender.send('x', 0, must(receiver.sockname()));
  const { ancillary } = must(receiver.recvmsg(10, 1000));
  assert.equal(dataOf(ancillary, IPPROTO_IP, numbers.IP_TOS), 0xb8);
  assert.deepEqual(dataOf(ancillary, IPPROTO_IP, numbers.IP_RECVOPTS), noOperation);
  assert.ok(Buffer.isBuffer(dataOf(ancillary, IPPROTO_IP, numbers.IP_RETOPTS)));
  assert.deepEqual(dataOf(ancillary, IPPROTO_IP, numbers.IP_PKTINFO), {
    interface: 'lo',
    spec_dst: '127.0.0.1',
    addr: '127.0.0.1',
  });

  const six = udp(AF_INET6);
  must(six.setopt(IPPROTO_IPV6, numbers.IPV6_FLOWINFO, true));
  const flowinfo = 0x0b812345;
  leaseLabel(six, flowinfo & 0xfffff);
  const other = using(create(AF_INET6, SOCK_DGRAM));
  leaseLabel(other, flowinfo & 0xfffff);
  must(other.setopt(IPPROTO_IPV6, numbers.IPV6_FLOWINFO_SEND, true));
  must(other.setopt(IPPROTO_IPV6, numbers.IPV6_TCLASS, 0xb8));
  must(other.send('x', 0, { ...must(six.sockname()), flowinfo }));
  assert.equal(dataOf(must(six.recvmsg(10, 100)).ancillary, IPPROTO_IPV6, numbers.IPV6_FLOWINFO), flowinfo);
});

/** Without a lease a label cannot be sent. */
function leaseLabel(socket: Socket, label: number): void {
  const action = numbers.IPV6_FL_A_GET;
  const request = {
    dst: '::1',
    label,
    action,
    share: numbers.IPV6_FL_S_ANY,
    flags: numbers.IPV6_FL_F_CREATE,
  };
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_FLOWLABEL_MGR, request));
}

// --- options ------------------------------------------------------------------------------------

test('getopt gives the address of IP_MULTICAST_IF as address, and ifindex may be a name (defect 16)', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  must(socket.setopt(IPPROTO_IP, numbers.IP_MULTICAST_IF, { address: '127.0.0.1', ifindex: 'lo' }));
  assert.deepEqual(socket.getopt(IPPROTO_IP, numbers.IP_MULTICAST_IF), {
    multiaddr: '0.0.0.0',
    address: '127.0.0.1',
    ifindex: 0,
  });
  must(socket.setopt(IPPROTO_IP, numbers.IP_ADD_MEMBERSHIP, { multiaddr: '239.1.2.3', ifindex: 'lo' }));
  assert.match(readFileSync('/proc/self/net/igmp', 'utf8'), /030201EF/);
});

test('setopt of IPV6_UNICAST_IF takes an interface by name and number (defect 17)', () => {
  const socket = using(create(AF_INET6, SOCK_DGRAM));
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_UNICAST_IF, 'lo'));
  assert.equal(socket.getopt(IPPROTO_IPV6, numbers.IPV6_UNICAST_IF), 'lo');
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_UNICAST_IF, 0));
  assert.equal(socket.getopt(IPPROTO_IPV6, numbers.IPV6_UNICAST_IF), 0);
});

test('setopt of IPV6_FLOWLABEL_MGR has the length that the system wants (defect 18)', () => {
  leaseLabel(using(create(AF_INET6, SOCK_DGRAM)), 0x12345);
});

test('setopt attaches a program to a group of sockets (defect 19)', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  must(socket.setopt(SOL_SOCKET, numbers.SO_REUSEPORT, true));
  must(socket.bind('127.0.0.1'));
  assert.equal(
    socket.setopt(SOL_SOCKET, numbers.SO_ATTACH_REUSEPORT_CBPF, { filter: [[BPF_RET | BPF_K, 0, 0, 0]] }),
    true,
  );
});

test('IP_MSFILTER has any number of sources, and can be read (defect 19)', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  const group = { multiaddr: '239.1.2.3', interface: '127.0.0.1' };
  must(
    socket.setopt(IPPROTO_IP, numbers.IP_ADD_MEMBERSHIP, {
      multiaddr: group.multiaddr,
      address: group.interface,
    }),
  );
  const slist = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
  const value = { ...group, fmode: numbers.MCAST_INCLUDE, slist };
  assert.equal(socket.setopt(IPPROTO_IP, numbers.IP_MSFILTER, value), true);
  assert.deepEqual(socket.getopt(IPPROTO_IP, numbers.IP_MSFILTER, group), value);
});

test('setopt says what is wrong with a struct, and changes nothing (defect 20)', () => {
  const socket = using(create());
  const { SO_LINGER, SO_RCVTIMEO } = numbers;
  assert.equal(socket.setopt(SOL_SOCKET, SO_LINGER, { onoff: 'x', linger: 3 }), null);
  assert.equal(socket.error(), 'Unable to convert field onoff: Invalid argument');
  assert.equal(socket.setopt(SOL_SOCKET, SO_LINGER, { linger: 2 ** 31 }), null);
  assert.equal(socket.error(), 'Unable to convert field linger: Numerical result out of range');
  must(socket.setopt(SOL_SOCKET, SO_RCVTIMEO, { sec: 5 }));
  assert.equal(socket.setopt(SOL_SOCKET, SO_RCVTIMEO, 7), null);
  assert.equal(socket.error(), 'Argument value is not an object: Invalid argument');
  assert.deepEqual(socket.getopt(SOL_SOCKET, SO_RCVTIMEO), { sec: 5, usec: 0 });
  assert.equal(socket.setopt(IPPROTO_IP, numbers.IP_TOS, 300), null);
  assert.equal(socket.error(true), numbers.ERANGE);
});

// --- the rest -----------------------------------------------------------------------------------

test('sendmsg to a peer that is gone is an error, and no signal (defect 21)', () => {
  const [a, b] = usingPair();
  b.close();
  let signals = 0;
  const count = (): void => {
    signals++;
  };
  process.on('SIGPIPE', count);
  assert.equal(a.sendmsg('x'), null);
  process.off('SIGPIPE', count);
  assert.equal(a.error(), 'sendmsg(): Broken pipe');
  assert.equal(signals, 0);
});

test('sendmsg refuses an address that is none, and sends nothing (defect 22)', () => {
  const receiver = udp();
  const sender = using(create(AF_INET, SOCK_DGRAM));
  must(sender.connect(must(receiver.sockname())));
  assert.equal(sender.sendmsg('x', null, { address: 'junk' }), null);
  assert.equal(sender.error(), 'Unable to parse IP address: Invalid argument');
  assert.equal(receiver.recv(10, numbers.MSG_DONTWAIT), null);
  assert.equal(receiver.error(true), numbers.EAGAIN);
});

test('abstract names have their exact length both ways (defect 23)', () => {
  const name = `portside-${String(process.pid)}`;
  const listener = using(listen({ path: `\0${name}` }, null, { socktype: SOCK_STREAM }));
  assert.deepEqual(listener.sockname(), { family: AF_UNIX, path: `\0${name}` });
  assert.match(readFileSync('/proc/net/unix', 'utf8'), new RegExp(`@${name}$`, 'm'));
  const other = PosixSocket.socket('AF_UNIX', 'SOCK_STREAM');
  other.connect({ family: 'unix', path: `\0${name}` });
  other.close();
  using(listener.accept());
});

test('paths that are too long are refused, and not cut (defect 23)', () => {
  for (const path of [`/${'x'.repeat(107)}`, { path: 'x'.repeat(108) }]) {
    assert.equal(sockaddr(path), null);
    assert.equal(error(), 'Invalid path value: Invalid argument');
  }
  assert.equal(must(sockaddr(`/${'x'.repeat(106)}`)).path?.length, 107);
});

test('poll has a result for every item, and changes none (defect 24)', () => {
  const [a, b] = usingPair();
  const closed = must(create());
  closed.close();
  const items = [
    [a, POLLOUT, 'state', { more: 1 }],
    null,
    closed,
    [b, 'x'],
    [b, 40_000],
    -1,
    'junk',
    {},
    [b, POLLIN],
    999_999,
  ] as const;
  const before = JSON.stringify(items.map(String));
  const results = must(poll(1000, ...(items as unknown as readonly Socket[])));
  assert.deepEqual(
    (results as unknown as readonly unknown[][]).map(([, revents]) => revents),
    [POLLOUT, POLLNVAL, POLLNVAL, POLLNVAL, POLLNVAL, POLLNVAL, POLLNVAL, POLLNVAL, 0, POLLNVAL],
  );
  assert.deepEqual(results[0], [a, POLLOUT, 'state', { more: 1 }]);
  assert.notEqual(results[0], items[0]);
  assert.equal(JSON.stringify(items.map(String)), before);
});

test('descriptors are not inherited, whichever way they come (defect 25)', () => {
  const isInherited = (fd: number): boolean => {
    const [, flags = '0'] =
      /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & numbers.SOCK_CLOEXEC) === 0;
  };
  const file = openSync('/dev/null', 'r');
  const [a, b] = usingPair();
  const listener = using(listen('127.0.0.1', 0));
  const client = using(connect('127.0.0.1', portOf(listener)));
  a.sendmsg('x', [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: [file, client] }]);
  closeSync(file);
  const received = dataOf(must(b.recvmsg(10, 100)).ancillary, SOL_SOCKET, SCM_RIGHTS) as Socket[];
  const all = [a, b, listener, client, using(listener.accept()), using(create()), ...received];
  assert.deepEqual(
    all.map((socket) => isInherited(socket.fileno())),
    all.map(() => false),
  );
  for (const each of received) each.close();
});

test('names that options have are without NUL (defect 26)', () => {
  const socket = using(create());
  const name: unknown = socket.getopt(numbers.IPPROTO_TCP, numbers.TCP_CONGESTION);
  assert.match(name as string, /^[\w-]+$/);
  must(socket.setopt(SOL_SOCKET, numbers.SO_BINDTODEVICE, 'lo'));
  assert.equal(socket.getopt(SOL_SOCKET, numbers.SO_BINDTODEVICE), 'lo');
});

test('peercred fails where there is no peer to tell of (defect 27)', () => {
  const inet = using(create());
  assert.equal(inet.peercred(), null);
  assert.equal(inet.error(), 'getsockopt(): Operation not supported');
  const lonely = using(create(AF_UNIX));
  assert.equal(lonely.peercred(), null);
  assert.equal(lonely.error(), 'getsockopt(): Transport endpoint is not connected');
});

test('pair applies its flags to both ends, and no EAI number can be taken for an errno (defect 28)', () => {
  for (const socket of usingPair(SOCK_STREAM | SOCK_NONBLOCK)) {
    assert.equal(socket.recv(), null);
    assert.equal(socket.error(true), numbers.EAGAIN);
  }
  const codes = Object.entries(numbers).filter(([name]) => name.startsWith('EAI_'));
  assert.deepEqual(
    codes.filter(([, code]) => code >= 0),
    [],
  );
});
