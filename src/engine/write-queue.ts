import type { WriteDone } from '../base/provider.ts';

/**
 * The answers that writes wait for, in order. A write is answered when its last byte's position in the stream is behind
 * what the kernel has taken.
 */
export class WriteQueue {
  readonly #ends: number[] = [];
  readonly #dones: WriteDone[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#dones.length;
  }

  push(end: number, done: WriteDone): void {
    this.#ends.push(end);
    this.#dones.push(done);
  }

  /** Takes the next answer that is due: its last byte is among the first `written`. */
  next(written: number): WriteDone | undefined {
    const end = this.#ends[this.#head];
    if (end === undefined || end > written) return undefined;
    const done = this.#dones[this.#head++];
    if (this.#head === this.#dones.length) this.#clear();
    else if (this.#head >= 1024) this.#shift();
    return done;
  }

  #clear(): void {
    this.#ends.length = 0;
    this.#dones.length = 0;
    this.#head = 0;
  }

  #shift(): void {
    this.#ends.splice(0, this.#head);
    this.#dones.splice(0, this.#head);
    this.#head = 0;
  }
}
