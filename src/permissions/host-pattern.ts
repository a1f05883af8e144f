/** Which hosts, paths or protocols a rule is about, and what is asked for, in the form in which the two are compared. */
import { parseIp, parseIpv6 } from '../base/address.ts';
import type { Network } from './networks.ts';
import { addressBytes, coversNetwork, formatNetwork, inNetwork, networksMeet } from './networks.ts';

/**
 * - `any`: every one.
 * - `name`: exactly this one; `localhost`, and what is below it, only as far as it is this machine's loopback.
 * - `domain`: everything below a name, and the name itself if `hasApex`. Never an address. Below `localhost` likewise.
 * - `network`: addresses, however they are spelt, and names as far as they lead there.
 * - `path`: a Unix socket's, or all that begins so if `isPrefix`. An abstract one begins with a NUL.
 * - `protocol`: a number or a name, in lower case.
 *
 * Names are in lower case, in ASCII, and without a dot at their end; `isLiteral`: they are compared as text, with nothing of
 * what is asked changed but its case, as Chrome does.
 */
export type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'name'; readonly name: string; readonly isLiteral: boolean }
  | { readonly kind: 'domain'; readonly name: string; readonly hasApex: boolean; readonly isLiteral: boolean }
  | { readonly kind: 'network'; readonly network: Network }
  | { readonly kind: 'path'; readonly path: string; readonly isPrefix: boolean }
  | { readonly kind: 'protocol'; readonly name: string };

export const ANY_HOST: HostPattern = { kind: 'any' };

/** Lower case of the letters A to Z alone, as host names compare. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A host that is asked for. */
export interface Host {
  /** As written, in lower case. */
  readonly text: string;
  /** In ASCII and without a dot at its end; `undefined` of an address, and of what can be no name. */
  readonly name: string | undefined;
  /** The 16 bytes of an address, in whatever spelling. */
  readonly bytes: Uint8Array | undefined;
}

/** What needs no second look: letters, digits, `-` and `_`, and a last label that is no number. */
const PLAIN = /^(?:[a-z0-9_-]+\.)*[a-z_-][a-z0-9_-]*$/;

/**
 * Reads a host as all systems do that resolve names: what is a number in any spelling (`127.1`, `0x7f000001`) is an address,
 * and letters beyond ASCII are those that name servers are asked for.
 *
 * @see https://url.spec.whatwg.org/#host-parsing
 */
export function readHost(written: string): Host {
  const text = lowerAscii(written);
  if (PLAIN.test(text)) return { text, name: text, bytes: undefined };
  const direct = readAddress(text);
  if (direct !== undefined) return { text, name: undefined, bytes: direct };
  const canonical = canonicalHost(text);
  const bytes = canonical === undefined ? undefined : readAddress(canonical);
  return { text, name: bytes === undefined ? canonical : undefined, bytes };
}

/** Addresses stand in the way of every datagram: what can be is read straight into bytes. */
function readAddress(text: string): Uint8Array | undefined {
  const v6 = text.includes(':') && !text.includes('%') ? parseIpv6(text) : null;
  if (v6 !== null) return v6;
  const address = parseIp(text);
  return address === null ? undefined : addressBytes(address);
}

