/**
 * How TLS comes to sit on a socket of `node:net`, where a stream has a descriptor below it: libuv and OpenSSL then meet in
 * Node's C++, and no JavaScript runs for each record.
 */
import type { Socket } from 'node:net';
import type { Stream } from '../base/provider.ts';

/** A socket of Node's that has taken over a stream's connection. When it closes, the stream has ended too. */
export interface Loan {
  /** What was read of the connection and not delivered is in its queue. Nobody reads from it yet. */
  readonly socket: Socket;
  /** Whether the stream was aborted: its provider has closed, for example. */
  isRecalled(): boolean;
  /** Ends the connection now, as the stream's own `abort` does. @param upper what speaks over `socket`, if anything does */
  abort(upper: Socket | undefined): void;
}

/** A stream that can leave its connection to Node. */
export interface Lender extends Stream {
  /**
   * Has its connection carried by a socket of Node's. The stream stays, for its number, its options, `ref` and `abort`, and
   * neither reads nor writes any more.
   *
   * @returns `undefined` where that cannot be; nothing has happened then
   */
  lend(): Loan | undefined;
}

export function borrow(stream: Stream | Lender): Loan | undefined {
  return 'lend' in stream ? stream.lend() : undefined;
}
