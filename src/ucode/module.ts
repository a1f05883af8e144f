/** The module's functions that make sockets without an address, and those that tell of errors. */
import { constants, errorNumbers } from '../posix/constants.ts';
import { Socket as PosixSocket } from '../posix/socket.ts';
import * as args from './arguments.ts';
import { ErrorSlot, moduleErrors, textOf } from './error-slot.ts';
import { Failure, invalid, judged } from './failure.ts';
import { Socket } from './socket.ts';

const { AF_INET, AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } = constants;

/**
 * Makes a socket.
 *
 * @param domain an `AF_` number, `AF_INET` unless it is given
 * @param type a `SOCK_` number, `SOCK_STREAM` unless it is given; with `SOCK_NONBLOCK` the socket never waits
 * @param protocol a number such as `IPPROTO_ICMP`; of a packet socket an `ETH_P_` number in network order
 * @returns `null` on failure
 * @see socket(2)
 */
export function create(
  domain?: number | null,
  type?: number | null,
  protocol?: number | null,
): Socket | null {
  return moduleErrors.run(() => {
    const family = args.optional(args.integer, domain, 'domain', AF_INET);
    const kind = args.optional(args.integer, type, 'type', SOCK_STREAM);
    const number = args.optional(args.integer, protocol, 'protocol', 0);
    return new Socket(
      judged(() => PosixSocket.socket(family, kind, number)),
      (kind & SOCK_NONBLOCK) === 0,
    );
  });
}

/**
 * Makes two Unix sockets that are connected with each other.
 *
 * @param type `SOCK_STREAM` unless it is given; with `SOCK_NONBLOCK` neither socket ever waits
 * @returns `null` on failure
 * @see socketpair(2)
 */
export function pair(type?: number | null): [Socket, Socket] | null {
  return moduleErrors.run(() => {
    const kind = args.optional(args.integer, type, 'type', SOCK_STREAM);
    const isBlocking = (kind & SOCK_NONBLOCK) === 0;
    const [first, second] = judged(() => PosixSocket.pair(AF_UNIX, kind));
    return [new Socket(first, isBlocking), new Socket(second, isBlocking)];
  });
}

/**
 * Makes a socket object of a descriptor, which belongs to it from then on. The descriptor itself never waits any more,
 * for all who share it.
 *
 * @param flags `SOCK_NONBLOCK`: the socket shall not wait
 * @returns `null` on failure: it is not open (`EBADF`), or no socket (`ENOTSOCK`)
 */
export function open(fd: number, flags?: number | null): Socket | null {
  return moduleErrors.run(() => {
    const number = args.integer(fd, 'fd');
    const bits = args.optional(args.integer, flags, 'flags', 0);
    if (number < 0) throw new Failure(errorNumbers.EBADF, 'Invalid file descriptor number');
    if ((bits & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) throw invalid('Invalid flags');
    return new Socket(
      judged(() => PosixSocket.fromFd(number, 'take')),
      (bits & SOCK_NONBLOCK) === 0,
    );
  });
}

/**
 * The last failure of the module's functions or of any socket: `bind(): Address already in use`. It stays until what
 * failed succeeds, or anything else fails.
 *
 * @param numeric `true`: an errno, or a (negative) `EAI_` number
 * @returns `null` if there is none
 */
export function error(numeric: true): number | null;
export function error(numeric?: false | null): string | null;
export function error(numeric?: boolean | null): string | number | null;
export function error(numeric?: boolean | null): string | number | null {
  return ErrorSlot.answerLast(numeric === true);
}

/**
 * The C library's words for an errno or, if it is negative, for an `EAI_` number.
 *
 * @returns `null` if it is no whole number
 * @see strerror(3), gai_strerror(3)
 */
export function strerror(code: number): string | null {
  return moduleErrors.ask(() => textOf(args.integer(code, 'code')));
}
