/** The module's `connect` and `listen`: names and addresses to sockets that are ready for use. */
import { SystemError } from '../base/errors.ts';
import type { SocketAddress } from '../posix/address.ts';
import { constants, errorNumbers } from '../posix/constants.ts';
import { poll } from '../posix/poll.ts';
import { Socket as PosixSocket } from '../posix/socket.ts';
import type { Address } from './addresses.ts';
import * as args from './arguments.ts';
import type { Candidate } from './candidates.ts';
import { findBest, findCandidates } from './candidates.ts';
import { moduleErrors } from './error-slot.ts';
import { Failure, failureOf, judged } from './failure.ts';
import type { HintNumbers, Hints } from './resolve.ts';
import { NO_HINTS, readHints } from './resolve.ts';
import { backlogOf, Socket } from './socket.ts';

const { AF_UNIX, AI_ADDRCONFIG, POLLOUT, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_SEQPACKET } =
  constants;
const { SOCK_STREAM } = constants;

/** Hints, and whether the socket shall wait. */
interface Wish {
  readonly hints: HintNumbers;
  readonly isBlocking: boolean;
}

/** @param preset flags where no hints are given at all */
function readWish(given: unknown, preset: number): Wish {
  if (args.isAbsent(given)) return { hints: { ...NO_HINTS, flags: preset }, isBlocking: true };
  const hints = readHints(args.dictionary(given, 'hints'));
  const socktype = hints.socktype & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  return { hints: { ...hints, socktype }, isBlocking: (hints.socktype & SOCK_NONBLOCK) === 0 };
}

function isErrno(error: unknown, errno: number): boolean {
  return error instanceof SystemError && error.errno === errno;
}

// --- connect ------------------------------------------------------------------------------------

/** Types of Unix sockets, in the order in which they are tried where none is asked for. */
const UNIX_TYPES: readonly number[] = [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET];

/** Connects to a path with a socket of the type that listens there. */
function connectUnix({ family, type, protocol, address }: Candidate, timeout: number): PosixSocket {
  const types = type === 0 ? [...UNIX_TYPES] : [type];
  for (;;) {
    const socket = PosixSocket.socket(family, types.shift() ?? type, protocol);
    try {
      socket.connect(address, { timeout });
      return socket;
    } catch (error) {
      socket.close();
      if (types.length === 0 || !isErrno(error, errorNumbers.EPROTOTYPE)) throw error;
    }
  }
}

/** Attempts to connect, all at the same time. The first that succeeds is the winner. */
class Race {
  readonly #pending = new Map<PosixSocket, SocketAddress>();
  /** The one that came last: an attempt that others may have had to wait for got further than those. */
  #failure: Failure | undefined;

  isOver(): boolean {
    return this.#pending.size === 0;
  }

  get failure(): Failure {
    return this.#failure ?? new Failure(errorNumbers.ETIMEDOUT, 'connect()');
  }

  /** @returns the socket, if it is connected at once */
  begin({ family, type, protocol, address }: Candidate): PosixSocket | null {
    let socket: PosixSocket | undefined;
    try {
      socket = PosixSocket.socket(family, type === 0 ? SOCK_STREAM : type, protocol);
      if (socket.connect(address)) return socket;
      this.#pending.set(socket, address);
    } catch (error) {
      socket?.close();
      this.#fail(error);
    }
    return null;
  }

