import type { Clock } from '../../base/clock.ts';
import type { Listener, SocketProvider, Stream } from '../../base/provider.ts';
import type { Answers } from './answers.ts';
import type { AcceptInfo, ReceiveInfo, SocketErrorInfo } from './chrome-types.ts';
import { EventSource } from './event-source.ts';
import type { ServerSocket } from './server-socket.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Most bytes that may wait to be sent, of all sockets of an app together. */
export const WRITE_QUOTA: number = 200 * 1024 * 1024;
/** Milliseconds that a closed socket has to send what the app gave it. */
const FLUSH_TIMEOUT = 30_000;
/** Milliseconds that all sockets have for it at the end of the app. */
const UNLOAD_TIMEOUT = 1000;

/** What may be asked about a connect or a listen before it is tried. */
export type Permits = (op: 'tcp-connect' | 'tcp-listen', host: string, port: number) => boolean;

export interface AppStateOptions {
  readonly provider: SocketProvider;
  readonly answers: Answers;
  readonly permits: Permits;
  readonly clock: Clock | undefined;
}

/** What all sockets of one app share: the tables, the events, the quota. */
export class AppState {
  readonly provider: SocketProvider;
  readonly answers: Answers;
  readonly permits: Permits;
  readonly onReceive: EventSource<ReceiveInfo>;
  readonly onReceiveError: EventSource<SocketErrorInfo>;
  readonly onAccept: EventSource<AcceptInfo>;
  readonly onAcceptError: EventSource<SocketErrorInfo>;
  /** Accepted sockets are among them, and share the numbering. */
  readonly tcp: Map<number, TcpSocket> = new Map();
  readonly servers: Map<number, ServerSocket> = new Map();
  /** Bytes of sends that are not answered yet. */
  pendingBytes = 0;
  readonly #clock: Clock | undefined;
  /** What is being closed. */
  readonly #closing = new Map<Promise<void>, Stream | Listener>();
  #lastTcpId = 0;
  #lastServerId = 0;

  constructor(options: AppStateOptions) {
    this.provider = options.provider;
    this.answers = options.answers;
    this.permits = options.permits;
    this.#clock = options.clock;
    const { report } = options.answers;
    this.onReceive = new EventSource('sockets.tcp.onReceive', report);
    this.onReceiveError = new EventSource('sockets.tcp.onReceiveError', report);
    this.onAccept = new EventSource('sockets.tcpServer.onAccept', report);
    this.onAcceptError = new EventSource('sockets.tcpServer.onAcceptError', report);
  }

  /** Ids begin at 1 and are never used again. */
  nextTcpId(): number {
    return ++this.#lastTcpId;
  }

  nextServerId(): number {
    return ++this.#lastServerId;
  }

  /**
   * Closes a stream after what it was given to send, for half a minute at most, or a listener.
   *
   * @returns a promise that is always fulfilled: that bytes could not be sent was told to the callbacks of their sends.
   */
  dispose(socket: Stream | Listener): Promise<void> {
    const forget = (): void => {
      this.#closing.delete(settled);
    };
    const settled = socket.close({ timeout: FLUSH_TIMEOUT }).then(forget, forget);
    this.#closing.set(settled, socket);
    return settled;
  }

  /** Ends the app: nothing is told any more, every socket is closed. */
  async end(): Promise<void> {
    this.answers.end();
    const events = [this.onReceive, this.onReceiveError, this.onAccept, this.onAcceptError];
    for (const event of events) event.clear();
    for (const socket of [...this.servers.values(), ...this.tcp.values()]) socket.destroy();
    const cancel = this.#clock?.setTimer(UNLOAD_TIMEOUT, () => {
      for (const socket of this.#closing.values()) socket.abort();
    });
    await Promise.all(this.#closing.keys());
    cancel?.();
  }
}
