import type { Stream } from '../base/provider.ts';
import { CaseScope } from './case-scope.ts';
import { patternBytes } from './pattern.ts';
import {
  SuiteFailure,
  type PairMaker,
  type PairOptions,
  type StreamPair,
  type SuiteOptions,
} from './suite.ts';

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

  /**
   * Writes the pattern until nothing more goes out although there was time: the peer does not read, and all buffers
   * between are full.
   *
   * @param from a stream that was started with `recorder`
   * @returns how many bytes were written in all
   */
  async clog(
    from: Stream,
    recorder: { readonly drains: number },
    chunk: number = 16 * 1024,
  ): Promise<number> {
    let written = 0;
    for (let i = 0; i < 4096; i++) {
      const drains = recorder.drains;
      let isBelow = true;
      while (isBelow) {
        isBelow = from.write(
          patternBytes(chunk, written),
          this.done(`done of clogging write at ${String(written)}`),
        );
        written += chunk;
      }
      await this.quiet();
      if (recorder.drains === drains) return written;
    }
    throw new SuiteFailure('a peer that does not read took 64 MiB and more');
  }
}