  /** Waits until any attempt has come out. @returns a socket that is connected; `null` if none is, or time is up */
  wait(timeout: number): PosixSocket | null {
    const sockets = [...this.#pending.keys()];
    const revents = poll(
      sockets.map((on) => ({ on, events: POLLOUT })),
      timeout,
    );
    for (const socket of sockets.filter((_, i) => revents[i] !== 0)) {
      const address = this.#pending.get(socket);
      this.#pending.delete(socket);
      try {
        // Asked by connect itself, and not by SO_ERROR: the system is to know that it has told.
        if (address !== undefined) socket.connect(address, { timeout: Infinity });
        return socket;
      } catch (error) {
        socket.close();
        this.#fail(error);
      }
    }
    return null;
  }

  /** Gives up what is under way. */
  end(): void {
    for (const socket of this.#pending.keys()) socket.close();
  }

  #fail(error: unknown): void {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    this.#failure = failure;
  }
}

function connectFirst(candidates: readonly Candidate[], timeout: number): PosixSocket {
  const end = performance.now() + timeout;
  const race = new Race();
  try {
    for (const candidate of candidates) {
      const socket = race.begin(candidate);
      if (socket !== null) return socket;
    }
    while (!race.isOver()) {
      const left = Math.max(0, end - performance.now());
      const socket = race.wait(left);
      if (socket !== null) return socket;
      if (left === 0 && !race.isOver()) throw new Failure(errorNumbers.ETIMEDOUT, 'connect()');
    }
    throw race.failure;
  } finally {
    race.end();
  }
}

/**
 * Connects to a host, and blocks the thread meanwhile. All of its addresses are tried at the same time, and the first
 * that answers is taken.
 *
 * @param host a name, or an address in any form; a name or an IPv4 address may have a port behind it
 * @param service a port, or the name of a service; of an address that has a port already it is used instead
 * @param hints what to look for: a stream unless `socktype` says otherwise. Of a Unix socket it is, unless that says
 *   otherwise, the type that listens there
 * @param timeout milliseconds; as long as it takes, unless it is given or if it is negative. Looking up a name takes
 *   its own time
 * @returns `null` on failure; the error is that of the attempt that failed last
 * @see getaddrinfo(3), connect(2)
 * @example
 * const socket = connect('localhost', 8080);
 * if (socket === null) throw new Error(error() ?? 'unknown');
 */
export function connect(
  host: Address,
  service?: string | number | Uint8Array | null,
  hints?: Hints | null,
  timeout?: number | null,
): Socket | null {
  return moduleErrors.run(() => {
    args.present(host, 'host');
    const wish = readWish(hints, 0);
    const milliseconds = args.optional(args.integer, timeout, 'timeout', -1);
    const limit = milliseconds < 0 ? Infinity : milliseconds;
    const candidates = findCandidates({ host, service, hints: wish.hints });
    const [first] = candidates;
    const socket = judged(() =>
      first?.family === AF_UNIX ? connectUnix(first, limit) : connectFirst(candidates, limit),
    );
    return new Socket(socket, wish.isBlocking);
  });
}

// --- listen -------------------------------------------------------------------------------------

/** Makes the socket listen, if it is of a kind that does: others are only bound. */
function beginListening(socket: PosixSocket, backlog: number): void {
  try {
    socket.listen(backlog);
  } catch (error) {
    if (!isErrno(error, errorNumbers.EOPNOTSUPP)) throw error;
  }
}

function listenAt(
  { family, type, protocol, address }: Candidate,
  backlog: number,
  reuses: boolean,
): PosixSocket {
  const isIp = address.family === 'ipv4' || address.family === 'ipv6';
  const socket = PosixSocket.socket(family, type === 0 ? (isIp ? SOCK_STREAM : SOCK_DGRAM) : type, protocol);
  try {
    if (reuses) socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', true);
    socket.bind(address);
    beginListening(socket, backlog);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Makes a socket that is bound to an address and, if it is of a kind that takes connections, listens. Of several
 * addresses of a host it is the one that most others can reach.
 *
 * @param host a name, or an address in any form; left out: all addresses of this machine
 * @param service a port, or the name of a service; left out: a port of the system's choice
 * @param hints what to look for: without `socktype` a stream at an IP address, datagrams at any other
 * @param backlog how many connections may wait to be accepted, 128 unless it is given
 * @param reuseaddr `true`: also while earlier connections of this address fade away (`SO_REUSEADDR`)
 * @returns `null` on failure
 * @see getaddrinfo(3), bind(2), listen(2)
 * @example
 * const server = listen('127.0.0.1', 0);
 * const port = server?.sockname()?.port;
 */
export function listen(
  host?: Address | null,
  service?: string | number | Uint8Array | null,
  hints?: Hints | null,
  backlog?: number | null,
  reuseaddr?: boolean | null,
): Socket | null {
  return moduleErrors.run(() => {
    const wish = readWish(hints, AI_ADDRCONFIG);
    const waiting = backlogOf(backlog);
    const reuses = args.optional(args.boolean, reuseaddr, 'reuseaddr', false);
    const candidate = findBest({ host, service, hints: wish.hints });
    return new Socket(
      judged(() => listenAt(candidate, waiting, reuses)),
      wish.isBlocking,
    );
  });
}
