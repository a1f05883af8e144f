import type { SocketError } from '../base/errors.ts';
import { SuiteFailure, show } from './suite.ts';

/** What the recorder tells of every event that must not be. */
export type Complain = (problem: string) => void;

/** Waits for a condition that only an event can bring about. */
interface Waiter {
  readonly test: () => boolean;
  readonly what: string;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * What the recorders of all kinds of sockets have in common: they write events down, wake those who wait for one, and
 * complain of what no socket may tell.
 */
export abstract class EventRecorder {
  /** The names of the events so far; of what comes often, neighbours are one. */
  readonly log: string[] = [];
  /** `undefined` until `close` was told. */
  closed: SocketError | null | undefined = undefined;
  protected readonly complain: Complain;
  /** `close()` or `abort()` was called. */
  protected isMuted = false;
  readonly #waiters = new Set<Waiter>();
  readonly #inHand: number;
  #isReplaced = false;
  #isTaking = false;
  /** Things that may still come: unlimited unless paused. */
  #allowed = Number.POSITIVE_INFINITY;

  /** @param inHand things that may come after `pause()` unless it was called in taking one */
  constructor(complain: Complain, inHand: 0 | 1) {
    this.complain = complain;
    this.#inHand = inHand;
  }

  get isClosed(): boolean {
    return this.closed !== undefined;
  }

  protected get isPaused(): boolean {
    return Number.isFinite(this.#allowed);
  }

  /** `close()` or `abort()` was called: only the final `close` may follow. */
  mute(): void {
    this.isMuted = true;
  }

  /** `pause()` was called. */
  pause(): void {
    this.#allowed = this.#isTaking ? 0 : this.#inHand;
  }

  resume(): void {
    this.#allowed = Number.POSITIVE_INFINITY;
  }

  /** Another sink has taken this one's place. */
  replace(): void {
    this.#isReplaced = true;
  }

  /** Fulfils when an event has made `test` true. @throws {SuiteFailure} if the socket closes without that */
  until(test: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (test()) resolve();
      else if (this.isClosed) reject(this.#closedBefore(what));
      else this.#waiters.add({ test, what, resolve, reject });
    });
  }

  async untilClose(): Promise<SocketError | null> {
    await this.until(() => this.isClosed, 'the close');
    return this.closed ?? null;
  }

  /** Judges that an event comes at all, and writes it down. */
  protected note(event: string, isFrequent = false): void {
    if (this.isClosed) this.complain(`${event} after close`);
    else if (this.isMuted) this.complain(`${event} after one's own close() or abort()`);
    if (this.#isReplaced) this.complain(`${event} on a sink that was replaced`);
    if (!isFrequent || this.log.at(-1) !== event) this.log.push(event);
  }

  /** Runs the hook for one of the things that pausing holds back. */
  protected take(event: string, hook: () => void): void {
    if (this.#allowed <= 0) this.complain(`${event} while paused`);
    this.#allowed -= 1;
    this.#isTaking = true;
    try {
      this.after(hook);
    } finally {
      this.#isTaking = false;
    }
  }

  protected finish(error: SocketError | null, hook: () => void): void {
    if (this.isClosed) this.complain('a second close');
    if (this.#isReplaced) this.complain('close on a sink that was replaced');
    if (this.isMuted && error !== null)
      this.complain(`close(${show(error)}) after one's own close() or abort()`);
    this.log.push('close');
    this.closed = error;
    this.after(hook);
    for (const waiter of this.#waiters) waiter.reject(this.#closedBefore(waiter.what));
  }

  /** Runs the case's hook, then wakes those whose condition has come true; also if the hook throws. */
  protected after(hook: () => void): void {
    try {
      hook();
    } finally {
      for (const waiter of this.#waiters) {
        if (!waiter.test()) continue;
        this.#waiters.delete(waiter);
        waiter.resolve();
      }
    }
  }

  #closedBefore(what: string): SuiteFailure {
    return new SuiteFailure(`closed with ${show(this.closed)} before: ${what}`);
  }
}
