import { parseHostPort } from './host-port.ts';
import type { SocketOp, SocketRule } from './rule.ts';
import { ANY_HOST, uniqueRules } from './rule.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

/** Which part of the manifest's `sockets` key grants which op. */
const PARTS: readonly (readonly [section: string, entry: string, op: SocketOp])[] = [
  ['tcp', 'connect', 'tcp-connect'],
  ['tcpServer', 'listen', 'tcp-listen'],
  ['udp', 'bind', 'udp-bind'],
  ['udp', 'multicastMembership', 'udp-multicast-membership'],
  ['udp', 'send', 'udp-send-to'],
];

type Place = readonly (string | number)[];

function wrongType(place: Place, expected: string): PermissionSyntaxError {
  return new PermissionSyntaxError(`Invalid value for '${place.join('.')}': expected ${expected}`, place);
}

function asDictionary(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongType(place, 'an object');
  return value as Readonly<Record<string, unknown>>;
}

function parsePattern(pattern: string, op: SocketOp, place: Place): SocketRule {
  const isMembership = op === 'udp-multicast-membership';
  const parsed = isMembership && pattern !== '' ? null : parseHostPort(pattern.split(':'));
  if (parsed === null) throw new PermissionSyntaxError(`Invalid host:port pattern '${pattern}'`, place);
  return isMembership ? { op, host: ANY_HOST, port: null } : { op, ...parsed };
}

function parsePatterns(value: unknown, op: SocketOp, place: Place): SocketRule[] {
  if (typeof value === 'string') return [parsePattern(value, op, place)];
  if (!Array.isArray(value)) throw wrongType(place, 'a string or a list of strings');
  return value.map((item: unknown, index) => {
    if (typeof item !== 'string') throw wrongType([...place, index], 'a string');
    return parsePattern(item, op, [...place, index]);
  });
}

/**
 * Reads the value of the manifest key `sockets` of a Chrome App.
 *
 * Keys that are not known grant nothing and are no error, as in Chrome.
 *
 * @returns the rules, without repetitions. An empty value gives none, and so allows nothing.
 * @throws {PermissionSyntaxError} at the first thing that cannot be read; its `path` begins with `'sockets'`
 * @see https://developer.chrome.com/docs/apps/manifest/sockets
 */
export function parseSocketsKey(value: unknown): readonly SocketRule[] {
  const root = asDictionary(value, ['sockets']);
  const rules = PARTS.flatMap(([section, entry, op]) => {
    if (!Object.hasOwn(root, section)) return [];
    const part = asDictionary(root[section], ['sockets', section]);
    if (!Object.hasOwn(part, entry)) return [];
    return parsePatterns(part[entry], op, ['sockets', section, entry]);
  });
  return uniqueRules(rules);
}
