/**
 * Pull over push: a stream's events as answers to `read()`. Written once, for every facade and every program that would
 * rather ask for bytes than be called with them.
 */
import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';
import type { ErrorDetails, SocketError } from './errors.ts';
import { BusyError, ClosedError, SystemError } from './errors.ts';
import type { Deadline, Stream, StreamSink } from './provider.ts';
import { MAX_READ_SIZE } from './provider.ts';
import { integer, oneOf, optional, readWith, requireObject, withDefault } from './rules.ts';
import type { Rules } from './rules.ts';
import { validateDeadline } from './validate.ts';

export interface ReaderOptions {
  /** Most bytes that are kept unread. Default 256 KiB. */
  readonly highWaterMark?: number | undefined;
  /** Whether a `read` while another waits is refused with `BusyError` (`one`, the default) or waits its turn (`queue`). */
  readonly pending?: 'one' | 'queue' | undefined;
  /** Needed only for reads with a timeout. */
  readonly clock?: Clock | undefined;
}

/** Reads a stream piece by piece. Iterating reads to the end; leaving the loop early leaves the stream open. */
export interface StreamReader extends AsyncIterable<Uint8Array> {
  /** Bytes that have arrived and not yet been read. */
  readonly bufferedAmount: number;

  /**
   * The next bytes, as soon as there are any; `null` once the peer has sent its FIN and everything before it is read.
   * The chunk is the caller's, with an ArrayBuffer of exactly its size.
   *
   * A read that ends by its deadline takes nothing: the bytes are the next read's.
   *
   * @param maxBytes most bytes to answer with; the rest is kept. Default: whatever came in one piece
   * @throws {ClosedError} the stream was closed by its owner
   * @throws {BrokenError} the connection broke; what arrived before is read first
   * @throws {BusyError} another read waits, unless `pending` is `queue`
   * @throws {SystemError} `ETIMEDOUT`
   * @throws the signal's reason, if it aborts first
   */
  read(maxBytes?: number, deadline?: Deadline): Promise<Uint8Array | null>;
}

const DEFAULT_READER_MARK = 256 * 1024;
const MAX_BYTES = 2 ** 32 - 1;

interface ReaderPlan {
  readonly highWaterMark: number;
  readonly pending: 'one' | 'queue';
  readonly clock: Clock | undefined;
}

const READER: Rules<ReaderPlan> = {
  highWaterMark: withDefault(integer(1, MAX_BYTES), DEFAULT_READER_MARK),
  pending: withDefault(oneOf('one', 'queue'), 'one'),
  clock: optional((value, name) => requireObject(value, name) as Clock),
};

const maxBytesRule = withDefault(integer(1, MAX_BYTES), Infinity);

/** A `read` that waits for bytes. */
interface Waiting {
  readonly maxBytes: number;
  settle(answer: Uint8Array | null): void;
  fail(error: unknown): void;
}

/** How reading ended: at the peer's FIN, or with the error that every further read gets. */
type Ending = 'fin' | SocketError;

class PullReader implements StreamReader, StreamSink {
  readonly #stream: Stream;
  readonly #plan: ReaderPlan;
  /** The most that one more chunk can add to what is kept. */
  readonly #readSize: number;
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are read already. */
  #offset = 0;
  #buffered = 0;
  readonly #waiting: Waiting[] = [];
  #ending: Ending | undefined;
  #isHolding = false;

  constructor(stream: Stream, plan: ReaderPlan) {
    this.#stream = stream;
    this.#plan = plan;
    this.#readSize = Math.min(MAX_READ_SIZE, plan.highWaterMark);
  }

  start(): void {
    this.#stream.start(this, { readSize: this.#readSize, chunks: 'owned' });
  }

  get bufferedAmount(): number {
    return this.#buffered;
  }

