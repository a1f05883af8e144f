/** Calls that wait, with a peer on another thread, and what they do when they need not, or must not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { Socket as PosixSocket } from '../posix/socket.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { connect, listen } from './connect.ts';
import * as numbers from './constants.ts';
import { create, error, open } from './module.ts';
import { poll } from './poll.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, must, using, usingPair } from './test-kit.ts';

const { AF_INET, AF_UNIX, EAGAIN, EINPROGRESS, MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, POLLOUT } = numbers;
const { SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_ERROR, SO_RCVTIMEO, SO_SNDTIMEO } = numbers;

checkLeaks();

interface Helper {
  /** What the thread has posted, when it has ended. */
  readonly ended: Promise<readonly unknown[]>;
}

/**
 * Runs `body` on a thread of its own as soon as that is there, with the module as `socket`, a duplicate of what is lent
 * as `sock`, and `ready()`, after which this thread goes on. Whatever comes after that happens at any time.
 */
async function onThread(lent: Socket | null, body: string): Promise<Helper> {
  const source = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { Socket } from ${JSON.stringify(new URL('../posix/socket.js', import.meta.url).href)};
    import * as module from ${JSON.stringify(new URL('../doors/ucode.js', import.meta.url).href)};
    const socket = module;
    let sock = null;
    if (workerData !== null) {
      const borrowed = Socket.fromFd(workerData, 'borrow');
      sock = socket.open(borrowed.dup().detach());
      borrowed.close();
    }
    const ready = () => parentPort.postMessage('ready');
    ${body}
    sock?.close();
    parentPort.close();
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: lent?.fileno() ?? null,
  });
  const messages: unknown[] = [];
  const ended = new Promise<readonly unknown[]>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => {
      resolve(messages);
    });
  });
  await new Promise<void>((resolve) => {
    worker.on('message', (message) => {
      if (message === 'ready') resolve();
      else messages.push(message);
    });
    // Else an error would be told by `ended` only.
    worker.once('error', () => {
      resolve();
    });
  });
  return { ended };
}

test('recv waits until something comes', async () => {
  const [a, b] = usingPair();
  const { ended } = await onThread(b, `ready(); sock.send('from another thread');`);
  assert.equal(String(a.recv()), 'from another thread');
  await ended;
});

test('recvmsg waits until something comes', async () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const { ended } = await onThread(b, `ready(); sock.sendmsg(['from', ' afar']);`);
  assert.equal(String(must(a.recvmsg(100)).data), 'from afar');
  await ended;
});

test('accept waits for a connection', async () => {
  const listener = using(listen('127.0.0.1', 0));
  const { port } = must(listener.sockname());
  const { ended } = await onThread(
    null,
    `ready(); socket.connect('127.0.0.1', ${String(port)}).send('hello');`,
  );
  assert.equal(String(using(listener.accept()).recv()), 'hello');
  await ended;
});

test('connect waits for room in the backlog of a Unix socket', async () => {
  const path = tempPath();
  const listener = using(listen(path, null, { socktype: SOCK_STREAM }, 0));
  using(connect(path));
  const impatient = using(create(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK));
  assert.equal(impatient.connect(path), null);
  assert.equal(impatient.error(true), EAGAIN);
  const { ended } = await onThread(listener, `ready(); sock.accept().close();`);
  using(connect(path));
  await ended;
});

test('send of a stream waits until all has gone out', async () => {
  const [a, b] = usingPair();
  const size = 3_000_000;
  const { ended } = await onThread(
    b,
    `
    ready();
    let sum = 0;
    for (let data; (data = sock.recv(100_000)).length > 0; ) sum += data.length;
    parentPort.postMessage(sum);
    `,
  );
  assert.equal(a.send('x'.repeat(size)), size);
  a.shutdown(numbers.SHUT_WR);
  assert.deepEqual(await ended, [size]);
});

