/** Making sockets, what they are, who owns their descriptors, and how they end. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import { Socket } from './socket.ts';
import { LOOPBACK, open, settledLeakCheck } from './test-kit.ts';

const { constants, errorNumbers } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

/** The maker of sockets, as JavaScript sees it. */
const loose = Socket as unknown as Record<'fromFd' | 'socket', (...args: readonly unknown[]) => unknown>;

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** The flags of a descriptor, as the system shows them. */
function flagsOf(fd: number): { isNonBlocking: boolean; isCloseOnExec: boolean } {
  const { stdout } = spawnSync('grep', ['flags', `/proc/${String(process.pid)}/fdinfo/${String(fd)}`], {
    encoding: 'utf8',
  });
  const flags = Number.parseInt(/flags:\s+(\d+)/.exec(stdout)?.[1] ?? '', 8);
  return { isNonBlocking: (flags & 0o4000) !== 0, isCloseOnExec: (flags & 0o2000000) !== 0 };
}

const KINDS: readonly (readonly [...Parameters<typeof Socket.socket>])[] = [
  ['AF_INET', 'SOCK_STREAM'],
  ['AF_INET', 'SOCK_DGRAM'],
  ['AF_INET6', 'SOCK_STREAM'],
  ['AF_INET6', 'SOCK_DGRAM', 'IPPROTO_UDP'],
  ['AF_UNIX', 'SOCK_STREAM'],
  ['AF_UNIX', 'SOCK_DGRAM'],
  ['AF_UNIX', 'SOCK_SEQPACKET'],
  ['AF_NETLINK', 'SOCK_RAW', 'NETLINK_ROUTE'],
];

for (const kind of KINDS) {
  test(`socket makes ${kind.join(' ')}, close-on-exec and non-blocking`, (t) => {
    const socket = open(t, ...kind);
    assert.equal(socket.family, constants[kind[0] as 'AF_INET']);
    assert.equal(socket.type, constants[kind[1] as 'SOCK_RAW']);
    assert.deepEqual(flagsOf(socket.fd), { isNonBlocking: true, isCloseOnExec: true });
  });
}

test('socket takes numbers, and flags of a type that are set anyway', (t) => {
  const type = constants.SOCK_STREAM | constants.SOCK_NONBLOCK | constants.SOCK_CLOEXEC;
  const socket = open(t, constants.AF_INET, type, constants.IPPROTO_TCP);
  assert.deepEqual([socket.family, socket.type, socket.protocol], [2, 1, 6]);
});

const BAD_KINDS: readonly (readonly [readonly unknown[], RegExp])[] = [
  [
    ['AF_INETT', 'SOCK_STREAM'],
    /family: expected a name that begins with AF_, or a number \(AF_INET\?\), got "AF_INETT"/,
  ],
  [['SOL_SOCKET', 'SOCK_STREAM'], /family: expected/],
  [['AF_INET', 'AF_INET'], /type: expected/],
  [['AF_INET', 'SOCK_STRAM'], /type: expected/],
  [[undefined, 'SOCK_STREAM'], /family: expected/],
  [['AF_INET', null], /type: expected/],
  [['AF_INET', 'SOCK_STREAM', '6'], /protocol: expected/],
  [[-1, 'SOCK_STREAM'], /family: expected a whole number/],
  [[2.5, 'SOCK_STREAM'], /family: expected a whole number/],
  [[NaN, 'SOCK_STREAM'], /family: expected a whole number/],
  [[2n, 'SOCK_STREAM'], /family: expected/],
  [['toString', 'SOCK_STREAM'], /family: expected/],
];

for (const [kind, message] of BAD_KINDS) {
  test(`socket refuses ${kind.map((each) => (typeof each === 'string' ? each : `${typeof each} ${String(each)}`)).join(', ')} (F41, F50)`, () => {
    const make = (...args: readonly unknown[]): unknown => loose.socket(...args);
    assert.throws(() => make(...kind), message);
  });
}

test('socket throws what the system says', () => {
  assert.throws(() => Socket.socket(254, 'SOCK_STREAM'), {
    name: 'SystemError',
    code: 'EAFNOSUPPORT',
    errno: errorNumbers.EAFNOSUPPORT,
    syscall: 'socket',
    op: 'socket',
  });
  assert.throws(() => Socket.socket('AF_INET', 'SOCK_STREAM', 'IPPROTO_UDP'), { code: 'EPROTONOSUPPORT' });
});

