/** What goes wrong with descriptors and with room for control messages. */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { dataOf, enable, Pair, udpPair, XYZ } from '../e2e/control-kit.ts';
import { PythonAgent } from '../e2e/python-agent.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { ControlInput } from './control-messages.ts';
import type { ReceivedMessage } from './message.ts';
import { Socket } from './socket.ts';
import { settledLeakCheck } from './test-kit.ts';

const { constants: c } = loadNative();
const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

type UnixType = 'SOCK_STREAM' | 'SOCK_DGRAM' | 'SOCK_SEQPACKET';
const unixPair = (type: UnixType): Pair => new Pair(...Socket.pair('AF_UNIX', type));

const rights = (...data: readonly (number | { readonly fd: number })[]): ControlInput[] => [
  { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data },
];

/** Runs with the number of an open file, which it closes then. */
function withFile<T>(run: (fd: number) => T): T {
  const fd = openSync('/dev/null', 'r');
  try {
    return run(fd);
  } finally {
    closeSync(fd);
  }
}

function sendFiles(socket: Socket, count: number, data: Uint8Array = XYZ): number | null {
  return withFile((fd) => socket.sendMsg({ data, control: rights(...Array<number>(count).fill(fd)) }));
}

/** Room for control data with so many descriptors, and no more. */
const roomFor = (descriptors: number): number => 16 + descriptors * 4;

// --- F30: less room than descriptors ------------------------------------------------------------

for (const type of ['SOCK_STREAM', 'SOCK_DGRAM', 'SOCK_SEQPACKET'] as const) {
  test(`recvMsg on ${type} gives the descriptors that fit, and the others are closed (F30)`, () => {
    using pair = unixPair(type);
    const before = countDescriptors();
    sendFiles(pair.peer, 100);
    const message = pair.socket.recvMsg({ controlSize: roomFor(64) });
    assert.ok(message !== null);
    assert.equal(message.controlTruncated, true);
    const got = dataOf(message, 'SCM_RIGHTS');
    assert.equal(got.length, 64);
    assert.equal(countDescriptors(), before + 64);
    for (const each of got) fstatSync(each.fd);
    message[Symbol.dispose]();
    assert.equal(countDescriptors(), before);
  });
}

test('recvMsg with no room for control messages takes no descriptors (F30)', () => {
  using pair = unixPair('SOCK_SEQPACKET');
  const before = countDescriptors();
  for (const controlSize of [0, 1, 15, 16, 19]) {
    sendFiles(pair.peer, 10);
    const message = pair.socket.recvMsg({ controlSize });
    assert.ok(message !== null);
    assert.equal(message.controlTruncated, true, String(controlSize));
    assert.deepEqual([message.data, message.descriptors], [XYZ, []]);
    assert.equal(countDescriptors(), before);
  }
});

test('recvMsg by default has room for all descriptors that can come at once (F30)', () => {
  using pair = unixPair('SOCK_SEQPACKET');
  const before = countDescriptors();
  sendFiles(pair.peer, 253);
  const message = pair.socket.recvMsg();
  assert.ok(message !== null);
  assert.equal(message.controlTruncated, false);
  assert.equal(message.descriptors.length, 253);
  assert.equal(countDescriptors(), before + 253);
  message[Symbol.dispose]();
  assert.equal(countDescriptors(), before);
});

test('recvMany gives each message its own descriptors, and closes what is too much for one (F30)', () => {
  using pair = unixPair('SOCK_DGRAM');
  const before = countDescriptors();
  for (const count of [1, 5, 0, 3]) sendFiles(pair.peer, count);
  const messages = pair.socket.recvMany({ controlSize: roomFor(3) }) ?? [];
  assert.deepEqual(
    messages.map((each) => [each.descriptors.length, each.controlTruncated]),
    [
      [1, false],
      [3, true],
      [0, false],
      [3, false],
    ],
  );
  for (const each of messages) each[Symbol.dispose]();
  assert.equal(countDescriptors(), before);
});

