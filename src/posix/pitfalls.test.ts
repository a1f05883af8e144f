/** What the system does that a caller would not expect: kept from showing as wrong bytes, lost bytes or a thread that hangs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadNative } from '../addon/load.ts';
import { runProgram } from '../testing/node/peer.ts';
import { Socket } from './socket.ts';
import { LOOPBACK, listener, open, pairOf, settledLeakCheck, tcpPair, udp } from './test-kit.ts';

const { constants } = loadNative();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

test('MSG_ZEROCOPY is refused: later calls would change what is sent', async (t) => {
  const [client] = tcpPair(t);
  client.setOption('SOL_SOCKET', 'SO_ZEROCOPY', true);
  const flags = constants.MSG_ZEROCOPY;
  const data = new Uint8Array(10);
  const calls = [
    () => client.send(data, { flags }),
    () => client.sendTo(data, LOOPBACK, { flags }),
    () => client.sendMsg({ data }, { flags }),
    () => client.sendMany([{ data }], { flags }),
  ];
  for (const call of calls)
    assert.throws(call, { code: 'ERR_UNSUPPORTED', message: /MSG_ZEROCOPY needs memory/ });
  await assert.rejects(client.sendAsync(data, { flags }), { code: 'ERR_UNSUPPORTED' });
});

test('MSG_TRUNC on TCP answers zeros, and nothing of what others have received', (t) => {
  const [client, server] = tcpPair(t);
  const [a, b] = pairOf(t);
  const soil = (): void => {
    client.send(bytesOf('0123456789'));
    a.send(bytesOf('SECRET-SECRET'));
    b.recv();
  };
  const flags = constants.MSG_TRUNC;
  const zeros = new Uint8Array(10);
  soil();
  assert.deepEqual(server.recv(100, { flags, timeout: 5000 }), zeros);
  soil();
  const target = new Uint8Array(20).fill(7);
  assert.equal(server.recvInto(target, { flags, timeout: 5000 }), 10);
  assert.deepEqual(target, new Uint8Array(20).fill(7));
  soil();
  assert.deepEqual(server.recvFrom(100, { flags, timeout: 5000 }).data, zeros);
  soil();
  assert.deepEqual(server.recvMsg({ size: 100 }, { flags, timeout: 5000 }).data, zeros);
});

test('sendMany and recvMany refuse streams, where part of a message would be lost sight of', async (t) => {
  const [a, b] = pairOf(t);
  assert.throws(() => a.sendMany([{ data: new Uint8Array(1) }]), { code: 'ERR_UNSUPPORTED', op: 'sendMany' });
  assert.throws(() => b.recvMany(), { code: 'ERR_UNSUPPORTED', op: 'recvMany' });
  await assert.rejects(b.recvManyAsync(), { code: 'ERR_UNSUPPORTED' });
});

test('recvMany tells the end of a connection once', (t) => {
  const [a, b] = pairOf(t, 'SOCK_SEQPACKET');
  a.send(bytesOf('one'));
  a.send(new Uint8Array(0));
  a.send(bytesOf('two'));
  a.close();
  assert.deepEqual(
    b.recvMany()?.map(({ length }) => length),
    [3, 0, 3, 0],
  );
  assert.deepEqual(
    b.recvMany()?.map(({ length }) => length),
    [0],
  );
});

test('waiting for a socket with a full error queue leaves turns to others', async (t) => {
  const socket = udp(t);
  const nobody = udp(t);
  const address = nobody.localAddress();
  nobody.close();
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  socket.sendTo(Uint8Array.of(1), address);
  assert.throws(() => socket.recv(10, { timeout: 5000 }), { code: 'ECONNREFUSED' });
  const state = { isOver: false };
  const others = (async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await setImmediate();
    state.isOver = true;
  })();
  while (!state.isOver) {
    await socket.readable({ timeout: 20_000 });
    assert.equal(socket.recv(), null);
  }
  await others;
});

test('sendAsync has copied what waits: its memory may be used, shrunk or handed on (F44, F45)', async (t) => {
  const [a, b] = pairOf(t);
  const filler = new Uint8Array(65536);
  while (a.send(filler) !== null);
  const data = new Uint8Array(1000).fill(5);
  const sent = a.sendAsync(data);
  structuredClone(data, { transfer: [data.buffer] });
  while (b.recv() !== null);
  assert.equal(await sent, 1000);
  assert.deepEqual(b.recv(), new Uint8Array(1000).fill(5));
});

test('recvIntoAsync fails if its target shrinks meanwhile, and loses nothing (F45)', async (t) => {
  const [a, b] = pairOf(t);
  const target = new Uint8Array(8);
  const got = b.recvIntoAsync(target);
  structuredClone(target, { transfer: [target.buffer] });
  a.send(bytesOf('12345'));
  await assert.rejects(got, TypeError);
  assert.deepEqual(b.recv(), bytesOf('12345'));
});

test('a socket connects at once after it was refused, and only once (CPython does)', (t) => {
  const { address } = listener(t);
  const other = listener(t);
  const { listening, address: closed } = listener(t);
  listening.close();
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  assert.throws(() => client.connect(closed, { timeout: 5000 }), { code: 'ECONNREFUSED' });
  assert.equal(client.connect(address, { timeout: 5000 }), true);
  assert.throws(() => client.connect(other.address, { timeout: 5000 }), { code: 'EISCONN' });
  assert.deepEqual(client.remoteAddress(), address);
});

const BLOCKING = `
import { Socket, poll } from ${JSON.stringify(new URL('../doors/posix.js', import.meta.url).href)};
import { workerData, parentPort } from 'node:worker_threads';
const [a] = Socket.pair();
parentPort.postMessage('waiting');
if (workerData === 'poll') poll([{ on: a, events: 1 }]);
else a.recv(1, { timeout: Infinity });
`;

for (const how of ['recv', 'poll']) {
  test(`a worker that is blocked in ${how} can be ended`, async () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(BLOCKING)}`), {
      workerData: how,
    });
    await new Promise((resolve) => worker.once('message', resolve));
    assert.equal(await worker.terminate(), 1);
  });
}

const EXITING = `
import { Worker } from 'node:worker_threads';
const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.argv[1])));
worker.once('message', () => process.exit(3));
`;

test('a process ends although a worker of it is blocked', async () => {
  const { status } = await runProgram(process.execPath, [
    '--input-type=module',
    '-e',
    EXITING,
    '--',
    BLOCKING,
  ]);
  assert.equal(status, 3);
});

test('a descriptor that is taken is close-on-exec, and waits for those who share it as before', (t) => {
  const [a, b] = pairOf(t);
  const program =
    'import socket, sys; s = socket.socket(fileno=3); s.setblocking(True); sys.exit(s.getblocking() is not True)';
  const made = spawnSync('python3', ['-c', program], { stdio: ['ignore', 'inherit', 'inherit', a.fd] });
  assert.equal(made.status, 0);
  const taken = Socket.fromFd(a.detach(), 'take');
  const flags = (): number => {
    const { stdout } = spawnSync(
      'grep',
      ['flags', `/proc/${String(process.pid)}/fdinfo/${String(taken.fd)}`],
      { encoding: 'utf8' },
    );
    return Number.parseInt(/flags:\s+(\d+)/.exec(stdout)?.[1] ?? '', 8);
  };
  assert.equal(taken.recv(), null);
  taken.send(Uint8Array.of(1));
  assert.equal(flags() & 0o4000, 0, 'it is left blocking');
  assert.equal(flags() & 0o2000000, 0o2000000, 'it is close-on-exec');
  assert.throws(() => taken.accept(), { code: 'EINVAL' });
  taken.close();
  assert.equal(b.recv()?.length, 1);
});
