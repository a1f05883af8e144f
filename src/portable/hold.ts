/**
 * Keeps the process alive while it is held by anybody. A socket of `node:net` does that only while it reads or writes:
 * one that is paused, or not started yet, would let the process end with the connection open.
 */
export class Hold {
  readonly #holders = new Set<object>();
  #timer: NodeJS.Timeout | undefined;

  take(holder: object): void {
    this.#holders.add(holder);
    // Node's timers are the one public thing that keeps its loop alive and costs nothing while it does.
    this.#timer ??= setInterval(() => undefined, 2 ** 31 - 1);
  }

  release(holder: object): void {
    this.#holders.delete(holder);
    if (this.#holders.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
