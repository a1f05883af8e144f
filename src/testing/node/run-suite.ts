/** Gives the cases of a suite to `node:test`. */
import test from 'node:test';
import type { Capability } from '../../base/provider.ts';
import { requireKnown, requireObject } from '../../base/rules.ts';
import type { SuiteCase } from '../suite.ts';

export interface RunOptions {
  /** Cases that are left out, by a part of their name, each with the reason that the report gives. */
  readonly skip?: readonly (readonly [part: string, reason: string])[] | undefined;
  /** Milliseconds after which a case that has not settled is reported as failed. Default 30,000. */
  readonly timeout?: number | undefined;
}

const RUN: Readonly<Record<keyof RunOptions, true>> = { skip: true, timeout: true };

/** Makes a test of each case. What `capabilities` lacks is skipped, and the report says why. */
export function runSuite(
  cases: readonly SuiteCase[],
  capabilities: ReadonlySet<Capability>,
  options: RunOptions = {},
): void {
  requireKnown(requireObject(options, 'options'), RUN);
  for (const each of cases) {
    const missing = each.needs.filter((need) => !capabilities.has(need));
    const lacks = missing.length === 0 ? undefined : `the provider lacks ${missing.join(', ')}`;
    const skip = lacks ?? options.skip?.find(([part]) => each.name.includes(part))?.[1] ?? false;
    test(each.name, { skip }, () => runPatiently(each, options.timeout ?? 30_000));
  }
}

/**
 * Gives a case up when it hangs. The timer is a limit, not a wait; it also keeps the process alive, for `node:test` ends
 * the whole file when a case waits for something that will never come.
 */
async function runPatiently(each: SuiteCase, timeout: number): Promise<void> {
  const patience = new AbortController();
  // eslint-disable-next-line no-restricted-globals -- a limit, not a wait
  const timer = setTimeout(() => {
    patience.abort();
  }, timeout);
  try {
    await each.run(patience.signal);
  } finally {
    clearTimeout(timer);
  }
}
