import { ANY_HOST } from './host-pattern.ts';
import { formatHostPort, parseHostPort } from './host-port.ts';
import type { SocketOp } from './ops.ts';
import type { Rule } from './rule.ts';
import { uniqueRules } from './rule.ts';
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

function parsePattern(pattern: string, op: SocketOp, place: Place): Rule {
  const isMembership = op === 'udp-multicast-membership';
  const parsed = isMembership && pattern !== '' ? null : parseHostPort(pattern.split(':'));
  if (parsed === null) {
    throw new PermissionSyntaxError(`Invalid host:port pattern '${pattern}'`, place, { text: pattern });
  }
  const where = isMembership ? { host: ANY_HOST, ports: null } : parsed;
  return { effect: 'allow', op, ...where };
}

function parsePatterns(value: unknown, op: SocketOp, place: Place): Rule[] {
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
export function parseSocketsKey(value: unknown): readonly Rule[] {
  const root = asDictionary(value, ['sockets']);
  const rules = PARTS.flatMap(([section, entry, op]) => {
    if (!Object.hasOwn(root, section)) return [];
    const part = asDictionary(root[section], ['sockets', section]);
    if (!Object.hasOwn(part, entry)) return [];
    return parsePatterns(part[entry], op, ['sockets', section, entry]);
  });
  return uniqueRules(rules);
}

/**
 * The value of the key `sockets` that grants `rules`.
 *
 * @returns `undefined` if it cannot be written so
 */
export function formatSocketsKey(
  rules: readonly Rule[],
): Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> | undefined {
  const value: Record<string, Record<string, string[]>> = {};
  for (const rule of rules) {
    const part = PARTS.find(([, , op]) => op === rule.op);
    const text =
      rule.op === 'udp-multicast-membership' && rule.host.kind === 'any' ? '' : formatHostPort(rule);
    if (part === undefined || rule.effect === 'deny' || text === undefined) return undefined;
    const [section, entry] = part;
    ((value[section] ??= {})[entry] ??= []).push(text);
  }
  return value;
}
