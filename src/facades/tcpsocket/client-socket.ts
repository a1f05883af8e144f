import { Aborter } from '../../base/aborter.ts';
import { onAbort } from '../../base/abort.ts';
import type { SocketAddress } from '../../base/address.ts';
import type { SocketError } from '../../base/errors.ts';
import { BusyError, ClosedError, UnsupportedError } from '../../base/errors.ts';
import type { KeepAlive, SocketOptions } from '../../base/options.ts';
import type { Stream, StreamSink } from '../../base/provider.ts';
import type { TlsInfo, UpgradeOptions } from '../../base/tls.ts';
import type { Sendable } from './bytes-argument.ts';
import { readBytes, tightBuffer } from './bytes-argument.ts';
import type { Closable, OpenSockets, TcpSocketHost } from './host.ts';
import { IOError, inOwnWords, socketIsClosed, toIOError } from './io-error.ts';
import type { ClientPlan } from './options.ts';
import { asDictionary, withoutBrackets } from './options.ts';
import { ReadQueue } from './read-queue.ts';
import { flushed, writeMuch } from './sending.ts';
import { settled } from './settled.ts';

export type ReadyState = 'closed' | 'closing' | 'connecting' | 'open';

/** Unsent bytes up to which `write` is done at once. */
export const WRITE_THRESHOLD: number = 65_536;

/** Asked of the provider: `write` answers `false` from one byte above the threshold on. */
export const HIGH_WATER_MARK: number = WRITE_THRESHOLD + 1;

/** As sockets are in Mozilla's programs: what is written is sent at once, however little it is. */
export const NEW_SOCKET: Partial<SocketOptions> = { noDelay: true };

const DONE: Promise<void> = Promise.resolve();

export interface ClientOrigin {
  readonly host: TcpSocketHost;
  readonly open: OpenSockets;
  /** As it was asked for, or the peer's numeric one. */
  readonly name: string;
  readonly port: number;
  readonly ssl: boolean;
}

function notOpen(): IOError {
  return new IOError('Socket is not open', { code: 'ERR_SOCKET_CLOSED' });
}

function hostOf(address: SocketAddress | undefined): string | undefined {
  return address === undefined || address.family === 'unix' ? undefined : address.host;
}

function portOf(address: SocketAddress | undefined): number | undefined {
  return address === undefined || address.family === 'unix' ? undefined : address.port;
}

/** One connection: made by `connect`, or accepted by a server. */
export class ClientSocket implements Closable {
  readonly #origin: ClientOrigin;
  readonly #queue = new ReadQueue();
  readonly #opened = settled<undefined>();
  readonly #closed = settled<undefined>();
  /** The connection has ended; `closed` may still wait for its reader. */
  readonly #over = settled<undefined>();
  readonly #attempt = new Aborter();
  #stream: Stream | undefined;
  #state: ReadyState = 'connecting';
  #isSecure: boolean;
  #suspended = 0;
  /** Nothing is read from the network, for too much is unread. */
  #isHeld = false;
  /** The peer sends no more. That counts when what it has sent is read. */
  #hasPeerEnded = false;
  /** Why the connection is no more, if that was no good end. */
  #failure: Error | undefined;
  /** Whether this side has closed: nobody reads what is left. */
  #isClosedHere = false;
  #upgrade: Promise<void> | undefined;
  /** The connection was given away to be upgraded, and has not come back. */
  #isUpgrading = false;
  #isGone = false;
  #isSettled = false;

