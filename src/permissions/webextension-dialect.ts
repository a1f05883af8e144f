/**
 * The strings of a WebExtension's `permissions`: `tcp-connect:HOST:PORT` and `tcp-listen:PORT` as Mozilla's proposal has
 * them, and UDP in the same style.
 */
import { ANY_HOST, formatHost } from './host-pattern.ts';
import type { HostPattern } from './host-pattern.ts';
import type { SocketOp } from './ops.ts';
import { formatPorts, isOnePort } from './ports.ts';
import type { Rule } from './rule.ts';
import { formatRule } from './rule.ts';
import type { Piece } from './rule-text.ts';
import { fault, readHostPattern, readPort, slice, splitHostPort } from './rule-text.ts';

/** What stands behind the op. */
type Shape = 'group' | 'host-port' | 'port';

/* prettier-ignore */
const SHAPES: ReadonlyMap<string, readonly [op: SocketOp, shape: Shape, written: string]> = new Map([
  ['tcp-connect',              ['tcp-connect',              'host-port', 'HOST:PORT']],
  ['tcp-listen',               ['tcp-listen',               'port',      'PORT']],
  ['udp-bind',                 ['udp-bind',                 'port',      'PORT']],
  ['udp-send-to',              ['udp-send-to',              'host-port', 'HOST:PORT']],
  ['udp-multicast-membership', ['udp-multicast-membership', 'group',     'GROUP']],
]);

const SYNTAX = { hasNetworks: false } as const;

/** Whether a permission of a manifest is about sockets, rather than one of a browser's others. */
export function isSocketPermission(text: string): boolean {
  return SHAPES.has(text.split(':', 1)[0] ?? '');
}

/**
 * Reads one permission. Hosts are `*`, a name, `*.name` (all below it) or an address, of IPv6 in brackets; ports `*` or 1 to
 * 65535. Whoever may listen on a port may do so on all of this machine's addresses.
 *
 * @throws {PermissionSyntaxError} with `text` and `offset`
 */
export function parseWebExtensionPermission(text: string): Rule {
  const whole: Piece = { whole: text, text, offset: 0 };
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const found = SHAPES.get(name);
  if (found === undefined)
    throw fault(whole, `${JSON.stringify(name)} is none of ${[...SHAPES.keys()].join(', ')}`);
  const [op, shape, written] = found;
  if (colon < 0) throw fault(whole, `write ${op}:${written}, with * for any`);
  return { effect: 'allow', op, ...readShape(shape, slice(whole, colon + 1)) };
}

function readShape(shape: Shape, piece: Piece): { host: HostPattern; ports: Rule['ports'] } {
  switch (shape) {
    case 'host-port': {
      const [host, port] = splitHostPort(piece);
      return { host: readHostPattern(host, SYNTAX), ports: readPort(port) };
    }
    case 'port':
      return { host: ANY_HOST, ports: readPort(piece) };
    case 'group': {
      const host = readHostPattern(piece, SYNTAX);
      if (host.kind !== 'any' && host.kind !== 'network')
        throw fault(piece, 'a group is an address, or * for any');
      return { host, ports: null };
    }
  }
}

/** A rule in this dialect, if it can be written in it. */
export function formatWebExtensionPermission(rule: Rule): string | undefined {
  const { effect, op, host, ports } = rule;
  const shape = SHAPES.get(op)?.[1];
  if (effect === 'deny' || !isWritable(host) || !isOnePort(ports)) return undefined;
  switch (shape) {
    case 'host-port':
      return `${op}:${formatHost(host)}:${formatPorts(ports)}`;
    case 'port':
      return host.kind === 'any' ? `${op}:${formatPorts(ports)}` : undefined;
    case 'group':
      return `${op}:${formatHost(host)}`;
    case undefined:
      return undefined;
  }
}

function isWritable(host: HostPattern): boolean {
  if (host.kind === 'any') return true;
  if (host.kind === 'network') return host.network.prefix === 128;
  if (host.kind === 'name') return !host.isLiteral;
  return host.kind === 'domain' && !host.isLiteral && !host.hasApex;
}

/** A rule as its extension would write it, where it can, and else in canonical form. */
export function wordPermission(rule: Rule): string {
  return formatWebExtensionPermission(rule) ?? formatRule(rule);
}
