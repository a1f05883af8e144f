/** From a question to an exception: the one place where a policy's no becomes a `DeniedError`. */
import { DeniedError } from '../base/errors.ts';
import type { Policy } from './policy.ts';
import { judge } from './policy.ts';
import type { SocketOp, SocketRequest } from './rule.ts';

const ACTIONS: Readonly<Partial<Record<SocketOp, string>>> = {
  'tcp-connect': 'connect',
  'tcp-listen': 'listen',
  'udp-bind': 'bind',
  'udp-multicast-membership': 'join',
  'udp-send-to': 'send',
  'unix-connect': 'connect',
  'unix-listen': 'listen',
};

/** @throws {DeniedError} the policy says no */
export function admit(policy: Policy, request: SocketRequest): void {
  const decision = judge(policy, request);
  if (decision.allowed) return;
  const where = request.op.startsWith('unix')
    ? JSON.stringify(request.host)
    : `${request.host}:${String(request.port)}`;
  throw new DeniedError(request, `${request.op} ${where} is not permitted`, {
    op: ACTIONS[request.op],
    ...(decision.rule === undefined ? {} : { rule: decision.rule }),
  });
}

/** A Unix path as it is judged: of bytes, one character each. */
export function pathText(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : String.fromCharCode(...path);
}
