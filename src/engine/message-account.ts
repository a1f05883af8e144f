/** The account of the messages that a socket has taken to be sent, and who waits for them. */
import type { SocketError } from '../base/errors.ts';
import type { WriteDone } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import { answer } from './outgoing.ts';
import { WriteQueue } from './write-queue.ts';

interface Failed {
  /** The message's number, counted from 1. */
  readonly number: number;
  readonly error: SocketError;
}

export class MessageAccount {
  /** Messages taken so far, and their bytes. */
  taken = 0;
  takenBytes = 0;
  /** Of them, what the kernel had not taken when last heard of. */
  unsent = 0;
  unsentBytes = 0;
  /** What that counts as. */
  amount = 0;
  /** Of them, what will never be sent. */
  #failed = 0;
  #failedBytes = 0;
  /** The kernel would not take all, and the native side will say when that changes. */
  #isBlocked = false;
  /** The turn of the last send. */
  #turn = 0;
  readonly #failures: Failed[] = [];
  /** Messages that were refused before they were numbered. */
  readonly #refused: { readonly done: WriteDone | undefined; readonly error: SocketError }[] = [];
  #queue: WriteQueue | undefined;

  get sent(): number {
    return this.taken - this.unsent - this.#failed;
  }

  get sentBytes(): number {
    return this.takenBytes - this.unsentBytes - this.#failedBytes;
  }

  get hasWaiters(): boolean {
    return this.#queue !== undefined || this.#failures.length > 0 || this.#refused.length > 0;
  }

  /** A message has been taken. @param amount what all that is unsent now counts as */
  take(length: number, amount: number, turn: number): void {
    this.taken++;
    this.takenBytes += length;
    this.amount = amount;
    this.unsent = amount === 0 ? 0 : this.unsent + 1;
    this.unsentBytes = amount === 0 ? 0 : this.unsentBytes + length;
    this.#turn = turn;
  }

  /** Who wants to hear of the last message that was taken. */
  wait(done: WriteDone): void {
    this.#queue ??= new WriteQueue();
    this.#queue.push(this.taken, done);
  }

  refuse(done: WriteDone | undefined, error: SocketError): void {
    this.#refused.push({ done, error });
  }

  /** The native side has told how much waits. */
  hear(messages: number, bytes: number): void {
    this.unsent = messages;
    this.unsentBytes = bytes;
    this.amount = bytes + messages * MESSAGE_OVERHEAD;
    this.#isBlocked = messages > 0;
  }

  /** One message will never be sent. @param index its number as the native side counts, from 0 and in 32 bits */
  fail(index: number, length: number, error: SocketError): void {
    const number = this.taken - ((this.taken - 1 - index) >>> 0);
    this.#failed++;
    this.#failedBytes += length;
    this.#failures.push({ number, error });
  }

  /** Whether something was sent in this very turn, so that no flush has told of it yet. */
  isFresh(turn: number): boolean {
    return this.unsent > 0 && !this.#isBlocked && this.#turn >= turn;
  }

  /** A turn has passed: what was not told to be blocked has been sent. */
  settleTurn(turn: number): void {
    if (this.#isBlocked || this.#turn >= turn) return;
    this.#clear();
  }

  /**
   * Answers those whose messages are with the kernel, or have failed.
   *
   * @param untold is told of failures for which nobody waits
   */
  answer(untold: (error: SocketError) => void): void {
    for (const { number, error } of this.#failures.splice(0)) {
      this.#answerUntil(number - 1);
      const done = this.#queue?.next(number);
      if (done === undefined) untold(error);
      else answer(done, error);
    }
    for (const { done, error } of this.#refused.splice(0)) {
      if (done === undefined) untold(error);
      else answer(done, error);
    }
    this.#answerUntil(this.taken - this.unsent);
  }

  /** Nothing is unsent. */
  #clear(): void {
    this.unsent = 0;
    this.unsentBytes = 0;
    this.amount = 0;
  }

  #answerUntil(number: number): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    for (let done = queue.next(number); done !== undefined; done = queue.next(number)) answer(done, null);
  }

  /** What was not sent never will be. @param reason is made only if somebody waits */
  drop(reason: () => SocketError): void {
    this.#failed += this.unsent;
    this.#failedBytes += this.unsentBytes;
    this.#clear();
    this.#isBlocked = false;
    const queue = this.#queue;
    if (queue === undefined) return;
    let error: SocketError | undefined;
    for (let done = queue.next(Infinity); done !== undefined; done = queue.next(Infinity)) {
      error ??= reason();
      answer(done, error);
    }
  }
}
