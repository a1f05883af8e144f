/** What a stream, a listener and a message socket in memory have in common: options, pausing, and the word that it is closed. */
import type { SocketAddress } from '../base/address.ts';
import { ClosedError, type ErrorDetails } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { Deadline, JsonValue } from '../base/provider.ts';
import type { MemoryOptions } from './memory-options.ts';

/** Where a socket is. */
export interface MemoryEnds {
  readonly transport: 'tcp' | 'udp' | 'unix';
  readonly local: SocketAddress;
  readonly remote?: SocketAddress | undefined;
}

export abstract class MemoryHandle {
  readonly id: number;
  tag?: JsonValue | undefined;
  protected readonly options: MemoryOptions;
  readonly #ends: MemoryEnds;
  #isPaused = false;

  constructor(id: number, { transport, local, remote }: MemoryEnds, options: MemoryOptions) {
    this.id = id;
    this.options = options;
    this.#ends = { transport, local, remote };
  }

  /** Whether its owner may still call it. */
  protected abstract get isOpen(): boolean;
  /** Takes what may have come while it was paused. */
  protected abstract goOn(): void;
  abstract close(deadline?: Deadline): Promise<void>;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.requireOpen('option');
    return this.options.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.requireOpen('option');
    this.options.set(name, value);
  }

  /** Sets what it was made with. */
  setAll(options: Partial<SocketOptions>): void {
    this.options.setAll(options);
  }

  ref(): void {
    this.requireOpen('ref');
  }

  unref(): void {
    this.requireOpen('unref');
  }

  pause(): void {
    this.requireOpen('pause');
    this.#isPaused = true;
  }

  resume(): void {
    this.requireOpen('resume');
    this.#isPaused = false;
    this.goOn();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws {ClosedError} */
  protected requireOpen(op: string): void {
    if (!this.isOpen) throw new ClosedError(this.details(op));
  }

  /** What an error of `op` says of this socket. */
  protected details(op: string): ErrorDetails {
    return { op, ...this.#ends };
  }
}
