/** What carries the records of a protected connection: a socket of Node's where there can be one, or else a duplex. */
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Stream } from '../base/provider.ts';

/** Milliseconds that the last records may take: an alert tells the peer why, but nobody waits for a peer that is stuck. */
export const FAREWELL = 1000;

export interface TlsCarrier {
  /** Below it; for its number, addresses, options and `ref`. */
  readonly raw: Stream;
  /** What Node's TLS is put on. */
  readonly duplex: Duplex;
  /** Whether `raw` was aborted by somebody else. */
  readonly isRecalled: boolean;
  /** Whether the connection has ended, and the peer has not said so in TLS. Good as soon as `socket` has an end in its queue. */
  readonly isTruncated: boolean;
  /** Must be told at once of what speaks TLS over it. @param onEnd hears of the end, whichever it is */
  attach(socket: TLSSocket, onEnd: () => void): void;
  /** Tells what an end that `isTruncated` was really, if it was none: libuv tells a reset behind bytes as an end. */
  explainEnd(done: (error: Error | null) => void): void;
  /** Ends the connection when what was said last, an alert perhaps, is with the kernel. */
  finish(): void;
  /** Ends the connection now. */
  abort(): void;
}
