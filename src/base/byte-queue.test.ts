import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteQueue } from './byte-queue.ts';

test('ByteQueue hands on a whole chunk as it is, and copies parts', () => {
  const queue = new ByteQueue();
  const chunk = Uint8Array.of(1, 2, 3);
  queue.push(chunk);
  queue.push(chunk);
  assert.equal(queue.takePiece(3), chunk);
  const part = queue.take(2);
  assert.deepEqual([part, part.buffer.byteLength], [Uint8Array.of(1, 2), 2]);
  assert.deepEqual(queue.takePiece(10), Uint8Array.of(3));
  assert.deepEqual(queue.takePiece(10), new Uint8Array(0));
  assert.deepEqual(queue.take(0), new Uint8Array(0));
});

test('ByteQueue finds a pattern only behind what is taken', () => {
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(7, 1, 7));
  assert.equal(queue.indexOf(Uint8Array.of(7), 0), 0);
  assert.equal(queue.indexOf(Uint8Array.of(7), 1), 2);
  queue.take(1);
  assert.equal(queue.indexOf(Uint8Array.of(7), 0), 1);
  assert.equal(queue.indexOf(Uint8Array.of(7, 7), 0), -1);
  queue.push(Uint8Array.of(7));
  assert.equal(queue.indexOf(Uint8Array.of(7, 7), 0), 1);
  queue.clear();
  assert.equal(queue.indexOf(Uint8Array.of(7), 0), -1);
});

/** What is done to a queue, one step each. */
const step = fc.oneof(
  fc.record({ push: fc.uint8Array({ maxLength: 6, max: 3 }) }),
  fc.record({ take: fc.nat(12) }),
  fc.record({ piece: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ find: fc.uint8Array({ minLength: 1, maxLength: 3, max: 3 }), from: fc.nat(20) }),
);

test('ByteQueue is a row of bytes, however they came and are taken', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      const cut = (bytes: Uint8Array): void => {
        assert.deepEqual(Buffer.from(bytes), model.subarray(0, bytes.length));
        model = model.subarray(bytes.length);
      };
      for (const each of steps) {
        if ('push' in each) {
          queue.push(each.push);
          model = Buffer.concat([model, each.push]);
        } else if ('take' in each) {
          const count = Math.min(each.take, model.length);
          const bytes = queue.take(count);
          assert.equal(bytes.length, count);
          cut(bytes);
        } else if ('piece' in each) {
          const bytes = queue.takePiece(each.piece);
          assert.ok(bytes.length <= each.piece && bytes.length > 0 === model.length > 0);
          cut(bytes);
        } else {
          assert.equal(queue.indexOf(each.find, each.from), model.indexOf(each.find, each.from));
        }
        assert.equal(queue.length, model.length);
      }
    }),
  );
});

test('ByteQueue forgets what is taken, while there is always something left', () => {
  const queue = new ByteQueue();
  queue.push(new Uint8Array(1));
  for (let i = 0; i < 10_000; i++) {
    queue.push(Uint8Array.of(i));
    assert.equal(queue.take(1)[0], i === 0 ? 0 : (i - 1) % 256);
  }
  assert.equal(queue.length, 1);
});
