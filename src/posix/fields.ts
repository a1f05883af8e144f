/** What a member of a struct can be: numbers of every width, addresses, interfaces, text and bytes. */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/address.ts';
import { requireBytes } from '../base/bytes.ts';
import type { Rule } from '../base/rules.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';
import type { InterfaceRef } from './address.ts';
import type { Field, ReservedField } from './struct.ts';

type Read<T> = (view: DataView, offset: number) => T;
type Write<T> = (view: DataView, offset: number, value: T) => void;

/** A field of a value that a rule judges. */
function judged<T>(size: number, rule: Rule<T>, read: Read<T>, write: Write<T>): Field<T> {
  return {
    size,
    alignment: size,
    read,
    write: (view, offset, value, name) => {
      write(view, offset, rule(value, name));
    },
  };
}

/** A whole number of 64 bits, which a double cannot hold. */
function bigInteger(min: bigint, max: bigint): Rule<bigint> {
  const expected = `a bigint from ${String(min)} to ${String(max)}`;
  return (value, name) => {
    if (typeof value !== 'bigint') throw wrongType(name, expected, value);
    if (value < min || value > max) throw outOfRange(name, expected, value);
    return value;
  };
}

export const u8: Field<number> = judged(
  1,
  integer(0, 0xff),
  (view, offset) => view.getUint8(offset),
  (view, offset, value) => {
    view.setUint8(offset, value);
  },
);

export const i8: Field<number> = judged(
  1,
  integer(-0x80, 0x7f),
  (view, offset) => view.getInt8(offset),
  (view, offset, value) => {
    view.setInt8(offset, value);
  },
);

export const u16: Field<number> = judged(
  2,
  integer(0, 0xffff),
  (view, offset) => view.getUint16(offset, true),
  (view, offset, value) => {
    view.setUint16(offset, value, true);
  },
);

/** In network order. */
export const be16: Field<number> = judged(
  2,
  integer(0, 0xffff),
  (view, offset) => view.getUint16(offset),
  (view, offset, value) => {
    view.setUint16(offset, value);
  },
);

export const i32: Field<number> = judged(
  4,
  integer(-(2 ** 31), 2 ** 31 - 1),
  (view, offset) => view.getInt32(offset, true),
  (view, offset, value) => {
    view.setInt32(offset, value, true);
  },
);

export const u32: Field<number> = judged(
  4,
  integer(0, 2 ** 32 - 1),
  (view, offset) => view.getUint32(offset, true),
  (view, offset, value) => {
    view.setUint32(offset, value, true);
  },
);

/** In network order. */
export const be32: Field<number> = judged(
  4,
  integer(0, 2 ** 32 - 1),
  (view, offset) => view.getUint32(offset),
  (view, offset, value) => {
    view.setUint32(offset, value);
  },
);

/** 64 bits with a sign, of which no more than a double can hold are ever used: seconds, sizes. */
export const i64: Field<number> = judged(
  8,
  integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  (view, offset) => Number(view.getBigInt64(offset, true)),
  (view, offset, value) => {
    view.setBigInt64(offset, BigInt(value), true);
  },
);

export const u64: Field<bigint> = judged(
  8,
  bigInteger(0n, 2n ** 64n - 1n),
  (view, offset) => view.getBigUint64(offset, true),
  (view, offset, value) => {
    view.setBigUint64(offset, value, true);
  },
);

/** The bytes of a view. */
export function bytesAt(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length);
}

/** A numeric address as text, by a parser and a formatter of `base`. */
function ip(
  size: number,
  expected: string,
  parse: (text: string) => Uint8Array | null,
  format: (bytes: Uint8Array) => string,
): Field<string> {
  return {
    size,
    alignment: 4,
    read: (view, offset) => format(bytesAt(view, offset, size)),
    write: (view, offset, value, name) => {
      const text: unknown = value;
      if (typeof text !== 'string') throw wrongType(name, expected, text);
      const bytes = parse(text);
      if (bytes === null) throw outOfRange(name, expected, text);
      bytesAt(view, offset, size).set(bytes);
    },
  };
}

/** `struct in_addr`: `192.0.2.1`. */
export const ipv4: Field<string> = ip(4, 'an IPv4 address, such as 192.0.2.1', parseIpv4, (bytes) =>
  formatIpv4(bytes),
);

/** `struct in6_addr`: `2001:db8::1`, without a zone. */
export const ipv6: Field<string> = ip(
  16,
  'an IPv6 address without a zone, such as 2001:db8::1',
  parseIpv6,
  (bytes) => formatIpv6(bytes),
);

const MAX_INTERFACE_NAME = 15;
const interfaceNumber = integer(0, 2 ** 31 - 1);

/** Judges the name or number of an interface. @see netdevice(7) */
export function interfaceRef(value: unknown, name: string): InterfaceRef {
  const expected = 'the name of an interface, such as "eth0", or its number';
  if (typeof value === 'number') return interfaceNumber(value, name);
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  if (value.length > MAX_INTERFACE_NAME || !/^[^\0-\x20/:\x7f]+$/.test(value))
    throw outOfRange(name, expected, value);
  return value;
}

/** An interface's number as an `int`; 0 is none or all. Its name is accepted too. */
export const interfaceIndex: Field<number, InterfaceRef> = {
  size: 4,
  alignment: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value, name, context) => {
    const given = interfaceRef(value, name);
    view.setUint32(offset, typeof given === 'number' ? given : context.interfaceIndex(given), true);
  },
};

/** Exactly `size` bytes. What is read is a copy. */
export function bytes(size: number): Field<Uint8Array> {
  const expected = `a Uint8Array of ${String(size)} bytes`;
  return {
    size,
    alignment: 1,
    read: (view, offset) => bytesAt(view, offset, size).slice(),
    write: (view, offset, value, name) => {
      const copy = new Uint8Array(requireBytes(value, name));
      if (copy.length !== size) throw outOfRange(`${name}.length`, expected, copy.length);
      bytesAt(view, offset, size).set(copy);
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text that ends with a NUL, in room of `size` bytes. */
export function text(size: number): Field<string> {
  const expected = `text of at most ${String(size - 1)} bytes, without NUL`;
  return {
    size,
    alignment: 1,
    read: (view, offset) => {
      const all = bytesAt(view, offset, size);
      const end = all.indexOf(0);
      return decoder.decode(end < 0 ? all : all.subarray(0, end));
    },
    write: (view, offset, value, name) => {
      const given: unknown = value;
      if (typeof given !== 'string') throw wrongType(name, expected, given);
      const encoded = encoder.encode(given);
      if (encoded.length >= size || encoded.includes(0)) throw outOfRange(name, expected, given);
      bytesAt(view, offset, size).set(encoded);
    },
  };
}

/** Room for nothing: zeros when written, not looked at when read. */
export function reserved(size: number, alignment = 1): ReservedField {
  return {
    size,
    alignment,
    isOptional: true,
    isReserved: true,
    read: () => {
      throw new Error('a reserved field has no value');
    },
    write: () => {
      throw new Error('a reserved field takes no value');
    },
  };
}
