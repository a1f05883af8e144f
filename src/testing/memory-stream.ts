import type { SocketAddress } from '../base/address.ts';
import { requireBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import {
  BrokenError,
  BusyError,
  ClosedError,
  OverflowError,
  SystemError,
  UnsupportedError,
  type SocketError,
} from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type {
  Deadline,
  JsonValue,
  ReadOptions,
  SocketSnapshot,
  Stream,
  StreamSink,
  WriteDone,
} from '../base/provider.ts';
import {
  requireDone,
  requireStreamSink,
  validateDeadline,
  validateReadOptions,
  type ReadPlan,
  type StreamLimits,
} from '../base/validate.ts';
import type { UpgradeOptions } from '../base/tls.ts';
import type { RawStream, TlsHost, Upgradable } from '../base/tls-host.ts';
import { BUSY } from '../base/tls-host.ts';
import type { TlsStream } from '../base/tls-upgrader.ts';
import { streamSnapshot } from '../base/stream-snapshot.ts';
import { armDeadline } from './arm-deadline.ts';
import { deferred, type Deferred } from './deferred.ts';
import { MemoryHandle } from './memory-handle.ts';
import { MemoryOptions } from './memory-options.ts';
import { MemoryOutbox } from './memory-outbox.ts';
import type { MemorySocket } from './memory-socket.ts';
import type { MemoryTurns } from './memory-turns.ts';

/** What a stream or a listener in memory needs of its provider. */
export interface MemoryOwner {
  readonly turns: MemoryTurns;
  readonly clock: Clock;
  /** A buffer for views, shared by all streams: it is written over after each call. */
  readonly scratch: Uint8Array;
  /** Takes the socket off the list of what is open. */
  forget(socket: { readonly id: number }): void;
  /** Puts another stream on that list, in the place of the one with its number. */
  replace(stream: MemoryStream | TlsStream): void;
  /** Makes what speaks TLS out of its streams; `undefined` where there is no TLS. */
  readonly tls: TlsHost | undefined;
}

/** What one stream of a connection leaves to the next. */
interface Heir {
  readonly options: MemoryOptions;
  readonly tag: JsonValue | undefined;
}

/** A stream in memory: the part above the kernel, which reads and writes in turns and keeps the contract's order. */
export class MemoryStream extends MemoryHandle implements Upgradable, RawStream {
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #owner: MemoryOwner;
  readonly #socket: MemorySocket;
  readonly limits: StreamLimits;
  /** What was connected to, where that has a name. */
  host: string | undefined;
  #bytesRead = 0;
  readonly #outbox: MemoryOutbox = new MemoryOutbox();
  #sink: StreamSink | null = null;
  #read: ReadPlan = validateReadOptions();
  #owesDrain = false;
  /** `closeWrite` was called, and its FIN sent. */
  #writeEnd: 'open' | 'asked' | 'sent' = 'open';
  #isReadEnded = false;
  #broken: BrokenError | null = null;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #isClosedByOwner = false;
  #closing: Deferred<undefined> | null = null;
  #dropDeadline: () => void = () => undefined;
  #hasReadTurn = false;
  #hasWriteTurn = false;

  constructor(owner: MemoryOwner, id: number, socket: MemorySocket, limits: StreamLimits, heir?: Heir) {
    const changed = (options: SocketOptions): void => {
      socket.receiveBufferSize = options.receiveBufferSize;
      socket.sendBufferSize = options.sendBufferSize;
    };
    const options = heir?.options ?? new MemoryOptions(socket.transport, changed, socket.receiveBufferSize);
    super(id, socket, options);
    this.transport = socket.transport;
    this.local = socket.local;
    this.remote = socket.remote;
    this.#owner = owner;
    this.#socket = socket;
    this.limits = limits;
    this.tag = heir?.tag;
    socket.onReady = () => {
      this.#wantRead();
      if (!this.#outbox.isEmpty) this.#wantWrite();
    };
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }
  get bytesWritten(): number {
    return this.#outbox.bytesWritten;
  }
  get bufferedAmount(): number {
    return this.#outbox.bufferedAmount;
  }
  get tls(): undefined {
    return undefined;
  }

  async upgrade(options: UpgradeOptions): Promise<Stream> {
    const { tls } = this.#owner;
    if (tls === undefined) throw new UnsupportedError('this provider has no TLS', this.details('upgrade'));
    return tls.upgrade(this, options, this.host);
  }

  giveAway(): RawStream {
    this.#requireUpgradable();
    const heir = new MemoryStream(this.#owner, this.id, this.#socket, this.limits, {
      options: this.options,
      tag: this.tag,
    });
    this.#owner.replace(heir);
    this.#state = 'closed';
    this.#isClosedByOwner = true;
    this.#owner.turns.add(() => {
      this.#tellClose(null);
    });
    return heir;
  }

  cover(stream: TlsStream): void {
    this.#owner.replace(stream);
  }

  #requireUpgradable(): void {
    const details = this.details('upgrade');
    if (this.#broken !== null && !this.#isClosedByOwner) throw this.#broken;
    if (this.#state !== 'open' || this.#writeEnd !== 'open') throw new ClosedError(details);
    if (this.#isReadEnded) throw new BrokenError({ ...details, reason: 'the peer has ended the connection' });
    if (this.#sink !== null && !this.isPaused) throw new BusyError({ ...details, reason: BUSY.reading });
    if (this.bufferedAmount > 0) throw new BusyError({ ...details, reason: BUSY.writing });
  }

  /** As a table shows it; `null` when it is no longer open. */
  snapshot(): SocketSnapshot {
    return streamSnapshot(this, this.#state !== 'open');
  }

  start(sink: StreamSink, options?: ReadOptions): void {
    requireStreamSink(sink);
    const plan = validateReadOptions(options);
    this.requireOpen('start');
    this.#sink = sink;
    this.#read = plan;
    this.#wantRead();
    if (this.#owesDrain) this.#wantWrite();
  }

  write(bytes: Uint8Array, done?: WriteDone): boolean {
    requireBytes(bytes);
    requireDone(done);
    if (this.#broken !== null && !this.#isClosedByOwner) throw this.#brokenBy(this.#broken.cause, 'write');
    this.requireOpen('write');
    if (this.#writeEnd !== 'open') throw new ClosedError(this.details('write'));
    const { highWaterMark, writeLimit } = this.limits;
    if (this.#outbox.weight > writeLimit) throw new OverflowError(writeLimit, this.details('write'));
    this.#outbox.push(bytes, done);
    this.#wantWrite();
    if (this.bufferedAmount < highWaterMark) return true;
    this.#owesDrain = true;
    return false;
  }

  closeWrite(): void {
    this.requireOpen('closeWrite');
    if (this.#writeEnd !== 'open') return;
    this.#writeEnd = 'asked';
    this.#wantWrite();
  }

  close(deadline?: Deadline): Promise<void> {
    if (this.#closing !== null) return this.#closing.promise;
    let plan;
    try {
      plan = validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
      return Promise.reject(error);
    }
    const closing = deferred<undefined>();
    this.#closing = closing;
    if (this.#state === 'closed') {
      closing.resolve(undefined);
      return closing.promise;
    }
    this.#state = 'closing';
    this.#isClosedByOwner = true;
    this.#wantWrite();
    const timedOut = (): unknown => new SystemError('ETIMEDOUT', this.details('close'));
    this.#dropDeadline = armDeadline(plan, this.#owner.clock, timedOut, (reason) => {
      closing.reject(reason);
      this.abort();
    });
    return closing.promise;
  }

  abort(): void {
    if (this.#state === 'closed') return;
    const unsent = this.#outbox.drop();
    this.#isClosedByOwner = true;
    this.#end();
    this.#socket.reset();
    this.#owner.turns.add(() => {
      const error = new ClosedError(this.details('write'));
      for (const done of unsent) this.#answer(done, error);
      if (unsent.length > 0) this.#closing?.reject(error);
      else this.#closing?.resolve(undefined);
      this.#tellClose(null);
    });
  }

  /** Nothing is read or written any more; what is pending is left to the caller. */
  #end(): void {
    this.#state = 'closed';
    this.#owesDrain = false;
    this.#dropDeadline();
    this.#owner.forget(this);
  }

  #wantRead(): void {
    if (this.#hasReadTurn || !this.#isReading()) return;
    this.#hasReadTurn = true;
    this.#owner.turns.add(() => {
      this.#hasReadTurn = false;
      if (this.#isReading()) this.#readOnce();
    });
  }

  #isReading(): boolean {
    return this.#state === 'open' && this.#sink !== null && !this.isPaused;
  }

  /** One chunk a turn, so that no stream keeps another waiting. */
  #readOnce(): void {
    let got: Uint8Array | 'end' | null;
    try {
      got = this.#isReadEnded && !this.#socket.isReset ? null : this.#socket.read(this.#read.readSize);
    } catch (error) {
      this.#break(error, 'read');
      return;
    }
    if (got === 'end') this.#readEnd();
    else if (got !== null) this.#deliver(got);
    else if (this.#broken !== null) this.#endBroken(this.#broken);
  }

  #deliver(chunk: Uint8Array): void {
    this.#bytesRead += chunk.length;
    const { scratch, turns } = this.#owner;
    if (this.#read.chunks === 'view') {
      scratch.set(chunk);
      turns.call(() => this.#sink?.data(scratch.subarray(0, chunk.length)));
      scratch.fill(0xdd, 0, chunk.length);
    } else {
      turns.call(() => this.#sink?.data(chunk));
    }
    this.#wantRead();
  }

  #readEnd(): void {
    this.#isReadEnded = true;
    this.#owner.turns.call(() => this.#sink?.end?.());
    if (this.#broken === null) this.#endIfBothEnded();
    else this.#wantRead();
  }

  #endIfBothEnded(): void {
    if (this.#state !== 'open' || !this.#isReadEnded || this.#writeEnd !== 'sent') return;
    this.#end();
    this.#socket.close();
    this.#tellClose(null);
  }

  #wantWrite(): void {
    if (this.#hasWriteTurn || this.#state === 'closed') return;
    this.#hasWriteTurn = true;
    this.#owner.turns.add(() => {
      this.#hasWriteTurn = false;
      this.#writeAll();
    });
  }

  #writeAll(): void {
    if (this.#state === 'closed') return;
    try {
      if (
        !this.#outbox.send(this.#socket, (done) => {
          this.#answer(done, null);
        })
      )
        return;
    } catch (error) {
      this.#break(error, 'write');
      return;
    }
    this.#tellDrain();
    // A callback may have written again, or ended the stream.
    if (this.#outbox.isEmpty) this.#afterWrites();
  }

  #tellDrain(): void {
    if (!this.#owesDrain || this.#state !== 'open' || this.#sink === null) return;
    this.#owesDrain = false;
    this.#owner.turns.call(() => this.#sink?.drain?.());
  }

  /** Everything is with the kernel: now FIN, or the close that waited for it. */
  #afterWrites(): void {
    if (this.#state === 'closing') {
      this.#end();
      this.#socket.close();
      this.#closing?.resolve(undefined);
      this.#tellClose(null);
    } else if (this.#state === 'open' && this.#writeEnd === 'asked') {
      this.#writeEnd = 'sent';
      this.#socket.shutdown();
      this.#endIfBothEnded();
    }
  }

  /** A call of the system failed for good. Bytes that have arrived are still delivered before that is told. */
  #break(cause: unknown, op: string): void {
    const error = this.#brokenBy(cause, op);
    this.#broken ??= error;
    this.#owesDrain = false;
    for (const done of this.#outbox.drop()) this.#answer(done, error);
    if (this.#state === 'closing') this.#endClosing(error);
    else if (op === 'read') this.#endBroken(error);
    else this.#wantRead();
  }

  #endClosing(error: BrokenError): void {
    this.#end();
    this.#socket.close();
    this.#closing?.reject(error);
    this.#tellClose(null);
  }

  #endBroken(error: BrokenError): void {
    if (this.#state !== 'open') return;
    this.#end();
    this.#socket.close();
    this.#tellClose(error);
  }

  #answer(done: WriteDone | undefined, error: SocketError | null): void {
    if (done === undefined) return;
    this.#owner.turns.call(() => {
      done(error);
    });
  }

  #tellClose(error: SocketError | null): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#owner.turns.call(() => sink?.close(error));
  }

  protected override get isOpen(): boolean {
    return this.#state === 'open';
  }

  protected override goOn(): void {
    this.#wantRead();
  }

  #brokenBy(cause: unknown, op: string): BrokenError {
    return new BrokenError({ ...this.details(op), cause });
  }
}
