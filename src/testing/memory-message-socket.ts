/** The kernel's side of a message socket in memory: what UDP, Unix datagrams and sequenced packets have in common. */
import type { IpAddress, SocketAddress } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { OutgoingDatagram } from '../base/provider.ts';
import { MemoryFaults } from './memory-faults.ts';

/** A message as it lies in a receive buffer. */
export interface MemoryMessage {
  readonly bytes: Uint8Array;
  readonly remote: SocketAddress;
  readonly local?: IpAddress | undefined;
  readonly interfaceIndex?: number | undefined;
  readonly ttl?: number | undefined;
  readonly trafficClass?: number | undefined;
  /** Nanoseconds of the network's clock. */
  readonly timestamp: bigint;
}

export interface MessageSocketOptions {
  readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly local: SocketAddress;
  readonly remote: SocketAddress | undefined;
  readonly faults: MemoryFaults;
  readonly bufferSize: number;
  /** Called once, when the socket is no longer open. */
  readonly released: () => void;
}

/** What each message takes of a buffer beside its bytes: else empty ones would never fill it. */
const OVERHEAD = 64;

export abstract class MemoryMessageSocket {
  readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly local: SocketAddress;
  readonly remote: SocketAddress | undefined;
  receiveBufferSize: number;
  sendBufferSize: number;
  /** Called when there may be something to receive, or room to send. */
  onReady: () => void = () => undefined;
  protected readonly faults: MemoryFaults;
  #released: () => void;
  #inbox: MemoryMessage[] = [];
  #held = 0;
  #errors: SystemError[] = [];
  #drops = 0;
  #isOpen = true;

  constructor(options: MessageSocketOptions) {
    this.transport = options.transport;
    this.type = options.type;
    this.local = options.local;
    this.remote = options.remote;
    this.receiveBufferSize = options.bufferSize;
    this.sendBufferSize = options.bufferSize;
    this.faults = options.faults;
    this.#released = options.released;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Messages that found no room. */
  get drops(): number {
    return this.#drops;
  }

  /** Messages that wait to be received. */
  get waiting(): number {
    return this.#inbox.length;
  }

  /** Whether a further message finds room: as on Linux, one may go past the buffer's size. */
  get hasRoom(): boolean {
    return this.#held < this.receiveBufferSize;
  }

  /** Whether nothing will come any more: the peer of a connection has gone, and all it sent was received. */
  get isEnded(): boolean {
    return false;
  }

  /** Gives the socket a descriptor, which `release` gives back when the socket closes. */
  hold(release: () => void): void {
    this.#released = release;
  }

  apply(options: SocketOptions): void {
    this.receiveBufferSize = options.receiveBufferSize;
    this.sendBufferSize = options.sendBufferSize;
  }

  /**
   * Sends one message, whole.
   *
   * @returns whether it found room; `onReady` tells when there may be some
   * @throws {SystemError}
   */
  abstract send(message: OutgoingDatagram): boolean;

  /** The message that came first. @returns `null` if there is none @throws {SystemError} something went wrong: ask again */
  receive(): MemoryMessage | null {
    const error = this.#errors.shift() ?? this.#fault();
    if (error !== undefined) throw error;
    const message = this.#inbox.shift() ?? null;
    if (message !== null) this.#held -= message.bytes.length + OVERHEAD;
    return message;
  }

  #fault(): SystemError | undefined {
    const code = this.faults.meet('receive');
    if (code === null) return undefined;
    // Tried again at once, as after EINTR.
    return MemoryFaults.isAgain(code) ? this.#fault() : new SystemError(code, { syscall: 'recvmsg' });
  }

  /** Puts a message behind those that wait, or drops it and counts that. */
  deliver(message: MemoryMessage): void {
    if (!this.#isOpen) return;
    if (!this.hasRoom) {
      this.#drops += 1;
      return;
    }
    this.#inbox.push(message);
    this.#held += message.bytes.length + OVERHEAD;
    this.onReady();
  }

  /** Lets the next `receive` throw. */
  fail(error: SystemError): void {
    if (!this.#isOpen) return;
    this.#errors.push(error);
    this.onReady();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#inbox = [];
    this.#errors = [];
    this.#held = 0;
    this.#released();
  }

  /** A connection that was completed and never accepted goes the same way. */
  reset(): void {
    this.close();
  }

  /** Meets the faults of sending. @returns whether to try again later @throws {SystemError} */
  protected meetSendFault(remote: SocketAddress | undefined): boolean {
    const code = this.faults.meet('send');
    if (code === null) return false;
    if (!MemoryFaults.isAgain(code)) throw this.sendError(code, remote);
    this.onReady();
    return true;
  }

  protected sendError(code: string, remote: SocketAddress | undefined): SystemError {
    const { transport, local } = this;
    return new SystemError(code, { op: 'send', syscall: 'sendmsg', transport, local, remote });
  }
}
