import { parseIp } from '../base/address.ts';
import { lowerAscii } from './host-port.ts';
import type { HostPattern, SocketRequest, SocketRule } from './rule.ts';
import { ADDRESS_OPS } from './rule.ts';

/** One to four numbers, each decimal, octal or hexadecimal: all that a URL parser takes for an IPv4 address, or refuses. */
const NUMERIC_HOST = /^(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+)){0,3}\.?$/;

function isIpAddress(host: string): boolean {
  return NUMERIC_HOST.test(host) || parseIp(host) !== null;
}

function matchesHost(pattern: HostPattern, requested: string): boolean {
  if (pattern.kind === 'any') return true;
  const host = lowerAscii(requested);
  if (host === pattern.name) return true;
  if (pattern.kind === 'exact') return false;
  // A character must come before the dot, and an address has no sub-domains: *.168.0.1 is not about 192.168.0.1.
  return host.length >= pattern.name.length + 2 && host.endsWith(`.${pattern.name}`) && !isIpAddress(host);
}

/**
 * Whether `rule` allows `request`. Nothing is resolved or normalised: `localhost`, `127.0.0.1` and `www.example.com.` are
 * what they say, and an IPv6 address matches only a rule for any host.
 */
export function matchesRule(rule: SocketRule, request: SocketRequest): boolean {
  if (rule.op !== request.op) return false;
  if (!ADDRESS_OPS.has(rule.op)) return true;
  return matchesHost(rule.host, request.host) && (rule.port === null || rule.port === request.port);
}
