/** The examples of the documentation of ucode's socket object, each of them run. Those that need a network are apart. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import test from 'node:test';
import { tempPath } from '../testing/node/temp-path.ts';
import { connect, listen } from './connect.ts';
import * as numbers from './constants.ts';
import { create, error } from './module.ts';
import { ReceivedDescriptor } from './received-descriptor.ts';
import { addrinfo } from './resolve.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, must, using, usingPair } from './test-kit.ts';

const { AF_INET, AF_UNIX, MSG_PEEK, MSG_TRUNC, SCM_RIGHTS, SHUT_WR, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_STREAM } =
  numbers;
const { SOL_SOCKET, SO_PASSCRED } = numbers;

/** As in a template string. */
const shown = (value: unknown): string => String(value);

checkLeaks();

/** A listener on loopback, and a socket that is connected to it. */
function connection(): [client: Socket, server: Socket, listener: Socket] {
  const listener = using(listen('127.0.0.1', 0));
  const client = using(connect('127.0.0.1', must(listener.sockname()).port));
  return [client, using(listener.accept()), listener];
}

test('Socket has the methods of the overview', () => {
  const sock = using(create());
  const methods = [
    'accept bind close connect error fileno getopt listen peercred peername',
    'recv recvmsg send sendmsg setopt shutdown sockname',
  ]
    .join(' ')
    .split(' ');
  assert.equal(methods.length, 17);
  assert.deepEqual(
    methods.filter((name) => typeof Reflect.get(sock, name) !== 'function'),
    [],
  );
});

test('accept fills the object that it is given, and its flags are taken', () => {
  const sock = using(create(AF_INET, SOCK_STREAM));
  sock.bind('127.0.0.1');
  sock.listen();
  const client = using(create());
  must(client.connect(must(sock.sockname())));
  const peerAddress = { seen: 'before' };
  const newSocket = using(sock.accept(peerAddress, SOCK_CLOEXEC));
  const name = must(client.sockname());
  assert.deepEqual(peerAddress, { seen: 'before', ...name });
  assert.equal(
    `Accepted connection from: ${shown(peerAddress)}\n`,
    `Accepted connection from: { "seen": "before", "family": 2, "address": "127.0.0.1", "port": ${String(name.port)} }\n`,
  );
  assert.equal(newSocket.send('x'), 1);
});

test('accept answers null, and the socket tells why', () => {
  const sock = using(create());
  assert.equal(sock.accept({}), null);
  assert.equal(sock.error(), 'accept4(): Invalid argument');
});

test('bind takes an address with a port', () => {
  const probe = using(listen('127.0.0.1', 0));
  const { port } = must(probe.sockname());
  const sock = using(create(AF_INET, SOCK_STREAM));
  assert.equal(sock.bind(`127.0.0.1:${String(port)}`), null);
  assert.equal(
    `Failed to bind socket: ${String(sock.error())}.\n`,
    'Failed to bind socket: bind(): Address already in use.\n',
  );
  probe.close();
  assert.equal(sock.bind(`127.0.0.1:${String(port)}`), true);
  assert.equal(must(sock.sockname()).port, port);
});

test('close ends a connection', () => {
  const [sock, peer] = connection();
  assert.equal(sock.close(), true);
  assert.equal(must(peer.recv()).length, 0);
  assert.equal(sock.close(), null);
});

test('connect takes an address and a port', () => {
  const listener = using(listen('127.0.0.1', 0));
  const sock = using(create(AF_INET, SOCK_STREAM));
  assert.equal(sock.connect('127.0.0.1', must(listener.sockname()).port), true);
  assert.deepEqual(sock.peername(), listener.sockname());
});

test('error tells of an address of the wrong family', () => {
  const sock = using(create(AF_INET, SOCK_STREAM, 0));
  assert.equal(sock.bind('::'), null);
  assert.equal(error(), 'bind(): Address family not supported by protocol');
  assert.equal(error(true), numbers.EAFNOSUPPORT);
});

test('error tells of a name that does not resolve, by a negative number', () => {
  // With this flag no name server is asked, whose answers differ.
  assert.equal(addrinfo('doesnotexist.org', null, { flags: numbers.AI_NUMERICHOST }), null);
  assert.equal(error(true), -2);
  assert.equal(numbers.EAI_NONAME, -2);
  assert.equal(error(), 'getaddrinfo(): Name or service not known');
});

