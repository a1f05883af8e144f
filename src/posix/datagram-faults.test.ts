/** What goes wrong with datagrams: too long, too many, cut, empty, refused, and nobody there to take them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import type { Socket } from './socket.ts';
import { BYTES, DEADLINE, internet, open, pairOf, settledLeakCheck, udp } from './test-kit.ts';

const { constants } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

/** An address where nobody is. */
function nobody(t: Parameters<typeof udp>[0]): SocketAddress {
  const socket = udp(t);
  const address = socket.localAddress();
  socket.close();
  return address;
}

/** Two that send to each other. */
function udpPair(t: Parameters<typeof udp>[0]): [Socket, Socket] {
  const [one, two] = [udp(t), udp(t)];
  one.connect(two.localAddress());
  two.connect(one.localAddress());
  return [one, two];
}

// --- too long -----------------------------------------------------------------------------------

test('a datagram that is too long is EMSGSIZE, whatever sends it, and nothing goes out (F21)', async (t) => {
  const [one, two] = udpPair(t);
  const address = two.localAddress();
  for (const length of [65_508, 70_000, 5_000_000]) {
    const data = new Uint8Array(length);
    const tooLong = { name: 'SystemError', code: 'EMSGSIZE' };
    assert.throws(() => one.send(data), { ...tooLong, op: 'send' });
    assert.throws(() => one.send(data, DEADLINE), tooLong);
    assert.throws(() => one.sendTo(data, address), { ...tooLong, op: 'sendTo' });
    assert.throws(() => one.sendMsg({ data }), { ...tooLong, op: 'sendMsg' });
    assert.throws(() => one.sendMany([{ data }]), { ...tooLong, op: 'sendMany' });
    await assert.rejects(one.sendAsync(data), tooLong);
  }
  assert.equal(two.recv(), null);
  assert.equal(one.send(new Uint8Array(65_507)), 65_507);
  assert.equal(two.recv(65_536, DEADLINE).length, 65_507);
});

test('a datagram on a Unix socket that is too long for its buffer is EMSGSIZE (F21)', (t) => {
  const [one, two] = pairOf(t, 'SOCK_DGRAM');
  one.setOption('SOL_SOCKET', 'SO_SNDBUF', 4096);
  const room = one.getOption('SOL_SOCKET', 'SO_SNDBUF');
  assert.throws(() => one.send(new Uint8Array(room + 1)), { code: 'EMSGSIZE' });
  assert.equal(two.recv(), null);
});

// --- segments -----------------------------------------------------------------------------------

const segment = (size: number): { level: 'IPPROTO_UDP'; type: 'UDP_SEGMENT'; data: number } => ({
  level: 'IPPROTO_UDP',
  type: 'UDP_SEGMENT',
  data: size,
});

test('segments that cannot be are refused, and nothing goes out (F21)', (t) => {
  const [one, two] = udpPair(t);
  const data = new Uint8Array(1000);
  for (const size of [-1, 65_536, 1.5, NaN])
    assert.throws(
      () => one.sendMsg({ data, control: [segment(size)] }),
      /^RangeError: message\.control\[0\]\.data/,
    );
  // More segments than the system makes of one message (UDP_MAX_SEGMENTS).
  assert.throws(() => one.sendMsg({ data: new Uint8Array(2000), control: [segment(1)] }), {
    name: 'SystemError',
    code: /^(EINVAL|EMSGSIZE)$/,
  });
  // Segments that are longer than the way there takes.
  assert.throws(() => one.sendMsg({ data: new Uint8Array(66_000), control: [segment(65_535)] }), {
    name: 'SystemError',
    code: /^(EINVAL|EMSGSIZE)$/,
  });
  assert.equal(two.recv(), null);
});

test('segments come as datagrams, the last one with what is left (F29)', (t) => {
  const [one, two] = udpPair(t);
  const data = Uint8Array.from({ length: 2501 }, (_, i) => i % 251);
  assert.equal(one.sendMsg({ data, control: [segment(1000)] }), 2501);
  const got = [1000, 1000, 501].map(() => two.recv(65_536, DEADLINE));
  assert.deepEqual(
    got.map(({ length }) => length),
    [1000, 1000, 501],
  );
  assert.deepEqual(Buffer.concat(got), Buffer.from(data));
});

