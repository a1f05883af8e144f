/** Addresses, in the forms that ucode knows. */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../base/address.ts';
import { MAX_UNIX_PATH } from '../base/address-rules.ts';
import { isBytes } from '../base/bytes.ts';
import type * as posix from '../posix/address.ts';
import { constants, errorNumbers } from '../posix/constants.ts';
import type { Dictionary } from './arguments.ts';
import { isAbsent, isDictionary } from './arguments.ts';
import type { ByteString } from './byte-strings.ts';
import { isByteString, toBytes, toText } from './byte-strings.ts';
import { Failure, invalid, outOfRange } from './failure.ts';
import { fromInterfaceIndex, toInterfaceIndex } from './interface-names.ts';
import { elements } from './lists.ts';
import type { IntegerRange } from './loose.ts';
import { toIntegerOrNull, UINT16, UINT32, UINT8 } from './loose.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

const { AF_CAN, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_UNSPEC, AF_VSOCK } = constants;

/**
 * An address, as it is read. A template string shows its members. What there is depends on `family`; another than these
 * four has nothing else.
 */
export interface SocketAddress extends Printable {
  /** `AF_INET`, `AF_INET6`, `AF_UNIX`, `AF_PACKET`, or another family's number. */
  family: number;
  /** An IP address (`AF_INET`, `AF_INET6`), or a hardware address such as `52:54:00:12:34:56` (`AF_PACKET`). */
  address?: string;
  /** `AF_INET`, `AF_INET6`. */
  port?: number;
  /** `AF_INET6`, in host order. */
  flowinfo?: number;
  /** Its name, or its number if it has none: the zone of a link-local address, or the interface of a packet socket. */
  interface?: string | number;
  /** `AF_UNIX`: empty for an unnamed socket, `\0` and the name for an abstract one. A Buffer where it is no UTF-8. */
  path?: string | Buffer;
  /** `AF_PACKET`: an `ETH_P_` number, in host order. */
  protocol?: number;
  /** `AF_PACKET`: an `ARPHRD_` number. */
  hardware_type?: number;
  /** `AF_PACKET`: `PACKET_HOST` … */
  packet_type?: number;
}

/** An address as functions answer it. */
export interface AnsweredAddress extends SocketAddress {
  /** Of IP addresses, which nearly all are. Those of other families have none, whatever this type says. */
  port: number;
}

/** An address as it may be given as an object. Numbers are converted loosely; an interface may be given by its number. */
export interface AddressObject {
  /** Left out: `AF_UNIX` with a `path`, `AF_INET6` with a colon in `address`, else `AF_INET`. */
  readonly family?: number | null | undefined;
  /** Left out: the wildcard. Names are not looked up. An IPv6 address may end in a zone, `%eth0`. */
  readonly address?: ByteString | null | undefined;
  readonly port?: number | string | null | undefined;
  readonly flowinfo?: number | null | undefined;
  readonly interface?: string | number | null | undefined;
  readonly path?: ByteString | null | undefined;
  readonly protocol?: number | null | undefined;
  readonly hardware_type?: number | null | undefined;
  readonly packet_type?: number | null | undefined;
}

/**
 * An address in any of its forms. Text with a slash is the path of a Unix socket, and so is text that begins with NUL
 * (an abstract name). Other text is `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `fe80::1%eth0` or `[2001:db8::1]:80`. An
 * array has the 4 or 16 numbers of an IP address.
 */
export type Address = ByteString | readonly number[] | AddressObject;

// --- reading ------------------------------------------------------------------------------------

/** Whether text is the path of a Unix socket. */
export function isPath(value: unknown): value is ByteString {
  if (!isByteString(value)) return false;
  const text = toText(value);
  return text.includes('/') || text.startsWith('\0');
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text, or, where it is no UTF-8, bytes. */
function pathOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes;
  }
}

function unixAddress(value: unknown): posix.SocketAddress {
  if (!isByteString(value)) throw invalid('Invalid path value');
  const bytes = toBytes(value);
  const isAbstract = bytes[0] === 0;
  const room = isAbstract ? MAX_UNIX_PATH + 1 : MAX_UNIX_PATH;
  if (bytes.length === 0 || bytes.length > room || (!isAbstract && bytes.includes(0)))
    throw invalid('Invalid path value');
  return { family: 'unix', path: pathOf(bytes) };
}

/** The number of a zone: digits, or an interface's name. */
function scopeOf(zone: string): number {
  return toInterfaceIndex(/^\d+$/.test(zone) ? Number(zone) : zone, 'Invalid scope ID');
}

interface IpParts {
  readonly port: number;
  readonly flowInfo?: number;
  /** 0 for none. */
  readonly scope?: number;
}

