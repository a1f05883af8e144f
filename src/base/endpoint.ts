/**
 * Addresses as people write them, for APIs that take text: where to connect to, where to listen. The text is read strictly.
 * It has a port or begins with `unix:`; there is no default port, no scheme, and no text that is a path because it is
 * nothing else.
 */
import type { IpAddress, SocketAddress } from './address.ts';
import { parseIp } from './address.ts';
import { host, ipAddress, unixPath } from './address-rules.ts';
import { isBytes } from './bytes.ts';
import { integer, optional, outOfRange, requireObject, wrongType } from './rules.ts';

/** A host, perhaps a name, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface PathEndpoint {
  readonly path: string | Uint8Array;
}

/** What text or an object stands for. */
export type ParsedEndpoint = HostPort | PathEndpoint;

const FORMS = '"host:port", "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path" or "unix:@name"';
const OBJECTS = `${FORMS}, { host, port } or { path }`;

/**
 * Names as RFC 1123 has them, with the underscores that the DNS has as well. One whose last label is a number is a broken
 * address, and no name (WHATWG URL, "ends in a number").
 */
const NAME = /^(?=.{1,253}\.?$)(?!(?:.*\.)?(?:\d+|0x[\da-f]*)\.?$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/i;

/** A port of a peer's is never 0. */
const peerPort = integer(1, 65535);
const ownPort = integer(0, 65535);

function hint(text: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return ' (this is a URL)';
  if (text.startsWith('/') || text.startsWith('./') || text.startsWith('@'))
    return ' (a path begins with "unix:")';
  if (/^\[.*\]$/s.test(text) || parseIp(text)?.family === 'ipv4' || (NAME.test(text) && !text.includes(':')))
    return ' (the port is missing)';
  if (/^[\da-f:.]+$/i.test(text) && text.indexOf(':') !== text.lastIndexOf(':'))
    return ' (an IPv6 address stands in brackets)';
  return '';
}

function wrongText(name: string, text: string): RangeError {
  return outOfRange(name, FORMS + hint(text), text);
}

function parsePort(text: string): number | null {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535 ? Number(text) : null;
}

function withScope(address: IpAddress): string {
  return address.scope === undefined ? address.host : `${address.host}%${address.scope}`;
}

/** The host of `[2001:db8::1]:80`, or of `name:80`; `null` if it is none. */
function parseHost(text: string, isBracketed: boolean): string | null {
  const address = parseIp(text);
  if (isBracketed) return address?.family === 'ipv6' ? withScope(address) : null;
  if (address !== null) return address.family === 'ipv4' ? address.host : null;
  return NAME.test(text) ? text : null;
}

function parsePathText(text: string, name: string): PathEndpoint {
  const path = text.slice('unix:'.length);
  if (path === '' || path === '@')
    throw outOfRange(name, '"unix:/path" or "unix:@name", with a path or a name', text);
  return { path: unixPath(path.startsWith('@') ? `\0${path.slice(1)}` : path, name) };
}

/**
 * Reads the text of an address: `example.com:80`, `192.0.2.1:80`, `[2001:db8::1%eth0]:80`, `unix:/path`, `unix:@name`.
 *
 * @throws {RangeError} it is none; the message shows what would be
 */
export function parseEndpoint(text: string, name: string): ParsedEndpoint {
  if (text.startsWith('unix:')) return parsePathText(text, name);
  const bracketed = /^\[([^\]]*)\]:(.*)$/s.exec(text);
  const colon = text.lastIndexOf(':');
  const hostText = bracketed === null ? text.slice(0, Math.max(colon, 0)) : (bracketed[1] ?? '');
  const port = parsePort(bracketed === null ? text.slice(colon + 1) : (bracketed[2] ?? ''));
  const found = colon < 0 || port === null ? null : parseHost(hostText, bracketed !== null);
  if (found === null || port === null) throw wrongText(name, text);
  return { host: found, port };
}

/** A host of an object's: as it is, or with the zone that stands beside it. */
function hostOf(object: object, value: unknown, name: string): string {
  const scope: unknown = Reflect.get(object, 'scope');
  if (scope === undefined) return host(value, `${name}.host`);
  return withScope(ipAddress({ family: 'ipv6', host: value, scope }, name));
}

/**
 * Reads an endpoint that came from outside, as text or as an object: `{ host, port }`, `{ path }`, or an address as sockets
 * tell it.
 *
 * @throws {TypeError | RangeError}
 */
function readEndpoint(
  value: unknown,
  name: string,
): { host?: string | undefined; port?: unknown } | PathEndpoint {
  if (typeof value === 'string') return parseEndpoint(value, name);
  if (typeof value !== 'object' || value === null || isBytes(value)) throw wrongType(name, OBJECTS, value);
  const object = requireObject(value, name);
  const path: unknown = Reflect.get(object, 'path');
  const hostValue: unknown = Reflect.get(object, 'host');
  const port: unknown = Reflect.get(object, 'port');
  if (path !== undefined) {
    if (hostValue !== undefined || port !== undefined)
      throw wrongType(name, 'a path, or a host and a port', value);
    return { path: unixPath(path, `${name}.path`) };
  }
  if (hostValue === undefined && port === undefined) throw wrongType(name, OBJECTS, value);
  return { host: hostValue === undefined ? undefined : hostOf(object, hostValue, name), port };
}

/** Where something is sent or connected to: a name will do, and a port must be there. @throws {TypeError | RangeError} */
export function peerEndpoint(value: unknown, name: string): ParsedEndpoint {
  const read = readEndpoint(value, name);
  if ('path' in read) return read;
  if (read.host === undefined) throw wrongType(`${name}.host`, 'a host name or a numeric address', read.host);
  return { host: read.host, port: peerPort(read.port, `${name}.port`) };
}

/** An address of one's own: numeric, and without a port any free one. @throws {TypeError | RangeError} */
export function ownEndpoint(
  value: unknown,
  name: string,
): { readonly host: string | undefined; readonly port: number } | PathEndpoint {
  const read = readEndpoint(value, name);
  if ('path' in read) return read;
  if (read.host !== undefined && parseIp(read.host) === null)
    throw outOfRange(name, 'a numeric address of this machine, such as 127.0.0.1 or ::', read.host);
  return { host: read.host, port: optional(ownPort)(read.port, `${name}.port`) ?? 0 };
}

/** Where a datagram goes: an address, and no name, which would have to be looked up each time. @throws {TypeError | RangeError} */
export function peerAddress(value: unknown, name: string): SocketAddress {
  const read = peerEndpoint(value, name);
  if ('path' in read) return { family: 'unix', path: read.path };
  const address = parseIp(read.host);
  if (address === null)
    throw outOfRange(
      name,
      'a numeric address (look the name up with resolve, or bind the socket to it)',
      read.host,
    );
  return { ...address, port: read.port };
}
