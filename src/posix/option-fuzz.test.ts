/** Whatever is given to options, a caller gets an error that says what was wrong, and nothing else happens (F41, F48, F50). */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { SocketError } from '../base/errors.ts';
import { MAKERS } from '../e2e/option-sockets.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { LATER, STRUCTS } from './option-structs.ts';
import { LEVEL_ALIASES, NAME_ALIASES, OPTION_ROWS } from './options.ts';

interface Options {
  getOption(...args: readonly unknown[]): unknown;
  setOption(...args: readonly unknown[]): unknown;
  getRaw(...args: readonly unknown[]): unknown;
  setRaw(...args: readonly unknown[]): unknown;
}

const leaks = leakCheck();
const LEVELS = [...new Set(OPTION_ROWS.map(([level]) => level)), ...Object.keys(LEVEL_ALIASES)];
const NAMES = [...OPTION_ROWS.map((row) => row[1]), ...Object.keys(NAME_ALIASES)];
const MEMBERS = [
  ...new Set([...Object.values(STRUCTS), ...Object.values(LATER)].flatMap((row) => Object.keys(row))),
  'slist',
  'pass',
  'block',
];

/** Numbers at the ends of what fits, texts that almost are addresses, and everything else that JavaScript has. */
const scalar = fc.oneof(
  fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }),
  fc.constantFrom(0, -0, 1, -1, 255, 256, 2 ** 31, 2 ** 32, 2 ** 53, NaN, Infinity, 0n, 2n ** 64n),
  fc.constantFrom('', 'lo', 'eth0\0', '127.0.0.1', '::1', 'fe80::1%lo', '224.0.0.1', 'cubic', 'x'.repeat(99)),
  fc.constantFrom(true, false, null, undefined, new Uint8Array(4), new Uint8Array(new SharedArrayBuffer(4))),
);
/** Objects whose properties are those of some struct. */
const struct = fc.dictionary(fc.constantFrom(...MEMBERS), scalar, { maxKeys: 8 });
const value = fc.oneof(scalar, struct, fc.array(fc.oneof(scalar, struct), { maxLength: 4 }));
const word = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...LEVELS, ...NAMES) }, scalar);

/** An error of ours, or of the caller's own making: nothing of the machinery's. */
function requireKnown(error: unknown): void {
  const isOurs = error instanceof SocketError || error instanceof TypeError || error instanceof RangeError;
  assert.ok(isOurs, String(error));
  assert.doesNotMatch(String(error), /is not a function|Cannot read|undefined \(reading|is not iterable/);
}

function attempt(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    requireKnown(error);
  }
}

/** Sockets of this process only, where no value can harm anybody. */
const KINDS = ['tcp', 'udp', 'unix'];

for (const kind of KINDS) {
  test(`options of ${kind} answer or throw what can be told, whatever they are given`, () => {
    const made = MAKERS[kind]?.();
    assert.ok(made);
    const options = made.socket as unknown as Options;
    try {
      fc.assert(
        fc.property(fc.constantFrom(...OPTION_ROWS), value, ([level, name, codec], given) => {
          attempt(() => options.setOption(level, name, given));
          // Each reading of a descriptor makes one, which nobody here would close.
          if (codec !== 'fd') attempt(() => options.getOption(level, name, given));
        }),
        { numRuns: 3000 },
      );
      fc.assert(
        fc.property(word, word, value, (level, name, given) => {
          attempt(() => options.setOption(level, name, given));
          if (name !== 'SO_PEERPIDFD') attempt(() => options.getOption(level, name, given));
        }),
        { numRuns: 1000 },
      );
    } finally {
      for (const each of [made.socket, ...made.also]) each.close();
    }
  });

  test(`raw options of ${kind} answer or throw what can be told, whatever they are given`, () => {
    const made = MAKERS[kind]?.();
    assert.ok(made);
    const options = made.socket as unknown as Options;
    const number = fc.oneof(fc.nat(300), fc.constantFrom(...LEVELS, ...NAMES), scalar);
    const size = fc.oneof(fc.nat(512), scalar);
    const isPidfd = (name: unknown): boolean => name === 'SO_PEERPIDFD' || name === 77;
    try {
      fc.assert(
        fc.property(number, number, size, fc.oneof(fc.uint8Array(), scalar), (level, name, room, bytes) => {
          attempt(() => options.setRaw(level, name, bytes));
          if (!isPidfd(name)) attempt(() => options.getRaw(level, name, room, bytes));
        }),
        { numRuns: 2000 },
      );
    } finally {
      for (const each of [made.socket, ...made.also]) each.close();
    }
  });
}

after(() => {
  leaks.check();
});
