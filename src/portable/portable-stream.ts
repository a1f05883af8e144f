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
import type { SocketAddress } from '../base/address.ts';
import { withDeadline } from '../base/deadline.ts';
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import { BrokenError, ClosedError, OverflowError, SystemError, UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type {
  Deadline,
  JsonValue,
  ReadOptions,
  SocketSnapshot,
  Stream,
  StreamSink,
  WriteDone,
} from '../base/provider.ts';
import { requireBytes } from '../base/bytes.ts';
import type { DeadlinePlan, ReadPlan } from '../base/validate.ts';
import { requireDone, requireStreamSink, validateDeadline, validateReadOptions } from '../base/validate.ts';
import { flushAndDestroy, reset } from './end-socket.ts';
import { guarded } from './guarded.ts';
import { Inbox } from './inbox.ts';
import { toSystemError } from './node-errors.ts';
import { Outbox } from './outbox.ts';
import type { OwnedSocket, Owner, StreamSetting } from './owner.ts';
import { RememberedOptions } from './remembered-options.ts';

const NO_BYTES = new Uint8Array(0);

export class PortableStream implements Stream, OwnedSocket {
  readonly id: number;
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly settled: Promise<void>;
  tag?: JsonValue | undefined;
  readonly #socket: Socket;
  readonly #owner: Owner;
  readonly #options: RememberedOptions;
  readonly #inbox = new Inbox();
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
  #failure: SystemError | undefined;
  #closing: Promise<void> | undefined;
  #onClosed: ((error: SocketError | null) => void) | undefined;

  /** @param socket connected, paused, and not read from yet */
  constructor(socket: Socket, { owner, transport, local, remote, limits }: StreamSetting) {
    this.#socket = socket;
    this.#owner = owner;
    this.id = owner.nextId();
    this.transport = transport;
    this.local = local;
    this.remote = remote;
    this.#outbox = new Outbox(limits);
    this.#options = new RememberedOptions(socket, transport);
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    socket.on('data', (chunk: Uint8Array) => {
      this.#received(chunk);
    });
    socket.on('end', () => {
      this.#ended();
    });
    socket.on('error', (error) => {
      this.#failure ??= toSystemError(error, this.#details(undefined));
    });
    socket.on('close', () => {
      this.#closed();
    });
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

  get tls(): undefined {
    return undefined;
  }

  upgrade(): Promise<Stream> {
    return Promise.reject(
      new UnsupportedError('TLS is not supported by this provider yet', this.#details('upgrade')),
    );
  }

  start(sink: StreamSink, options?: ReadOptions): void {
    requireStreamSink(sink);
    const plan = validateReadOptions(options);
    this.#requireOpen('read');
    this.#sink = sink;
    this.#plan = plan;
    this.#deliverSoon();
  }

  pause(): void {
    this.#requireOpen('read');
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#requireOpen('read');
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliverSoon();
  }

  write(bytes: Uint8Array, done?: WriteDone): boolean {
    requireBytes(bytes);
    requireDone(done);
    if (this.#isEnding || this.#isWriteEnded) throw new ClosedError(this.#details('write'));
    if (this.#failure !== undefined)
      throw new BrokenError({ ...this.#details('write'), cause: this.#failure });
    if (this.#outbox.isOverLimit)
      throw new OverflowError(this.#outbox.limits.writeLimit, this.#details('write'));
    const copy = new Uint8Array(bytes);
    const unsent = this.#outbox.add(copy.length, done);
    // An error of the callback comes again as the socket's own, and settles all that is unsent then, in order.
    this.#socket.write(copy, (error) => {
      if (error === undefined || error === null) this.#sent(unsent);
    });
    return this.#outbox.isBelowMark;
  }

  closeWrite(): void {
    if (this.#isEnding) throw new ClosedError(this.#details('closeWrite'));
    if (this.#isWriteEnded) return;
    this.#isWriteEnded = true;
    if (!this.#isClosed) this.#socket.end();
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
    if (this.#isAborted || this.#isOver) return;
    this.#isAborted = true;
    // Whoever aborts during a close knows that it did not end well; nobody else may be listening.
    this.#closing?.catch(() => undefined);
    this.#endByOwner();
    if (this.#isClosed) return;
    if (this.transport === 'tcp') reset(this.#socket);
    else this.#socket.destroy();
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.#requireOpen('get');
    return this.#options.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#requireOpen('set');
    this.#options.set(name, value);
  }

  /** Sets options that `requireSettable` has passed. */
  setAll(options: Partial<SocketOptions>): void {
    this.#options.setAll(options);
  }

  ref(): void {
    this.#requireOpen('ref');
    this.#socket.ref();
    if (!this.#isClosed) this.#owner.hold(this, true);
  }

  unref(): void {
    this.#requireOpen('unref');
    this.#socket.unref();
    this.#owner.hold(this, false);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): SocketSnapshot {
    const { id, transport, local, remote, bytesRead, bytesWritten, bufferedAmount, tag } = this;
    const state = this.#isEnding ? 'closing' : 'open';
    return {
      id,
      kind: 'stream',
      transport,
      state,
      local,
      remote,
      bytesRead,
      bytesWritten,
      bufferedAmount,
      tag,
    };
  }

  #received(chunk: Uint8Array): void {
    if (this.#isEnding) return;
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
    if (this.transport === 'unix' || this.#isWriteEnded || socket.writableLength > 0) {
      this.#addEnd();
      return;
    }
    socket.write(NO_BYTES, (error) => {
      if (error === undefined || error === null) this.#addEnd();
    });
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
      const next = this.#inbox.take(this.#plan.readSize);
      if (next === undefined) {
        if (!this.#isClosed && this.#socket.isPaused()) this.#socket.resume();
        return;
      }
      if (next.kind === 'close') this.#tellClose(next.error);
      else if (next.kind === 'end') guarded(() => sink.end?.());
      else this.#tellData(sink, next.bytes);
    }
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
    if (!isSent) this.#outbox.fail(this.#isAborted ? new ClosedError(this.#details('write')) : broken);
    if (this.#isEnding) {
      this.#onClosed?.(isSent ? null : this.#isAborted ? new ClosedError(this.#details('close')) : broken);
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

  #broken(): BrokenError {
    return new BrokenError({ ...this.#details(this.#failure?.syscall), cause: this.#failure });
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
    if (!this.#isAborted) flushAndDestroy(this.#socket);
    const late = (): SocketError => new SystemError('ETIMEDOUT', this.#details('close'));
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

  #requireOpen(op: string): void {
    if (this.#isEnding || this.#isOver) throw new ClosedError(this.#details(op));
  }

  #details(op: string | undefined): ErrorDetails {
    const { transport, local, remote } = this;
    return { op, transport, local, remote };
  }
}
