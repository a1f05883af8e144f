/** What the sockets of a portable provider and the provider are to each other. */
import type { Clock } from '../base/clock.ts';
import type { SocketAddress } from '../base/address.ts';
import type { SocketSnapshot } from '../base/provider.ts';
import type { TlsHost } from '../base/tls-host.ts';
import type { TlsInfo } from '../base/tls.ts';
import type { StreamLimits } from '../base/validate.ts';
import type { Inbox } from './inbox.ts';
import type { OptionTable } from './remembered-options.ts';
import type { TlsCarrier } from './tls-carrier.ts';

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
  /** From now on `cover` is shown, and aborted, in its place. */
  replace(socket: OwnedSocket, cover: OwnedSocket): void;
  /** Makes what speaks TLS out of its streams; `undefined` where they speak it already. */
  readonly tls: TlsHost | undefined;
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
  /** What another stream of the same connection has left; without it all is new. */
  readonly heir?: { readonly id: number; readonly inbox: Inbox } | undefined;
  /** Default: what `node:net` can set. */
  readonly options?: OptionTable | undefined;
  readonly tls?: Protection | undefined;
  /** What was connected to, where that has a name. */
  readonly host?: string | undefined;
}

/** What a stream has to know of the TLS that it is over. */
export interface Protection {
  readonly info: TlsInfo;
  readonly carrier: Pick<TlsCarrier, 'isTruncated' | 'explainEnd' | 'abort'>;
}