for (const type of ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET'] as const) {
  test(`pair makes two ends of ${type}`, () => {
    const [a, b] = Socket.pair('AF_UNIX', type);
    a.send(Uint8Array.of(1, 2));
    assert.deepEqual(b.recv(), Uint8Array.of(1, 2));
    assert.deepEqual(flagsOf(b.fd), { isNonBlocking: true, isCloseOnExec: true });
    a.close();
    b.close();
  });
}

test('pair of a family that has none throws, and leaves nothing (F07)', () => {
  const before = countDescriptors();
  assert.throws(() => Socket.pair('AF_INET', 'SOCK_STREAM'), { code: 'EOPNOTSUPP', syscall: 'socketpair' });
  assert.equal(countDescriptors(), before);
});

test('fromFd takes a descriptor: it finds out what it is, and closes it', () => {
  const [a, b] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET');
  const fd = a.detach();
  assert.equal(a.isClosed, true);
  assert.ok(isOpen(fd));
  const taken = Socket.fromFd(fd, 'take');
  assert.deepEqual([taken.family, taken.type, taken.protocol, taken.fd], [1, 5, 0, fd]);
  taken.send(Uint8Array.of(7));
  assert.deepEqual(b.recv(), Uint8Array.of(7));
  taken.close();
  assert.equal(isOpen(fd), false);
  b.close();
});

test('fromFd borrows a descriptor: close leaves it open', () => {
  const [a, b] = Socket.pair();
  const borrowed = Socket.fromFd(a.fd, 'borrow');
  borrowed.send(Uint8Array.of(7));
  borrowed.close();
  assert.throws(() => borrowed.send(Uint8Array.of(7)), { code: 'ERR_SOCKET_CLOSED' });
  assert.ok(isOpen(a.fd));
  a.send(Uint8Array.of(8));
  assert.deepEqual(b.recv(), Uint8Array.of(7, 8));
  a.close();
  b.close();
});

test("fromFd borrows the descriptor of Node's own socket (F54)", async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const borrowed = Socket.fromFd(fd, 'borrow');
  assert.equal(borrowed.getOption('SOL_SOCKET', 'SO_ACCEPTCONN'), true);
  borrowed.close();
  assert.ok(isOpen(fd));
  server.close();
  await once(server, 'close');
});

test('fromFd refuses what is no socket, and leaves it as it was', () => {
  const fd = openSync('/dev/null', 'r');
  const before = countDescriptors();
  assert.throws(() => Socket.fromFd(fd, 'take'), { code: 'ENOTSOCK', syscall: 'getsockopt', op: 'fromFd' });
  assert.ok(isOpen(fd));
  assert.equal(countDescriptors(), before);
  closeSync(fd);
  assert.throws(() => Socket.fromFd(fd, 'take'), { code: 'EBADF' });
  assert.throws(() => Socket.fromFd(1 << 20, 'borrow'), { code: 'EBADF' });
});

test('fromFd refuses arguments that cannot be', () => {
  const make = (...args: readonly unknown[]): unknown => loose.fromFd(...args);
  for (const fd of [-1, 1.5, '3', null, undefined, NaN, 2 ** 31, {}]) {
    assert.throws(
      () => make(fd, 'take'),
      /^(Type|Range)Error: fd: expected a whole number from 0 to 2147483647/,
    );
  }
  assert.throws(() => make(0), /ownership: expected "take" or "borrow", got undefined/);
  assert.throws(() => make(0, 'own'), /ownership: expected/);
});

test('dup is a socket of its own on the same connection', () => {
  const [a, b] = Socket.pair();
  const twin = a.dup();
  assert.notEqual(twin.fd, a.fd);
  assert.deepEqual(flagsOf(twin.fd), { isNonBlocking: true, isCloseOnExec: true });
  a.close();
  twin.send(Uint8Array.of(1));
  assert.deepEqual(b.recv(), Uint8Array.of(1));
  twin.close();
  assert.deepEqual(b.recv(), new Uint8Array(0));
  b.close();
});

