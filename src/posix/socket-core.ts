/** What every socket has, whatever it is used for: what it is, its ends, its waits, its end. */
import { COUNT, SLAB } from '../addon/native-sockets.ts';
import { ClosedError } from '../base/errors.ts';
import type { SocketAddress } from './address.ts';
import type { AsyncOptions, CallOptions, ShutdownHow } from './arguments.ts';
import { shutdownNumber, timeoutOf, WAIT, waitOf } from './arguments.ts';
import { anyId, expectClose, forgetClose } from './leaks.ts';
import { readSockaddr } from './sockaddr.ts';
import type { AsyncWait, CallRow, Operation, SocketState } from './waiting.ts';
import { callError, tryAsync, tryBlocking, tryOnce, untilReady, wouldBlock } from './waiting.ts';

/** Who is at the other end of a Unix socket, as the kernel saw it when the two were connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const READABLE: CallRow = { op: 'readable', syscall: 'poll', direction: 'read' };
const WRITABLE: CallRow = { op: 'writable', syscall: 'poll', direction: 'write' };

/** The part of `Socket` that makes no other sockets and moves no bytes. */
export abstract class SocketCore {
  protected readonly state: SocketState;
  readonly #isOwned: boolean;

  protected constructor(state: SocketState, isOwned: boolean) {
    this.state = state;
    this.#isOwned = isOwned;
    anyId(state.id, 'id');
    state.owner = this;
    if (isOwned) expectClose(this, 'a socket', state.id);
  }

  // --- what it is -----------------------------------------------------------------------------

  /** Its family, as an `AF_…` number. */
  get family(): number {
    return this.state.family;
  }

  /** Its type, as a `SOCK_…` number without flags. */
  get type(): number {
    return this.state.type;
  }

  /** Its protocol's number. */
  get protocol(): number {
    return this.state.protocol;
  }

  get isClosed(): boolean {
    return this.state.isClosed;
  }

  /**
   * The descriptor's number, lent: it stays this socket's, and is good until the socket is closed.
   *
   * @throws {ClosedError}
   */
  get fd(): number {
    const fd = this.state.space.native.descriptor(this.state.id);
    if (fd < 0) throw this.error('fd', 'fcntl', fd);
    return fd;
  }

  // --- its ends -------------------------------------------------------------------------------

  /** The address of this end. @throws {SystemError} @see getsockname(2) */
  localAddress(): SocketAddress {
    return this.#address('localAddress', 'getsockname');
  }

  /** The peer's address. @throws {SystemError} ENOTCONN @see getpeername(2) */
  remoteAddress(): SocketAddress {
    return this.#address('remoteAddress', 'getpeername');
  }

