/** The tables of words in `src/base/errno.ts` have the names that the native module has, all of them and no other. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { EAI_TEXT, ERRNO_TEXT } from '../base/errno.ts';
import { loadNative } from './load.ts';
import { ErrorNames } from './system-errors.ts';

const native = loadNative();
const { errorNumbers, resolveErrors } = native;

/** Names without those that stand for a number which an earlier one has already. */
function firstNames(table: Readonly<Record<string, number>>): string[] {
  const names = new Map<number, string>();
  for (const [name, number] of Object.entries(table)) if (!names.has(number)) names.set(number, name);
  return [...names.values()].sort();
}

test('ERRNO_TEXT has words for every errno of the native module, and for no other', () => {
  assert.deepEqual(Object.keys(ERRNO_TEXT), firstNames(errorNumbers));
});

test('EAI_TEXT has words for every error of getaddrinfo, and for no other', () => {
  assert.deepEqual(Object.keys(EAI_TEXT), firstNames(resolveErrors));
});

test('ErrorNames names a number by its first name, and words it', () => {
  const names = new ErrorNames(errorNumbers);
  const message = (errno: number): string => names.error(errno, 'recv', { op: 'read' }).message;
  assert.equal(message(errorNumbers.EWOULDBLOCK), 'read: would block (EAGAIN)');
  assert.equal(message(errorNumbers.ENXIO), 'read: no such device or address (ENXIO)');
  assert.equal(message(99999), 'read: system error (E99999)');
});

test('errorText gives the words of the C library', () => {
  assert.equal(native.errorText(errorNumbers.EADDRINUSE), 'Address already in use');
  assert.match(native.errorText(99999), /99999/);
});

test('resolveErrorText gives the words of the C library', () => {
  assert.equal(native.resolveErrorText(resolveErrors.EAI_NONAME), 'Name or service not known');
});

test('errorText refuses what is no int (F41)', () => {
  for (const value of ['1', null, undefined]) {
    assert.throws(() => native.errorText(value as never), TypeError);
    assert.throws(() => native.resolveErrorText(value as never), TypeError);
  }
  for (const value of [1.5, NaN, 2 ** 31]) {
    assert.throws(() => native.errorText(value), RangeError);
    assert.throws(() => native.resolveErrorText(value), RangeError);
  }
});
