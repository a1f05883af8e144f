/**
 * Pull over push: a stream's events as answers to `read()`. Written once, for every facade and every program that would
 * rather ask for bytes than be called with them.
 */
import { onAbort } from './abort.ts';
import { isBytes, requireBytes } from './bytes.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Clock } from './clock.ts';
import type { ErrorDetails, SocketError } from './errors.ts';
import { BusyError, ClosedError, isSocketError, SystemError } from './errors.ts';
import type { Deadline, Stream, StreamSink } from './provider.ts';
import {
  integer,
  oneOf,
  optional,
  outOfRange,
  readOptions,
  requireFunction,
  requireObject,
  withDefault,
  wrongType,
} from './rules.ts';
import type { Rule, Rules } from './rules.ts';
import type { DeadlinePlan } from './validate.ts';
import { validateDeadline } from './validate.ts';
import type { Want } from './wants.ts';
import { wantAny, wantExactly, wantUntil } from './wants.ts';

export interface ReaderOptions {
  /** Most bytes that are kept unread, unless a read asks for more at once. Default 256 KiB. */
  readonly highWaterMark?: number | undefined;
  /** Whether a `read` while another waits is refused with `BusyError` (`one`, the default) or waits its turn (`queue`). */
  readonly pending?: 'one' | 'queue' | undefined;
  /** Needed only for reads with a timeout. */
  readonly clock?: Clock | undefined;
  /** What another reader of this stream had left when it was stopped: this one goes on from there. */
  readonly after?: Leftover | undefined;
  /** Told once, when the stream has closed, after every read that waited. */
  readonly onClose?: ((error: SocketError | null) => void) | undefined;
}

export interface UntilOptions extends Deadline {
  /** Most bytes of the answer, the delimiter included. Default 64 KiB. */
  readonly limit?: number | undefined;
}

/** What `readUntil` takes beside a deadline. */
const UNTIL = { limit: true };

/** What a reader had left when it was stopped. */
export interface Leftover {
  /** Bytes that were read from the stream, and by nobody from the reader. */
  readonly head: Uint8Array;
  /** The stream has told its end, and will not tell it again. */
  readonly isEnded: boolean;
}

/**
 * Reads a stream piece by piece. Iterating reads to the end; leaving the loop early leaves the stream open. A read that
 * fails, by its deadline or otherwise, takes nothing: the bytes are the next read's.
 */
export interface StreamReader extends AsyncIterable<Uint8Array> {
  /** Bytes that have arrived and not yet been read. */
  readonly bufferedAmount: number;
  /** Reads that wait. */
  readonly pending: number;

  /**
   * The next bytes, as soon as there are any; `null` once the peer has sent its FIN and everything before it is read.
   * The chunk is the caller's, with an ArrayBuffer of exactly its size.
   *
   * @param maxBytes most bytes to answer with; the rest is kept. Default: whatever came in one piece
   * @throws {ClosedError} the stream was closed by its owner
   * @throws {BrokenError} the connection broke; what arrived before is read first
   * @throws {BusyError} another read waits, unless `pending` is `queue`
   * @throws {SystemError} `ETIMEDOUT`
   * @throws the signal's reason, if it aborts first
   */
  read(maxBytes?: number, deadline?: Deadline): Promise<Uint8Array | null>;
  /** Exactly `count` bytes, of which `highWaterMark` is no limit. @throws {EndError} the peer ended before @throws as `read` */
  readExactly(count: number, deadline?: Deadline): Promise<Uint8Array>;
  /**
   * Everything up to and with `delimiter`.
   *
   * @throws {EndError} the peer ended before
   * @throws {LimitError} there is no delimiter within `limit` bytes
   * @throws as `read`
   */
  readUntil(delimiter: Uint8Array, options?: UntilOptions): Promise<Uint8Array>;

  /**
   * Lets go of the stream, and leaves it paused. Later reads reject with `ClosedError`.
   *
   * @throws {BusyError} a read waits
   * @throws {ClosedError | BrokenError} the stream is closed
   */
  stop(): Leftover;
}

