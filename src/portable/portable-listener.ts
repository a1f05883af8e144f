/**
 * A listener over a server of `node:net`.
 *
 * Node accepts whatever comes as soon as it listens, and cannot leave a connection in the backlog. So connections that
 * come before `start`, or while paused, are kept here, unread, up to a limit; what comes beyond it is reset, as a full
 * backlog would refuse it.
 *
 * Out of descriptors, libuv accepts and closes what it cannot keep (uv__emfile_trick in src/unix/stream.c) and tells
 * nobody; `error` hears only what Node tells.
 */
import type { Server, Socket } from 'node:net';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import { ClosedError, UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { JsonValue, Listener, ListenerSink, SocketSnapshot } from '../base/provider.ts';
import type { ListenPlan } from '../base/validate.ts';
import { requireListenerSink, validateOptionName, validateSocketOption } from '../base/validate.ts';
import { guarded } from './guarded.ts';
import { localOf, remoteOf, unixEndpoint } from './node-address.ts';
import { toSystemError } from './node-errors.ts';
import type { OwnedSocket, Owner } from './owner.ts';
import { PortableStream } from './portable-stream.ts';

/** The most connections that are kept until they can be told: Node's own default for a backlog. */
export const MAX_HELD = 511;

/** A connection that is accepted and not told yet. Its addresses are asked for at once, for they go with the peer. */
interface Held {
  readonly socket: Socket;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

function refuse(socket: Socket, transport: 'tcp' | 'unix'): void {
  if (transport === 'tcp') socket.resetAndDestroy();
  socket.destroy();
}

export class PortableListener implements Listener, OwnedSocket {
  readonly id: number;
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly settled: Promise<void>;
  tag?: JsonValue | undefined;
  readonly #server: Server;
  readonly #owner: Owner;
  readonly #plan: ListenPlan;
  readonly #held: Held[] = [];
  readonly #heldLimit: number;
  #settle: () => void = () => undefined;
  #sink: ListenerSink | undefined;
  #isPaused = false;
  #closing: Promise<void> | undefined;

  /** @param server listening since this turn of the loop, so that no connection has been told yet */
  constructor(server: Server, local: SocketAddress, plan: ListenPlan, owner: Owner) {
    this.#server = server;
    this.#owner = owner;
    this.#plan = plan;
    this.#heldLimit = Math.max(1, Math.min(plan.backlog, MAX_HELD));
    this.id = owner.nextId();
    this.transport = plan.transport;
    this.local = local;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    server.on('connection', (socket) => {
      this.#accepted(socket);
    });
    server.on('error', (error) => {
      this.#failed(error);
    });
    owner.opened(this);
    owner.hold(this, true);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(sink: ListenerSink): void {
    requireListenerSink(sink);
    this.#requireOpen('accept');
    this.#sink = sink;
    this.#deliverSoon();
  }

  pause(): void {
    this.#requireOpen('accept');
    this.#isPaused = true;
  }

  resume(): void {
    this.#requireOpen('accept');
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#deliverSoon();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  abort(): void {
    void this.close();
  }

  /** Node has no options for a listening socket. */
  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.#requireOpen('get');
    throw new UnsupportedError(`${validateOptionName(name)}: node:net has no options for listeners`);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#requireOpen('set');
    validateSocketOption(name, value);
    throw new UnsupportedError(`${name}: node:net has no options for listeners`);
  }

  ref(): void {
    this.#requireOpen('ref');
    this.#server.ref();
    this.#owner.hold(this, true);
  }

  unref(): void {
    this.#requireOpen('unref');
    this.#server.unref();
    this.#owner.hold(this, false);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): SocketSnapshot {
    const { id, transport, local, bytesRead, bytesWritten, tag } = this;
    const state = this.#closing === undefined ? 'open' : 'closing';
    return { id, kind: 'listener', transport, state, local, bytesRead, bytesWritten, bufferedAmount: 0, tag };
  }

  #accepted(socket: Socket): void {
    if (this.#held.length >= this.#heldLimit) {
      refuse(socket, this.transport);
      return;
    }
    const held =
      this.transport === 'unix'
        ? { socket, local: this.local, remote: unixEndpoint('') }
        : { socket, local: localOf(socket), remote: remoteOf(socket) };
    this.#held.push(held);
    // `connect` is answered before `accept` is told, also where both are in this process: if the stream were aborted
    // first, connecting would fail with its reset.
    if (this.#held.length === 1) {
      setImmediate(() => {
        this.#deliver();
      });
    }
  }

  #deliver(): void {
    while (this.#sink !== undefined && !this.#isPaused && this.#closing === undefined) {
      const held = this.#held.shift();
      if (held === undefined) return;
      const { socket, local, remote } = held;
      const sink = this.#sink;
      const { transport } = this;
      const stream = new PortableStream(socket, {
        owner: this.#owner,
        transport,
        local,
        remote,
        limits: this.#plan,
      });
      stream.setAll(this.#plan.options);
      guarded(() => {
        sink.accept(stream);
      });
    }
  }

  #deliverSoon(): void {
    process.nextTick(() => {
      this.#deliver();
    });
  }

  #failed(error: Error): void {
    const sink = this.#sink;
    if (this.#closing !== undefined) return;
    const told: SocketError = toSystemError(error, this.#details('accept'));
    guarded(() => sink?.error?.(told));
  }

  /** libuv closes the descriptor in the call. `Server.close` tells later: when all its connections have closed too. */
  #close(): Promise<void> {
    this.#server.close();
    for (const { socket } of this.#held.splice(0)) refuse(socket, this.transport);
    this.#owner.closed(this);
    setImmediate(() => {
      this.#tellClose();
    });
    return Promise.resolve();
  }

  #tellClose(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    if (sink !== undefined) {
      guarded(() => {
        sink.close(null);
      });
    }
    this.#owner.over(this);
    this.#settle();
  }

  #requireOpen(op: string): void {
    if (this.#closing !== undefined) throw new ClosedError(this.#details(op));
  }

  #details(op: string): ErrorDetails {
    return { op, transport: this.transport, local: this.local };
  }
}
