import type { Clock } from '../base/clock.ts';

/** The time of this machine. Its timers keep the process alive, as the calls that wait on them should. */
export const realClock: Clock = {
  now: () => performance.now(),
  setTimer: (delay, callback) => {
    const timer = setTimeout(callback, delay);
    return () => {
      clearTimeout(timer);
    };
  },
};
