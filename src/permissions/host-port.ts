import type { HostPattern } from './rule.ts';
import { ANY_HOST } from './rule.ts';

/** The two parts of a pattern that are about an address. */
export interface HostPort {
  readonly host: HostPattern;
  readonly port: number | null;
}

function parsePort(text: string): number | null | undefined {
  if (text === '' || text === '*') return null;
  if (!/^\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** Lower case of the letters A to Z alone, as host names compare. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function parseHost(text: string): HostPattern | undefined {
  if (text !== text.trim()) return undefined;
  if (text === '' || text === '*') return ANY_HOST;
  const labels = lowerAscii(text)
    .split('.')
    .map((label) => label.trim());
  const isDomain = labels[0] === '' || labels[0] === '*';
  const name = (isDomain ? labels.slice(1) : labels).join('.');
  if (!isDomain) return { kind: 'exact', name };
  return name === '' ? ANY_HOST : { kind: 'domain', name };
}

/**
 * Reads `host[:port]` as both of Chrome's dialects write it: a host is `''` or `*` (any), `*.name` or `.name` (the name
 * and its sub-domains) or a name; a port is `''` or `*` (any) or 1 to 65535. A colon always divides, so that an IPv6
 * address cannot be written.
 *
 * @param parts the pattern, divided at its colons
 * @returns `null` if it is malformed.
 */
export function parseHostPort(parts: readonly string[]): HostPort | null {
  if (parts.length > 2) return null;
  const host = parseHost(parts[0] ?? '');
  const port = parsePort(parts[1] ?? '');
  return host === undefined || port === undefined ? null : { host, port };
}
