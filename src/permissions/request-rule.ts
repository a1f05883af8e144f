import { readHost, readPath } from './host-pattern.ts';
import type { HostPattern } from './host-pattern.ts';
import { addressBytes, hostNetwork } from './networks.ts';
import { parseRule } from './native-dialect.ts';
import { OPS } from './ops.ts';
import { onePort } from './ports.ts';
import { covers } from './relations.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatRule } from './rule.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

/**
 * The narrowest rule that allows what is asked; of a free port, that for any, and of an address of a name, that for the
 * address. `undefined` if none can be written.
 */
export function ruleOf(request: SocketRequest): Rule | undefined {
  const host = patternOf(request);
  if (host === undefined) return undefined;
  const hasPort = OPS[request.op].subject === 'address' && request.port !== 0;
  const ports = hasPort ? onePort(request.port) : null;
  const rule: Rule = { effect: 'allow', op: request.op, host, ports };
  return isReadBack(rule) ? rule : undefined;
}

/** A file that is named `*` is no pattern, and cannot be told from one in a rule's text. */
function isReadBack(rule: Rule): boolean {
  try {
    return parseRule(formatRule(rule)).every((again) => covers(rule, again) && covers(again, rule));
  } catch (error) {
    if (error instanceof PermissionSyntaxError) return false;
    throw error;
  }
}

function patternOf({ op, host, address }: SocketRequest): HostPattern | undefined {
  switch (OPS[op].subject) {
    case 'address':
    case 'host': {
      const read = readHost(host);
      const literal = address === undefined ? read.bytes : addressBytes(address);
      if (literal !== undefined) return { kind: 'network', network: hostNetwork(literal) };
      return read.name === undefined ? undefined : { kind: 'name', name: read.name, isLiteral: false };
    }
    case 'path': {
      const path = readPath(host);
      return path === undefined ? undefined : { kind: 'path', path, isPrefix: false };
    }
    case 'protocol':
      return { kind: 'protocol', name: host };
    case 'none':
      return { kind: 'any' };
  }
}