  /** @param token nobody else has it: sockets are made by `connect` and by servers */
  constructor(token: unknown, origin: ClientOrigin) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#origin = origin;
    this.#isSecure = origin.ssl;
    origin.open.add(this);
  }

  /** The host as it was asked for; of an accepted connection the peer's numeric address. */
  get host(): string {
    return this.#origin.name;
  }

  /** Another word for `host`. */
  get address(): string {
    return this.#origin.name;
  }

  /** The port that was asked for; of an accepted connection the peer's. */
  get port(): number {
    return this.#origin.port;
  }

  /** The peer's numeric address; `undefined` before the connection is there. */
  get remoteAddress(): string | undefined {
    return hostOf(this.#stream?.remote);
  }

  get remotePort(): number | undefined {
    return portOf(this.#stream?.remote);
  }

  /** One's own numeric address; `undefined` before the connection is there. */
  get localAddress(): string | undefined {
    return hostOf(this.#stream?.local);
  }

  get localPort(): number | undefined {
    return portOf(this.#stream?.local);
  }

  /** Whether TLS is used, or is about to be. */
  get ssl(): boolean {
    return this.#isSecure;
  }

  /** What the TLS handshake agreed on. */
  get tls(): TlsInfo | undefined {
    return this.#stream?.tls;
  }

  get readyState(): ReadyState {
    return this.#state;
  }

  /** Bytes handed to `write` and not yet to the system. */
  get bufferedAmount(): number {
    return this.#state === 'closed' ? 0 : (this.#stream?.bufferedAmount ?? 0);
  }

  /** Fulfils when the connection is there, and its TLS handshake done; rejects with `IOError` if it comes to nothing. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /**
   * Fulfils when the connection has closed, on whichever side, and all that came was read; rejects with `IOError` if it broke
   * or never was. After one's own `close` nothing is waited for.
   */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Sends bytes, which are copied before this returns.
   *
   * @param byteOffset within `data`; default 0
   * @param byteLength default: all behind the offset
   * @returns fulfils at once while at most 65,536 bytes are unsent, and else when these bytes are with the system. Rejects
   *   with `IOError` if the socket is not open or breaks before; with `TypeError` or `RangeError` if `data` is no such thing
   */
  write(data: Sendable, byteOffset?: number, byteLength?: number): Promise<void> {
    try {
      const bytes = readBytes(data, byteOffset, byteLength);
      const stream = this.#stream;
      if (this.#state !== 'open' || stream === undefined || this.#upgrade !== undefined)
        return Promise.reject(notOpen());
      if (stream.bufferedAmount + bytes.length > WRITE_THRESHOLD) return writeMuch(stream, bytes);
      stream.write(bytes);
      return DONE;
    } catch (error) {
      return Promise.reject(inOwnWords(error));
    }
  }

  /**
   * The next chunk, as it came; reads are answered in their order. At the end of the stream one empty buffer is read, after
   * `closed` has settled, and reads behind that one reject with `IOError`, as all do if the connection broke.
   */
  read(): Promise<ArrayBuffer> {
    const chunk = this.#queue.read();
    if (this.#isHeld) this.#goOn();
    if (this.#hasPeerEnded) this.#endWhenRead();
    if (this.#isGone) this.#settle();
    return chunk;
  }

  /** Stops reading from the network. What came before can be read. As many `resume`s as `suspend`s are needed. */
  suspend(): void {
    this.#suspended++;
    if (this.#state === 'open' && this.#upgrade === undefined) this.#hold();
  }

  /** One more than there were `suspend`s does nothing. */
  resume(): void {
    if (this.#suspended > 0) this.#suspended--;
    this.#goOn();
  }

  /**
   * Sends what was written, then closes. Nothing is read any more.
   *
   * @returns fulfils when the connection is closed on this side, whatever the peer does
   */
  close(): Promise<void> {
    if (this.#state === 'connecting') this.#giveUp();
    else if (this.#state === 'open') {
      this.#closeHere();
      // How it went is told by `closed`.
      if (!this.#isUpgrading) this.#stream?.close().catch(() => undefined);
    } else this.#dropUnread();
    return this.#over.promise;
  }

  /** Closes without sending what is unsent. */
  closeImmediately(): Promise<void> {
    if (this.#state === 'connecting') this.#giveUp();
    else if (this.#state !== 'closed') {
      this.#closeHere();
      if (!this.#isUpgrading) this.#stream?.abort();
    } else this.#dropUnread();
    return this.#over.promise;
  }

  /**
   * Speaks TLS from here on (STARTTLS). What was written is sent before; what came and was not read is the peer's in the
   * clear, and can still be read. Nothing if TLS is spoken already.
   *
   * @param options as of Portside's own `upgrade`. Default: a client that checks the name that was connected to
   * @returns fulfils after the handshake. Rejects with `IOError`, and then the connection is closed; or with what is wrong
   *   with `options`, and then nothing has happened
   */
  upgradeToSecure(options: Partial<UpgradeOptions> = {}): Promise<void> {
    const stream = this.#stream;
    if (this.#state !== 'open' || stream === undefined) return Promise.reject(notOpen());
    if (this.#isSecure) return this.#upgrade ?? DONE;
    this.#isSecure = true;
    this.#upgrade = this.#shakeHands(stream, options).finally(() => {
      this.#upgrade = undefined;
      this.#goOn();
    });
    return this.#upgrade;
  }

  /** Sends small writes at once (the default), or not. @throws {IOError} it is not open */
  setNoDelay(isOn: boolean): void {
    this.#set((stream) => {
      stream.set('noDelay', isOn);
    });
  }

  /** Probes an idle connection, or not. @throws {IOError} it is not open */
  setKeepAlive(keepAlive: KeepAlive): void {
    this.#set((stream) => {
      stream.set('keepAlive', keepAlive);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- for this folder: ----------------------------------------------------------------------------

  static connect(origin: ClientOrigin, plan: ClientPlan): ClientSocket {
    const socket = new ClientSocket(TOKEN, origin);
    void socket.#connect(plan);
    return socket;
  }

  /** @param stream just accepted, not started */
  static accept(origin: ClientOrigin, stream: Stream): ClientSocket {
    const socket = new ClientSocket(TOKEN, origin);
    socket.#isOpen(stream);
    return socket;
  }

  async #connect({ host, port, tls, signal, timeout }: ClientPlan): Promise<void> {
    const attempt = this.#attempt;
    const off = onAbort(signal, () => {
      if (this.#state === 'connecting') this.#giveUp();
    });
    try {
      const limits = { timeout, signal: attempt, highWaterMark: HIGH_WATER_MARK };
      const options = { host, port, tls, options: NEW_SOCKET, ...limits };
      const stream = await this.#origin.host.provider.connect(options);
      if (attempt.aborted) stream.abort();
      else this.#isOpen(stream);
    } catch (error) {
      if (!attempt.aborted) this.#fail(error);
    } finally {
      off();
    }
  }

  #isOpen(stream: Stream): void {
    this.#state = 'open';
    this.#listen(stream);
    this.#opened.resolve(undefined);
  }

  #listen(stream: Stream): void {
    this.#stream = stream;
    const sink: StreamSink = {
      data: (chunk) => {
        this.#queue.push(tightBuffer(chunk));
        if (!this.#queue.isFull) return;
        this.#isHeld = true;
        this.#hold();
      },
      end: () => {
        this.#hasPeerEnded = true;
        this.#endWhenRead();
      },
      close: (error) => {
        // One that was upgraded has given its connection away.
        if (this.#stream === stream && !this.#isUpgrading) this.#finish(error);
      },
    };
    try {
      if (this.#suspended > 0 || this.#isHeld) stream.pause();
      stream.start(sink, { chunks: 'owned' });
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * The peer's end is the end of all, once what was written is sent: there are no half-closed connections here. It counts in
   * a task of its own behind the last chunk, so that whoever has read that can still answer it.
   */
  #endWhenRead(): void {
    if (!this.#queue.isEmpty) return;
    this.#origin.host.defer(() => {
      const stream = this.#stream;
      if (this.#state !== 'open' || stream === undefined) return;
      this.#state = stream.bufferedAmount === 0 ? 'closed' : 'closing';
      stream.close().catch(() => undefined);
    });
  }

  #hold(): void {
    this.#whileOpen((stream) => {
      stream.pause();
    });
  }

  #goOn(): void {
    if (this.#state !== 'open' || this.#upgrade !== undefined || this.#queue.isFull) return;
    this.#isHeld = false;
    if (this.#suspended > 0) return;
    this.#whileOpen((stream) => {
      stream.resume();
    });
  }

  #whileOpen(change: (stream: Stream) => void): void {
    try {
      if (this.#stream !== undefined) change(this.#stream);
    } catch (error) {
      // Whoever has closed it, such as the end of the provider, is about to tell so.
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  #closeHere(): void {
    this.#state = 'closing';
    this.#isClosedHere = true;
    this.#queue.discard();
    this.#attempt.abort(new ClosedError({ op: 'upgrade' }));
  }

  /** Closed also by this side, after it was over. */
  #dropUnread(): void {
    this.#isClosedHere = true;
    this.#queue.discard();
    this.#settle();
  }

  /** Closed before there was a connection. */
  #giveUp(): void {
    this.#isClosedHere = true;
    this.#opened.reject(new IOError('closed before it was opened', { code: 'ERR_SOCKET_CLOSED' }));
    this.#attempt.abort(new ClosedError({ op: 'connect' }));
    this.#finish(null);
  }

  #fail(error: unknown): void {
    this.#failure = inOwnWords(error);
    this.#opened.reject(this.#failure);
    this.#finish(null);
  }

  /** The connection is no more. */
  #finish(error: SocketError | null): void {
    if (error !== null) this.#failure ??= toIOError(error);
    this.#state = 'closed';
    this.#isGone = true;
    this.#origin.open.delete(this);
    this.#over.resolve(undefined);
    this.#settle();
  }

  /** Not before everything was read that came; reads that wait hear of the end in a task of their own. */
  #settle(): void {
    if (!this.#isGone || this.#isSettled || !(this.#queue.isEmpty || this.#isClosedHere)) return;
    this.#isSettled = true;
    const failure = this.#failure ?? null;
    if (failure !== null && this.#origin.host.closedRejects) this.#closed.reject(failure);
    else this.#closed.resolve(undefined);
    this.#origin.host.defer(() => {
      this.#queue.end(failure, socketIsClosed());
    });
  }

  async #shakeHands(stream: Stream, given: Partial<UpgradeOptions>): Promise<void> {
    const attempt = this.#attempt;
    let off: () => void = () => undefined;
    try {
      const { signal, ...options } = asDictionary(given, 'options') as Partial<UpgradeOptions>;
      off = onAbort(signal, () => {
        attempt.abort(signal?.reason);
      });
      stream.pause();
      await flushed(stream);
      this.#isUpgrading = true;
      const plan = { role: 'client', servername: withoutBrackets(this.host), ...options, signal: attempt };
      const upgraded = await stream.upgrade(plan as UpgradeOptions);
      if (attempt.aborted) {
        upgraded.abort();
        throw attempt.reason;
      }
      this.#isUpgrading = false;
      this.#listen(upgraded);
    } catch (error) {
      this.#isUpgrading = false;
      throw this.#notUpgraded(inOwnWords(error), stream);
    } finally {
      off();
    }
  }

  /** What was refused before anything was done leaves the connection as it was; all else ends it. */
  #notUpgraded(error: Error, stream: Stream): Error {
    if (this.#isGone) return error;
    const isRefused = error instanceof TypeError || error instanceof RangeError || wasRefused(error.cause);
    if (this.#state === 'open' && isRefused && !this.#attempt.aborted) this.#isSecure = false;
    else {
      if (!this.#isClosedHere) this.#failure = error;
      stream.abort();
      this.#finish(null);
    }
    return error;
  }

  #set(change: (stream: Stream) => void): void {
    if (this.#state !== 'open' || this.#stream === undefined) throw notOpen();
    try {
      change(this.#stream);
    } catch (error) {
      throw inOwnWords(error);
    }
  }
}

const TOKEN = Symbol('ClientSocket');

function wasRefused(cause: unknown): boolean {
  return cause instanceof UnsupportedError || cause instanceof BusyError;
}
