import { EVENT, SLOT_COUNT } from '../addon/types.ts';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { isSocketError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { Listener, ListenerSink, SocketSnapshot } from '../base/provider.ts';
import type { StreamLimits } from '../base/validate.ts';
import { requireListenerSink } from '../base/validate.ts';
import { NativeSocket } from './native-socket.ts';
import type { Reactor, Target } from './reactor.ts';
import { reportUncaught } from './reactor.ts';
import type { StreamOrigin } from './stream.ts';
import { NativeStream } from './stream.ts';

/** Milliseconds until accepting is tried again after the system ran out of something. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

export interface ListenerOrigin {
  readonly handle: number;
  readonly local: SocketAddress;
  readonly limits: StreamLimits;
  /** Set on every accepted stream. */
  readonly options: Partial<SocketOptions>;
  /** Called once, when the descriptor is closed. */
  readonly cleanUp?: (() => void) | undefined;
}

function isWildcard(address: SocketAddress): boolean {
  return address.family !== 'unix' && (address.host === '0.0.0.0' || address.host === '::');
}

export class NativeListener extends NativeSocket implements Listener, Target {
  override readonly local: SocketAddress;
  /** A listener carries no bytes. */
  readonly bytesRead: number = 0;
  readonly bytesWritten: number = 0;
  readonly #origin: ListenerOrigin;
  readonly #hasOptions: boolean;
  /** What all accepted streams have in common. */
  readonly #accepted: StreamOrigin;
  #sink: ListenerSink | undefined;
  #isPaused = false;
  #isClosed = false;
  #isTold = false;
  #isAttended = false;
  /** Accepted while paused: the connections of a batch that was under way. */
  readonly #held: NativeStream[] = [];
  #pause = FIRST_PAUSE;
  #cancelRetry: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #resolveClosed: () => void = () => undefined;

  constructor(reactor: Reactor, origin: ListenerOrigin) {
    super(reactor, origin.handle);
    this.local = origin.local;
    this.#origin = origin;
    this.#hasOptions = Object.keys(origin.options).length > 0;
    this.#accepted = {
      isUnix: origin.local.family === 'unix',
      limits: origin.limits,
      // What came in at one address is there; at a wildcard each connection has its own.
      local: isWildcard(origin.local) ? undefined : origin.local,
    };
    reactor.own(origin.handle, this);
  }

  override get transport(): 'tcp' | 'unix' {
    return this.local.family === 'unix' ? 'unix' : 'tcp';
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(sink: ListenerSink): void {
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
      const stream = this.#held.shift();
      if (stream !== undefined) this.#hand(stream);
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
    for (const stream of this.#held.splice(0)) stream.abort();
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
    const stream = new NativeStream(this.reactor, handle, this.#accepted);
    if (this.#isPaused) this.#held.push(stream);
    else this.#hand(stream);
  }

  #hand(stream: NativeStream): void {
    try {
      if (this.#hasOptions) this.#prepare(stream);
      this.#sink?.accept(stream);
    } catch (error) {
      // Nobody has it, or somebody who failed while taking it.
      stream.abort();
      reportUncaught(error);
    }
  }

  #prepare(stream: NativeStream): void {
    try {
      stream.prepare(this.#origin.options);
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
