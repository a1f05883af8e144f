/** What was never closed: found when it is collected, closed then, and told of once each. */
import { integer } from '../base/rules.ts';
import type { Rule } from '../base/rules.ts';
import { getSpace } from './space.ts';

interface Left {
  readonly what: string;
  readonly id: number;
  /** Where it was made, if `NODE_DEBUG` has `portside` in it. */
  readonly stack: string | undefined;
}

const wantsStacks = /\bportside\b/i.test(process.env['NODE_DEBUG'] ?? '');

const registry = new FinalizationRegistry<Left>(({ what, id, stack }) => {
  const { native } = getSpace();
  const fd = native.descriptor(id);
  if (fd < 0) return;
  native.close(id);
  const advice =
    stack === undefined ? 'NODE_DEBUG=portside shows where it was made' : `it was made here:\n${stack}`;
  process.emitWarning(`${what} ${String(fd)} was collected while open, and closed; ${advice}`, {
    type: 'PortsideLeakWarning',
    code: 'PORTSIDE_LEAK',
  });
});

/** What looks like an id: collecting an object that was made with anything else must not throw. */
export const anyId: Rule<number> = integer(0, Number.MAX_SAFE_INTEGER);

/** Closes `id` should `owner` be collected. @param what it is called in the warning: `a socket` */
export function expectClose(owner: object, what: string, id: number): void {
  const stack = wantsStacks ? new Error(what).stack?.split('\n').slice(2).join('\n') : undefined;
  registry.register(owner, { what, id, stack }, owner);
}

/** It is closed, or somebody else's now. */
export function forgetClose(owner: object): void {
  registry.unregister(owner);
}
