/** Waiting, blocked and on the poller: deadlines, signals, aborts, closes, and nothing that spins. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { Peer, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import { poll } from './poll.ts';
import { Socket } from './socket.ts';
import { pairOf, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();
const { POLLIN, POLLOUT, POLLHUP, POLLNVAL, POLLRDHUP } = constants;

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const SOCKET_MODULE = JSON.stringify(new URL('socket.js', import.meta.url).href);

test('a blocking recv ends at its deadline, never before (F56)', (t) => {
  const [a] = pairOf(t);
  for (const timeout of [0, 1, 20, 50.5]) {
    const began = performance.now();
    assert.throws(() => a.recv(10, { timeout }), { code: 'ETIMEDOUT', syscall: 'recv', op: 'recv' });
    assert.ok(performance.now() - began >= timeout);
  }
});

const STORMED = `
import { Socket } from ${SOCKET_MODULE};
let signals = 0;
process.on('SIGUSR1', () => { signals++; });
process.on('SIGTERM', () => { console.log(JSON.stringify({ took, signals: signals > 0 })); process.exit(0); });
const [a] = Socket.pair();
console.log('ready');
const began = performance.now();
try { a.recv(10, { timeout: 400 }); } catch (error) { if (error.code !== 'ETIMEDOUT') throw error; }
const took = performance.now() - began;
console.log('done');
setInterval(() => undefined, 1000);
`;

test('signals do not stretch the deadline of a blocking call, nor end it (F55)', async (t) => {
  const child = new Peer(t, process.execPath, ['--input-type=module', '-e', STORMED]);
  assert.equal(await child.line(), 'ready');
  const storm = { isOver: false };
  const done = child.line().finally(() => {
    storm.isOver = true;
  });
  while (!storm.isOver) {
    child.child.kill('SIGUSR1');
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await done, 'done');
  child.child.kill('SIGTERM');
  const { took, signals } = await child.json<{ took: number; signals: boolean }>();
  assert.equal(signals, true);
  // That it ends at all shows that the deadline did not begin anew with each signal: they come until it has.
  assert.ok(took >= 400, String(took));
});

test('a blocking call ends when its time is up although an error queue stays full', (t) => {
  const socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
  t.after(() => {
    socket.close();
  });
  const nobody = Socket.socket('AF_INET', 'SOCK_DGRAM');
  nobody.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  const address = nobody.localAddress();
  nobody.close();
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  socket.sendTo(Uint8Array.of(1), address);
  assert.throws(() => socket.recv(10, { timeout: 5000 }), { code: 'ECONNREFUSED' });
  const began = performance.now();
  const before = process.cpuUsage();
  assert.throws(() => socket.recv(10, { timeout: 300 }), { code: 'ETIMEDOUT' });
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1000 / (performance.now() - began);
  assert.ok(share < 0.5, `it was busy for ${String(Math.round(100 * share))} % of the wait`);
});

test('a promise for a receiver with a full error queue does not spin', async (t) => {
  const socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
  t.after(() => {
    socket.close();
  });
  socket.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  const nobody = Socket.socket('AF_INET', 'SOCK_DGRAM');
  nobody.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  const address = nobody.localAddress();
  nobody.close();
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  socket.sendTo(Uint8Array.of(1), address);
  await assert.rejects(socket.recvAsync(10), { code: 'ECONNREFUSED' });
  const got = socket.recvAsync(10, { timeout: 20_000 });
  socket.sendTo(Uint8Array.of(5), socket.localAddress());
  assert.deepEqual(await got, Uint8Array.of(5));
});

test('send to a full Unix peer that is not connected waits for room (F28)', async (t) => {
  const receiver = Socket.socket('AF_UNIX', 'SOCK_DGRAM');
  const sender = Socket.socket('AF_UNIX', 'SOCK_DGRAM');
  t.after(() => {
    receiver.close();
    sender.close();
  });
  const address: SocketAddress = { family: 'unix', path: tempPath() };
  receiver.bind(address);
  while (sender.sendTo(Uint8Array.of(1), address) !== null);
  assert.throws(() => sender.sendTo(Uint8Array.of(2), address, { timeout: 30 }), { code: 'ETIMEDOUT' });
  const sent = sender.sendToAsync(Uint8Array.of(2), address, { timeout: 20_000 });
  while (receiver.recv() !== null);
  assert.equal(await sent, 1);
  assert.deepEqual(receiver.recv(10, { timeout: 5000 }), Uint8Array.of(2));
});

test('sendAsync waits for room on a stream', async (t) => {
  const [a, b] = pairOf(t);
  const bytes = new Uint8Array(65536);
  while (a.send(bytes) !== null);
  let hasSent = false;
  const sent = a.sendAsync(bytes).then((count) => {
    hasSent = true;
    return count;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(hasSent, false);
  while (b.recv() !== null);
  assert.ok((await sent) > 0);
});

test('several that wait for one socket share what comes, and none is forgotten', async (t) => {
  const [a, b] = pairOf(t, 'SOCK_DGRAM');
  const waiting = Array.from({ length: 5 }, () => b.recvAsync(10));
  for (let i = 0; i < 5; i++) a.send(Uint8Array.of(i));
  const got = await Promise.all(waiting);
  assert.deepEqual(got.map(([byte]) => byte).sort(), [0, 1, 2, 3, 4]);
});

test('both directions of a socket are waited for at once', async (t) => {
  const [a, b] = pairOf(t);
  const bytes = new Uint8Array(65536);
  while (a.send(bytes) !== null);
  const read = a.recvAsync(10);
  const written = a.sendAsync(bytes);
  b.send(Uint8Array.of(9));
  assert.deepEqual(await read, Uint8Array.of(9));
  while (b.recv() !== null);
  assert.ok((await written) > 0);
});

test('an abort before, during and after a wait', async (t) => {
  const [a, b] = pairOf(t);
  const reason = { why: 'enough' };
  const before = AbortSignal.abort(reason);
  a.send(Uint8Array.of(1));
  await assert.rejects(b.recvAsync(10, { signal: before }), (error) => error === reason);
  assert.deepEqual(b.recv(), Uint8Array.of(1));
  const during = new AbortController();
  const waiting = b.recvAsync(10, { signal: during.signal });
  during.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  const after = new AbortController();
  const got = b.recvAsync(10, { signal: after.signal });
  a.send(Uint8Array.of(2));
  assert.deepEqual(await got, Uint8Array.of(2));
  after.abort();
  a.send(Uint8Array.of(3));
  assert.deepEqual(await b.recvAsync(10), Uint8Array.of(3));
});

test('the time of a promise runs out with ETIMEDOUT, and nothing stays behind', async (t) => {
  const [, b] = pairOf(t);
  const before = countDescriptors();
  for (let i = 0; i < 50; i++) {
    await assert.rejects(b.recvAsync(10, { timeout: 1 }), { code: 'ETIMEDOUT', op: 'recv' });
  }
  await assert.rejects(b.acceptAsync({ timeout: 1 }), { code: 'EINVAL' });
  assert.equal(countDescriptors(), before);
});

test('closing ends every wait, once each (F51)', async () => {
  const [a, b] = Socket.pair();
  const bytes = new Uint8Array(65536);
  while (a.send(bytes) !== null);
  const waits = [a.recvAsync(), a.sendAsync(bytes), a.readable()];
  const outcomes: unknown[] = [];
  for (const wait of waits) wait.catch((error: unknown) => outcomes.push(error));
  a.close();
  await Promise.allSettled(waits);
  await assert.rejects(waits[0] ?? Promise.resolve(), { code: 'ERR_SOCKET_CLOSED' });
  assert.equal(outcomes.length, 3);
  b.close();
});

test('a wait survives a duplicate that closes, and a late event meets nobody (F52)', async () => {
  const [a, b] = Socket.pair();
  const twin = b.dup();
  const first = b.recvAsync(10);
  first.catch(() => undefined);
  b.close();
  a.send(Uint8Array.of(1));
  await assert.rejects(first, { code: 'ERR_SOCKET_CLOSED' });
  assert.deepEqual(await twin.recvAsync(10), Uint8Array.of(1));
  a.close();
  assert.equal((await twin.recvAsync(10)).length, 0);
  twin.close();
});

test('the context of whoever waits is kept (F62)', async (t) => {
  const [a, b] = pairOf(t);
  const storage = new AsyncLocalStorage<string>();
  const seen = storage.run('mine', async () => {
    await b.readable();
    return storage.getStore();
  });
  storage.run('other', () => a.send(Uint8Array.of(1)));
  assert.equal(await seen, 'mine');
});

const ALIVE = `
import { Socket } from ${SOCKET_MODULE};
const [a, b] = Socket.pair();
if (process.argv[1] === 'wait') {
  b.recvAsync(10).then((bytes) => console.log('got', bytes.length));
  setImmediate(() => { a.send(new Uint8Array(3)); });
} else {
  const controller = new AbortController();
  b.recvAsync(10, { signal: controller.signal }).catch(() => console.log('ended'));
  controller.abort();
}
`;

test('an open wait keeps the process alive, an open socket alone does not', async () => {
  const run = (mode: string): ReturnType<typeof runProgram> =>
    runProgram(process.execPath, ['--input-type=module', '-e', ALIVE, '--', mode]);
  assert.deepEqual(await run('wait'), { status: 0, stdout: 'got 3\n', stderr: '' });
  assert.deepEqual(await run('abort'), { status: 0, stdout: 'ended\n', stderr: '' });
});

test('poll answers for each item, in their order, and leaves them as they were (ucode 24)', (t) => {
  const [a, b] = pairOf(t);
  a.send(Uint8Array.of(1));
  const items = Object.freeze(
    [
      { on: b, events: POLLIN | POLLOUT },
      { on: a.fd, events: POLLIN },
      { on: { fd: b.fd }, events: POLLIN },
      { on: 1 << 20, events: POLLIN },
      { on: b, events: 0 },
      { on: b, events: POLLIN },
    ].map((item) => Object.freeze(item)),
  );
  assert.deepEqual(poll(items, 0), [POLLIN | POLLOUT, 0, POLLIN, POLLNVAL, 0, POLLIN]);
  a.shutdown('write');
  assert.deepEqual(poll([{ on: b, events: POLLRDHUP }], 5000), [POLLRDHUP]);
  a.close();
  assert.deepEqual(poll([{ on: b, events: 0 }]), [POLLHUP]);
});

test('poll ends at its deadline, and with nothing to wait for', () => {
  const began = performance.now();
  assert.deepEqual(poll([], 20), []);
  assert.ok(performance.now() - began >= 20);
});

test('poll refuses what it cannot wait for', (t) => {
  const [a, b] = pairOf(t);
  const call = poll as (...args: readonly unknown[]) => unknown;
  assert.throws(() => call(null), /items: expected an array/);
  assert.throws(() => call([null]), /items\[0\]: expected an object/);
  assert.throws(() => call([{ on: -1, events: 1 }]), /items\[0\]\.on: expected a whole number/);
  assert.throws(() => call([{ on: {}, events: 1 }]), /items\[0\]\.on\.fd: expected a whole number/);
  assert.throws(() => call([{ on: b, events: '1' }]), /items\[0\]\.events: expected a whole number/);
  assert.throws(() => call([{ on: b, events: 1 }], NaN), /timeout: expected milliseconds/);
  assert.throws(() => call([{ on: b, events: 1 }], '5'), /timeout: expected milliseconds/);
  a.close();
  assert.throws(() => poll([{ on: a, events: 1 }]), { code: 'ERR_SOCKET_CLOSED' });
});

test('options of a call are judged before anything is done (F41, F48)', async (t) => {
  const [a, b] = pairOf(t);
  const bytes = Uint8Array.of(1);
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ flags: '2' }, /flags: expected a whole number/],
    [{ flags: 2 ** 31 }, /flags: expected a whole number/],
    [{ timeout: -1 }, /timeout: expected milliseconds/],
    [{ timeout: NaN }, /timeout: expected milliseconds/],
    [{ timeout: '10' }, /timeout: expected milliseconds/],
    [{ timeout: 2 ** 31 }, /timeout: expected milliseconds/],
  ];
  for (const [options, message] of bad) assert.throws(() => a.send(bytes, options), message);
  assert.throws(
    () =>
      a.send(bytes, {
        get timeout(): number {
          throw new Error('mine');
        },
      }),
    /mine/,
  );
  await assert.rejects(
    async () => b.recvAsync(10, { signal: {} as AbortSignal }),
    /signal: expected an AbortSignal/,
  );
  assert.equal(b.recv(), null);
});
