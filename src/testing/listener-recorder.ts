import type { SocketError } from '../base/errors.ts';
import type { ListenerSink, Stream } from '../base/provider.ts';
import { SuiteFailure, show } from './suite.ts';
import type { Complain } from './stream-recorder.ts';

export interface ListenerHooks<S = Stream> {
  accept?(socket: S): void;
  error?(error: SocketError): void;
  close?(error: SocketError | null): void;
}

/** Writes down all that a listener tells, and complains of what no listener may tell. */
export class ListenerRecorder<S = Stream> implements ListenerSink<S> {
  readonly streams: S[] = [];
  readonly errors: SocketError[] = [];
  /** `undefined` until `close` was told. */
  closed: SocketError | null | undefined = undefined;
  readonly #complain: Complain;
  readonly #watch: (socket: S) => S;
  readonly #hooks: ListenerHooks<S>;
  readonly #waiters = new Set<{
    test: () => boolean;
    what: string;
    resolve(): void;
    reject(error: Error): void;
  }>();
  #isMuted = false;
  #isPaused = false;
  #isReplaced = false;

  constructor(complain: Complain, watch: (socket: S) => S, hooks: ListenerHooks<S> = {}) {
    this.#complain = complain;
    this.#watch = watch;
    this.#hooks = hooks;
  }

  mute(): void {
    this.#isMuted = true;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  replace(): void {
    this.#isReplaced = true;
  }

  accept(raw: S): void {
    this.#note('accept');
    const stream = this.#watch(raw);
    this.streams.push(stream);
    this.#after(() => this.#hooks.accept?.(stream));
  }

  error(error: SocketError): void {
    this.#note('error');
    this.errors.push(error);
    this.#after(() => this.#hooks.error?.(error));
  }

  close(error: SocketError | null): void {
    if (this.closed !== undefined) this.#complain('a second close of a listener');
    if (this.#isReplaced) this.#complain('close on a sink that was replaced');
    this.closed = error;
    this.#after(() => this.#hooks.close?.(error));
    for (const waiter of this.#waiters)
      waiter.reject(new SuiteFailure(`listener closed before: ${waiter.what}`));
  }

  /** Fulfils when an event has made `test` true. @throws {SuiteFailure} if the listener closes without that */
  until(test: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (test()) resolve();
      else if (this.closed !== undefined)
        reject(new SuiteFailure(`listener closed with ${show(this.closed)} before: ${what}`));
      else this.#waiters.add({ test, what, resolve, reject });
    });
  }

  /** The socket accepted as number `index`, when it has come. */
  async stream(index = 0): Promise<S> {
    await this.until(() => this.streams.length > index, `connection ${String(index)} accepted`);
    const stream = this.streams[index];
    if (stream === undefined) throw new SuiteFailure('no such stream');
    return stream;
  }

  async untilClose(): Promise<SocketError | null> {
    await this.until(() => this.closed !== undefined, 'the close');
    return this.closed ?? null;
  }

  #note(event: string): void {
    if (this.closed !== undefined) this.#complain(`${event} after a listener's close`);
    else if (this.#isMuted) this.#complain(`${event} after a listener's close()`);
    if (this.#isPaused) this.#complain(`${event} while the listener is paused`);
    if (this.#isReplaced) this.#complain(`${event} on a sink that was replaced`);
  }

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
