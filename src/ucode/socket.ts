/** The socket object: what `create`, `connect`, `listen`, `accept` and the like give. */
import { constants, errorNumbers } from '../posix/constants.ts';
import type { Descriptor } from '../posix/descriptor.ts';
import type { Socket as PosixSocket } from '../posix/socket.ts';
import type { Address, AddressObject, AnsweredAddress } from './addresses.ts';
import { fillAddress, formatAddress, parseAddress, wildcard, withPort } from './addresses.ts';
import * as args from './arguments.ts';
import type { ByteString } from './byte-strings.ts';
import type { ControlMessageInput } from './control.ts';
import { readAncillary } from './control.ts';
import type { Core } from './core.ts';
import { connectCore, Patience, wouldBlock } from './core.ts';
import { ErrorSlot, moduleErrors } from './error-slot.ts';
import { Failure, invalid, judged, noSocket, outOfRange } from './failure.ts';
import type { OptionValue } from './options.ts';
import { readOption, writeOption } from './options.ts';
import { formatDescriptor, ReceivedDescriptor } from './received-descriptor.ts';
import type { Received, ReceivedMessage } from './receiving.ts';
import { readRooms, receiveBytes, receiveMessage } from './receiving.ts';
import { bytesOf, messageBytes, sendWhole } from './sending.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

const { SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_CLOEXEC, SOCK_NONBLOCK } = constants;

/** Who is at the other end of a Unix socket. */
export interface PeerCredentials extends Printable {
  uid: number;
  gid: number;
  pid: number;
}

const DEFAULT_BACKLOG = 128;
const DEFAULT_LENGTH = 4096;
/** What the system makes of a negative backlog: as much as it allows. */
const MOST_BACKLOG = 2 ** 31 - 1;

const HOW: ReadonlyMap<number, 'read' | 'write' | 'both'> = new Map([
  [SHUT_RD, 'read'],
  [SHUT_WR, 'write'],
  [SHUT_RDWR, 'both'],
]);

/** The number of connections that may wait. */
export function backlogOf(backlog: unknown): number {
  const given = args.optional(args.integer, backlog, 'backlog', DEFAULT_BACKLOG);
  return given < 0 ? MOST_BACKLOG : given;
}

/**
 * A socket. Its methods answer `null` when they fail, and `error` tells why. They throw nothing, but what a caller's own
 * `toString`, getter or `fileno` throws. They wait, and block the thread, unless the socket was made with
 * `SOCK_NONBLOCK`; `SO_RCVTIMEO` and `SO_SNDTIMEO` limit that.
 *
 * It is close-on-exec. One that is collected without having been closed is closed then, with a warning.
 */
export class Socket {
  #core: Core | null;
  readonly #errors = new ErrorSlot();

  /** @param socket belongs to this object from now on */
  constructor(socket: PosixSocket, isBlocking: boolean) {
    this.#core = { socket, isBlocking, late: {} };
  }

