import { narrowPort } from './addresses.ts';
import type { Callback } from './answers.ts';
import type { AppState } from './app-state.ts';
import type { TcpServerSocketProperties } from './chrome-types.ts';
import { ServerSocket } from './server-socket.ts';
import { TEXT } from './texts.ts';

/** What the functions of `chrome.sockets.tcpServer` do, once their arguments are checked. */
export class TcpServerCalls {
  readonly #app: AppState;

  constructor(app: AppState) {
    this.#app = app;
  }

  create(properties: TcpServerSocketProperties | undefined, callback: Callback): void {
    const socket = new ServerSocket(this.#app);
    if (properties !== undefined) socket.update(properties);
    this.#app.answers.later(callback, undefined, { socketId: socket.id });
  }

  update(socketId: number, properties: TcpServerSocketProperties, callback: Callback | undefined): void {
    const socket = this.#find(socketId, callback);
    if (socket === undefined) return;
    socket.update(properties);
    this.#app.answers.later(callback, undefined);
  }

  setPaused(socketId: number, paused: boolean, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.setPaused(paused, callback);
  }

  listen(
    socketId: number,
    host: string,
    port: number,
    backlog: number | undefined,
    callback: Callback,
  ): void {
    // A negative backlog is a very large one to the system.
    const limit = backlog !== undefined && backlog < 0 ? undefined : backlog;
    this.#find(socketId, callback)?.listen({ host, port: narrowPort(port), backlog: limit }, callback);
  }

  disconnect(socketId: number, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.disconnect(callback);
  }

  close(socketId: number, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.destroy(callback);
  }

  getInfo(socketId: number, callback: Callback): void {
    const socket = this.#find(socketId, callback);
    if (socket !== undefined) this.#app.answers.later(callback, undefined, socket.info());
  }

  getSockets(callback: Callback): void {
    const infos = Array.from(this.#app.servers.values(), (socket) => socket.info());
    this.#app.answers.later(callback, undefined, infos);
  }

  /** The socket; or nothing, and the answer that there is none. */
  #find(socketId: number, callback: Callback | undefined): ServerSocket | undefined {
    const socket = this.#app.servers.get(socketId);
    if (socket === undefined) this.#app.answers.later(callback, TEXT.notFound);
    return socket;
  }
}
