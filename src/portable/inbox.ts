/** One chunk cut to the size that its receiver asked for. */
import type { SocketError } from '../base/errors.ts';
import type { ReadPlan } from '../base/validate.ts';

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

  /** Whether neither an end nor a close waits. */
  get hasOnlyData(): boolean {
    return !this.#isEnded && this.#close === undefined;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0 && !this.#isEnded && this.#close === undefined;
  }

  /** The next to be told, of data at most `readSize` bytes. */
  take({ readSize, chunks }: ReadPlan): Incoming | undefined {
    const chunk = this.#chunks[0];
    if (chunk !== undefined) return { kind: 'data', bytes: this.#cut(chunk, readSize, chunks) };
    if (this.#isEnded) {
      this.#isEnded = false;
      return { kind: 'end' };
    }
    return this.#close === undefined ? undefined : { kind: 'close', error: this.#close.error };
  }

  /** All the data that waits. */
  takeData(): Uint8Array[] {
    return this.#chunks.splice(0).map(({ bytes, offset }) => bytes.subarray(offset));
  }

  #cut(chunk: Chunk, readSize: number, kind: ReadPlan['chunks']): Uint8Array {
    const { bytes, offset } = chunk;
    const length = Math.min(bytes.length - offset, readSize);
    chunk.offset += length;
    if (chunk.offset === bytes.length) this.#chunks.shift();
    return chunkOf(bytes, offset, length, kind);
  }
}

/** What a receiver is given of Node's bytes: a plain array, and, if it is to be his, with a buffer of exactly its size. */
export function chunkOf(
  { buffer, byteOffset }: Uint8Array,
  offset: number,
  length: number,
  kind: ReadPlan['chunks'],
): Uint8Array {
  const view = new Uint8Array(buffer, byteOffset + offset, length);
  return kind === 'view' || buffer.byteLength === length ? view : new Uint8Array(view);
}
