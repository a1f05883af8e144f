import type { SocketError } from '../../base/errors.ts';
import { ClosedError } from '../../base/errors.ts';
import type { Listener, Stream } from '../../base/provider.ts';
import { ClientSocket } from './client-socket.ts';
import type { Closable, OpenSockets, TcpSocketHost } from './host.ts';
import type { IOError } from './io-error.ts';
import { toIOError } from './io-error.ts';
import { settled } from './settled.ts';

export interface ServerOrigin {
  readonly host: TcpSocketHost;
  readonly open: OpenSockets;
  readonly listener: Listener;
  /** Connections that wait here for somebody to ask for them. */
  readonly backlog: number;
  readonly ssl: boolean;
}

interface Waiting {
  readonly resolve: (result: IteratorResult<ClientSocket, undefined>) => void;
  readonly reject: (error: IOError) => void;
}

const OVER: IteratorResult<ClientSocket, undefined> = { done: true, value: undefined };

/**
 * The connections of a server, in the order in which they came. Those that nobody has asked for wait, as many as the backlog
 * allows, and then in the system. Leaving a `for await` leaves the server open: another one goes on where it stopped.
 */
export type Connections = AsyncIterableIterator<ClientSocket, undefined>;

/** A server, as `listen` makes it. */
export class ServerSocket implements Closable {
  readonly #origin: ServerOrigin;
  readonly #closed = settled<undefined>();
  /** Not read from yet, so that nothing of theirs is lost. */
  readonly #unclaimed: Stream[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #connections: Connections;
  #isClosed = false;
  #failure: IOError | undefined;

  /** @param token nobody else has it: servers are made by `listen` */
  constructor(token: unknown, origin: ServerOrigin) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#origin = origin;
    this.#connections = {
      next: () => this.#next(),
      return: () => {
        for (const { resolve } of this.#waiting.splice(0)) resolve(OVER);
        return Promise.resolve(OVER);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    origin.open.add(this);
    origin.listener.start({
      accept: (stream) => {
        this.#accepted(stream);
      },
      close: (error) => {
        this.#finish(error);
      },
    });
  }

  /** The port that is listened on. Can be asked for also when the server is closed. */
  get localPort(): number {
    const { local } = this.#origin.listener;
    return local.family === 'unix' ? 0 : local.port;
  }

  /** The address that is listened on. */
  get localAddress(): string {
    const { local } = this.#origin.listener;
    return local.family === 'unix' ? '' : local.host;
  }

  /** The same object each time. */
  get connections(): Connections {
    return this.#connections;
  }

  /** Fulfils when the server is closed; rejects with `IOError` if the system closed it. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  address(): { readonly address: string; readonly port: number } {
    return { address: this.localAddress, port: this.localPort };
  }

  /**
   * Stops listening. Connections that nobody has asked for are closed; the others stay open. Again: nothing.
   *
   * @returns `closed`
   */
  close(): Promise<void> {
    // Also of a server that the system has closed: nobody else knows of them.
    for (const stream of this.#unclaimed.splice(0)) stream.abort();
    this.#forgetIfOver();
    if (!this.#isClosed) {
      this.#isClosed = true;
      // How it went is told by the listener's own last event.
      this.#origin.listener.close().catch(() => undefined);
    }
    return this.#closed.promise;
  }

  /** As `close`. */
  closeImmediately(): Promise<void> {
    return this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  static listen(origin: ServerOrigin): ServerSocket {
    return new ServerSocket(TOKEN, origin);
  }

  #accepted(stream: Stream): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: this.#claim(stream) });
      return;
    }
    this.#unclaimed.push(stream);
    if (this.#unclaimed.length >= this.#origin.backlog) this.#origin.listener.pause();
  }

  #next(): Promise<IteratorResult<ClientSocket, undefined>> {
    const stream = this.#unclaimed.shift();
    if (stream !== undefined) {
      this.#acceptMore();
      this.#forgetIfOver();
      return Promise.resolve({ done: false, value: this.#claim(stream) });
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#isClosed) return Promise.resolve(OVER);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  #acceptMore(): void {
    if (this.#isClosed) return;
    try {
      this.#origin.listener.resume();
    } catch (error) {
      // Its provider has closed it, and is about to tell so.
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  #claim(stream: Stream): ClientSocket {
    const { host, open, ssl } = this.#origin;
    const { remote } = stream;
    const [name, port] = remote.family === 'unix' ? ['', 0] : [remote.host, remote.port];
    return ClientSocket.accept({ host, open, name, port, ssl }, stream);
  }

  /** The end of the program closes what nobody has asked for, however the server came to its end. */
  #forgetIfOver(): void {
    if (this.#isClosed && this.#unclaimed.length === 0) this.#origin.open.delete(this);
  }

  #finish(error: SocketError | null): void {
    this.#isClosed = true;
    this.#forgetIfOver();
    const waiting = this.#waiting.splice(0);
    if (error === null) this.#closed.resolve(undefined);
    else {
      const failure = toIOError(error);
      this.#closed.reject(failure);
      // One reader hears of it, and then it is over.
      if (waiting.length === 0) this.#failure = failure;
      waiting.shift()?.reject(failure);
    }
    for (const { resolve } of waiting) resolve(OVER);
  }
}

const TOKEN = Symbol('ServerSocket');