test('close is once, and everything after it is a ClosedError (F51)', async () => {
  const [a, b] = Socket.pair();
  b.close();
  a.close();
  a.close();
  a[Symbol.dispose]();
  assert.equal(a.isClosed, true);
  const bytes = new Uint8Array(4);
  const address: SocketAddress = { family: 'unix', path: '/nowhere' };
  const calls: Record<string, () => unknown> = {
    fd: () => a.fd,
    bind: () => {
      a.bind(address);
    },
    connect: () => a.connect(address),
    listen: () => {
      a.listen();
    },
    accept: () => a.accept(),
    send: () => a.send(bytes),
    sendTo: () => a.sendTo(bytes, address),
    sendMsg: () => a.sendMsg({ data: bytes }),
    sendMany: () => a.sendMany([{ data: bytes }]),
    recv: () => a.recv(),
    recvBlocking: () => a.recv(10, { timeout: 1000 }),
    recvInto: () => a.recvInto(bytes),
    recvFrom: () => a.recvFrom(),
    recvMsg: () => a.recvMsg(),
    recvMany: () => a.recvMany(),
    getOption: () => a.getOption('SOL_SOCKET', 'SO_TYPE'),
    setOption: () => {
      a.setOption('SOL_SOCKET', 'SO_KEEPALIVE', true);
    },
    getRaw: () => a.getRaw('SOL_SOCKET', 'SO_TYPE', 4),
    setRaw: () => {
      a.setRaw('SOL_SOCKET', 'SO_KEEPALIVE', bytes);
    },
    shutdown: () => {
      a.shutdown('both');
    },
    localAddress: () => a.localAddress(),
    remoteAddress: () => a.remoteAddress(),
    peerCredentials: () => a.peerCredentials(),
    peerPidfd: () => a.peerPidfd(),
    available: () => a.available(),
    unsent: () => a.unsent(),
    isAtMark: () => a.isAtMark(),
    dup: () => a.dup(),
    detach: () => a.detach(),
  };
  for (const [name, call] of Object.entries(calls)) {
    assert.throws(call, { name: 'ClosedError', code: 'ERR_SOCKET_CLOSED' }, name);
  }
  for (const wait of [() => a.readable(), () => a.writable(), () => a.recvAsync(), () => a.acceptAsync()]) {
    await assert.rejects(wait, { code: 'ERR_SOCKET_CLOSED' });
  }
});

test('close does not reach a successor that has the same number (F52)', () => {
  const [a, b] = Socket.pair();
  const { fd } = a;
  a.close();
  const [c, d] = Socket.pair();
  assert.ok([c.fd, d.fd].includes(fd));
  a.close();
  assert.throws(() => a.send(Uint8Array.of(1)), { code: 'ERR_SOCKET_CLOSED' });
  assert.ok(isOpen(fd));
  for (const socket of [b, c, d]) socket.close();
});

test('a descriptor that somebody closes behind our back is EBADF, and hurts nobody else (F53)', () => {
  const [a, b] = Socket.pair();
  const { fd } = a;
  closeSync(fd);
  assert.throws(() => a.send(Uint8Array.of(1)), { code: 'EBADF', syscall: 'send' });
  assert.deepEqual(b.recv(), new Uint8Array(0));
  a.close();
  b.close();
});

test('using closes a socket', () => {
  const [a, b] = Socket.pair();
  {
    using end = a;
    end.send(Uint8Array.of(1));
  }
  assert.equal(a.isClosed, true);
  b.close();
});

const LEAKY = `
import { Socket } from ${JSON.stringify(new URL('socket.js', import.meta.url).href)};
import { readdirSync } from 'node:fs';
const count = () => readdirSync('/proc/self/fd').length;
Socket.pair().forEach((socket) => socket.close());
console.log('begin');
const before = count();
(() => { Socket.pair(); const [a, b] = Socket.pair(); a.close(); b.close(); })();
let warnings = 0;
const told = new Promise((resolve) => process.on('warning', (warning) => {
  console.log(warning.code, warning.name, /a socket \\d+ was collected while open, and closed/.test(warning.message));
  if (++warnings === 2) resolve();
}));
const collect = () => { globalThis.gc(); if (warnings < 2) setImmediate(collect); };
collect();
await told;
console.log(count() - before);
`;

test('a socket that is collected is closed, and told of once (F08)', async () => {
  const flags = ['--expose-gc', '--no-warnings', '--input-type=module', '-e', LEAKY];
  const { stdout, stderr, status } = await runProgram(process.execPath, flags);
  assert.equal(status, 0, stderr);
  const line = 'PORTSIDE_LEAK PortsideLeakWarning true\n';
  assert.equal(stdout, `begin\n${line}${line}0\n`);
});

test('bind and listen leave nothing on a thousand failures (F07)', (t) => {
  const holder = open(t, 'AF_INET', 'SOCK_STREAM');
  holder.bind(LOOPBACK);
  holder.listen();
  const taken = holder.localAddress();
  const before = countDescriptors();
  for (let i = 0; i < 1000; i++) {
    const socket = Socket.socket('AF_INET', 'SOCK_STREAM');
    assert.throws(
      () => {
        socket.bind(taken);
      },
      { code: 'EADDRINUSE' },
    );
    socket.close();
  }
  assert.equal(countDescriptors(), before);
});