function ipv6Address(bytes: Uint8Array, { port, flowInfo = 0, scope = 0 }: IpParts): posix.InternetAddress {
  return {
    family: 'ipv6',
    host: formatIpv6(bytes),
    port,
    ...(flowInfo === 0 ? {} : { flowInfo }),
    ...(scope === 0 ? {} : { scope: String(scope) }),
  };
}

/** @param family the one that it must be, or AF_UNSPEC */
function ipAddress(text: string, family: number, parts: IpParts): posix.InternetAddress {
  const percent = text.indexOf('%');
  if (family !== AF_INET) {
    const bytes = parseIpv6(percent < 0 ? text : text.slice(0, percent));
    if (bytes !== null)
      return ipv6Address(bytes, percent < 0 ? parts : { ...parts, scope: scopeOf(text.slice(percent + 1)) });
  }
  if (family === AF_INET6 || parseIpv4(text) === null) throw invalid('Unable to parse IP address');
  return { family: 'ipv4', host: text, port: parts.port };
}

/** The port behind an address: nothing, or a colon and digits. */
function portOf(rest: string): number {
  if (rest === '') return 0;
  const [, digits = ''] = /^:(\d+)$/.exec(rest) ?? [];
  if (digits === '' || Number(digits) > 65535) throw invalid('Invalid port number');
  return Number(digits);
}

function ofText(text: string): posix.SocketAddress {
  if (text === '') throw invalid('Invalid IP address');
  const [, inBrackets, behind = ''] = /^\[([^\]]*)\](.*)$/s.exec(text) ?? [];
  if (inBrackets !== undefined) return ipAddress(inBrackets, AF_INET6, { port: portOf(behind) });
  const colon = text.indexOf(':');
  if (colon >= 0 && colon === text.lastIndexOf(':'))
    return ipAddress(text.slice(0, colon), AF_INET, { port: portOf(text.slice(colon)) });
  return ipAddress(text, AF_UNSPEC, { port: 0 });
}

const isOctet = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;

function ofArray(items: readonly unknown[]): posix.SocketAddress {
  const octets = elements(items);
  if (!octets.every(isOctet) || (octets.length !== 4 && octets.length !== 16))
    throw invalid('Invalid IP address array');
  const bytes = Uint8Array.from(octets);
  if (octets.length === 16) return ipv6Address(bytes, { port: 0 });
  return { family: 'ipv4', host: formatIpv4(bytes), port: 0 };
}

/** A member that is a number of some type; a failure is about the value, whatever is wrong with it. */
function member(value: unknown, range: IntegerRange, context: string): number {
  const number = toIntegerOrNull(value, range);
  if (number === null) throw invalid(context);
  return number;
}

function familyOf(given: unknown, address: unknown, path: unknown): number {
  const family = isAbsent(given) ? AF_UNSPEC : member(given, UINT16, 'Invalid address value');
  if (family !== AF_UNSPEC) return family;
  if (!isAbsent(path)) return AF_UNIX;
  return isByteString(address) && toText(address).includes(':') ? AF_INET6 : AF_INET;
}

/** The text of an address; what is no text is none. */
function addressText(value: unknown, context: string): string {
  if (isAbsent(value)) return '';
  if (!isByteString(value)) throw invalid(context);
  return toText(value);
}

function ipObject(family: number, object: Dictionary): posix.SocketAddress {
  const isIpv6 = family === AF_INET6;
  const parts = {
    flowInfo: isIpv6 ? member(object['flowinfo'], UINT32, 'Invalid flow information') : 0,
    scope: isIpv6 ? toInterfaceIndex(object['interface'], 'Invalid scope ID') : 0,
    port: member(object['port'], UINT16, 'Invalid port number'),
  };
  const text = addressText(object['address'], 'Invalid IP address');
  return ipAddress(text === '' ? (isIpv6 ? '::' : '0.0.0.0') : text, family, parts);
}

const MAX_HARDWARE_ADDRESS = 8;

/** Octets of one or two digits, with a colon, a hyphen, a point or nothing behind each. */
export function hardwareAddress(value: unknown): Uint8Array {
  const text = addressText(value, 'Invalid hardware address');
  const octets = text.match(/[0-9a-f]{1,2}/gi) ?? [];
  const hasOthers = text.replace(/[0-9a-f]{1,2}[:.-]?/gi, '') !== '';
  if (hasOthers || octets.length > MAX_HARDWARE_ADDRESS) throw invalid('Invalid hardware address');
  return Uint8Array.from(octets, (octet) => Number.parseInt(octet, 16));
}

