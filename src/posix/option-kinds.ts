/** The kinds of members that the tables of `option-structs.ts` name, and the codecs and types that follow from them. */
import type { InterfaceRef, InternetAddress } from './address.ts';
import type { Codec } from './codec.ts';
import { be32, i32, i64, interfaceIndex, ipv4, ipv6, reserved, text, u16, u32, u64, u8 } from './fields.ts';
import { addressField, bit, bits, count, countedBytes, ipStorage, rate } from './option-fields.ts';
import type { LATER, STRUCTS } from './option-structs.ts';
import { LATER as LATER_TABLE, STRUCTS as STRUCT_TABLE } from './option-structs.ts';
import type { Field, Fields, ReservedField } from './struct.ts';
import { growingStruct, mayBeMissing, struct } from './struct.ts';

/** Kinds by their names. Bits that share a word or a byte have a size of 0, but for the last of them. */
export interface FieldKinds {
  readonly address_storage: Field<InternetAddress>;
  readonly ao_key: Field<Uint8Array>;
  readonly be32: Field<number>;
  readonly bit0: Field<boolean>;
  readonly bit0_of_byte: Field<boolean>;
  readonly bit1: Field<boolean>;
  readonly bit1_of_4: Field<boolean>;
  readonly bit2: Field<boolean>;
  readonly bit2_of_4: Field<boolean>;
  readonly bit3: Field<boolean>;
  readonly bit4_of_4: Field<boolean>;
  readonly bits1_2: Field<number>;
  readonly count: Field<number>;
  readonly hardware_address: Field<Uint8Array>;
  readonly high4: Field<number>;
  readonly i32: Field<number>;
  readonly i64: Field<number>;
  readonly interface: Field<number, InterfaceRef>;
  readonly ip: Field<string>;
  readonly ipv4: Field<string>;
  readonly ipv6: Field<string>;
  readonly low4: Field<number>;
  readonly md5_key: Field<Uint8Array>;
  readonly pad1: ReservedField;
  readonly pad2: ReservedField;
  readonly pad28: ReservedField;
  readonly pad4: ReservedField;
  readonly rate: Field<number>;
  readonly text64: Field<string>;
  readonly u16: Field<number>;
  readonly u32: Field<number>;
  readonly u64: Field<bigint>;
  readonly u8: Field<number>;
}

const KINDS: FieldKinds = {
  address_storage: addressField(128),
  ao_key: countedBytes(80, { distance: 1, width: 1 }),
  be32,
  bit0: bit(0, 0, 4),
  bit0_of_byte: bit(0, 0, 1),
  bit1: bit(1, 0, 4),
  bit1_of_4: bit(1, 4, 4),
  bit2: bit(2, 0, 4),
  bit2_of_4: bit(2, 4, 4),
  bit3: bit(3, 0, 4),
  bit4_of_4: bit(4, 4, 4),
  bits1_2: bits(1, 2, 1, 1),
  count,
  hardware_address: countedBytes(8, { distance: 2, width: 2 }),
  high4: bits(4, 4, 1, 1),
  i32,
  i64,
  interface: interfaceIndex,
  ip: ipStorage,
  ipv4,
  ipv6,
  low4: bits(0, 4, 0, 1),
  md5_key: countedBytes(80, { distance: 6, width: 2 }),
  pad1: reserved(1),
  pad2: reserved(2, 2),
  pad28: reserved(28, 4),
  pad4: reserved(4, 4),
  rate,
  text64: text(64),
  u16,
  u32,
  u64,
  u8,
};

const KINDS_BY_NAME: ReadonlyMap<string, Field<unknown>> = new Map(
  Object.entries<Field<unknown>>({ ...KINDS }),
);

type Row = Readonly<Record<string, string>>;
type Bare<Kind> = Kind extends `${infer Name}?` ? Name : Kind;
type FieldOf<Kind> = Bare<Kind> extends keyof FieldKinds ? FieldKinds[Bare<Kind>] : never;
type OutOf<Kind> = FieldOf<Kind> extends Field<infer T, never> ? T : never;
type InOf<Kind> =
  FieldOf<Kind> extends { write(view: DataView, offset: number, value: infer In, ...rest: never): void }
    ? In
    : never;

type RowOut<R> = { readonly [K in keyof R as R[K] extends `pad${string}` ? never : K]: OutOf<R[K]> };
type RequiredIn<R> = {
  readonly [K in keyof R as R[K] extends `pad${string}` | `${string}?` ? never : K]: InOf<R[K]>;
};
type OptionalIn<R> = {
  readonly [K in keyof R as R[K] extends `${string}?` ? K : never]?: InOf<R[K]> | undefined;
};
/** Shows an intersection as one type. */
type Flat<T> = { [K in keyof T]: T[K] } & {};

export type StructName = keyof typeof STRUCTS;
type LaterOf<N> = N extends keyof typeof LATER ? (typeof LATER)[N] : unknown;

/** What a struct is read as. */
export type StructValue<N extends StructName> = Flat<
  RowOut<(typeof STRUCTS)[N]> & Partial<RowOut<LaterOf<N>>>
>;
/** What it is written from. */
export type StructInput<N extends StructName> = Flat<
  RequiredIn<(typeof STRUCTS)[N]> & OptionalIn<(typeof STRUCTS)[N]> & OptionalIn<LaterOf<N>>
>;

/** The fields that a row names. */
function fieldsOf(row: Row): Fields {
  return Object.fromEntries(
    Object.entries(row).map(([member, kind]) => {
      const field = KINDS_BY_NAME.get(kind.replace('?', ''));
      if (field === undefined) throw new Error(`no kind of field is called ${kind}`);
      return [member, kind.endsWith('?') ? mayBeMissing(field) : field];
    }),
  );
}

/** The codec of a struct of the tables. */
export function structCodec<const N extends StructName>(name: N): Codec<StructValue<N>, StructInput<N>> {
  const first = fieldsOf(STRUCT_TABLE[name]);
  const laterRows: Readonly<Partial<Record<string, Row>>> = LATER_TABLE;
  const later = fieldsOf(laterRows[name] ?? {});
  const written = struct({ ...first, ...later });
  const read = growingStruct(first, later);
  return {
    size: written.size,
    encode: (value, called, context) => written.encode(value, called, context),
    decode: (bytes) => read.decode(bytes) as StructValue<N>,
  };
}
