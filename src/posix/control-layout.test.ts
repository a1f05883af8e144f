import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadNative } from '../addon/load.ts';
import type { EncodedControl } from './control-layout.ts';
import { ControlLayout } from './control-layout.ts';
import { runProgram } from '../testing/node/peer.ts';

const module = loadNative();
const slab = new Uint8Array(65536);
const layout = new ControlLayout(module, slab, new Int32Array(slab.buffer));

const PYTHON = `
import socket
print(' '.join(str(socket.CMSG_SPACE(n)) for n in range(40)))
`;

test('space is what CPython says of CMSG_SPACE', async () => {
  const { stdout } = await runProgram('python3', ['-c', PYTHON]);
  const expected = stdout.trim().split(' ').map(Number);
  assert.equal(expected.length, 40);
  assert.deepEqual(
    expected.map((_, length) => layout.space(length)),
    expected,
  );
});

test('write leaves nothing of what stood there before between messages', () => {
  slab.fill(0xff);
  const length = layout.write(64, [
    { level: 1, type: 2, data: Uint8Array.of(9) },
    { level: -1, type: 0x7fffffff, data: new Uint8Array(0) },
  ]);
  assert.equal(length, 24 + 16);
  const bytes = [17, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...slab.subarray(64, 88)], bytes);
  assert.deepEqual(
    [...slab.subarray(88, 104)],
    [16, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 127],
  );
  assert.equal(slab[104], 0xff);
});

const MESSAGE: fc.Arbitrary<EncodedControl> = fc.record({
  level: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  type: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  data: fc.uint8Array({ maxLength: 100 }),
});

test('write takes just the size that was said', () => {
  fc.assert(
    fc.property(fc.array(MESSAGE, { maxLength: 20 }), (messages) => {
      assert.equal(layout.write(128, messages), layout.size(messages));
    }),
  );
});
