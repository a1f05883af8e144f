import type { SocketError } from '../../base/errors.ts';
import type { WriteDone } from '../../base/provider.ts';
import type { Callback } from './answers.ts';
import type { AppState } from './app-state.ts';
import { NET, netErrorText } from './net-errors.ts';

/** Answered sends that are taken off the list together. */
const SHIFT_BATCH = 4096;

interface PendingSend {
  readonly callback: Callback;
  readonly bytes: number;
}

/**
 * The callbacks of the sends of one connection, in order. Dones come in order too, so that one function serves them all;
 * the one send that usually waits is kept in fields, so that a send makes nothing.
 */
export class SendQueue {
  /** Given to the provider with every write. */
  readonly done: WriteDone;
  readonly #state: AppState;
  readonly #onBroken: () => void;
  #callback: Callback | undefined;
  #bytes = 0;
  /** Those behind it, from `#head` on. */
  readonly #more: PendingSend[] = [];
  #head = 0;
  #isDetached = false;

  /** @param onBroken called when the peer's side turns out to be gone */
  constructor(state: AppState, onBroken: () => void) {
    this.#state = state;
    this.#onBroken = onBroken;
    this.done = (error) => {
      this.#settle(error);
    };
  }

  /** Remembers a write that was just taken. */
  push(callback: Callback, bytes: number): void {
    this.#state.pendingBytes += bytes;
    if (this.#callback !== undefined) {
      this.#more.push({ callback, bytes });
      return;
    }
    this.#callback = callback;
    this.#bytes = bytes;
  }

  /** The socket has left this connection. Answers still come, but break nothing any more. */
  detach(): void {
    this.#isDetached = true;
  }

  #settle(error: SocketError | null): void {
    const callback = this.#callback;
    const bytes = this.#bytes;
    if (callback === undefined) return;
    const next = this.#head < this.#more.length ? this.#shift() : undefined;
    this.#callback = next?.callback;
    this.#bytes = next?.bytes ?? 0;
    this.#state.pendingBytes -= bytes;
    if (error === null) this.#state.answers.sent(callback, bytes);
    else this.#fail(callback, error);
  }

  /** `Array.shift` of an array this long would move all of it each time. */
  #shift(): PendingSend | undefined {
    const first = this.#more[this.#head++];
    if (this.#head === this.#more.length || this.#head >= SHIFT_BATCH) {
      this.#more.splice(0, this.#head);
      this.#head = 0;
    }
    return first;
  }

  #fail(callback: Callback, error: SocketError): void {
    if (!this.#isDetached) this.#onBroken();
    // Closed is our own doing: what was given up then is as if it had been sent when not connected any more.
    const resultCode = error.code === 'ERR_SOCKET_CLOSED' ? NET.SOCKET_NOT_CONNECTED : NET.FAILED;
    this.#state.answers.now(callback, netErrorText(resultCode), { resultCode });
  }
}