test('recv, recvFrom and recvInto on a socket that is sent descriptors close them (F32)', () => {
  using pair = unixPair('SOCK_SEQPACKET');
  const before = countDescriptors();
  const receive: readonly (() => unknown)[] = [
    () => pair.socket.recv(),
    () => pair.socket.recvFrom(),
    () => pair.socket.recvInto(new Uint8Array(10)),
  ];
  for (const each of receive) {
    sendFiles(pair.peer, 5);
    assert.notEqual(each(), null);
    assert.equal(countDescriptors(), before);
  }
});

// --- F31: child processes -----------------------------------------------------------------------

test('recvMsg gives descriptors that no child process inherits (F31)', async () => {
  using pair = unixPair('SOCK_STREAM');
  sendFiles(pair.peer, 2);
  using message = pair.socket.recvMsg() ?? undefined;
  const numbers = message?.descriptors.map(({ fd }) => fd) ?? [];
  assert.equal(numbers.length, 2);
  for (const fd of numbers) {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8'))?.[1];
    assert.notEqual(Number.parseInt(flags ?? '0', 8) & 0o2000000, 0, 'O_CLOEXEC');
  }
  const code = `import os, sys
for fd in sys.argv[1:]:
    try: print(os.readlink('/proc/self/fd/' + fd))
    except FileNotFoundError: print('none')`;
  const { stdout } = await runProgram('python3', ['-c', code, '0', ...numbers.map(String)]);
  assert.match(stdout, /^\S+\nnone\nnone\n$/);
});

// --- F33, F34: streams --------------------------------------------------------------------------

/** Receives all that is there, and counts the descriptors. */
function drain(socket: Socket): { bytes: number; descriptors: number; records: number[] } {
  const records: number[] = [];
  let bytes = 0;
  let descriptors = 0;
  for (;;) {
    const message: ReceivedMessage | null = socket.recvMsg();
    if (message === null) return { bytes, descriptors, records };
    bytes += message.data.length;
    descriptors += message.descriptors.length;
    records.push(message.descriptors.length);
    message[Symbol.dispose]();
  }
}

test('sendMsg that sends a part has sent the descriptors, exactly once (F33)', () => {
  using pair = unixPair('SOCK_STREAM');
  const data = new Uint8Array(1_000_000);
  const sent = sendFiles(pair.peer, 3, data) ?? 0;
  assert.ok(sent > 0 && sent < data.length, String(sent));
  let rest = data.subarray(sent);
  const seen = drain(pair.socket);
  let { descriptors, bytes } = seen;
  // The rest goes without them, as the method says.
  while (rest.length > 0) {
    rest = rest.subarray(pair.peer.sendMsg({ data: rest }) ?? 0);
    const more = drain(pair.socket);
    descriptors += more.descriptors;
    bytes += more.bytes;
  }
  assert.deepEqual([descriptors, bytes], [3, data.length]);
});

test('sendMsg that would block has sent no descriptors, and sends them once when it waits (F33)', async () => {
  using pair = unixPair('SOCK_STREAM');
  while (pair.peer.send(new Uint8Array(65536)) !== null);
  assert.equal(sendFiles(pair.peer, 3), null);
  const fd = openSync('/dev/null', 'r');
  const sending = pair.peer.sendMsgAsync({ data: XYZ, control: rights(fd) });
  const first = drain(pair.socket);
  assert.equal(first.descriptors, 0);
  assert.equal(await sending, XYZ.length);
  closeSync(fd);
  assert.deepEqual(drain(pair.socket), { bytes: XYZ.length, descriptors: 1, records: [1] });
});

test('recvMsg on a stream never mixes the descriptors of two sends (F34)', () => {
  using pair = unixPair('SOCK_STREAM');
  const plain = new Uint8Array(10);
  pair.peer.send(plain);
  sendFiles(pair.peer, 1);
  pair.peer.send(plain);
  sendFiles(pair.peer, 2);
  sendFiles(pair.peer, 3);
  const { records, bytes } = drain(pair.socket);
  assert.equal(bytes, 2 * plain.length + 3 * XYZ.length);
  assert.deepEqual(
    records.filter((count) => count > 0),
    [1, 2, 3],
  );
});

