/** What the sockets of a portable provider and the provider are to each other. */
import type { Clock } from '../base/clock.ts';
import type { SocketAddress } from '../base/address.ts';
import type { SocketSnapshot } from '../base/provider.ts';
import type { StreamLimits } from '../base/validate.ts';

/** What a socket needs of the provider that it belongs to. */
export interface Owner {
  readonly clock: Clock;
  nextId(): number;
  opened(socket: OwnedSocket): void;
  /** Keeps the process alive for it, or no longer. */
  hold(socket: OwnedSocket, isHeld: boolean): void;
  /** Its descriptor is closed. */
  closed(socket: OwnedSocket): void;
  /** Its sink has heard the last. */
  over(socket: OwnedSocket): void;
}

/** What a provider needs of its sockets. */
export interface OwnedSocket {
  readonly id: number;
  abort(): void;
  snapshot(): SocketSnapshot;
  /** Fulfils when the descriptor is closed and the sink has heard of it. */
  readonly settled: Promise<void>;
}

/** What is known of a connection when it is made. */
export interface StreamSetting {
  readonly owner: Owner;
  readonly transport: 'tcp' | 'unix';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly limits: StreamLimits;
}