test('sendmsg of a stream waits until all has gone out, and sends what goes with it once', async () => {
  const [a, b] = usingPair();
  const size = 3_000_000;
  const { ended } = await onThread(
    b,
    `
    ready();
    let sum = 0;
    let count = 0;
    for (;;) {
      const { data, ancillary = [] } = sock.recvmsg(100_000, 1000);
      if (data.length === 0) break;
      sum += data.length;
      for (const { data } of ancillary) for (const each of data) count += each.close() ? 1 : 0;
    }
    parentPort.postMessage([sum, count]);
    `,
  );
  const rights = { level: SOL_SOCKET, type: numbers.SCM_RIGHTS, data: [a, a] };
  assert.equal(a.sendmsg('x'.repeat(size), [rights]), size);
  a.shutdown(numbers.SHUT_WR);
  assert.deepEqual(await ended, [[size, 2]]);
});

test('send of a socket that does not wait sends what there is room for', () => {
  const [a] = usingPair(SOCK_STREAM | SOCK_NONBLOCK);
  const size = 3_000_000;
  const sent = must(a.send('x'.repeat(size)));
  assert.ok(sent > 0 && sent < size, String(sent));
  assert.equal(a.send('x'.repeat(size)), null);
  assert.equal(a.error(true), EAGAIN);
});

test('MSG_DONTWAIT makes a single attempt on a socket that waits', () => {
  const [a, b] = usingPair();
  assert.equal(a.recv(10, MSG_DONTWAIT), null);
  assert.equal(a.error(), 'recv(): Resource temporarily unavailable');
  assert.equal(a.recvmsg(10, 0, MSG_DONTWAIT), null);
  assert.equal(a.error(), 'recvmsg(): Resource temporarily unavailable');
  while (a.send('x'.repeat(100_000), MSG_DONTWAIT) !== null);
  assert.equal(a.error(), 'send(): Resource temporarily unavailable');
  assert.equal(a.sendmsg('x', null, null, MSG_DONTWAIT), null);
  assert.equal(a.error(), 'sendmsg(): Resource temporarily unavailable');
  assert.notEqual(b.recv(1), null);
});

test('SOCK_NONBLOCK of create and accept makes single attempts', async () => {
  const listener = using(create(AF_INET, SOCK_STREAM | SOCK_NONBLOCK));
  must(listener.bind('127.0.0.1'));
  must(listener.listen());
  assert.equal(listener.accept(), null);
  assert.equal(listener.error(), 'accept4(): Resource temporarily unavailable');
  const client = using(connect('127.0.0.1', must(listener.sockname()).port));
  must(poll(5000, listener));
  const server = using(listener.accept(null, SOCK_NONBLOCK));
  assert.equal(server.recv(), null);
  assert.equal(server.error(true), EAGAIN);
  const other = using(connect('127.0.0.1', must(listener.sockname()).port));
  must(poll(5000, listener));
  const waiting = using(listener.accept());
  const { ended } = await onThread(other, `ready(); sock.send('x');`);
  assert.equal(String(waiting.recv()), 'x');
  await ended;
  client.close();
});

test('connect of a socket that does not wait is in progress, and SO_ERROR tells the rest', () => {
  const listener = using(listen('127.0.0.1', 0));
  const address = must(listener.sockname());
  const good = using(create(AF_INET, SOCK_STREAM | SOCK_NONBLOCK));
  assert.equal(good.connect(address), null);
  assert.deepEqual([good.error(true), good.error()], [EINPROGRESS, 'connect(): Operation now in progress']);
  assert.equal(EINPROGRESS, 115);
  assert.deepEqual(must(poll(5000, [good, POLLOUT]))[0][1], POLLOUT);
  assert.equal(good.getopt(SOL_SOCKET, SO_ERROR), 0);
  listener.close();
  const bad = using(create(AF_INET, SOCK_STREAM | SOCK_NONBLOCK));
  assert.equal(bad.connect(address), null);
  must(poll(5000, [bad, POLLOUT]));
  assert.equal(bad.getopt(SOL_SOCKET, SO_ERROR), numbers.ECONNREFUSED);
});

test('SO_RCVTIMEO limits how long recv, recvmsg and accept wait', () => {
  const [a] = usingPair();
  const listener = using(listen('127.0.0.1', 0));
  for (const socket of [a, listener]) must(socket.setopt(SOL_SOCKET, SO_RCVTIMEO, { sec: 0, usec: 30_000 }));
  const began = performance.now();
  assert.equal(a.recv(), null);
  assert.equal(a.error(), 'recv(): Resource temporarily unavailable');
  assert.equal(a.recvmsg(), null);
  assert.equal(a.error(), 'recvmsg(): Resource temporarily unavailable');
  assert.equal(listener.accept(), null);
  assert.equal(listener.error(), 'accept4(): Resource temporarily unavailable');
  assert.ok(performance.now() - began >= 80);
});

