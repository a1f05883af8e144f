/**
 * C structs as lists of fields: where each lies follows from the order, as the compiler of C would have it on a 64-bit
 * system. What a field may hold is in `fields.ts`; what a struct is called and which fields it has, with the tables that
 * use it.
 */
import { nearest } from '../base/nearest.ts';
import { outOfRange, requireObject, wrongType } from '../base/rules.ts';
import type { Codec, CodecContext } from './codec.ts';

/** One member of a struct: how it is laid out, and what it means. `In` is what is accepted for writing. */
export interface Field<T, In = T> {
  /** In bytes. */
  readonly size: number;
  /** Its offset is a multiple of this. */
  readonly alignment: number;
  read(view: DataView, offset: number): T;
  /** Judges the value first. The bytes there are zeros. @throws {TypeError | RangeError} naming `name` */
  write(view: DataView, offset: number, value: In, name: string, context: CodecContext): void;
}

/** One that may be left out when writing: it is zeros then. */
export interface OptionalField<T, In = T> extends Field<T, In> {
  readonly isOptional: true;
}

/** One that is room for nothing: it is no property of the value. */
export interface ReservedField extends OptionalField<never> {
  readonly isReserved: true;
}

/** By the names of the properties, in the order of the struct. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a list of any fields has no narrower type
export type Fields = Readonly<Record<string, Field<any, any>>>;

type OutOf<F> = F extends Field<infer T, never> ? T : never;
type InOf<F> = F extends { write(view: DataView, offset: number, value: infer In, ...rest: never): void }
  ? In
  : never;
type Kept<F extends Fields> = { [K in keyof F]: F[K] extends ReservedField ? never : K }[keyof F];
type Optional<F extends Fields> = {
  [K in keyof F]: F[K] extends OptionalField<unknown, never> ? K : never;
}[keyof F];

/** What a struct is read as. */
export type StructOut<F extends Fields> = { readonly [K in Kept<F>]: OutOf<F[K]> };
/** What it is written from. */
export type StructIn<F extends Fields> = {
  readonly [K in Exclude<Kept<F>, Optional<F>>]: InOf<F[K]>;
} & { readonly [K in Extract<Kept<F>, Optional<F>>]?: InOf<F[K]> | undefined };

interface Place {
  readonly key: string;
  readonly offset: number;
  readonly field: Field<unknown>;
  readonly isOptional: boolean;
  readonly isReserved: boolean;
}

