import type { AbortSignalLike } from './abort.ts';
import { ClosedError } from './errors.ts';

/** Aborts one asynchronous call. The platform's AbortController is not used: this folder needs no platform. */
export class Canceller implements AbortSignalLike {
  aborted = false;
  reason: unknown = undefined;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  cancel(reason: unknown = new ClosedError()): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
