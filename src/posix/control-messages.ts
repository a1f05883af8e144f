/**
 * Control messages: from what callers give to numbers and bytes, and back; and how much room they need when they come. What
 * there is, is in `control-rows.ts`.
 */
import type { ConstantName } from '../addon/constant-names.ts';
import { loadNative, numbersForTables } from '../addon/load.ts';
import { isBytes, requireBytes } from '../base/bytes.ts';
import { nearest } from '../base/nearest.ts';
import { integer, requireObject, wrongType } from '../base/rules.ts';
import type { CodecContext } from './codec.ts';
import type { ControlCodec, ControlCodecs, TakeDescriptor } from './control-codecs.ts';
import { CONTROL_CODECS } from './control-codecs.ts';
import type { EncodedControl } from './control-layout.ts';
import { controlSpace } from './control-layout.ts';
import { CONTROL_ROWS } from './control-rows.ts';

type Row = (typeof CONTROL_ROWS)[number];
type OutOf<C> = C extends ControlCodec<infer T, never> ? T : never;
type InOf<C> = C extends { encode(value: infer In, ...rest: never): Uint8Array } ? In : never;

/** One that has no row, or whose payload was cut short: its numbers, and its payload as bytes. */
export interface RawControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

type Received<R extends Row> = R extends readonly [
  infer L,
  infer T,
  infer C extends keyof ControlCodecs,
  infer D,
  ...unknown[],
]
  ? D extends 'send'
    ? never
    : { readonly level: L; readonly type: T; readonly data: OutOf<ControlCodecs[C]> }
  : never;

type Sent<R extends Row> = R extends readonly [
  infer L,
  infer T,
  infer C extends keyof ControlCodecs,
  infer D,
  ...unknown[],
]
  ? D extends 'receive'
    ? never
    : { readonly level: L; readonly type: T; readonly data: InOf<ControlCodecs[C]> }
  : never;

/**
 * A control message that was received; `level` and `type` tell what `data` is.
 *
 * @see docs/reference/control-messages.md
 */
export type ControlMessage = Received<Row> | RawControlMessage;

/**
 * A control message to be sent: by the names of its level and type, with a value of its kind; or by names or numbers, with
 * the payload as bytes.
 */
export type ControlInput =
  Sent<Row> | { readonly level: Row[0] | number; readonly type: Row[1] | number; readonly data: Uint8Array };

/** A row, with the numbers of this system. */
interface Entry {
  readonly level: number;
  readonly type: number;
  readonly row: Row;
  readonly codec: ControlCodec<unknown, unknown>;
  /** The option that has it come, or the family of which every socket gets it. */
  readonly causes: readonly (readonly [level: number, name: number] | readonly [family: number])[];
}

const { constants } = numbersForTables();

function makeEntry(row: Row): Entry {
  const [level, type, codec, , causes] = row;
  return {
    level: constants[level],
    type: constants[type],
    row,
    codec: CONTROL_CODECS[codec],
    causes: causes.map((cause) => {
      const [first, second] = cause.split('/') as [ConstantName, ConstantName | undefined];
      return second === undefined ? [constants[first]] : [constants[first], constants[second]];
    }),
  };
}

const ENTRIES: readonly Entry[] = CONTROL_ROWS.map(makeEntry);

/** By the level's number, and the name of the type. */
function byNames(): ReadonlyMap<number, ReadonlyMap<string, Entry>> {
  const levels = new Map<number, Map<string, Entry>>();
  for (const entry of ENTRIES) {
    const level = levels.get(entry.level) ?? new Map<string, Entry>();
    levels.set(entry.level, level.set(entry.row[1], entry));
  }
  return levels;
}

const NAMED = byNames();
const LEVELS: ReadonlyMap<string, number> = new Map(ENTRIES.map(({ row, level }) => [row[0], level]));

/** Both numbers in one, which a double holds. */
const keyOf = (level: number, type: number): number => level * 2 ** 32 + (type >>> 0);
const RECEIVED: ReadonlyMap<number, Entry> = new Map(
  ENTRIES.filter(({ row }) => row[3] !== 'send').map((entry) => [keyOf(entry.level, entry.type), entry]),
);
const SENT: ReadonlyMap<number, Entry> = new Map(
  ENTRIES.map((entry) => [keyOf(entry.level, entry.type), entry]),
);

// --- sending ------------------------------------------------------------------------------------

const int = integer(-(2 ** 31), 2 ** 31 - 1);

