/** The parts of a rule's text, as the dialects with brackets, networks and ranges write them. */
import type { HostPattern } from './host-pattern.ts';
import { ANY_HOST, lowerAscii, readHost, readPath } from './host-pattern.ts';
import { formatNetwork, hostNetwork, parseNetwork } from './networks.ts';
import type { PortRange, PortSet } from './ports.ts';
import { MAX_PORT, onePort, parsePort, portSet } from './ports.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

/** A piece of a text, which knows where it is. */
export interface Piece {
  readonly whole: string;
  readonly text: string;
  readonly offset: number;
}

export function slice({ whole, text, offset }: Piece, from: number, to?: number): Piece {
  return { whole, text: text.slice(from, to), offset: offset + from };
}

export function fault({ whole, offset }: Piece, reason: string): PermissionSyntaxError {
  const at = `at character ${String(offset + 1)}`;
  return new PermissionSyntaxError(
    `Cannot read the permission ${JSON.stringify(whole)}: ${reason} (${at})`,
    [],
    {
      text: whole,
      offset,
    },
  );
}

/** Parts it at the last colon, which a bracketed address does not hide. */
export function splitHostPort(piece: Piece): readonly [host: Piece, ports: Piece] {
  const { text } = piece;
  const colon = text.lastIndexOf(':');
  if (colon < 0 || colon < text.lastIndexOf(']'))
    throw fault(piece, 'after the host there must be a colon and a port, or * for every port');
  return [slice(piece, 0, colon), slice(piece, colon + 1)];
}

/** `*`, or one port. */
export function readPort(piece: Piece): PortSet {
  if (piece.text === '*') return null;
  const port = parsePort(piece.text);
  if (port === undefined) throw fault(piece, `a port must be * or a number from 1 to ${String(MAX_PORT)}`);
  return onePort(port);
}

/** `*`, or ports and ranges with commas between them: `80,8000-8010`. */
export function readPorts(piece: Piece): PortSet {
  if (piece.text === '*') return null;
  const ranges: PortRange[] = [];
  let from = 0;
  for (const part of piece.text.split(',')) {
    ranges.push(readRange(slice(piece, from, from + part.length)));
    from += part.length + 1;
  }
  return portSet(ranges);
}

function readRange(piece: Piece): PortRange {
  const ends = piece.text.split('-').map(parsePort);
  const [first, last = first] = ends;
  if (ends.length > 2 || ends.includes(undefined) || first === undefined || last === undefined)
    throw fault(piece, `ports must be *, numbers from 1 to ${String(MAX_PORT)}, or ranges such as 8000-8010`);
  if (first > last) throw fault(piece, 'the range ends before it begins');
  return [first, last];
}

export interface HostSyntax {
  /** Whether `10.0.0.0/8` and `.name` may be written. */
  readonly hasNetworks: boolean;
}

/** `*`, `name`, `*.name`, an address, and what `syntax` allows besides. IPv6 stands in brackets. */
export function readHostPattern(piece: Piece, syntax: HostSyntax): HostPattern {
  const { text } = piece;
  if (text === '*') return ANY_HOST;
  if (text === '') throw fault(piece, 'the host is missing: * is for every host');
  if (/[\s\p{Cc}]/u.test(text)) throw fault(piece, 'a host has no white space');
  if (text.startsWith('[')) return readBracketed(piece, syntax);
  if (text.includes('://')) throw fault(piece, 'only a host can be given here, and no URL');
  const network = readNetwork(piece, syntax);
  if (network !== undefined) {
    if (text.includes(':')) throw fault(piece, `an IPv6 address stands in brackets: [${text}]`);
    return network;
  }
  if (text.startsWith('*.')) return domain(slice(piece, 2), false);
  if (text.startsWith('.') && syntax.hasNetworks) return domain(slice(piece, 1), true);
  return { kind: 'name', name: readName(piece), isLiteral: false };
}

function readBracketed(piece: Piece, syntax: HostSyntax): HostPattern {
  const { text } = piece;
  const inner = slice(piece, 1, text.length - 1);
  const network = text.endsWith(']') && inner.text.includes(':') ? readNetwork(inner, syntax) : undefined;
  if (network === undefined) throw fault(piece, 'in brackets there must be an IPv6 address, without a zone');
  return network;
}

function readNetwork(piece: Piece, { hasNetworks }: HostSyntax): HostPattern | undefined {
  const { text } = piece;
  const network = parseNetwork(text);
  if (text.includes('/')) {
    if (!hasNetworks) throw fault(piece, 'networks cannot be written here');
    if (network === null) throw fault(piece, 'no network: write one as 10.0.0.0/8 or [fd00::/8]');
  }
  if (typeof network === 'string') throw fault(piece, network);
  return network === null ? undefined : { kind: 'network', network };
}

function domain(piece: Piece, hasApex: boolean): HostPattern {
  return { kind: 'domain', name: readName(piece), hasApex, isLiteral: false };
}

function readName(piece: Piece): string {
  const { text } = piece;
  if (text.includes('*'))
    throw fault(
      piece,
      'a * can only stand for the whole host or before its first dot; networks are written as 10.0.0.0/8',
    );
  const { name, bytes } = readHost(text);
  if (bytes !== undefined) throw fault(piece, `write the address as ${formatNetwork(hostNetwork(bytes))}`);
  if (name === undefined || name.split('.').includes('')) throw fault(piece, 'this is no host name');
  return name;
}

/** What no path may have: links may lead a `..` elsewhere than it says. */
const UNFIT_PATHS: readonly (readonly [unfit: RegExp, reason: string])[] = [
  [/[\p{C}\p{Zl}\p{Zp}]/u, 'a path has a character that nobody can see'],
  [/\*(?!$)/, 'a * can only stand at the end of a path'],
  [/(^|\/)\.\.(\/|\*?$)/, 'a path has no .. in it, which links may lead elsewhere'],
];

/** A path from the root, or `@` and an abstract name; a `*` at the end stands for whatever follows. `*` is any. */
export function readPathPattern(piece: Piece): HostPattern {
  const { text } = piece;
  if (text === '*') return ANY_HOST;
  for (const [unfit, reason] of UNFIT_PATHS) if (unfit.test(text)) throw fault(piece, reason);
  const isPrefix = text.endsWith('*');
  const written = isPrefix ? text.slice(0, -1) : text;
  if (written.startsWith('@')) return { kind: 'path', path: `\0${written.slice(1)}`, isPrefix };
  const path = readPath(written);
  if (path === undefined) throw fault(piece, 'a path must begin with a slash, or an abstract name with @');
  const clean = isPrefix && written.endsWith('/') && path !== '/' ? `${path}/` : path;
  if (clean !== written) throw fault(piece, `write the path as ${clean}${isPrefix ? '*' : ''}`);
  return { kind: 'path', path: clean, isPrefix };
}

/** The name or number of a protocol. */
export function readProtocol(piece: Piece): HostPattern {
  if (piece.text === '*') return ANY_HOST;
  const name = lowerAscii(piece.text);
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(name)) throw fault(piece, 'a protocol is a name or a number');
  return { kind: 'protocol', name };
}
