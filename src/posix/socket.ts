/** BSD sockets: the class. What its calls do is in the files beside it, by kind. */
import type { ConstantName } from '../addon/constant-names.ts';
import { SLAB } from '../addon/native-sockets.ts';
import { systemError } from '../addon/system-errors.ts';
import { oneOf } from '../base/rules.ts';
import type { SocketAddress } from './address.ts';
import * as args from './arguments.ts';
import * as connecting from './connect-operations.ts';
import { setSocketMaker } from './descriptor.ts';
import { OptionSocket } from './option-socket.ts';
import { writeSockaddr } from './sockaddr.ts';
import { getSpace } from './space.ts';
import type { AsyncWait, CallRow, Operation } from './waiting.ts';
import { tryAsync, tryBlocking } from './waiting.ts';

/** A name that begins with the prefix, such as `'AF_INET'`. */
type Named<P extends string> = Extract<ConstantName, `${P}${string}`>;
export type FamilyName = Named<'AF_'>;
export type TypeName = Named<'SOCK_'>;
export type ProtocolName = Named<'IPPROTO_' | 'NETLINK_' | 'CAN_' | 'ETH_P_'>;

/** What `accept` brings. */
export interface Accepted {
  /** Non-blocking and close-on-exec. It inherits no option but those that accept(2) hands on. */
  readonly socket: Socket;
  /** The peer's address; `null` if the system tells none. */
  readonly address: SocketAddress | null;
}

/** What a descriptor is when it is handed in: the socket's to close from now on, or only lent. */
export type Ownership = 'take' | 'borrow';

const OWNERSHIP = oneOf('take', 'borrow');

/**
 * A socket: one method, one system call.
 *
 * There are three ways to wait. A plain call is a **single attempt**, which answers `null` if it would block. With
 * `{ timeout }` it **blocks the thread** until it succeeds or the time is up. Its `…Async` form waits **on the poller**,
 * with `{ signal, timeout }`. All of them throw (or reject with) a `SystemError` whose `code` is the errno's name if the
 * system refuses, a `ClosedError` if the socket has been closed, and a `TypeError` or `RangeError`, before anything is
 * done, for arguments that cannot be.
 *
 * A descriptor made here is close-on-exec and non-blocking, also for those that it is handed to. Nothing raises SIGPIPE. A socket that is collected without having
 * been closed is closed then, with one warning.
 *
 * @see socket(2), socket(7)
 */
export class Socket extends OptionSocket {
  // --- making ---------------------------------------------------------------------------------

  /**
   * Makes a socket. Families, types and protocols are given by name, or by number where there is no name.
   *
   * @param protocol of a packet socket the name of an `ETH_P_…`; as a number it is in network order, as packet(7) has it
   * @throws {SystemError} EAFNOSUPPORT, EPROTONOSUPPORT, EPERM (raw and packet sockets), EMFILE …
   * @see socket(2)
   * @example
   * const udp = Socket.socket('AF_INET', 'SOCK_DGRAM');
   */
  static socket(
    family: FamilyName | number,
    type: TypeName | number,
    protocol?: ProtocolName | number,
  ): Socket {
    const space = getSpace();
    const kind = kindOf(family, type, protocol);
    const id = space.native.socket(kind.family, kind.type, kind.protocol);
    if (id < 0) throw systemError(id, 'socket', { op: 'socket' });
    return Socket.#of(id, kind);
  }

