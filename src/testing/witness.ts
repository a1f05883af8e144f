import { deferred, type Deferred } from './deferred.ts';
import { SuiteFailure, type StreamPair } from './suite.ts';

/** A pair that sends a byte there and back: when it has come, what was under way before has come too. */
export class Witness {
  readonly #pair: StreamPair;
  #waiting: Deferred<void> | null = null;

  constructor(pair: StreamPair) {
    this.#pair = pair;
    const lost = (): void =>
      this.#waiting?.reject(new SuiteFailure('the connection for marker exchanges was closed'));
    pair.a.start({ data: () => this.#waiting?.resolve(), close: lost });
    pair.b.start({ data: (chunk) => void pair.b.write(chunk), close: lost });
  }

  async roundTrip(): Promise<void> {
    this.#waiting = deferred();
    this.#pair.a.write(Uint8Array.of(1));
    await this.#waiting.promise;
    this.#waiting = null;
  }
}
