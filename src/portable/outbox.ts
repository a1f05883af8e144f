import type { SocketError } from '../base/errors.ts';
import type { WriteDone } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import type { StreamLimits } from '../base/validate.ts';
import { guarded } from './guarded.ts';

/** One `write` that is not yet with the kernel. */
export interface Unsent {
  readonly size: number;
  readonly done: WriteDone | undefined;
}

/** The account of what was written and what of it is unsent: each `done` is told once, in order. */
export class Outbox {
  readonly limits: StreamLimits;
  readonly #unsent = new Set<Unsent>();
  #amount = 0;
  #sent = 0;
  #owesDrain = false;

  constructor(limits: StreamLimits) {
    this.limits = limits;
  }

  get amount(): number {
    return this.#amount;
  }

  /** Bytes that are with the kernel. */
  get sent(): number {
    return this.#sent;
  }

  get isEmpty(): boolean {
    return this.#unsent.size === 0;
  }

  get owesDrain(): boolean {
    return this.#owesDrain;
  }

  /** Each write counts, for Node keeps each apart. */
  get isOverLimit(): boolean {
    return this.#amount + this.#unsent.size * MESSAGE_OVERHEAD > this.limits.writeLimit;
  }

  /** Whether what is unsent is still below the high-water mark. When it is not, a drain is owed. */
  get isBelowMark(): boolean {
    const isBelow = this.#amount < this.limits.highWaterMark;
    if (!isBelow) this.#owesDrain = true;
    return isBelow;
  }

  add(size: number, done: WriteDone | undefined): Unsent {
    const unsent = { size, done };
    this.#unsent.add(unsent);
    this.#amount += size;
    return unsent;
  }

  /** The kernel has it. Nothing, if it was failed before. */
  settle(unsent: Unsent): void {
    if (!this.#unsent.delete(unsent)) return;
    this.#amount -= unsent.size;
    this.#sent += unsent.size;
    const { done } = unsent;
    if (done !== undefined)
      guarded(() => {
        done(null);
      });
  }

  /** Nothing that is left will be sent any more. */
  fail(error: SocketError): void {
    const left = [...this.#unsent];
    this.#unsent.clear();
    this.#amount = 0;
    this.#owesDrain = false;
    for (const { done } of left) {
      if (done !== undefined)
        guarded(() => {
          done(error);
        });
    }
  }

  /** Whether a drain is owed and due; asked again, no more. */
  takeDrain(): boolean {
    const isDue = this.#owesDrain && this.#amount === 0;
    if (isDue) this.#owesDrain = false;
    return isDue;
  }
}