  /** Does something that may fail with what should be a socket, and open. */
  static #run<T>(self: unknown, work: (core: Core, socket: PosixSocket) => T): T | null {
    return Socket.#errorsOf(self).run(() => {
      const core = Socket.#coreOf(self);
      return work(core, core.socket);
    });
  }

  static #is(value: unknown): value is Socket {
    return typeof value === 'object' && value !== null && #core in value;
  }

  static #errorsOf(self: unknown): ErrorSlot {
    return Socket.#is(self) ? self.#errors : moduleErrors;
  }

  static #coreOf(self: unknown): Core {
    if (!Socket.#is(self) || self.#core === null) throw noSocket();
    return self.#core;
  }

  /**
   * Takes the next connection of a socket that listens.
   *
   * @param address an object that receives the peer's address; what else it has stays
   * @param flags `SOCK_NONBLOCK`: the new socket shall not wait. `SOCK_CLOEXEC` it is in any case
   * @see accept4(2)
   */
  accept(address?: object | null, flags?: number | null): Socket | null {
    return Socket.#run(this, (core, socket) => {
      const target = args.optional(args.dictionary, address, 'address', null);
      const bits = args.optional(args.integer, flags, 'flags', 0);
      if ((bits & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) !== 0) throw invalid('accept4()');
      const accepted = new Patience(core, 'read').attempt((time) => socket.accept(time));
      if (accepted === null) throw wouldBlock('accept4()');
      try {
        if (target !== null) fillAddress(target, accepted.address);
      } catch (error) {
        accepted.socket.close();
        throw error;
      }
      return new Socket(accepted.socket, (bits & SOCK_NONBLOCK) === 0);
    });
  }

  /**
   * Gives the socket an address of its own.
   *
   * @param address left out: the wildcard and a port of the system's choice
   * @see bind(2)
   */
  bind(address?: Address | null): true | null {
    return Socket.#run(this, (_core, socket) => {
      const target = args.isAbsent(address) ? wildcard(socket.family) : parseAddress(address);
      judged(() => {
        socket.bind(target);
      });
      return true;
    });
  }

  /** Closes the socket. */
  close(): true | null {
    return Socket.#run(this, (_core, socket) => {
      this.#core = null;
      socket.close();
      return true;
    });
  }

  /**
   * Connects to an address. Names are not looked up: the module's own `connect` does that.
   *
   * @param port used instead of the address's own
   * @returns `null` with `EINPROGRESS` if it does not wait, and is not connected yet: when the socket is writable,
   *   `getopt(SOL_SOCKET, SO_ERROR)` says how it came out
   * @see connect(2)
   */
  connect(address: Address, port?: number | null): true | null {
    return Socket.#run(this, (core) => {
      const given = args.present(address, 'address');
      const number = args.optional(args.integer, port, 'port', null);
      const target = withPort(parseAddress(given), number);
      judged(() => {
        connectCore(core, target);
      });
      return true;
    });
  }

  /**
   * This socket's last failure: `bind(): Address already in use`. It stays until a call succeeds or fails otherwise.
   *
   * @param numeric `true`: an errno, or a (negative) `EAI_` number
   * @returns `null` if there is none
   */
  error(numeric: true): number | null;
  error(numeric?: false | null): string | null;
  error(numeric?: boolean | null): string | number | null;
  error(numeric?: boolean | null): string | number | null {
    const isNumeric = numeric === true;
    return Socket.#is(this) ? this.#errors.answer(isNumeric) : ErrorSlot.answerLast(isNumeric);
  }

  /** The descriptor's number, lent; -1 if the socket is closed. */
  fileno(): number {
    return Socket.#errorsOf(this).ask(() => Socket.#coreOf(this).socket.fd) ?? -1;
  }

  /**
   * Reads an option.
   *
   * @param query of options that are read by asking, such as `IP_MSFILTER`, what is asked
   * @see getsockopt(2), docs/reference/options.md
   */
  getopt(level: number, option: number, query?: unknown): OptionValue {
    return Socket.#run(this, (_core, socket) =>
      readOption(socket, args.integer(level, 'level'), args.integer(option, 'option'), query),
    );
  }

  /**
   * Begins to take connections.
   *
   * @param backlog how many may wait to be accepted, 128 unless it is given
   * @see listen(2)
   */
  listen(backlog?: number | null): true | null {
    return Socket.#run(this, (_core, socket) => {
      socket.listen(backlogOf(backlog));
      return true;
    });
  }

  /** Who is at the other end of a connected Unix socket. @see unix(7), SO_PEERCRED */
  peercred(): PeerCredentials | null {
    return Socket.#run(this, (_core, socket) => {
      const { uid, gid, pid } = socket.peerCredentials();
      return printable({ uid, gid, pid });
    });
  }

  /** The peer's address. @see getpeername(2) */
  peername(): AnsweredAddress | null {
    return Socket.#run(this, (_core, socket) => formatAddress(socket.remoteAddress()));
  }

  /**
   * Receives bytes.
   *
   * @param length the most to receive, 4096 unless it is given
   * @param flags `MSG_` numbers. With `MSG_TRUNC` the answer has a property `fullLength`
   * @param address an object that receives the sender's address; its family is `AF_UNSPEC` if there is none
   * @returns bytes of your own, none at the end of a stream; a template string shows them as text
   * @see recv(2)
   */
  recv(length?: number | null, flags?: number | null, address?: object | null): Received | null {
    return Socket.#run(this, (core) => {
      const size = args.optional(args.integer, length, 'length', DEFAULT_LENGTH);
      const bits = args.optional(args.integer, flags, 'flags', 0);
      const target = args.optional(args.dictionary, address, 'address', null);
      if (size <= 0) throw invalid('Invalid length argument');
      const arrived = receiveBytes(core, size, bits);
      if (target !== null) fillAddress(target, arrived.address);
      return arrived.data;
    });
  }

  /**
   * Receives a message, with what came with it.
   *
   * @param sizes the most to receive, 65536 unless it is given; or an array, for a buffer of each size
   * @param ancillarySize bytes of room for control messages; none unless it is given
   * @param flags `MSG_` numbers
   * @see recvmsg(2), cmsg(3)
   * @example
   * const message = socket.recvmsg(1024, 1024);
   * for (const { level, type, data } of message?.ancillary ?? []) …
   */
  recvmsg(
    sizes?: number | null,
    ancillarySize?: number | null,
    flags?: number | null,
  ): ReceivedMessage<Buffer> | null;
  recvmsg(
    sizes: readonly number[],
    ancillarySize?: number | null,
    flags?: number | null,
  ): ReceivedMessage<Buffer[]> | null;
  recvmsg(
    sizes?: number | readonly number[] | null,
    ancillarySize?: number | null,
    flags?: number | null,
  ): ReceivedMessage | null;
  recvmsg(
    sizes?: number | readonly number[] | null,
    ancillarySize?: number | null,
    flags?: number | null,
  ): ReceivedMessage | null {
    return Socket.#run(this, (core) => {
      const rooms = readRooms(sizes);
      const controlSize = args.optional(args.integer, ancillarySize, 'ancillary length', 0);
      if (controlSize < 0) throw outOfRange('Invalid ancillary data length');
      const bits = args.optional(args.integer, flags, 'flags', 0);
      return receiveMessage(core, rooms, controlSize, bits, handleOf);
    });
  }

  /**
   * Sends bytes. On a stream that waits, all of them.
   *
   * @param data text is sent as UTF-8, a buffer or any view of one as its bytes, anything else as ucode prints it
   * @param flags `MSG_` numbers
   * @param address whom it is for; left out: whom the socket is connected to
   * @returns how many bytes went out, which, if the socket does not wait, may be less than all
   * @see send(2)
   */
  send(data: unknown, flags?: number | null, address?: Address | null): number | null {
    return Socket.#run(this, (core) => {
      const bytes = bytesOf(args.present(data, 'data'));
      const bits = args.optional(args.integer, flags, 'flags', 0);
      const target = args.isAbsent(address) ? undefined : parseAddress(address);
      return sendWhole(core, { call: 'send', data: bytes, address: target, control: [], flags: bits });
    });
  }

  /**
   * Sends a message, with control messages. Of a stream that waits, all of it; the control messages go with its start.
   *
   * @param data as for `send`; an array is the message in parts
   * @param ancillaryData control messages, or the bytes of some in memory
   * @param address whom it is for
   * @param flags `MSG_` numbers
   * @returns how many bytes went out
   * @see sendmsg(2), cmsg(3)
   * @example
   * socket.sendmsg('a file', [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: [fs.openSync(path, 'r')] }]);
   */
  sendmsg(
    data?: unknown,
    ancillaryData?: readonly ControlMessageInput[] | ByteString | null,
    address?: AddressObject | null,
    flags?: number | null,
  ): number | null {
    return Socket.#run(this, (core) => {
      const bytes = messageBytes(data);
      const control = readAncillary(ancillaryData);
      const target = args.optional(args.dictionary, address, 'address', undefined);
      const bits = args.optional(args.integer, flags, 'flags', 0);
      const parsed = target === undefined ? undefined : parseAddress(target);
      return sendWhole(core, { call: 'sendmsg', data: bytes, address: parsed, control, flags: bits });
    });
  }

  /**
   * Sets an option.
   *
   * @param value numbers and members of objects are converted loosely
   * @see setsockopt(2), docs/reference/options.md
   */
  setopt(level: number, option: number, value: unknown): true | null {
    return Socket.#run(this, (_core, socket) => {
      const numbers = [args.integer(level, 'level'), args.integer(option, 'option')] as const;
      writeOption(socket, ...numbers, args.present(value, 'value'));
      return true;
    });
  }

  /** Ends receiving, sending or both. @param how `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR` @see shutdown(2) */
  shutdown(how?: number | null): true | null {
    return Socket.#run(this, (_core, socket) => {
      const direction = HOW.get(args.optional(args.integer, how, 'how', SHUT_RD));
      if (direction === undefined) throw new Failure(errorNumbers.EINVAL, 'shutdown()');
      socket.shutdown(direction);
      return true;
    });
  }

  /** The address of this end. @see getsockname(2) */
  sockname(): AnsweredAddress | null {
    return Socket.#run(this, (_core, socket) => formatAddress(socket.localAddress()));
  }

  /** `<socket 0x5>`: the descriptor's number, of which a closed socket has none. */
  toString(): string {
    const core = Socket.#is(this) ? this.#core : null;
    return `<socket ${formatDescriptor(core?.socket.fd ?? -1)}>`;
  }

  [Symbol.dispose](): void {
    if (this.#core === null) return;
    this.#core.socket.close();
    this.#core = null;
  }
}

/** What programs see of a descriptor that they were sent: a socket, which waits, or something else. */
function handleOf(descriptor: Descriptor): Socket | ReceivedDescriptor {
  if (descriptor.kind !== 'socket') return new ReceivedDescriptor(descriptor);
  return new Socket(descriptor.toSocket(), true);
}
