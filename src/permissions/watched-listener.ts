import type { Listener, ListenerSink, SocketBase } from '../base/provider.ts';
import { requireListenerSink } from '../base/validate.ts';
import { SocketCover } from '../base/socket-cover.ts';

/** A listener that tells somebody of each socket before it is told to whom it belongs. All else is the inner listener's own. */
export class WatchedListener<S extends SocketBase> extends SocketCover<Listener<S>> implements Listener<S> {
  readonly #accepted: (socket: S) => void;

  constructor(inner: Listener<S>, accepted: (socket: S) => void) {
    super(inner);
    this.#accepted = accepted;
  }

  get isPaused(): boolean {
    return this.inner.isPaused;
  }

  start(sink: ListenerSink<S>): void {
    requireListenerSink(sink);
    this.inner.start({
      accept: (socket) => {
        this.#accepted(socket);
        sink.accept(socket);
      },
      error: (error) => sink.error?.(error),
      close: (error) => {
        sink.close(error);
      },
    });
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  abort(): void {
    this.inner.abort();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
