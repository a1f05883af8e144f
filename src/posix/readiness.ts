/**
 * Waiting on the poller without blocking the thread. The poller tells of changes (it is edge-triggered), so whoever waits
 * has tried first and met "would block": what changes after that is told, and nobody spins over what stays as it was.
 */
import type { NativeSockets } from '../addon/native-sockets.ts';
import { READINESS } from '../addon/native-sockets.ts';
import { systemError } from '../addon/system-errors.ts';
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import type { SocketError } from '../base/errors.ts';

export type Direction = 'read' | 'write';

/** Which kinds of readiness wake a waiter. An error or a hangup wakes both: the next attempt says what it is. */
const WAKES: Readonly<Record<Direction, number>> = {
  read: READINESS.readable | READINESS.hangup | READINESS.failed | READINESS.urgent,
  write: READINESS.writable | READINESS.hangup | READINESS.failed,
};
const INTEREST: Readonly<Record<Direction, number>> = {
  read: READINESS.readable,
  write: READINESS.writable,
};

/** Slots are the low 20 bits of an id. */
const SLOTS = 2 ** 20;

interface Waiter {
  readonly wakes: number;
  wake(): void;
  fail(error: SocketError): void;
}

export class Readiness {
  readonly #native: NativeSockets;
  readonly #words: Int32Array;
  readonly #waiters = new Map<number, Set<Waiter>>();
  #count = 0;

  constructor(native: NativeSockets, words: Int32Array) {
    this.#native = native;
    this.#words = words;
  }

  /**
   * Waits for the next change after an attempt that would have blocked. It may come for nothing: try again, and wait
   * again. The open wait keeps the process alive.
   *
   * @throws the signal's reason; the error that `fail` was given for this id
   */
  next(id: number, direction: Direction, signal: AbortSignalLike | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const result = this.#native.watch(id, INTEREST[direction]);
      if (result < 0) {
        reject(systemError(result, 'epoll_ctl', { op: direction }));
        return;
      }
      const slot = id % SLOTS;
      const settle = (): void => {
        offAbort();
        this.#remove(slot, waiter);
      };
      const waiter: Waiter = {
        wakes: WAKES[direction],
        wake: () => {
          settle();
          resolve();
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      this.#add(slot, waiter);
      const offAbort = onAbort(signal, () => {
        this.#remove(slot, waiter);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason
        reject(signal?.reason);
      });
    });
  }

  /** Ends every wait for `id`: to be called when it is closed. */
  fail(id: number, error: () => SocketError): void {
    const waiters = this.#waiters.get(id % SLOTS);
    if (waiters !== undefined) for (const waiter of [...waiters]) waiter.fail(error());
  }

  /** The native side has told of `count` slots. */
  onReady(count: number): void {
    // Copied before anybody is woken: whoever runs next may use the same memory.
    const told = this.#words.slice(0, 2 * count);
    for (let i = 0; i < told.length; i += 2) this.#tell(told[i] ?? 0, told[i + 1] ?? 0);
  }

  #tell(slot: number, readiness: number): void {
    const waiters = this.#waiters.get(slot);
    if (waiters === undefined) {
      // Nobody waits any more: the next wait will watch anew, and until then the socket wakes nobody for nothing.
      const id = this.#native.idAt(slot);
      if (id >= 0) this.#native.unwatch(id);
      return;
    }
    for (const waiter of [...waiters]) if ((waiter.wakes & readiness) !== 0) waiter.wake();
  }

  #add(slot: number, waiter: Waiter): void {
    let waiters = this.#waiters.get(slot);
    if (waiters === undefined) this.#waiters.set(slot, (waiters = new Set()));
    waiters.add(waiter);
    if (++this.#count === 1) this.#native.reference(true);
  }

  #remove(slot: number, waiter: Waiter): void {
    const waiters = this.#waiters.get(slot);
    if (waiters?.delete(waiter) !== true) return;
    if (waiters.size === 0) this.#waiters.delete(slot);
    if (--this.#count === 0) this.#native.reference(false);
  }
}