  /**
   * Makes two sockets that are connected with each other.
   *
   * @param family `'AF_UNIX'` is the one that every system has
   * @throws {SystemError} EOPNOTSUPP, EMFILE …
   * @see socketpair(2)
   */
  static pair(
    family: FamilyName | number = 'AF_UNIX',
    type: TypeName | number = 'SOCK_STREAM',
    protocol?: ProtocolName | number,
  ): [Socket, Socket] {
    const { native, words } = getSpace();
    const kind = kindOf(family, type, protocol);
    const first = native.pair(kind.family, kind.type, kind.protocol);
    if (first < 0) throw systemError(first, 'socketpair', { op: 'pair' });
    const second = native.idAt(words[0] ?? 0);
    return [Socket.#of(first, kind), Socket.#of(second, kind)];
  }

  /**
   * Makes a socket of a descriptor that there is already: inherited, received, or lent by another library.
   *
   * With `'take'` it is this socket's: `close` closes it, and nobody else may. With `'borrow'` it stays its owner's:
   * `close` only lets go of it, and the owner must not close it before. Whether
   * the open file is one that waits is left as it is, for others may share it, until this socket connects or accepts. A
   * descriptor that is taken is made close-on-exec.
   *
   * @throws {SystemError} EBADF; ENOTSOCK if it is not a socket
   */
  static fromFd(fd: number, ownership: Ownership): Socket {
    const { native } = getSpace();
    const number = args.descriptorNumber(fd, 'fd');
    const isOwned = OWNERSHIP(ownership, 'ownership') === 'take';
    const id = native.adopt(number, isOwned);
    if (id < 0) throw systemError(id, 'fcntl', { op: 'fromFd' });
    try {
      const kind = discover(id);
      const result = isOwned ? native.closeOnExec(id) : 0;
      if (result < 0) throw systemError(result, 'fcntl', { op: 'fromFd' });
      return Socket.#of(id, kind, isOwned, true);
    } catch (error) {
      native.release(id);
      throw error;
    }
  }

  static #of(id: number, kind: SocketKind, isOwned = true, mayBlock = false): Socket {
    return new Socket({ space: getSpace(), id, ...kind, isClosed: false, mayBlock }, isOwned);
  }

  // --- its ends -------------------------------------------------------------------------------

  /**
   * Gives the socket an address of its own. For a Unix socket the empty path asks the system for an abstract name.
   *
   * @throws {SystemError} EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL (it has one) …
   * @see bind(2)
   */
  bind(address: SocketAddress): void {
    const { native, slab, codecs } = this.state.space;
    const length = writeSockaddr(slab, SLAB.name, address, codecs);
    const result = native.bind(this.state.id, length);
    if (result >= 0) return;
    const call: CallRow = { op: 'bind', syscall: 'bind', direction: 'write' };
    throw connecting.addressError(this.state, call, result, { local: address });
  }

  /**
   * Connects, or gives a datagram socket the one peer that it sends to and receives from. An address of
   * `{ family: 'other', number: 0 }` (`AF_UNSPEC`) takes a datagram socket's peer away again.
   *
   * @returns `true` if it is connected; `false` if that is under way: when the socket is writable, `SO_ERROR` says how
   *   it came out. With `timeout` always `true`.
   * @throws {SystemError} ECONNREFUSED, ENETUNREACH, ETIMEDOUT …; EAGAIN if a Unix listener's backlog is full, and
   *   nothing is under way
   * @see connect(2)
   */
  connect(address: SocketAddress, options?: { readonly timeout?: number }): boolean {
    const timeout = args.timeoutOf(options, args.TIME);
    if (timeout !== undefined) {
      tryBlocking(this.state, connecting.connectOperation(this.state, address), timeout);
      return true;
    }
    const result = connecting.connectOnce(this.state, address);
    if (result >= 0) return true;
    if (result === -this.state.space.module.errorNumbers.EINPROGRESS) return false;
    throw connecting.addressError(this.state, connecting.CONNECT, result, { remote: address });
  }

  /** `connect`, until it is known how it came out. A wait that is given up leaves it under way: close the socket then. */
  async connectAsync(address: SocketAddress, options?: AsyncWait): Promise<void> {
    const wait = args.waitOf(options, args.WAIT);
    await tryAsync(this.state, connecting.connectOperation(this.state, address), wait);
  }

