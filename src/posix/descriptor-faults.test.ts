/** Descriptors that run out, and sockets that are closed while something waits for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadNative } from '../addon/load.ts';
import { runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import { Socket } from './socket.ts';
import { BYTES, open, pairOf, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();
const DOOR = new URL('../doors/posix.js', import.meta.url).href;

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

// --- no descriptor left -------------------------------------------------------------------------

/** Runs with few descriptors, takes all of them, and tells what each call says then. */
const STARVED = `
import { closeSync, openSync } from 'node:fs';
import { Socket } from ${JSON.stringify(DOOR)};
const address = { family: 'unix', path: process.argv[1] };
const listening = Socket.socket('AF_UNIX', 'SOCK_STREAM');
listening.bind(address);
listening.listen();
const clients = [0, 1].map(() => Socket.socket('AF_UNIX', 'SOCK_STREAM'));
for (const client of clients) client.connect(address);
const [one, two] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET');
const warm = listening.acceptAsync();
(await warm).socket.close();
const rights = (...data) => [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data }];
for (let i = 0; i < 3; i++) one.sendMsg({ data: Uint8Array.of(1, 2, 3), control: rights(0, 1, 2) });
const code = (call) => { try { call(); return 'none'; } catch ({ code, syscall, op }) { return [code, syscall, op].join(); } };
const told = {};
const files = [];
told.files = code(() => { for (;;) files.push(openSync('/dev/null', 'r')); });
told.socket = code(() => Socket.socket('AF_INET', 'SOCK_STREAM'));
told.pair = code(() => Socket.pair());
told.dup = code(() => one.dup());
told.pidfd = code(() => one.peerPidfd());
told.accept = code(() => listening.accept());
told.acceptBlocking = code(() => listening.accept({ timeout: 1000 }));
told.acceptAsync = await listening.acceptAsync().then(() => 'none', ({ code }) => code);
const show = ({ data, descriptors, controlTruncated }) => [data.length, descriptors.length, controlTruncated].join();
told.none = show(two.recvMsg());
closeSync(files.pop());
const message = two.recvMsg();
told.some = show(message);
message[Symbol.dispose]();
closeSync(files.pop());
closeSync(files.pop());
const whole = two.recvMsg();
told.all = show(whole);
whole[Symbol.dispose]();
told.accepted = listening.accept() !== null;
for (const file of files) closeSync(file);
console.log(JSON.stringify(told));
`;

test('every call that makes a descriptor says EMFILE when there are none, and works again later (F01, F02, F03)', async () => {
  const line = 'ulimit -n 60; exec "$0" --input-type=module -e "$1" -- "$2"';
  const ran = await runProgram('bash', ['-c', line, process.execPath, STARVED, tempPath()]);
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(JSON.parse(ran.stdout), {
    files: 'EMFILE,open,',
    socket: 'EMFILE,socket,socket',
    pair: 'EMFILE,socketpair,pair',
    dup: 'EMFILE,fcntl,dup',
    pidfd: 'EMFILE,getsockopt,peerPidfd',
    accept: 'EMFILE,accept4,accept',
    acceptBlocking: 'EMFILE,accept4,accept',
    acceptAsync: 'EMFILE',
    none: '3,0,true',
    some: '3,1,true',
    all: '3,3,false',
    accepted: true,
  });
});

// --- collected ----------------------------------------------------------------------------------

/** Forgets a socket that is waited for, and collects. */
const FORGOTTEN = `
import { setImmediate } from 'node:timers/promises';
import { Socket } from ${JSON.stringify(DOOR)};
const address = { family: 'ipv4', host: '127.0.0.1', port: 0 };
const client = Socket.socket('AF_INET', 'SOCK_STREAM');
const waits = (() => {
  const listening = Socket.socket('AF_INET', 'SOCK_STREAM');
  listening.bind(address);
  listening.listen();
  address.port = listening.localAddress().port;
  const [one, two] = Socket.pair();
  globalThis.one = one;
  return [listening.acceptAsync(), two.recvAsync()];
})();
for (let i = 0; i < 10; i++) { globalThis.gc(); await setImmediate(); }
client.connect(address, { timeout: 5000 });
one.send(Uint8Array.of(1, 2, 3));
const [{ socket }, bytes] = await Promise.all(waits);
console.log(socket.fd > 2, bytes.length);
process.exit(0);
`;

test('a socket that something waits for is not collected (F08)', async () => {
  const flags = ['--expose-gc', '--input-type=module', '-e', FORGOTTEN];
  const ran = await runProgram(process.execPath, flags);
  assert.deepEqual(ran, { status: 0, stdout: 'true 3\n', stderr: '' });
});

// --- closed while something waits ---------------------------------------------------------------

type Kind = 'SOCK_SEQPACKET' | 'SOCK_STREAM';

/** A socket with no room left for sending. */
function full(t: Parameters<typeof open>[0], type: Kind = 'SOCK_STREAM'): Socket {
  const [socket] = pairOf(t, type);
  const bytes = new Uint8Array(65_536);
  while (socket.send(bytes) !== null);
  return socket;
}

const idle = (t: Parameters<typeof open>[0], type: Kind = 'SOCK_STREAM'): Socket => pairOf(t, type)[0];

