import { bytesOf, readHost, readPath } from './host-pattern.ts';
import type { HostPattern } from './host-pattern.ts';
import { hostNetwork } from './networks.ts';
import { OPS } from './ops.ts';
import { onePort } from './ports.ts';
import type { Rule, SocketRequest } from './rule.ts';

/** The narrowest rule that allows what is asked; of a free port, that for any. `undefined` if none can be written. */
export function ruleOf(request: SocketRequest): Rule | undefined {
  const host = patternOf(request);
  if (host === undefined) return undefined;
  const hasPort = OPS[request.op].subject === 'address' && request.port !== 0;
  return { effect: 'allow', op: request.op, host, ports: hasPort ? onePort(request.port) : null };
}

function patternOf({ op, host }: SocketRequest): HostPattern | undefined {
  switch (OPS[op].subject) {
    case 'address':
    case 'host': {
      const read = readHost(host);
      const literal = bytesOf(read);
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
