import type { SocketAddress } from '../base/address.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { JsonValue, Listener, ListenerSink, SocketBase } from '../base/provider.ts';
import { requireListenerSink } from '../base/validate.ts';

/** A listener that tells somebody of each socket before it is told to whom it belongs. All else is the inner listener's own. */
export class WatchedListener<S extends SocketBase> implements Listener<S> {
  readonly #inner: Listener<S>;
  readonly #accepted: (socket: S) => void;

  constructor(inner: Listener<S>, accepted: (socket: S) => void) {
    this.#inner = inner;
    this.#accepted = accepted;
  }

  get id(): number {
    return this.#inner.id;
  }

  get transport(): 'tcp' | 'udp' | 'unix' {
    return this.#inner.transport;
  }

  get local(): SocketAddress {
    return this.#inner.local;
  }

  get bytesRead(): number {
    return this.#inner.bytesRead;
  }

  get bytesWritten(): number {
    return this.#inner.bytesWritten;
  }

  get isPaused(): boolean {
    return this.#inner.isPaused;
  }

  get tag(): JsonValue | undefined {
    return this.#inner.tag;
  }

  set tag(tag: JsonValue | undefined) {
    if (tag === undefined) delete this.#inner.tag;
    else this.#inner.tag = tag;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    return this.#inner.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#inner.set(name, value);
  }

  ref(): void {
    this.#inner.ref();
  }

  unref(): void {
    this.#inner.unref();
  }

  start(sink: ListenerSink<S>): void {
    requireListenerSink(sink);
    this.#inner.start({
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
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  abort(): void {
    this.#inner.abort();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
