/** The one form of a permission, whichever dialect it was written in. */

/** What a program asks to do, and what a rule is about. Each is judged by itself: none contains another. */
export type SocketOp =
  | 'network-state'
  | 'resolve-host'
  | 'resolve-proxy'
  | 'tcp-connect'
  | 'tcp-listen'
  | 'udp-bind'
  | 'udp-multicast-membership'
  | 'udp-send-to'
  | 'unix-connect'
  | 'unix-listen';

/** Ops about which a rule can say which hosts and ports; a rule about another op allows it altogether. */
export const ADDRESS_OPS: ReadonlySet<SocketOp> = new Set<SocketOp>([
  'tcp-connect',
  'tcp-listen',
  'udp-bind',
  'udp-send-to',
]);

/** Which hosts a rule is about: every one, exactly this one, or this one and all its sub-domains. Names are lower case. */
export type HostPattern =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'domain'; readonly name: string };

/** One line of what a program may do. */
export interface SocketRule {
  readonly op: SocketOp;
  readonly host: HostPattern;
  /** `null`: every port. */
  readonly port: number | null;
}

/** One thing that a program asks to do. */
export interface SocketRequest {
  readonly op: SocketOp;
  /** The host exactly as the program wrote it, before any look-up; a path for the ops of Unix sockets. */
  readonly host: string;
  /** 0 where the op has no port, or asks for a free one. */
  readonly port: number;
}

export const ANY_HOST: HostPattern = { kind: 'any' };

function formatHost(host: HostPattern): string {
  if (host.kind === 'any') return '*';
  return host.kind === 'domain' ? `*.${host.name}` : host.name;
}

/** The `host:port` part of a rule in canonical form, such as `*.example.com:80` or `*:*`; `''` where the op has none. */
export function formatHostPort(rule: SocketRule): string {
  if (!ADDRESS_OPS.has(rule.op)) return '';
  return `${formatHost(rule.host)}:${rule.port === null ? '*' : String(rule.port)}`;
}

/** A rule in canonical form, such as `tcp-connect:*.example.com:80` or `resolve-host`. */
export function formatRule(rule: SocketRule): string {
  return ADDRESS_OPS.has(rule.op) ? `${rule.op}:${formatHostPort(rule)}` : rule.op;
}

/** The rules without repetitions, in the order in which each first came. */
export function uniqueRules(rules: readonly SocketRule[]): readonly SocketRule[] {
  const seen = new Map<string, SocketRule>();
  for (const rule of rules) if (!seen.has(formatRule(rule))) seen.set(formatRule(rule), rule);
  return [...seen.values()];
}