test('datagrams that come as one tell the size of their segments, the last one of which may be shorter (F29)', (t) => {
  const [one, two] = udpPair(t);
  two.setOption('IPPROTO_UDP', 'UDP_GRO', true);
  const data = Uint8Array.from({ length: 2501 }, (_, i) => i % 251);
  one.sendMsg({ data, control: [segment(1000)] });
  const parts: Uint8Array[] = [];
  let total = 0;
  while (total < data.length) {
    const message = two.recvMsg({}, DEADLINE);
    const size = message.control.find(({ type }) => type === 'UDP_GRO')?.data;
    assert.ok(size === 1000 || message.data.length <= 1000);
    parts.push(message.data);
    total += message.data.length;
  }
  assert.deepEqual(Buffer.concat(parts), Buffer.from(data));
});

// --- cut, and empty -----------------------------------------------------------------------------

for (const kind of ['udp', 'unix'] as const) {
  const make = (t: Parameters<typeof udp>[0]): [Socket, Socket] =>
    kind === 'udp' ? udpPair(t) : pairOf(t, 'SOCK_DGRAM');

  test(`a datagram on ${kind} that is cut tells its own length, and takes nothing from the next (F22)`, (t) => {
    const [one, two] = make(t);
    const data = new Uint8Array(1000).fill(7);
    for (let i = 0; i < 4; i++) one.send(data);
    one.send(BYTES);
    const from = two.recvFrom(10, DEADLINE);
    assert.deepEqual([from.data.length, from.length, from.truncated], [10, 1000, true]);
    const message = two.recvMsg({ size: 10 }, DEADLINE);
    assert.deepEqual([message.data.length, message.length, message.truncated], [10, 1000, true]);
    const target = new Uint8Array(10);
    assert.equal(two.recvInto(target, { ...DEADLINE, flags: constants.MSG_TRUNC }), 1000);
    assert.deepEqual(target, data.subarray(0, 10));
    const many = two.recvMany({ size: 10 }, DEADLINE);
    assert.deepEqual(many.map(({ length, truncated }) => [length, truncated]).flat(), [1000, true, 3, false]);
  });

  test(`an empty datagram on ${kind} is delivered, and is no end (F23)`, async (t) => {
    const [one, two] = make(t);
    for (let i = 0; i < 6; i++) assert.equal(one.send(new Uint8Array(0)), 0);
    assert.equal(two.recv(10, DEADLINE).length, 0);
    assert.deepEqual(two.recvFrom(10)?.length, 0);
    assert.equal(two.recvInto(new Uint8Array(4)), 0);
    assert.equal(two.recvMsg()?.data.length, 0);
    assert.equal((await two.recvAsync()).length, 0);
    assert.deepEqual(
      two.recvMany()?.map(({ length }) => length),
      [0],
    );
    assert.equal(two.recv(), null);
    assert.equal(one.sendMany([{}, { data: [] }, { data: BYTES }]), 3);
    assert.deepEqual(
      two.recvMany({}, DEADLINE).map(({ length }) => length),
      [0, 0, 3],
    );
  });
}

// --- refused ------------------------------------------------------------------------------------

test('a datagram that nobody takes is told to a connected socket once, and the next one goes out (F24)', (t) => {
  const socket = udp(t);
  socket.connect(nobody(t));
  socket.send(BYTES);
  assert.throws(() => socket.recv(10, DEADLINE), { code: 'ECONNREFUSED', op: 'recv' });
  assert.equal(socket.recv(), null);
  socket.send(BYTES);
  assert.throws(() => socket.send(BYTES), { code: 'ECONNREFUSED', op: 'send' });
  assert.equal(socket.send(BYTES), 3);
});

test('a datagram that nobody takes is nothing to a socket that is not connected, unless it asks (F24)', (t) => {
  const socket = udp(t);
  const refused = nobody(t);
  socket.sendTo(BYTES, refused);
  assert.equal(socket.recv(), null);
  socket.sendTo(BYTES, socket.localAddress());
  assert.deepEqual(socket.recv(10, DEADLINE), BYTES);
  socket.setOption('IPPROTO_IP', 'IP_RECVERR', true);
  socket.sendTo(BYTES, refused);
  const told = socket.recvMsg({}, { ...DEADLINE, flags: constants.MSG_ERRQUEUE });
  assert.deepEqual([told.errorQueue, told.data, internet(told.address)], [true, BYTES, refused]);
  const error = told.control.find(({ type }) => type === 'IP_RECVERR')?.data as { errno: number };
  assert.equal(error.errno, loadNative().errorNumbers.ECONNREFUSED);
});