  #address(op: 'localAddress' | 'remoteAddress', syscall: string): SocketAddress {
    const { native, slab } = this.state.space;
    const length = native[op](this.state.id);
    if (length < 0) throw this.error(op, syscall, length);
    // Every socket has a family; only Unix sockets may have nothing behind it.
    return readSockaddr(slab, SLAB.name, length) ?? { family: 'unix', path: '' };
  }

  /**
   * Ends reading, writing or both, for everybody who shares the socket.
   *
   * @throws {SystemError} ENOTCONN
   * @see shutdown(2)
   */
  shutdown(how: ShutdownHow): void {
    const result = this.state.space.native.shutdown(this.state.id, shutdownNumber(how));
    if (result < 0) throw this.error('shutdown', 'shutdown', result);
  }

  // --- numbers --------------------------------------------------------------------------------

  /** Bytes that wait to be received; of a datagram socket the length of the next one. @see ioctl(2), FIONREAD */
  available(): number {
    return this.#count('available', COUNT.unread);
  }

  /**
   * Bytes that were sent and that the peer's system has not acknowledged yet; of a Unix socket the memory that they take,
   * which is more. @see ioctl(2), SIOCOUTQ
   */
  unsent(): number {
    return this.#count('unsent', COUNT.unsent);
  }

  /** Whether the next byte to be received is the one behind urgent data. @see sockatmark(3) */
  isAtMark(): boolean {
    return this.#count('isAtMark', COUNT.atMark) !== 0;
  }

  #count(op: string, which: number): number {
    const result = this.state.space.native.count(this.state.id, which);
    if (result < 0) throw this.error(op, 'ioctl', result);
    return result;
  }

  /**
   * Who is at the other end of a Unix socket: who connected, who listened, or who made the pair. It is what was true then:
   * the process may have ended since, its number may be another's, and the socket may have been handed on.
   *
   * @throws {SystemError} EOPNOTSUPP (it is no Unix socket), ENOTCONN
   * @see unix(7), SO_PEERCRED
   */
  peerCredentials(): PeerCredentials {
    const { native, words, module } = this.state.space;
    const { constants, errorNumbers } = module;
    const call = ['peerCredentials', 'getsockopt'] as const;
    if (this.family !== constants.AF_UNIX) throw this.error(...call, -errorNumbers.EOPNOTSUPP);
    const result = native.getOption(this.state.id, constants.SOL_SOCKET, constants.SO_PEERCRED, 12);
    if (result < 0) throw this.error(...call, result);
    const at = SLAB.data / 4;
    const [pid = 0, uid = 0, gid = 0] = words.subarray(at, at + 3);
    if (pid === 0 && uid === -1) throw this.error(...call, -errorNumbers.ENOTCONN);
    return { pid, uid: uid >>> 0, gid: gid >>> 0 };
  }

  // --- waiting --------------------------------------------------------------------------------

  /**
   * Resolves when there is something to receive or to accept, or an error or an end to be told of. The wait keeps the
   * process alive.
   *
   * @throws the signal's reason; {SystemError} ETIMEDOUT; {ClosedError} it was closed meanwhile
   */
  async readable(options?: AsyncWait): Promise<void> {
    await untilReady(this.state, READABLE, waitOf(options, WAIT));
  }

  /** Resolves when there is room to send, when a connection that is under way has come out, or when it has failed. */
  async writable(options?: AsyncWait): Promise<void> {
    await untilReady(this.state, WRITABLE, waitOf(options, WAIT));
  }

  // --- its end --------------------------------------------------------------------------------

  /** Closes the descriptor, or lets go of a borrowed one. Open waits reject with `ClosedError`. Again: nothing. */
  close(): void {
    if (this.state.isClosed) return;
    this.end(() => this.state.space.native.close(this.state.id));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  protected end(leave: () => number): number {
    const state = this.state;
    state.isClosed = true;
    if (this.#isOwned) forgetClose(this);
    const result = leave();
    state.space.readiness.fail(state.id, () => new ClosedError({ op: 'wait' }));
    return result;
  }

  // --- how calls are made ---------------------------------------------------------------------

  protected run<T>(operation: Operation<T>, options: CallOptions & { timeout: number }): T;
  protected run<T>(operation: Operation<T>, options: CallOptions | undefined): T | null;
  protected run<T>(operation: Operation<T>, options: CallOptions | undefined): T | null {
    const timeout = timeoutOf(options);
    if (timeout === undefined) return tryOnce(this.state, operation);
    return tryBlocking(this.state, operation, timeout);
  }

  protected runAsync<T>(operation: Operation<T>, options: AsyncOptions | undefined): Promise<T> {
    return tryAsync(this.state, operation, waitOf(options));
  }

  protected refused(call: CallRow, result: number): null {
    if (wouldBlock(this.state, result)) return null;
    throw callError(this.state, call, result);
  }

  protected error(op: string, syscall: string, result: number): Error {
    return callError(this.state, { op, syscall, direction: 'read' }, result);
  }

  protected requireOpen(op: string): void {
    if (this.state.isClosed) throw new ClosedError({ op });
  }
}
