/** One chunk cut to the size that its receiver asked for. */
import type { SocketError } from '../base/errors.ts';

/** What a stream has to tell its sink, in order: bytes, then perhaps the end, then perhaps the close. */
export type Incoming =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'close'; readonly error: SocketError | null };

interface Chunk {
  readonly bytes: Uint8Array;
  offset: number;
}

/**
 * What has come and is not told yet. It stays small: while the sink is paused, nothing more is read than the chunk in
 * hand and the one that Node keeps.
 */
export class Inbox {
  readonly #chunks: Chunk[] = [];
  #isEnded = false;
  #close: { readonly error: SocketError | null } | undefined;

  addData(bytes: Uint8Array): void {
    this.#chunks.push({ bytes, offset: 0 });
  }

  addEnd(): void {
    this.#isEnded = true;
  }

  addClose(error: SocketError | null): void {
    this.#close ??= { error };
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#isEnded = false;
    this.#close = undefined;
  }

  /** The next to be told, of data at most `readSize` bytes, each with a buffer of exactly its size. */
  take(readSize: number): Incoming | undefined {
    const chunk = this.#chunks[0];
    if (chunk !== undefined) return { kind: 'data', bytes: this.#cut(chunk, readSize) };
    if (this.#isEnded) {
      this.#isEnded = false;
      return { kind: 'end' };
    }
    return this.#close === undefined ? undefined : { kind: 'close', error: this.#close.error };
  }

  #cut(chunk: Chunk, readSize: number): Uint8Array {
    const { bytes, offset } = chunk;
    const end = Math.min(bytes.length, offset + readSize);
    chunk.offset = end;
    if (end === bytes.length) this.#chunks.shift();
    const isWhole = offset === 0 && end === bytes.length;
    if (isWhole && bytes.buffer.byteLength === end) return new Uint8Array(bytes.buffer, 0, end);
    // The method of Uint8Array, not of Buffer, whose slice is only a view.
    return Uint8Array.prototype.slice.call(bytes, offset, end);
  }
}
