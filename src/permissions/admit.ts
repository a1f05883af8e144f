/** From a question to an exception: the one place where a policy's no becomes a `DeniedError`. */
import { DeniedError } from '../base/errors.ts';
import { OPS } from './ops.ts';
import type { Decision, Policy } from './policy.ts';
import { plainText } from './plain-text.ts';
import { judge } from './policy.ts';
import type { SocketRequest } from './rule.ts';

/** @throws {DeniedError} the policy says no */
export function admit(policy: Policy, request: SocketRequest): void {
  const decision = judge(policy, request);
  if (!decision.allowed) throw denial(request, decision);
}

/** @param cause why nobody could be asked, if that is why */
export function denial(request: SocketRequest, { rule }: Decision, cause?: unknown): DeniedError {
  const { action } = OPS[request.op];
  const why = rule === undefined ? '' : `, by the rule ${plainText(JSON.stringify(rule))}`;
  return new DeniedError(request, `${wordRequest(request)} is not permitted${why}`, {
    op: action,
    ...(rule === undefined ? {} : { rule }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function wordRequest(request: SocketRequest): string {
  const { op, port, address } = request;
  const host = plainText(request.host);
  switch (OPS[op].subject) {
    case 'address': {
      const leads = address === undefined || address.host === host ? '' : ` (${address.host})`;
      return `${op} ${host}:${String(port)}${leads}`;
    }
    case 'path':
      return `${op} ${plainText(JSON.stringify(request.host))}`;
    case 'host':
    case 'protocol':
      return `${op} ${host}`;
    case 'none':
      return op;
  }
}

/**
 * A Unix path as it is judged. Bytes that are no UTF-8 are halves of surrogate pairs, one each, which no path that is given
 * as text can have: no two paths are one text.
 */
export function pathText(path: string | Uint8Array): string {
  if (typeof path === 'string') return path;
  try {
    return UTF8.decode(path);
  } catch {
    return String.fromCharCode(...Array.from(path, (byte) => (byte < 0x80 ? byte : 0xdc00 + byte)));
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
