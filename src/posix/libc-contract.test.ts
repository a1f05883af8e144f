/** What projects need that put a C library's sockets on Node: each row is a test. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { loadNative } from '../addon/load.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { UNSPECIFIED } from './sockaddr.ts';
import { internet, listener, open, pairOf, settledLeakCheck, tcpPair, udp } from './test-kit.ts';

const { constants } = loadNative();
const text = new TextEncoder();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

test('1: a socket is there at once, and takes options before bind and connect', (t) => {
  const { address } = listener(t);
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  const before = client.getOption('SOL_SOCKET', 'SO_RCVBUF');
  client.setOption('SOL_SOCKET', 'SO_RCVBUF', 8192);
  assert.notEqual(client.getOption('SOL_SOCKET', 'SO_RCVBUF'), before);
  client.connect(address, { timeout: 5000 });
  assert.equal(client.getOption('SOL_SOCKET', 'SO_RCVBUF'), 16384);
});

test('2: bind, the local address and listen are synchronous, the port known on return', (t) => {
  const { listening, address } = listener(t);
  assert.equal(address.host, '127.0.0.1');
  assert.ok(address.port > 0);
  assert.equal(listening.getOption('SOL_SOCKET', 'SO_ACCEPTCONN'), true);
});

test('3: connect is in progress, then succeeds; the local address is known meanwhile', async (t) => {
  const { address } = listener(t);
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  const isDone = client.connect(address);
  assert.ok(internet(client.localAddress()).port > 0);
  if (!isDone) await client.writable({ timeout: 5000 });
  assert.equal(client.getOption('SOL_SOCKET', 'SO_ERROR'), 0);
  assert.deepEqual(client.remoteAddress(), address);
});

test('3: connect is in progress, then SO_ERROR says that it failed', async (t) => {
  const { listening, address } = listener(t);
  listening.close();
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  assert.equal(client.connect(address), false);
  await client.writable({ timeout: 5000 });
  assert.equal(client.getOption('SOL_SOCKET', 'SO_ERROR'), 111);
  assert.equal(client.getOption('SOL_SOCKET', 'SO_ERROR'), 0);
});

test('4: every call is a single attempt that answers null', (t) => {
  const { listening } = listener(t);
  const receiver = udp(t);
  assert.equal(listening.accept(), null);
  assert.equal(receiver.recv(), null);
  assert.equal(receiver.recvInto(new Uint8Array(10)), null);
  assert.equal(receiver.recvFrom(), null);
  assert.equal(receiver.recvMsg(), null);
  assert.equal(receiver.recvMany(), null);
  const [a] = pairOf(t);
  const bytes = new Uint8Array(65536);
  while (a.send(bytes) !== null);
  assert.equal(a.send(bytes), null);
  assert.equal(a.sendMsg({ data: bytes }), null);
  const [full] = pairOf(t, 'SOCK_SEQPACKET');
  while (full.send(bytes) !== null);
  assert.equal(full.sendMany([{ data: bytes }]), null);
});

const WORKER = `
import { workerData, parentPort } from 'node:worker_threads';
const { Socket } = await import(workerData.url);
const socket = Socket.fromFd(workerData.fd, 'borrow');
parentPort.postMessage('waiting');
const bytes = socket.recv(100, { timeout: 20_000 });
socket.close();
parentPort.postMessage(new TextDecoder().decode(bytes));
`;

test('5: one readiness primitive blocks a thread', async (t) => {
  const [a, b] = pairOf(t);
  const workerData = { url: new URL('socket.js', import.meta.url).href, fd: b.fd };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`), { workerData });
  const messages: unknown[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message) => {
      messages.push(message);
      if (message === 'waiting') a.send(text.encode('hello'));
      else resolve();
    });
  });
  await worker.terminate();
  assert.deepEqual(messages, ['waiting', 'hello']);
});

test('5: the same as a promise, with a deadline and with a signal', async (t) => {
  const [a, b] = pairOf(t);
  await assert.rejects(b.readable({ timeout: 10 }), { code: 'ETIMEDOUT', syscall: 'poll', op: 'readable' });
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = b.readable({ signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  const next = b.readable({ signal: new AbortController().signal });
  a.send(text.encode('x'));
  await next;
  await b.readable();
});

test('6: a full receiver shows as null, and a batch tells how many went out', (t) => {
  const path = tempPath();
  const receiver = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  receiver.bind({ family: 'unix', path });
  const sender = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  sender.connect({ family: 'unix', path });
  // More than the queue of any receiver has room for (net.unix.max_dgram_qlen), or the buffer of the sender.
  const messages = Array.from({ length: 1024 }, () => ({ data: new Uint8Array(1000) }));
  const taken = sender.sendMany(messages);
  assert.ok(taken !== null && taken > 0 && taken < 1024, String(taken));
  assert.equal(sender.sendMany(messages.slice(taken)), null);
  assert.equal(sender.send(Uint8Array.of(99)), null);
  let received = 0;
  for (let batch = receiver.recvMany(); batch !== null; batch = receiver.recvMany()) received += batch.length;
  assert.equal(received, taken);
  assert.equal(sender.send(Uint8Array.of(99)), 1);
});

test('7: options answer what the system has, before bind too', (t) => {
  const socket = open(t, 'AF_INET6', 'SOCK_STREAM');
  const socketOptions = [
    'SO_RCVBUF',
    'SO_SNDBUF',
    'SO_ERROR',
    'SO_TYPE',
    'SO_PROTOCOL',
    'SO_DOMAIN',
  ] as const;
  const found = socketOptions.map((name) => socket.getOption('SOL_SOCKET', name));
  assert.ok((found[0] ?? 0) > 1000 && (found[1] ?? 0) > 1000);
  assert.deepEqual(found.slice(2), [0, constants.SOCK_STREAM, constants.IPPROTO_TCP, constants.AF_INET6]);
  assert.equal(socket.getOption('IPPROTO_IPV6', 'IPV6_UNICAST_HOPS'), 64);
  socket.setOption('IPPROTO_TCP', 'TCP_KEEPIDLE', 17);
  socket.setOption('IPPROTO_TCP', 'TCP_KEEPINTVL', 5);
  socket.setOption('IPPROTO_TCP', 'TCP_KEEPCNT', 3);
  const trio = (['TCP_KEEPIDLE', 'TCP_KEEPINTVL', 'TCP_KEEPCNT'] as const).map((name) =>
    socket.getOption('IPPROTO_TCP', name),
  );
  assert.deepEqual(trio, [17, 5, 3]);
});

test('8: errors are errno names, with their number and call', (t) => {
  const { address } = listener(t);
  const other = open(t, 'AF_INET', 'SOCK_STREAM');
  assert.throws(
    () => {
      other.bind(address);
    },
    {
      name: 'SystemError',
      code: 'EADDRINUSE',
      errno: 98,
      syscall: 'bind',
      op: 'bind',
      message: `bind on 127.0.0.1:${String(address.port)}: address already in use (EADDRINUSE)`,
    },
  );
  assert.throws(() => other.remoteAddress(), { code: 'ENOTCONN', syscall: 'getpeername' });
});

test('9: a datagram socket connects, disconnects and connects anew', (t) => {
  const first = udp(t);
  const second = udp(t);
  const sender = udp(t);
  assert.equal(sender.connect(first.localAddress()), true);
  assert.equal(sender.send(text.encode('one')), 3);
  sender.connect(UNSPECIFIED);
  assert.throws(() => sender.send(text.encode('x')), { code: 'EDESTADDRREQ' });
  sender.connect(second.localAddress());
  assert.deepEqual(sender.remoteAddress(), second.localAddress());
  assert.equal(sender.send(text.encode('two')), 3);
  assert.equal(new TextDecoder().decode(first.recv(10, { timeout: 5000 })), 'one');
  assert.equal(new TextDecoder().decode(second.recv(10, { timeout: 5000 })), 'two');
});

test('9: a destination beside a connection is EISCONN, where the system minds', (t) => {
  const path = tempPath();
  const listener = open(t, 'AF_UNIX', 'SOCK_STREAM');
  listener.bind({ family: 'unix', path });
  listener.listen();
  const client = open(t, 'AF_UNIX', 'SOCK_STREAM');
  client.connect({ family: 'unix', path });
  assert.throws(() => client.sendTo(text.encode('x'), { family: 'unix', path }), { code: 'EISCONN' });
  // Linux lets UDP send elsewhere.
  const other = udp(t);
  const sender = udp(t);
  sender.connect(sender.localAddress());
  assert.equal(sender.sendTo(text.encode('x'), other.localAddress()), 1);
});

test('10: the local address of each packet, in and out', (t) => {
  const receiver = open(t, 'AF_INET', 'SOCK_DGRAM');
  receiver.bind({ family: 'ipv4', host: '0.0.0.0', port: 0 });
  receiver.setOption('IPPROTO_IP', 'IP_PKTINFO', true);
  const { port } = internet(receiver.localAddress());
  const sender = open(t, 'AF_INET', 'SOCK_DGRAM');
  sender.sendMsg({
    data: text.encode('x'),
    address: { family: 'ipv4', host: '127.0.0.7', port },
    control: [{ level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: { interface: 0, source: '127.0.0.9' } }],
  });
  const message = receiver.recvMsg({ size: 10 }, { timeout: 5000 });
  assert.equal(internet(message.address).host, '127.0.0.9');
  const info = message.control.find(({ type }) => type === 'IP_PKTINFO');
  assert.equal((info?.data as { destination: string }).destination, '127.0.0.7');
});

test('11: a half-close and a reset are told apart', (t) => {
  const [client, server] = tcpPair(t);
  client.shutdown('write');
  assert.equal(server.recv(10, { timeout: 5000 }).length, 0);
  assert.equal(server.send(text.encode('late')), 4);
  assert.equal(client.recv(10, { timeout: 5000 }).length, 4);
  const [one, two] = tcpPair(t);
  one.setOption('SOL_SOCKET', 'SO_LINGER', { onoff: 1, linger: 0 });
  one.close();
  assert.throws(() => two.recv(10, { timeout: 5000 }), { code: 'ECONNRESET', syscall: 'recv' });
});

test('12: no private bindings of Node are used', () => {
  const folder = fileURLToPath(new URL('../../src/posix', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  assert.ok(files.includes('socket.ts'));
  const wrong = files.filter((name) =>
    /process\.binding|\._handle|internalBinding/.test(readFileSync(`${folder}/${name}`, 'utf8')),
  );
  assert.deepEqual(wrong, []);
});