function canonicalHost(text: string): string | undefined {
  // Brackets, ports, paths and users are a URL's, and no host's.
  if (/[[\]:/?#@\\%\s]/.test(text)) return undefined;
  try {
    const { hostname } = new URL(`http://${text}/`);
    return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname;
  } catch {
    return undefined;
  }
}

/** Whether a pattern is of names that are this machine's own. @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
export function isLocalhost(pattern: HostPattern): boolean {
  if (pattern.kind !== 'name' && pattern.kind !== 'domain') return false;
  return pattern.name === 'localhost' || isBelow(pattern.name, 'localhost');
}

function isBelow(name: string, base: string): boolean {
  // A character must come before the dot.
  return name.length >= base.length + 2 && name.endsWith(`.${base}`);
}

/** Whether a pattern of names has the host, by what was written. */
export function matchesName(pattern: HostPattern, host: Host): boolean {
  switch (pattern.kind) {
    case 'any':
      return true;
    case 'name':
      return (pattern.isLiteral ? host.text : host.name) === pattern.name;
    case 'domain': {
      const { name, hasApex, isLiteral } = pattern;
      const text = isLiteral ? host.text : host.name;
      if (text === undefined) return false;
      if (text === name) return hasApex;
      // An address has no sub-domains: *.168.0.1 is not about 192.168.0.1.
      return isBelow(text, name) && host.bytes === undefined;
    }
    case 'network':
    case 'path':
    case 'protocol':
      return false;
  }
}

/**
 * A path without `.` and repeated slashes; an abstract name as it is. What links in the file system do is not seen.
 *
 * @returns `undefined` where nobody can tell: a relative path depends on the process, and `..` on whether there are links
 */
export function readPath(path: string): string | undefined {
  if (path.startsWith('\0')) return path;
  if (!path.startsWith('/')) return undefined;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') return undefined;
    if (part !== '.' && part !== '') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** @param path as `readPath` made it */
export function matchesPath(pattern: HostPattern, path: string | undefined): boolean {
  if (pattern.kind === 'any') return true;
  if (pattern.kind !== 'path' || path === undefined) return false;
  return pattern.isPrefix ? path.startsWith(pattern.path) : path === pattern.path;
}

/** Whether everything that `inner` has is also in `outer`. */
export function coversHost(outer: HostPattern, inner: HostPattern): boolean {
  if (outer.kind === 'any') return true;
  switch (inner.kind) {
    case 'any':
      return false;
    case 'name':
      return coversName(outer, inner.name, inner.isLiteral);
    case 'domain':
      return coversDomain(outer, inner);
    case 'network':
      return outer.kind === 'network' && coversNetwork(outer.network, inner.network);
    case 'path':
      return outer.kind === 'path' && coversPath(outer, inner);
    case 'protocol':
      return outer.kind === 'protocol' && outer.name === inner.name;
  }
}

type Path = Extract<HostPattern, { kind: 'path' }>;

function coversPath(outer: Path, inner: Path): boolean {
  if (outer.isPrefix) return inner.path.startsWith(outer.path);
  return !inner.isPrefix && inner.path === outer.path;
}

/** What is compared as text takes less for the same than what is not, so that the latter is never within the former. */
function coversName(outer: HostPattern, name: string, isLiteral: boolean): boolean {
  const host = readHost(name);
  if (outer.kind === 'network') {
    return host.bytes !== undefined && inNetwork(outer.network, host.bytes);
  }
  if (outer.kind !== 'name' && outer.kind !== 'domain') return false;
  return (isLiteral || !outer.isLiteral) && matchesName(outer, host);
}

type Domain = Extract<HostPattern, { kind: 'domain' }>;

function coversDomain(outer: HostPattern, { name, hasApex, isLiteral }: Domain): boolean {
  if (outer.kind !== 'domain' || (outer.isLiteral && !isLiteral)) return false;
  if (outer.name === name) return outer.hasApex || !hasApex;
  return isBelow(name, outer.name);
}

/** Whether the two may have something in common. Of a name and a network nobody can tell: yes. */
export function hostsMeet(a: HostPattern, b: HostPattern): boolean {
  if (a.kind === 'any' || b.kind === 'any') return true;
  if (isNamed(a) && isNamed(b)) return namesMeet(a, b);
  if (a.kind === 'network' && b.kind === 'network') return networksMeet(a.network, b.network);
  if (isNamed(a)) return b.kind === 'network';
  if (isNamed(b)) return a.kind === 'network';
  return coversHost(a, b) || coversHost(b, a);
}

function isNamed(pattern: HostPattern): pattern is Named {
  return pattern.kind === 'name' || pattern.kind === 'domain';
}

type Named = Extract<HostPattern, { kind: 'domain' | 'name' }>;

function namesMeet(a: Named, b: Named): boolean {
  if (a.kind === 'name') return b.kind === 'name' ? a.name === b.name : namesMeet(b, a);
  if (b.kind === 'name') return b.name === a.name ? a.hasApex : isBelow(b.name, a.name);
  return b.name === a.name || isBelow(b.name, a.name) || isBelow(a.name, b.name);
}

/** Canonical text, as the native dialect writes it. */
export function formatHost(host: HostPattern): string {
  switch (host.kind) {
    case 'any':
      return '*';
    case 'name':
    case 'protocol':
      return host.name;
    case 'domain':
      return host.hasApex ? `.${host.name}` : `*.${host.name}`;
    case 'network': {
      const text = formatNetwork(host.network);
      return text.includes(':') ? `[${text}]` : text;
    }
    case 'path': {
      const { path, isPrefix } = host;
      const text = path.startsWith('\0') ? `@${path.slice(1)}` : path;
      return isPrefix ? `${text}*` : text;
    }
  }
}