test('listen clamps a backlog, and listens again with another (F05)', (t) => {
  const socket = open(t, 'AF_INET', 'SOCK_STREAM');
  socket.bind(LOOPBACK);
  socket.listen(2 ** 31 - 1);
  socket.listen(1);
  for (const backlog of [-1, 1.5, '5', null, 2 ** 31]) {
    assert.throws(() => {
      socket.listen(backlog as number);
    }, /backlog: expected a whole number/);
  }
});

test('connect without anybody there says whom', (t) => {
  const socket = open(t, 'AF_UNIX', 'SOCK_STREAM');
  const path = tempPath();
  assert.throws(() => socket.connect({ family: 'unix', path }), {
    code: 'ENOENT',
    message: `connect unix:${path}: no such file or directory (ENOENT)`,
  });
  assert.throws(() => socket.connect({ family: 'unix', path }, { timeout: 1000 }), { code: 'ENOENT' });
});

test('connect waits for room in the backlog of a Unix listener, up to its deadline', async (t) => {
  const listener = open(t, 'AF_UNIX', 'SOCK_STREAM');
  const address: SocketAddress = { family: 'unix', path: tempPath() };
  listener.bind(address);
  listener.listen(0);
  const first = open(t, 'AF_UNIX', 'SOCK_STREAM');
  first.connect(address);
  const second = open(t, 'AF_UNIX', 'SOCK_STREAM');
  assert.throws(() => second.connect(address), { code: 'EAGAIN' });
  assert.throws(() => second.connect(address, { timeout: 20 }), { code: 'ETIMEDOUT' });
  const connected = second.connectAsync(address, { timeout: 20_000 });
  listener.accept()?.socket.close();
  await connected;
  listener.accept({ timeout: 5000 }).socket.close();
});

test('connectAsync tells of a refusal, with the address', async (t) => {
  const listener = open(t, 'AF_INET', 'SOCK_STREAM');
  listener.bind(LOOPBACK);
  const socket = open(t, 'AF_INET', 'SOCK_STREAM');
  await assert.rejects(socket.connectAsync(listener.localAddress()), {
    code: 'ECONNREFUSED',
    message: /^connect 127\.0\.0\.1:\d+: connection refused \(ECONNREFUSED\)$/,
  });
});

test('peerCredentials are those of the other end, and of nothing else (ucode 27)', (t) => {
  const [a, b] = Socket.pair();
  const credentials = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
  assert.deepEqual(a.peerCredentials(), credentials);
  a.close();
  b.close();
  const tcp = open(t, 'AF_INET', 'SOCK_STREAM');
  assert.throws(() => tcp.peerCredentials(), { code: 'EOPNOTSUPP', op: 'peerCredentials' });
  const alone = open(t, 'AF_UNIX', 'SOCK_STREAM');
  assert.throws(() => alone.peerCredentials(), { code: 'ENOTCONN', op: 'peerCredentials' });
});

test('available and unsent count bytes', () => {
  const [a, b] = Socket.pair();
  a.send(new Uint8Array(1000));
  assert.equal(b.available(), 1000);
  assert.ok(a.unsent() >= 1000);
  b.recv();
  assert.equal(b.available(), 0);
  assert.equal(a.unsent(), 0);
  a.close();
  b.close();
});

test('isAtMark tells of urgent data', (t) => {
  const listener = open(t, 'AF_INET', 'SOCK_STREAM');
  listener.bind(LOOPBACK);
  listener.listen();
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  client.connect(listener.localAddress(), { timeout: 5000 });
  const { socket } = listener.accept({ timeout: 5000 });
  client.send(Uint8Array.of(1));
  client.send(Uint8Array.of(2), { flags: constants.MSG_OOB });
  client.send(Uint8Array.of(3));
  assert.equal(socket.isAtMark(), false);
  assert.deepEqual(socket.recv(10, { timeout: 5000 }), Uint8Array.of(1));
  assert.equal(socket.isAtMark(), true);
  assert.deepEqual(socket.recv(1, { flags: constants.MSG_OOB, timeout: 5000 }), Uint8Array.of(2));
  assert.deepEqual(socket.recv(10, { timeout: 5000 }), Uint8Array.of(3));
  socket.close();
});
