/**
 * Every row of the table of options, on a socket that has it: it is read; it is set to something that it was not; that is
 * what is read then. Rows that this machine refuses for a known reason are skipped with that reason.
 */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { release } from 'node:os';
import type { TestContext } from 'node:test';
import { after, test } from 'node:test';
import { SystemError } from '../base/errors.ts';
import type { OptionCase } from '../e2e/option-cases.ts';
import { OPTION_CASES } from '../e2e/option-cases.ts';
import type { Made } from '../e2e/option-sockets.ts';
import { MAKERS } from '../e2e/option-sockets.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { OPTION_ROWS } from './options.ts';

type Row = (typeof OPTION_ROWS)[number];

/** The methods without the types, which a loop over the table has no use for. */
interface Options {
  getOption(level: string, name: string, ...query: readonly unknown[]): unknown;
  setOption(level: string, name: string, ...value: readonly unknown[]): void;
}

const leaks = leakCheck();
const isRoot = process.geteuid?.() === 0;
const exercised: string[] = [];
const refused: string[] = [];
/** Kinds of sockets that this machine does not have. */
const absent = new Set<string>();
const CAN: readonly string[] = ['can', 'isotp', 'j1939'];

/** Whether a version of Linux is older than another: `6.1.0-13-amd64`, `6.7`. */
function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  const [wantedMajor = 0, wantedMinor = 0] = than.split('.').map(Number.parseFloat);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

/** Why a refusal is all right, or `undefined`. */
function excuse(
  code: string,
  [, , , , , since]: Row,
  { refused: codes = [], why }: OptionCase,
): string | undefined {
  if (codes.includes(code)) return why ?? 'a known reason';
  if (!isRoot && ['EPERM', 'EACCES'].includes(code)) return 'this needs privileges';
  if (since !== '' && isOlder(release(), since) && ['ENOPROTOOPT', 'EINVAL'].includes(code))
    return `this came with Linux ${since}`;
  return undefined;
}

/** Why there is no socket of a kind, or `undefined`. */
function absence(code: string): string | undefined {
  if (['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'ENOPROTOOPT'].includes(code))
    return 'there is no such socket here';
  return isRoot || !['EPERM', 'EACCES'].includes(code) ? undefined : 'such a socket needs privileges';
}

function codeOf(error: unknown): string {
  if (error instanceof SystemError) return error.code;
  throw error;
}

function make(t: TestContext, kind: string): Made | undefined {
  const maker = MAKERS[kind];
  assert.ok(maker, `no maker for ${kind}`);
  try {
    return maker();
  } catch (error) {
    const why = absence(codeOf(error));
    if (why === undefined) throw error;
    absent.add(kind);
    t.skip(`${kind}: ${codeOf(error)}: ${why}`);
    return undefined;
  }
}

/** What to set, given what is there; `undefined` for nothing. */
function valueFor(row: Row, initial: unknown, { set, setFrom }: OptionCase): unknown {
  if (setFrom !== undefined) return setFrom(initial as never);
  return set === undefined && row[2] === 'bool' ? initial !== true : set;
}

/** Whether setting can be seen by reading: otherwise the test would pass if it did nothing. */
function requireChange(initial: unknown, expected: unknown, how: OptionCase): void {
  if (how.is === undefined && how.stays === undefined) assert.notDeepEqual(initial, expected);
}

function requireValue(name: string, value: unknown, expected: unknown, { is }: OptionCase): void {
  if (is === undefined) assert.deepEqual(value, expected);
  else assert.ok(is(value as never), `${name}: ${String(value)}`);
}

/** Reads, sets, reads. */
function exercise(options: Options, row: Row, how: OptionCase): void {
  const [level, name, codec, access] = row;
  const { query, reads, is, shows, stays } = how;
  const read = (): unknown => options.getOption(level, name, ...(query === undefined ? [] : [query]));
  const initial = access === 'w' ? undefined : read();
  if (access === 'r') {
    assert.ok(is, 'a row that is only read needs to say what it must be');
    if (codec === 'fd') closeSync(initial as number);
    requireValue(name, initial, undefined, how);
    return;
  }
  const value = valueFor(row, initial, how);
  assert.ok(value !== undefined || codec === 'none', 'a row needs something to set');
  const expected = stays === true ? initial : (reads ?? value);
  if (access === 'rw') requireChange(initial, expected, how);
  options.setOption(level, name, ...(codec === 'none' ? [] : [value]));
  if (shows !== undefined) {
    const [showingLevel, showing, shown, ...asked] = shows;
    assert.deepEqual(options.getOption(showingLevel, showing, ...asked), shown);
  } else if (access === 'rw') {
    requireValue(name, read(), expected, how);
  }
}

function runRow(t: TestContext, row: Row): void {
  const [level, name, , , , , socket] = row;
  const key = `${level} ${name}`;
  const how = OPTION_CASES.get(key) ?? {};
  const made = make(t, how.on ?? socket);
  if (made === undefined) {
    refused.push(key);
    return;
  }
  try {
    exercise(made.socket, row, how);
    exercised.push(key);
  } catch (error) {
    const code = codeOf(error);
    const why = excuse(code, row, how);
    if (why === undefined) throw error;
    refused.push(key);
    t.skip(`${code}: ${why}`);
  } finally {
    for (const each of [made.socket, ...made.also]) each.close();
  }
}

for (const row of OPTION_ROWS) {
  test(`${row[1]} of ${row[0]} reads what was set`, (t) => {
    runRow(t, row);
  });
}

test('every case is of an option', () => {
  const keys = new Set<string>(OPTION_ROWS.map(([level, name]) => `${level} ${name}`));
  assert.deepEqual(
    [...OPTION_CASES.keys()].filter((key) => !keys.has(key)),
    [],
  );
});

/** Rows that are exercised on a machine that has every kind of socket but CAN, every option so far, and privileges. */
const EXERCISED = 245;

/** Whether this is such a machine: on others rows drop out for reasons that their tests tell. */
function hasEverything(): boolean {
  const newest = OPTION_ROWS.map((row) => row[5]).reduce(
    (a, b) => (b === '' || isOlder(b, a) ? a : b),
    '0.0',
  );
  return (
    isRoot &&
    !isOlder(release(), newest) &&
    absent.size === CAN.length &&
    CAN.every((kind) => absent.has(kind))
  );
}

test('as many options are exercised as can be', (t) => {
  t.diagnostic(
    `${String(exercised.length)} of ${String(OPTION_ROWS.length)} rows; not: ${refused.join(', ')}`,
  );
  assert.equal(exercised.length + refused.length, OPTION_ROWS.length);
  if (hasEverything()) assert.ok(exercised.length >= EXERCISED, String(exercised.length));
  else t.diagnostic(`no bound here; absent: ${[...absent].join(', ')}`);
});

after(() => {
  leaks.check();
});
