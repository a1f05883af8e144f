/** Rules for what ends a call early. */
import type { AbortSignalLike } from './abort.ts';
import type { Rules } from './rules.ts';
import { integer, optional, requireObject, wrongType } from './rules.ts';

/** A longer delay would fire at once in `setTimeout`, and does not fit an `int` of C. */
export const MAX_INT32: number = 2 ** 31 - 1;

export interface DeadlinePlan {
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
}

/** Any platform's own signal will do, so it is known by what it can do. */
function abortSignal(value: unknown, name: string): AbortSignalLike {
  const signal = requireObject(value, name);
  if (
    typeof Reflect.get(signal, 'aborted') !== 'boolean' ||
    typeof Reflect.get(signal, 'addEventListener') !== 'function'
  ) {
    throw wrongType(name, 'an AbortSignal', value);
  }
  return signal as AbortSignalLike;
}

export const DEADLINE: Rules<DeadlinePlan> = {
  signal: optional(abortSignal),
  timeout: optional(integer(0, MAX_INT32)),
};
