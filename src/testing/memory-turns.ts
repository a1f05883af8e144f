/**
 * What an event loop is to a real provider: callbacks run one after the other, each in a turn of its own, and never inside
 * the call that asked for them. A turn is a microtask, so a test needs neither timers nor waiting.
 */
export class MemoryTurns {
  readonly #report: (error: unknown) => void;
  readonly #tasks: (() => void)[] = [];
  #isRunning = false;

  /** @param report told what a callback throws */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** Runs `task` after everything that was asked for before. */
  add(task: () => void): void {
    this.#tasks.push(task);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#arm();
  }

  /** Calls foreign code: what it throws is reported, and goes no further. */
  call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#report(error);
    }
  }

  /** Fulfils when nothing is left to run, and nothing has followed for a while of microtasks. */
  async idle(): Promise<void> {
    // Between two turns there may be the reactions of a chain of promises: a race, an async function, a pull reader.
    for (let calm = 0; calm < 64; calm++) {
      await Promise.resolve();
      if (this.#isRunning) calm = 0;
    }
  }

  #arm(): void {
    void Promise.resolve().then(() => {
      const task = this.#tasks.shift();
      if (task !== undefined) this.call(task);
      if (this.#tasks.length > 0) this.#arm();
      else this.#isRunning = false;
    });
  }
}
