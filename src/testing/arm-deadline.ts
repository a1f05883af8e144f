import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { DeadlinePlan } from '../base/validate.ts';

/**
 * Calls `late` once: with the signal's reason when it aborts, at once if it has already, or with what `timedOut` makes
 * when the time has run out.
 *
 * @returns a function that takes the deadline away
 */
export function armDeadline(
  { signal, timeout }: DeadlinePlan,
  clock: Clock,
  timedOut: () => unknown,
  late: (reason: unknown) => void,
): () => void {
  let isOver = false;
  const over = (reason: unknown): void => {
    if (isOver) return;
    isOver = true;
    cancel?.();
    off();
    late(reason);
  };
  let off: () => void = () => undefined;
  const cancel =
    timeout === undefined
      ? undefined
      : clock.setTimer(timeout, () => {
          over(timedOut());
        });
  off = onAbort(signal, () => {
    over(signal?.reason);
  });
  return () => {
    isOver = true;
    cancel?.();
    off();
  };
}