function packetObject(object: Dictionary): posix.SocketAddress {
  return {
    family: 'packet',
    protocol: member(object['protocol'], UINT16, 'Invalid protocol number'),
    interface: toInterfaceIndex(object['interface'], 'Unable to convert interface to integer'),
    hardwareType: member(object['hardware_type'], UINT16, 'Invalid hardware type'),
    packetType: member(object['packet_type'], UINT8, 'Invalid packet type'),
    address: hardwareAddress(object['address']),
  };
}

const MEMBERS = [
  'family',
  'address',
  'port',
  'flowinfo',
  'interface',
  'path',
  'protocol',
  'hardware_type',
  'packet_type',
] as const;

function ofObject(given: Dictionary): posix.SocketAddress {
  const object: Dictionary = Object.fromEntries(MEMBERS.map((key) => [key, given[key]]));
  const family = familyOf(object['family'], object['address'], object['path']);
  if (family === AF_INET || family === AF_INET6) return ipObject(family, object);
  if (family === AF_UNIX) return unixAddress(object['path']);
  if (family === AF_PACKET) return packetObject(object);
  throw invalid('Invalid address value');
}

/** Reads an address in any form. @throws {Failure} EINVAL; ENODEV: there is no such interface */
export function parseAddress(value: unknown): posix.SocketAddress {
  if (isPath(value)) return unixAddress(value);
  if (isByteString(value)) return ofText(toText(value));
  if (Array.isArray(value)) return ofArray(value);
  if (isDictionary(value)) return ofObject(value);
  throw invalid('Invalid address value');
}

/** The address that a socket of the family has when any will do. */
export function wildcard(family: number): posix.SocketAddress {
  if (family === AF_INET) return { family: 'ipv4', host: '0.0.0.0', port: 0 };
  if (family === AF_INET6) return { family: 'ipv6', host: '::', port: 0 };
  throw new Failure(errorNumbers.EAFNOSUPPORT, 'Unsupported socket address family');
}

/** The address with another port, unless that is `null`. */
export function withPort(address: posix.SocketAddress, port: number | null): posix.SocketAddress {
  if (port === null) return address;
  if (address.family !== 'ipv4' && address.family !== 'ipv6')
    throw invalid('Port argument is only valid for IPv4 and IPv6 addresses');
  if (port < 0 || port > 65535) throw outOfRange('Invalid port number');
  return { ...address, port };
}

// --- writing ------------------------------------------------------------------------------------

export function formatHardwareAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(':');
}

function ipMembers(address: posix.InternetAddress): SocketAddress {
  const { host, port, flowInfo = 0, scope } = address;
  if (address.family === 'ipv4') return { family: AF_INET, address: host, port };
  const members: SocketAddress = { family: AF_INET6, address: host, port, flowinfo: flowInfo };
  if (scope !== undefined) members.interface = fromInterfaceIndex(Number(scope));
  return members;
}

function packetMembers(address: posix.PacketAddress): SocketAddress {
  const members: SocketAddress = { family: AF_PACKET, protocol: address.protocol };
  if (address.interface !== 0) members.interface = fromInterfaceIndex(Number(address.interface));
  members.hardware_type = address.hardwareType ?? 0;
  members.packet_type = address.packetType ?? 0;
  members.address = formatHardwareAddress(address.address ?? new Uint8Array(0));
  return members;
}

function membersOf(address: posix.SocketAddress): SocketAddress {
  switch (address.family) {
    case 'ipv4':
    case 'ipv6':
      return ipMembers(address);
    case 'unix':
      return {
        family: AF_UNIX,
        path: isBytes(address.path) ? Buffer.from(address.path) : address.path,
      };
    case 'packet':
      return packetMembers(address);
    case 'netlink':
      return { family: AF_NETLINK };
    case 'vsock':
      return { family: AF_VSOCK };
    case 'can':
      return { family: AF_CAN };
    case 'other':
      return { family: address.number };
  }
}

/** The number of an address's family. */
export function familyNumber(address: posix.SocketAddress): number {
  return membersOf(address).family;
}

/** An address as programs see it. Its members are in a fixed order. */
export function formatAddress(address: posix.SocketAddress): AnsweredAddress {
  return printable(membersOf(address)) as AnsweredAddress;
}

/**
 * Puts an address into an object of the caller's, which keeps what else it has; `AF_UNSPEC` if there is none. A template
 * string shows the object by its members then, unless it has a text of its own.
 *
 * @throws {Failure} EINVAL: it is frozen
 */
export function fillAddress(target: Dictionary, address: posix.SocketAddress | null): void {
  const members = address === null ? { family: AF_UNSPEC } : membersOf(address);
  for (const [key, value] of Object.entries(members))
    if (!Reflect.set(target, key, value)) throw invalid('Argument address cannot be written to');
  if (target.toString === Object.prototype.toString && Object.isExtensible(target)) printable(target);
}
