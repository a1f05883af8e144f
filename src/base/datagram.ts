/** The part of the contract that is about messages: UDP, Unix datagrams, and sequenced packets. */
import type { IpAddress, IpFamily, SocketAddress } from './address.ts';
import type { SocketError } from './errors.ts';
import type { SocketOptions } from './options.ts';
import type { Deadline, SocketBase, WriteDone, WriteLimits } from './provider.ts';

interface BindCommon extends Deadline, WriteLimits {
  /** Options set before the socket is bound. */
  readonly options?: Partial<SocketOptions> | undefined;
}

/** Where a connected UDP socket sends to, and the only one that it hears. */
export interface UdpRemote {
  /** A name, of which the first address is taken, or a numeric address. */
  readonly host: string;
  readonly port: number;
}

export interface UdpBindOptions extends BindCommon {
  /** A numeric address of this machine, or of a multicast group. Default: all of them, of the family of `remote` or else IPv4. */
  readonly host?: string | undefined;
  /** Default 0: a free port, told by `local`. */
  readonly port?: number | undefined;
  /** Connects the socket. */
  readonly remote?: UdpRemote | undefined;
  /** Resolves the name of `remote` to an address of this family. */
  readonly family?: IpFamily | undefined;
  /** Lets sockets share the address; each multicast datagram comes to all of them (SO_REUSEADDR). */
  readonly reuseAddress?: boolean | undefined;
  /** Lets sockets share the address; the kernel spreads unicast datagrams over them (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  /** On `::`, do not receive over IPv4 as well. Default: the system's own, which is to do so. */
  readonly ipv6Only?: boolean | undefined;
  /**
   * Has errors that the network reports (ICMP) told to `DatagramSink.error`, also on a socket that is not connected.
   * Default false: they are not told, and harm nothing. @see ip(7), IP_RECVERR
   */
  readonly icmpErrors?: boolean | undefined;
}

export interface UnixBindOptions extends BindCommon {
  /** `datagram` (default), or `seqpacket`, which must have a `remotePath`. @see unix(7) */
  readonly type?: 'datagram' | 'seqpacket' | undefined;
  /** What others can send to: a file's path, or a NUL and an abstract name. Left out, the socket has no name. */
  readonly path?: string | Uint8Array | undefined;
  /** Connects the socket. */
  readonly remotePath?: string | Uint8Array | undefined;
  /** As in `listen`. */
  readonly stale?: 'fail' | 'replace' | undefined;
  /** As in `listen`. */
  readonly mode?: number | undefined;
}

/** UDP, unless `path`, `remotePath` or `type` is given. */
export type BindOptions = UdpBindOptions | UnixBindOptions;

/**
 * What can be told of each received datagram, beside its bytes and sender. Each costs a little, so each is asked for. The
 * kernel notes it from `start` on, paused or not: of what came before, `interfaceIndex` may be missing, and `timestamp` late.
 *
 * | name | field | of |
 * |---|---|---|
 * | `local` | `local`, `interfaceIndex` | UDP |
 * | `ttl`, `trafficClass` | the IP header's fields; the lower two bits of the latter are ECN | UDP |
 * | `timestamp` | when the kernel received it | all |
 */
export type DatagramMeta = 'local' | 'timestamp' | 'trafficClass' | 'ttl';

export interface ReceivedDatagram {
  readonly bytes: Uint8Array;
  /** The sender. Of a Unix socket without a name its `path` is empty. */
  readonly remote: SocketAddress;
  /** Whether `bytes` is only the beginning. */
  readonly truncated: boolean;
  /** Bytes that were sent: more than `bytes` has if it was truncated. */
  readonly length: number;
  /** The address that it was sent to: one's own, a group's, or a broadcast address. */
  readonly local?: IpAddress | undefined;
  /** The interface that it came in by. */
  readonly interfaceIndex?: number | undefined;
  readonly ttl?: number | undefined;
  readonly trafficClass?: number | undefined;
  /** Nanoseconds since 1970, by the kernel's clock. */
  readonly timestamp?: bigint | undefined;
}

/** The receiving end of a message socket's events. Exceptions that it throws are reported as uncaught. */
export interface DatagramSink {
  /** One datagram, perhaps an empty one. The object is the receiver's; whose its bytes are is said by `chunks`. */
  receive(datagram: ReceivedDatagram): void;
  /** `bufferedAmount` has come down to nothing after a `send` answered `false`, or a `sendMany` did not take all. */
  drain?(): void;
  /**
   * Something went wrong that ends nothing: a datagram without a `done` could not be sent, receiving failed, or, where
   * `icmpErrors` asked for them, the network reports that one did not arrive. `remote` says to whom.
   */
  error?(error: SocketError): void;
  /** The last call, exactly once: `null` after one's own `close()` or `abort()`, or when the peer of a seqpacket has closed. */
  close(error: SocketError | null): void;
}

