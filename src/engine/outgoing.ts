/** The account of what a stream has taken to be sent, and who waits for it. */
import { isBytes, lengthOfBytes } from '../base/bytes.ts';
import type { SocketError } from '../base/errors.ts';
import type { WriteDone } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import type { Reactor } from './reactor.ts';
import { reportUncaught } from './reactor.ts';
import { WriteQueue } from './write-queue.ts';

/** One answer that throws must not keep the others from theirs. */
export function answer(done: WriteDone, error: SocketError | null): void {
  try {
    done(error);
  } catch (thrown) {
    reportUncaught(thrown);
  }
}

/** @returns the bytes that are unsent now; negative if the connection has failed and its end is still to be told */
export function submit({ native }: Reactor, handle: number, bytes: Uint8Array): number {
  try {
    return native.write(handle, bytes);
  } catch (error) {
    // The native side takes no shared memory, which another thread may change while it is read: a copy goes.
    if (!(error instanceof TypeError) || !isBytes(bytes) || lengthOfBytes(bytes) === 0) throw error;
    return native.write(handle, new Uint8Array(bytes));
  }
}

export class Outgoing {
  /** Bytes taken so far. */
  taken = 0;
  /** Of them, bytes that the kernel had not taken when last heard of. */
  unsent = 0;
  /** The kernel would not take all, and the native side will say when that changes. */
  isBlocked = false;
  /** Bytes that the native side would not take any more, after a failure that is still to be told. */
  #refused = 0;
  /** The turn of the last write. */
  #turn = 0;
  #queue: WriteQueue | undefined;

  /** Whether somebody has ever waited for an answer. */
  get hasWaiters(): boolean {
    return this.#queue !== undefined;
  }

  /** What is unsent, and who waits, as `writeLimit` counts it. */
  get weight(): number {
    return this.#queue === undefined ? this.unsent : this.unsent + this.#queue.length * MESSAGE_OVERHEAD;
  }

  /** A write has been taken. @param unsent all that is unsent now */
  take(length: number, unsent: number, turn: number): void {
    this.taken += length;
    this.unsent = unsent;
    this.#turn = turn;
  }

  /** A write has been taken here, and refused by the native side: the connection has failed in this very turn. */
  refuse(length: number): void {
    this.taken += length;
    this.unsent += length;
    this.#refused += length;
  }

  /** Who wants to hear of all that was taken until now. */
  wait(done: WriteDone): void {
    this.#queue ??= new WriteQueue();
    this.#queue.push(this.taken, done);
  }

  /** The native side has told how much is unsent. */
  hear(unsent: number): void {
    this.unsent = unsent;
    this.isBlocked = unsent > 0;
  }

  /** Nothing more will be sent. @param lost bytes that the native side has dropped */
  break(lost: number): void {
    this.unsent = lost + this.#refused;
    this.isBlocked = false;
  }

  /** Whether what is unsent must be asked for: it was written in this very turn, so that no flush has told yet. */
  isFresh(turn: number): boolean {
    return this.unsent > 0 && !this.isBlocked && this.#turn >= turn;
  }

  /** A turn has passed: what was not told to be blocked has been sent. */
  settleTurn(turn: number): void {
    if (!this.isBlocked && this.#turn < turn) this.unsent = 0;
  }

  /** What was not sent will never be, and does not count as written. */
  drop(): void {
    this.taken -= this.unsent;
    this.unsent = 0;
    this.isBlocked = false;
  }

  /** Answers those whose bytes are with the kernel. */
  answerSent(): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    const written = this.taken - this.unsent;
    for (let done = queue.next(written); done !== undefined; done = queue.next(written)) answer(done, null);
  }

  /** Answers all who are left. @param reason is made only if somebody is */
  fail(reason: () => SocketError): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    let error: SocketError | undefined;
    for (let done = queue.next(Infinity); done !== undefined; done = queue.next(Infinity)) {
      error ??= reason();
      answer(done, error);
    }
  }
}
