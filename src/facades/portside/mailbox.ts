/** Things that come by themselves, for those who ask for them: connections for `accept`, datagrams for `receive`. */
import { onAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { ErrorDetails, SocketError } from '../../base/errors.ts';
import { ClosedError, SystemError } from '../../base/errors.ts';
import type { Deadline } from '../../base/provider.ts';
import { validateDeadline } from '../../base/validate.ts';

export interface MailboxOptions<T> {
  readonly clock: Clock;
  /** For the errors that are made here. */
  details(): ErrorDetails;
  /** How much room a thing takes, in the owner's own measure. Default: none. */
  weigh?(item: T): number;
  /** Called when there is more or less to take, or somebody more or fewer waits. */
  changed(): void;
}

interface Taker<T> {
  readonly settle: (item: T | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** First come, first served, on both sides. How much may lie in it is its owner's to regulate. */
export class Mailbox<T extends object> {
  readonly #options: MailboxOptions<T>;
  #items: T[] = [];
  readonly #takers: Taker<T>[] = [];
  #weight = 0;
  /** How it ended: `null` in order. */
  #ending: SocketError | null | undefined;

  constructor(options: MailboxOptions<T>) {
    this.#options = options;
  }

  /** Things that nobody has taken. */
  get size(): number {
    return this.#items.length;
  }

  /** The weight of all of these. */
  get weight(): number {
    return this.#weight;
  }

  /** Those who wait. */
  get waiting(): number {
    return this.#takers.length;
  }

  put(item: T): void {
    const taker = this.#takers[0];
    if (taker === undefined) {
      this.#items.push(item);
      this.#weight += this.#weigh(item);
    } else {
      taker.settle(item);
    }
    this.#options.changed();
  }

  /**
   * The next thing, or `undefined` after an orderly end.
   *
   * @throws the error with which it ended
   * @throws {SystemError} `ETIMEDOUT`
   * @throws the signal's reason, if it aborts first
   */
  next(deadline?: Deadline): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const { signal, timeout } = validateDeadline(deadline);
      if (signal?.aborted === true) throw signal.reason;
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#weight -= this.#weigh(item);
        resolve(item);
        this.#options.changed();
      } else if (this.#ending !== undefined) {
        if (this.#ending !== null) throw this.#ending;
        resolve(undefined);
      } else {
        this.#wait({ settle: resolve, fail: reject }, signal, timeout);
      }
    });
  }

  /** The next thing. @throws {ClosedError} after an orderly end @throws as `next` */
  async take(deadline?: Deadline): Promise<T> {
    const item = await this.next(deadline);
    if (item === undefined) throw new ClosedError(this.#options.details());
    return item;
  }

  /** All things, to the end. What asks several times at once is answered in order. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined, undefined> {
    let isLeft = false;
    const over = { done: true, value: undefined } as const;
    return {
      next: () => {
        if (isLeft) return Promise.resolve(over);
        return this.next().then((value) => (value === undefined ? over : { done: false, value }));
      },
      return: () => {
        isLeft = true;
        return Promise.resolve(over);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Nothing will come any more. What lies here can still be taken. */
  end(error: SocketError | null): void {
    if (this.#ending !== undefined) return;
    this.#ending = error;
    for (let taker = this.#takers[0]; taker !== undefined; taker = this.#takers[0]) {
      if (error === null) taker.settle(undefined);
      else taker.fail(error);
    }
  }

  /** Takes everything out. */
  empty(): readonly T[] {
    const items = this.#items;
    this.#items = [];
    this.#weight = 0;
    return items;
  }

  #weigh(item: T): number {
    return this.#options.weigh?.(item) ?? 0;
  }

  /** Every way out of waiting takes the taker off the list first, so it is left by one of them only. */
  #wait({ settle, fail }: Taker<T>, signal: Deadline['signal'], timeout: number | undefined): void {
    const cleanups: (() => void)[] = [];
    const leave = (): void => {
      this.#takers.splice(this.#takers.indexOf(taker), 1);
      for (const cleanup of cleanups) cleanup();
    };
    const taker: Taker<T> = {
      settle: (item) => {
        leave();
        settle(item);
      },
      fail: (error) => {
        leave();
        fail(error);
      },
    };
    const giveUp = (error: unknown): void => {
      taker.fail(error);
      this.#options.changed();
    };
    this.#takers.push(taker);
    cleanups.push(
      onAbort(signal, () => {
        giveUp(signal?.reason);
      }),
    );
    if (timeout !== undefined) {
      cleanups.push(
        this.#options.clock.setTimer(timeout, () => {
          giveUp(new SystemError('ETIMEDOUT', this.#options.details()));
        }),
      );
    }
    this.#options.changed();
  }
}
