import type { TLSSocket } from 'node:tls';
import type { Stream } from '../base/provider.ts';
import { StreamDuplex } from './stream-duplex.ts';
import type { TlsCarrier } from './tls-carrier.ts';
import { FAREWELL } from './tls-carrier.ts';

type Callback = (error?: Error | null) => void;

/** The stream as TLS needs it. Destroyed, it still sends what was written: an alert, perhaps. */
class TlsTransport extends StreamDuplex {
  /** Whether the peer has ended the connection itself. */
  #hasEnded = false;
  /** Writes that are with the kernel, and that Node has not told of yet. */
  #untold = 0;
  /** What has come meanwhile; `null` for the end. */
  readonly #waiting: (Uint8Array | null)[] = [];

  constructor(stream: Stream) {
    super(stream, { allowHalfOpen: true });
    this.once('end', () => {
      this.#hasEnded = true;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  override _write(chunk: Uint8Array, encoding: BufferEncoding, done: Callback): void {
    super._write(chunk, encoding, this.#telling(done));
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Callback): void {
    super._writev(chunks, this.#telling(done));
  }

  override push(chunk: Uint8Array | null): boolean {
    if (this.#untold === 0) return super.push(chunk);
    this.#waiting.push(chunk);
    return false;
  }

  protected override giveUp(): void {
    // That not all could be sent is no news: whatever ended the connection has been told.
    this.stream.close({ timeout: FAREWELL }).catch(() => undefined);
  }

  /**
   * Node tells TLS of a write in the next turn of the loop only (`finishWrite` in lib/internal/js_stream_socket.js). A
   * stream in memory has its answer by then; but the answer to a write comes first.
   */
  #telling(done: Callback): Callback {
    return (error) => {
      this.#untold += 1;
      done(error);
      setImmediate(() => {
        this.#untold -= 1;
        if (this.#untold > 0) return;
        for (const chunk of this.#waiting.splice(0)) super.push(chunk);
      });
    };
  }
}

/** TLS on a stream of any provider. */
export class DuplexCarrier implements TlsCarrier {
  readonly raw: Stream;
  readonly duplex: TlsTransport;
  /** The duplex itself tells of that. */
  readonly isRecalled = false;
  #upper: TLSSocket | undefined;
  #isTruncated = false;

  constructor(raw: Stream) {
    this.raw = raw;
    this.duplex = new TlsTransport(raw);
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Node tells both kinds of end alike: whether it was the connection's own has to be asked when it tells. */
  attach(socket: TLSSocket, onEnd: () => void): void {
    this.#upper = socket;
    this.duplex.once('end', onEnd);
    const push = socket.push.bind(socket);
    socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.#isTruncated = this.duplex.hasEnded;
      return push(chunk, encoding);
    };
  }

  explainEnd(done: (error: Error | null) => void): void {
    done(null);
  }

  finish(): void {
    this.duplex.destroy();
  }

  abort(): void {
    this.raw.abort();
    this.#upper?.destroy();
  }
}
