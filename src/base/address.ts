/**
 * Addresses as data: parsing, formatting, comparing. Numeric text is read strictly: no octal, no short forms (`127.1`),
 * no leading zeros, nothing after the end. What these functions accept is what is dialled and what policies judge.
 */

export type IpFamily = 'ipv4' | 'ipv6';

/** An IP address without a port. `host` is canonical text (RFC 5952 for IPv6), never a name and never in brackets. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly host: string;
  /** The IPv6 zone, a name or a number as text (`eth0`, `2`). */
  readonly scope?: string;
}

/** An IP address and a port: one end of a TCP connection or of a UDP exchange. */
export interface IpEndpoint extends IpAddress {
  readonly port: number;
}

/**
 * The address of a Unix socket. `path` is a file's path, `''` for an unnamed socket, or a NUL followed by the name for an
 * abstract one. It is bytes where it is not valid UTF-8.
 */
export interface UnixEndpoint {
  readonly family: 'unix';
  readonly path: string | Uint8Array;
}

export type SocketAddress = IpEndpoint | UnixEndpoint;

/**
 * The 32 bits of a dotted quad in strict form, or -1. Read by hand, because it stands in the way of every datagram that
 * is sent to an address.
 */
export function ipv4Bits(text: string): number {
  let bits = 0;
  let dots = 0;
  let part = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (part < 0 || dots === 3) return -1;
      dots++;
      bits = bits * 256 + part;
      part = -1;
    } else {
      // A zero may only stand alone.
      if (code < 0x30 || code > 0x39 || part === 0) return -1;
      part = Math.max(part, 0) * 10 + code - 0x30;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? bits * 256 + part : -1;
}

/** The four bytes of a dotted quad in strict form, or `null`. */
export function parseIpv4(text: string): Uint8Array | null {
  const bits = ipv4Bits(text);
  return bits < 0 ? null : Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits);
}

/** One to four hexadecimal digits, or -1. */
function hexGroup(text: string, start: number, end: number): number {
  if (end === start || end - start > 4) return -1;
  let group = 0;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    // A letter without its bit for lower case is 0x41 to 0x46.
    const digit = code <= 0x39 ? code - 0x30 : (code & 0xdf) - 0x37;
    if (digit < 0 || digit > 15 || (code > 0x39 && digit < 10)) return -1;
    group = group * 16 + digit;
  }
  return group;
}

/**
 * Reads the groups of one side of a `::` into `bytes`, with a dotted quad allowed at the very end. By hand, as IPv4.
 *
 * @returns how many bytes they are, or -1 if they are malformed or more than 16
 */
function readGroups(text: string, isTail: boolean, bytes: Uint8Array): number {
  if (text === '') return 0;
  let at = 0;
  for (let start = 0; ;) {
    const colon = text.indexOf(':', start);
    const end = colon < 0 ? text.length : colon;
    const isQuad = isTail && colon < 0 && text.includes('.', start);
    const value = isQuad ? ipv4Bits(text.slice(start)) : hexGroup(text, start, end);
    const size = isQuad ? 4 : 2;
    if (value < 0 || at + size > 16) return -1;
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) bytes[at++] = (value >>> shift) & 255;
    if (colon < 0) return at;
    start = colon + 1;
  }
}

/** The sixteen bytes of an IPv6 address without zone or brackets, or `null`. */
export function parseIpv6(text: string): Uint8Array | null {
  if (text.length > 45) return null;
  const bytes = new Uint8Array(16);
  const gap = text.indexOf('::');
  if (gap < 0) return readGroups(text, true, bytes) === 16 ? bytes : null;
  if (text.includes('::', gap + 1)) return null;
  const tail = new Uint8Array(16);
  const before = readGroups(text.slice(0, gap), false, bytes);
  const behind = readGroups(text.slice(gap + 2), true, tail);
  if (before < 0 || behind < 0 || before + behind > 14) return null;
  bytes.set(tail.subarray(0, behind), 16 - behind);
  return bytes;
}

