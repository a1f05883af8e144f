import type { SocketError } from '../base/errors.ts';
import type { StreamSink } from '../base/provider.ts';
import { EventRecorder, type Complain } from './event-recorder.ts';
import { concatBytes, patternMismatch } from './pattern.ts';
import { check, show } from './suite.ts';

/** What a case wants done inside the callbacks, after they were written down. */
export interface StreamHooks {
  data?(chunk: Uint8Array): void;
  end?(): void;
  drain?(): void;
  close?(error: SocketError | null): void;
}

/**
 * Writes down all that a stream tells, and complains of what no stream may tell: an empty chunk, a byte after the end, a
 * second close, an event after `close()`, data while paused.
 */
export class StreamRecorder extends EventRecorder implements StreamSink {
  readonly chunks: Uint8Array[] = [];
  received = 0;
  drains = 0;
  readonly #hooks: StreamHooks;
  #isView = false;

  constructor(complain: Complain, hooks: StreamHooks = {}) {
    super(complain, 1);
    this.#hooks = hooks;
  }

  /** With what it closed; `undefined` until then. */
  get error(): SocketError | null | undefined {
    return this.closed;
  }

  get isEnded(): boolean {
    return this.log.includes('end');
  }

  /** The reader asked for views: each is copied, since it is valid only during the call. */
  expectViews(): void {
    this.#isView = true;
  }

  data(chunk: Uint8Array): void {
    this.note('data', true);
    if (chunk.length === 0) this.complain('an empty chunk');
    if (!(chunk instanceof Uint8Array)) this.complain(`a chunk that is no Uint8Array: ${show(chunk)}`);
    if (!this.#isView && chunk.buffer.byteLength !== chunk.byteLength)
      this.complain('an owned chunk in a larger ArrayBuffer');
    if (this.isEnded) this.complain('data after end');
    this.chunks.push(this.#isView ? chunk.slice() : chunk);
    this.received += chunk.length;
    this.take('data', () => this.#hooks.data?.(chunk));
  }

  end(): void {
    if (this.isEnded) this.complain('a second end');
    if (this.isPaused) this.complain('end while paused');
    this.note('end');
    this.after(() => this.#hooks.end?.());
  }

  drain(): void {
    this.note('drain');
    this.drains += 1;
    this.after(() => this.#hooks.drain?.());
  }

  close(error: SocketError | null): void {
    if (this.isPaused && error !== null) this.complain('an error while paused');
    this.finish(error, () => this.#hooks.close?.(error));
  }

  untilBytes(count: number): Promise<void> {
    return this.until(() => this.received >= count, `${String(count)} bytes read`);
  }

  untilEnd(): Promise<void> {
    return this.until(() => this.isEnded, 'the end');
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
}
