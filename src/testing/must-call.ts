/** Counts callbacks: those that must come, how often, and in which order. */

interface Expected {
  readonly label: string;
  readonly times: () => number;
  calls: number;
}

/**
 * Hands out callbacks and remembers who called them. `check()` at the end tells of each that was called too seldom or too
 * often.
 *
 * @example
 * const calls = new MustCall();
 * stream.write(bytes, calls.once('done'));
 * …
 * calls.check();
 */
export class MustCall {
  readonly #expected: Expected[] = [];
  readonly #order: string[] = [];

  /** The labels of all calls so far, in order. */
  get order(): readonly string[] {
    return this.#order;
  }

  /** A callback that must be called exactly once. */
  once<A extends readonly unknown[]>(label: string, callback?: (...args: A) => void): (...args: A) => void {
    return this.times(1, label, callback);
  }

  /** A callback that must not be called at all. */
  never<A extends readonly unknown[]>(label: string, callback?: (...args: A) => void): (...args: A) => void {
    return this.times(0, label, callback);
  }

  /** A callback that must be called exactly `times` times. */
  times<A extends readonly unknown[]>(
    times: number,
    label: string,
    callback?: (...args: A) => void,
  ): (...args: A) => void {
    return this.exactly(label, () => times, callback);
  }

  /** A callback whose number of calls is only known at the end: `times` is asked by `check` and `problems`. */
  exactly<A extends readonly unknown[]>(
    label: string,
    times: () => number,
    callback?: (...args: A) => void,
  ): (...args: A) => void {
    const row: Expected = { label, times, calls: 0 };
    this.#expected.push(row);
    return (...args) => {
      row.calls += 1;
      this.#order.push(label);
      callback?.(...args);
    };
  }

  /** What is wrong now: one line for each callback with a wrong count. */
  problems(): readonly string[] {
    return this.#expected
      .filter((row) => row.calls !== row.times())
      .map((row) => `${row.label}: called ${String(row.calls)} times, must be ${String(row.times())}`);
  }

  /** @throws {Error} if a callback was called too seldom or too often */
  check(): void {
    const problems = this.problems();
    if (problems.length > 0) throw new Error(problems.slice(0, 20).join('; '));
  }
}
