/** What a socket of `node:dgram` has received and not told: Node cannot leave it in the kernel's buffer. */
import type { IpEndpoint } from '../base/address.ts';
import type { SocketError } from '../base/errors.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';

/** The most that is kept, each datagram with some for itself: as Linux has it (socket(7)). */
export const MAX_KEPT_BYTES: number = 208 * 1024;

export interface Packet {
  readonly bytes: Uint8Array;
  readonly remote: IpEndpoint;
}

/** What there is to tell: a datagram, or that receiving one failed. */
export type Kept = { readonly packet: Packet } | { readonly error: SocketError };

const weigh = (kept: Kept): number => MESSAGE_OVERHEAD + ('packet' in kept ? kept.packet.bytes.length : 0);

export class DatagramInbox {
  #kept: Kept[] = [];
  #weight = 0;

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** @returns whether there was room */
  put(kept: Kept): boolean {
    if (this.#weight >= MAX_KEPT_BYTES) return false;
    this.#kept.push(kept);
    this.#weight += weigh(kept);
    return true;
  }

  /** What came first. */
  take(): Kept | undefined {
    const kept = this.#kept.shift();
    if (kept !== undefined) this.#weight -= weigh(kept);
    return kept;
  }

  clear(): void {
    this.#kept = [];
    this.#weight = 0;
  }
}
