import { EVENT } from '../addon/types.ts';
import type { SocketError } from '../base/errors.ts';
import { BrokenError, ClosedError, OverflowError, SystemError } from '../base/errors.ts';
import type {
  Datagram,
  DatagramReadOptions,
  DatagramSink,
  Deadline,
  OutgoingDatagram,
  ReceivedDatagram,
  SocketSnapshot,
  WriteDone,
} from '../base/provider.ts';
import { requireDatagramSink, validateDatagramRead } from '../base/validate-datagram.ts';
import type { DeadlinePlan, StreamLimits } from '../base/validate.ts';
import { requireDone, validateDeadline } from '../base/validate.ts';
import { Closing } from './closing.ts';
import { MessageAccount } from './message-account.ts';
import { MessageReader } from './message-reader.ts';
import { MessageSender } from './message-sender.ts';
import type { MessageSocketOrigin } from './message-socket.ts';
import { MessageSocket } from './message-socket.ts';
import { RECORD } from './message-record.ts';
import type { Reactor, Target } from './reactor.ts';
import { reportUncaught } from './reactor.ts';
import { IS } from './stream-state.ts';

/** Milliseconds until a send is tried again where the kernel does not tell when there is room. */
const STUCK_PAUSE = 5;
/** Milliseconds until receiving is tried again after the system ran out of something. */
const FAILED_PAUSE = 50;

export interface DatagramOrigin extends MessageSocketOrigin {
  readonly limits: StreamLimits;
  /** Called once, when the descriptor is closed. */
  readonly cleanUp?: (() => void) | undefined;
}

export class NativeDatagram extends MessageSocket implements Datagram, Target {
  readonly #origin: DatagramOrigin;
  readonly #out = new MessageAccount();
  readonly #reader: MessageReader;
  readonly #sender: MessageSender;
  #is = 0;
  #sink: DatagramSink | undefined;
  #received = 0;
  #bytesRead = 0;
  /** As last seen, for a socket that is closed. */
  #drops = 0;
  /** What came while paused, of a batch that was under way. */
  #held: (ReceivedDatagram | SocketError)[] = [];
  /** How the peer of a seqpacket has ended, which is to be told behind what is held. */
  #ended: { readonly errno: number } | undefined;
  #failure: SocketError | undefined;
  #closing: Closing | undefined;
  #cancelTimers: (() => void)[] = [];