interface Layout {
  readonly places: readonly Place[];
  /** The properties of the value. */
  readonly keys: ReadonlySet<string>;
  readonly size: number;
  readonly alignment: number;
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function layOut(fields: Fields): Layout {
  const places: Place[] = [];
  let end = 0;
  let alignment = 1;
  for (const [key, field] of Object.entries<Field<unknown>>(fields)) {
    const offset = alignUp(end, field.alignment);
    places.push({ key, offset, field, isOptional: 'isOptional' in field, isReserved: 'isReserved' in field });
    end = offset + field.size;
    alignment = Math.max(alignment, field.alignment);
  }
  const keys = new Set(places.filter(({ isReserved }) => !isReserved).map(({ key }) => key));
  return { places, keys, size: alignUp(end, alignment), alignment };
}

/** A property that the struct does not have is a slip, which would go unnoticed where the right one may be missing. */
function refuseOthers(object: object, keys: ReadonlySet<string>, name: string): void {
  for (const key of Object.keys(object)) {
    if (keys.has(key)) continue;
    const meant = nearest(key, keys);
    const advice = meant === undefined ? `there are ${[...keys].join(', ')}` : `did you mean ${meant}?`;
    throw new TypeError(`${name}.${key}: no such property; ${advice}`);
  }
}

/** @throws {RangeError} there are fewer than `least` */
export function viewOf(bytes: Uint8Array, least: number): DataView {
  if (bytes.length < least)
    throw new RangeError(`expected ${String(least)} bytes or more, got ${String(bytes.length)}`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function writePlaces(
  { places, keys }: Layout,
  view: DataView,
  start: number,
  source: unknown,
  name: string,
  context: CodecContext,
): void {
  const object = requireObject(source, name);
  refuseOthers(object, keys, name);
  for (const { key, offset, field, isOptional, isReserved } of places) {
    if (isReserved) continue;
    const value: unknown = Reflect.get(object, key);
    if (value === undefined && isOptional) continue;
    field.write(view, start + offset, value, `${name}.${key}`, context);
  }
}

function readPlaces(places: readonly Place[], view: DataView, start: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { key, offset, field, isReserved } of places) {
    if (!isReserved && start + offset + field.size <= view.byteLength)
      result[key] = field.read(view, start + offset);
  }
  return result;
}

/** A struct that is always there in full. What the system may have put behind it is not looked at. */
export function struct<const F extends Fields>(fields: F): Codec<StructOut<F>, StructIn<F>> {
  const layout = layOut(fields);
  const { places, size } = layout;
  return {
    size,
    encode: (value, name, context) => {
      const bytes = new Uint8Array(size);
      writePlaces(layout, viewOf(bytes, size), 0, value, name, context);
      return bytes;
    },
    decode: (bytes) => readPlaces(places, viewOf(bytes, size), 0) as StructOut<F>,
  };
}

/**
 * A struct that has grown over the years: `fields` were there from the start, and of `later` those are properties of
 * what is read that the system wrote in full. It is only read.
 */
export function growingStruct<const F extends Fields, const L extends Fields>(
  fields: F,
  later: L,
): Codec<StructOut<F> & Partial<StructOut<L>>, never> {
  const { places, size } = layOut({ ...fields, ...later });
  const first = layOut(fields).places.at(-1);
  const least = first === undefined ? 0 : first.offset + first.field.size;
  return {
    size,
    encode: (_value, name) => {
      throw new TypeError(`${name}: expected nothing, for it can only be read`);
    },
    decode: (bytes) => readPlaces(places, viewOf(bytes, least), 0) as StructOut<F> & Partial<StructOut<L>>,
  };
}

/** A struct inside of another. */
export function nested<const F extends Fields>(fields: F): Field<StructOut<F>, StructIn<F>> {
  const layout = layOut(fields);
  const { places, size, alignment } = layout;
  return {
    size,
    alignment,
    read: (view, offset) => readPlaces(places, view, offset) as StructOut<F>,
    write: (view, offset, value, name, context) => {
      writePlaces(layout, view, offset, value, name, context);
    },
  };
}

/** `count` of a kind, one after the other: an array, which when written may be shorter. The rest is zeros. */
export function arrayOf<T, In>(field: Field<T, In>, count: number): Field<readonly T[], readonly In[]> {
  const expected = `an array of at most ${String(count)}`;
  return {
    size: field.size * count,
    alignment: field.alignment,
    read: (view, offset) =>
      Array.from({ length: count }, (_, i) => field.read(view, offset + i * field.size)),
    write: (view, offset, value, name, context) => {
      if (!Array.isArray(value)) throw wrongType(name, expected, value);
      const length: unknown = value.length;
      if (typeof length !== 'number' || length > count) throw outOfRange(`${name}.length`, expected, length);
      for (let i = 0; i < length; i++)
        field.write(view, offset + i * field.size, value[i] as In, `${name}[${String(i)}]`, context);
    },
  };
}

/** A value that is no struct, but a single field. */
export function single<T, In>(field: Field<T, In>): Codec<T, In> {
  return {
    size: field.size,
    encode: (value, name, context) => {
      const bytes = new Uint8Array(field.size);
      field.write(viewOf(bytes, field.size), 0, value, name, context);
      return bytes;
    },
    decode: (bytes) => field.read(viewOf(bytes, field.size), 0),
  };
}

/** Lets a field be left out when writing. */
export function mayBeMissing<T, In>(field: Field<T, In>): OptionalField<T, In> {
  return { ...field, isOptional: true };
}
