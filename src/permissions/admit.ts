/** From a question to an exception: the one place where a policy's no becomes a `DeniedError`. */
import { DeniedError } from '../base/errors.ts';
import { OPS } from './ops.ts';
import type { Decision, Policy } from './policy.ts';
import { judge } from './policy.ts';
import type { SocketRequest } from './rule.ts';

/** @throws {DeniedError} the policy says no */
export function admit(policy: Policy, request: SocketRequest): void {
  const decision = judge(policy, request);
  if (!decision.allowed) throw denial(request, decision);
}

export function denial(request: SocketRequest, { rule }: Decision): DeniedError {
  const { action } = OPS[request.op];
  const why = rule === undefined ? '' : `, by the rule ${JSON.stringify(rule)}`;
  return new DeniedError(request, `${wordRequest(request)} is not permitted${why}`, {
    op: action,
    ...(rule === undefined ? {} : { rule }),
  });
}

function wordRequest({ op, host, port, address }: SocketRequest): string {
  switch (OPS[op].subject) {
    case 'address': {
      const leads = address === undefined || address.host === host ? '' : ` (${address.host})`;
      return `${op} ${host}:${String(port)}${leads}`;
    }
    case 'path':
      return `${op} ${JSON.stringify(host)}`;
    case 'host':
    case 'protocol':
      return `${op} ${host}`;
    case 'none':
      return op;
  }
}

/** A Unix path as it is judged: of bytes that are no UTF-8, one character each. */
export function pathText(path: string | Uint8Array): string {
  if (typeof path === 'string') return path;
  try {
    return UTF8.decode(path);
  } catch {
    return String.fromCharCode(...path);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