const DEFAULT_READER_MARK = 256 * 1024;
const DEFAULT_LIMIT = 64 * 1024;
/** Most bytes of a chunk: a quarter of the usual mark, so that the next one can be on its way while one is read. */
const PIECE = 64 * 1024;
const MAX_BYTES = 2 ** 32 - 1;

interface ReaderPlan {
  readonly highWaterMark: number;
  readonly pending: 'one' | 'queue';
  readonly clock: Clock | undefined;
  readonly after: Leftover | undefined;
  readonly onClose: ReaderOptions['onClose'];
}

const READER: Rules<ReaderPlan> = {
  highWaterMark: withDefault(integer(1, MAX_BYTES), DEFAULT_READER_MARK),
  pending: withDefault(oneOf('one', 'queue'), 'one'),
  clock: optional((value, name) => requireObject(value, name) as Clock),
  after: optional((value, name) => requireObject(value, name) as Leftover),
  onClose: optional((value, name) => {
    requireFunction(value, name);
    return value as NonNullable<ReaderOptions['onClose']>;
  }),
};

const maxBytesRule = withDefault(integer(1, MAX_BYTES), Infinity);
const countRule = integer(0, MAX_BYTES);
const limitRule = withDefault(integer(1, MAX_BYTES), DEFAULT_LIMIT);

const delimiterRule: Rule<Uint8Array> = (value, name) => {
  if (!isBytes(value)) throw wrongType(name, 'a Uint8Array', value);
  // A copy: it is looked for long after the call.
  const delimiter = new Uint8Array(requireBytes(value, name));
  if (delimiter.length === 0) throw outOfRange(name, 'at least one byte', value);
  return delimiter;
};

/** A read that waits for bytes. */
interface Waiting {
  /** Answers it, or makes it fail, if what is there will do. */
  serve(): boolean;
  end(): void;
  fail(error: unknown): void;
}

/** How reading ended: at the peer's FIN, or with the error that every further read gets. */
type Ending = 'fin' | SocketError;

class PullReader implements StreamReader, StreamSink {
  readonly #stream: Stream;
  readonly #plan: ReaderPlan;
  /** The most that one more chunk can add to what is kept. */
  readonly #readSize: number;
  readonly #queue = new ByteQueue();
  readonly #waiting: Waiting[] = [];
  #ending: Ending | undefined;
  #isHolding = false;
  #isStopped = false;

  constructor(stream: Stream, plan: ReaderPlan) {
    this.#stream = stream;
    this.#plan = plan;
    this.#readSize = Math.min(PIECE, plan.highWaterMark);
    this.#queue.push(requireBytes(plan.after?.head ?? new Uint8Array(0), 'after.head'));
    if (plan.after?.isEnded === true) this.#ending = 'fin';
  }

  start(): void {
    this.#stream.start(this, { readSize: this.#readSize, chunks: 'owned' });
    this.#isHolding = this.#stream.isPaused;
    this.#regulate();
  }

  get bufferedAmount(): number {
    return this.#queue.length;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  async read(maxBytes?: number, deadline?: Deadline): Promise<Uint8Array | null> {
    return this.#ask(wantAny(maxBytesRule(maxBytes, 'maxBytes')), validateDeadline(deadline));
  }

  async readExactly(count: number, deadline?: Deadline): Promise<Uint8Array> {
    return this.#ask(wantExactly(countRule(count, 'count'), this.#details()), validateDeadline(deadline));
  }

