import { parseIp } from '../../base/address.ts';
import type { SocketError } from '../../base/errors.ts';
import { DeniedError, isSocketError } from '../../base/errors.ts';
import type { Listener, ListenerSink, Stream } from '../../base/provider.ts';
import { ipEnd } from './addresses.ts';
import type { Callback } from './answers.ts';
import type { AppState } from './app-state.ts';
import { WRITE_QUOTA } from './app-state.ts';
import type { TcpServerSocketInfo, TcpServerSocketProperties } from './chrome-types.ts';
import { NET, netErrorOf, netErrorText } from './net-errors.ts';
import { pauseSocket, resumeSocket } from './pausing.ts';
import { TcpSocket } from './tcp-socket.ts';
import { TEXT } from './texts.ts';

/** Where to listen. */
export interface ListenTarget {
  readonly host: string;
  readonly port: number;
  /** `undefined`: the system's maximum. */
  readonly backlog: number | undefined;
}

/** Takes the events of a listener that the app has given up. */
const SILENT: ListenerSink = {
  accept: (stream) => {
    stream.abort();
  },
  close: () => undefined,
};

/** Makes `listener` tell nothing more to its socket, which may soon have another listener. */
function silence(listener: Listener): void {
  try {
    listener.start(SILENT);
  } catch (error) {
    // Closed already: then it has nothing to tell.
    if (!isSocketError(error)) throw error;
  }
}

/** One socket of `chrome.sockets.tcpServer`, which is also the sink of its listener. */
export class ServerSocket implements ListenerSink {
  readonly id: number;
  readonly #app: AppState;
  #listener: Listener | null = null;
  #isStarted = false;
  /** Counted up whenever listening is given up, so that a listen under way knows. */
  #generation = 0;
  #isPersistent = false;
  #isPaused = false;
  #name = '';

  constructor(app: AppState) {
    this.#app = app;
    this.id = app.nextServerId();
    app.servers.set(this.id, this);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }
  get name(): string {
    return this.#name;
  }
  get listener(): Listener | null {
    return this.#listener;
  }

  /** Changes the given properties, and no others. */
  update(properties: TcpServerSocketProperties): void {
    if (properties.persistent !== undefined) this.#isPersistent = properties.persistent;
    if (properties.name !== undefined) this.#name = properties.name;
  }

  /** What `getInfo` answers. Fields without a value are absent. */
  info(): TcpServerSocketInfo {
    const local = this.#listener === null ? undefined : ipEnd(this.#listener.local);
    return {
      socketId: this.id,
      persistent: this.#isPersistent,
      ...(this.#name === '' ? {} : { name: this.#name }),
      paused: this.#isPaused,
      ...(local === undefined ? {} : { localAddress: local.address, localPort: local.port }),
    };
  }

  /** Listens. A socket that listens already goes over to the new address if that can be had. */
  listen(target: ListenTarget, callback: Callback): void {
    const { answers } = this.#app;
    if (!this.#app.permits('tcp-listen', target.host, target.port)) {
      answers.later(callback, TEXT.notPermitted);
      return;
    }
    const ip = parseIp(target.host);
    if (ip === null || ip.scope !== undefined || target.backlog === 0) {
      answers.later(callback, netErrorText(NET.INVALID_ARGUMENT), NET.INVALID_ARGUMENT);
      return;
    }
    void this.#open(target, callback);
  }

  async #open({ host, port, backlog }: ListenTarget, callback: Callback): Promise<void> {
    const generation = this.#generation;
    let listener: Listener;
    try {
      listener = await this.#app.provider.listen({ host, port, backlog, writeLimit: WRITE_QUOTA });
    } catch (error) {
      if (generation === this.#generation) this.#onListenFailed(error, callback);
      return;
    }
    if (generation === this.#generation) this.#onListening(listener, callback);
    else void this.#app.dispose(listener);
  }

  #onListening(listener: Listener, callback: Callback): void {
    void this.#detach();
    this.#listener = listener;
    this.#app.answers.now(callback, undefined, NET.OK);
    if (this.#listener !== listener) return;
    if (this.#isPaused) listener.pause();
    this.#isStarted = true;
    listener.start(this);
  }

  #onListenFailed(error: unknown, callback: Callback): void {
    const { answers } = this.#app;
    if (error instanceof DeniedError) {
      answers.now(callback, TEXT.notPermitted);
      return;
    }
    if (!isSocketError(error)) answers.report(error);
    const code = netErrorOf(error);
    answers.now(callback, netErrorText(code), code);
  }

  /** Stops or resumes accepting. `onAccept` is a consequence of un-pausing, and so comes after its answer. */
  setPaused(isPaused: boolean, callback: Callback | undefined): void {
    this.#isPaused = isPaused;
    if (isPaused && this.#listener !== null) pauseSocket(this.#listener);
    this.#app.answers.task(() => {
      this.#app.answers.now(callback, undefined);
      if (!this.#isPaused && this.#listener !== null) resumeSocket(this.#listener);
    });
  }

  /** @internal for the listener */
  accept(stream: Stream): void {
    const socket = TcpSocket.accepted(this.#app, stream);
    this.#app.onAccept.emit({ socketId: this.id, clientSocketId: socket.id });
  }

  /** @internal for the listener */
  error(error: SocketError): void {
    this.#isPaused = true;
    if (this.#listener !== null) pauseSocket(this.#listener);
    this.#tellError(error);
  }

  /** @internal for the listener */
  close(error: SocketError | null): void {
    this.#listener = null;
    this.#isStarted = false;
    this.#generation++;
    this.#isPaused = true;
    this.#tellError(error);
  }

  #tellError(error: SocketError | null): void {
    const resultCode = error === null ? NET.CONNECTION_CLOSED : netErrorOf(error);
    this.#app.onAcceptError.emit({ socketId: this.id, resultCode });
  }

  /** Stops listening; the socket can listen anew. @param callback answered when the address is free */
  disconnect(callback?: Callback): void {
    const closing = this.#detach();
    if (closing === null) this.#app.answers.later(callback, undefined);
    else
      void closing.then(() => {
        this.#app.answers.now(callback, undefined);
      });
  }

  /** Disconnects, and gives up the id at once. Accepted sockets stay. */
  destroy(callback?: Callback): void {
    this.#app.servers.delete(this.id);
    this.disconnect(callback);
  }

  /** Lets go of the listener. @returns when it is closed, or `null` if there is none */
  #detach(): Promise<void> | null {
    this.#generation++;
    const listener = this.#listener;
    const wasStarted = this.#isStarted;
    this.#listener = null;
    this.#isStarted = false;
    if (listener === null) return null;
    if (wasStarted) silence(listener);
    return this.#app.dispose(listener);
  }
}