// --- many ---------------------------------------------------------------------------------------

test('sendMany takes 45 messages, and each arrives once (F26)', (t) => {
  const [one, two] = pairOf(t, 'SOCK_SEQPACKET');
  const messages = Array.from({ length: 45 }, (_, i) => ({ data: Uint8Array.of(i, i) }));
  let sent = 0;
  const got: (number | undefined)[] = [];
  while (sent < 45) {
    sent += one.sendMany(messages.slice(sent), DEADLINE);
    for (let batch = two.recvMany({ count: 7 }); batch !== null; batch = two.recvMany({ count: 7 }))
      got.push(...batch.map(({ data }) => data[1]));
  }
  assert.deepEqual(
    got,
    Array.from({ length: 45 }, (_, i) => i),
  );
});

test('sendMany counts what went out before an error, and tells the error when it is the first (F26)', (t) => {
  const [one, two] = udpPair(t);
  const messages = Array.from({ length: 45 }, (_, i) => ({ data: new Uint8Array(i === 22 ? 65_508 : 9) }));
  assert.equal(one.sendMany(messages), 22);
  assert.equal(two.recvMany()?.length, 22);
  assert.throws(() => one.sendMany(messages.slice(22)), { code: 'EMSGSIZE', op: 'sendMany' });
  assert.equal(one.sendMany(messages.slice(23)), 22);
  assert.equal(two.recvMany()?.length, 22);
});

test('sendMany judges every message before any goes out (F26)', (t) => {
  const [one, two] = udpPair(t);
  const bad = { data: 'text' as unknown as Uint8Array };
  assert.throws(
    () => one.sendMany([{ data: BYTES }, { data: BYTES }, bad]),
    /^TypeError: messages\[2\]\.data/,
  );
  assert.equal(two.recv(), null);
});

test('sendMany takes no more than one call does, 1024, and no more than fits in 4 MiB (F26)', (t) => {
  const socket = udp(t);
  const address = socket.localAddress();
  const empty = Array.from({ length: 3000 }, () => ({ address }));
  assert.equal(socket.sendMany(empty), 1024);
  const long = Array.from({ length: 100 }, () => ({ data: new Uint8Array(65_000), address }));
  const sent = socket.sendMany(long) ?? 0;
  assert.ok(sent > 0 && sent <= 64, String(sent));
});

test('what recvMany has given stays as it was, whatever comes later (F27)', (t) => {
  const [one, two] = pairOf(t, 'SOCK_SEQPACKET');
  const kept: Uint8Array[] = [];
  for (let round = 0; round < 20; round++) {
    const sent = one.sendMany([0, 1, 2].map((i) => ({ data: new Uint8Array(100 + i).fill(round * 3 + i) })));
    assert.equal(sent, 3);
    const batch = two.recvMany({ count: 3, size: 200 }, DEADLINE);
    kept.push(...batch.map(({ data }) => data));
  }
  assert.equal(kept.length, 60);
  for (const [i, data] of kept.entries()) {
    assert.deepEqual(data, new Uint8Array(100 + (i % 3)).fill(i));
    // It is no view of anything larger, which would keep that alive, or show it.
    assert.equal(data.buffer.byteLength, data.length);
  }
});

// --- Unix peers ---------------------------------------------------------------------------------

test('a Unix peer that vanishes is ECONNREFUSED or ECONNRESET, and another may take its place (F28)', async (t) => {
  const address: SocketAddress = { family: 'unix', path: tempPath() };
  const receiver = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  receiver.bind(address);
  const sender = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  sender.connect(address);
  while (sender.send(BYTES) !== null);
  const waiting = sender.sendAsync(BYTES, { timeout: 20_000 });
  receiver.close();
  await assert.rejects(waiting, { code: /^(ECONNREFUSED|ECONNRESET)$/ });
  assert.throws(() => sender.send(BYTES), { code: /^(ECONNREFUSED|ENOTCONN)$/ });
  assert.throws(() => sender.sendTo(BYTES, address), { code: 'ECONNREFUSED' });
  const other: SocketAddress = { family: 'unix', path: tempPath() };
  const successor = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  successor.bind(other);
  assert.equal(sender.sendTo(BYTES, other), 3);
  assert.deepEqual(successor.recv(), BYTES);
});