test('SO_SNDTIMEO limits how long send waits, and what went out counts', () => {
  const [a] = usingPair();
  must(a.setopt(SOL_SOCKET, SO_SNDTIMEO, { usec: 30_000 }));
  const size = 3_000_000;
  const sent = must(a.send('x'.repeat(size)));
  assert.ok(sent > 0 && sent < size, String(sent));
  assert.equal(a.send('x'), null);
  assert.equal(a.error(), 'send(): Resource temporarily unavailable');
});

test('SO_SNDTIMEO limits how long connect waits for a place in the backlog, and there is none then', () => {
  const path = tempPath();
  using(listen(path, null, { socktype: SOCK_STREAM }, 0));
  using(connect(path));
  const socket = using(create(AF_UNIX));
  must(socket.setopt(SOL_SOCKET, SO_SNDTIMEO, { usec: 30_000 }));
  assert.equal(socket.connect(path), null);
  assert.equal(socket.error(), 'connect(): Resource temporarily unavailable');
});

test('MSG_WAITALL waits until there is room for nothing more', async () => {
  const [a, b] = usingPair();
  const { ended } = await onThread(
    b,
    `
    ready();
    const borrowed = Socket.fromFd(sock.fileno(), 'borrow');
    for (const part of ['one', 'two', 'three', 'four']) {
      sock.send(part);
      // They are taken one by one.
      while (borrowed.unsent() > 0);
    }
    borrowed.close();
    `,
  );
  assert.equal(String(a.recv(11, MSG_WAITALL)), 'onetwothree');
  const { data, length } = must(a.recvmsg([2, 2], 0, MSG_WAITALL));
  assert.deepEqual([data.map(String), length], [['fo', 'ur'], 4]);
  await ended;
});

test('MSG_WAITALL gives what there is at the end of a stream, and when time is up', () => {
  const [a, b] = usingPair();
  b.send('some');
  must(a.setopt(SOL_SOCKET, SO_RCVTIMEO, { usec: 30_000 }));
  assert.equal(String(a.recv(100, MSG_WAITALL)), 'some');
  b.send('more');
  b.close();
  assert.equal(String(a.recv(100, MSG_WAITALL)), 'more');
  assert.equal(must(a.recv(100, MSG_WAITALL)).length, 0);
});

test('MSG_WAITALL does not wait for more to look at on Unix sockets, nor on datagrams', () => {
  const [a, b] = usingPair();
  b.send('some');
  assert.equal(String(a.recv(100, MSG_WAITALL | MSG_PEEK)), 'some');
  assert.equal(String(must(a.recvmsg(100, 0, MSG_WAITALL | MSG_PEEK)).data), 'some');
  const [c, d] = usingPair(SOCK_DGRAM);
  d.send('one');
  assert.equal(String(c.recv(100, MSG_WAITALL)), 'one');
});

/** A connection over loopback, which can be reset. */
function connection(): [client: Socket, server: Socket] {
  const listener = using(listen('127.0.0.1', 0));
  const client = using(connect('127.0.0.1', must(listener.sockname()).port));
  return [client, using(listener.accept())];
}

test('MSG_WAITALL waits for all that it looks at of a TCP stream', async () => {
  const [client, server] = connection();
  const ALL = MSG_WAITALL | MSG_PEEK;
  client.send('one');
  const first = await onThread(client, `ready(); sock.send('two');`);
  assert.equal(String(server.recv(6, ALL)), 'onetwo');
  await first.ended;
  const second = await onThread(client, `ready(); sock.send('three');`);
  const { data, length } = must(server.recvmsg([6, 5], 0, ALL));
  assert.deepEqual([data.map(String), length], [['onetwo', 'three'], 11]);
  await second.ended;
  assert.equal(String(server.recv(100)), 'onetwothree');
});

