/** Whether a rule is about a request. */
import type { Host } from './host-pattern.ts';
import { isLocalhost, matchesName, matchesPath, readHost, readPath } from './host-pattern.ts';
import { addressBytes, classOf, formsOf, inNetwork, isUnspecified } from './networks.ts';
import { OPS } from './ops.ts';
import { hasPort, hasPortFrom } from './ports.ts';
import type { Rule, SocketRequest } from './rule.ts';

/** A request in the form in which rules are compared with it. */
export interface Asked {
  readonly request: SocketRequest;
  readonly host: Host;
  /** All that its address may be taken for; `undefined` of a name that was not looked up yet. */
  readonly forms: readonly Uint8Array[] | undefined;
  /** Whether it is about all addresses of one's own. */
  readonly isWildcard: boolean;
  /** Of a Unix socket. */
  readonly path: string | undefined;
}

const NO_HOST: Host = { text: '', name: undefined, bytes: undefined };

export function readRequest(request: SocketRequest): Asked {
  const { subject, isOwn } = OPS[request.op];
  const nowhere = { request, host: NO_HOST, forms: undefined, isWildcard: false, path: undefined };
  if (subject === 'path') return { ...nowhere, path: readPath(request.host) };
  if (subject !== 'address' && subject !== 'host') return nowhere;
  const host = readHost(request.host);
  const bytes = request.address === undefined ? host.bytes : addressBytes(request.address);
  if (bytes === undefined) return { ...nowhere, host };
  const isWildcard = isOwn && isUnspecified(bytes);
  // What is bound to all addresses is bound to none of the forms that a destination would be taken for.
  return { ...nowhere, host, forms: isWildcard ? [bytes] : formsOf(bytes), isWildcard };
}

/** Whether the name `localhost` says where this is. */
function isHere(forms: readonly Uint8Array[] | undefined): boolean {
  return forms?.some((form) => classOf(form) === 'loopback') ?? true;
}

function matchesAddress({ effect, host: pattern }: Rule, { host, forms }: Asked): boolean {
  if (pattern.kind === 'network') return forms?.some((form) => inNetwork(pattern.network, form)) ?? false;
  if (!matchesName(pattern, host)) return false;
  // Whoever may reach this machine by name may not be led elsewhere by whoever answers for the name.
  return effect === 'deny' || !isLocalhost(pattern) || isHere(forms);
}

/** Whether `rule` is about what is asked, by its name or, where that is known, its address. */
export function matchesAsked(rule: Rule, asked: Asked): boolean {
  const { op, port, host } = asked.request;
  if (rule.op !== op || !hasPort(rule.ports, port)) return false;
  switch (OPS[op].subject) {
    case 'address':
    case 'host':
      return matchesAddress(rule, asked);
    case 'path':
      return matchesPath(rule.host, asked.path);
    case 'protocol':
      return rule.host.kind === 'any' || (rule.host.kind === 'protocol' && rule.host.name === host);
    case 'none':
      return true;
  }
}

/** Ports below are never given to whoever asks for a free one. @see https://www.rfc-editor.org/rfc/rfc6056#section-3.2 */
const FIRST_FREE_PORT = 1024;

/** Whether `rule`, which forbids, forbids this. What stands for many is forbidden if any of them is. */
export function forbids(rule: Rule, asked: Asked): boolean {
  const { op, port } = asked.request;
  if (rule.op !== op) return false;
  const { subject, isOwn } = OPS[op];
  // Where such a path leads nobody knows.
  if (subject === 'path') return asked.path === undefined || matchesPath(rule.host, asked.path);
  if (subject !== 'address' || !isOwn) return matchesAsked(rule, asked);
  const hasOne = port === 0 ? hasPortFrom(rule.ports, FIRST_FREE_PORT) : hasPort(rule.ports, port);
  return hasOne && (asked.isWildcard || matchesAddress(rule, asked));
}

/** Whether it depends on the addresses of a name, which are not known yet, whether `rule` is about it. */
export function dependsOnAddress(rule: Rule, { request, forms, host }: Asked): boolean {
  return (
    forms === undefined &&
    host.text !== '' &&
    rule.host.kind === 'network' &&
    rule.op === request.op &&
    OPS[rule.op].subject === 'address' &&
    hasPort(rule.ports, request.port)
  );
}

/** Whether `rule` is about `request`. Nothing is resolved: of a name only the name is compared, unless it comes with an address. */
export function matchesRule(rule: Rule, request: SocketRequest): boolean {
  return matchesAsked(rule, readRequest(request));
}
