/** What the tests of bad input share. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BadValue } from '../testing/node/bad-values.ts';
import { NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import type { SocketAddress } from './address.ts';
import type { Loose } from './test-kit.ts';
import { loose, pairOf, refusal } from './test-kit.ts';

/** A call that has the bad value in one place, and is right everywhere else. */
export type BadRow = readonly [what: string, call: (socket: Loose, bad: unknown) => unknown];

export const BYTES: Uint8Array = Uint8Array.of(1, 2, 3);
export const NOBODY: SocketAddress = { family: 'unix', path: '\0portside-nobody' };
export const DEADLINE: { readonly timeout: number } = { timeout: 1000 };

/** Each value in each place: refused by name of the place, nothing sent or taken, and the socket as good as before. */
export function refuses(
  place: string,
  fault: string,
  rows: readonly BadRow[],
  values: readonly BadValue[],
  errors: readonly string[] = ['TypeError', 'RangeError'],
): void {
  for (const [what, call] of rows) {
    void test(`${what} refuses what is no ${place} (${fault})`, async (t) => {
      const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
      peer.send(BYTES);
      for (const [kind, bad] of values) {
        const error = await refusal(() => call(loose(socket), bad));
        assert.ok(errors.includes(error.name), `${kind}: ${error.name}: ${error.message}`);
        assert.match(error.message, /expected|no such|^no |only/, kind);
      }
      assert.equal(peer.recv(), null);
      assert.equal(socket.send(BYTES), 3);
      assert.deepEqual(peer.recv(), BYTES);
      assert.deepEqual(socket.recv(), BYTES);
      assert.equal(socket.recv(), null);
    });
  }
}

/** All but some. */
export const but = (values: readonly BadValue[], ...whats: readonly string[]): readonly BadValue[] =>
  values.filter(([what]) => !whats.includes(what));

/** No whole numbers of 32 bits, where there may be none at all. */
export const BAD_NUMBERS: readonly BadValue[] = but(
  [...NOTHING_USEFUL, ...NO_INTEGER, ['2^32', 2 ** 32]],
  'undefined',
);
