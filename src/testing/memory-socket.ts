/** The kernel's side of a stream in memory: two sockets that are each other's peer, each with a bounded receive buffer. */
import type { SocketAddress } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import { MemoryFaults } from './memory-faults.ts';

/** Bytes that a buffer holds unless `receiveBufferSize` or `sendBufferSize` say otherwise. */
export const DEFAULT_BUFFER_SIZE: number = 64 * 1024;

export interface MemorySocketOptions {
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly faults: MemoryFaults;
  /** Bytes of each of its two buffers, to begin with. */
  readonly bufferSize: number;
  /** Called once, when the socket is no longer open. */
  readonly released: () => void;
}

export class MemorySocket {
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  receiveBufferSize: number;
  sendBufferSize: number;
  /** Called when there may be something to read, or room to write, or an error. */
  onReady: () => void = () => undefined;
  readonly #faults: MemoryFaults;
  #released: () => void;
  #peer: MemorySocket | null = null;
  #inbox: Uint8Array[] = [];
  /** Where the inbox begins: those before were read. To shift an array of 100,000 would move all of it for each byte. */
  #inboxStart = 0;
  #inboxSize = 0;
  /** What follows the last byte of the inbox. */
  #inboxEnd: 'open' | 'fin' | 'reset' = 'open';
  #isOpen = true;
  #hasSentFin = false;

  constructor(options: MemorySocketOptions) {
    this.transport = options.transport;
    this.local = options.local;
    this.remote = options.remote;
    this.receiveBufferSize = options.bufferSize;
    this.sendBufferSize = options.bufferSize;
    this.#faults = options.faults;
    this.#released = options.released;
  }

  /** Gives the socket a descriptor, which `release` gives back when the socket closes: it was accepted. */
  hold(release: () => void): void {
    this.#released = release;
  }

  /** Whether the peer has reset the connection; unread bytes may still be there. */
  get isReset(): boolean {
    return this.#inboxEnd === 'reset';
  }

  /** Makes two sockets each other's peer. */
  static join(a: MemorySocket, b: MemorySocket): void {
    a.#peer = b;
    b.#peer = a;
  }

  /**
   * Takes what the inbox has, up to `most` bytes, in an array of its own.
   *
   * @returns `null` if nothing is there yet, `'end'` at the peer's FIN
   * @throws {SystemError} `ECONNRESET`, behind the last byte
   */
  read(most: number): Uint8Array | 'end' | null {
    const code = this.#faults.meet('read');
    if (code !== null) {
      if (!MemoryFaults.isAgain(code)) throw new SystemError(code, { syscall: 'recv' });
      this.onReady();
      return null;
    }
    if (this.#inboxSize > 0) return this.#take(Math.min(most, this.#inboxSize, this.#faults.most('read')));
    if (this.#inboxEnd === 'reset') throw new SystemError('ECONNRESET', { syscall: 'recv' });
    return this.#inboxEnd === 'fin' ? 'end' : null;
  }

  #take(count: number): Uint8Array {
    const chunk = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const first = this.#inbox[this.#inboxStart] ?? new Uint8Array(0);
      const part = first.subarray(0, count - filled);
      chunk.set(part, filled);
      filled += part.length;
      if (part.length === first.length) this.#inboxStart += 1;
      else this.#inbox[this.#inboxStart] = first.subarray(part.length);
    }
    if (this.#inboxStart > 1024 || this.#inboxStart === this.#inbox.length) {
      this.#inbox = this.#inbox.slice(this.#inboxStart);
      this.#inboxStart = 0;
    }
    this.#inboxSize -= count;
    this.#peer?.onReady();
    return chunk;
  }

  /**
   * Gives bytes to the peer's inbox, which keeps them without a copy.
   *
   * @returns how many found room
   * @throws {SystemError} `ECONNRESET` or `EPIPE`: nobody will read them
   */
  write(bytes: Uint8Array): number {
    const code = this.#faults.meet('write');
    if (code !== null) {
      if (!MemoryFaults.isAgain(code)) throw new SystemError(code, { syscall: 'send' });
      this.onReady();
      return 0;
    }
    if (this.#inboxEnd === 'reset') throw new SystemError('ECONNRESET', { syscall: 'send' });
    const peer = this.#peer;
    if (peer === null || !peer.#isOpen) return this.#writeToNobody(bytes.length);
    const room = Math.max(0, peer.receiveBufferSize + this.sendBufferSize - peer.#inboxSize);
    const count = Math.min(bytes.length, room, this.#faults.most('write'));
    if (count === 0) return 0;
    peer.#inbox.push(bytes.subarray(0, count));
    peer.#inboxSize += count;
    peer.onReady();
    return count;
  }

  /** TCP learns only from the answer to the first bytes that the peer has gone; a Unix socket knows at once. */
  #writeToNobody(length: number): number {
    if (this.transport === 'unix') throw new SystemError('EPIPE', { syscall: 'send' });
    this.#receiveReset();
    return length;
  }

  /** Sends FIN behind what was written. */
  shutdown(): void {
    if (this.#hasSentFin) return;
    this.#hasSentFin = true;
    const peer = this.#peer;
    if (peer === null || peer.#inboxEnd !== 'open') return;
    peer.#inboxEnd = 'fin';
    peer.onReady();
  }

  /** Sends FIN, and drops what was not read. */
  close(): void {
    if (!this.#isOpen) return;
    this.shutdown();
    this.#release();
    // A peer whose bytes found no room must try again to learn that nobody will read them.
    this.#peer?.onReady();
  }

  /** Drops the connection: the peer of a TCP socket sees a reset behind what it has not read yet. */
  reset(): void {
    if (!this.#isOpen) return;
    if (this.transport === 'unix') {
      this.close();
      return;
    }
    this.#release();
    if (this.#peer !== null) this.#peer.#receiveReset();
  }

  #receiveReset(): void {
    if (!this.#isOpen) return;
    this.#inboxEnd = 'reset';
    this.onReady();
  }

  #release(): void {
    this.#isOpen = false;
    this.#inbox = [];
    this.#inboxSize = 0;
    this.#released();
  }
}
