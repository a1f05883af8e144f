/** IP and Unix sockets, each type of them, from end to end; and any other family by its number. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { bytes, connected, INTERNET, textOf, WAIT, whyNo } from '../e2e/families-kit.ts';
import { python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import { encodeSockaddr, UNSPECIFIED } from './sockaddr.ts';
import { Socket } from './socket.ts';
import { getSpace } from './space.ts';
import { closing, internet, open, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

// --- IP -----------------------------------------------------------------------------------------

/** Talks both ways, ends one way, then the other. */
function converse(client: Socket, server: Socket): void {
  assert.equal(client.send(bytes('ping')), 4);
  assert.equal(textOf(server.recv(64, WAIT)), 'ping');
  assert.equal(server.send(bytes('pong')), 4);
  assert.equal(textOf(client.recv(64, WAIT)), 'pong');
  client.shutdown('write');
  assert.equal(server.recv(64, WAIT).length, 0);
  server.send(bytes('late'));
  assert.equal(textOf(client.recv(64, WAIT)), 'late');
}

for (const [name, loopback] of INTERNET) {
  const skip = whyNo(name, 'SOCK_STREAM');

  test(`${name} streams from bind to shutdown`, { skip }, (t) => {
    const [client, server] = connected(t, [name, 'SOCK_STREAM'], (listener) => {
      listener.bind(loopback);
    });
    assert.deepEqual(client.remoteAddress(), server.localAddress());
    assert.deepEqual(server.remoteAddress(), client.localAddress());
    assert.equal(internet(client.remoteAddress()).host, loopback.host);
    converse(client, server);
  });

  test(`${name} datagrams, connected and not`, { skip }, (t) => {
    const [one, two] = [open(t, name, 'SOCK_DGRAM'), open(t, name, 'SOCK_DGRAM')];
    one.bind(loopback);
    two.bind(loopback);
    assert.equal(one.sendTo(bytes('first'), two.localAddress()), 5);
    const got = two.recvFrom(64, WAIT);
    assert.equal(textOf(got.data), 'first');
    assert.deepEqual(got.address, one.localAddress());
    assert.equal(one.sendTo(bytes(''), two.localAddress()), 0);
    assert.deepEqual(two.recvFrom(64, WAIT).data.length, 0);
    two.connect(one.localAddress());
    assert.equal(two.send(bytes('back')), 4);
    assert.equal(textOf(one.recv(64, WAIT)), 'back');
    two.connect(UNSPECIFIED);
    assert.throws(() => two.send(bytes('x')), { code: 'EDESTADDRREQ' });
  });
}

test('AF_INET6 takes IPv4 too, unless it is told not to', { skip: whyNo('AF_INET6', 'SOCK_DGRAM') }, (t) => {
  const both = open(t, 'AF_INET6', 'SOCK_DGRAM');
  both.bind({ family: 'ipv6', host: '::', port: 0 });
  const four = open(t, 'AF_INET', 'SOCK_DGRAM');
  const { port } = internet(both.localAddress());
  four.sendTo(bytes('four'), { family: 'ipv4', host: '127.0.0.1', port });
  assert.equal(internet(both.recvFrom(64, WAIT).address).host, '::ffff:127.0.0.1');
  const six = open(t, 'AF_INET6', 'SOCK_DGRAM');
  six.setOption('IPPROTO_IPV6', 'IPV6_V6ONLY', true);
  assert.throws(() => six.sendTo(bytes('x'), { family: 'ipv6', host: '::ffff:127.0.0.1', port }), {
    code: 'ENETUNREACH',
  });
});

// --- Unix ---------------------------------------------------------------------------------------

const unix = (path: string | Uint8Array): SocketAddress => ({ family: 'unix', path });
const TYPES = ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET'] as const;
/** Not text, with a NUL in the middle: an abstract name is all of its bytes. */
const BINARY_NAME: Uint8Array = Uint8Array.of(0, 0xff, 0, 0xc3, 0x28, ...bytes(String(process.pid)));

const NAMES: readonly (readonly [what: string, name: () => string | Uint8Array])[] = [
  ['a path', () => tempPath()],
  ['an abstract name', () => `\0portside ${String(process.pid)} é`],
  ['an abstract name that is not text', () => BINARY_NAME],
];

