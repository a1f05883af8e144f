/** Waiting no longer than somebody wants to. */
import { onAbort } from './abort.ts';
import type { Clock } from './clock.ts';
import type { SocketError } from './errors.ts';
import type { DeadlinePlan } from './validate.ts';

/**
 * Waits for `work`, but not past a deadline. What `work` comes to after that is dropped, and must hold nothing.
 *
 * @param late makes the error for the time having run out
 * @throws the signal's reason, if it aborts first
 */
export function withDeadline<T>(
  work: Promise<T>,
  { signal, timeout }: DeadlinePlan,
  clock: Clock,
  late: () => SocketError,
): Promise<T> {
  if (signal === undefined && timeout === undefined) return work;
  return new Promise((resolve, reject) => {
    let cancelTimer: (() => void) | undefined;
    const offAbort = onAbort(signal, () => {
      cancelTimer?.();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, whatever it is
      reject(signal?.reason);
    });
    if (timeout !== undefined && signal?.aborted !== true) {
      cancelTimer = clock.setTimer(timeout, () => {
        offAbort();
        reject(late());
      });
    }
    const stop = (): void => {
      cancelTimer?.();
      offAbort();
    };
    work.then(resolve, reject).finally(stop);
  });
}

/**
 * Counts `timeout` down from now on, over several waits.
 *
 * @returns tells how much is left, in whole milliseconds, as a timeout must have them; `undefined` if there is no end
 */
export function countDown(timeout: number | undefined, clock: Pick<Clock, 'now'>): () => number | undefined {
  const start = clock.now();
  return () => (timeout === undefined ? undefined : Math.ceil(Math.max(0, timeout - (clock.now() - start))));
}
