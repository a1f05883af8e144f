/** A stream of Node over any of ours. */
import { Duplex } from 'node:stream';
import type { IpEndpoint } from '../base/address.ts';
import type { SocketError } from '../base/errors.ts';
import { BusyError, ClosedError, isSocketError } from '../base/errors.ts';
import type { Stream, StreamSink } from '../base/provider.ts';
import type { Leftover } from '../base/reader.ts';

export interface StreamDuplexOptions {
  /** Whether the writable side stays open when the peer has ended its own. Default true, as of Node's own `Duplex`. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Bytes that are kept for a reader that is behind, beyond the chunk in hand. Default Node's own. */
  readonly readableHighWaterMark?: number | undefined;
  /** Bytes at which `write` answers false. Default Node's own. */
  readonly writableHighWaterMark?: number | undefined;
  /** What somebody else has read of the stream already: it is read first. */
  readonly after?: Leftover | undefined;
}

type Callback = (error?: Error | null) => void;

/**
 * A Node `Duplex` over a stream of any provider, which is then the duplex's own: nobody else should start, write to or
 * close it. Nothing is read before somebody reads from the duplex, and a write is answered when its bytes are with the
 * kernel.
 *
 * - `end()` ends the writing half alone. When both halves have ended the stream is closed.
 * - `destroy()` aborts the stream, unless all was sent and ended: then it closes it.
 * - A connection that breaks is told as its `BrokenError`, behind the bytes that came before it.
 */
export class StreamDuplex extends Duplex {
  /** What the duplex is made of. */
  readonly stream: Stream;
  /** The stream told its last: nothing can be asked of it any more. */
  #isOver = false;
  #isEnded = false;
  /** Why the connection broke; told when what came before has been read. */
  #failure: SocketError | undefined;

  /** @throws {ClosedError} the stream is closed */
  constructor(stream: Stream, options: StreamDuplexOptions = {}) {
    const { after, ...rest } = options;
    super({ allowHalfOpen: true, ...withoutUndefined(rest) });
    this.stream = stream;
    const sink: StreamSink = {
      data: (chunk) => {
        this.#received(chunk);
      },
      end: () => {
        this.#isEnded = true;
        this.push(null);
      },
      close: (error) => {
        this.#closed(error);
      },
    };
    stream.pause();
    stream.start(sink, { chunks: 'view' });
    if (after !== undefined) this.#goOn(after);
  }

  get localAddress(): string | undefined {
    return ipOf(this.stream.local)?.host;
  }

  get localPort(): number | undefined {
    return ipOf(this.stream.local)?.port;
  }

  get remoteAddress(): string | undefined {
    return ipOf(this.stream.remote)?.host;
  }

  get remotePort(): number | undefined {
    return ipOf(this.stream.remote)?.port;
  }

