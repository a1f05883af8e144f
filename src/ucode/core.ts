/** What a socket of ucode's is made of, and how its calls wait. */
import { SystemError } from '../base/errors.ts';
import type { SocketAddress } from '../posix/address.ts';
import { constants, errorNumbers } from '../posix/constants.ts';
import type { Socket as PosixSocket } from '../posix/socket.ts';
import { Failure, failureOf } from './failure.ts';

const { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, SOCK_STREAM } = constants;

export type Direction = 'read' | 'write';

/** The socket of the system beneath, and what ucode knows of it besides. */
export interface Core {
  readonly socket: PosixSocket;
  /** Whether calls wait: it was made without `SOCK_NONBLOCK`. The descriptor itself never blocks. */
  readonly isBlocking: boolean;
  /** What went wrong after a call had moved some bytes already, and is for the next call to tell. */
  readonly late: Partial<Record<Direction, Failure>>;
}

export function isStream({ socket }: Core): boolean {
  return socket.type === SOCK_STREAM;
}

/** With these the system itself does not wait. */
const NEVER_WAIT = MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB;
const LONGEST_WAIT = 2 ** 31 - 1;

/** The socket's own limit for calls that wait, in milliseconds. @see socket(7), SO_RCVTIMEO */
function limitOf(socket: PosixSocket, direction: Direction): number {
  const name = direction === 'read' ? 'SO_RCVTIMEO' : 'SO_SNDTIMEO';
  const { sec, usec } = socket.getOption('SOL_SOCKET', name);
  const milliseconds = sec * 1000 + usec / 1000;
  return milliseconds === 0 || milliseconds > LONGEST_WAIT ? Infinity : milliseconds;
}

/** How a call is made: at once, or for as long as it takes. */
export interface CallTime {
  readonly timeout?: number;
}

/** The waits of one call of a program's. The limit is for all of them together. */
export class Patience {
  readonly #core: Core;
  readonly #direction: Direction;
  #end: number | undefined;
  /** Whether the call may wait. */
  readonly waits: boolean;

  constructor(core: Core, direction: Direction, flags = 0) {
    this.#core = core;
    this.#direction = direction;
    this.waits = core.isBlocking && (flags & NEVER_WAIT) === 0;
  }

  /**
   * Tries, and if it may wait, until the call succeeds or the time is up.
   *
   * @param call answers `null` if it would block, and throws `ETIMEDOUT` if it was given a time
   * @returns `null` if it would block, or still does
   */
  attempt<T>(call: (time: CallTime) => T | null): T | null {
    const first = call({});
    return first !== null || !this.waits ? first : this.within(call);
  }

  /** The same, and waits without having tried. */
  within<T>(call: (time: CallTime) => T | null): T | null {
    try {
      return call({ timeout: this.left() });
    } catch (error) {
      // A connection may itself have timed out, but not just now.
      const isLate = error instanceof SystemError && error.errno === errorNumbers.ETIMEDOUT;
      if (isLate && this.left() === 0) return null;
      throw error;
    }
  }

  /** Milliseconds that it may still wait, from the first wait on. */
  left(): number {
    this.#end ??= performance.now() + limitOf(this.#core.socket, this.#direction);
    return Math.max(0, this.#end - performance.now());
  }
}

/** What the system says to a call that would block. */
export function wouldBlock(context: string): Failure {
  return new Failure(errorNumbers.EAGAIN, context);
}

/** Throws what the last call of this direction left to be told. */
export function tellLate({ late }: Core, direction: Direction): void {
  const failure = late[direction];
  if (failure === undefined) return;
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- of two names
  delete late[direction];
  throw failure;
}

/**
 * Moves bytes piece by piece until `isDone`, as the system does for a call that blocks: what has been moved counts, even
 * if no more could be; an error after that is told by the next call.
 *
 * @param piece moves one; `null` if there was nothing to be done in time
 * @returns whether anything was moved
 */
export function moveAll<T>(
  core: Core,
  direction: Direction,
  piece: () => T | null,
  isDone: (moved: T) => boolean,
): boolean {
  let hasMoved = false;
  try {
    for (;;) {
      const moved = piece();
      if (moved === null) return hasMoved;
      hasMoved = true;
      if (isDone(moved)) return true;
    }
  } catch (error) {
    const failure = hasMoved ? failureOf(error) : undefined;
    if (failure === undefined) throw error;
    core.late[direction] = failure;
    return true;
  }
}

/**
 * Connects; a socket that waits, until it is known how that came out.
 *
 * @throws {Failure} EINPROGRESS: it is not known; EAGAIN: a Unix socket had no place in the backlog, and nothing goes on
 */
export function connectCore(core: Core, address: SocketAddress): void {
  const { socket, isBlocking } = core;
  const isDone = isBlocking
    ? new Patience(core, 'write').within((time) => socket.connect(address, time))
    : socket.connect(address);
  if (isDone === true) return;
  throw address.family === 'unix'
    ? wouldBlock('connect()')
    : new Failure(errorNumbers.EINPROGRESS, 'connect()');
}
