import type { AbortSignalLike } from '../base/abort.ts';
import { isLocalhost } from './host-pattern.ts';
import type { Asked } from './matcher.ts';
import { dependsOnAddress, forbids, matchesAsked, readRequest } from './matcher.ts';
import { classOf } from './networks.ts';
import { OPS } from './ops.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatRule } from './rule.ts';
import { RuleIndex } from './rule-index.ts';

/** What a policy answers. */
export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided, in canonical form, where one rule did. */
  readonly rule?: string | undefined;
  /** A no to a name only: with the addresses that it is resolved to, each may be asked about again. */
  readonly dependsOnAddress?: boolean | undefined;
  /** A no to an address because of where it is: a yes to its name does not change it. */
  readonly isInside?: boolean | undefined;
}

/** Decides what may be done. One that throws has said no. */
export type Decide = (request: SocketRequest) => Decision;

/** A policy of which more can be asked than a decision. */
export interface LivePolicy {
  readonly decide: Decide;
  /**
   * Asks whoever may say yes, where `decide` has said no to a call that can wait; what is sent from a socket that is bound
   * already cannot. Fulfils with what was said, which holds for this call alone; what is to hold longer `decide` knows.
   */
  ask?(request: SocketRequest, signal: AbortSignalLike | undefined): Promise<boolean>;
  /** Has `listener` told whenever a yes may have become a no. @returns ends that */
  onRevoked?(listener: () => void): () => void;
}

export type Policy = Decide | LivePolicy;

export interface RulesPolicyOptions {
  /**
   * Whether rules that name no addresses also allow those that are not the internet's: this machine, its networks, and
   * multicast groups. `'yes'` (default): they do. `'by-address'`: only a rule for a network allows those, or one for
   * `localhost`, so that nobody who answers for a name can lead inside.
   */
  readonly local?: 'by-address' | 'yes' | undefined;
}

const DENIED: Decision = { allowed: false };
const DENIED_INSIDE: Decision = { allowed: false, isInside: true };
const DEPENDS: Decision = { allowed: false, dependsOnAddress: true };

interface Told {
  readonly rule: Rule;
  readonly place: number;
  readonly decision: Decision;
}

type Lists = ReadonlyMap<string, RuleIndex<Told>>;

/** One index for each op, so that a decision looks at no rule of another. */
function byOp(rules: readonly Rule[], effect: Rule['effect']): Lists {
  const lists = new Map<string, Told[]>();
  for (const [place, rule] of rules.entries()) {
    if (rule.effect !== effect) continue;
    const told = { rule, place, decision: { allowed: effect === 'allow', rule: formatRule(rule) } };
    const list = lists.get(rule.op);
    if (list === undefined) lists.set(rule.op, [told]);
    else list.push(told);
  }
  return new Map([...lists].map(([op, list]) => [op, new RuleIndex(list)]));
}

/** Whether only a rule about addresses can allow this. One's own addresses lead nowhere. */
function isInside({ request, forms }: Asked, local: RulesPolicyOptions['local']): boolean {
  if (local !== 'by-address' || forms === undefined) return false;
  const { subject, isOwn } = OPS[request.op];
  return subject === 'address' && !isOwn && forms.some((form) => classOf(form) !== 'public');
}

function reachesInside({ host }: Rule): boolean {
  return host.kind === 'network' || isLocalhost(host);
}

/**
 * Allows what at least one of `rules` allows and none denies, and nothing else. Of a name, the name is judged first: what it
 * is resolved to is to be asked about with `address`, and is refused if that is denied.
 */
export function rulesPolicy(rules: readonly Rule[], options: RulesPolicyOptions = {}): Decide {
  const denies = byOp(rules, 'deny');
  const allows = byOp(rules, 'allow');
  const { local } = options;
  const matchesInside = (rule: Rule, asked: Asked): boolean =>
    reachesInside(rule) && matchesAsked(rule, asked);
  return (request) => {
    const asked = readRequest(request);
    const denied = denies.get(request.op)?.find(asked, forbids);
    if (denied !== undefined) return denied.decision;
    const own = allows.get(request.op);
    const inside = isInside(asked, local);
    const allowed = own?.find(asked, inside ? matchesInside : matchesAsked);
    if (allowed !== undefined) return allowed.decision;
    if (inside) return DENIED_INSIDE;
    return own?.all.some(({ rule }) => dependsOnAddress(rule, asked)) === true ? DEPENDS : DENIED;
  };
}

/** Allows everything. */
export const allowAll: Decide = () => ({ allowed: true });

/** Allows nothing. */
export const denyAll: Decide = () => DENIED;

/** `policy`'s answer, where an exception or an answer that is none is a no. */
export function judge(policy: Policy, request: SocketRequest): Decision {
  try {
    const decide = typeof policy === 'function' ? policy : policy.decide;
    const decision = decide(request) as Decision | undefined;
    if (decision?.allowed === true) return decision;
    return {
      allowed: false,
      rule: decision?.rule,
      ...(decision?.dependsOnAddress === true && { dependsOnAddress: true }),
      ...(decision?.isInside === true && { isInside: true }),
    };
  } catch {
    return DENIED;
  }
}
