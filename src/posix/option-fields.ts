/** Members of structs that only options have. */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/address.ts';
import { requireBytes } from '../base/bytes.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';
import type { InterfaceRef, InternetAddress } from './address.ts';
import { be32, bytesAt, interfaceRef } from './fields.ts';
import { readSockaddr } from './sockaddr.ts';
import type { Field } from './struct.ts';

/** Numbers of the kernel's that a field of this kind needs, which are the same on every Linux. */
const AF_INET = 2;
const AF_INET6 = 10;

const wholeNumber = integer(0, Number.MAX_SAFE_INTEGER);

/** 64 bits that count something. Above 2 ** 53 the nearest number that a double has is read. */
export const count: Field<number> = {
  size: 8,
  alignment: 8,
  read: (view, offset) => Number(view.getBigUint64(offset, true)),
  write: (view, offset, value, name) => {
    view.setBigUint64(offset, BigInt(wholeNumber(value, name)), true);
  },
};

const ALL_ONES = 2n ** 64n - 1n;

/** Bytes in a second, 64 bits; all ones mean that there is no limit. */
export const rate: Field<number> = {
  size: 8,
  alignment: 8,
  read: (view, offset) => {
    const value = view.getBigUint64(offset, true);
    return value === ALL_ONES ? Infinity : Number(value);
  },
  write: (view, offset, value, name) => {
    const given: unknown = value;
    const bits = given === Infinity ? ALL_ONES : BigInt(wholeNumber(given, name));
    view.setBigUint64(offset, bits, true);
  },
};

/**
 * `width` bits of a bit-field from bit `first` on, below 8. `size` is 0 for all but the last of the fields that share a
 * word, so that they have the same offset.
 */
export function bits(first: number, width: number, size: number, alignment: number): Field<number> {
  const max = 2 ** width - 1;
  const rule = integer(0, max);
  return {
    size,
    alignment,
    read: (view, offset) => (view.getUint8(offset) >> first) & max,
    write: (view, offset, value, name) => {
      view.setUint8(offset, view.getUint8(offset) | (rule(value, name) << first));
    },
  };
}

/** One such bit. */
export function bit(first: number, size: number, alignment: number): Field<boolean> {
  const number = bits(first, 1, size, alignment);
  return {
    size,
    alignment,
    read: (view, offset) => number.read(view, offset) !== 0,
    write: (view, offset, value, name, context) => {
      const given: unknown = value;
      if (typeof given !== 'boolean') throw wrongType(name, 'true or false', given);
      number.write(view, offset, given ? 1 : 0, name, context);
    },
  };
}

/** An interface's number in network order; 0 is none. Its name is accepted too. */
export const interfaceIndexBig: Field<number, InterfaceRef> = {
  ...be32,
  write: (view, offset, value, name, context) => {
    const given = interfaceRef(value, name);
    be32.write(
      view,
      offset,
      typeof given === 'number' ? given : context.interfaceIndex(given),
      name,
      context,
    );
  },
};

const IP = 'an IP address without a zone, such as 192.0.2.1 or 2001:db8::1';

/** `struct sockaddr_storage` with an IP address of either family as text, and no port. */
export const ipStorage: Field<string> = {
  size: 128,
  alignment: 8,
  read: (view, offset) => {
    const family = view.getUint16(offset, true);
    if (family === AF_INET) return formatIpv4(bytesAt(view, offset + 4, 4));
    return family === AF_INET6 ? formatIpv6(bytesAt(view, offset + 8, 16)) : '';
  },
  write: (view, offset, value, name) => {
    const given: unknown = value;
    if (typeof given !== 'string') throw wrongType(name, IP, given);
    const four = parseIpv4(given);
    const address = four ?? parseIpv6(given);
    if (address === null) throw outOfRange(name, IP, given);
    view.setUint16(offset, four === null ? AF_INET6 : AF_INET, true);
    bytesAt(view, offset + (four === null ? 8 : 4), address.length).set(address);
  },
};

/**
 * An IP address and port, as `struct sockaddr_in` or `sockaddr_in6`, in room of `size` bytes. It is only read.
 * @throws {RangeError} it is of another family
 */
export function addressField(size: number): Field<InternetAddress> {
  return {
    size,
    alignment: 4,
    read: (view, offset) => {
      const address = readSockaddr(bytesAt(view, offset, size), 0, size);
      if (address?.family === 'ipv4' || address?.family === 'ipv6') return address;
      throw new RangeError(`expected an IP address, got ${address?.family ?? 'none'}`);
    },
    write: (_view, _offset, _value, name) => {
      throw new TypeError(`${name}: expected nothing, for it can only be read`);
    },
  };
}

/** Where the length of bytes stands that have room for more: so many bytes before them, one or two wide. */
export interface LengthBefore {
  readonly distance: number;
  readonly width: 1 | 2;
}

/** Up to `room` bytes, whose length stands before them. */
export function countedBytes(room: number, { distance, width }: LengthBefore): Field<Uint8Array> {
  const expected = `a Uint8Array of at most ${String(room)} bytes`;
  return {
    size: room,
    alignment: 1,
    read: (view, offset) => {
      const at = offset - distance;
      const length = width === 1 ? view.getUint8(at) : view.getUint16(at, true);
      return bytesAt(view, offset, Math.min(length, room)).slice();
    },
    write: (view, offset, value, name) => {
      const copy = new Uint8Array(requireBytes(value, name));
      if (copy.length > room) throw outOfRange(`${name}.length`, expected, copy.length);
      // Little-endian, and never more than a byte holds where the length is one wide.
      view.setUint8(offset - distance, copy.length);
      bytesAt(view, offset, copy.length).set(copy);
    },
  };
}
