/** How rules stand to each other, whatever is asked. */
import { coversHost, hostsMeet } from './host-pattern.ts';
import { coversPorts, portsMeet } from './ports.ts';
import type { Rule } from './rule.ts';

/** Whether everything that `inner` is about, `outer` is about too. Their effects are not looked at. */
export function covers(outer: Rule, inner: Rule): boolean {
  return outer.op === inner.op && coversPorts(outer.ports, inner.ports) && coversHost(outer.host, inner.host);
}

/** Whether there may be something that both are about. */
export function meets(a: Rule, b: Rule): boolean {
  return a.op === b.op && portsMeet(a.ports, b.ports) && hostsMeet(a.host, b.host);
}

/**
 * Whether whoever holds `held` holds all of `wanted`: one that allows it all, and none that denies any of it. To deny some
 * addresses denies no name: where the name leads is judged when it is used.
 */
export function implies(held: readonly Rule[], wanted: Rule): boolean {
  if (held.some((rule) => rule.effect === 'deny' && meets(rule, wanted) && !isOfAddresses(rule, wanted)))
    return false;
  return held.some((rule) => rule.effect === 'allow' && covers(rule, wanted));
}

function isOfAddresses(denied: Rule, { host }: Rule): boolean {
  return denied.host.kind === 'network' && (host.kind === 'name' || host.kind === 'domain');
}
