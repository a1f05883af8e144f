/** The kernel's side of Unix datagram sockets, and of sockets of sequenced packets, in memory. */
import type { SocketAddress, UnixEndpoint } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { OutgoingDatagram } from '../base/provider.ts';
import { MemoryMessageSocket, type MessageSocketOptions } from './memory-message-socket.ts';

/** What these sockets need of their network. */
export interface UnixMessageWorld {
  readonly clock: Clock;
  /** The datagram socket at a path. @throws {SystemError} `ENOENT`, `ECONNREFUSED`, `EPROTOTYPE` */
  find(path: string | Uint8Array): MemoryUnixSocket;
}

/** Datagrams that wait at one socket before senders have to; Linux has the same number. @see unix(7), max_dgram_qlen */
const QUEUE_LIMIT = 10;

/** A socket of messages whose senders wait for room, so that nothing is lost. */
export class MemoryUnixSocket extends MemoryMessageSocket {
  readonly #world: UnixMessageWorld;
  /** The other end of a connection of sequenced packets; a connected datagram socket has only its address. */
  #peer: MemoryUnixSocket | null = null;
  /** The socket that a connected datagram socket was connected to: another one at its path is not the same. */
  readonly #target: MemoryUnixSocket | null;
  /** Senders that found no room. */
  readonly #waiting = new Set<MemoryUnixSocket>();

  constructor(
    options: MessageSocketOptions,
    world: UnixMessageWorld,
    target: MemoryUnixSocket | null = null,
  ) {
    super(options);
    this.#world = world;
    this.#target = target;
  }

  /** Makes two sockets each other's peer. */
  static join(a: MemoryUnixSocket, b: MemoryUnixSocket): void {
    a.#peer = b;
    b.#peer = a;
  }

  override get hasRoom(): boolean {
    return this.type === 'seqpacket' ? super.hasRoom : this.waiting <= QUEUE_LIMIT;
  }

  override get isEnded(): boolean {
    return this.type === 'seqpacket' && this.#peer?.isOpen === false && this.waiting === 0;
  }

  override receive(): ReturnType<MemoryMessageSocket['receive']> {
    const message = super.receive();
    if (message !== null) this.#wake();
    return message;
  }

  override send(message: OutgoingDatagram): boolean {
    const to = this.remote ?? message.to;
    if (this.meetSendFault(to)) return false;
    if (message.bytes.length > this.sendBufferSize) throw this.sendError('EMSGSIZE', to);
    const receiver = this.#receiver(to);
    if (!receiver.hasRoom) {
      receiver.#waiting.add(this);
      return false;
    }
    const timestamp = BigInt(Math.round(this.#world.clock.now() * 1e6));
    receiver.deliver({ bytes: message.bytes, remote: this.local, timestamp });
    return true;
  }

  #receiver(to: SocketAddress | undefined): MemoryUnixSocket {
    if (this.type === 'seqpacket') {
      if (this.#peer?.isOpen !== true) throw this.sendError('EPIPE', to);
      return this.#peer;
    }
    if (this.#target?.isOpen === true) return this.#target;
    if (this.#target !== null) throw this.sendError('ECONNREFUSED', to);
    if (to?.family !== 'unix') throw this.sendError('EDESTADDRREQ', to);
    const found = this.#world.find(to.path);
    // Who is connected hears only its own peer (unix_dgram_sendmsg: EPERM).
    if (found.#target !== null && found.#target !== this) throw this.sendError('EPERM', to);
    return found;
  }

  override close(): void {
    if (!this.isOpen) return;
    super.close();
    this.#peer?.onReady();
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const sender of waiting) sender.onReady();
  }
}

/** The address of a socket that has no name. */
export const UNNAMED: UnixEndpoint = { family: 'unix', path: '' };
