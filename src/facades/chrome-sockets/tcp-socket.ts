import type { IpFamily } from '../../base/address.ts';
import { parseIp } from '../../base/address.ts';
import { DeniedError, isSocketError } from '../../base/errors.ts';
import type { Stream, StreamSink } from '../../base/provider.ts';
import { MAX_READ_SIZE } from '../../base/provider.ts';
import { ipEnd } from './addresses.ts';
import type { Callback } from './answers.ts';
import type { AppState } from './app-state.ts';
import { WRITE_QUOTA } from './app-state.ts';
import { Canceller } from '../../base/canceller.ts';
import type { TcpSocketInfo, TcpSocketProperties } from './chrome-types.ts';
import { connectErrorOf, NET, netErrorText } from './net-errors.ts';
import type { SendOwner } from './send-queue.ts';
import { SendQueue } from './send-queue.ts';
import { pauseSocket, resumeSocket } from './pausing.ts';
import { connectOptions } from './tcp-options.ts';
import { TEXT } from './texts.ts';

const DEFAULT_BUFFER_SIZE = 4096;

/** `broken`: a send has found the peer gone; what had arrived before is still delivered. */
export type TcpPhase = 'idle' | 'connecting' | 'connected' | 'broken';

/** Where to connect. */
export interface ConnectTarget {
  readonly host: string;
  readonly port: number;
  readonly family: IpFamily | undefined;
}

/** Takes the events of a stream that the app has given up. */
const SILENT: StreamSink = { data: () => undefined, close: () => undefined };

/** Makes `stream` tell nothing more to its socket, which may soon have another stream. */
function silence(stream: Stream): void {
  try {
    stream.start(SILENT);
  } catch (error) {
    // Closed already: then it has nothing to tell.
    if (!isSocketError(error)) throw error;
  }
}

/** One socket of `chrome.sockets.tcp`, which is also the sink of its stream. */
export class TcpSocket implements StreamSink, SendOwner {
  readonly id: number;
  readonly #app: AppState;
  #phase: TcpPhase = 'idle';
  #stream: Stream | null = null;
  #isStarted = false;
  #sends: SendQueue | null = null;
  #connecting: Canceller | null = null;
  /** The chunk that was in hand when the app paused the socket. */
  #held: Uint8Array | null = null;
  #isPersistent = false;
  #isPaused = false;
  #name = '';
  #bufferSize = 0;

  constructor(app: AppState) {
    this.#app = app;
    this.id = app.nextTcpId();
    app.tcp.set(this.id, this);
  }

  /** The socket of a connection that a server took: paused, so that the app can get ready. */
  static accepted(app: AppState, stream: Stream): TcpSocket {
    const socket = new TcpSocket(app);
    socket.#phase = 'connected';
    socket.#stream = stream;
    socket.#isPaused = true;
    return socket;
  }

  get phase(): TcpPhase {
    return this.#phase;
  }
  get isPaused(): boolean {
    return this.#isPaused;
  }
  get name(): string {
    return this.#name;
  }
  /** The connection, while there is one. */
  get stream(): Stream | null {
    return this.#phase === 'connected' ? this.#stream : null;
  }

