/** Odd memory in calls that move bytes: what is detached, resized, shared or transferred, and views that lie. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { resizedView } from '../testing/node/bad-values.ts';
import type { OutgoingMessage } from './message.ts';
import type { Socket } from './socket.ts';
import { BYTES, LOOPBACK, open, pairOf, settledLeakCheck } from './test-kit.ts';

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

/** Every way to send bytes: by copying, and, where they are many, as they are. */
const SENDERS: readonly (readonly [string, (socket: Socket, bytes: Uint8Array) => unknown])[] = [
  ['send', (socket, bytes) => socket.send(bytes)],
  ['sendMsg', (socket, bytes) => socket.sendMsg({ data: bytes })],
  ['sendMsg in parts', (socket, bytes) => socket.sendMsg({ data: [bytes] })],
  ['sendMany', (socket, bytes) => socket.sendMany([{ data: bytes }])],
];
const LENGTHS = [1, 4096, 4097, 60_000] as const;

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

function transfer(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] });
}

/** A view of a shared buffer that has grown under it. */
function grownView(length: number): Uint8Array {
  type Growable = SharedArrayBuffer & { grow(length: number): void };
  type Maker = new (length: number, options: { maxByteLength: number }) => Growable;
  const buffer = new (SharedArrayBuffer as unknown as Maker)(1, { maxByteLength: length });
  const view = new Uint8Array(buffer);
  buffer.grow(length);
  return view;
}

/** Views of `length` bytes in every kind of memory. */
const MEMORIES: readonly (readonly [string, (length: number) => Uint8Array])[] = [
  ['memory of its own', (length) => new Uint8Array(length)],
  ['the middle of a buffer', (length) => new Uint8Array(new ArrayBuffer(length + 20), 10, length)],
  ["a slice of Buffer's pool", (length) => Buffer.from(new Uint8Array(length))],
  ['a resizable buffer', (length) => resizedViewOf(length)],
  ['a shared buffer', (length) => new Uint8Array(new SharedArrayBuffer(length))],
  ['a shared buffer that has grown', grownView],
  ['another realm', (length) => runInNewContext(`new Uint8Array(${String(length)})`) as Uint8Array],
  ['a subclass that lies', (length) => new Liar(length)],
];

function resizedViewOf(length: number): Uint8Array {
  type Maker = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Uint8Array(new (ArrayBuffer as unknown as Maker)(length, { maxByteLength: 2 * length }));
}

/** Answers everything wrongly that a subclass can. */
class Liar extends Uint8Array {
  static get [Symbol.species](): Uint8ArrayConstructor {
    throw new Error('species was asked');
  }
  override get length(): never {
    throw new Error('length was asked');
  }
  override get byteLength(): never {
    throw new Error('byteLength was asked');
  }
  override get byteOffset(): never {
    throw new Error('byteOffset was asked');
  }
  override subarray(): never {
    throw new Error('subarray was called');
  }
  override slice(): never {
    throw new Error('slice was called');
  }
  override set(): never {
    throw new Error('set was called');
  }
}

const writeTo = (bytes: Uint8Array, content: Uint8Array): void => {
  Uint8Array.prototype.set.call(bytes, content);
};

for (const [what, make] of MEMORIES) {
  test(`bytes in ${what} are sent as they are, and may be changed right after (F44, F46, F47)`, (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
    for (const [name, send] of SENDERS) {
      for (const length of LENGTHS) {
        const content = pattern(length);
        const bytes = make(length);
        writeTo(bytes, content);
        send(socket, bytes);
        writeTo(bytes, new Uint8Array(length));
        assert.deepEqual(peer.recv(), content, `${name} ${String(length)}`);
      }
    }
  });

  test(`bytes are received into ${what}, and nothing around it (F42, F46, F47)`, (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
    for (const length of LENGTHS) {
      const bytes = make(length);
      peer.send(pattern(length + 7));
      assert.equal(socket.recvInto(bytes), length);
      assert.deepEqual(new Uint8Array(bytes), pattern(length));
      peer.send(BYTES);
      assert.equal(socket.recvInto(bytes), Math.min(length, 3));
    }
  });
}

test('recvInto writes to its view only (F42)', (t) => {
  const [socket, peer] = pairOf(t);
  for (const length of [0, 1, 100, 4096, 4097, 10_000]) {
    const whole = new Uint8Array(length + 64).fill(0xee);
    const view = whole.subarray(32, 32 + length);
    peer.send(new Uint8Array(length + 64).fill(0x11));
    assert.equal(socket.recvInto(view), length);
    assert.ok(view.every((byte) => byte === 0x11));
    assert.ok(whole.subarray(0, 32).every((byte) => byte === 0xee));
    assert.ok(whole.subarray(32 + length).every((byte) => byte === 0xee));
    socket.recv();
  }
});

test('bytes may be transferred away right after send (F44)', (t) => {
  const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
  for (const [name, send] of SENDERS) {
    for (const length of LENGTHS) {
      const bytes = pattern(length);
      send(socket, bytes);
      transfer(bytes);
      assert.equal(bytes.length, 0);
      assert.deepEqual(peer.recv(), pattern(length), name);
    }
  }
});

