/**
 * Where a failure is kept for `error()`. Every socket has such a place, and so has the module. An error stays until what
 * failed succeeds, or fails in another way; to ask does not take it away.
 */
import { errorText, resolveErrorText } from '../posix/constants.ts';
import type { Failure } from './failure.ts';
import { failureOf } from './failure.ts';

/** The C library's words for an errno or, if it is negative, for an `EAI_` number. */
export function textOf(code: number): string {
  return code < 0 ? resolveErrorText(code) : errorText(code);
}

export class ErrorSlot {
  /** The one that failed last, of all. */
  static #last: ErrorSlot | undefined;

  /** What the module itself answers: the last failure anywhere. */
  static answerLast(isNumeric: boolean): string | number | null {
    return ErrorSlot.#last?.answer(isNumeric) ?? null;
  }

  #failure: Failure | null = null;

  answer(isNumeric: boolean): string | number | null {
    if (this.#failure === null) return null;
    const { code, message } = this.#failure;
    return isNumeric ? code : `${message}: ${textOf(code)}`;
  }

  /** Does something that may fail. @returns `null` if it does. @throws only what the caller's own code throws */
  run<T>(work: () => T): T | null {
    return this.ask(() => {
      const value = work();
      this.#failure = null;
      return value;
    });
  }

  /** The same for what merely asks: success leaves the error of before. */
  ask<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) throw error;
      this.#failure = failure;
      ErrorSlot.#last = this;
      return null;
    }
  }
}

/** Failures of the module's own functions. */
export const moduleErrors: ErrorSlot = new ErrorSlot();
