import type { SocketSnapshot } from '../base/provider.ts';
import type { TlsStream } from '../base/tls-upgrader.ts';
import type { Target } from './reactor.ts';

/** A native stream that carries the records of another: it has the events, and the other is shown and aborted. */
export class CoveredTarget implements Target {
  readonly #raw: Target;
  readonly #cover: TlsStream;

  constructor(raw: Target, cover: TlsStream) {
    this.#raw = raw;
    this.#cover = cover;
  }

  onEvent(kind: number, a: number, b: number, buffers: readonly ArrayBuffer[]): void {
    this.#raw.onEvent(kind, a, b, buffers);
  }

  onFlushed(kind: number, a: number, b: number): void {
    this.#raw.onFlushed(kind, a, b);
  }

  attend(): void {
    this.#raw.attend();
  }

  abort(): void {
    this.#cover.abort();
  }

  snapshot(): SocketSnapshot {
    return this.#cover.snapshot();
  }
}