for (const type of ['SOCK_STREAM', 'SOCK_SEQPACKET'] as const) {
  for (const [what, name] of NAMES) {
    test(`AF_UNIX ${type} connects by ${what}`, (t) => {
      const path = name();
      const [client, server] = connected(t, ['AF_UNIX', type], (listener) => {
        listener.bind(unix(path));
      });
      assert.deepEqual(client.remoteAddress(), unix(path));
      assert.deepEqual(server.localAddress(), unix(path));
      assert.deepEqual([client.localAddress(), server.remoteAddress()], [unix(''), unix('')]);
      assert.equal(server.peerCredentials().pid, process.pid);
      converse(client, server);
    });
  }
}

test('AF_UNIX SOCK_SEQPACKET keeps records apart, and marks their ends', (t) => {
  const [a, b] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET').map((each) => closing(t, each)) as [Socket, Socket];
  a.send(bytes('one'));
  a.send(bytes('three'), { flags: constants.MSG_EOR });
  assert.equal(textOf(b.recv(64, WAIT)), 'one');
  const cut = b.recvMsg({ size: 2 }, WAIT);
  assert.deepEqual([textOf(cut.data), cut.truncated], ['th', true]);
  assert.equal(b.recv(), null);
});

for (const [what, name] of NAMES) {
  test(`AF_UNIX SOCK_DGRAM goes to and from ${what}`, (t) => {
    const server = open(t, 'AF_UNIX', 'SOCK_DGRAM');
    const path = name();
    server.bind(unix(path));
    const nameless = open(t, 'AF_UNIX', 'SOCK_DGRAM');
    nameless.sendTo(bytes('who'), unix(path));
    const first = server.recvFrom(64, WAIT);
    // Whom it is from is not known, and not the empty name.
    assert.deepEqual([textOf(first.data), first.address], ['who', null]);
    const named = open(t, 'AF_UNIX', 'SOCK_DGRAM');
    named.bind(unix(''));
    named.sendTo(bytes('me'), unix(path));
    const second = server.recvFrom(64, WAIT);
    assert.ok(second.address !== null);
    assert.deepEqual(second.address, named.localAddress());
    server.sendTo(bytes('you'), second.address);
    const third = named.recvFrom(64, WAIT);
    assert.deepEqual([textOf(third.data), third.address], ['you', unix(path)]);
  });
}

test('AF_UNIX bound to the empty name gets an abstract one of five digits', (t) => {
  const names = TYPES.map((type) => {
    const socket = open(t, 'AF_UNIX', type);
    assert.deepEqual(socket.localAddress(), unix(''));
    socket.bind(unix(''));
    const address = socket.localAddress();
    assert.equal(address.family, 'unix');
    assert.match(String(address.path), /^\0[0-9a-f]{5}$/);
    return address.path;
  });
  assert.equal(new Set(names).size, names.length);
});

test('AF_UNIX leaves its file behind, which is in the way then (EADDRINUSE)', (t) => {
  const path = tempPath();
  const first = Socket.socket('AF_UNIX', 'SOCK_STREAM');
  first.bind(unix(path));
  assert.ok(statSync(path).isSocket());
  first.close();
  assert.ok(existsSync(path));
  const client = open(t, 'AF_UNIX', 'SOCK_STREAM');
  assert.throws(() => client.connect(unix(path)), { code: 'ECONNREFUSED', remote: unix(path) });
  assert.throws(
    () => {
      open(t, 'AF_UNIX', 'SOCK_STREAM').bind(unix(path));
    },
    { code: 'EADDRINUSE', local: unix(path) },
  );
});

test('AF_UNIX takes a path of all the bytes that fit, and names a longer one as too long (F39)', (t) => {
  const folder = tempPath('');
  const path = `${folder}${'x'.repeat(107 - folder.length)}`;
  const server = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  server.bind(unix(path));
  assert.deepEqual(server.localAddress(), unix(path));
  const abstract = Uint8Array.from({ length: 108 }, (_, i) => i && 0x80 + i);
  const other = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  other.bind(unix(abstract));
  assert.deepEqual(other.localAddress(), unix(abstract));
  assert.throws(
    () => {
      open(t, 'AF_UNIX', 'SOCK_DGRAM').bind(unix(`${path}x`));
    },
    { name: 'RangeError' },
  );
});

