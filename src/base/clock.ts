/** A source of time. Everything here that waits takes one, so that tests can hold it still and move it by hand. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Calls `callback` once, `delay` milliseconds from now. @returns a function that cancels it. */
  setTimer(delay: number, callback: () => void): () => void;
}
