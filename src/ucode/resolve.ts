/** Names to addresses and back, in ucode's form. */
import { hostname as nodeName } from 'node:os';
import { host as hostRule } from '../base/address-rules.ts';
import { constants, resolveErrors } from '../posix/constants.ts';
import { nameInfoSync } from '../posix/name-info.ts';
import type { AddressInfo as PosixAddressInfo } from '../posix/resolve.ts';
import { resolveSync } from '../posix/resolve.ts';
import type { Address, AnsweredAddress } from './addresses.ts';
import { formatAddress, parseAddress } from './addresses.ts';
import type { Dictionary } from './arguments.ts';
import * as args from './arguments.ts';
import type { ByteString } from './byte-strings.ts';
import { moduleErrors } from './error-slot.ts';
import { Failure, judged, outOfRange } from './failure.ts';
import { INT32, toInteger } from './loose.ts';
import type { Printable } from './text.ts';
import { printable, stringify } from './text.ts';

/** What is looked for. Members are converted loosely; others than these are not looked at. */
export interface Hints {
  /** `AI_` numbers. */
  readonly flags?: number | null | undefined;
  readonly family?: number | null | undefined;
  /** Left out: `addrinfo` answers a row for each type of socket. */
  readonly socktype?: number | null | undefined;
  readonly protocol?: number | null | undefined;
}

/** What `addrinfo` finds, a row for each address and type of socket. */
export interface AddressInfo extends Printable {
  flags: number;
  family: number;
  socktype: number;
  protocol: number;
  addr: AnsweredAddress;
  /** In the first row, with `AI_CANONNAME`. */
  canonname: string | null;
}

/** What `nameinfo` finds. */
export interface NameInfo extends Printable {
  hostname: string;
  service: string;
}

/** Hints as numbers. */
export interface HintNumbers {
  readonly flags: number;
  readonly family: number;
  readonly socktype: number;
  readonly protocol: number;
}

function field(hints: Dictionary, key: keyof HintNumbers): number {
  return toInteger(hints[key], INT32, `Unable to convert field ${key} to integer`);
}

export function readHints(hints: Dictionary): HintNumbers {
  return {
    flags: field(hints, 'flags'),
    family: field(hints, 'family'),
    socktype: field(hints, 'socktype'),
    protocol: field(hints, 'protocol'),
  };
}

export const NO_HINTS: HintNumbers = { flags: 0, family: 0, socktype: 0, protocol: 0 };

/** A name, or an address with or without brackets. */
export function bareHost(host: ByteString): string {
  const text = stringify(host);
  return /^\[[^\]]*\]$/.test(text) ? text.slice(1, -1) : text;
}

/** A port or the name of a service, as text. @throws {Failure} ERANGE: the C library would take it modulo 65536 */
export function serviceText(service: unknown): string | undefined {
  if (args.isAbsent(service)) return undefined;
  const text = stringify(service);
  if (text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) return text;
  const port = Number(text);
  if (port < 0 || port > 65535) throw outOfRange('Invalid port number');
  return String(port);
}

/** @throws {Failure} with an `EAI_` number */
export function lookUp(
  host: string | null,
  service: string | undefined,
  { flags, family, socktype, protocol }: HintNumbers,
): readonly PosixAddressInfo[] {
  if (host !== null && !isName(host)) throw new Failure(resolveErrors.EAI_NONAME, 'getaddrinfo()');
  return judged(() => resolveSync(host, { service, flags, family, type: socktype, protocol }));
}

/** Whether the resolver can be asked for it at all. */
function isName(host: string): boolean {
  try {
    hostRule(host, 'host');
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function rowOf({ flags, family, type, protocol, address, canonicalName }: PosixAddressInfo): AddressInfo {
  return printable({
    flags,
    family,
    socktype: type,
    protocol,
    addr: formatAddress(address),
    canonname: canonicalName,
  });
}

/**
 * Looks up the addresses of a name, and blocks the thread meanwhile.
 *
 * @param hostname a name or an address; one of IPv6 may be in brackets
 * @param service a port, or the name of a service
 * @returns `null` on failure, with a (negative) `EAI_` number as error
 * @see getaddrinfo(3)
 */
export function addrinfo(
  hostname: ByteString,
  service?: unknown,
  hints?: Hints | null,
): AddressInfo[] | null {
  return moduleErrors.run(() => {
    const host = args.string(hostname, 'hostname');
    const given = args.optional(args.dictionary, hints, 'hints', {});
    return lookUp(bareHost(host), serviceText(service), readHints(given)).map(rowOf);
  });
}

/** What the C library says of a Unix socket: the machine, and the path. */
function unixName(path: string | Uint8Array, flags: number): NameInfo {
  const isNumeric = (flags & constants.NI_NUMERICHOST) !== 0;
  return { hostname: isNumeric ? 'localhost' : nodeName(), service: stringify(path) };
}

/**
 * Looks up what an address and its port are called, and blocks the thread meanwhile.
 *
 * @param flags `NI_` numbers
 * @returns `null` on failure
 * @see getnameinfo(3)
 */
export function nameinfo(address: Address, flags?: number | null): NameInfo | null {
  return moduleErrors.run(() => {
    const given = args.present(address, 'address');
    const bits = args.optional(args.integer, flags, 'flags', 0);
    const parsed = parseAddress(given);
    if (parsed.family === 'unix') return printable(unixName(parsed.path, bits));
    if (parsed.family !== 'ipv4' && parsed.family !== 'ipv6')
      throw new Failure(resolveErrors.EAI_FAMILY, 'getnameinfo()');
    const { host, service } = judged(() => nameInfoSync(parsed, { flags: bits }));
    return printable({ hostname: host, service });
  });
}

/**
 * Reads an address in any of its forms, and gives it back in the one that all functions answer.
 *
 * @returns `null` if it is none
 */
export function sockaddr(address: Address): AnsweredAddress | null {
  return moduleErrors.run(() => formatAddress(parseAddress(args.present(address, 'address'))));
}
