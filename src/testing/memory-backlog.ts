import type { SocketAddress } from '../base/address.ts';
import type { MemorySocket } from './memory-socket.ts';

/** The kernel's side of a listener: connections that are complete and wait to be accepted, and those that found no room. */
export class MemoryBacklog<S extends { reset(): void } = MemorySocket> {
  readonly local: SocketAddress;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
  /** Called when a connection is there to be accepted. */
  onConnection: () => void = () => undefined;
  readonly #limit: number;
  #ready: S[] = [];
  readonly #waiting = new Set<() => void>();
  #isOpen = true;

  constructor(local: SocketAddress, limit: number, flags: { reusePort: boolean; ipv6Only: boolean }) {
    this.local = local;
    this.reusePort = flags.reusePort;
    this.ipv6Only = flags.ipv6Only;
    this.#limit = Math.max(1, limit);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether a connection completes now, or waits as a SYN does that the kernel drops and the peer sends again. */
  get hasRoom(): boolean {
    return this.#ready.length < this.#limit;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Puts a completed connection in line. Ask `hasRoom` first. */
  add(server: S): void {
    this.#ready.push(server);
    this.onConnection();
  }

  /** Calls `retry` when there is room, or when nobody listens any more. @returns a function that takes that back */
  wait(retry: () => void): () => void {
    this.#waiting.add(retry);
    return () => {
      this.#waiting.delete(retry);
    };
  }

  /** The connection that has waited longest, or `null`. */
  take(): S | null {
    const server = this.#ready.shift() ?? null;
    if (server !== null) this.#wake(1);
    return server;
  }

  /** Resets what was not accepted. */
  close(): void {
    this.#isOpen = false;
    const ready = this.#ready;
    this.#ready = [];
    for (const server of ready) server.reset();
    this.#wake(Number.POSITIVE_INFINITY);
  }

  #wake(most: number): void {
    let woken = 0;
    for (const retry of this.#waiting) {
      if (woken++ >= most) return;
      this.#waiting.delete(retry);
      retry();
    }
  }
}
