import type { Socket } from 'node:net';
import { EVENT } from '../addon/types.ts';
import { lengthOfBytes } from '../base/bytes.ts';
import type { SocketError } from '../base/errors.ts';
import { BrokenError, BusyError, ClosedError, OverflowError } from '../base/errors.ts';
import type {
  Deadline,
  ReadOptions,
  SocketSnapshot,
  Stream,
  StreamSink,
  WriteDone,
} from '../base/provider.ts';
import { MAX_READ_SIZE } from '../base/provider.ts';
import { streamSnapshot } from '../base/stream-snapshot.ts';
import type { UpgradeOptions } from '../base/tls.ts';
import type { RawStream, Upgradable } from '../base/tls-host.ts';
import { BUSY } from '../base/tls-host.ts';
import type { TlsStream } from '../base/tls-upgrader.ts';
import type { DeadlinePlan, StreamLimits } from '../base/validate.ts';
import { requireDone, requireStreamSink, validateDeadline, validateReadOptions } from '../base/validate.ts';
import type { Lender, Loan } from '../portable/lender.ts';
import { Closing } from './closing.ts';
import { ConnectedSocket } from './connected-socket.ts';
import { CoveredTarget } from './covered-target.ts';
import { lendSocket } from './lent-socket.ts';
import { Outgoing, submit } from './outgoing.ts';
import type { Reactor, Target } from './reactor.ts';
import type { Detachment, Held, StreamOrigin } from './stream-state.ts';
import { IS, UNWRITABLE } from './stream-state.ts';

const NO_BYTES = new Uint8Array(0);

/** Of streams that were closed with nothing left to do. */
const CLOSED = new Closing();
CLOSED.settle(null);

export class NativeStream extends ConnectedSocket implements Upgradable, RawStream, Lender, Target {
  readonly limits: StreamLimits;
  readonly #host: string | undefined;
  #is: number;
  #readSize: number = MAX_READ_SIZE;
  #sink: StreamSink | undefined;
  #bytesRead = 0;
  readonly #out = new Outgoing();
  #held: Held | undefined;
  #failure: SocketError | undefined;
  #closing: Closing | undefined;
  /** Reads and writes in the place of this stream. */
  #lent: Socket | undefined;

  constructor(reactor: Reactor, handle: number, origin: StreamOrigin) {
    super(reactor, handle, origin);
    this.limits = origin.limits;
    this.#host = origin.host;
    this.#is = origin.isUnix ? IS.unix : 0;
    reactor.own(handle, this);
  }

  override get transport(): 'tcp' | 'unix' {
    return this.#has(IS.unix) ? 'unix' : 'tcp';
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#out.taken - this.bufferedAmount;
  }

  get bufferedAmount(): number {
    const out = this.#out;
    if (out.unsent > 0 && !this.#has(IS.released | IS.writeBroken)) {
      out.unsent = Math.max(0, this.reactor.native.pending(this.handle));
    }
    return out.unsent;
  }

  get isPaused(): boolean {
    return this.#has(IS.paused);
  }

  get tls(): undefined {
    return undefined;
  }

