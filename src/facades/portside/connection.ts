import { onAbort } from '../../base/abort.ts';
import type { SocketAddress } from '../../base/address.ts';
import { requireBytes } from '../../base/bytes.ts';
import { Canceller } from '../../base/canceller.ts';
import { countDown } from '../../base/deadline.ts';
import type { ErrorDetails, SocketError } from '../../base/errors.ts';
import { BusyError, ClosedError, isSocketError, UnsupportedError } from '../../base/errors.ts';
import type { OptionName, SocketOptions } from '../../base/options.ts';
import type { Deadline, JsonValue, SocketProvider, Stream } from '../../base/provider.ts';
import type { Leftover, StreamReader } from '../../base/reader.ts';
import { reader } from '../../base/reader.ts';
import type { TlsInfo, UpgradeOptions } from '../../base/tls.ts';
import type { DeadlinePlan } from '../../base/validate.ts';
import { deadlineOf, validateDeadline } from '../../base/validate.ts';
import { forgetBelow, setBelow } from './below.ts';
import type { StreamEnds } from './byte-streams.ts';
import { byteSink, byteSource } from './byte-streams.ts';
import { linesOf, validateLines } from './lines.ts';
import type { Platform } from './platform.ts';
import { traced } from './platform.ts';
import type { Registry } from './registry.ts';
import type { Connection, Detached, LinesOptions, ReadUntilOptions, Writable } from './types.ts';
import type { WebStreams } from './web-streams.ts';
import { join, NOTHING, WriteSide } from './write-side.ts';

/** What all sockets of one `createPortside` share. */
export interface Home<Web extends WebStreams> {
  readonly provider: SocketProvider;
  readonly platform: Platform<Web>;
  readonly registry: Registry<Web>;
}

/** `given`: the stream belongs to somebody else, or is gone. */
type State = 'given' | 'open' | 'upgrading';

export class StreamConnection<Web extends WebStreams> implements Connection<Web>, StreamEnds {
  readonly #home: Home<Web>;
  readonly #stream: Stream;
  readonly #readAhead: number;
  /** Made by the first read: before that nothing is taken from the kernel. */
  #reader: StreamReader | undefined;
  #isStarted = false;
  /** What was read before by somebody else, or was put back. */
  #after: Leftover | undefined;
  #state: State = 'open';
  readonly #writing: WriteSide;
  #writeEnd: Promise<void> | undefined;
  #isReadingOver = false;
  #isTold = false;
  /** How it ended for whoever holds it: `null` for its owner's own close, or when it was given away. */
  #ending: SocketError | null | undefined;
  readonly #closeListeners: ((error: SocketError | null) => void)[] = [];
  /** Ends the handshake that is under way. */
  #handshake: Canceller | undefined;
  /** Where `upgrade` has moved the connection to. */
  #successor: StreamConnection<Web> | undefined;
  #readable: Web['readable'] | undefined;
  #writable: Web['writable'] | undefined;

  constructor(home: Home<Web>, stream: Stream, readAhead: number, after?: Leftover) {
    this.#home = home;
    this.#stream = stream;
    this.#readAhead = readAhead;
    this.#after = after;
    this.#writing = new WriteSide(stream, home.platform, (op) => this.#details(op));
    setBelow(this, stream);
  }

  get id(): number {
    return this.#stream.id;
  }
  get transport(): 'tcp' | 'unix' {
    return this.#stream.transport === 'unix' ? 'unix' : 'tcp';
  }
  get local(): SocketAddress {
    return this.#stream.local;
  }
  get remote(): SocketAddress {
    return this.#stream.remote;
  }
  get tls(): TlsInfo | undefined {
    return this.#stream.tls;
  }
  get bytesRead(): number {
    return this.#stream.bytesRead;
  }
  get bytesWritten(): number {
    return this.#stream.bytesWritten;
  }
  get bufferedAmount(): number {
    return this.#stream.bufferedAmount;
  }
  get tag(): JsonValue | undefined {
    return this.#stream.tag;
  }
  set tag(value: JsonValue | undefined) {
    this.#stream.tag = value;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.#requireOpen('option');
    return this.#stream.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#requireOpen('option');
    this.#stream.set(name, value);
  }

  ref(): void {
    this.#requireOpen('ref');
    this.#stream.ref();
  }