function listening(t: Parameters<typeof open>[0]): Socket {
  const socket = open(t, 'AF_UNIX', 'SOCK_STREAM');
  socket.bind({ family: 'unix', path: '' });
  socket.listen(0);
  return socket;
}

type Wait = readonly [
  what: string,
  make: (t: Parameters<typeof open>[0]) => Socket,
  wait: (socket: Socket) => Promise<unknown>,
];

const WAITS: readonly Wait[] = [
  ['readable', idle, (socket) => socket.readable()],
  ['writable', full, (socket) => socket.writable()],
  ['recvAsync', idle, (socket) => socket.recvAsync()],
  ['recvIntoAsync', idle, (socket) => socket.recvIntoAsync(new Uint8Array(4))],
  ['recvFromAsync', idle, (socket) => socket.recvFromAsync()],
  ['recvMsgAsync', idle, (socket) => socket.recvMsgAsync()],
  ['recvManyAsync', (t) => idle(t, 'SOCK_SEQPACKET'), (socket) => socket.recvManyAsync()],
  ['sendAsync', full, (socket) => socket.sendAsync(BYTES)],
  ['sendMsgAsync', full, (socket) => socket.sendMsgAsync({ data: BYTES })],
  ['sendManyAsync', (t) => full(t, 'SOCK_SEQPACKET'), (socket) => socket.sendManyAsync([{ data: BYTES }])],
  ['acceptAsync', listening, (socket) => socket.acceptAsync()],
];

for (const [what, make, wait] of WAITS) {
  for (const end of ['close', 'detach'] as const) {
    test(`${what} ends with a ClosedError when the socket is given up by ${end} (F51)`, async (t) => {
      const socket = make(t);
      const waits = [wait(socket), wait(socket), wait(socket)];
      const fd = socket[end]();
      const outcomes = await Promise.allSettled(waits);
      for (const outcome of outcomes) {
        assert.ok(outcome.status === 'rejected');
        assert.equal((outcome.reason as { code: string }).code, 'ERR_SOCKET_CLOSED');
      }
      if (typeof fd === 'number') Socket.fromFd(fd, 'take').close();
    });
  }
}

test('sendToAsync ends with a ClosedError when the socket is closed (F51)', async (t) => {
  const receiver = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  receiver.bind({ family: 'unix', path: '' });
  const address = receiver.localAddress();
  const sender = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  while (sender.sendTo(BYTES, address) !== null);
  const sent = sender.sendToAsync(BYTES, address);
  sender.close();
  await assert.rejects(sent, { code: 'ERR_SOCKET_CLOSED' });
});

for (const kind of ['AF_UNIX', 'AF_INET'] as const) {
  test(`connectAsync of ${kind} ends with a ClosedError when the socket is closed (F16, F51)`, async (t) => {
    const listener = open(t, kind, 'SOCK_STREAM');
    const here: SocketAddress =
      kind === 'AF_UNIX' ? { family: 'unix', path: '' } : { family: 'ipv4', host: '127.0.0.1', port: 0 };
    listener.bind(here);
    listener.listen(0);
    const address = listener.localAddress();
    // The backlog is full after one or two.
    const clients = [0, 1, 2, 3].map(() => open(t, kind, 'SOCK_STREAM'));
    const outcomes = clients.map((client) => client.connectAsync(address));
    for (const client of clients) client.close();
    const settled = await Promise.allSettled(outcomes);
    const rejected = settled.filter((each) => each.status === 'rejected');
    assert.ok(rejected.length > 0);
    for (const { reason } of rejected) assert.equal((reason as { code: string }).code, 'ERR_SOCKET_CLOSED');
  });
}

test('closing within what a wait resolves leaves the others that wait with a ClosedError (F25, F51)', async (t) => {
  const [one, two] = pairOf(t, 'SOCK_DGRAM');
  const first = two.recvAsync().then((bytes) => {
    two.close();
    return bytes;
  });
  const others = [two.recvAsync(), two.readable()];
  one.send(BYTES);
  assert.deepEqual(await first, BYTES);
  const settled = await Promise.allSettled(others);
  const codes = settled.map((each) =>
    each.status === 'rejected' ? (each.reason as { code: string }).code : '',
  );
  assert.equal(codes[0], 'ERR_SOCKET_CLOSED');
});

const POLLING = `
import { parentPort, workerData } from 'node:worker_threads';
const { Socket, poll } = await import(workerData.door);
const borrowed = Socket.fromFd(workerData.fd, 'borrow');
parentPort.postMessage('polling');
const [revents] = poll([{ on: borrowed, events: workerData.events }], 60_000);
borrowed.close();
parentPort.postMessage(revents);
`;

test('poll in a worker ends when the socket is shut down and closed here (F51, F57)', async (t) => {
  const [one, two] = pairOf(t);
  const workerData = { door: DOOR, fd: two.fd, events: constants.POLLIN };
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(POLLING)}`), { workerData });
  const revents = await new Promise<number>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: unknown) => {
      if (message === 'polling') one.shutdown('both');
      else resolve(message as number);
    });
  });
  await worker.terminate();
  assert.equal(revents & constants.POLLHUP, constants.POLLHUP);
  two.close();
});