/** Canonical text of an IPv4 address. @param bytes at least `offset + 4` long */
export function formatIpv4(bytes: Uint8Array, offset = 0): string {
  return `${String(bytes[offset])}.${String(bytes[offset + 1])}.${String(bytes[offset + 2])}.${String(bytes[offset + 3])}`;
}

/** The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  let start = -1;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      if (i - start > best.length) best = { start, length: i - start };
      start = -1;
    }
  }
  return best;
}

/**
 * Canonical text of an IPv6 address: lower case, longest run of zeros compressed, IPv4-mapped addresses with a dotted
 * quad (RFC 5952). @param bytes at least `offset + 16` long
 */
export function formatIpv6(bytes: Uint8Array, offset = 0): string {
  const groups: number[] = [];
  for (let i = offset; i < offset + 16; i += 2) groups.push((bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${formatIpv4(bytes, offset + 12)}`;
  }
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (run.start < 0) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

/**
 * Reads an IP address: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. Brackets and names are not addresses.
 *
 * @returns the address with canonical text, or `null` if `text` is none.
 */
export function parseIp(text: string): IpAddress | null {
  const v4 = parseIpv4(text);
  if (v4 !== null) return { family: 'ipv4', host: text };
  const percent = text.indexOf('%');
  const bytes = parseIpv6(percent < 0 ? text : text.slice(0, percent));
  if (bytes === null) return null;
  const host = formatIpv6(bytes);
  if (percent < 0) return { family: 'ipv6', host };
  const scope = text.slice(percent + 1);
  return /^[\x21-\x24\x26-\x7e]{1,15}$/.test(scope) ? { family: 'ipv6', host, scope } : null;
}

/** The binary form of an address that `parseIp` made: 4 or 16 bytes. @throws {TypeError} if `host` is not numeric */
export function ipBytes(address: IpAddress): Uint8Array {
  const bytes = address.family === 'ipv4' ? parseIpv4(address.host) : parseIpv6(address.host);
  if (bytes === null)
    throw new TypeError(`not a numeric ${address.family} address: ${JSON.stringify(address.host)}`);
  return bytes;
}

function formatUnixPath(path: string | Uint8Array): string {
  if (typeof path !== 'string')
    return `unix:${Array.from(path, (byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join('')}`;
  if (path === '') return 'unix:(unnamed)';
  return path.startsWith('\0') ? `unix:@${path.slice(1)}` : `unix:${path}`;
}

/** Text for people and logs: `192.0.2.1:80`, `[2001:db8::1%eth0]:80`, `unix:/run/x.sock`, `unix:@abstract`. */
export function formatAddress(address: SocketAddress): string {
  if (address.family === 'unix') return formatUnixPath(address.path);
  if (address.family === 'ipv4') return `${address.host}:${String(address.port)}`;
  return `[${address.host}${address.scope === undefined ? '' : `%${address.scope}`}]:${String(address.port)}`;
}

function parsePort(text: string): number | null {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535 ? Number(text) : null;
}

/**
 * Reads what `formatAddress` writes: `192.0.2.1:80`, `[::1]:80`, `unix:/path`, `unix:@abstract`. Names are not resolved.
 *
 * @returns the address, or `null` if `text` is none.
 */
export function parseAddress(text: string): SocketAddress | null {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    if (path === '' || path === '(unnamed)') return { family: 'unix', path: '' };
    return { family: 'unix', path: path.startsWith('@') ? `\0${path.slice(1)}` : path };
  }
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(text);
  const colon = text.lastIndexOf(':');
  const host = bracketed === null ? text.slice(0, Math.max(colon, 0)) : (bracketed[1] ?? '');
  const port = parsePort(bracketed === null ? text.slice(colon + 1) : (bracketed[2] ?? ''));
  const ip = parseIp(host);
  if (ip === null || port === null || (ip.family === 'ipv6') !== (bracketed !== null)) return null;
  return { ...ip, port };
}