  upgrade(options: UpgradeOptions): Promise<Stream> {
    return this.reactor.tls.upgrade(this, options, this.#host);
  }

  giveAway(): RawStream {
    this.#requireUpgradable();
    const { local, remote, limits, id, tag } = this;
    const heir = new NativeStream(this.reactor, this.handle, {
      isUnix: this.#has(IS.unix),
      limits,
      local,
      remote,
      id,
    });
    heir.tag = tag;
    heir.#held = this.#held;
    this.#held = undefined;
    this.#is |= IS.released | IS.closing;
    this.#attend();
    return heir;
  }

  lend(): Loan | undefined {
    const { chunk, errno } = { ...this.#held } as { chunk?: Uint8Array; errno?: number };
    // An error was the descriptor's last word: nobody else would hear it. An end can be heard again.
    if (errno !== undefined && errno !== 0) return undefined;
    const socket = lendSocket(this.reactor, this.handle, () => {
      if (!this.#has(IS.released)) this.#release(null);
    });
    if (socket === undefined) return undefined;
    this.#held = undefined;
    if (chunk !== undefined) socket.unshift(chunk);
    this.#lent = socket;
    return { socket, isRecalled: () => this.#has(IS.closing), abort: this.abort.bind(this) };
  }

  cover(stream: TlsStream): void {
    this.reactor.own(this.handle, new CoveredTarget(this, stream));
  }

  #requireUpgradable(): void {
    const details = this.details('upgrade');
    if (this.#has(IS.closing | IS.writeEnded)) throw new ClosedError(details);
    if (this.#has(IS.released | IS.writeBroken | IS.readEnded))
      throw this.#failure ?? new BrokenError({ ...details, reason: 'the peer has ended the connection' });
    this.#requireIdle('upgrade');
  }

  #requireIdle(op: string): void {
    const isReading = this.#has(IS.started) && !this.#has(IS.paused);
    if (isReading) throw new BusyError({ ...this.details(op), reason: BUSY.reading });
    if (this.bufferedAmount > 0) throw new BusyError({ ...this.details(op), reason: BUSY.writing });
  }

  /** As `LocalProvider.detach` says. */
  detach(): Detachment {
    this.requireOpen('detach');
    if (this.#failure !== undefined) throw this.#failure;
    this.#requireIdle('detach');
    const { chunk = NO_BYTES, errno = 0 } = { ...this.#held } as { chunk?: Uint8Array; errno?: number };
    // The error was the descriptor's last word: nobody would hear it again.
    if (errno !== 0) throw this.broken(errno, 'read');
    this.rememberAddresses();
    const fd = this.reactor.native.detach(this.handle);
    this.reactor.disown(this.handle);
    this.#held = undefined;
    this.#is |= IS.released | IS.closing;
    this.#attend();
    return { fd, head: chunk };
  }

  // --- reading ------------------------------------------------------------------------------------

  start(sink: StreamSink, options?: ReadOptions): void {
    requireStreamSink(sink);
    this.requireOpen('start');
    if (options === undefined) {
      this.#readSize = MAX_READ_SIZE;
      this.#is |= IS.started | IS.owned;
    } else {
      const { readSize, chunks } = validateReadOptions(options);
      this.#readSize = readSize;
      this.#is = (this.#is & ~IS.owned) | IS.started | (chunks === 'owned' ? IS.owned : 0);
    }
    this.#sink = sink;
    this.#read();
  }

  pause(): void {
    this.requireOpen('pause');
    if (this.#has(IS.paused)) return;
    this.#is |= IS.paused;
    this.reactor.native.stop(this.handle);
  }

  resume(): void {
    this.requireOpen('resume');
    if (!this.#has(IS.paused)) return;
    this.#is &= ~IS.paused;
    if (this.#held !== undefined || this.#has(IS.readEnded)) this.#attend();
    else this.#read();
  }

  #read(): void {
    if ((this.#is & (IS.started | IS.paused | IS.readEnded)) !== IS.started || this.#held !== undefined)
      return;
    const result = this.reactor.native.startReading(this.handle, this.#readSize, this.#has(IS.owned));
    if (result < 0) {
      this.#held = { errno: -result };
      this.#attend();
    }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#has(IS.paused)) {
      this.#held = { chunk: this.#has(IS.owned) ? chunk : chunk.slice() };
      return;
    }
    this.#bytesRead += chunk.length;
    this.#sink?.data(chunk);
  }

  /** @param errno 0 for the peer's FIN */
  #onReadEnd(errno: number): void {
    if (this.#has(IS.paused)) {
      this.#held = { errno };
      return;
    }
    if (this.#failure !== undefined || errno !== 0) {
      // After a failed write there is no clean end: what the peer sent has been read, and the failure is told.
      this.#release(this.#failure ?? this.broken(errno, 'read'));
      return;
    }
    this.#is |= IS.readEnded;
    this.#sink?.end?.();
    this.#endIfOver();
  }

  #deliverHeld(): void {
    const held = this.#held;
    if (held === undefined || this.#has(IS.paused)) return;
    this.#held = undefined;
    if ('errno' in held) {
      this.#onReadEnd(held.errno);
      return;
    }
    this.#onData(held.chunk);
    if (!this.#has(IS.closing | IS.released)) this.#read();
  }

  // --- writing ------------------------------------------------------------------------------------

  write(bytes: Uint8Array, done?: WriteDone): boolean {
    if ((this.#is & UNWRITABLE) !== 0) throw this.#unwritable();
    if (this.#out.weight > this.limits.writeLimit) this.#requireRoom();
    if (done !== undefined) requireDone(done);
    const unsent = submit(this.reactor, this.handle, bytes);
    const length = lengthOfBytes(bytes);
    if (unsent < 0) this.#out.refuse(length);
    else this.#out.take(length, unsent, this.reactor.turn);
    if (done !== undefined) {
      this.#out.wait(done);
      this.#attend();
    }
    // What was refused counts too: whoever writes until he is told to stop would never be.
    if (this.#out.unsent < this.limits.highWaterMark) {
      this.reactor.touch();
      return true;
    }
    this.#is |= IS.draining;
    this.#attend();
    return false;
  }

  closeWrite(): void {
    if (this.#has(IS.closing | IS.released)) throw new ClosedError(this.details('closeWrite'));
    if (this.#has(IS.writeEnded)) return;
    this.#is |= IS.writeEnded;
    // Both directions have ended: closing the descriptor, when all is sent, sends the FIN.
    if (!this.#has(IS.readEnded)) this.reactor.native.shutWrite(this.handle);
    this.#attend();
  }

  #requireRoom(): void {
    const { writeLimit } = this.limits;
    if (this.bufferedAmount > writeLimit || this.#out.weight > writeLimit)
      throw new OverflowError(writeLimit, this.details('write'));
  }

  #unwritable(): SocketError {
    if (this.#failure !== undefined && !this.#has(IS.closing)) return this.#failure;
    return new ClosedError(this.details('write'));
  }

  // --- events ---------------------------------------------------------------------------------------

  onEvent(kind: number, a: number, b: number, buffers: readonly ArrayBuffer[]): void {
    switch (kind) {
      case EVENT.dataView:
        this.#onData(this.reactor.view(a, b));
        return;
      case EVENT.dataOwned:
        this.#onData(new Uint8Array(buffers[a] ?? new ArrayBuffer(0)));
        return;
      case EVENT.end:
        this.#onReadEnd(0);
        return;
      case EVENT.readFailed:
        this.#onReadEnd(a);
        return;
      case EVENT.peer:
        this.meetPeer(a, b);
        return;
      case EVENT.closed:
        this.reactor.disown(this.handle);
        if (a === 0) this.#out.hear(0);
        else this.#out.break(b);
        this.#finish(a === 0 ? null : this.broken(a, 'write'));
        return;
      default:
        this.onFlushed(kind, a, b);
        if (kind === EVENT.written || kind === EVENT.writeFailed) this.#attend();
    }
  }

  onFlushed(kind: number, a: number, b: number): void {
    if (kind === EVENT.writeFailed) {
      this.#is |= IS.writeBroken;
      this.#out.break(b);
      this.#failure ??= this.broken(a, 'write');
      this.#attend();
      return;
    }
    this.#out.hear(a);
  }

  attend(): void {
    this.#is &= ~IS.attended;
    this.#answerWrites();
    if (this.#has(IS.closing | IS.released)) {
      if (this.#has(IS.released)) this.#finish(this.#failure ?? null);
      return;
    }
    this.#deliverHeld();
    this.#endIfOver();
  }

  /** Has `attend` called once, soon. */
  #attend(): void {
    if (this.#has(IS.attended)) return;
    this.#is |= IS.attended;
    this.reactor.attend(this);
  }

  #answerWrites(): void {
    const out = this.#out;
    if (this.#has(IS.writeBroken)) {
      this.#failWrites(this.#failure ?? null);
      return;
    }
    if (!this.#has(IS.released)) {
      // Written by another's answer, in this very turn: the kernel may not have it yet.
      if (out.isFresh(this.reactor.turn)) out.unsent = this.bufferedAmount;
      else out.settleTurn(this.reactor.turn);
    }
    out.answerSent();
    if (out.unsent > 0 || !this.#has(IS.draining)) return;
    this.#is &= ~IS.draining;
    if (!this.#has(IS.closing | IS.released)) this.#sink?.drain?.();
  }

  /** @param error `null` if it was closed by its owner */
  #failWrites(error: SocketError | null): void {
    this.#out.answerSent();
    this.#out.fail(() => error ?? new ClosedError(this.details('write')));
    this.#out.drop();
  }

  // --- ending ---------------------------------------------------------------------------------------

  close(deadline?: Deadline): Promise<void> {
    if (this.#closing !== undefined) return this.#closing.promise;
    let plan: DeadlinePlan;
    try {
      plan = validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a getter of the caller's may throw anything
      return Promise.reject(error);
    }
    if (this.#has(IS.released)) {
      // It ended before, or its end is being told.
      this.#closing = this.#has(IS.told) ? CLOSED : new Closing();
      return this.#closing.promise;
    }
    this.rememberAddresses();
    this.#is |= IS.closing;
    const result = this.reactor.native.close(this.handle);
    if (result > 0) this.#awaitClosed(plan);
    else this.#closeAtOnce(-result);
    return (this.#closing ??= CLOSED).promise;
  }

  /** What was written waits for the kernel: the event `closed` follows, unless the deadline comes first. */
  #awaitClosed(plan: DeadlinePlan): void {
    this.#closing = new Closing();
    const expire = (reason: unknown): void => {
      this.#closing?.settle(reason);
      this.abort();
    };
    this.#closing.arm(plan, this.reactor.clock, expire, this.details('close'));
  }

  #closeAtOnce(errno: number): void {
    this.reactor.disown(this.handle);
    this.#is |= IS.released;
    if (errno === 0) {
      this.#out.hear(0);
      // Nobody is waiting for anything.
      if (this.#sink === undefined && !this.#out.hasWaiters) {
        this.#is |= IS.told;
        return;
      }
    } else {
      this.#failure ??= this.broken(errno, 'write');
      this.#is |= IS.writeBroken;
      this.#out.drop();
    }
    this.#closing = new Closing();
    this.#attend();
  }

  abort(): void {
    if (this.#has(IS.released)) return;
    const unsent = this.bufferedAmount;
    this.#dropHandle('abort');
    this.#is |= IS.released | IS.writeBroken | IS.closing;
    // An orderly close that is cut short has failed, unless nothing was left to send.
    this.#closing?.settle(unsent > 0 ? new ClosedError(this.details('close')) : null);
    this.#failure = undefined;
    this.#attend();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the stream when nothing more can come of it: both directions have ended, or one has and the other is broken. */
  #endIfOver(): void {
    if (!this.#has(IS.readEnded) || this.#has(IS.released | IS.closing | IS.paused)) return;
    if (this.#has(IS.writeBroken)) this.#release(this.#failure ?? null);
    else if (this.#has(IS.writeEnded) && this.bufferedAmount === 0) this.#release(null);
  }

  /** The connection has ended by itself. */
  #release(error: SocketError | null): void {
    this.#dropHandle(error === null ? 'close' : 'abort');
    this.#is |= IS.released | (error === null ? 0 : IS.writeBroken);
    this.#failure = error ?? undefined;
    this.#finish(error);
  }

  /** Gives the descriptor back. What was not sent will never be, and does not count as written. */
  #dropHandle(how: 'close' | 'abort'): void {
    this.rememberAddresses();
    this.#out.unsent = this.bufferedAmount;
    this.#out.drop();
    this.reactor.native[how](this.handle);
    this.reactor.disown(this.handle);
    this.#lent?.destroy();
  }

  /** The last words, once. */
  #finish(error: SocketError | null): void {
    if (this.#has(IS.told)) return;
    this.#is |= IS.told | IS.released;
    this.#held = undefined;
    if (error === null) this.#answerWrites();
    this.#failWrites(error);
    this.#closing?.settle(error);
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.close(error);
  }

  // --- the rest ------------------------------------------------------------------------------------

  snapshot(): SocketSnapshot {
    return streamSnapshot(this, this.#has(IS.closing));
  }

  protected override get hasHandle(): boolean {
    return !this.#has(IS.released);
  }

  protected override get isOpen(): boolean {
    return !this.#has(IS.closing | IS.released);
  }

  #has(mask: number): boolean {
    return (this.#is & mask) !== 0;
  }
}