/** An abstract name as CPython has it: bytes, hexadecimal. */
const hex = (name: Uint8Array): string => Buffer.from(name).toString('hex');

test('AF_UNIX abstract names are the same to CPython, in both directions', async (t) => {
  const server = open(t, 'AF_UNIX', 'SOCK_SEQPACKET');
  server.bind(unix(BINARY_NAME));
  server.listen();
  const peer = python(
    t,
    `theirs = bytes.fromhex(sys.argv[1])
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(theirs + b'\\xfe'); s.connect(theirs); s.send(b'hello')
say(s.getpeername().hex()); wait()`,
    hex(BINARY_NAME),
  );
  const { socket, address } = await server.acceptAsync(WAIT);
  closing(t, socket);
  assert.deepEqual(address, unix(Uint8Array.of(...BINARY_NAME, 0xfe)));
  assert.equal(textOf(socket.recv(64, WAIT)), 'hello');
  assert.equal(await peer.line(), hex(BINARY_NAME));
  peer.say('end');
  assert.equal((await peer.ended).status, 0);
});

test('AF_UNIX abstract names that CPython listens on are reached, and are as ss shows them', async (t) => {
  const name = `portside-${String(process.pid)}`;
  const peer = python(
    t,
    `s = socket.socket(socket.AF_UNIX); s.bind('\\0' + sys.argv[1]); s.listen(); say('ready')
c, who = s.accept(); say(who.hex() if isinstance(who, bytes) else who); c.send(b'hi'); wait()`,
    name,
  );
  assert.equal(await peer.line(), 'ready');
  const client = open(t, 'AF_UNIX', 'SOCK_STREAM');
  client.bind(unix(`\0${name}-client`));
  client.connect(unix(`\0${name}`), WAIT);
  assert.equal(await peer.line(), hex(bytes(`\0${name}-client`)));
  assert.equal(textOf(client.recv(64, WAIT)), 'hi');
  const shown = await runProgram('ss', ['-Hxa']);
  assert.equal(shown.status, 0, shown.stderr);
  const names: readonly string[] = shown.stdout.match(/@portside-\S+/g) ?? [];
  assert.ok(names.includes(`@${name}`) && names.includes(`@${name}-client`), names.join());
});

// --- any ----------------------------------------------------------------------------------------

/** What follows the family in an address. */
const behind = (address: SocketAddress): Uint8Array => encodeSockaddr(address, getSpace().codecs).slice(2);

test('a family that has no name here goes by its number, with addresses as bytes', (t) => {
  const server = open(t, constants.AF_INET, constants.SOCK_DGRAM);
  const raw = (address: SocketAddress, number: number): SocketAddress => ({
    family: 'other',
    number,
    bytes: behind(address),
  });
  server.bind(raw({ family: 'ipv4', host: '127.0.0.1', port: 0 }, constants.AF_INET));
  const { port } = internet(server.localAddress());
  assert.ok(port > 0);
  const client = open(t, 2, 2);
  client.sendTo(bytes('raw'), raw({ family: 'ipv4', host: '127.0.0.1', port }, 2));
  assert.equal(textOf(server.recv(64, WAIT)), 'raw');
  // Of another family than the socket's.
  assert.throws(() => client.sendTo(bytes('x'), raw({ family: 'ipv4', host: '127.0.0.1', port }, 4)), {
    code: 'EAFNOSUPPORT',
  });
  assert.throws(() => client.sendTo(bytes('x'), { family: 'other', number: 2, bytes: bytes('ab') }), {
    code: 'EINVAL',
  });
  assert.throws(() => Socket.socket(46, 'SOCK_STREAM'), { code: 'EAFNOSUPPORT', syscall: 'socket' });
});

/** CAN is judged by its bytes alone (`sockaddr.test.ts`): no machine of ours has sockets of it. */
test('AF_CAN: untested but for its codecs', { skip: whyNo('AF_CAN', 'SOCK_RAW', 'CAN_RAW') }, (t) => {
  const socket = open(t, 'AF_CAN', 'SOCK_RAW', 'CAN_RAW');
  socket.bind({ family: 'can', interface: 0 });
  assert.deepEqual(socket.localAddress(), { family: 'can', interface: 0 });
});
