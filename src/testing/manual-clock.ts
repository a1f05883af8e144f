import type { Clock } from '../base/clock.ts';

interface Timer {
  readonly due: number;
  /** Equal times run in the order in which they were set. */
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved by hand. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(start = 0) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Timers that are set and have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, or `null` if none is set. */
  get next(): number | null {
    return this.#earliest()?.due ?? null;
  }

  /** @throws {RangeError} `delay` is negative or no number */
  setTimer(delay: number, callback: () => void): () => void {
    if (!(delay >= 0)) throw new RangeError(`a delay must be at least 0, not ${String(delay)}`);
    const timer: Timer = { due: this.#now + delay, order: this.#order++, callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /**
   * Moves time on, and runs what falls due on the way, each at its own time and also if a timer that just ran has set it.
   * What the callbacks put off to a microtask runs after this returns. An exception of a callback ends the move at that time.
   */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`time moves forward, not by ${String(milliseconds)}`);
    const end = this.#now + milliseconds;
    for (let timer = this.#earliest(); timer !== undefined && timer.due <= end; timer = this.#earliest()) {
      this.#now = timer.due;
      this.#timers.delete(timer);
      timer.callback();
    }
    this.#now = end;
  }

  #earliest(): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (best === undefined || timer.due < best.due || (timer.due === best.due && timer.order < best.order))
        best = timer;
    }
    return best;
  }
}
