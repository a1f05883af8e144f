import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { DeadlinePlan } from '../base/validate.ts';

/** An orderly close that is under way: its promise, and what may cut it short. */
export class Closing {
  readonly promise: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  #disarm: (() => void) | undefined;

  constructor() {
    this.promise = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who does not wait for a close is not to be punished for its failure: the writes and the sink are told as well.
    this.promise.catch(() => undefined);
  }

  /** `null` for success. Only the first call counts. */
  settle(error: unknown): void {
    this.#disarm?.();
    this.#disarm = undefined;
    if (error === null) this.#resolve();
    else this.#reject(error);
  }

  /** Calls `expire` with the reason when the signal aborts or the time is over, unless it is settled by then. */
  arm(plan: DeadlinePlan, clock: Clock, expire: (reason: unknown) => void, details: ErrorDetails): void {
    const { signal, timeout } = plan;
    if (signal?.aborted === true) {
      expire(signal.reason);
      return;
    }
    const offSignal = onAbort(signal, () => {
      expire(signal?.reason);
    });
    const cancelTimer =
      timeout === undefined
        ? undefined
        : clock.setTimer(timeout, () => {
            const reason = `not all was sent within ${String(timeout)} ms`;
            expire(new SystemError('ETIMEDOUT', { ...details, reason }));
          });
    this.#disarm = (): void => {
      offSignal();
      cancelTimer?.();
    };
  }
}