  async read(maxBytes?: number, deadline?: Deadline): Promise<Uint8Array | null> {
    const most = maxBytesRule(maxBytes, 'maxBytes');
    const { signal, timeout } = validateDeadline(deadline);
    if (timeout !== undefined && this.#plan.clock === undefined) {
      throw new TypeError('timeout: this reader was made without a clock');
    }
    if (signal?.aborted === true) throw signal.reason;
    if (this.#waiting.length > 0) {
      if (this.#plan.pending === 'one') throw new BusyError(this.#details());
    } else if (this.#buffered > 0) {
      return this.#take(most);
    } else if (this.#ending !== undefined) {
      return this.#answerEnding(this.#ending);
    }
    return this.#wait(most, signal, timeout);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk;
  }

  data(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (let next = this.#waiting[0]; next !== undefined && this.#buffered > 0; next = this.#waiting[0]) {
      next.settle(this.#takeBytes(next.maxBytes));
    }
    this.#hold();
  }

  end(): void {
    this.#finish('fin');
  }

  /**
   * After a FIN the answer stays `null`, however the stream closed then. Without one, a close by the owner drops what
   * is unread, as `Stream.close` says; a broken connection does not.
   */
  close(error: SocketError | null): void {
    if (this.#ending !== undefined) return;
    if (error === null) this.#drop();
    this.#finish(error ?? new ClosedError(this.#details()));
  }

  #finish(ending: Ending): void {
    this.#ending = ending;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (ending === 'fin') next.settle(null);
      else next.fail(ending);
    }
  }

  #answerEnding(ending: Ending): null {
    if (ending === 'fin') return null;
    throw ending;
  }

  #drop(): void {
    this.#chunks.length = 0;
    this.#offset = 0;
    this.#buffered = 0;
  }

  /** Every way out of waiting takes the read off the queue first, so it is left by one of them only. */
  #wait(
    maxBytes: number,
    signal: Deadline['signal'],
    timeout: number | undefined,
  ): Promise<Uint8Array | null> {
    return new Promise((resolve, reject) => {
      const cleanups: (() => void)[] = [];
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        for (const cleanup of cleanups) cleanup();
      };
      const waiting: Waiting = {
        maxBytes,
        settle: (answer) => {
          leave();
          resolve(answer);
        },
        fail: (error) => {
          leave();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason may be anything
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      cleanups.push(
        onAbort(signal, () => {
          waiting.fail(signal?.reason);
        }),
      );
      const { clock } = this.#plan;
      if (timeout === undefined || clock === undefined) return;
      cleanups.push(
        clock.setTimer(timeout, () => {
          waiting.fail(new SystemError('ETIMEDOUT', this.#details()));
        }),
      );
    });
  }

  #take(maxBytes: number): Uint8Array {
    const bytes = this.#takeBytes(maxBytes);
    this.#release();
    return bytes;
  }

  /** A chunk that is wanted whole is handed on as it is; a part is copied, so that each has a buffer of its own size. */
  #takeBytes(maxBytes: number): Uint8Array {
    const chunk = this.#chunks[0] ?? new Uint8Array(0);
    const end = Math.min(chunk.length, this.#offset + maxBytes);
    const bytes = this.#offset === 0 && end === chunk.length ? chunk : chunk.slice(this.#offset, end);
    this.#buffered -= bytes.length;
    this.#offset = end;
    if (end === chunk.length) {
      this.#chunks.shift();
      this.#offset = 0;
    }
    return bytes;
  }

  get #hasRoom(): boolean {
    return this.#buffered + this.#readSize <= this.#plan.highWaterMark;
  }

  #hold(): void {
    if (this.#isHolding || this.#hasRoom) return;
    this.#isHolding = true;
    this.#stream.pause();
  }

  /** @throws {ClosedError} the owner has closed the stream, which has not told so yet */
  #release(): void {
    if (!this.#isHolding || !this.#hasRoom || this.#ending !== undefined) return;
    this.#isHolding = false;
    this.#stream.resume();
  }

  #details(): ErrorDetails {
    const { transport, local, remote } = this.#stream;
    return { op: 'read', transport, local, remote };
  }
}

/**
 * Starts a stream and reads it piece by piece. The stream must not have been started, and its `pause` and `resume` are
 * the reader's from now on: it holds the stream back while `highWaterMark` bytes are unread. Writing and closing stay
 * with the stream.
 *
 * @throws {ClosedError} the stream is closed
 * @throws {TypeError | RangeError} an option is not one
 */
export function reader(stream: Stream, options: ReaderOptions = {}): StreamReader {
  const pull = new PullReader(stream, readWith(requireObject(options, 'options'), READER));
  pull.start();
  return pull;
}