export interface DatagramReadOptions {
  /** Most bytes of one datagram; a longer one arrives cut. Default 65,535, which is also the most. */
  readonly maxSize?: number | undefined;
  /** `owned` (default): the bytes are the receiver's. `view`: valid only during the call, and cheaper. */
  readonly chunks?: 'owned' | 'view' | undefined;
  readonly meta?: readonly DatagramMeta[] | undefined;
}

/** What is sent, and how. Sizes, addresses and ports are read when the call is made; nothing of it is kept. */
export interface OutgoingDatagram {
  readonly bytes: Uint8Array;
  /** An address, not a name. Must be left out on a connected socket, and only there. */
  readonly to?: SocketAddress | undefined;
  /** The address of this machine to send from. Needs `datagram-meta`. */
  readonly from?: IpAddress | undefined;
  /** The interface to send by. Needs `datagram-meta`. */
  readonly interfaceIndex?: number | undefined;
  /** For this datagram alone. Needs `datagram-meta`. */
  readonly ttl?: number | undefined;
  /** For this datagram alone. Needs `datagram-meta`. */
  readonly trafficClass?: number | undefined;
}

/** A multicast group, and where it is joined. */
export interface Membership {
  readonly group: IpAddress;
  /** The interface, by number. Default: the system's choice, by its routes. */
  readonly interfaceIndex?: number | undefined;
  /** The interface, by one of its addresses: in place of `interfaceIndex`. */
  readonly interfaceAddress?: IpAddress | undefined;
  /** Only what this sender sends (source-specific multicast). Needs `ssm`. @see RFC 3678 */
  readonly source?: IpAddress | undefined;
}

/** A socket that sends and receives messages whole, and in the order in which they come. */
export interface Datagram extends SocketBase {
  readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  /** The one peer of a connected socket. */
  readonly remote: SocketAddress | undefined;
  /** What was taken by `send` and not yet by the kernel: of each message its bytes and `MESSAGE_OVERHEAD`, also of an empty one. */
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  /** Datagrams told to the sink. */
  readonly received: number;
  /** Datagrams that the kernel has taken. */
  readonly sent: number;
  /** Datagrams that came and were dropped because nobody read them in time, as far as the provider can know; else 0. */
  readonly drops: number;

  /**
   * Begins to receive. Called again, it replaces sink and options, from the next datagram on. One that had been received by
   * then, and not told, may be as the options before asked for: cut to their `maxSize`, which it tells, and with their `meta`.
   *
   * @throws {ClosedError}
   * @throws {UnsupportedError} `meta` asks for what `capabilities` lacks
   */
  start(sink: DatagramSink, options?: DatagramReadOptions): void;
  /**
   * Stops receiving, after at most the datagram in hand. What is told meanwhile is of sends only: `done`, `drain`, and the
   * `error` of a datagram without a `done`. Other errors, and the end of a seqpacket, are told after `resume`. What comes
   * meanwhile waits in the kernel's buffer, which drops what finds no room, and counts it in `drops`. May be called before
   * `start`.
   */
  pause(): void;
  resume(): void;

  /**
   * Takes one datagram to be sent, after those taken before for the same address. Those of one turn for different addresses
   * may overtake each other, as they may on their way.
   *
   * @param done told, once and never inside `send`, when the datagram is with the kernel or will never be: `EMSGSIZE`,
   *   `ENETUNREACH`, `EACCES` (broadcast without the option), `EPERM` … Without it, failures go to `DatagramSink.error`
   * @returns `false` if `bufferedAmount` is now at or above the high-water mark: `drain` follows
   * @throws {ClosedError}
   * @throws {OverflowError} more than `writeLimit` bytes wait already; nothing was taken
   * @throws {TypeError | RangeError} `message` is not one, or has `to` where it must not, or not where it must
   */
  send(message: OutgoingDatagram, done?: WriteDone): boolean;

  /**
   * Takes datagrams from the first on, until `bufferedAmount` is at or above the high-water mark. The rest is the caller's
   * to send again, after `drain`. Equal sizes to one peer are cheapest, also where other peers'
   * stand between them.
   *
   * @returns how many were taken
   * @throws as `send`, before anything is taken
   */
  sendMany(messages: readonly OutgoingDatagram[]): number;

  /** Joins a group. @throws {SystemError} `EADDRINUSE` if joined already, `EINVAL` if it is no group, `ENODEV` … @throws {UnsupportedError} */
  join(membership: Membership): void;
  /** Leaves a group that was joined with the same words. @throws {SystemError} `EADDRNOTAVAIL` if it was not @throws {UnsupportedError} */
  leave(membership: Membership): void;
  /** The groups joined now, in the order of joining. */
  memberships(): readonly Membership[];

  /** Sends what was taken, then closes. Unread datagrams are dropped. Rejects only if the deadline passes first. */
  close(deadline?: Deadline): Promise<void>;
}
