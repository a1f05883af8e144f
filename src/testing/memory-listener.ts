import type { SocketAddress } from '../base/address.ts';
import { SystemError, type SocketError } from '../base/errors.ts';
import type { Listener, ListenerSink, SocketSnapshot, Stream } from '../base/provider.ts';
import { requireListenerSink } from '../base/validate.ts';
import { deferred, type Deferred } from './deferred.ts';
import type { MemoryBacklog } from './memory-backlog.ts';
import { MemoryFaults } from './memory-faults.ts';
import { MemoryHandle } from './memory-handle.ts';
import { MemoryOptions } from './memory-options.ts';
import type { MemorySocket } from './memory-socket.ts';
import type { MemoryOwner } from './memory-stream.ts';

/** What a listener needs of its provider beyond what a stream needs. */
export interface ListenerOwner<S, K extends { reset(): void }> extends MemoryOwner {
  readonly faults: MemoryFaults;
  /** Makes a socket of an accepted connection. */
  adopt(socket: K): S;
  /** Closes the backlog, and gives back the port or path and the descriptor. */
  release(backlog: MemoryBacklog<K>): void;
}

/** The pause after a failed accept doubles from the first to the last of these milliseconds. */
const FIRST_RETRY = 50;
const LAST_RETRY = 1000;

/** A listener in memory: accepts one connection a turn. */
export class MemoryListener<S = Stream, K extends { reset(): void } = MemorySocket>
  extends MemoryHandle
  implements Listener<S>
{
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly #owner: ListenerOwner<S, K>;
  readonly #backlog: MemoryBacklog<K>;
  #sink: ListenerSink<S> | null = null;
  #isOpen = true;
  #hasTurn = false;
  #closing: Deferred<void> | null = null;
  #retryDelay = FIRST_RETRY;
  #cancelRetry: (() => void) | null = null;

  constructor(owner: ListenerOwner<S, K>, id: number, backlog: MemoryBacklog<K>) {
    const { local } = backlog;
    const transport = local.family === 'unix' ? 'unix' : 'tcp';
    super(id, { transport, local }, new MemoryOptions(transport, () => undefined));
    this.transport = transport;
    this.local = local;
    this.#owner = owner;
    this.#backlog = backlog;
    backlog.onConnection = () => {
      this.#wantAccept();
    };
  }

  snapshot(): SocketSnapshot {
    const { id, transport, local, tag } = this;
    const state = this.#isOpen ? 'open' : 'closing';
    return {
      id,
      kind: 'listener',
      transport,
      state,
      local,
      bytesRead: 0,
      bytesWritten: 0,
      bufferedAmount: 0,
      tag,
    };
  }

  start(sink: ListenerSink<S>): void {
    requireListenerSink(sink);
    this.requireOpen('start');
    this.#sink = sink;
    this.#wantAccept();
  }

  /** A socket of the provider has closed: there may be a descriptor again. */
  retryNow(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#cancelRetry = null;
    this.#wantAccept();
  }

  close(): Promise<void> {
    if (this.#closing === null) {
      this.#closing = deferred();
      this.#end(null);
    }
    return this.#closing.promise;
  }

  abort(): void {
    void this.close();
  }

  #end(error: SocketError | null): void {
    if (!this.#isOpen) {
      this.#closing?.resolve();
      return;
    }
    this.#isOpen = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#owner.release(this.#backlog);
    this.#owner.forget(this);
    this.#owner.turns.add(() => {
      this.#closing?.resolve();
      const sink = this.#sink;
      this.#sink = null;
      this.#owner.turns.call(() => sink?.close(error));
    });
  }

  #isAccepting(): boolean {
    return this.#isOpen && this.#sink !== null && !this.isPaused && this.#cancelRetry === null;
  }

  #wantAccept(): void {
    if (this.#hasTurn || !this.#isAccepting() || !this.#backlog.hasReady) return;
    this.#hasTurn = true;
    this.#owner.turns.add(() => {
      this.#hasTurn = false;
      if (this.#isAccepting() && this.#backlog.hasReady) this.#acceptOnce();
      this.#wantAccept();
    });
  }

  #acceptOnce(): void {
    const code = this.#owner.faults.meet('accept');
    if (code === null) {
      const socket = this.#backlog.take();
      if (socket === null) return;
      this.#retryDelay = FIRST_RETRY;
      const accepted = this.#owner.adopt(socket);
      this.#owner.turns.call(() => this.#sink?.accept(accepted));
    } else if (code === 'ECONNABORTED') {
      // The peer has gone while it waited: accept(2) tells that instead of a connection, and there is nobody to tell.
      this.#backlog.take()?.reset();
    } else if (!MemoryFaults.isAgain(code)) {
      this.#fail(new SystemError(code, { ...this.details('accept'), syscall: 'accept' }));
    }
  }

  #fail(error: SystemError): void {
    const delay = this.#retryDelay;
    this.#retryDelay = Math.min(LAST_RETRY, delay * 2);
    this.#cancelRetry = this.#owner.clock.setTimer(delay, () => {
      this.#cancelRetry = null;
      this.#wantAccept();
    });
    this.#owner.turns.call(() => this.#sink?.error?.(error));
  }

  protected override get isOpen(): boolean {
    return this.#isOpen;
  }

  protected override goOn(): void {
    this.#wantAccept();
  }
}
