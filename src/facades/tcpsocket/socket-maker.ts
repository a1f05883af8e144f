/** Makes this API's sockets, as far as they are permitted, and ends them all. */
import { ClientSocket, HIGH_WATER_MARK, NEW_SOCKET } from './client-socket.ts';
import type { GatedOp, OpenSockets, Permit, TcpSocketHost } from './host.ts';
import { IOError, inOwnWords, permissionDenied } from './io-error.ts';
import { readClientOptions, readServerOptions } from './options.ts';
import { ServerSocket } from './server-socket.ts';
import { UdpSocket, readUdpOptions } from './udp-socket.ts';

export class SocketMaker {
  readonly #host: TcpSocketHost;
  readonly #open: OpenSockets = new Set();
  #isClosed = false;

  constructor(host: TcpSocketHost) {
    this.#host = host;
  }

  /** @throws {IOError} it is not permitted, or everything was closed */
  #require(op: GatedOp, name: string, port: number): Permit {
    if (this.#isClosed) throw new IOError('the extension has ended', { code: 'ERR_SOCKET_CLOSED' });
    const { permissions } = this.#host;
    const permit = permissions.permits(op, name, port);
    if (permit === 'no') throw permissionDenied(permissions.wordPermission(op, name, port));
    return permit;
  }

  async connect(options: unknown): Promise<ClientSocket> {
    const plan = readClientOptions(options);
    const { name, port, tls, awaitsOpen } = plan;
    const permit = this.#require('tcp-connect', plan.host, port);
    const origin = { host: this.#host, open: this.#open, name, port, ssl: tls !== undefined };
    const socket = ClientSocket.connect(origin, plan);
    if (awaitsOpen) await this.#call('tcp-connect', plan, () => socket.opened);
    else if (permit === 'depends') await this.#judged(plan, socket);
    return socket;
  }

  async listen(options: unknown): Promise<ServerSocket> {
    const plan = readServerOptions(options);
    const { host: name, port, backlog, tls } = plan;
    this.#require('tcp-listen', name, port);
    const listener = await this.#made('tcp-listen', plan, () =>
      this.#host.provider.listen({
        host: name,
        port,
        tls,
        options: NEW_SOCKET,
        highWaterMark: HIGH_WATER_MARK,
      }),
    );
    return ServerSocket.listen({
      host: this.#host,
      open: this.#open,
      listener,
      backlog,
      ssl: tls !== undefined,
    });
  }

  async create(options: unknown): Promise<UdpSocket> {
    const plan = readUdpOptions(options);
    this.#require('udp-bind', plan.host, plan.port);
    const datagram = await this.#made('udp-bind', plan, () => this.#host.provider.bind(plan));
    return UdpSocket.create({ host: this.#host, open: this.#open, datagram });
  }

  /** What was opened when everything was closed meanwhile is closed too. */
  async #made<S extends { abort(): void }>(op: GatedOp, to: Place, open: () => Promise<S>): Promise<S> {
    const made = await this.#call(op, to, open);
    if (!this.#isClosed) return made;
    made.abort();
    throw new IOError('the extension has ended', { code: 'ERR_SOCKET_CLOSED' });
  }

  /** Awaits the provider, in the words of this API. */
  async #call<T>(op: GatedOp, { host, port }: Place, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const told = inOwnWords(error);
      if (!isDenial(told)) throw told;
      throw permissionDenied(this.#host.permissions.wordPermission(op, host, port), told.cause);
    }
  }

  /** What only the addresses of a name can tell is known when they are: a no is told by `connect`, all else by the socket. */
  async #judged(to: Place, socket: ClientSocket): Promise<void> {
    try {
      await this.#call('tcp-connect', to, () => socket.opened);
    } catch (error) {
      if (isDenial(error)) throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#open].map((socket) => socket.closeImmediately()));
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function isDenial(error: unknown): error is IOError {
  return error instanceof IOError && error.code === 'ERR_PERMISSION_DENIED';
}
