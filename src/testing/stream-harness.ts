import type { Stream } from '../base/provider.ts';
import { CaseScope } from './case-scope.ts';
import { type PairMaker, type PairOptions, type StreamPair, type SuiteOptions } from './suite.ts';

/** The scope of a case about a pair of streams. */
export class StreamHarness extends CaseScope {
  readonly transport: 'tcp' | 'unix';
  readonly #makePair: PairMaker;

  constructor(options: SuiteOptions, transport: 'tcp' | 'unix', makePair: PairMaker) {
    super(options, () => makePair());
    this.transport = transport;
    this.#makePair = makePair;
  }

  /** A fresh pair, watched, and stopped when the case is over. */
  async pair(options?: PairOptions): Promise<{ a: Stream; b: Stream }> {
    const pair: StreamPair = await this.#makePair(options);
    const [a, b] = [this.watch(pair.a), this.watch(pair.b)];
    this.later(() => {
      a.abort();
      b.abort();
      return pair.stop();
    });
    return { a, b };
  }
}
