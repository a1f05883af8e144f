import { EVENT, SLOT_COUNT } from '../addon/types.ts';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { isSocketError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Listener, ListenerSink, SocketSnapshot } from '../base/provider.ts';
import { requireListenerSink } from '../base/validate.ts';
import { NativeSocket } from './native-socket.ts';
import type { Reactor, Target } from './reactor.ts';
import { reportUncaught } from './reactor.ts';

/** Milliseconds until accepting is tried again after the system ran out of something. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

/** What a listener hands out. */
export interface Acceptable {
  abort(): void;
  prepare(options: Partial<SocketOptions>): void;
}

export interface ListenerOrigin<S extends Acceptable> {
  readonly handle: number;
  readonly local: SocketAddress;
  /** Makes a socket of an accepted handle. What it throws leaves the handle open. */
  readonly make: (handle: number) => S;
  /** Set on every accepted socket. */
  readonly options: Partial<SocketOptions>;
  /** Called once, when the descriptor is closed. */
  readonly cleanUp?: (() => void) | undefined;
}

export class NativeListener<S extends Acceptable> extends NativeSocket implements Listener<S>, Target {
  override readonly local: SocketAddress;
  /** A listener carries no bytes. */
  readonly bytesRead: number = 0;
  readonly bytesWritten: number = 0;
  readonly #origin: ListenerOrigin<S>;
  readonly #hasOptions: boolean;
  #sink: ListenerSink<S> | undefined;
  #isPaused = false;
  #isClosed = false;
  #isTold = false;
  #isAttended = false;
  /** Accepted while paused: the connections of a batch that was under way. */
  readonly #held: S[] = [];
  #pause = FIRST_PAUSE;
  #cancelRetry: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #resolveClosed: () => void = () => undefined;

  constructor(reactor: Reactor, origin: ListenerOrigin<S>) {
    super(reactor, origin.handle);
    this.local = origin.local;
    this.#origin = origin;
    this.#hasOptions = Object.keys(origin.options).length > 0;
    reactor.own(origin.handle, this);
  }

  override get transport(): 'tcp' | 'unix' {
    return this.local.family === 'unix' ? 'unix' : 'tcp';
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(sink: ListenerSink<S>): void {
    requireListenerSink(sink);
    this.requireOpen('start');
    this.#sink = sink;
    this.#accept();
  }

  pause(): void {
    this.requireOpen('pause');
    this.#isPaused = true;
    this.#cancelRetry?.();
    this.reactor.native.stop(this.handle);
  }

  resume(): void {
    this.requireOpen('resume');
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#held.length > 0) this.#attend();
    else this.#accept();
  }

  onEvent(kind: number, a: number, b: number): void {
    if (kind === EVENT.accepted) this.#onAccepted(b * SLOT_COUNT + a);
    else if (kind === EVENT.acceptFailed) this.#onFailed(a);
  }

  onFlushed(): void {
    // A listener writes nothing.
  }

  attend(): void {
    this.#isAttended = false;
    if (this.#isClosed) {
      this.#tellClosed();
      return;
    }
    while (!this.#isPaused && this.#held.length > 0) {
      const socket = this.#held.shift();
      if (socket !== undefined) this.#hand(socket);
    }
    this.#accept();
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#resolveClosed = resolve;
      if (this.#isTold) resolve();
    });
    this.abort();
    return this.#closed;
  }

  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.reactor.native.close(this.handle);
    this.reactor.disown(this.handle);
    for (const socket of this.#held.splice(0)) socket.abort();
    this.#origin.cleanUp?.();
    this.#attend();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): SocketSnapshot {
    return {
      id: this.id,
      kind: 'listener',
      transport: this.transport,
      state: 'open',
      local: this.local,
      bytesRead: this.bytesRead,
      bytesWritten: this.bytesWritten,
      bufferedAmount: 0,
      tag: this.tag,
    };
  }

  #accept(): void {
    if (this.#isClosed || this.#isPaused || this.#sink === undefined || this.#held.length > 0) return;
    this.#cancelRetry?.();
    const result = this.reactor.native.startAccepting(this.handle);
    if (result < 0) this.#onFailed(-result);
  }

  #onAccepted(handle: number): void {
    this.#pause = FIRST_PAUSE;
    let socket: S;
    try {
      socket = this.#origin.make(handle);
    } catch (error) {
      this.reactor.native.abort(handle);
      if (!isSocketError(error)) throw error;
      this.#sink?.error?.(error);
      return;
    }
    if (this.#isPaused) this.#held.push(socket);
    else this.#hand(socket);
  }

  #hand(socket: S): void {
    try {
      if (this.#hasOptions) this.#prepare(socket);
      this.#sink?.accept(socket);
    } catch (error) {
      // Nobody has it, or somebody who failed while taking it.
      socket.abort();
      reportUncaught(error);
    }
  }

  #prepare(socket: S): void {
    try {
      socket.prepare(this.#origin.options);
    } catch (error) {
      // A connection that its peer has reset already takes no options; reading it will tell.
      if (!isSocketError(error)) throw error;
    }
  }

  /** Tries again when a socket closes, for that frees a descriptor, or else after a pause. */
  #onFailed(errno: number): void {
    const retry = (): void => {
      this.#accept();
    };
    const offClose = this.reactor.onNextClose(retry);
    const offTimer = this.reactor.clock.setTimer(this.#pause, retry);
    this.#cancelRetry = (): void => {
      this.#cancelRetry = undefined;
      offClose();
      offTimer();
    };
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#sink?.error?.(this.reactor.names.error(errno, 'accept', this.details('accept')));
  }

  #tellClosed(): void {
    this.#resolveClosed();
    if (this.#isTold) return;
    this.#isTold = true;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.close(null);
  }

  #attend(): void {
    if (this.#isAttended) return;
    this.#isAttended = true;
    this.reactor.attend(this);
  }

  protected override get isOpen(): boolean {
    return !this.#isClosed;
  }

  protected override details(op: string): ErrorDetails {
    return { op, transport: this.transport, local: this.local };
  }
}
