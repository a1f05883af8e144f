import type { StreamLimits } from '../base/validate.ts';
import type { KnownEnds } from './connected-socket.ts';

/** What a stream has gone through; bits of one number, because ten thousand idle streams each have one. */
export const IS = {
  started: 1,
  paused: 2,
  owned: 4,
  /** The peer's FIN has been told. */
  readEnded: 8,
  /** `closeWrite` was called. */
  writeEnded: 16,
  /** A write failed: `failure` says why. */
  writeBroken: 32,
  /** A `write` answered false, and `drain` has not followed. */
  draining: 128,
  /** `attend` is coming. */
  attended: 256,
  /** `close` was called. */
  closing: 512,
  /** The native handle is gone. */
  released: 1024,
  /** The sink has heard its `close`. */
  told: 2048,
  unix: 4096,
} as const;

export const UNWRITABLE: number = IS.closing | IS.released | IS.writeEnded | IS.writeBroken;

/** What a stream begins with. */
export interface StreamOrigin extends KnownEnds {
  readonly isUnix: boolean;
  readonly limits: StreamLimits;
  /** What was connected to, where that has a name. */
  readonly host?: string | undefined;
}

/** A read event that came while the stream was paused. */
export type Held = { readonly chunk: Uint8Array } | { readonly errno: number };

/** What a stream was made of. */
export interface Detachment {
  /** The caller's to close. Close-on-exec and non-blocking. */
  readonly fd: number;
  /** Bytes that were read from it and not told. Empty if there are none. */
  readonly head: Uint8Array;
}
