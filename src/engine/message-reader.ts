/** Reads what was received out of the slab: one object for each message, and nothing else. */
import type { SocketAddress } from '../base/address.ts';
import type { ReceivedDatagram } from '../base/provider.ts';
import { MAX_DATAGRAM_SIZE } from '../base/provider.ts';
import type { DatagramReadPlan } from '../base/validate-datagram.ts';
import { MessagePeers } from './message-peers.ts';
import { behind, dataOf, metaBits, metaOf, RECORD } from './message-record.ts';
import type { Reactor } from './reactor.ts';

export class MessageReader {
  readonly #reactor: Reactor;
  readonly #peers = new MessagePeers();
  #maxSize: number = MAX_DATAGRAM_SIZE;
  #isOwned = true;
  #meta = 0;
  /** Where the next record is. */
  #offset = 0;
  #buffers: readonly ArrayBuffer[] | undefined;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** Most bytes of one message. */
  get size(): number {
    return this.#maxSize;
  }

  get isOwned(): boolean {
    return this.#isOwned;
  }

  /** What is to be told of each message, as the native side takes it. */
  get meta(): number {
    return this.#meta;
  }

  set plan({ maxSize, chunks, meta }: DatagramReadPlan) {
    this.#maxSize = maxSize;
    this.#isOwned = chunks === 'owned';
    this.#meta = metaBits(meta);
  }

  /** Turns to the records at `offset`. @param buffers where the bytes were copied out to, if they were */
  begin(offset: number, buffers: readonly ArrayBuffer[] | undefined): void {
    this.#offset = offset;
    this.#buffers = buffers;
  }

  /** The next message. Its bytes may be a view of the slab, if that is what is wanted now. */
  next(): ReceivedDatagram {
    return this.#read(this.#isOwned);
  }

  /** The next message, to be kept. */
  nextOwned(): ReceivedDatagram {
    return this.#read(true);
  }

  /** The peer of the record at `offset`. */
  peerAt(offset: number): SocketAddress {
    return this.#peers.read(this.#reactor.words, this.#reactor.slab, offset / 4);
  }

  #read(isOwned: boolean): ReceivedDatagram {
    const { words, slab } = this.#reactor;
    const offset = this.#offset;
    const at = offset / 4;
    const here = words[at + RECORD.size] ?? 0;
    const length = words[at + RECORD.length] ?? 0;
    const data = dataOf(words, offset);
    this.#offset = behind(data, here);
    const bytes = this.#bytes(words[at + RECORD.buffer] ?? -1, data, here, isOwned);
    const remote = this.#peers.read(words, slab, at);
    const truncated = bytes.length < length;
    if (this.#meta === 0) return { bytes, remote, truncated, length };
    return { bytes, remote, truncated, length, ...metaOf(slab, words, at, this.#meta) };
  }

  /** `here` bytes at `data`, or what is wanted of them: the socket may have been started anew within the batch. */
  #bytes(buffer: number, data: number, here: number, isOwned: boolean): Uint8Array {
    const size = Math.min(here, this.#maxSize);
    const own = this.#buffers?.[buffer];
    if (own !== undefined && size === here) return new Uint8Array(own);
    const view = new Uint8Array(this.#reactor.memory, data, size);
    return isOwned ? view.slice() : view;
  }
}