  constructor(reactor: Reactor, origin: DatagramOrigin) {
    super(reactor, origin);
    this.#origin = origin;
    this.#reader = new MessageReader(reactor);
    this.#sender = new MessageSender(reactor, origin.handle, {
      transport: origin.transport,
      isConnected: origin.type === 'seqpacket' || origin.remote !== undefined,
      details: () => this.details('send'),
    });
    reactor.own(origin.handle, this);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    this.#settle();
    return this.#out.sentBytes;
  }

  get received(): number {
    return this.#received;
  }

  get sent(): number {
    this.#settle();
    return this.#out.sent;
  }

  get drops(): number {
    if (!this.#has(IS.released)) this.#drops = Math.max(0, this.reactor.native.drops(this.handle));
    return this.#drops;
  }

  get bufferedAmount(): number {
    if (this.#has(IS.released)) return 0;
    const out = this.#out;
    this.#settle();
    if (out.amount > 0) out.amount = Math.max(0, this.reactor.native.pending(this.handle));
    return out.amount;
  }

  get isPaused(): boolean {
    return this.#has(IS.paused);
  }

  // --- receiving ----------------------------------------------------------------------------------

  start(sink: DatagramSink, options?: DatagramReadOptions): void {
    requireDatagramSink(sink);
    const plan = validateDatagramRead(options);
    this.requireOpen('start');
    this.#sink = sink;
    this.#is |= IS.started;
    this.#reader.plan = plan;
    this.#receive();
    if (this.#has(IS.draining)) this.#attend();
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
    if (this.#held.length > 0 || this.#ended !== undefined) this.#attend();
    else this.#receive();
  }

  /** @throws {SystemError} it cannot be told what is asked for */
  #receive(): void {
    const isReady = (this.#is & (IS.started | IS.readEnded)) === IS.started;
    if (!isReady || this.#held.length > 0 || this.#ended !== undefined) return;
    const { size, isOwned, meta } = this.#reader;
    const result = this.reactor.native.startReceiving(this.handle, size, isOwned, meta);
    if (result < 0) throw this.reactor.names.error(-result, 'setsockopt', this.details('start'));
    // The kernel notes what is asked for as each datagram comes, so that is asked for also while paused.
    if (this.#has(IS.paused)) this.reactor.native.stop(this.handle);
  }

  #onMessages(offset: number, count: number, buffers: readonly ArrayBuffer[] | undefined): void {
    const reader = this.#reader;
    reader.begin(offset, buffers);
    for (let i = 0; i < count; i++) {
      if (this.#held.length > 0 || this.#has(IS.paused | IS.closing | IS.released)) {
        this.#hold(count - i);
        return;
      }
      const datagram = reader.next();
      this.#deliver(datagram);
      if (this.reactor.isClosed) return;
    }
  }

  #deliver(datagram: ReceivedDatagram): void {
    this.#received++;
    this.#bytesRead += datagram.bytes.length;
    try {
      this.#sink?.receive(datagram);
    } catch (error) {
      reportUncaught(error);
    }
  }

  /** What was received with the datagram in which `pause` was called has left the kernel already. */
  #hold(count: number): void {
    if (this.#has(IS.closing | IS.released)) return;
    for (let i = 0; i < count; i++) this.#held.push(this.#reader.nextOwned());
  }

  #deliverHeld(): void {
    if (this.#held.length === 0 && this.#ended === undefined) return;
    const held = this.#held;
    let count = 0;
    for (const each of held) {
      if (this.#has(IS.paused | IS.closing | IS.released)) break;
      count++;
      if ('bytes' in each) this.#deliver(each);
      else this.#deliverError(each);
    }
    held.splice(0, count);
    if (this.#has(IS.paused | IS.closing | IS.released)) return;
    if (this.#ended !== undefined) this.#onEnd(this.#ended.errno);
    else this.#receive();
  }

  /** The peer of a seqpacket has closed. @param errno 0, or why it was no good end */
  #onEnd(errno: number): void {
    this.#is |= IS.readEnded;
    if (this.#has(IS.paused)) {
      this.#ended = { errno };
      return;
    }
    this.#ended = undefined;
    if (this.#has(IS.closing | IS.released)) return;
    this.#failure = errno === 0 ? undefined : this.#broken(errno);
    this.#release('abort');
    this.#attend();
  }

  #onReceiveFailed(errno: number): void {
    this.#later(FAILED_PAUSE, () => {
      this.#receive();
    });
    this.#tellError(this.reactor.names.error(errno, 'recvmmsg', this.details('receive')));
  }

  #onReported(offset: number, errno: number): void {
    const remote = this.#reader.peerAt(offset);
    const reason = 'the network reports that a datagram did not arrive';
    const details = { ...this.details('send'), remote, reason };
    this.#tellError(this.reactor.names.error(errno, 'recvmsg', details));
  }

  /** An error that is about no send of ours: told after `resume`, as datagrams are. */
  #tellError(error: SocketError): void {
    if (this.#has(IS.closing | IS.released)) return;
    if (this.#held.length > 0 || this.#has(IS.paused)) this.#held.push(error);
    else this.#deliverError(error);
  }

  #deliverError(error: SocketError): void {
    try {
      this.#sink?.error?.(error);
    } catch (thrown) {
      reportUncaught(thrown);
    }
  }

  // --- sending ------------------------------------------------------------------------------------

  send(message: OutgoingDatagram, done?: WriteDone): boolean {
    if (this.#has(IS.closing | IS.released)) throw new ClosedError(this.details('send'));
    if (done !== undefined) requireDone(done);
    this.#requireRoom();
    const isRoom = this.#take(message, done);
    if (!isRoom) this.#oweDrain();
    return isRoom;
  }

  sendMany(messages: readonly OutgoingDatagram[]): number {
    if (!Array.isArray(messages)) throw new TypeError('messages: expected an array of messages');
    if (this.#has(IS.closing | IS.released)) throw new ClosedError(this.details('send'));
    const valid = this.#sender.judge(messages);
    // Judging them may have run code of the caller's.
    if (this.#has(IS.closing | IS.released)) throw new ClosedError(this.details('send'));
    this.#requireRoom();
    let count = 0;
    let isRoom = this.bufferedAmount < this.#origin.limits.highWaterMark;
    while (isRoom && count < valid.length) {
      const message = valid[count++];
      if (message !== undefined) isRoom = this.#take(message, undefined);
    }
    if (count < valid.length) this.#oweDrain();
    return count;
  }

  /** @returns whether there is room for more */
  #take(message: OutgoingDatagram, done: WriteDone | undefined): boolean {
    const sender = this.#sender;
    const unsent = sender.submit(message);
    const out = this.#out;
    if (unsent < 0) {
      out.refuse(done, sender.failure(-unsent));
      this.#attend();
      return this.bufferedAmount < this.#origin.limits.highWaterMark;
    }
    out.take(sender.length, unsent, this.reactor.turn);
    if (done === undefined) {
      this.reactor.touch();
    } else {
      out.wait(done);
      this.#attend();
    }
    return unsent < this.#origin.limits.highWaterMark;
  }

  #oweDrain(): void {
    this.#is |= IS.draining;
    this.#attend();
  }

  #requireRoom(): void {
    const { writeLimit } = this.#origin.limits;
    if (this.#out.amount > writeLimit && this.bufferedAmount > writeLimit)
      throw new OverflowError(writeLimit, this.details('send'));
  }

  #onSendFailed(offset: number, number: number): void {
    const { words } = this.reactor;
    const at = offset / 4;
    const details = { ...this.details('send'), remote: this.remote ?? this.#reader.peerAt(offset) };
    const error = this.reactor.names.error(words[at + RECORD.error] ?? 0, 'sendmsg', details);
    this.#out.fail(number, words[at + RECORD.length] ?? 0, error);
    this.#attend();
  }

  #onStuck(): void {
    this.#later(STUCK_PAUSE, () => {
      this.reactor.native.retrySending(this.handle);
    });
  }

  // --- events ---------------------------------------------------------------------------------------

  onEvent(kind: number, a: number, b: number, buffers: readonly ArrayBuffer[]): void {
    switch (kind) {
      case EVENT.datagramView:
        this.#onMessages(a, b, undefined);
        return;
      case EVENT.datagramOwned:
        this.#onMessages(a, b, buffers);
        return;
      case EVENT.queued:
      case EVENT.stuck:
      case EVENT.sendFailed:
        this.onFlushed(kind, a, b);
        this.#attend();
        return;
      case EVENT.reported:
        this.#onReported(a, b);
        return;
      case EVENT.receiveFailed:
        this.#onReceiveFailed(a);
        return;
      case EVENT.end:
      case EVENT.readFailed:
        this.#onEnd(kind === EVENT.end ? 0 : a);
        return;
      case EVENT.closed:
        this.#out.hear(0, 0);
        this.#freed();
        this.#attend();
    }
  }

  onFlushed(kind: number, a: number, b: number): void {
    if (kind === EVENT.sendFailed) {
      this.#onSendFailed(a, b);
      return;
    }
    this.#out.hear(b, a);
    if (kind === EVENT.stuck) this.#onStuck();
  }

  attend(): void {
    this.#is &= ~IS.attended;
    this.#settle();
    this.#out.answer((error) => {
      if (!this.#has(IS.closing | IS.released)) this.#sink?.error?.(error);
    });
    if (this.#has(IS.released)) {
      this.#finish();
      return;
    }
    // Sent by another's answer, in this very turn: the kernel may not have it yet.
    if (this.#out.isFresh(this.reactor.turn)) this.#attend();
    else this.#tellDrain();
    this.#deliverHeld();
  }

  #tellDrain(): void {
    if (!this.#has(IS.draining) || this.#sink === undefined || this.#out.unsent > 0) return;
    this.#is &= ~IS.draining;
    if (!this.#has(IS.closing | IS.released)) this.#sink.drain?.();
  }

  #settle(): void {
    if (!this.#has(IS.released)) this.#out.settleTurn(this.reactor.turn);
  }

  /** Has `attend` called once, soon. */
  #attend(): void {
    if (this.#has(IS.attended)) return;
    this.#is |= IS.attended;
    this.reactor.attend(this);
  }

  /** Does `what` after a while, unless the socket is closed by then. */
  #later(milliseconds: number, what: () => void): void {
    const cancel = this.reactor.clock.setTimer(milliseconds, () => {
      this.#cancelTimers = this.#cancelTimers.filter((each) => each !== cancel);
      what();
    });
    this.#cancelTimers.push(cancel);
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
    const closing = new Closing();
    this.#closing = closing;
    if (this.#has(IS.released)) {
      if (this.#has(IS.told)) closing.settle(null);
      return closing.promise;
    }
    this.#is |= IS.closing;
    this.#held = [];
    this.#drops = this.drops;
    if (this.reactor.native.close(this.handle) > 0) {
      this.#awaitClosed(closing, plan);
    } else {
      this.#out.hear(0, 0);
      this.#freed();
    }
    this.#attend();
    return closing.promise;
  }

  /** What was taken waits for the kernel: the event `closed` follows, unless the deadline comes first. */
  #awaitClosed(closing: Closing, plan: DeadlinePlan): void {
    const expire = (reason: unknown): void => {
      closing.settle(reason);
      this.abort();
    };
    closing.arm(plan, this.reactor.clock, expire, this.details('close'));
  }

  abort(): void {
    if (this.#has(IS.released)) return;
    const isUnsent = this.#has(IS.closing);
    this.#release('abort');
    this.#failure = undefined;
    if (isUnsent) this.#closing?.settle(new ClosedError(this.details('close')));
    this.#attend();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Gives the descriptor back. */
  #release(how: 'abort' | 'close'): void {
    this.#drops = this.drops;
    this.#settle();
    this.reactor.native[how](this.handle);
    this.#is |= IS.closing;
    this.#freed();
  }

  /** The descriptor is closed. The handle is disowned only when the failures of this turn have been told. */
  #freed(): void {
    this.#is |= IS.released;
    this.#held = [];
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
    this.#origin.cleanUp?.();
  }

  /** The last words, once. */
  #finish(): void {
    if (this.#has(IS.told)) return;
    this.#is |= IS.told;
    this.reactor.disown(this.handle);
    const failure = this.#failure ?? null;
    this.#out.drop(() => (this.#has(IS.readEnded) ? this.#pipe() : new ClosedError(this.details('send'))));
    this.#closing?.settle(null);
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.close(failure);
  }

  #pipe(): SocketError {
    return new SystemError('EPIPE', { ...this.details('send'), syscall: 'sendmsg' });
  }

  #broken(errno: number): BrokenError {
    const details = this.details('receive');
    return new BrokenError({ ...details, cause: this.reactor.names.error(errno, 'recvmsg', details) });
  }

  // --- the rest -------------------------------------------------------------------------------------

  snapshot(): SocketSnapshot | null {
    if (this.#has(IS.released)) return null;
    const { id, transport, local, remote, bytesRead, bytesWritten, bufferedAmount, tag } = this;
    const state = this.#has(IS.closing) ? 'closing' : 'open';
    const counts = { bytesRead, bytesWritten, bufferedAmount };
    return { id, kind: 'datagram', transport, state, local, remote, ...counts, tag };
  }

  protected override get isOpen(): boolean {
    return !this.#has(IS.closing | IS.released);
  }

  #has(mask: number): boolean {
    return (this.#is & mask) !== 0;
  }
}