  async readUntil(delimiter: Uint8Array, options?: UntilOptions): Promise<Uint8Array> {
    const limit = limitRule(options?.limit, 'limit');
    const want = wantUntil(delimiterRule(delimiter, 'delimiter'), limit, this.#details());
    return this.#ask(want, validateDeadline(options, UNTIL));
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk;
  }

  stop(): Leftover {
    if (this.#waiting.length > 0) throw new BusyError({ ...this.#details(), reason: 'a read waits' });
    if (this.#ending !== undefined && this.#ending !== 'fin') throw this.#ending;
    this.#stream.pause();
    const isEnded = this.#ending === 'fin';
    const head = this.#queue.take(this.#queue.length);
    this.#isStopped = true;
    this.#ending = new ClosedError(this.#details());
    return { head, isEnded };
  }

  data(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    while (this.#waiting[0]?.serve() === true);
    this.#regulate();
  }

  end(): void {
    this.#finish('fin');
  }

  /**
   * After a FIN the answer stays `null`, however the stream closed then. Without one, a close by the owner drops what
   * is unread, as `Stream.close` says; a broken connection does not.
   */
  close(error: SocketError | null): void {
    if (this.#isStopped) return;
    if (this.#ending === undefined) {
      if (error === null) this.#queue.clear();
      this.#finish(error ?? new ClosedError(this.#details()));
    }
    this.#plan.onClose?.(error);
  }

  #ask<T>(want: Want<T>, deadline: DeadlinePlan): T | Promise<T> {
    const { signal, timeout } = deadline;
    if (timeout !== undefined && this.#plan.clock === undefined)
      throw new TypeError('timeout: this reader was made without a clock');
    if (signal?.aborted === true) throw signal.reason;
    if (this.#waiting.length > 0) {
      if (this.#plan.pending === 'one') throw new BusyError(this.#details());
      return this.#wait(want, deadline);
    }
    const answer = want.take(this.#queue);
    if (answer === undefined)
      return this.#ending === undefined ? this.#wait(want, deadline) : this.#answerEnding(want, this.#ending);
    this.#regulate();
    return answer;
  }

  #finish(ending: Ending): void {
    this.#ending = ending;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!next.serve()) next.end();
    }
  }

  #answerEnding<T>(want: Want<T>, ending: Ending): T {
    if (ending === 'fin') return want.atEnd(this.#queue);
    throw ending;
  }

  /** Every way out of waiting takes the read off the queue first, so it is left by one of them only. */
  #wait<T>(want: Want<T>, { signal, timeout }: DeadlinePlan): Promise<T> {
    return new Promise((resolve, reject) => {
      const cleanups: (() => void)[] = [];
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        for (const cleanup of cleanups) cleanup();
      };
      /** Leaves with what `answer` gives or throws, unless that is `undefined`. */
      const settle = (answer: () => T | undefined): boolean => {
        let value;
        try {
          value = answer();
        } catch (error) {
          waiting.fail(error);
          return true;
        }
        if (value === undefined) return false;
        leave();
        resolve(value);
        return true;
      };
      const waiting: Waiting = {
        serve: () => settle(() => want.take(this.#queue)),
        end: () => settle(() => this.#answerEnding(want, this.#ending ?? 'fin')),
        fail: (error) => {
          leave();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason may be anything
          reject(error);
        },
      };
      this.#waiting.push(waiting);
      this.#arm(waiting, cleanups, { signal, timeout });
      this.#regulateOpen();
    });
  }

  #arm(waiting: Waiting, cleanups: (() => void)[], { signal, timeout }: DeadlinePlan): void {
    /** A read that did not want what is there leaves it to those behind it. */
    const give = (error: unknown): void => {
      waiting.fail(error);
      while (this.#waiting[0]?.serve() === true);
      this.#regulateOpen();
    };
    cleanups.push(
      onAbort(signal, () => {
        give(signal?.reason);
      }),
    );
    const { clock } = this.#plan;
    if (timeout === undefined || clock === undefined) return;
    cleanups.push(
      clock.setTimer(timeout, () => {
        give(new SystemError('ETIMEDOUT', this.#details()));
      }),
    );
  }

  /**
   * While a read waits there is room for what it wants; otherwise for as much as is to be kept unread.
   *
   * @throws {ClosedError} the owner has closed the stream, which has not told so yet
   */
  #regulate(): void {
    const isFull = this.#queue.length + this.#readSize > this.#plan.highWaterMark;
    const mustHold = this.#ending === undefined && this.#waiting.length === 0 && isFull;
    if (mustHold === this.#isHolding) return;
    this.#isHolding = mustHold;
    if (mustHold) this.#stream.pause();
    else this.#stream.resume();
  }

  /** Where reads wait: a stream that its owner has closed is about to tell them so. */
  #regulateOpen(): void {
    try {
      this.#regulate();
    } catch (error) {
      if (!isSocketError(error)) throw error;
    }
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
  const pull = new PullReader(stream, readOptions(requireObject(options, 'options'), READER));
  pull.start();
  return pull;
}
