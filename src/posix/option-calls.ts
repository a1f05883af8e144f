/** Reading and setting options by their names. */
import type { ConstantName } from '../addon/constant-names.ts';
import { SLAB } from '../addon/native-sockets.ts';
import { UnsupportedError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { flag, integer, wrongType } from '../base/rules.ts';
import type { Rule } from '../base/rules.ts';
import type { Codec } from './codec.ts';
import { optionCodec } from './option-codecs.ts';
import type { QueryCodec } from './option-filters.ts';
import type { OptionAccess } from './options.ts';
import { LEVEL_ALIASES, NAME_ALIASES, OPTION_ROWS } from './options.ts';
import { getSpace } from './space.ts';
import type { CallRow, SocketState } from './waiting.ts';
import { callError } from './waiting.ts';

type AnyCodec = Codec<unknown, unknown>;
type AnyQueryCodec = QueryCodec<unknown, unknown, unknown>;

/** How a value that is one word of the slab is judged, and what it is read as. */
interface Word {
  readonly toWord: Rule<number>;
  readonly fromWord: (word: number) => unknown;
}

const int = integer(-(2 ** 31), 2 ** 31 - 1);
const uint = integer(0, 2 ** 32 - 1);

/** Codecs whose values pass without an object being made, since options of this kind are read while data flow. */
const WORDS: ReadonlyMap<string, Word> = new Map([
  ['bool', { toWord: (value, name) => (flag(value, name) ? 1 : 0), fromWord: (word) => word !== 0 }],
  ['int', { toWord: int, fromWord: (word) => word }],
  ['uint', { toWord: uint, fromWord: (word) => word >>> 0 }],
]);

const WORD_SIZE = 4;
const WORD_INDEX: number = SLAB.data / WORD_SIZE;
/** Bytes of an instruction of classic BPF. */
const INSTRUCTION_SIZE = 8;
const PROGRAM = 'bpf_instruction[]';

/** A row of the table, ready for use. */
interface Option {
  /** The level's and the option's number. */
  readonly level: number;
  readonly number: number;
  readonly levelName: string;
  readonly name: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly codec: AnyCodec;
  readonly word: Word | undefined;
  readonly isProgram: boolean;
}

type OptionRow = (typeof OPTION_ROWS)[number];
type Level = ReadonlyMap<string, Option>;

function numberOf(name: ConstantName): number {
  const numbers: Partial<Record<ConstantName, number>> = getSpace().module.constants;
  const number = numbers[name];
  if (number === undefined) throw new UnsupportedError(`this system has no ${name}`);
  return number;
}

function makeOption([levelName, name, codec, access]: OptionRow): Option {
  return {
    level: numberOf(levelName),
    number: numberOf(name),
    levelName,
    name,
    canRead: access !== 'w',
    canWrite: access !== 'r',
    codec: optionCodec(codec),
    word: WORDS.get(codec),
    isProgram: codec === PROGRAM,
  };
}

/** Every option, by level and by name, each under all of its names. */
function makeLevels(): ReadonlyMap<string, Level> {
  const levels = new Map<string, Map<string, Option>>();
  for (const row of OPTION_ROWS) {
    const level = levels.get(row[0]) ?? new Map<string, Option>();
    levels.set(row[0], level.set(row[1], makeOption(row)));
  }
  for (const [alias, name] of Object.entries(NAME_ALIASES)) {
    for (const level of levels.values()) {
      const option = level.get(name);
      if (option !== undefined) level.set(alias, option);
    }
  }
  for (const [alias, name] of Object.entries(LEVEL_ALIASES)) {
    const level = levels.get(name);
    if (level !== undefined) levels.set(alias, level);
  }
  return levels;
}

let levels: ReadonlyMap<string, Level> | undefined;

function allLevels(): ReadonlyMap<string, Level> {
  levels ??= makeLevels();
  return levels;
}

function advice(name: string, names: Iterable<string>): string {
  const meant = nearest(name, names);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/** Why there is no such option, for people: it is looked up only when it is missing. */
function missing(level: unknown, name: unknown): Error {
  if (typeof level !== 'string')
    return wrongType('level', 'the name of a level, such as "SOL_SOCKET"', level);
  if (typeof name !== 'string')
    return wrongType('name', 'the name of an option, such as "SO_REUSEADDR"', name);
  const all = allLevels();
  const found = all.get(level);
  if (found === undefined)
    return new RangeError(`${level}: no such level of options${advice(level, all.keys())}`);
  const home = [...all].find(([, options]) => options.has(name));
  const hint = home === undefined ? advice(name, found.keys()) : `; it is one of ${home[0]}`;
  return new RangeError(`${name}: no such option of ${level}${hint}`);
}

function findOption(level: unknown, name: unknown): Option {
  const option = allLevels()
    .get(level as string)
    ?.get(name as string);
  if (option === undefined) throw missing(level, name);
  return option;
}

/** What the table says of an option. */
export interface OptionRowInfo {
  readonly level: string;
  readonly name: string;
  readonly codec: string;
  readonly access: OptionAccess;
}

let rowsByNumber: ReadonlyMap<number, ReadonlyMap<number, readonly OptionRowInfo[]>> | undefined;

function makeRowsByNumber(): ReadonlyMap<number, ReadonlyMap<number, readonly OptionRowInfo[]>> {
  const all = new Map<number, Map<number, OptionRowInfo[]>>();
  for (const [level, name, codec, access] of OPTION_ROWS) {
    const rows = all.get(numberOf(level)) ?? new Map<number, OptionRowInfo[]>();
    const same = rows.get(numberOf(name)) ?? [];
    same.push({ level, name, codec, access });
    all.set(numberOf(level), rows.set(numberOf(name), same));
  }
  return all;
}

/**
 * The row of an option by its two numbers. Of several that share them it is one that can be read (`r`) or set (`w`), or,
 * if none can, the first.
 */
export function optionByNumber(level: number, number: number, access: 'r' | 'w'): OptionRowInfo | undefined {
  rowsByNumber ??= makeRowsByNumber();
  const rows = rowsByNumber.get(level)?.get(number);
  return rows?.find((row) => row.access.includes(access)) ?? rows?.[0];
}

function failure(state: SocketState, op: string, syscall: string, option: Option, result: number): Error {
  const call: CallRow = { op: `${op} ${option.levelName} ${option.name}`, syscall, direction: 'read' };
  return callError(state, call, result);
}

/** Puts bytes where the system finds them. */
function place(state: SocketState, bytes: Uint8Array): void {
  state.space.slab.set(bytes, SLAB.data);
}

function taken(state: SocketState, length: number): Uint8Array {
  return state.space.slab.subarray(SLAB.data, SLAB.data + length);
}

/** Reads what has more than a word. */
function readBytes(state: SocketState, option: Option, query: unknown): unknown {
  const { native, codecs } = state.space;
  const { codec, level, number } = option;
  if (option.isProgram) {
    const count = native.readFilter(state.id);
    if (count < 0) throw failure(state, 'getOption', 'getsockopt', option, count);
    return codec.decode(taken(state, count * INSTRUCTION_SIZE));
  }
  if ('query' in codec) place(state, (codec as AnyQueryCodec).query(query, `${option.name} query`, codecs));
  const length = native.getOption(state.id, level, number, codec.size);
  if (length < 0) throw failure(state, 'getOption', 'getsockopt', option, length);
  // Some options answer the length that there is, and not what there was room for.
  return codec.decode(taken(state, Math.min(length, codec.size)));
}

/**
 * Reads an option.
 *
 * @param query for options that are read by asking something, what is asked
 * @throws {RangeError} there is no option of this name, or it can only be set
 * @throws {SystemError} ENOPROTOOPT, EOPNOTSUPP: the system, or this kind of socket, does not have it
 * @see getsockopt(2)
 */
export function getOption(state: SocketState, level: string, name: string, query?: unknown): unknown {
  const option = findOption(level, name);
  if (!option.canRead) throw new RangeError(`${name}: it can only be set`);
  const { word } = option;
  if (word === undefined) return readBytes(state, option, query);
  const { native, words } = state.space;
  const length = native.getOption(state.id, option.level, option.number, WORD_SIZE);
  if (length < 0) throw failure(state, 'getOption', 'getsockopt', option, length);
  return length === WORD_SIZE
    ? word.fromWord(words[WORD_INDEX] ?? 0)
    : option.codec.decode(taken(state, length));
}

/** Sets what has more than a word. @returns what the native module answered */
function writeBytes(state: SocketState, option: Option, value: unknown): number {
  const { native, codecs } = state.space;
  const bytes = option.codec.encode(value, option.name, codecs);
  place(state, bytes);
  const { level, number } = option;
  if (option.isProgram) return native.attachFilter(state.id, level, number, bytes.length / INSTRUCTION_SIZE);
  return native.setOption(state.id, level, number, bytes.length);
}

/**
 * Sets an option.
 *
 * @throws {RangeError} there is no option of this name, or it can only be read
 * @throws {TypeError | RangeError} the value cannot be, naming the part of it that is wrong
 * @throws {SystemError} ENOPROTOOPT, EOPNOTSUPP: the system, or this kind of socket, does not have it
 * @see setsockopt(2)
 */
export function setOption(state: SocketState, level: string, name: string, value: unknown): void {
  const option = findOption(level, name);
  if (!option.canWrite) throw new RangeError(`${name}: it can only be read`);
  const { word } = option;
  let result: number;
  if (word === undefined) {
    result = writeBytes(state, option, value);
  } else {
    const { native, words } = state.space;
    words[WORD_INDEX] = word.toWord(value, name);
    result = native.setOption(state.id, option.level, option.number, WORD_SIZE);
  }
  if (result < 0) throw failure(state, 'setOption', 'setsockopt', option, result);
}
