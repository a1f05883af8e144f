/**
 * The conformance suite of `Stream`: what every byte pipe keeps of the contract in `src/base/provider.ts`, whatever
 * provider made it.
 */
import { makeCases, type CaseRow } from './case-table.ts';
import { runInScope } from './case-scope.ts';
import { CALLBACK_CASES } from './stream-callback-cases.ts';
import { CLOSE_CASES } from './stream-close-cases.ts';
import { CLOSED_CASES } from './stream-closed-cases.ts';
import { HALF_CLOSE_CASES } from './stream-half-close-cases.ts';
import { OPTION_CASES } from './stream-option-cases.ts';
import { PAUSE_CASES } from './stream-pause-cases.ts';
import { PRESSURE_CASES } from './stream-pressure-cases.ts';
import { StreamHarness } from './stream-harness.ts';
import { TRANSFER_CASES } from './stream-transfer-cases.ts';
import {
  requireSuiteOptions,
  TRANSPORT_NEEDS,
  type PairMaker,
  type SuiteCase,
  type SuiteOptions,
  type SuiteTransport,
} from './suite.ts';

export interface StreamSuiteOptions extends SuiteOptions {
  /** What the pairs are made of. */
  readonly transport: SuiteTransport;
}

const STREAM_CASES: readonly CaseRow<StreamHarness>[] = [
  ...TRANSFER_CASES,
  ...PRESSURE_CASES,
  ...PAUSE_CASES,
  ...HALF_CLOSE_CASES,
  ...CLOSE_CASES,
  ...CLOSED_CASES,
  ...CALLBACK_CASES,
  ...OPTION_CASES,
];

/**
 * Cases for a maker of connected pairs. All pairs that are open at one time must share a loop: the round trips of one are
 * the proof that another had nothing more to tell.
 */
export function streamSuite(makePair: PairMaker, options: StreamSuiteOptions): SuiteCase[] {
  requireSuiteOptions(options, 'transport');
  const transport = options.transport.startsWith('unix') ? 'unix' : 'tcp';
  const needs = TRANSPORT_NEEDS[options.transport];
  const setting = { transport, options } as const;
  // A provider may open a descriptor of its own when it is first used, and keep it: that is no leak of a case.
  let warmUp: Promise<void> | null = null;
  return makeCases(`stream over ${options.transport}`, needs, STREAM_CASES, setting, async (body, signal) => {
    warmUp ??= makePair().then((pair) => pair.stop());
    await warmUp;
    await runInScope(options, () => new StreamHarness(options, transport, makePair), body, signal);
  });
}
