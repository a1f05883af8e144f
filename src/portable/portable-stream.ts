/**
 * A stream over a socket of `node:net`.
 *
 * Node's streams buffer by themselves, and that is where they differ from the contract, so little is left to them. The
 * socket's high-water mark is one byte: paused, it reads at most one chunk more and then leaves the rest to the kernel's
 * window. What a chunk holds beyond `readSize`, an end and an error wait in the `Inbox`, because Node tells the last two
 * also while paused.
 *
 * What cannot be kept over `node:net`: when a write meets a reset while reading is paused, Node closes the descriptor at
 * once, and what the kernel still held of the peer's bytes goes with it. And a reset behind the peer's last bytes is told
 * as an end if one's own half has ended before.
 */
import type { Socket } from 'node:net';
import { withDeadline } from '../base/deadline.ts';
import type { SocketError, BrokenError } from '../base/errors.ts';
import { BusyError, ClosedError, OverflowError, SystemError, UnsupportedError } from '../base/errors.ts';
import type {
  Deadline,
  ReadOptions,
  SocketSnapshot,
  Stream,
  StreamSink,
  WriteDone,
} from '../base/provider.ts';
import { requireBytes } from '../base/bytes.ts';
import type { TlsInfo, UpgradeOptions } from '../base/tls.ts';
import type { RawStream, Upgradable } from '../base/tls-host.ts';
import { BUSY } from '../base/tls-host.ts';
import type { TlsStream } from '../base/tls-upgrader.ts';
import { streamSnapshot } from '../base/stream-snapshot.ts';
import type { DeadlinePlan, ReadPlan, StreamLimits } from '../base/validate.ts';
import { requireDone, requireStreamSink, validateDeadline, validateReadOptions } from '../base/validate.ts';
import { endProtected, endProtectedAndDestroy, flushAndDestroy, reset } from './end-socket.ts';
import { guarded } from './guarded.ts';
import { chunkOf, Inbox } from './inbox.ts';
import type { Lender, Loan } from './lender.ts';
import { hasHandle } from './net-handle.ts';
import { Outbox } from './outbox.ts';
import type { OwnedSocket, Owner, Protection, StreamSetting } from './owner.ts';
import { PortableEnd } from './portable-end.ts';
import { brokenBy, wordFailure } from './stream-failure.ts';
import { truncated } from './tls-errors.ts';

const NO_BYTES = new Uint8Array(0);
const NOBODY: StreamSink = { data: () => undefined, close: () => undefined };

