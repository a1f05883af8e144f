/** What CPython reads on the same descriptor is what Portside reads, for every option of every kind of socket. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { after, test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { SystemError } from '../base/errors.ts';
import type { OptionCase } from '../e2e/option-cases.ts';
import { OPTION_CASES } from '../e2e/option-cases.ts';
import type { Made } from '../e2e/option-sockets.ts';
import { MAKERS } from '../e2e/option-sockets.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { Codec } from './codec.ts';
import { optionCodec } from './option-codecs.ts';
import { OPTION_ROWS } from './options.ts';

type Row = (typeof OPTION_ROWS)[number];

const constants: Readonly<Record<string, number>> = loadNative().constants;
const leaks = leakCheck();
const hasPython = spawnSync('python3', ['-c', '']).status === 0;

/** Python reads the options that its argument lists from descriptor 3, as a number (size 0) or as bytes. */
const SCRIPT = `
import errno, json, socket, sys
s = socket.socket(fileno=3)
out = []
for level, name, size in json.loads(sys.argv[1]):
    try:
        got = s.getsockopt(level, name, size)
        out.append(got.hex() if size else got)
    except OSError as e:
        out.append({'code': errno.errorcode[e.errno]})
s.detach()
print(json.dumps(out))
`;

/** What Python takes for bytes, at most. */
const MAX_BYTES = 1024;
/** Codecs of an int. */
const WORDS: readonly string[] = ['bool', 'byte', 'int', 'uint', 'ifindex'];

/** A number, bytes as hexadecimal digits, or the name of an errno. */
type Answer = number | string | { readonly code: string };

function askPython(fd: number, rows: readonly Row[]): readonly Answer[] {
  const asked = rows.map(([level, name, codec]) => {
    const size = WORDS.includes(codec) ? 0 : Math.min(optionCodec(codec).size, MAX_BYTES);
    return [constants[level], constants[name], size];
  });
  const { status, stdout, stderr } = spawnSync('python3', ['-c', SCRIPT, JSON.stringify(asked)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', fd],
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as readonly Answer[];
}

/** Not compared, and why. */
const NOT_COMPARED: ReadonlyMap<string, string> = new Map([
  ['MPTCP_INFO', 'it changes with time'],
  ['PACKET_STATISTICS', 'reading resets them'],
  ['SO_PEERPIDFD', 'each reading makes a descriptor'],
  ['TCP_CC_INFO', 'it changes with time'],
  ['TCP_INFO', 'it changes with time'],
  ['TCP_SAVED_SYN', 'it can be read once'],
  ['TCP_TIMESTAMP', 'it is a clock'],
]);

const caseOf = ([level, name]: Row): OptionCase => OPTION_CASES.get(`${level} ${name}`) ?? {};

/** Rows that are read without a question, by the socket that shows them. */
function rowsByKind(): ReadonlyMap<string, readonly Row[]> {
  const kinds = new Map<string, Row[]>();
  for (const row of OPTION_ROWS) {
    const [, name, codec, access, , , socket] = row;
    const { on, query } = caseOf(row);
    const isAsked = query !== undefined || 'query' in optionCodec(codec) || codec.endsWith('[]');
    const kind = on ?? socket;
    // Python reads options of vsock as numbers only, and they are longer than that.
    if (access === 'w' || isAsked || NOT_COMPARED.has(name) || kind === 'vsock') continue;
    kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
  }
  return kinds;
}

interface Options {
  getOption(level: string, name: string): unknown;
  setOption(level: string, name: string, value: unknown): void;
}

/** The value, or the code of the error. */
function attempt(run: () => unknown): { readonly value: unknown } | { readonly code: string } {
  try {
    return { value: run() };
  } catch (error) {
    if (error instanceof SystemError) return { code: error.code };
    throw error;
  }
}

/** What Portside would have read where Python did. */
function meaning(codec: string, answer: Answer): { readonly value: unknown } | { readonly code: string } {
  // Python has one name for the number, and Portside the other.
  if (typeof answer === 'object') return { code: answer.code === 'ENOTSUP' ? 'EOPNOTSUPP' : answer.code };
  const decoder: Codec<unknown, unknown> = optionCodec(codec);
  if (typeof answer === 'string')
    return { value: decoder.decode(new Uint8Array(Buffer.from(answer, 'hex'))) };
  return { value: decoder.decode(new Uint8Array(Int32Array.of(answer).buffer)) };
}

function compare(options: Options, fd: number, rows: readonly Row[]): void {
  // Else most would be compared with zero. One may rule out another: then both read the same refusal's outcome.
  for (const row of rows) {
    const { set, refused } = caseOf(row);
    if (row[3] === 'rw' && WORDS.includes(row[2]) && set !== undefined && refused === undefined)
      attempt(() => {
        options.setOption(row[0], row[1], set);
      });
  }
  const answers = askPython(fd, rows);
  for (const [i, [level, name, codec]] of rows.entries()) {
    const ours = attempt(() => options.getOption(level, name));
    assert.deepEqual(ours, meaning(codec, answers[i] ?? { code: 'none' }), `${level} ${name}`);
  }
}

function make(t: TestContext, kind: string): Made | undefined {
  const made = attempt(() => MAKERS[kind]?.());
  if ('value' in made) return made.value as Made;
  t.skip(`no such socket here: ${made.code}`);
  return undefined;
}

for (const [kind, rows] of rowsByKind()) {
  test(`getOption of ${kind} reads what CPython reads`, { skip: !hasPython && 'no python3' }, (t) => {
    const made = make(t, kind);
    if (made === undefined) return;
    try {
      compare(made.socket, made.socket.fd, rows);
    } finally {
      for (const each of [made.socket, ...made.also]) each.close();
    }
  });
}

after(() => {
  leaks.check();
});