function advice(name: string, names: Iterable<string>): string {
  const meant = nearest(name, names);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

function levelNumber(value: unknown, name: string): number {
  if (typeof value === 'number') return int(value, name);
  if (typeof value !== 'string')
    throw wrongType(name, 'the name of a level, such as "SOL_SOCKET", or a number', value);
  const number = LEVELS.get(value);
  if (number !== undefined) return number;
  throw new RangeError(`${name}: no such level of control messages: ${value}${advice(value, LEVELS.keys())}`);
}

function typeNumber(level: number, value: unknown, name: string): number {
  if (typeof value === 'number') return int(value, name);
  if (typeof value !== 'string')
    throw wrongType(name, 'the name of a control message, such as "SCM_RIGHTS", or a number', value);
  const found = NAMED.get(level)?.get(value);
  if (found !== undefined) return found.type;
  const elsewhere = ENTRIES.find(({ row }) => row[1] === value);
  const hint =
    elsewhere === undefined
      ? advice(value, NAMED.get(level)?.keys() ?? [])
      : `; it is one of ${elsewhere.row[0]}`;
  throw new RangeError(`${name}: no such control message: ${value}${hint}`);
}

/**
 * Judges a message of the caller's and lays it out.
 *
 * @param name what to call it in errors: `control[0]`
 * @throws {TypeError | RangeError} naming the field that cannot be
 * @throws {SystemError | ClosedError} a descriptor is closed, or there is no interface of a name
 */
export function encodeControl(input: ControlInput, name: string, context: CodecContext): EncodedControl {
  const object = requireObject(input, name);
  const level = levelNumber(Reflect.get(object, 'level'), `${name}.level`);
  const type = typeNumber(level, Reflect.get(object, 'type'), `${name}.type`);
  const data: unknown = Reflect.get(object, 'data');
  if (isBytes(data)) return { level, type, data: new Uint8Array(requireBytes(data, `${name}.data`)) };
  const entry = SENT.get(keyOf(level, type));
  if (entry === undefined) throw wrongType(`${name}.data`, 'a Uint8Array', data);
  if (entry.row[3] === 'receive') throw new TypeError(`${name}.type: ${entry.row[1]} is only received`);
  return { level, type, data: entry.codec.encode(data, `${name}.data`, context) };
}

// --- receiving ----------------------------------------------------------------------------------

/**
 * Reads a message that came.
 *
 * @param payload valid only during the call; where there were descriptors it has their slots, or -1 for one that was closed
 *   because nothing could look after it
 * @param take makes the descriptor in a slot the caller's
 */
export function decodeControl(
  payload: Uint8Array,
  level: number,
  type: number,
  take: TakeDescriptor,
): ControlMessage {
  const entry = RECEIVED.get(keyOf(level, type));
  if (entry === undefined) return { level, type, data: payload.slice() };
  try {
    const data = entry.codec.decode(payload, take);
    return { level: entry.row[0], type: entry.row[1], data } as ControlMessage;
  } catch (error) {
    // It was cut short, or is of a kind that came later than this table.
    if (error instanceof RangeError) return { level, type, data: payload.slice() };
    throw error;
  }
}

/** Families that have the level; the others are had by all. */
const FAMILIES: Readonly<Partial<Record<Row[0], readonly number[]>>> = {
  IPPROTO_IP: [constants.AF_INET, constants.AF_INET6],
  IPPROTO_IPV6: [constants.AF_INET6],
  IPPROTO_TCP: [constants.AF_INET, constants.AF_INET6],
  IPPROTO_UDP: [constants.AF_INET, constants.AF_INET6],
  SOL_CAN_J1939: [constants.AF_CAN],
  SOL_NETLINK: [constants.AF_NETLINK],
  SOL_PACKET: [constants.AF_PACKET],
  SOL_TLS: [constants.AF_INET, constants.AF_INET6],
  SOL_VSOCK: [constants.AF_VSOCK],
};

/**
 * Bytes of control data that a socket may receive with one message: room for all that its family and its options can bring.
 *
 * @param isEnabled whether an option, by its numbers, is on, or may be
 */
export function controlRoom(family: number, isEnabled: (level: number, name: number) => boolean): number {
  const native = loadNative();
  const comes = ({ row, causes }: Entry): boolean =>
    (FAMILIES[row[0]]?.includes(family) ?? true) &&
    causes.some((cause) => (cause.length === 1 ? cause[0] === family : isEnabled(cause[0], cause[1])));
  return ENTRIES.filter((entry) => entry.row[3] !== 'send' && comes(entry)).reduce(
    (sum, { codec }) => sum + controlSpace(native, codec.size),
    0,
  );
}
