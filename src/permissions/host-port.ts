import type { HostPattern } from './host-pattern.ts';
import { ANY_HOST, lowerAscii } from './host-pattern.ts';
import type { PortSet } from './ports.ts';
import { MAX_PORT, formatPorts, isOnePort, onePort } from './ports.ts';

/** The two parts of a pattern that are about an address. */
export interface HostPort {
  readonly host: HostPattern;
  readonly ports: PortSet;
}

/** Leading zeros are read over, as Chrome does. */
function parsePorts(text: string): PortSet | undefined {
  if (text === '' || text === '*') return null;
  if (!/^\d+$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= MAX_PORT ? onePort(port) : undefined;
}

function parseHost(text: string): HostPattern | undefined {
  if (text !== text.trim()) return undefined;
  if (text === '' || text === '*') return ANY_HOST;
  const labels = lowerAscii(text)
    .split('.')
    .map((label) => label.trim());
  const isDomain = labels[0] === '' || labels[0] === '*';
  const name = (isDomain ? labels.slice(1) : labels).join('.');
  if (!isDomain) return { kind: 'name', name, isLiteral: true };
  return name === '' ? ANY_HOST : { kind: 'domain', name, hasApex: true, isLiteral: true };
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
  const ports = parsePorts(parts[1] ?? '');
  return host === undefined || ports === undefined ? null : { host, ports };
}

/** Canonical text, such as `*.example.com:80` or `*:*`. @returns `undefined` if it cannot be written so */
export function formatHostPort({ host, ports }: HostPort): string | undefined {
  const text = formatChromeHost(host);
  return text === undefined || !isOnePort(ports) ? undefined : `${text}:${formatPorts(ports)}`;
}

function formatChromeHost(host: HostPattern): string | undefined {
  if (host.kind === 'any') return '*';
  if (host.kind === 'name' && host.isLiteral) return host.name;
  return host.kind === 'domain' && host.isLiteral && host.hasApex ? `*.${host.name}` : undefined;
}
