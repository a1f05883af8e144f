/** Rules for hosts, numeric addresses and the paths of Unix sockets, as they come from outside. */
import type { IpAddress, IpFamily } from './address.ts';
import { parseIp } from './address.ts';
import { isBytes, requireBytes } from './bytes.ts';
import type { Rule, Rules } from './rules.ts';
import { integer, oneOf, optional, outOfRange, readWith, requireObject, wrongType } from './rules.ts';

/** Longest path of a Unix socket in bytes; for an abstract name, without its leading NUL. @see unix(7), sun_path */
export const MAX_UNIX_PATH = 107;

/** More than any resolver answers; a sparse array of four billion is turned away before it is walked. */
const MAX_ADDRESSES = 4096;
/** RFC 1035 has 253 characters of text; the rest is leeway for a trailing dot and an interface's name. */
const MAX_HOST = 255;

export const family: Rule<IpFamily> = oneOf('ipv4', 'ipv6');

/**
 * A name or a numeric address. A NUL would end the name early inside the system's resolver, and half a surrogate pair
 * would become another name.
 */
export function host(value: unknown, name: string): string {
  const expected = 'a host name or a numeric address';
  if (typeof value !== 'string') throw wrongType(name, expected, value);

  if (value === '' || value.length > MAX_HOST || /[\0-\x20\x7f\p{Surrogate}]/u.test(value))
    throw outOfRange(name, expected, value);
  return value;
}

export function numericAddress(value: unknown, name: string): IpAddress {
  const expected = 'a numeric address, such as 127.0.0.1 or ::1';
  if (typeof value !== 'string') throw wrongType(name, expected, value);
  const address = parseIp(value);
  if (address === null) throw outOfRange(name, expected, value);
  return address;
}

const ADDRESS: Rules<{ family: IpFamily; host: string; scope: string | undefined }> = {
  family,
  host: (value, name) => (typeof value === 'string' ? value : numericAddress(value, name).host),
  scope: optional((value, name) => {
    if (typeof value !== 'string') throw wrongType(name, 'an IPv6 zone', value);
    return value;
  }),
};

/** An address as an object, in canonical text. */
export function ipAddress(value: unknown, name: string): IpAddress {
  const read = readWith(requireObject(value, name), ADDRESS, `${name}.`);
  const text = read.scope === undefined ? read.host : `${read.host}%${read.scope}`;
  const address = numericAddress(text, `${name}.host`);
  if (address.family !== read.family) throw outOfRange(`${name}.host`, `an ${read.family} address`, text);
  return address;
}

export function ipAddresses(value: unknown, name: string): readonly IpAddress[] {
  if (!Array.isArray(value)) throw wrongType(name, 'an array of addresses', value);
  const length = integer(0, MAX_ADDRESSES)(value.length, `${name}.length`);
  return Array.from({ length }, (_, i) => ipAddress(value[i], `${name}[${String(i)}]`));
}

/** Bytes of `text` in UTF-8, or -1 where it has half a surrogate pair, which would turn into another path. */
function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) return -1;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}

function requirePathLength(bytes: number, value: unknown, name: string): void {
  if (bytes < 0) throw outOfRange(name, 'a path in well-formed Unicode', value);
  if (bytes === 0) throw outOfRange(name, 'a path that is not empty', value);
  if (bytes <= MAX_UNIX_PATH) return;
  throw outOfRange(
    name,
    `a path of at most ${String(MAX_UNIX_PATH)} bytes (this has ${String(bytes)})`,
    value,
  );
}

/** A file's path must not have a NUL: the system would end it there. An abstract name may have any byte after its first. */
export function unixPath(value: unknown, name: string): string | Uint8Array {
  if (typeof value !== 'string' && !isBytes(value)) throw wrongType(name, 'a path, as text or bytes', value);
  const path = typeof value === 'string' ? value : new Uint8Array(requireBytes(value, name));
  const isAbstract = typeof path === 'string' ? path.startsWith('\0') : path[0] === 0;
  requirePathLength(
    (typeof path === 'string' ? utf8Length(path) : path.length) - (isAbstract ? 1 : 0),
    value,
    name,
  );
  const hasNul = typeof path === 'string' ? path.includes('\0') : path.includes(0);
  if (hasNul && !isAbstract) throw outOfRange(name, 'a path without NUL, except at its start', value);
  return path;
}
