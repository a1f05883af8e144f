import type { SocketError } from '../base/errors.ts';
import type { ListenerSink, Stream } from '../base/provider.ts';
import { EventRecorder, type Complain } from './event-recorder.ts';
import { SuiteFailure } from './suite.ts';

export interface ListenerHooks<S = Stream> {
  accept?(socket: S): void;
  error?(error: SocketError): void;
  close?(error: SocketError | null): void;
}

/** Writes down all that a listener tells, and complains of what no listener may tell. */
export class ListenerRecorder<S = Stream> extends EventRecorder implements ListenerSink<S> {
  readonly streams: S[] = [];
  readonly errors: SocketError[] = [];
  readonly #watch: (socket: S) => S;
  readonly #hooks: ListenerHooks<S>;

  constructor(complain: Complain, watch: (socket: S) => S, hooks: ListenerHooks<S> = {}) {
    super(complain, 0);
    this.#watch = watch;
    this.#hooks = hooks;
  }

  accept(raw: S): void {
    this.note('accept', true);
    const stream = this.#watch(raw);
    this.streams.push(stream);
    this.take('accept', () => this.#hooks.accept?.(stream));
  }

  error(error: SocketError): void {
    this.note('error');
    if (this.isPaused) this.complain('error while paused');
    this.errors.push(error);
    this.after(() => this.#hooks.error?.(error));
  }

  close(error: SocketError | null): void {
    this.finish(error, () => this.#hooks.close?.(error));
  }

  /** The socket accepted as number `index`, when it has come. */
  async stream(index = 0): Promise<S> {
    await this.until(() => this.streams.length > index, `connection ${String(index)} accepted`);
    const stream = this.streams[index];
    if (stream === undefined) throw new SuiteFailure('no such stream');
    return stream;
  }
}
