import type { SocketError } from '../base/errors.ts';
import type { StreamSink } from '../base/provider.ts';
import { concatBytes, patternMismatch } from './pattern.ts';
import { SuiteFailure, check, show } from './suite.ts';

/** What a case wants done inside the callbacks, after they were written down. */
export interface StreamHooks {
  data?(chunk: Uint8Array): void;
  end?(): void;
  drain?(): void;
  close?(error: SocketError | null): void;
}

/** Waits for a condition that only an event can bring about. */
interface Waiter {
  readonly test: () => boolean;
  readonly what: string;
  resolve(): void;
  reject(error: Error): void;
}

/** What the recorder tells of every event that must not be. */
export type Complain = (problem: string) => void;

/**
 * Writes down all that a stream tells, and complains of what no stream may tell: an empty chunk, a byte after the end, a
 * second close, an event after `close()`, data while paused.
 */
export class StreamRecorder implements StreamSink {
  /** The names of the events so far; neighbouring `data` are one. */
  readonly log: string[] = [];
  readonly chunks: Uint8Array[] = [];
  received = 0;
  drains = 0;
  /** `undefined` until `close` was told. */
  error: SocketError | null | undefined = undefined;
  readonly #complain: Complain;
  readonly #hooks: StreamHooks;
  readonly #waiters = new Set<Waiter>();
  #isView = false;
  #isMuted = false;
  #isReplaced = false;
  #isInData = false;
  /** Chunks that may still come: unlimited unless paused. */
  #allowed = Number.POSITIVE_INFINITY;

  constructor(complain: Complain, hooks: StreamHooks = {}) {
    this.#complain = complain;
    this.#hooks = hooks;
  }

  get isClosed(): boolean {
    return this.error !== undefined;
  }

  get isEnded(): boolean {
    return this.log.includes('end');
  }

  /** The reader asked for views: each is copied, since it is valid only during the call. */
  expectViews(): void {
    this.#isView = true;
  }

  /** `close()` or `abort()` was called: only the final `close` may follow. */
  mute(): void {
    this.#isMuted = true;
  }

  /** `pause()` was called: at most the chunk in hand may follow. */
  pause(): void {
    this.#allowed = this.#isInData ? 0 : 1;
  }

  resume(): void {
    this.#allowed = Number.POSITIVE_INFINITY;
  }

  /** Another sink has taken this one's place. */
  replace(): void {
    this.#isReplaced = true;
  }

  data(chunk: Uint8Array): void {
    this.#note('data');
    if (chunk.length === 0) this.#complain('an empty chunk');
    if (!(chunk instanceof Uint8Array)) this.#complain(`a chunk that is no Uint8Array: ${show(chunk)}`);
    if (!this.#isView && chunk.buffer.byteLength !== chunk.byteLength)
      this.#complain('an owned chunk in a larger ArrayBuffer');
    if (this.isEnded) this.#complain('data after end');
    if (this.#allowed <= 0) this.#complain('data while paused');
    this.#allowed -= 1;
    this.chunks.push(this.#isView ? chunk.slice() : chunk);
    this.received += chunk.length;
    this.#isInData = true;
    try {
      this.#after(() => this.#hooks.data?.(chunk));
    } finally {
      this.#isInData = false;
    }
  }

  end(): void {
    if (this.isEnded) this.#complain('a second end');
    if (Number.isFinite(this.#allowed)) this.#complain('end while paused');
    this.#note('end');
    this.#after(() => this.#hooks.end?.());
  }

  drain(): void {
    this.#note('drain');
    this.drains += 1;
    this.#after(() => this.#hooks.drain?.());
  }

  close(error: SocketError | null): void {
    if (this.isClosed) this.#complain('a second close');
    if (this.#isReplaced) this.#complain('close on a sink that was replaced');
    if (Number.isFinite(this.#allowed) && error !== null) this.#complain('an error while paused');
    if (this.#isMuted && error !== null)
      this.#complain(`close(${show(error)}) after one's own close() or abort()`);
    this.log.push('close');
    this.error = error;
    this.#after(() => this.#hooks.close?.(error));
    for (const waiter of this.#waiters)
      waiter.reject(new SuiteFailure(`closed with ${show(error)} before: ${waiter.what}`));
  }

  /** Fulfils when an event has made `test` true. @throws {SuiteFailure} if the stream closes without that */
  until(test: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (test()) resolve();
      else if (this.isClosed) reject(new SuiteFailure(`closed with ${show(this.error)} before: ${what}`));
      else this.#waiters.add({ test, what, resolve, reject });
    });
  }

  untilBytes(count: number): Promise<void> {
    return this.until(() => this.received >= count, `${String(count)} bytes read`);
  }

  untilEnd(): Promise<void> {
    return this.until(() => this.isEnded, 'the end');
  }

  async untilClose(): Promise<SocketError | null> {
    await this.until(() => this.isClosed, 'the close');
    return this.error ?? null;
  }

  /** All bytes so far, as ASCII text. */
  text(): string {
    return String.fromCharCode(...concatBytes(this.chunks));
  }

  /** @throws {SuiteFailure} unless exactly the pattern's `length` bytes from `offset` on were read */
  checkPattern(length: number, offset = 0): void {
    let at = offset;
    for (const chunk of this.chunks) {
      const wrong = patternMismatch(chunk, at);
      check(wrong < 0, `byte ${String(wrong)} of ${String(length)} is wrong`);
      at += chunk.length;
    }
    check(at - offset === length, `read ${String(at - offset)} bytes instead of ${String(length)}`);
  }

  #note(event: string): void {
    if (this.isClosed) this.#complain(`${event} after close`);
    else if (this.#isMuted) this.#complain(`${event} after one's own close() or abort()`);
    if (this.#isReplaced) this.#complain(`${event} on a sink that was replaced`);
    if (event !== 'data' || this.log.at(-1) !== 'data') this.log.push(event);
  }

  /** Runs the case's hook, then wakes those whose condition has come true; also if the hook throws. */
  #after(hook: () => void): void {
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
}
