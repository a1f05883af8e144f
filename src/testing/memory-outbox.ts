import type { WriteDone } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import type { MemorySocket } from './memory-socket.ts';

/** One write that is not with the kernel yet. */
interface Unsent {
  rest: Uint8Array;
  readonly done: WriteDone | undefined;
}

/** What a stream was given to write and the kernel has not taken. */
export class MemoryOutbox {
  #unsent: Unsent[] = [];
  #bufferedAmount = 0;
  #bytesWritten = 0;

  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** What waits, as `writeLimit` counts it. */
  get weight(): number {
    return this.#bufferedAmount + this.#unsent.length * MESSAGE_OVERHEAD;
  }

  /** Whether nothing waits, not even an empty write for its turn. */
  get isEmpty(): boolean {
    return this.#unsent.length === 0;
  }

  /** Takes a copy. */
  push(bytes: Uint8Array, done: WriteDone | undefined): void {
    const rest = new Uint8Array(bytes);
    this.#unsent.push({ rest, done });
    this.#bufferedAmount += rest.length;
  }

  /**
   * Gives the kernel what it takes, and tells each write that is through; a callback may drop what is left.
   *
   * @returns whether nothing is left
   * @throws {SystemError}
   */
  send(socket: MemorySocket, answer: (done: WriteDone | undefined) => void): boolean {
    for (let first = this.#unsent[0]; first !== undefined; first = this.#unsent[0]) {
      if (first.rest.length > 0) {
        const count = socket.write(first.rest);
        if (count === 0) return false;
        first.rest = first.rest.subarray(count);
        this.#bytesWritten += count;
        this.#bufferedAmount -= count;
      }
      if (first.rest.length > 0) continue;
      this.#unsent.shift();
      answer(first.done);
    }
    return true;
  }

  /** Forgets what is left. @returns the callbacks of it, in order */
  drop(): readonly (WriteDone | undefined)[] {
    const dropped = this.#unsent.map(({ done }) => done);
    this.#unsent = [];
    this.#bufferedAmount = 0;
    return dropped;
  }
}
