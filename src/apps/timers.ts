/** Timers as browsers have them: numbers for handles, and a callback that throws is reported and stops nothing. */

/** What {@link AppTimers} needs of the app around it. */
export interface TimerHost {
  /** `this` of the callbacks: the app's global object. */
  readonly global: object;
  /** Told what a callback threw. */
  readonly report: (error: unknown) => void;
  /** Told that a timer was given source text, which the policy for apps forbids to run. */
  readonly refuseText: () => void;
}

type Callback = (...args: unknown[]) => unknown;

/** Browsers wrap longer delays to something short; Node takes 1 ms instead. */
const MAX_DELAY = 2 ** 31 - 1;

/** The timers of one app. They keep the process alive, since an app that waits has something left to do. */
export class AppTimers {
  readonly #host: TimerHost;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #lastId = 0;

  constructor(host: TimerHost) {
    this.#host = host;
  }

  /** How many timers are running. */
  get size(): number {
    return this.#timers.size;
  }

  /** The functions for the app's global object, by name. */
  functions(): Readonly<Record<string, Callback>> {
    const clear = (id: unknown): void => {
      this.#clear(Number(id));
    };
    return {
      setTimeout: (callback, delay, ...args) => this.#start(setTimeout, callback, delay, args),
      setInterval: (callback, delay, ...args) => this.#start(setInterval, callback, delay, args),
      clearTimeout: clear,
      clearInterval: clear,
      queueMicrotask: (callback) => {
        if (typeof callback !== 'function')
          throw new TypeError('queueMicrotask: the callback must be a function');
        queueMicrotask(() => {
          this.#call(callback as Callback, []);
        });
      },
    };
  }

  /** Stops all timers. */
  close(): void {
    for (const id of this.#timers.keys()) this.#clear(id);
  }

  #start(
    set: typeof setTimeout | typeof setInterval,
    callback: unknown,
    delay: unknown,
    args: readonly unknown[],
  ): number {
    if (typeof callback !== 'function') {
      this.#host.refuseText();
      return 0;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    const wanted = Math.trunc(Number(delay ?? 0));
    const milliseconds = wanted >= 0 && wanted <= MAX_DELAY ? wanted : 0;
    const tick = (): void => {
      if (set === setTimeout) this.#timers.delete(id);
      this.#call(callback as Callback, args);
    };
    this.#timers.set(id, set(tick, milliseconds));
    return id;
  }

  #call(callback: Callback, args: readonly unknown[]): void {
    try {
      callback.apply(this.#host.global, [...args]);
    } catch (error) {
      this.#host.report(error);
    }
  }

  #clear(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }
}
