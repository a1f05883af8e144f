import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const NAMES = ['SO_LINGER', 'SO_RCVBUF', 'SO_SNDBUF', 'SO_REUSEADDR', 'SO_REUSEPORT', 'IP_TTL', 'IP_TOS'];

/** What was written, and what is suggested. */
const SLIPS: readonly (readonly [string, string | undefined])[] = [
  ['SO_LINGER', 'SO_LINGER'],
  ['so_linger', 'SO_LINGER'],
  ['SO_LIGNER', 'SO_LINGER'],
  ['SO_LINGR', 'SO_LINGER'],
  ['SO_LINGERR', 'SO_LINGER'],
  ['SO_REUSEADR', 'SO_REUSEADDR'],
  ['SO_REUSE_PORT', 'SO_REUSEPORT'],
  ['SORCVBUF', 'SO_RCVBUF'],
  ['IP_TT', 'IP_TTL'],
  ['IP_TTS', 'IP_TTL'],
  ['TCP_NODELAY', undefined],
  ['', undefined],
  ['x', undefined],
  ['SO_LINGER'.repeat(8), undefined],
];

for (const [written, expected] of SLIPS) {
  test(`nearest of ${JSON.stringify(written)} is ${String(expected)}`, () => {
    assert.equal(nearest(written, NAMES), expected);
  });
}

test('nearest prefers a swap of neighbours to two changes', () => {
  assert.equal(nearest('ABCD', ['ABXY', 'ABDC']), 'ABDC');
});

test('nearest of no names is none', () => {
  assert.equal(nearest('SO_LINGER', []), undefined);
});
