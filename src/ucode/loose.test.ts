import assert from 'node:assert/strict';
import test from 'node:test';
import { errorNumbers } from '../posix/constants.ts';
import { INT32, INT64, toBigInteger, toBoolean, toInteger, toIntegerOrNull, UINT16 } from './loose.ts';

const { EINVAL, ERANGE } = errorNumbers;

test('toInteger converts as ucode does', () => {
  const rows: readonly (readonly [value: unknown, number: number])[] = [
    [null, 0],
    [undefined, 0],
    [false, 0],
    [true, 1],
    [7, 7],
    [7.9, 7],
    [-7.9, -7],
    [7n, 7],
    ['', 0],
    ['  ', 0],
    ['80', 80],
    [' 80\n', 80],
    ['-5', -5],
    ['+5', 5],
    ['0x10', 16],
    ['0b101', 5],
    ['0o17', 15],
    ['-0x10', -16],
    ['1.9', 1],
    ['1e2', 100],
    [Buffer.from('80'), 80],
  ];
  for (const [value, number] of rows) assert.equal(toInteger(value, INT32, 'x'), number, String(value));
});

test('toInteger refuses what is no number', () => {
  for (const value of [NaN, 'abc', '80x', '0x', '1 2', [], [1], {}, Symbol('s'), () => 1])
    assert.throws(() => toInteger(value, INT32, 'what it is'), { code: EINVAL, message: 'what it is' });
});

test('toInteger refuses what does not fit, instead of cutting it', () => {
  for (const value of [2 ** 31, -(2 ** 31) - 1, '99999999999', Infinity, 1e300, 10n ** 30n])
    assert.throws(() => toInteger(value, INT32, 'x'), { code: ERANGE });
  assert.throws(() => toInteger(-1, UINT16, 'x'), { code: ERANGE });
  assert.equal(toInteger(65535, UINT16, 'x'), 65535);
});

test('toIntegerOrNull answers null for what cannot be', () => {
  assert.equal(toIntegerOrNull('12', UINT16), 12);
  assert.equal(toIntegerOrNull('x', UINT16), null);
  assert.equal(toIntegerOrNull(65536, UINT16), null);
});

test('toBigInteger keeps all of 64 bits', () => {
  assert.equal(toBigInteger('-9223372036854775808', INT64, 'x'), -(2n ** 63n));
});

test('toBoolean is whether a number is not 0', () => {
  assert.deepEqual(
    [0, '0', '', null, 0.5, 1, '2', true].map((value) => toBoolean(value, 'x')),
    [false, false, false, false, false, true, true, true],
  );
  assert.throws(() => toBoolean(-1, 'x'), { code: ERANGE });
  assert.throws(() => toBoolean('abc', 'x'), { code: EINVAL });
});
