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

/** The socket that sends. */
export interface SendOwner {
  /** A send has found the peer gone. */
  sendBroke(): void;
}

/**
 * The callbacks of the sends of one connection, in order. Dones come in order too, so that one function serves them all;
 * the one send that usually waits is kept in fields, so that a send makes nothing.
 */
export class SendQueue {
  /** Given to the provider with every write. */
  readonly done: WriteDone;
  readonly #app: AppState;
  #callback: Callback | undefined;
  #bytes = 0;
  /** Those behind it, from `#head` on. */
  #more: PendingSend[] | null = null;
  #head = 0;
  /** `null` once the socket has left this connection. */
  #owner: SendOwner | null;

  constructor(app: AppState, owner: SendOwner) {
    this.#app = app;
    this.#owner = owner;
    this.done = (error) => {
      this.#settle(error);
    };
  }

  /** Remembers a write that was just taken. */
  push(callback: Callback, bytes: number): void {
    this.#app.pendingBytes += bytes;
    if (this.#callback !== undefined) {
      (this.#more ??= []).push({ callback, bytes });
      return;
    }
    this.#callback = callback;
    this.#bytes = bytes;
  }

  /** The socket has left this connection. Answers still come, but break nothing any more. */
  detach(): void {
    this.#owner = null;
  }

  #settle(error: SocketError | null): void {
    const callback = this.#callback;
    const bytes = this.#bytes;
    if (callback === undefined) return;
    const next = this.#more === null ? undefined : this.#shift(this.#more);
    this.#callback = next?.callback;
    this.#bytes = next?.bytes ?? 0;
    this.#app.pendingBytes -= bytes;
    if (error === null) this.#app.answers.sent(callback, bytes);
    else this.#fail(callback, error);
  }

  /** `Array.shift` of an array this long would move all of it each time. */
  #shift(more: PendingSend[]): PendingSend | undefined {
    const first = more[this.#head++];
    if (this.#head >= more.length) this.#more = null;
    else if (this.#head >= SHIFT_BATCH) more.splice(0, this.#head);
    else return first;
    this.#head = 0;
    return first;
  }

  #fail(callback: Callback, error: SocketError): void {
    this.#owner?.sendBroke();
    // Closed is our own doing: what was given up then is as if it had been sent when not connected any more.
    const resultCode = error.code === 'ERR_SOCKET_CLOSED' ? NET.SOCKET_NOT_CONNECTED : NET.FAILED;
    this.#app.answers.now(callback, netErrorText(resultCode), { resultCode });
  }
}
