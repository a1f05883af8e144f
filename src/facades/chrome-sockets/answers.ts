/** A function of the app that takes an answer. */
export type Callback = (...args: unknown[]) => unknown;

/** What answers need of their surroundings. */
export interface AnswersOptions {
  /** Told of what Chrome writes to the console: `Unchecked runtime.lastError: …`. */
  readonly warn: (text: string) => void;
  /** Told of every exception that the app's functions throw. */
  readonly report: (error: unknown) => void;
  /** Runs a function later, in a task of its own, in the order of the calls. */
  readonly defer: (task: () => void) => void;
}

/**
 * Calls the app's callbacks, and holds `chrome.runtime.lastError` while it does. An exception is reported and hurts nobody;
 * an error that a callback does not look at is written to the console.
 */
export class Answers {
  readonly report: (error: unknown) => void;
  readonly #warn: (text: string) => void;
  readonly #defer: (task: () => void) => void;
  #error: string | undefined;
  #isErrorSeen = false;
  #isOver = false;

  constructor(options: AnswersOptions) {
    this.report = options.report;
    this.#warn = options.warn;
    this.#defer = options.defer;
  }

  /** The error of the call whose callback runs now. Asking for it makes it seen. */
  get lastError(): { readonly message: string } | undefined {
    if (this.#error === undefined) return undefined;
    this.#isErrorSeen = true;
    return { message: this.#error };
  }

  /** Whether the app has ended: it hears nothing any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Answers from outside of any call of the app. @param error the text of `lastError`, or `undefined` for none */
  now(callback: Callback | undefined, error: string | undefined, ...args: readonly unknown[]): void {
    if (this.#isOver) return;
    const [outerError, wasOuterSeen] = [this.#error, this.#isErrorSeen];
    this.#error = error;
    this.#isErrorSeen = false;
    try {
      callback?.(...args);
    } catch (thrown) {
      this.report(thrown);
    }
    const isUnchecked = error !== undefined && !this.#isErrorSeen;
    this.#error = outerError;
    this.#isErrorSeen = wasOuterSeen;
    if (isUnchecked) this.#warn(`Unchecked runtime.lastError: ${error}`);
  }

  /** Answers in a task of its own: for answers that are known during the call. */
  later(callback: Callback | undefined, error: string | undefined, ...args: readonly unknown[]): void {
    this.task(() => {
      this.now(callback, error, ...args);
    });
  }

  /** Runs `task` later, unless the app has ended by then. */
  task(task: () => void): void {
    this.#defer(() => {
      if (!this.#isOver) task();
    });
  }

  /** Answers a send that went well. The same as `now`, with nothing made but the answer: this is the hot path. */
  sent(callback: Callback, bytesSent: number): void {
    if (this.#isOver) return;
    try {
      callback({ resultCode: 0, bytesSent });
    } catch (thrown) {
      this.report(thrown);
    }
  }

  /** The app has ended. */
  end(): void {
    this.#isOver = true;
  }
}
