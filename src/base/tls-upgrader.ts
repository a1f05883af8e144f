/** The seam between providers and whatever speaks TLS for them: this folder has no TLS, and providers need not have. */
import type { Clock } from './clock.ts';
import type { DeadlinePlan } from './deadline-rules.ts';
import type { SocketSnapshot, Stream } from './provider.ts';
import type { StreamLimits } from './validate.ts';
import type { TlsPlan } from './validate-tls.ts';

/** Certificates and keys that have been read and found good, ready for any number of handshakes. */
export interface TlsContext {
  readonly plan: TlsPlan;
}

/** A stream that speaks TLS over another, and stands for it in its provider. */
export interface TlsStream extends Stream {
  snapshot(): SocketSnapshot;
  /** Fulfils when it has told its last. */
  readonly settled: Promise<void>;
}

/** One handshake. */
export interface TlsAttempt extends DeadlinePlan {
  /** Carries the records. It belongs to the handshake from now on: not started, or paused, with nothing unsent. */
  readonly raw: Stream;
  readonly context: TlsContext;
  /** Bytes that were read already and come before all that `raw` will deliver. */
  readonly head: Uint8Array | undefined;
  readonly limits: StreamLimits;
  readonly clock: Clock;
}

/** Speaks TLS over any stream. */
export interface TlsUpgrader {
  /** Reads certificates and keys. @throws {RangeError} one is none, or does not belong to the other */
  prepare(plan: TlsPlan): TlsContext;
  /**
   * Shakes hands. If it fails, `raw` is closed.
   *
   * @param established is told of the stream before anything can happen to it, and before the promise fulfils
   * @throws {TlsError} the handshake failed
   * @throws {ClosedError} `raw` was closed meanwhile
   * @throws {SystemError} `ETIMEDOUT`
   * @throws the signal's reason, if it aborts first
   */
  handshake(attempt: TlsAttempt, established: (stream: TlsStream) => void): Promise<TlsStream>;
}