test('recvMsg gives descriptors with the first byte of what they were sent with (F34)', () => {
  using pair = unixPair('SOCK_STREAM');
  sendFiles(pair.peer, 2, new Uint8Array(10));
  const counts: number[] = [];
  for (let i = 0; i < 5; i++) {
    using message = pair.socket.recvMsg({ size: 2 }) ?? undefined;
    counts.push(message?.descriptors.length ?? -1);
  }
  assert.deepEqual(counts, [2, 0, 0, 0, 0]);
});

test('recvMsg keeps what CPython sent with each record (F34)', async (t) => {
  const agent = new PythonAgent(t);
  const path = tempPath();
  using listener = Socket.socket('AF_UNIX', 'SOCK_STREAM');
  listener.bind({ family: 'unix', path });
  listener.listen();
  await agent.run(`s = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(path)})`);
  using socket = (await listener.acceptAsync()).socket;
  await agent.run('for n in (1, 2, 3): socket.send_fds(s, [bytes([n])], [0] * n)');
  await agent.run('s.close()');
  const seen: [number, number][] = [];
  for (;;) {
    using message = await socket.recvMsgAsync();
    if (message.data.length === 0) break;
    seen.push([message.data.length, message.descriptors.length]);
  }
  assert.deepEqual(seen, [
    [1, 1],
    [1, 2],
    [1, 3],
  ]);
});

// --- F35: what cannot be sent -------------------------------------------------------------------

test('sendMsg refuses descriptors that are closed, and sends nothing (F35)', () => {
  using pair = unixPair('SOCK_SEQPACKET');
  const closed = Socket.socket('AF_UNIX', 'SOCK_STREAM');
  closed.close();
  const send = (...data: readonly (number | { readonly fd: number })[]): void => {
    pair.peer.sendMsg({ data: XYZ, control: rights(...data) });
  };
  const number = withFile((fd) => fd);
  assert.throws(
    () => {
      send(number);
    },
    { code: 'EBADF', syscall: 'sendmsg' },
  );
  assert.throws(
    () => {
      send(closed);
    },
    { code: 'ERR_SOCKET_CLOSED' },
  );
  assert.throws(
    () => {
      send({ fd: -1 });
    },
    { code: 'EBADF' },
  );
  assert.throws(() => {
    send(-1);
  }, RangeError);
  assert.throws(() => {
    send(2 ** 31);
  }, RangeError);
  assert.throws(() => {
    send(...Array<number>(254).fill(0));
  }, RangeError);
  assert.equal(pair.socket.recvMsg(), null);
});

test('sendMsg takes a descriptor several times, and each arrives by itself (F35)', () => {
  using pair = unixPair('SOCK_SEQPACKET');
  withFile((fd) => pair.peer.sendMsg({ data: XYZ, control: rights(fd, { fd }, fd) }));
  using message = pair.socket.recvMsg() ?? undefined;
  assert.equal(new Set(message?.descriptors.map(({ fd }) => fd)).size, 3);
});

test('sendMsg takes the very socket that it is sent on, and the system collects the circle (F35)', () => {
  const before = countDescriptors();
  for (let i = 0; i < 50; i++) {
    using pair = unixPair('SOCK_DGRAM');
    pair.peer.sendMsg({ data: XYZ, control: rights(pair.peer, pair.socket) });
  }
  assert.equal(countDescriptors(), before);
  using pair = unixPair('SOCK_DGRAM');
  pair.peer.sendMsg({ data: XYZ, control: rights(pair.peer) });
  using message = pair.socket.recvMsg() ?? undefined;
  using made = message?.descriptors[0]?.toSocket();
  pair.peer.close();
  made?.send(XYZ);
  assert.deepEqual(pair.socket.recv(), XYZ);
});