  /**
   * Begins to take connections.
   *
   * @param backlog how many may wait to be accepted; the system cuts it to its own maximum, which is the default
   * @throws {SystemError} EADDRINUSE, EOPNOTSUPP …
   * @see listen(2)
   */
  listen(backlog = 4096): void {
    const result = this.state.space.native.listen(this.state.id, args.backlog(backlog, 'backlog'));
    if (result < 0) throw this.error('listen', 'listen', result);
  }

  /**
   * Takes the next connection.
   *
   * @throws {SystemError} EINVAL (it does not listen), ECONNABORTED, EMFILE …
   * @see accept4(2)
   */
  accept(options: { readonly timeout: number }): Accepted;
  accept(options?: { readonly timeout?: number }): Accepted | null;
  accept(options?: { readonly timeout?: number }): Accepted | null {
    const timeout = args.timeoutOf(options, args.TIME);
    return this.run(this.#accepting(), timeout === undefined ? undefined : { timeout });
  }

  async acceptAsync(options?: AsyncWait): Promise<Accepted> {
    return tryAsync(this.state, this.#accepting(), args.waitOf(options, args.WAIT));
  }

  #accepting(): Operation<Accepted> {
    const operation = connecting.acceptOperation(this.state);
    return {
      ...operation,
      finish: (result) => {
        const { id, address } = operation.finish(result);
        const { family, type, protocol } = this.state;
        return { socket: Socket.#of(id, { family, type, protocol }), address };
      },
    };
  }

  // --- its end --------------------------------------------------------------------------------

  /**
   * Another socket of the same connection, on a descriptor of its own. They share everything but the number.
   *
   * @see dup(2)
   */
  dup(): Socket {
    const { native, id, family, type, protocol } = { ...this.state, native: this.state.space.native };
    const made = native.duplicate(id);
    if (made < 0) throw this.error('dup', 'fcntl', made);
    return Socket.#of(made, { family, type, protocol });
  }

  /**
   * Gives the descriptor up without closing it: it is the caller's now, and this socket is closed. It stays non-blocking.
   *
   * @throws {ClosedError}
   */
  detach(): number {
    this.requireOpen('detach');
    const fd = this.end(() => this.state.space.native.release(this.state.id));
    if (fd < 0) throw systemError(fd, 'fcntl', { op: 'detach' });
    return fd;
  }
}

setSocketMaker((fd) => Socket.fromFd(fd, 'take'));

interface SocketKind {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
}

function kindOf(family: unknown, type: unknown, protocol: unknown): SocketKind {
  const { SOCK_CLOEXEC, SOCK_NONBLOCK } = getSpace().module.constants;
  return {
    family: args.family(family, 'family'),
    // Both are set anyway.
    type: args.socketType(type, 'type') & ~(SOCK_CLOEXEC | SOCK_NONBLOCK),
    protocol: protocolNumber(protocol),
  };
}

/** The number that the system takes: Ethernet's, whose constants are in host order, are in network order there. */
function protocolNumber(protocol: unknown): number {
  const number = args.protocol(protocol, 'protocol');
  const isEthernet = typeof protocol === 'string' && protocol.startsWith('ETH_P_');
  return isEthernet ? ((number & 0xff) << 8) | (number >> 8) : number;
}

/** What a descriptor is. @throws {SystemError} ENOTSOCK */
function discover(id: number): SocketKind {
  const { native, words, module } = getSpace();
  const { SOL_SOCKET, SO_DOMAIN, SO_TYPE, SO_PROTOCOL } = module.constants;
  const ask = (name: number): number => {
    const result = native.getOption(id, SOL_SOCKET, name, 4);
    if (result < 0) throw systemError(result, 'getsockopt', { op: 'fromFd' });
    return words[SLAB.data / 4] ?? 0;
  };
  return { family: ask(SO_DOMAIN), type: ask(SO_TYPE), protocol: ask(SO_PROTOCOL) };
}
