import type { ChromeEvent } from './chrome-types.ts';

type Listener<Info> = (info: Info) => void;

/** An event that the app listens to, and the means to raise it, which the app does not get. */
export class EventSource<Info> {
  /** What the app sees. */
  readonly event: ChromeEvent<Info>;
  readonly #report: (error: unknown) => void;
  /** Replaced at every change, so that listeners may come and go while an event is told. */
  #listeners: readonly Listener<Info>[] = [];

  /** @param name as in messages: `sockets.tcp.onReceive` */
  constructor(name: string, report: (error: unknown) => void) {
    this.#report = report;
    this.event = {
      addListener: (callback) => {
        if (typeof (callback as unknown) !== 'function') {
          throw new TypeError(
            `Error in invocation of ${name}.addListener(function callback): No matching signature.`,
          );
        }
        if (!this.#listeners.includes(callback)) this.#listeners = [...this.#listeners, callback];
      },
      removeListener: (callback) => {
        this.#listeners = this.#listeners.filter((listener) => listener !== callback);
      },
      hasListener: (callback) => this.#listeners.includes(callback),
      hasListeners: () => this.#listeners.length > 0,
    };
  }

  /** Calls every listener, in the order in which they were added. One that throws is reported, and the others are called. */
  emit(info: Info): void {
    const listeners = this.#listeners;
    for (const listener of listeners) {
      try {
        listener(info);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  /** Forgets all listeners. */
  clear(): void {
    this.#listeners = [];
  }
}
