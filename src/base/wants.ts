/** What a read can want of the bytes that have arrived. */
import type { ByteQueue } from './byte-queue.ts';
import type { ErrorDetails } from './errors.ts';
import { EndError, LimitError } from './errors.ts';

/** One read's wish. It is asked again whenever there are more bytes. */
export interface Want<T> {
  /** Takes what is wanted, if it is there. @returns `undefined` if it is not, and nothing is taken then */
  take(queue: ByteQueue): T | undefined;
  /** The answer when no more will come. Nothing is taken by the exception. */
  atEnd(queue: ByteQueue): T;
}

/** Whatever there is, at most `most` bytes; `null` at the end. */
export function wantAny(most: number): Want<Uint8Array | null> {
  return {
    take: (queue) => (queue.length === 0 ? undefined : queue.takePiece(most)),
    atEnd: () => null,
  };
}

/** Exactly `count` bytes. */
export function wantExactly(count: number, details: ErrorDetails): Want<Uint8Array> {
  return {
    take: (queue) => (queue.length < count ? undefined : queue.take(count)),
    atEnd: (queue) => {
      throw new EndError(queue.length, `${String(count)} bytes`, details);
    },
  };
}

/** Everything up to and with `delimiter`, at most `limit` bytes. */
export function wantUntil(delimiter: Uint8Array, limit: number, details: ErrorDetails): Want<Uint8Array> {
  // Where the search goes on: no byte is looked at again for each chunk that comes.
  let from = 0;
  return {
    take: (queue) => {
      const at = queue.indexOf(delimiter, from);
      if (at >= 0 && at + delimiter.length <= limit) return queue.take(at + delimiter.length);
      // With so many bytes, or the delimiter so far off, no more of them can make it fit.
      if (at >= 0 || queue.length >= limit) throw new LimitError(limit, details);
      from = Math.max(0, queue.length - delimiter.length + 1);
      return undefined;
    },
    atEnd: (queue) => {
      throw new EndError(queue.length, 'the delimiter', details);
    },
  };
}
