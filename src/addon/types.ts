/** The shape of the native module. Every call validates its arguments before any system call. */

/** Kinds of events in `Reactor.events`; the words after the kind and the slot are named here. */
export const EVENT = {
  /** a: offset in the slab, b: length. */
  DATA_VIEW: 1,
  /** a: index among the batch's buffers, b: length. */
  DATA_OWNED: 2,
  /** The peer's FIN. */
  END: 3,
  /** Reading or writing failed; nothing more will come. a: errno. */
  ERROR: 4,
  /** All that was written is with the kernel. */
  FLUSHED: 5,
  /** A connect ended. a: errno, 0 for success. */
  CONNECTED: 6,
  /** A connection was accepted. a: its slot, b: its generation. */
  ACCEPTED: 7,
  /** Accepting failed and has stopped. a: errno. */
  ACCEPT_FAILED: 8,
  /** An orderly close is complete, and the handle gone. a: errno, 0 if all was sent. */
  CLOSED: 9,
} as const;
