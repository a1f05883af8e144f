import type { SocketProvider } from '../../base/provider.ts';
import type { Answers } from './answers.ts';
import type { AcceptInfo, ReceiveInfo, SocketErrorInfo } from './chrome-types.ts';
import { EventSource } from './event-source.ts';
import type { ServerSocket } from './server-socket.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Most bytes that may wait to be sent, of all sockets of an app together. */
export const WRITE_QUOTA: number = 200 * 1024 * 1024;
/** Milliseconds that a closed socket has to send what the app gave it. */
const FLUSH_TIMEOUT = 30_000;
/** The same at the end of the app. */
const UNLOAD_TIMEOUT = 1000;

/** What may be asked about a connect or a listen before it is tried. */
export type Permits = (op: 'tcp-connect' | 'tcp-listen', host: string, port: number) => boolean;

export interface AppStateOptions {
  readonly provider: SocketProvider;
  readonly answers: Answers;
  readonly permits: Permits;
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
  readonly #closing = new Set<Promise<void>>();
  #lastTcpId = 0;
  #lastServerId = 0;

  constructor(options: AppStateOptions) {
    this.provider = options.provider;
    this.answers = options.answers;
    this.permits = options.permits;
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

  /** How long a socket that is closed now may still send. */
  get flushTimeout(): number {
    return this.answers.isOver ? UNLOAD_TIMEOUT : FLUSH_TIMEOUT;
  }

  /**
   * Keeps `closing` until it is settled, so that the end of the app can wait for it.
   *
   * @returns a promise that is always fulfilled: that bytes could not be sent was told to the callbacks of their sends.
   */
  track(closing: Promise<void>): Promise<void> {
    const settled = closing.then(undefined, () => undefined);
    this.#closing.add(settled);
    return settled.finally(() => this.#closing.delete(settled));
  }

  /** Ends the app: nothing is told any more, every socket is closed. */
  async end(): Promise<void> {
    this.answers.end();
    const events = [this.onReceive, this.onReceiveError, this.onAccept, this.onAcceptError];
    for (const event of events) event.clear();
    for (const socket of [...this.servers.values(), ...this.tcp.values()]) socket.destroy();
    this.servers.clear();
    this.tcp.clear();
    await Promise.all(this.#closing);
  }
}