test('fileno answers the number, or -1', () => {
  const sock = using(create());
  const fd = sock.fileno();
  assert.ok(fd > 2);
  assert.match(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'), /^flags:/m);
  sock.close();
  assert.equal(sock.fileno(), -1);
});

test('getopt and setopt take booleans, numbers and dictionaries', () => {
  const sock = using(create());
  assert.equal(sock.setopt(SOL_SOCKET, numbers.SO_REUSEADDR, true), true);
  assert.equal(sock.getopt(SOL_SOCKET, numbers.SO_REUSEADDR), true);
  assert.equal(sock.setopt(numbers.IPPROTO_IP, numbers.IP_TTL, 17), true);
  assert.equal(sock.getopt(numbers.IPPROTO_IP, numbers.IP_TTL), 17);
  assert.equal(sock.setopt(SOL_SOCKET, numbers.SO_LINGER, { onoff: 1, linger: 3 }), true);
  assert.deepEqual(sock.getopt(SOL_SOCKET, numbers.SO_LINGER), { onoff: 1, linger: 3 });
});

test('listen takes a backlog', () => {
  const sock = using(create());
  sock.bind('127.0.0.1');
  assert.equal(sock.listen(10), true);
  assert.equal(sock.getopt(SOL_SOCKET, numbers.SO_ACCEPTCONN), true);
});

test('listen answers null where there is nothing to listen', () => {
  const sock = using(create(AF_INET, SOCK_DGRAM));
  assert.equal(sock.listen(10), null);
  assert.equal(sock.error(), 'listen(): Operation not supported');
});

test('peercred tells who is at the other end', () => {
  const path = tempPath();
  const listener = using(listen({ family: AF_UNIX, path }, null, { socktype: SOCK_STREAM }));
  const sock = using(create(AF_UNIX, SOCK_STREAM));
  must(sock.connect(path));
  const peerCredentials = must(sock.peercred());
  assert.deepEqual(peerCredentials, { uid: process.getuid?.(), gid: process.getgid?.(), pid: process.pid });
  assert.match(
    `Peer credentials: ${String(peerCredentials)}\n`,
    /^Peer credentials: \{ "uid": \d+, "gid": \d+, "pid": \d+ \}\n$/,
  );
  listener.close();
  const lonely = using(create(AF_UNIX));
  assert.equal(lonely.peercred(), null);
  assert.equal(lonely.error(true), numbers.ENOTCONN);
});

test('peername and sockname are printed with their members', () => {
  const [sock, peer] = connection();
  const text = (address: unknown): string => `Connected to ${String(address)}\n`;
  assert.match(
    text(sock.peername()),
    /^Connected to \{ "family": 2, "address": "127.0.0.1", "port": \d+ \}\n$/,
  );
  assert.deepEqual(sock.sockname(), peer.peername());
  const lonely = using(create());
  assert.equal(lonely.peername(), null);
  assert.equal(lonely.error(), 'getpeername(): Transport endpoint is not connected');
});

test('recv answers what came, as text in a template, and nothing at the end', () => {
  const [sock, peer] = connection();
  sock.send('first');
  const data = must(peer.recv());
  assert.equal(`${String(data)}!`, 'first!');
  assert.equal(data.length, 5);
  sock.close();
  assert.equal(must(peer.recv()).length, 0);
});

test('recv stores the address that a datagram came from', () => {
  const receiver = using(create(AF_INET, SOCK_DGRAM));
  receiver.bind('127.0.0.1');
  const sender = using(create(AF_INET, SOCK_DGRAM));
  sender.bind('127.0.0.1');
  sender.send('x', 0, must(receiver.sockname()));
  const address = {};
  must(receiver.recv(100, 0, address));
  assert.deepEqual(address, sender.sockname());
});

test('recvmsg receives descriptors that sendmsg sends, over a domain socket', () => {
  const path = tempPath();
  const file = tempPath('example.txt');
  const f1 = openSync(file, 'w');
  const pipe = tempPath('pipe');
  execFileSync('mkfifo', [pipe]);
  const f2 = openSync(pipe, 'r+');
  execFileSync('date', ['+%s'], { stdio: ['ignore', f2, 'inherit'] });

  const sk = using(listen({ family: AF_UNIX, path }));
  assert.equal(sk.setopt(SOL_SOCKET, SO_PASSCRED, true), true);
  const sender = using(connect({ family: AF_UNIX, path }));
  const text = "Hi there, here's some descriptors!";
  assert.equal(sender.sendmsg(text, [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: [f1, f2] }]), text.length);

  const msg = must(sk.recvmsg(1024, 1024));
  assert.equal(String(msg.data), text);
  const got = msg.ancillary?.find(({ level, type }) => level === SOL_SOCKET && type === SCM_RIGHTS)?.data;
  assert.ok(Array.isArray(got) && got.length === 2);
  assert.match(
    `Got some descriptors: ${String(got)}!\n`,
    /^Got some descriptors: <descriptor 0x\w+>,<descriptor 0x\w+>!\n$/,
  );
  const credentials = msg.ancillary?.find(({ type }) => type === numbers.SCM_CREDENTIALS)?.data;
  assert.deepEqual(credentials, { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });

  const handles = got as ReceivedDescriptor[];
  const [first, second] = handles;
  assert.ok(first instanceof ReceivedDescriptor && second instanceof ReceivedDescriptor);
  writeSync(first.fileno(), 'written by the receiver');
  closeSync(f1);
  assert.equal(readFileSync(file, 'utf8'), 'written by the receiver');
  closeSync(f2);
  const bytes = Buffer.alloc(20);
  assert.match(bytes.toString('utf8', 0, readSync(second.fileno(), bytes)), /^\d+\n$/);
  for (const handle of handles) assert.equal(handle.close(), true);
  assert.equal(first.close(), null);
  assert.equal(first.fileno(), -1);
});

