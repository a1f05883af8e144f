/** A listener whose streams speak TLS, over any that accepts plain ones. */
import type { AbortSignalLike } from './abort.ts';
import type { SocketAddress } from './address.ts';
import { Aborter } from './aborter.ts';
import type { ErrorDetails, SocketError } from './errors.ts';
import { BrokenError, ClosedError, isSocketError, SystemError, TlsError } from './errors.ts';
import type { Listener, ListenerSink, Stream } from './provider.ts';
import { requireListenerSink } from './validate.ts';
import { SocketCover } from './socket-cover.ts';

export interface TlsListenerSetting {
  /** Handshakes at once; past them the listener below is paused. */
  readonly maxHandshakes: number;
  /** Milliseconds; for messages only, `upgrade` keeps it. */
  readonly handshakeTimeout: number;
  /** Shakes hands on a stream that was just accepted, which it closes if that fails. */
  upgrade(stream: Stream, signal: AbortSignalLike): Promise<Stream>;
}

export class TlsListener extends SocketCover<Listener> implements Listener {
  readonly #setting: TlsListenerSetting;
  readonly #handshakes = new Set<Aborter>();
  /** Done with their handshakes while the listener was paused. */
  readonly #ready: Stream[] = [];
  #sink: ListenerSink | undefined;
  #isPaused = false;
  #isClosed = false;

  constructor(inner: Listener, setting: TlsListenerSetting) {
    super(inner);
    this.#setting = setting;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(sink: ListenerSink): void {
    requireListenerSink(sink);
    this.#requireOpen('start');
    const isFirst = this.#sink === undefined;
    this.#sink = sink;
    if (!isFirst) return;
    this.inner.start({
      accept: (stream) => {
        void this.#accepted(stream);
      },
      error: (error) => this.#sink?.error?.(error),
      close: (error) => {
        this.#tellClosed(error);
      },
    });
  }

  pause(): void {
    this.inner.pause();
    this.#isPaused = true;
  }

  resume(): void {
    this.#requireOpen('resume');
    this.#isPaused = false;
    // Not within this call: nobody is called inside the call that asks for it.
    void Promise.resolve().then(() => {
      this.#hand();
    });
  }

  close(): Promise<void> {
    this.#end();
    return this.inner.close();
  }

  abort(): void {
    this.#end();
    this.inner.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Who has not finished shaking hands has not been accepted yet. */
  #end(): void {
    this.#isClosed = true;
    for (const handshake of this.#handshakes) handshake.abort(new ClosedError(this.#details()));
    for (const stream of this.#ready.splice(0)) stream.abort();
  }

  async #accepted(stream: Stream): Promise<void> {
    const handshake = new Aborter();
    this.#handshakes.add(handshake);
    this.#adjust();
    const { remote } = stream;
    try {
      this.#ready.push(await this.#setting.upgrade(stream, handshake));
    } catch (error) {
      this.#failed(error, remote);
    } finally {
      this.#handshakes.delete(handshake);
      this.#hand();
    }
  }

  #hand(): void {
    while (!this.#isPaused && !this.#isClosed) {
      const stream = this.#ready.shift();
      if (stream === undefined) break;
      this.#give(stream);
    }
    this.#adjust();
  }

  #give(stream: Stream): void {
    try {
      this.#sink?.accept(stream);
    } catch (error) {
      // Nobody has it, or somebody who failed while taking it.
      stream.abort();
      reportUncaught(error);
    }
  }

  /** What has shaken hands and waits counts too: it must not pile up either. */
  #adjust(): void {
    if (this.#isClosed) return;
    const isFull = this.#handshakes.size + this.#ready.length >= this.#setting.maxHandshakes;
    try {
      if (isFull || this.#isPaused) this.inner.pause();
      else this.inner.resume();
    } catch (error) {
      // Its provider has closed it, and is about to tell so.
      if (!(error instanceof ClosedError)) throw error;
    }
  }

  #failed(error: unknown, remote: SocketAddress): void {
    // Closed on this side, with the listener or with the provider: it was nobody's failure.
    if (this.#isClosed || error instanceof ClosedError) return;
    const told = this.#wordFailure(error, remote);
    try {
      this.#sink?.error?.(told);
    } catch (thrown) {
      reportUncaught(thrown);
    }
  }

  #wordFailure(error: unknown, remote: SocketAddress): SocketError {
    const details = { ...this.#details(), remote };
    if (error instanceof SystemError && error.code === 'ETIMEDOUT') {
      const limit = String(this.#setting.handshakeTimeout);
      return new TlsError('timeout', 'ETIMEDOUT', `the handshake took longer than ${limit} ms`, details);
    }
    if (error instanceof BrokenError) return brokenHandshake(error, details);
    if (isSocketError(error)) return error;
    throw error;
  }

  #tellClosed(error: SocketError | null): void {
    this.#end();
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.close(error);
  }

  #requireOpen(op: string): void {
    if (this.#isClosed) throw new ClosedError({ ...this.#details(), op });
  }

  #details(): ErrorDetails {
    return { op: 'accept', transport: this.transport, local: this.local };
  }
}

/** A connection that ended before anybody could shake hands on it. */
function brokenHandshake(error: BrokenError, details: ErrorDetails): TlsError {
  const { cause } = error;
  const { code } = cause instanceof SystemError ? cause : error;
  const failure = code === 'ECONNRESET' || code === 'EPIPE' ? 'reset' : 'closed';
  return new TlsError(failure, code, 'the connection ended before the handshake', {
    ...details,
    cause: error,
  });
}

/** What a caller's callback throws is thrown where the platform reports it. */
function reportUncaught(error: unknown): void {
  void Promise.resolve().then(() => {
    throw error;
  });
}
