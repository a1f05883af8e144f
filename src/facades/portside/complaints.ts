/** What happens to errors that end nothing: they are told, and never lost. */
import { isSocketError } from '../../base/errors.ts';
import type { Platform } from './platform.ts';
import type { WebStreams } from './web-streams.ts';

/**
 * Tells errors to whoever asked for them, in the asynchronous context in which that was, or else as warnings: of socket
 * errors one for each code, so that a peer that keeps failing does not fill the log.
 */
export class Complaints<E, About = void> {
  readonly #listener: ((error: E, about: About) => void) | undefined;
  readonly #warn: (text: string) => void;
  readonly #what: string;
  readonly #told = new Set<string>();

  /** @param what begins the warning: what went wrong */
  constructor(
    platform: Pick<Platform<WebStreams>, 'inContext' | 'warn'>,
    what: string,
    listener: ((error: E, about: About) => void) | undefined,
  ) {
    this.#warn = (text) => {
      platform.warn(text);
    };
    this.#what = what;
    this.#listener = listener === undefined ? undefined : platform.inContext(listener);
  }

  tell(error: E, about: About): void {
    if (this.#listener !== undefined) {
      this.#listener(error, about);
    } else if (!isSocketError(error)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#warn(`${this.#what}: ${text}`);
    } else if (!this.#told.has(error.code)) {
      this.#told.add(error.code);
      this.#warn(`${this.#what}: ${error.message}; set onError to be told of each`);
    }
  }
}