test('sendMsg of descriptors on a socket that is no Unix socket fails, or drops them (F35)', () => {
  const before = countDescriptors();
  using pair = udpPair();
  try {
    sendFiles(pair.socket, 2);
    using message = pair.peer.recvMsg() ?? undefined;
    assert.deepEqual(message?.descriptors, []);
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'EINVAL');
  }
  assert.equal(countDescriptors(), before + 2);
});

test('sendMsg with descriptors that the peer does not want fails (F32)', (t) => {
  using pair = unixPair('SOCK_SEQPACKET');
  try {
    enable(pair.socket, c.SOL_SOCKET, c.SO_PASSRIGHTS, 0);
  } catch {
    t.skip('it takes Linux 6.16');
    return;
  }
  assert.throws(() => sendFiles(pair.peer, 1), { code: 'EPERM' });
  assert.equal(pair.socket.recvMsg(), null);
});

// --- F36: messages that are none ----------------------------------------------------------------

test('sendMsg of messages that the system does not know says so, or is taken as nothing (F36)', () => {
  using pair = udpPair();
  const refused: readonly ControlInput[] = [
    { level: 'IPPROTO_IP', type: 'IP_TTL', data: new Uint8Array(0) },
    { level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: new Uint8Array(5) },
    { level: 'IPPROTO_IP', type: 9999, data: new Uint8Array(4) },
    { level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: new Uint8Array(3) },
    { level: 'SOL_SOCKET', type: 9999, data: new Uint8Array(4) },
  ];
  for (const each of refused)
    assert.throws(() => pair.socket.sendMsg({ data: XYZ, control: [each] }), { code: 'EINVAL' });
  assert.equal(pair.peer.recv(), null);
  // Of a level that the protocol does not look at.
  pair.socket.sendMsg({ data: XYZ, control: [{ level: 9999, type: 1, data: new Uint8Array(100) }] });
  assert.deepEqual(pair.peer.recv(), XYZ);
});

// --- F37: room ----------------------------------------------------------------------------------

/** All that a datagram of IPv4 can bring at once, without privileges. */
const BROUGHT: readonly (readonly [level: number, name: number, value: number])[] = [
  [c.IPPROTO_IP, c.IP_PKTINFO, 1],
  [c.IPPROTO_IP, c.IP_RECVORIGDSTADDR, 1],
  [c.IPPROTO_IP, c.IP_RECVTOS, 1],
  [c.IPPROTO_IP, c.IP_RECVTTL, 1],
  [c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1],
  [c.SOL_SOCKET, c.SO_RXQ_OVFL, 1],
  [c.IPPROTO_UDP, c.UDP_GRO, 1],
];

test('recvMsg has room for all that options bring, and says where there is none (F37)', () => {
  using pair = udpPair();
  for (const [level, name, value] of BROUGHT) enable(pair.peer, level, name, value);
  const segments: ControlInput[] = [{ level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: 2 }];
  const send = (): void => void pair.socket.sendMsg({ data: XYZ, control: segments });
  send();
  const whole = pair.peer.recvMsg();
  assert.ok(whole !== null);
  const types = ['IP_ORIGDSTADDR', 'IP_PKTINFO', 'IP_TOS', 'IP_TTL', 'SO_TIMESTAMPNS', 'UDP_GRO'];
  assert.deepEqual(whole.control.map(({ type }) => type).toSorted(), types);
  assert.equal(whole.controlTruncated, false);
  let cut = 0;
  for (let controlSize = 0; controlSize <= 256; controlSize += 8) {
    send();
    const message = pair.peer.recvMsg({ controlSize });
    assert.ok(message !== null);
    const count = message.control.filter(({ type }) => typeof type === 'string').length;
    assert.equal(message.controlTruncated, count < types.length, `${String(controlSize)}: ${String(count)}`);
    assert.deepEqual(message.data, XYZ);
    if (message.controlTruncated) cut++;
  }
  assert.ok(cut > 10 && cut < 32, String(cut));
});