  /** Changes the given properties, and no others. */
  update(properties: TcpSocketProperties): void {
    if (properties.persistent !== undefined) this.#isPersistent = properties.persistent;
    if (properties.name !== undefined) this.#name = properties.name;
    if (properties.bufferSize === undefined) return;
    this.#bufferSize = properties.bufferSize;
    if (this.#isStarted) this.#start();
  }

  /** What `getInfo` answers. Fields without a value are absent. */
  info(): TcpSocketInfo {
    const { stream } = this;
    const local = stream === null ? undefined : ipEnd(stream.local);
    const peer = stream === null ? undefined : ipEnd(stream.remote);
    return {
      socketId: this.id,
      persistent: this.#isPersistent,
      ...(this.#name === '' ? {} : { name: this.#name }),
      ...(this.#bufferSize > 0 ? { bufferSize: this.#bufferSize } : {}),
      paused: this.#isPaused,
      connected: stream !== null,
      ...(local === undefined ? {} : { localAddress: local.address, localPort: local.port }),
      ...(peer === undefined ? {} : { peerAddress: peer.address, peerPort: peer.port }),
    };
  }

  connect(target: ConnectTarget, callback: Callback): void {
    const { answers } = this.#app;
    if (!this.#app.permits('tcp-connect', target.host, target.port)) {
      answers.later(callback, TEXT.notPermitted);
      return;
    }
    const code = this.#connectFault(target);
    if (code === NET.OK) void this.#open(target, callback);
    else answers.later(callback, netErrorText(code), code);
  }

  /** Why connecting cannot even be tried. */
  #connectFault(target: ConnectTarget): number {
    const family = parseIp(target.host)?.family;
    if (target.family !== undefined && family !== undefined && family !== target.family)
      return NET.NAME_NOT_RESOLVED;
    if (this.#phase === 'connected') return NET.SOCKET_IS_CONNECTED;
    return this.#phase === 'connecting' ? NET.CONNECTION_FAILED : NET.OK;
  }

  async #open(target: ConnectTarget, callback: Callback): Promise<void> {
    void this.#detach();
    const canceller = new Canceller();
    this.#connecting = canceller;
    this.#phase = 'connecting';
    const { provider } = this.#app;
    const options = connectOptions(provider);
    let stream: Stream;
    try {
      stream = await provider.connect({ ...target, options, writeLimit: WRITE_QUOTA, signal: canceller });
    } catch (error) {
      // A socket that was closed meanwhile: Chromium never calls back, and apps are written for that.
      if (this.#connecting === canceller) this.#onConnectFailed(error, callback);
      return;
    }
    if (this.#connecting === canceller) this.#onConnected(stream, callback);
    else stream.abort();
  }

  #onConnected(stream: Stream, callback: Callback): void {
    this.#connecting = null;
    this.#phase = 'connected';
    this.#stream = stream;
    this.#app.answers.now(callback, undefined, NET.OK);
    if (this.#stream === stream) this.#read();
  }

  #onConnectFailed(error: unknown, callback: Callback): void {
    this.#connecting = null;
    this.#phase = 'idle';
    const { answers } = this.#app;
    if (error instanceof DeniedError) {
      answers.now(callback, TEXT.notPermitted);
      return;
    }
    if (!isSocketError(error) && !(error instanceof RangeError)) answers.report(error);
    const code = connectErrorOf(error);
    answers.now(callback, netErrorText(code), code);
  }

  /** Sends `bytes`; `callback` is answered when they are with the system, or cannot be. */
  send(bytes: Uint8Array, callback: Callback): void {
    const stream = this.#stream;
    if (this.#phase !== 'connected' || stream === null) {
      this.#failSend(callback, NET.SOCKET_NOT_CONNECTED);
      return;
    }
    const sends = (this.#sends ??= new SendQueue(this.#app, this));
    try {
      stream.write(bytes, sends.done);
    } catch (error) {
      if (!isSocketError(error)) throw error;
      this.sendBroke();
      this.#failSend(callback, NET.FAILED);
      return;
    }
    sends.push(callback, bytes.byteLength);
  }

  #failSend(callback: Callback, resultCode: number): void {
    this.#app.answers.later(callback, netErrorText(resultCode), { resultCode });
  }

  /** @internal for the queue: a socket that reads is told the rest by its stream; one that does not is done with. */
  sendBroke(): void {
    if (this.#phase !== 'connected') return;
    this.#phase = 'broken';
    if (this.#isStarted && !this.#isPaused) return;
    const stream = this.#stream;
    this.#release();
    stream?.abort();
  }

  /** Stops or resumes `onReceive`. Data is a consequence of un-pausing, and so comes after its answer. */
  setPaused(isPaused: boolean, callback: Callback | undefined): void {
    if (isPaused && !this.#isPaused && this.#isStarted && this.#stream !== null) pauseSocket(this.#stream);
    this.#isPaused = isPaused;
    if (callback === undefined) {
      this.#read();
      return;
    }
    this.#app.answers.task(() => {
      this.#app.answers.now(callback, undefined);
      this.#read();
    });
  }

  /** Reads, if the socket is connected and not paused. */
  #read(): void {
    if (this.#stream === null || this.#isPaused) return;
    if (!this.#isStarted) this.#start();
    else if (this.#held === null) resumeSocket(this.#stream);
    else
      this.#app.answers.task(() => {
        this.#deliverHeld();
      });
  }

  #deliverHeld(): void {
    const chunk = this.#held;
    if (chunk === null || this.#isPaused) return;
    this.#held = null;
    this.data(chunk);
    this.#read();
  }

  #start(): void {
    const readSize = this.#bufferSize > 0 ? Math.min(this.#bufferSize, MAX_READ_SIZE) : DEFAULT_BUFFER_SIZE;
    try {
      this.#stream?.start(this, { readSize });
      this.#isStarted = true;
    } catch (error) {
      // Only the end of its provider closes a stream that nobody reads from, and that is not told.
      if (!isSocketError(error)) throw error;
      this.#app.answers.task(() => {
        this.close();
      });
    }
  }

  /** @internal for the stream */
  data(chunk: Uint8Array): void {
    if (this.#isPaused) this.#held = chunk;
    // The chunk is ours, and its buffer has exactly its size.
    else this.#app.onReceive.emit({ socketId: this.id, data: chunk.buffer as ArrayBuffer });
  }

  /** @internal for the stream: there is no half-open connection here, the peer's end is the end. */
  end(): void {
    void this.#detach();
    this.#tellEnd();
  }

  /** @internal for the stream */
  close(): void {
    if (this.#stream === null) return;
    this.#release();
    this.#tellEnd();
  }

  #tellEnd(): void {
    this.#isPaused = true;
    this.#app.onReceiveError.emit({ socketId: this.id, resultCode: NET.CONNECTION_CLOSED });
  }

  /**
   * Ends the connection, or the attempt to connect, after what was sent; the socket can connect anew.
   *
   * @param callback answered when the connection is closed
   */
  disconnect(callback?: Callback): void {
    const closing = this.#detach();
    if (closing === null) this.#app.answers.later(callback, undefined);
    else
      void closing.then(() => {
        this.#app.answers.now(callback, undefined);
      });
  }

  /** Disconnects, and gives up the id at once. */
  destroy(callback?: Callback): void {
    this.#app.tcp.delete(this.id);
    this.disconnect(callback);
  }

  /** Lets go of whatever connection there is. @returns when it is closed, or `null` if there is none */
  #detach(): Promise<void> | null {
    const canceller = this.#connecting;
    const stream = this.#stream;
    const wasStarted = this.#isStarted;
    this.#connecting = null;
    this.#release();
    canceller?.cancel();
    if (stream === null) return null;
    if (wasStarted) silence(stream);
    return this.#app.dispose(stream);
  }

  #release(): void {
    this.#sends?.detach();
    this.#sends = null;
    this.#stream = null;
    this.#isStarted = false;
    this.#held = null;
    this.#phase = 'idle';
  }
}