  unref(): void {
    this.#requireOpen('unref');
    this.#stream.unref();
  }

  async read(max?: number, deadline?: Deadline): Promise<Uint8Array | null> {
    return this.#pull().read(max, deadline);
  }

  async readExactly(count: number, deadline?: Deadline): Promise<Uint8Array> {
    return this.#pull().readExactly(count, deadline);
  }

  async readUntil(delimiter: string | Uint8Array, options?: ReadUntilOptions): Promise<Uint8Array> {
    const bytes = typeof delimiter === 'string' ? this.#home.platform.encode(delimiter) : delimiter;
    return this.#pull().readUntil(bytes, options);
  }

  unread(bytes: Uint8Array): void {
    const copy = new Uint8Array(requireBytes(bytes));
    this.#requireIdle('unread');
    const { head, isEnded } = this.#stop();
    this.#after = { head: join([copy, head]), isEnded };
    if (this.#writable !== undefined) this.#watch();
  }

  lines(options?: LinesOptions): AsyncGenerator<string, void, undefined> {
    return linesOf(this, validateLines(options), this.#home.platform);
  }

  chunks(deadline?: Deadline): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#chunks(validateDeadline(deadline));
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    return this.chunks();
  }

  async write(data: Writable, deadline?: Deadline): Promise<void> {
    const bytes = this.#writing.bytesOf(data);
    const plan = validateDeadline(deadline);
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    this.#requireOpen('write');
    await this.#writing.write(bytes, plan);
  }

  async closeWrite(deadline?: Deadline): Promise<void> {
    const plan = validateDeadline(deadline);
    if (this.#writeEnd === undefined) {
      this.#requireOpen('closeWrite');
      this.#writeEnd = this.#endWriting();
    }
    await this.#writing.inTime(this.#writeEnd, 'closeWrite', plan);
  }

  close(deadline?: Deadline): Promise<void> {
    if (this.#successor !== undefined) return this.#successor.close(deadline);
    try {
      validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
      return Promise.reject(error);
    }
    this.#handshake?.cancel(new ClosedError(this.#details('upgrade')));
    if (this.#state === 'given') return Promise.resolve();
    const closing = this.#stream.close(deadline);
    const told = (): void => {
      this.tellClosed(null);
    };
    closing.then(told, told);
    return closing;
  }

  abort(): void {
    this.#successor?.abort();
    this.#handshake?.cancel(new ClosedError(this.#details('upgrade')));
    if (this.#state === 'given') return;
    this.#stream.abort();
    this.tellClosed(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async upgrade(options: UpgradeOptions = {}): Promise<Connection<Web>> {
    const plan = deadlineOf(options);
    this.#requireIdle('upgrade');
    if (!this.#home.provider.capabilities.has('tls')) throw this.#unsupported('this provider has no TLS');
    if (this.tls !== undefined) throw this.#unsupported('the connection speaks TLS already');
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    const handshake = new Canceller();
    this.#handshake = handshake;
    this.#state = 'upgrading';
    const off = onAbort(plan.signal, () => {
      handshake.cancel(plan.signal?.reason);
    });
    try {
      const { remote } = this;
      return await traced(
        this.#home.platform,
        'upgrade',
        () => ({ id: this.id, remote }),
        () => this.#upgrade(options, { signal: handshake, timeout: plan.timeout }),
      );
    } finally {
      off();
      this.#handshake = undefined;
    }
  }

  detach(): Detached {
    this.#requireIdle('detach');
    const left = this.#stop();
    this.#stream.pause();
    this.#giveAway();
    this.#home.registry.forget(this);
    return { stream: this.#stream, ...left };
  }

  get readable(): Web['readable'] {
    return (this.#readable ??= this.#home.platform.readable(byteSource(this)));
  }

  get writable(): Web['writable'] {
    if (this.#writable === undefined) {
      this.#writable = this.#home.platform.writable(byteSink(this));
      this.#watch();
    }
    return this.#writable;
  }

  /** Nobody will read any more: when writing has ended as well, nothing is left to be open for. */
  async endReading(): Promise<void> {
    this.#isReadingOver = true;
    if (this.#writeEnd === undefined) return;
    await this.#writeEnd;
    await this.close();
  }

  onClosed(listener: (error: SocketError | null) => void): void {
    if (this.#ending === undefined) this.#closeListeners.push(listener);
    else listener(this.#ending);
  }

  /** The stream has closed. */
  tellClosed(error: SocketError | null): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#home.registry.closed('stream', this, error);
    this.#end(error);
  }

  /** It is over for whoever holds the connection or its streams. */
  #end(error: SocketError | null): void {
    if (this.#ending !== undefined) return;
    this.#ending = error;
    for (const listener of this.#closeListeners.splice(0)) listener(error);
  }

  async *#chunks(plan: DeadlinePlan): AsyncGenerator<Uint8Array, void, undefined> {
    const next = (): Promise<Uint8Array | null> => this.#pull().read(undefined, plan);
    for (let chunk = await next(); chunk !== null; chunk = await next()) yield chunk;
  }

  /** The reader. @throws {ClosedError} @throws {BusyError} */
  #pull(): StreamReader {
    this.#requireOpen('read');
    if (this.#reader !== undefined) return this.#reader;
    this.#isStarted = true;
    this.#reader = reader(this.#stream, {
      highWaterMark: this.#readAhead,
      pending: 'queue',
      clock: this.#home.platform.clock,
      after: this.#after,
      onClose: (error) => {
        this.tellClosed(error);
      },
    });
    this.#after = undefined;
    return this.#reader;
  }

  /** Reads ahead, so that a writer hears of a connection that breaks while nobody reads. */
  #watch(): void {
    if (this.#state !== 'open' || this.#ending !== undefined) return;
    try {
      this.#pull();
    } catch (error) {
      // It is about to close, and tells so then.
      if (!isSocketError(error)) throw error;
    }
  }

  #stop(): Leftover {
    const left = this.#reader?.stop() ?? this.#after ?? { head: NOTHING, isEnded: false };
    this.#reader = undefined;
    this.#after = undefined;
    return left;
  }

  #giveAway(): void {
    this.#state = 'given';
    forgetBelow(this);
    this.#end(null);
  }

  async #endWriting(): Promise<void> {
    await this.#writing.end();
    if (this.#isReadingOver) await this.close();
  }

  async #upgrade(options: UpgradeOptions, plan: DeadlinePlan): Promise<Connection<Web>> {
    const timeLeft = countDown(plan.timeout, this.#home.platform.clock);
    const left = await this.#prepare(plan);
    const head = join([left.head, options.head ?? NOTHING]);
    try {
      const stream = await this.#stream.upgrade({
        ...options,
        signal: plan.signal,
        timeout: timeLeft(),
        head,
      });
      this.#giveAway();
      this.#successor = new StreamConnection(this.#home, stream, this.#readAhead);
      return this.#successor;
    } catch (error) {
      this.#restore(left);
      throw error;
    }
  }

  /** Sends what was written, and takes the reader off. @throws the connection is as it was */
  async #prepare(plan: DeadlinePlan): Promise<Leftover> {
    try {
      if (this.bufferedAmount > 0) await this.#writing.flush('upgrade', plan);
      return this.#stop();
    } catch (error) {
      this.#state = 'open';
      throw error;
    }
  }

  /** After an upgrade that failed: a stream that still obeys has been left as it was. */
  #restore(left: Leftover): void {
    try {
      this.#stream.pause();
    } catch (error) {
      if (!isSocketError(error)) throw error;
      this.#giveAway();
      this.tellClosed(null);
      return;
    }
    this.#state = 'open';
    this.#after = left;
    if (this.#isStarted) this.#pull();
    else this.#stream.resume();
  }

  #requireOpen(op: string): void {
    if (this.#state === 'open') return;
    if (this.#state === 'given') throw new ClosedError(this.#details(op));
    throw new BusyError({ ...this.#details(op), reason: 'an upgrade is under way' });
  }

  /** @throws {BusyError} a read or a write waits */
  #requireIdle(op: string): void {
    this.#requireOpen(op);
    if ((this.#reader?.pending ?? 0) > 0)
      throw new BusyError({ ...this.#details(op), reason: 'a read waits' });
    if (this.#writing.waiting > 0) throw new BusyError({ ...this.#details(op), reason: 'a write waits' });
  }

  #unsupported(what: string): UnsupportedError {
    return new UnsupportedError(what, this.#details('upgrade'));
  }

  #details(op: string): ErrorDetails {
    const { transport, local, remote } = this;
    return { op, transport, local, remote };
  }
}
