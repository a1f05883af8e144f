import type { Clock } from '../base/clock.ts';

/** The system's time. What it is asked to call later does not keep a process alive. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimer: (delay, callback) => {
    const timer = setTimeout(callback, delay);
    if (typeof timer === 'object') timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