export class PortableStream
  extends PortableEnd
  implements Upgradable, RawStream, TlsStream, OwnedSocket, Lender
{
  readonly settled: Promise<void>;
  readonly #socket: Socket;
  readonly #owner: Owner;
  readonly #tls: Protection | undefined;
  readonly #host: string | undefined;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  #settle: () => void = () => undefined;
  #sink: StreamSink | undefined;
  #plan: ReadPlan = validateReadOptions();
  #bytesRead = 0;
  #isPaused = false;
  #isWriteEnded = false;
  /** `close()` or `abort()` was called: nothing but the last event is told from then on. */
  #isEnding = false;
  #isAborted = false;
  /** The deadline of `close()` has passed. */
  #isLate = false;
  /** The descriptor is closed. */
  #isClosed = false;
  /** The sink has heard its `close`, or there is nobody to hear it. */
  #isOver = false;
  /** The sink has heard the peer's FIN. */
  #isReadEnded = false;
  #failure: SocketError | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: ((error: SocketError | null) => void) | undefined;

  readonly #onData = (chunk: Uint8Array): void => {
    this.#received(chunk);
  };
  readonly #onEnd = (): void => {
    this.#ended();
  };
  readonly #onError = (error: Error): void => {
    this.#failed(error);
  };
  readonly #onClose = (): void => {
    this.#closed();
  };

  /** @param socket connected, paused, and not read from yet */
  constructor(socket: Socket, setting: StreamSetting) {
    super(socket, setting);
    const { owner, limits, heir, tls, host } = setting;
    this.#socket = socket;
    this.#owner = owner;
    this.#inbox = heir?.inbox ?? new Inbox();
    this.#outbox = new Outbox(limits);
    this.#tls = tls;
    this.#host = host;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#listen('on');
    owner.opened(this);
    owner.hold(this, true);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#outbox.sent;
  }

  get bufferedAmount(): number {
    return this.#outbox.amount;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get tls(): TlsInfo | undefined {
    return this.#tls?.info;
  }

  get limits(): StreamLimits {
    return this.#outbox.limits;
  }

  async upgrade(options: UpgradeOptions): Promise<Stream> {
    const { tls } = this.#owner;
    if (tls === undefined)
      throw new UnsupportedError('the stream speaks TLS already', this.details('upgrade'));
    return tls.upgrade(this, options, this.#host);
  }

  giveAway(): RawStream {
    this.#requireUpgradable();
    const { transport, local, remote, limits, id, tag } = this;
    const socket = this.#socket;
    this.#listen('off');
    this.#isClosed = true;
    this.#isEnding = true;
    const owner = this.#owner;
    const heir = { id, inbox: this.#inbox };
    const options = this.options;
    const raw = new PortableStream(socket, { owner, transport, local, remote, limits, heir, options });
    raw.tag = tag;
    owner.hold(this, false);
    this.#tellCloseSoon();
    return raw;
  }

  lend(): Loan | undefined {
    const socket = this.#socket;
    if (!hasHandle(socket) || !this.#inbox.hasOnlyData) return undefined;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    for (const bytes of this.#inbox.takeData().reverse()) socket.unshift(bytes);
    this.#sink = NOBODY;
    this.#isPaused = false;
    return {
      socket,
      isRecalled: () => this.#isAborted,
      abort: (upper) => {
        this.#abort(upper);
      },
    };
  }

  cover(stream: TlsStream): void {
    this.#owner.replace(this, stream);
  }

  start(sink: StreamSink, options?: ReadOptions): void {
    requireStreamSink(sink);
    const plan = validateReadOptions(options);
    this.requireOpen('read');
    this.#sink = sink;
    this.#plan = plan;
    this.#deliverSoon();
  }

  pause(): void {
    this.requireOpen('read');
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.requireOpen('read');
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliverSoon();
  }

  write(bytes: Uint8Array, done?: WriteDone): boolean {
    requireBytes(bytes);
    requireDone(done);
    if (this.#isEnding || this.#isWriteEnded) throw new ClosedError(this.details('write'));
    if (this.#failure !== undefined) throw this.#broken('write');
    if (this.#outbox.isOverLimit)
      throw new OverflowError(this.#outbox.limits.writeLimit, this.details('write'));
    const copy = this.#isTakenAtOnce(bytes) ? bytes : Buffer.from(bytes);
    const unsent = this.#outbox.add(copy.length, done);
    // An error of the callback comes again as the socket's own, and settles all that is unsent then, in order.
    this.#socket.write(copy, (error) => {
      if (error === undefined || error === null) this.#sent(unsent);
    });
    return this.#outbox.isBelowMark;
  }

  /**
   * Whether Node needs no copy. TLS encrypts, or copies itself, what is written within the call (TLSWrap::DoWrite in
   * src/crypto/crypto_tls.cc); but behind another write, were it an empty one, Node keeps what it is given. Shared memory
   * may change any time.
   */
  #isTakenAtOnce({ buffer }: Uint8Array): boolean {
    return this.#tls !== undefined && this.#outbox.isEmpty && buffer instanceof ArrayBuffer;
  }

  closeWrite(): void {
    if (this.#isEnding) throw new ClosedError(this.details('closeWrite'));
    if (this.#isWriteEnded) return;
    this.#isWriteEnded = true;
    if (this.#isClosed) return;
    if (this.#tls === undefined) this.#socket.end();
    else endProtected(this.#socket);
  }

  close(deadline?: Deadline): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    let plan: DeadlinePlan;
    try {
      plan = validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a getter of the caller's may throw anything
      return Promise.reject(error);
    }
    this.#closing = this.#close(plan);
    return this.#closing;
  }

  abort(): void {
    this.#abort(undefined);
  }

  #abort(upper: Socket | undefined): void {
    if (this.#isAborted || this.#isOver) return;
    this.#isAborted = true;
    // Whoever aborts during a close knows that it did not end well; nobody else may be listening.
    this.#closing?.catch(() => undefined);
    this.#endByOwner();
    if (this.#isClosed) return;
    if (this.#tls !== undefined) this.#tls.carrier.abort();
    else if (this.transport === 'tcp') reset(this.#socket, upper);
    else this.#socket.destroy();
  }

  ref(): void {
    this.requireOpen('ref');
    this.#socket.ref();
    if (!this.#isClosed) this.#owner.hold(this, true);
  }

  unref(): void {
    this.requireOpen('unref');
    this.#socket.unref();
    this.#owner.hold(this, false);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): SocketSnapshot {
    return streamSnapshot(this, this.#isEnding);
  }

  #listen(how: 'on' | 'off'): void {
    const socket = this.#socket;
    socket[how]('data', this.#onData);
    socket[how]('end', this.#onEnd);
    socket[how]('error', this.#onError);
    socket[how]('close', this.#onClose);
  }

  #received(chunk: Uint8Array): void {
    if (this.#isEnding) return;
    const sink = this.#sink;
    const { readSize, chunks } = this.#plan;
    const mustWait = sink === undefined || this.#isPaused || !this.#inbox.isEmpty || this.#outbox.owesDrain;
    if (!mustWait && chunk.length <= readSize) {
      this.#tellData(sink, chunkOf(chunk, 0, chunk.length, chunks));
      return;
    }
    this.#inbox.addData(chunk);
    this.#deliver();
  }

  /**
   * The peer's FIN, or a reset: behind bytes that it could read, libuv tells a reset as an end (the POLLHUP short cut of
   * uv__stream_io in src/unix/stream.c). An empty write sends nothing, and fails with what the socket knows. Where bytes
   * are unsent, their own failure tells.
   */
  #ended(): void {
    const socket = this.#socket;
    if (this.#tls !== undefined) {
      const { carrier } = this.#tls;
      if (!carrier.isTruncated) this.#addEnd();
      else carrier.explainEnd((error) => socket.destroy(error ?? truncated(this.details('read'))));
      return;
    }
    if (this.transport === 'unix' || this.#isWriteEnded || socket.writableLength > 0) {
      this.#addEnd();
      return;
    }
    socket.write(NO_BYTES, (error) => {
      if (error === undefined || error === null) this.#addEnd();
    });
  }

  #failed(error: Error): void {
    this.#failure ??= wordFailure(error, this.#tls?.info.role, this.details(undefined));
    // Of an alert Node tells, and leaves it at that.
    if (this.#tls !== undefined) this.#socket.destroy();
  }

  #addEnd(): void {
    if (this.#isEnding) return;
    this.#inbox.addEnd();
    this.#deliver();
  }

  /** Tells what has come, until the sink pauses or closes the stream; then lets Node read on. */
  #deliver(): void {
    this.#tellDrain();
    while (this.#sink !== undefined && !this.#isPaused && !this.#isEnding && !this.#isOver) {
      const sink = this.#sink;
      const next = this.#inbox.take(this.#plan);
      if (next === undefined) {
        if (!this.#isClosed && this.#socket.isPaused()) this.#socket.resume();
        return;
      }
      if (next.kind === 'close') this.#tellClose(next.error);
      else if (next.kind === 'end') this.#tellEnd(sink);
      else this.#tellData(sink, next.bytes);
    }
  }

  #tellEnd(sink: StreamSink): void {
    this.#isReadEnded = true;
    guarded(() => sink.end?.());
  }

  #tellData(sink: StreamSink, bytes: Uint8Array): void {
    this.#bytesRead += bytes.length;
    guarded(() => {
      sink.data(bytes);
    });
  }

  #deliverSoon(): void {
    process.nextTick(() => {
      this.#deliver();
    });
  }

  #sent(unsent: Parameters<Outbox['settle']>[0]): void {
    this.#outbox.settle(unsent);
    this.#tellDrain();
  }

  /** Also told while paused: it answers a write. */
  #tellDrain(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isEnding || this.#isOver || !this.#outbox.takeDrain()) return;
    guarded(() => sink.drain?.());
  }

  #tellClose(error: SocketError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const sink = this.#sink;
    this.#sink = undefined;
    if (sink !== undefined) {
      guarded(() => {
        sink.close(error);
      });
    }
    this.#owner.over(this);
    this.#settle();
  }

  /** The last that Node tells of a socket. */
  #closed(): void {
    this.#isClosed = true;
    this.#owner.closed(this);
    const isSent = this.#outbox.isEmpty;
    const broken = this.#broken();
    if (!isSent) this.#outbox.fail(this.#isAborted ? new ClosedError(this.details('write')) : broken);
    if (this.#isEnding) {
      this.#onClosed?.(isSent ? null : this.#isAborted ? new ClosedError(this.details('close')) : broken);
      this.#tellCloseSoon();
      return;
    }
    this.#takeLeftOver();
    this.#inbox.addClose(this.#failure === undefined ? null : broken);
    this.#deliver();
  }

  /** The chunk that Node took while it was paused: of a stream that has failed it tells no more, but gives it. */
  #takeLeftOver(): void {
    this.#socket.removeAllListeners('data');
    const chunk: unknown = this.#socket.read();
    if (chunk instanceof Uint8Array) this.#inbox.addData(chunk);
  }

  #broken(op?: string): BrokenError {
    return brokenBy(this.#failure, op, this.details(op));
  }

  /** The answer to `close()` comes before the event that it causes, so the event waits for a turn of the loop. */
  #tellCloseSoon(): void {
    setImmediate(() => {
      this.#tellClose(null);
    });
  }

  /** From now on the stream is its owner's no more. */
  #endByOwner(): void {
    if (!this.#isEnding && this.#isClosed) this.#tellCloseSoon();
    this.#isEnding = true;
    this.#inbox.clear();
  }

  async #close(plan: DeadlinePlan): Promise<void> {
    this.#endByOwner();
    if (this.#isClosed) return;
    const closed = new Promise<void>((resolve, reject) => {
      this.#onClosed = (error) => {
        if (error === null || this.#isLate) resolve();
        else reject(error);
      };
    });
    if (!this.#isAborted) {
      if (this.#tls === undefined) flushAndDestroy(this.#socket);
      else endProtectedAndDestroy(this.#socket);
    }
    const late = (): SocketError => new SystemError('ETIMEDOUT', this.details('close'));
    try {
      await withDeadline(closed, plan, this.#owner.clock, late);
    } catch (error) {
      await this.#abortLate(closed);
      throw error;
    }
  }

  async #abortLate(closed: Promise<void>): Promise<void> {
    if (this.#isClosed) return;
    this.#isLate = true;
    this.abort();
    await closed;
  }

  #requireUpgradable(): void {
    const details = this.details('upgrade');
    if (this.#isEnding || this.#isWriteEnded) throw new ClosedError(details);
    if (this.#failure !== undefined || this.#isClosed || this.#isReadEnded) throw this.#broken('upgrade');
    if (this.#sink !== undefined && !this.#isPaused)
      throw new BusyError({ ...details, reason: BUSY.reading });
    if (this.bufferedAmount > 0) throw new BusyError({ ...details, reason: BUSY.writing });
  }

  protected override get isOpen(): boolean {
    return !this.#isEnding && !this.#isOver;
  }
}
