import type { Callback } from './answers.ts';
import type { AppState } from './app-state.ts';
import { WRITE_QUOTA } from './app-state.ts';
import { narrowPort } from './addresses.ts';
import type { DnsQueryType, TcpSocketProperties } from './chrome-types.ts';
import { NET, netErrorText } from './net-errors.ts';
import { setKeepAlive, setNoDelay } from './tcp-options.ts';
import { TcpSocket } from './tcp-socket.ts';
import { TEXT } from './texts.ts';

const NO_BYTES = new Uint8Array(0);

/** The bytes that `data` stands for, not copied. A detached buffer stands for none. */
function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (data.byteLength === 0) return NO_BYTES;
  if (data instanceof Uint8Array) return data;
  if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** What the functions of `chrome.sockets.tcp` do, once their arguments are checked. */
export class TcpCalls {
  readonly #app: AppState;

  constructor(app: AppState) {
    this.#app = app;
  }

  create(properties: TcpSocketProperties | undefined, callback: Callback): void {
    const socket = new TcpSocket(this.#app);
    if (properties !== undefined) socket.update(properties);
    this.#app.answers.later(callback, undefined, { socketId: socket.id });
  }

  update(socketId: number, properties: TcpSocketProperties, callback: Callback | undefined): void {
    const socket = this.#find(socketId, callback);
    if (socket === undefined) return;
    socket.update(properties);
    this.#app.answers.later(callback, undefined);
  }

  setPaused(socketId: number, paused: boolean, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.setPaused(paused, callback);
  }

  setKeepAlive(socketId: number, enable: boolean, delay: number | undefined, callback: Callback): void {
    const seconds = enable ? (delay ?? 0) : undefined;
    this.#setOption(socketId, (socket) => setKeepAlive(this.#app.provider, socket.stream, seconds), callback);
  }

  setNoDelay(socketId: number, noDelay: boolean, callback: Callback): void {
    this.#setOption(socketId, (socket) => setNoDelay(socket.stream, noDelay), callback);
  }

  #setOption(socketId: number, set: (socket: TcpSocket) => number, callback: Callback): void {
    const socket = this.#app.tcp.get(socketId);
    const code = socket === undefined ? NET.FAILED : set(socket);
    const text = code === NET.OK ? undefined : netErrorText(code);
    this.#app.answers.later(callback, socket === undefined ? TEXT.notFound : text, code);
  }

  connect(
    socketId: number,
    host: string,
    port: number,
    type: DnsQueryType | undefined,
    callback: Callback,
  ): void {
    const family = type === 'any' ? undefined : type;
    this.#find(socketId, callback)?.connect({ host, port: narrowPort(port), family }, callback);
  }

  disconnect(socketId: number, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.disconnect(callback);
  }

  /** There is no TLS yet: what a connected socket gets is the answer to a handshake that could not begin. */
  secure(socketId: number, _options: unknown, callback: Callback): void {
    const socket = this.#app.tcp.get(socketId);
    const { answers } = this.#app;
    if (socket === undefined) answers.later(callback, TEXT.notFound, NET.INVALID_ARGUMENT);
    else if (socket.stream === null) answers.later(callback, TEXT.notConnected, NET.INVALID_ARGUMENT);
    else {
      socket.destroy();
      answers.later(callback, netErrorText(NET.FAILED), NET.FAILED);
    }
  }

  send(socketId: number, data: ArrayBuffer | ArrayBufferView, callback: Callback): void {
    if (this.#app.pendingBytes + data.byteLength > WRITE_QUOTA) {
      this.#app.answers.later(callback, TEXT.quota);
      return;
    }
    const socket = this.#app.tcp.get(socketId);
    if (socket === undefined) this.#app.answers.later(callback, TEXT.notFound);
    else socket.send(bytesOf(data), callback);
  }

  close(socketId: number, callback: Callback | undefined): void {
    this.#find(socketId, callback)?.destroy(callback);
  }

  getInfo(socketId: number, callback: Callback): void {
    const socket = this.#find(socketId, callback);
    if (socket !== undefined) this.#app.answers.later(callback, undefined, socket.info());
  }

  getSockets(callback: Callback): void {
    const infos = Array.from(this.#app.tcp.values(), (socket) => socket.info());
    this.#app.answers.later(callback, undefined, infos);
  }

  /** The socket; or nothing, and the answer that there is none. */
  #find(socketId: number, callback: Callback | undefined): TcpSocket | undefined {
    const socket = this.#app.tcp.get(socketId);
    if (socket === undefined) this.#app.answers.later(callback, TEXT.notFound);
    return socket;
  }
}