test('recvmsg receives a message in segments', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const text = 'x'.repeat(10) + 'y'.repeat(128) + 'z'.repeat(20);
  a.send(text);
  const { data, length } = must(b.recvmsg([10, 128, 512]));
  assert.equal(length, 158);
  assert.deepEqual(data.map(String), ['x'.repeat(10), 'y'.repeat(128), 'z'.repeat(20)]);
  assert.equal(`Message parts: ${String(data[0])}\n`, `Message parts: ${'x'.repeat(10)}\n`);
});

test('recvmsg peeks at how many bytes are available, of datagrams and of streams', () => {
  for (const type of [SOCK_DGRAM, SOCK_STREAM, numbers.SOCK_SEQPACKET]) {
    const [a, b] = usingPair(type);
    a.send('twelve bytes');
    const msg = must(b.recvmsg(0, 0, MSG_PEEK | MSG_TRUNC));
    assert.equal(
      `Received ${String(msg.data.length)} bytes, ${String(msg.length)} bytes available\n`,
      'Received 0 bytes, 12 bytes available\n',
    );
    assert.equal(String(b.recv()), 'twelve bytes');
  }
});

test('send sends to the connected peer', () => {
  const listener = using(listen('127.0.0.1', 0));
  const tcpSock = using(create(AF_INET, SOCK_STREAM));
  tcpSock.connect('127.0.0.1', must(listener.sockname()).port);
  const request = 'GET / HTTP/1.0\r\n\r\n';
  assert.equal(tcpSock.send(request), request.length);
  assert.equal(String(using(listener.accept()).recv()), request);
});

test('send converts other values to text', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const rows: readonly (readonly [value: unknown, text: string])[] = [
    [12.5, '12.5'],
    [true, 'true'],
    [{ a: [1] }, '{ "a": [ 1 ] }'],
    ['grüß', 'grüß'],
    [Buffer.from([0x67, 0x72]), 'gr'],
    [a, String(a)],
  ];
  for (const [value, text] of rows) {
    assert.equal(a.send(value), Buffer.byteLength(text));
    assert.equal(String(b.recv()), text);
  }
});

test('sendmsg sends several values in one datagram', () => {
  const [sk, peer] = usingPair(SOCK_DGRAM);
  assert.equal(sk.sendmsg(['This', 'is', 'one', 'message', 1, null]), 17);
  assert.equal(String(peer.recv()), 'Thisisonemessage1');
});

test('shutdown disables sending, and receiving goes on', () => {
  const [sock, peer] = connection();
  assert.equal(sock.shutdown(SHUT_WR), true);
  assert.equal(must(peer.recv()).length, 0);
  peer.send('late');
  assert.equal(String(sock.recv()), 'late');
  assert.equal(sock.send('x'), null);
  assert.equal(sock.error(), 'send(): Broken pipe');
  const lonely = using(create());
  assert.equal(lonely.shutdown(SHUT_WR), null);
  assert.equal(
    `Failed to shut down send operations: ${String(lonely.error())}\n`,
    'Failed to shut down send operations: shutdown(): Transport endpoint is not connected\n',
  );
});
