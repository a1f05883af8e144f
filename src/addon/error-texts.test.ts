/** The tables of words in `src/base/errno.ts` have the names that the native module has, all of them and no other. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { EAI_TEXT, ERRNO_TEXT } from '../base/errno.ts';
import { loadNative } from './load.ts';
import { ErrorNames } from './system-errors.ts';

const { errorNumbers, resolveErrors } = loadNative();

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
