/**
 * Members of the structs that options have as values: from what programs give, which is converted loosely, to what
 * `portside/posix` takes, and back. What members there are is in `posix/option-structs.ts`.
 */
import { isBytes } from '../base/bytes.ts';
import type { FieldKinds } from '../posix/option-kinds.ts';
import { LATER, STRUCTS } from '../posix/option-structs.ts';
import { formatAddress, formatHardwareAddress, hardwareAddress } from './addresses.ts';
import type { Dictionary } from './arguments.ts';
import { isAbsent, isDictionary } from './arguments.ts';
import { isByteString, toBytes, toText } from './byte-strings.ts';
import { invalid } from './failure.ts';
import { fromInterfaceIndex, toInterfaceIndex } from './interface-names.ts';
import type { IntegerRange } from './loose.ts';
import * as loose from './loose.ts';
import { printable } from './text.ts';

type Kind = keyof FieldKinds;

/** What a member means, both ways. */
interface Member {
  readonly toPosix: (value: unknown, context: string) => unknown;
  readonly fromPosix: (value: unknown) => unknown;
}

const asItIs = (value: unknown): unknown => value;

function integerMember(range: IntegerRange): Member {
  return { toPosix: (value, context) => loose.toInteger(value, range, context), fromPosix: asItIs };
}

const bitsMember = (bits: bigint): Member => integerMember({ min: 0n, max: 2n ** bits - 1n });

/** Whole numbers of 64 bits, of those that a double has exactly. */
const COUNTS: IntegerRange = { min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) };
const SIGNED: IntegerRange = { min: -BigInt(Number.MAX_SAFE_INTEGER), max: BigInt(Number.MAX_SAFE_INTEGER) };

/** Text that is judged by what lays it out. */
function textMember(whenAbsent: string): Member {
  return {
    toPosix: (value, context) => {
      if (isAbsent(value)) return whenAbsent;
      if (!isByteString(value)) throw invalid(context);
      return toText(value);
    },
    fromPosix: asItIs,
  };
}

function bytesOf(value: unknown, context: string): Uint8Array {
  if (isAbsent(value)) return new Uint8Array(0);
  if (!isByteString(value)) throw invalid(context);
  return toBytes(value);
}

/** Bytes as programs see them. */
export function asBuffer(value: unknown): unknown {
  return isBytes(value) ? Buffer.from(value) : value;
}

const flag: Member = { toPosix: loose.toBoolean, fromPosix: asItIs };
const keyBytes: Member = { toPosix: bytesOf, fromPosix: asBuffer };
const nothing: Member = { toPosix: () => undefined, fromPosix: () => undefined };

/** The range of a number that may also be without limit. */
export const rate: Member = {
  toPosix: (value, context) => (value === Infinity ? value : loose.toInteger(value, COUNTS, context)),
  fromPosix: asItIs,
};

/** An interface by its name; what has none is seen by its number. */
export const namedInterface: Member = {
  toPosix: toInterfaceIndex,
  fromPosix: (value) => fromInterfaceIndex(Number(value)),
};

const MEMBERS: Readonly<Record<Kind, Member>> = {
  address_storage: {
    toPosix: asItIs,
    fromPosix: (value) => formatAddress(value as Parameters<typeof formatAddress>[0]),
  },
  ao_key: keyBytes,
  be32: integerMember(loose.UINT32),
  bit0: flag,
  bit0_of_byte: flag,
  bit1: flag,
  bit1_of_4: flag,
  bit2: flag,
  bit2_of_4: flag,
  bit3: flag,
  bit4_of_4: flag,
  bits1_2: bitsMember(2n),
  count: integerMember(COUNTS),
  hardware_address: {
    toPosix: (value) => hardwareAddress(value),
    fromPosix: (value) => formatHardwareAddress(value as Uint8Array),
  },
  high4: bitsMember(4n),
  i32: integerMember(loose.INT32),
  i64: integerMember(SIGNED),
  interface: namedInterface,
  ip: textMember('0.0.0.0'),
  ipv4: textMember('0.0.0.0'),
  ipv6: textMember('::'),
  low4: bitsMember(4n),
  md5_key: keyBytes,
  pad1: nothing,
  pad2: nothing,
  pad28: nothing,
  pad4: nothing,
  rate,
  text64: textMember(''),
  u16: integerMember(loose.UINT16),
  u32: integerMember(loose.UINT32),
  u64: {
    toPosix: (value, context) => loose.toBigInteger(value, loose.UINT64, context),
    fromPosix: asItIs,
  },
  u8: integerMember(loose.UINT8),
};

type Row = Readonly<Record<string, string>>;
const FIRST: Readonly<Partial<Record<string, Row>>> = STRUCTS;
const LATER_ROWS: Readonly<Partial<Record<string, Row>>> = LATER;

export function isStruct(name: string): boolean {
  return Object.hasOwn(STRUCTS, name);
}

/** The members of a struct that are not room for nothing. */
function membersOf(name: string): readonly (readonly [key: string, kind: Kind, isOptional: boolean])[] {
  const row = { ...FIRST[name], ...LATER_ROWS[name] };
  return Object.entries(row)
    .filter(([, kind]) => !kind.startsWith('pad'))
    .map(([key, kind]) => [key, kind.replace('?', '') as Kind, kind.endsWith('?')]);
}

/** Reads an object of the caller's: what it does not have is 0, and what the struct does not have is not looked at. */
export function structToPosix(name: string, value: unknown): Dictionary {
  if (!isDictionary(value)) throw invalid('Argument value is not an object');
  const members = membersOf(name).flatMap(([key, kind, isOptional]) => {
    const given = value[key];
    if (isAbsent(given) && isOptional) return [];
    return [[key, MEMBERS[kind].toPosix(given, `Unable to convert field ${key}`)] as const];
  });
  return Object.fromEntries(members);
}

/** What an option was read as, with members as programs see them; those that an older system has not are missing. */
export function structFromPosix(name: string, value: unknown): Dictionary {
  const given = value as Dictionary;
  const members = membersOf(name)
    .filter(([key]) => given[key] !== undefined)
    // A member that is called by its number is seen as a number.
    .map(([key, kind]) => [key, key === 'ifindex' ? given[key] : MEMBERS[kind].fromPosix(given[key])]);
  return printable(Object.fromEntries(members) as Dictionary);
}
