import { matchesRule } from './matcher.ts';
import type { SocketRequest, SocketRule } from './rule.ts';
import { formatRule } from './rule.ts';

/** What a policy answers. */
export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided, in canonical form, where one rule did. */
  readonly rule?: string | undefined;
}

/** Decides what may be done. One that throws has said no. */
export type Policy = (request: SocketRequest) => Decision;

const DENIED: Decision = { allowed: false };

/** Allows what at least one of `rules` allows, and nothing else. */
export function rulesPolicy(rules: readonly SocketRule[]): Policy {
  const own = [...rules];
  return (request) => {
    const rule = own.find((candidate) => matchesRule(candidate, request));
    return rule === undefined ? DENIED : { allowed: true, rule: formatRule(rule) };
  };
}

/** Allows everything. */
export const allowAll: Policy = () => ({ allowed: true });

/** Allows nothing. */
export const denyAll: Policy = () => DENIED;

/** `policy`'s answer, where an exception or an answer that is none is a no. */
export function judge(policy: Policy, request: SocketRequest): Decision {
  try {
    const decision = policy(request) as Decision | undefined;
    return decision?.allowed === true ? decision : { allowed: false, rule: decision?.rule };
  } catch {
    return DENIED;
  }
}