test('MSG_WAITALL looks at what there is when time is up, at the end of a stream and after an error', () => {
  const [client, server] = connection();
  const ALL = MSG_WAITALL | MSG_PEEK;
  must(server.setopt(SOL_SOCKET, SO_RCVTIMEO, { usec: 30_000 }));
  const began = performance.now();
  assert.equal(server.recv(100, ALL), null);
  assert.equal(server.error(true), EAGAIN);
  client.send('some');
  must(poll(5000, server));
  assert.equal(String(server.recv(100, ALL)), 'some');
  assert.ok(performance.now() - began >= 55);
  assert.equal(String(server.recv(100, ALL | MSG_DONTWAIT)), 'some');
  must(server.setopt(SOL_SOCKET, SO_RCVTIMEO, {}));
  client.shutdown(numbers.SHUT_WR);
  assert.equal(String(server.recv(100, ALL)), 'some');
  assert.equal(String(server.recv(100)), 'some');
  assert.equal(must(server.recv(100, ALL)).length, 0);
  const [broken, other] = connection();
  broken.send('last');
  must(broken.setopt(SOL_SOCKET, numbers.SO_LINGER, { onoff: 1, linger: 0 }));
  broken.close();
  assert.equal(String(other.recv(100, ALL)), 'last');
});

test('MSG_WAITALL has nothing to look at where nothing is connected', () => {
  const sockets = [using(create()), using(listen('127.0.0.1', 0))];
  for (const socket of sockets) {
    assert.equal(socket.recv(100, MSG_WAITALL | MSG_PEEK), null);
    assert.equal(socket.error(), 'recv(): Transport endpoint is not connected');
  }
});

test('recv gives what came before an error, and tells the error next', () => {
  const [client, server] = connection();
  client.send('before');
  must(client.setopt(SOL_SOCKET, numbers.SO_LINGER, { onoff: 1, linger: 0 }));
  client.close();
  must(poll(5000, [server, numbers.POLLRDHUP]));
  assert.equal(String(server.recv(100, MSG_WAITALL)), 'before');
  assert.equal(server.error(), null);
  assert.equal(server.recv(), null);
  assert.equal(server.error(), 'recv(): Connection reset by peer');
  assert.equal(must(server.recv()).length, 0);
});

test('send counts what went out before an error, and tells the error next', async () => {
  const [a, b] = usingPair();
  const { ended } = await onThread(b, `ready(); sock.recv(100_000);`);
  b.close();
  const size = 3_000_000;
  const sent = must(a.send('x'.repeat(size)));
  assert.ok(sent > 0 && sent < size, String(sent));
  assert.equal(a.send('x'), null);
  assert.equal(a.error(), 'send(): Broken pipe');
  await ended;
});

test('open makes a socket that waits, unless it is told otherwise', async () => {
  const [a, b] = usingPair();
  const { ended } = await onThread(b, `ready(); sock.recv(); sock.send('back');`);
  a.send('there');
  assert.equal(String(a.recv()), 'back');
  await ended;
  const [lent, other] = PosixSocket.pair();
  const fd = lent.detach();
  const socket = using(open(fd, SOCK_NONBLOCK));
  assert.equal(socket.fileno(), fd);
  assert.equal(socket.recv(), null);
  assert.equal(socket.error(true), EAGAIN);
  other.close();
});

test('open takes what a process was started with', async () => {
  const [a, b] = usingPair();
  const script = `
    import { open } from ${JSON.stringify(new URL('../doors/ucode.js', import.meta.url).href)};
    const socket = open(0);
    console.log('ready');
    console.log(String(socket.recv()));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: [b.fileno(), 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (data: Buffer) => {
    output += String(data);
    if (output === 'ready\n') a.send('to a child');
  });
  const [status] = (await once(child, 'close')) as [number];
  assert.deepEqual([status, output], [0, 'ready\nto a child\n']);
});

test('open refuses what is no socket', () => {
  for (const [fd, code] of [
    [-1, numbers.EBADF],
    [1_000_000, numbers.EBADF],
    [openSync('/dev/null', 'r'), numbers.ENOTSOCK],
  ] as const) {
    assert.equal(open(fd), null);
    assert.equal(error(true), code);
    // It still belongs to whoever opened it.
    if (code === numbers.ENOTSOCK) closeSync(fd);
  }
});