  /** Lets the connection keep the process alive (the default). */
  ref(): this {
    if (!this.#isOver && !this.destroyed) this.stream.ref();
    return this;
  }

  /** Lets the process end although the connection is open. */
  unref(): this {
    if (!this.#isOver && !this.destroyed) this.stream.unref();
    return this;
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#tellFailure();
    return chunk;
  }

  override _read(): void {
    if (!this.#isOver && this.stream.isPaused) this.stream.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    this.#writeAll([chunk], 0, done);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Callback): void {
    const parts = chunks.map(({ chunk }) => chunk);
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    // One call of the system for what is little together.
    if (size <= MAX_JOINED) this.#writeAll([Buffer.concat(parts, size)], 0, done);
    else this.#writeAll(parts, 0, done);
  }

  override _final(done: Callback): void {
    const failure = attempt(() => {
      this.stream.closeWrite();
    });
    // Of a connection that broke, what broke it is to be told.
    done(failure === null ? null : (this.#failure ?? failure));
  }

  override _destroy(error: Error | null, done: Callback): void {
    if (this.#isOver) {
      done(error);
      return;
    }
    if (error !== null || !this.writableFinished) {
      this.giveUp();
      done(error);
      return;
    }
    // What was sent is on its way, and the peer is to have it: a reset could overtake it.
    this.stream.close().then(() => {
      done(null);
    }, done);
  }

  /**
   * Gives the stream back, paused, with what was read of it and not told. The duplex is destroyed then, and touches the stream
   * no more.
   *
   * @throws {BusyError} bytes that were written are not with the stream yet
   * @throws {ClosedError | BrokenError} the stream is gone
   */
  release(): Leftover & { readonly stream: Stream } {
    const { local, remote } = this.stream;
    const details = { op: 'release', local, remote };
    if (this.destroyed || this.#isOver) throw this.#failure ?? new ClosedError(details);
    if (this.writableLength > 0)
      throw new BusyError({ ...details, reason: 'bytes are unsent: wait until they are written' });
    this.stream.pause();
    // Reading resumes it no more from here on.
    this.#isOver = true;
    const head = readAway(this);
    this.destroy();
    return { stream: this.stream, head, isEnded: this.#isEnded };
  }

  /** Ends a stream on which not all has been said. */
  protected giveUp(): void {
    this.stream.abort();
  }

  /** From `first` on, until the stream has enough; the rest follows when that is with the kernel. */
  #writeAll(chunks: readonly Uint8Array[], first: number, done: Callback): void {
    let next = first;
    const failure = attempt(() => {
      for (let hasRoom = true; hasRoom && next < chunks.length - 1; next++)
        hasRoom = this.stream.write(chunks[next] ?? EMPTY);
      const last = chunks[next++] ?? EMPTY;
      this.stream.write(last, (error) => {
        if (error !== null || next >= chunks.length) done(error);
        else this.#writeAll(chunks, next, done);
      });
    });
    if (failure !== null) done(failure);
  }

  #goOn({ head, isEnded }: Leftover): void {
    if (head.length > 0) this.push(Buffer.from(head));
    if (!isEnded) return;
    this.#isEnded = true;
    this.push(null);
  }

  #received(chunk: Uint8Array): void {
    // A copy in Node's pool costs a small part of what a buffer of a chunk's own does.
    if (this.push(Buffer.from(chunk))) return;
    if (!this.#isOver && !this.destroyed) this.stream.pause();
  }

  #closed(error: SocketError | null): void {
    this.#isOver = true;
    if (error !== null) {
      this.#failure = error;
      this.#tellFailure();
    } else if (!this.#isEnded || !this.writableEnded) {
      // Somebody else has closed it: its provider has ended, for example.
      this.destroy(new ClosedError({ op: 'read', local: this.stream.local, remote: this.stream.remote }));
    }
  }

  /** An error would drop what waits to be read, so it waits until that has gone. */
  #tellFailure(): void {
    const failure = this.#failure;
    if (failure === undefined || this.readableLength > 0) return;
    this.#failure = undefined;
    // Not within the call that takes the last chunk: its taker may not have it yet.
    process.nextTick(() => {
      this.destroy(failure);
    });
  }
}

const EMPTY = new Uint8Array(0);
/** Most bytes that are copied together rather than written one by one. */
const MAX_JOINED = 64 * 1024;

/**
 * What a Duplex has read and told nobody. Its listeners for bytes are gone then, and it is paused.
 *
 * @param duplex of bytes, without an encoding
 */
export function readAway(duplex: Duplex): Uint8Array {
  duplex.unpipe();
  for (const event of ['data', 'readable', 'end']) duplex.removeAllListeners(event);
  duplex.pause();
  const chunks: Uint8Array[] = [];
  for (let chunk: unknown = duplex.read(); chunk instanceof Uint8Array; chunk = duplex.read())
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withoutUndefined(options: StreamDuplexOptions): StreamDuplexOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function ipOf(address: Stream['local']): IpEndpoint | undefined {
  return address.family === 'unix' ? undefined : address;
}

/** Makes a call that may be refused. @returns what it was refused with, or `null` */
function attempt(call: () => void): Error | null {
  try {
    call();
    return null;
  } catch (error) {
    if (isSocketError(error) || error instanceof TypeError) return error;
    throw error;
  }
}
