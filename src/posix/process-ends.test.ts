/** Ends of threads and processes while sockets are open and waits are pending, children, and the signal of pipes. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { runProgram } from '../testing/node/peer.ts';
import { Socket } from './socket.ts';
import { BYTES, closing, listener, open, pairOf, settledLeakCheck } from './test-kit.ts';

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const DOOR = new URL('../doors/posix.js', import.meta.url).href;

/** Opens sockets of several kinds, and has something wait for each. */
const PENDING = `
const { Socket, poll } = await import(${JSON.stringify(DOOR)});
const [one, two] = Socket.pair();
const listening = Socket.socket('AF_INET', 'SOCK_STREAM');
listening.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
listening.listen();
const udp = Socket.socket('AF_INET', 'SOCK_DGRAM');
one.sendMsg({ data: Uint8Array.of(1), control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [udp, one] }] });
const message = two.recvMsg();
const full = Socket.pair()[0];
while (full.send(new Uint8Array(65536)) !== null);
const waits = [listening.acceptAsync(), two.recvAsync(), two.readable(), udp.recvMsgAsync(), full.sendAsync(new Uint8Array(9)), two.recvAsync(10, { timeout: 1e6 })];
poll([{ on: two, events: 1 }], 0);
`;

const WORKERS = `
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
const count = () => readdirSync('/proc/self/fd').length;
const code = ${JSON.stringify(`${PENDING}\n(await import('node:worker_threads')).parentPort.postMessage('ready');`)};
const url = new URL('data:text/javascript,' + encodeURIComponent(code));
async function live(isPatient) {
  const worker = new Worker(url);
  if (isPatient) await new Promise((resolve, reject) => { worker.once('message', resolve); worker.once('error', reject); });
  await worker.terminate();
}
await live(true);
await import(${JSON.stringify(DOOR)});
const before = count();
for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, (_, j) => live(j > 1)));
console.log(count() - before);
`;

const runNode = (code: string, ...flags: readonly string[]): ReturnType<typeof runProgram> =>
  runProgram(process.execPath, [...flags, '--input-type=module', '-e', code]);

test('a hundred workers that end with open sockets and pending waits leave nothing (F57)', async () => {
  const { status, stdout, stderr } = await runNode(WORKERS);
  assert.deepEqual([status, stdout, stderr], [0, '0\n', '']);
});

const ENDS: readonly (readonly [what: string, code: string, status: number | string, stderr: RegExp])[] = [
  ['process.exit', 'process.exit(7);', 7, /^$/],
  ['process.exit in a wait', 'waits[1].then(() => process.exit(7)); one.send(Uint8Array.of(1));', 7, /^$/],
  ['an exception that nobody catches', "setImmediate(() => { throw new Error('mine'); });", 1, /Error: mine/],
  ['a rejection that nobody catches', 'two.close();', 1, /ClosedError/],
  ['abort', 'process.abort();', 'SIGABRT', /./],
  ['a signal', "process.kill(process.pid, 'SIGTERM');", 'SIGTERM', /^$/],
];

for (const [what, code, status, words] of ENDS) {
  test(`a process with pending waits ends by ${what} (F58)`, async () => {
    const ran = await runNode(`${PENDING}${code}`);
    assert.equal(ran.status, status, ran.stderr);
    assert.match(ran.stderr, words);
  });
}

test('a process that ends with workers in the middle of waits ends at once (F57, F58)', async () => {
  const code = `
    import { Worker } from 'node:worker_threads';
    const code = ${JSON.stringify(`${PENDING}\n(await import('node:worker_threads')).parentPort.postMessage('ready');`)};
    const url = new URL('data:text/javascript,' + encodeURIComponent(code));
    const workers = [0, 1, 2, 3].map(() => new Worker(url));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
    process.exit(9);`;
  const { status, stderr } = await runNode(code);
  assert.deepEqual([status, stderr], [9, '']);
});

/** Prints what its descriptors are. The one that listed them is closed by then. */
const LINKS = `
import os
for fd in os.listdir('/proc/self/fd'):
    if os.path.lexists('/proc/self/fd/' + fd): print(os.readlink('/proc/self/fd/' + fd))
`;

test('a child inherits no socket, whatever has made it (F59)', async (t) => {
  const [one, two] = pairOf(t);
  one.sendMsg({ data: BYTES, control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [one] }] });
  using message = two.recvMsg() ?? undefined;
  const { listening, address } = listener(t);
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  client.connect(address, { timeout: 5000 });
  const accepted = closing(t, listening.accept({ timeout: 5000 }).socket);
  const taken = closing(t, Socket.fromFd(closing(t, one.dup()).detach(), 'take'));
  const ours = [one, two, listening, client, accepted, taken, ...(message?.descriptors ?? [])];
  assert.equal(ours.length, 7);
  const names = ours.map(({ fd }) => readlinkSync(`/proc/self/fd/${String(fd)}`));
  const { stdout, status } = await runProgram('python3', ['-c', LINKS]);
  assert.equal(status, 0);
  const theirs = stdout.trim().split('\n');
  assert.ok(theirs.length >= 3);
  assert.deepEqual(
    names.filter((name) => theirs.includes(name)),
    [],
  );
});

test('no way to send raises SIGPIPE (F60)', async (t) => {
  const signals: string[] = [];
  const listen = (signal: string): void => void signals.push(signal);
  process.on('SIGPIPE', listen);
  t.after(() => process.off('SIGPIPE', listen));
  for (const type of ['SOCK_STREAM', 'SOCK_SEQPACKET'] as const) {
    const [one, two] = pairOf(t, type);
    two.close();
    const sends: readonly (() => unknown)[] = [
      () => one.send(BYTES),
      () => one.send(BYTES, { timeout: 100 }),
      () => one.send(new Uint8Array(10_000)),
      () => one.sendMsg({ data: BYTES }),
      ...(type === 'SOCK_STREAM' ? [] : [() => one.sendMany([{ data: BYTES }, { data: BYTES }])]),
    ];
    for (const send of sends) assert.throws(send, { code: 'EPIPE' });
    assert.throws(() => one.sendTo(BYTES, { family: 'unix', path: '/nowhere' }), { name: 'SystemError' });
    await assert.rejects(one.sendAsync(BYTES), { code: 'EPIPE' });
    await assert.rejects(one.sendMsgAsync({ data: BYTES }), { code: 'EPIPE' });
    if (type === 'SOCK_SEQPACKET')
      await assert.rejects(one.sendManyAsync([{ data: BYTES }]), { code: 'EPIPE' });
  }
  const { address, listening } = listener(t);
  const client = open(t, 'AF_INET', 'SOCK_STREAM');
  client.connect(address, { timeout: 5000 });
  client.shutdown('write');
  for (const send of [() => client.send(BYTES), () => client.sendTo(BYTES, listening.localAddress())])
    assert.throws(send, { code: 'EPIPE' });
  await setImmediate();
  assert.deepEqual(signals, []);
  // That it would have been seen.
  process.kill(process.pid, 'SIGPIPE');
  while (signals.length === 0) await setImmediate();
  assert.deepEqual(signals, ['SIGPIPE']);
});
