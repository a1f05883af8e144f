import type { WriteDone } from '../base/provider.ts';

interface Waiting {
  readonly end: number;
  readonly done: WriteDone;
}

/**
 * The answers that writes wait for, in order. A write is answered when its last byte's position in the stream is behind
 * what the kernel has taken.
 */
export class WriteQueue {
  // The usual queue has one entry, which needs no array: setting an array's length costs as much as all the rest.
  #end = 0;
  #done: WriteDone | undefined;
  #later: Waiting[] | undefined;
  #head = 0;

  push(end: number, done: WriteDone): void {
    if (this.#done === undefined) {
      this.#end = end;
      this.#done = done;
    } else {
      this.#later ??= [];
      this.#later.push({ end, done });
    }
  }

  /** Answers that wait. */
  get length(): number {
    const first = this.#done === undefined ? 0 : 1;
    return this.#later === undefined ? first : first + this.#later.length - this.#head;
  }

  /** Takes the next answer that is due: its last byte is among the first `written`. */
  next(written: number): WriteDone | undefined {
    const done = this.#done;
    if (done === undefined || this.#end > written) return undefined;
    this.#done = undefined;
    if (this.#later !== undefined) this.#advance(this.#later);
    return done;
  }

  #advance(later: Waiting[]): void {
    const first = later[this.#head++];
    if (first === undefined) {
      this.#later = undefined;
      this.#head = 0;
      return;
    }
    this.#end = first.end;
    this.#done = first.done;
    // Now and then, so that taking from the front stays cheap however long the queue is.
    if (this.#head < 1024) return;
    later.splice(0, this.#head);
    this.#head = 0;
  }
}
