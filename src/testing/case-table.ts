/** Suites are tables: one row a case. */
import { onAbort, type AbortSignalLike } from '../base/abort.ts';
import type { Capability } from '../base/provider.ts';
import type { PromiseId } from './promises.ts';
import { SuiteFailure, type SuiteCase, type SuiteOptions, type SuiteTransport } from './suite.ts';

/** A case before its suite knows what it runs over. `H` is what its function is given. */
export interface CaseRow<H, S = CaseSetting> {
  readonly name: string;
  readonly promises: readonly PromiseId[];
  readonly needs?: readonly Capability[];
  /** Leaves the case out where it cannot mean anything. */
  readonly when?: (about: S) => boolean;
  readonly run: (harness: H) => Promise<void>;
}

/** What decides whether a row becomes a case. */
export interface CaseSetting {
  readonly transport: 'tcp' | 'unix';
  readonly options: SuiteOptions & { readonly transport: SuiteTransport };
}

export const onTcp = (about: CaseSetting): boolean => about.transport === 'tcp';
export const onUnix = (about: CaseSetting): boolean => about.transport === 'unix';

/** Makes the cases of a table. @param prefix goes before every name, such as `stream over ipv4` */
export function makeCases<H, S = CaseSetting>(
  prefix: string,
  needs: readonly Capability[],
  rows: readonly CaseRow<H, S>[],
  setting: S,
  run: (body: (harness: H) => Promise<void>, signal: AbortSignalLike | undefined) => Promise<void>,
): SuiteCase[] {
  return rows
    .filter((row) => row.when?.(setting) ?? true)
    .map((row) => ({
      name: `${prefix} ${row.name}`,
      needs: [...new Set([...needs, ...(row.needs ?? [])])],
      promises: row.promises,
      run: (signal) => impatient(run(row.run, signal), signal),
    }));
}

/** Also what comes before a case's scope is made may hang. */
function impatient(work: Promise<void>, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = onAbort(signal, () => {
      // The scope of the case, if it has one, hears of the signal too, and knows more: it goes first.
      void Promise.resolve().then(() => {
        reject(new SuiteFailure('the runner gave the case up before it began'));
      });
    });
    work.then(resolve, reject).finally(off);
  });
}
