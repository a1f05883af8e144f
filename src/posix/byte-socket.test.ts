/** Whose memory it is that bytes come from and go to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLAB_SIZE } from '../addon/native-sockets.ts';
import { Socket } from './socket.ts';

/** Two sockets, for as long as `use` runs. */
function withPair(use: (left: Socket, right: Socket) => void): void {
  const [left, right] = Socket.pair('AF_UNIX', 'SOCK_STREAM');
  try {
    use(left, right);
  } finally {
    left.close();
    right.close();
  }
}

test('recv answers memory of its own, also for messages of one length', () => {
  withPair((left, right) => {
    left.send(Uint8Array.of(1, 2, 3));
    const first = right.recv(3);
    left.send(Uint8Array.of(4, 5, 6));
    const second = right.recv(3);
    assert.deepEqual([first, second], [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]);
    assert.equal(second?.buffer.byteLength, 3);
  });
});

test('recvInto writes what came, whatever the length of the message before', () => {
  withPair((left, right) => {
    const target = new Uint8Array(8);
    for (const length of [3, 8, 1, 1, 5]) {
      target.fill(0);
      left.send(new Uint8Array(length).fill(length));
      assert.equal(right.recvInto(target), length);
      const expected = new Uint8Array(8).fill(length, 0, length);
      assert.deepEqual(target, expected);
    }
  });
});

// Short ones go through the shared memory of the native module, long ones do not, and it has no room for the longest.
for (const size of [16, 8192, SLAB_SIZE + 1]) {
  test(`recvInto fills memory that is shared with other threads (F46): ${String(size)} bytes`, () => {
    withPair((left, right) => {
      const target = new Uint8Array(new SharedArrayBuffer(size + 4), 4);
      left.send(Uint8Array.of(7, 8, 9));
      assert.equal(right.recvInto(target), 3);
      assert.deepEqual([...target.subarray(0, 4)], [7, 8, 9, 0]);
    });
  });
}

test('recvInto trusts no property of its target (F42)', () => {
  withPair((left, right) => {
    const target = new Uint8Array(4);
    const calls: unknown[] = [];
    Object.defineProperties(target, {
      set: { value: (...args: unknown[]) => calls.push(args) },
      length: { value: 1 },
      byteLength: { value: 1e9 },
    });
    left.send(Uint8Array.of(1, 2, 3, 4, 5));
    assert.equal(right.recvInto(target), 4);
    assert.deepEqual([target[0], target[3], calls], [1, 4, []]);
  });
});
