/** Makes providers that break the contract, and finds out which cases notice. */
import { setImmediate } from 'node:timers/promises';
import { ManualSignal } from '../manual-signal.ts';
import type { SuiteCase } from '../suite.ts';

/** Members that are to be replaced, by whatever. */
export type Overrides<T> = Partial<Record<keyof T, unknown>>;

/** `target` with some of its members replaced. */
export function altered<T extends object>(target: T, overrides: Overrides<T>): T {
  return new Proxy(target, {
    get: (object, key) => {
      const value: unknown =
        key in overrides ? Reflect.get(overrides, key) : Reflect.get(object, key, object);
      return typeof value === 'function' ? (value.bind(object) as unknown) : value;
    },
    set: (object, key, value) => Reflect.set(object, key, value, object),
  });
}

/**
 * Runs a case over a provider in memory, where all that can happen happens in microtasks: what has not settled when they
 * have run never will.
 */
async function outcome(each: SuiteCase): Promise<'failed' | 'hung' | 'passed'> {
  const signal = new ManualSignal();
  let result: 'failed' | 'hung' | 'passed' = 'hung';
  const settled = each.run(signal).then(
    () => {
      result = 'passed';
    },
    () => {
      result = 'failed';
    },
  );
  for (let i = 0; i < 3; i++) await setImmediate();
  const answer = result;
  signal.abort();
  await settled;
  return answer;
}

/** The names of the cases that do not pass. */
export async function caughtBy(cases: readonly SuiteCase[]): Promise<string[]> {
  const names: string[] = [];
  for (const each of cases) if ((await outcome(each)) !== 'passed') names.push(each.name);
  return names;
}