/** Ways to wait for room that judge a message anew with each attempt. */
const WAITERS: readonly (readonly [string, (socket: Socket, bytes: Uint8Array) => Promise<number>])[] = [
  ['sendMsgAsync', (socket, bytes) => socket.sendMsgAsync({ data: [BYTES, bytes] })],
  ['sendManyAsync', (socket, bytes) => socket.sendManyAsync([{ data: bytes }])],
];

/** Sends until there is no room left. */
function fill(socket: Socket): void {
  const bytes = new Uint8Array(65_536);
  while (socket.send(bytes) !== null);
}

/** Receives all that is there. */
function drain(socket: Socket): number {
  let total = 0;
  for (let bytes = socket.recv(); bytes !== null; bytes = socket.recv()) total += bytes.length;
  return total;
}

for (const [name, wait] of WAITERS) {
  test(`${name} of bytes that are transferred away while it waits is a TypeError, and sends nothing (F44)`, async (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
    for (const length of LENGTHS) {
      fill(socket);
      const bytes = new Uint8Array(length);
      const sent = wait(socket, bytes);
      transfer(bytes);
      drain(peer);
      await assert.rejects(sent, /^TypeError: .*detached/);
      assert.equal(drain(peer), 0);
    }
  });

  test(`${name} of bytes that shrink away while it waits is a TypeError (F45)`, async (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
    fill(socket);
    const bytes = new Uint8Array(resizedView(64, 0).buffer, 8, 56);
    const sent = wait(socket, bytes);
    (bytes.buffer as unknown as { resize(length: number): void }).resize(9);
    drain(peer);
    await assert.rejects(sent, /^TypeError: .*too small/);
    assert.equal(drain(peer), 0);
  });
}

test('sendAsync of a view that tracks its buffer sends what there was when it was called (F45)', async (t) => {
  const [socket, peer] = pairOf(t);
  fill(socket);
  const bytes = resizedView(64, 0);
  const sent = socket.sendAsync(bytes);
  (bytes.buffer as unknown as { resize(length: number): void }).resize(5);
  drain(peer);
  assert.equal(await sent, 64);
});

test('recvIntoAsync into bytes that are transferred away is a TypeError, and takes nothing (F43)', async (t) => {
  const [socket, peer] = pairOf(t);
  for (const length of LENGTHS) {
    const bytes = new Uint8Array(length);
    const got = socket.recvIntoAsync(bytes);
    transfer(bytes);
    peer.send(BYTES);
    await assert.rejects(got, /^TypeError: .*detached/);
    assert.deepEqual(socket.recv(), BYTES);
  }
});

test('getters that shrink or detach bytes which were judged already send no other memory (F45, F48)', (t) => {
  const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
  socket.send(new Uint8Array(64).fill(0x5e));
  peer.recv();
  const resize = (bytes: Uint8Array, length: number): void => {
    (bytes.buffer as unknown as { resize(length: number): void }).resize(length);
  };
  const message = (bytes: Uint8Array, change: () => void): OutgoingMessage => ({
    data: bytes,
    get control() {
      change();
      return [];
    },
  });
  for (const [from, to] of [
    [64, 3],
    [3, 64],
  ] as const) {
    const bytes = resizedView(from, 0);
    socket.sendMsg(
      message(bytes, () => {
        resize(bytes, to);
      }),
    );
    assert.deepEqual(peer.recv(), new Uint8Array(to));
  }
  const gone = new Uint8Array(8);
  assert.throws(
    () =>
      socket.sendMsg(
        message(gone, () => {
          transfer(gone);
        }),
      ),
    TypeError,
  );
  assert.equal(peer.recv(), null);
});

test('sendTo with an address that shrinks its bytes sends what is left of them (F45, F48)', (t) => {
  const socket = open(t, 'AF_INET', 'SOCK_DGRAM');
  socket.bind(LOOPBACK);
  const address = socket.localAddress();
  assert.equal(address.family, 'ipv4');
  socket.sendTo(new Uint8Array(64).fill(0x5e), address);
  socket.recv();
  const bytes = resizedView(64, 0);
  const shrinking = Object.create(address, {
    port: {
      get: () => {
        (bytes.buffer as unknown as { resize(length: number): void }).resize(3);
        return 'port' in address ? address.port : 0;
      },
    },
  }) as typeof address;
  assert.equal(socket.sendTo(bytes, shrinking), 3);
  assert.deepEqual(socket.recv(), new Uint8Array(3));
});

test('views of nothing are sent and received as nothing (F15, F47)', (t) => {
  const [socket, peer] = pairOf(t, 'SOCK_SEQPACKET');
  const empty = new Uint8Array(new ArrayBuffer(8), 8);
  for (const [name, send] of SENDERS) {
    send(socket, empty);
    assert.equal(peer.recvInto(new Uint8Array(4)), 0, name);
  }
  assert.equal(peer.recv(), null);
  socket.send(BYTES);
  assert.equal(peer.recvInto(empty), 0);
  assert.equal(peer.recv(), null);
});
