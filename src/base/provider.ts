/**
 * The contract between whatever can make sockets and whatever offers them to programs.
 *
 * A **provider** makes streams, listeners and datagram sockets: the native engine, the fallback over `node:net`, the one
 * in memory, one over a wire, or `guard(provider, policy)` around any of them. A **facade** turns a provider into an API
 * that people know. Every provider keeps every promise below; the suites of `portside/testing` hold them to it.
 *
 * - **Order.** Every byte that arrived before the peer's FIN or before an error is delivered first, then `end` or `close`.
 *   The answer to a call comes before the events that the call causes. No callback runs inside the call that asked for
 *   it, except `write`/`send` returning their boolean.
 * - **Once.** Each `done`, each promise and each `close` settles exactly once, also when the socket is closed from inside
 *   any callback, by the peer, by a signal, or by the end of the provider.
 * - **After close.** After `close()` or `abort()` the sink hears only its final `close`, and nothing after it. Other
 *   calls throw `ClosedError`, or reject with it; `close()` again is the same promise; `abort()` again does nothing.
 * - **Ownership.** An `owned` chunk is the receiver's, with an ArrayBuffer of exactly its size; a `view` is valid only
 *   during the call. `write` and `send` have taken the bytes when they return.
 * - **Pressure.** `pause()` stops delivery after at most the chunk in hand; `write` never blocks and never loses; what
 *   is unsent is bounded by the caller heeding `false`, and by `OverflowError` past `writeLimit`. A paused or slow socket
 *   delays no other.
 * - **Half-close.** The peer's FIN ends reading alone; `closeWrite` ends writing alone. When both have ended the stream
 *   closes itself.
 * - **Failure.** Refused, unreachable, timed out, aborted, denied: the promise rejects and no descriptor is left. A
 *   reset behind unread data: the data, then `BrokenError`. Out of descriptors at accept: the listener tells, and
 *   does not spin.
 * - **Datagrams.** An empty datagram is a datagram. One longer than `maxSize` arrives cut, with `truncated` true and its
 *   real length. What the network says of a datagram that was sent (ICMP) is told only where it was asked for, ends no
 *   socket, and does not poison the next send. What has been sent or received is sent or received whole, or not at all.
 * - **TLS.** A stream is upgraded only when it is neither reading nor holding unsent bytes, else the call is refused and the
 *   stream stays as it was. No byte that arrived in the clear is ever delivered as if it had been protected. The peer's
 *   certificate and name are checked unless the caller said otherwise in so many words.
 * - **Lifetime.** Open sockets keep the process alive unless `unref`ed. The end of a provider aborts what is left and
 *   settles everything.
 */
import type { AbortSignalLike } from './abort.ts';
import type { IpAddress, IpFamily, SocketAddress } from './address.ts';
import type { BindOptions, Datagram } from './datagram.ts';
import type { SocketError } from './errors.ts';
import type { OptionName, SocketOptions } from './options.ts';
import type { TlsClientOptions, TlsInfo, TlsServerOptions, UpgradeOptions } from './tls.ts';

export type * from './datagram.ts';
export type * from './tls.ts';

/**
 * What a provider can do. Suites and facades ask for these and never guess from the provider's kind.
 *
 * | capability | meaning |
 * |---|---|
 * | `tcp`, `udp`, `unix` | streams and listeners; datagrams; Unix streams and listeners |
 * | `unix-abstract` | Unix names without a file |
 * | `ipv6` | IPv6 addresses work here |
 * | `tls` | TLS, and the upgrade of open streams |
 * | `unix-datagram`, `unix-seqpacket` | Unix datagram sockets; Unix sockets of sequenced packets |
 * | `multicast`, `ssm` | multicast groups; source-specific multicast |
 * | `datagram-meta` | everything in `DatagramMeta`, and the choice of a source for each send |
 * | `icmp-errors` | the option `icmpErrors` of `bind` |
 * | `accept-pause` | a paused listener leaves connections in the backlog |
 * | `reuse-port` | `reusePort` spreads connections over listeners |
 * | `keep-alive-timing` | `interval` and `count` of `keepAlive` |
 * | `user-timeout` | the option `userTimeout` |
 * | `buffer-sizes` | the options `receiveBufferSize` and `sendBufferSize` |
 * | `option-read` | `get` asks the system, rather than remembering what was set |
 * | `local-bind` | `localAddress` and `localPort` when connecting |
 */
export type Capability =
  | 'accept-pause'
  | 'buffer-sizes'
  | 'datagram-meta'
  | 'icmp-errors'
  | 'ipv6'
  | 'keep-alive-timing'
  | 'local-bind'
  | 'multicast'
  | 'option-read'
  | 'reuse-port'
  | 'ssm'
  | 'tcp'
  | 'tls'
  | 'udp'
  | 'unix'
  | 'unix-abstract'
  | 'unix-datagram'
  | 'unix-seqpacket'
  | 'user-timeout';

/** A value that survives `JSON.stringify` and `JSON.parse`. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Ends an asynchronous call early. Either may be left out. */
export interface Deadline {
  /** Aborting it rejects the call with `signal.reason` and gives back everything the call holds. */
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds after which the call fails with `ETIMEDOUT`; `connect` with a `ConnectError` of such errors. */
  readonly timeout?: number | undefined;
}

/** How much may wait to be sent, as `bufferedAmount` tells it. */
export interface WriteLimits {
  /** Unsent bytes at and above which `write` answers `false`, and `drain` follows. Default 64 KiB. */
  readonly highWaterMark?: number | undefined;
  /**
   * Unsent bytes above which a further `write` throws `OverflowError`. Default 64 MiB. A write that waits may count as
   * `MESSAGE_OVERHEAD` more there, and does if it has a `done`.
   */
  readonly writeLimit?: number | undefined;
}

export interface TcpConnectOptions extends Deadline, WriteLimits {
  /** A name or a numeric address. With `addresses`, only for messages. */
  readonly host: string;
  readonly port: number;
  /** Numeric addresses to dial, already judged: `host` is then not resolved. */
  readonly addresses?: readonly IpAddress[] | undefined;
  /** Use only addresses of this family. */
  readonly family?: IpFamily | undefined;
  /** Milliseconds between the starts of two attempts. Default 250. @see RFC 8305, section 5 */
  readonly attemptDelay?: number | undefined;
  /**
   * Speaks TLS on the connection: `true` for TLS with all its defaults. The time of the handshake counts against `timeout`.
   * The name that is checked is `servername`, or else `host`.
   */
  readonly tls?: TlsClientOptions | true | undefined;
  /** Numeric address to bind to before connecting; its family restricts the addresses that are dialled. */
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Options set before the connection is made. */
  readonly options?: Partial<SocketOptions> | undefined;
}

export interface UnixConnectOptions extends Deadline, WriteLimits {
  /** A file's path, or a NUL and an abstract name. */
  readonly path: string | Uint8Array;
  /** Speaks TLS on the connection. `servername` must be given: a path is no name that a certificate could have. */
  readonly tls?: TlsClientOptions | true | undefined;
  readonly options?: Partial<SocketOptions> | undefined;
}

export type ConnectOptions = TcpConnectOptions | UnixConnectOptions;

interface ListenCommon extends Deadline, WriteLimits {
  /** Connections that the kernel completes and keeps until they are accepted. Default: the system's maximum. */
  readonly backlog?: number | undefined;
  /** Options set on every accepted stream. */
  readonly options?: Partial<SocketOptions> | undefined;
}

interface StreamListenCommon extends ListenCommon {
  /**
   * Speaks TLS on every accepted connection: `accept` is told after the handshake. Handshakes that fail, or take too long,
   * are told to `ListenerSink.error`, and end nothing but themselves.
   */
  readonly tls?: TlsServerOptions | undefined;
}

export interface TcpListenOptions extends StreamListenCommon {
  /** A numeric address of this machine, or `0.0.0.0` or `::` for all. Default `127.0.0.1`: to be reachable is asked for. */
  readonly host?: string | undefined;
  /** Default 0: a free port, told by `local`. */
  readonly port?: number | undefined;
  /** Lets several listeners share the port; the kernel spreads connections (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  /** On `::`, do not take IPv4 connections as well. Default: the system's own, which is to take them. */
  readonly ipv6Only?: boolean | undefined;
}

/** How a Unix path is bound. */
interface UnixPathOptions {
  readonly path: string | Uint8Array;
  /**
   * What to do when the path is taken by a socket on which nobody listens any more: `fail` (default) with `EADDRINUSE`,
   * or `replace` it. A path on which somebody listens, or that is no socket, is never removed.
   */
  readonly stale?: 'fail' | 'replace' | undefined;
  /** Permission bits of the socket's file, such as `0o660`. Default: the process's umask decides. */
  readonly mode?: number | undefined;
}

export interface UnixListenOptions extends StreamListenCommon, UnixPathOptions {}

/** Of a listener for sequenced packets. @see unix(7), SOCK_SEQPACKET */
export interface PacketListenOptions extends ListenCommon, UnixPathOptions {}

export type ListenOptions = TcpListenOptions | UnixListenOptions;

export interface ResolveOptions extends Deadline {
  readonly family?: IpFamily | undefined;
}

/** An address of one of this machine's network interfaces. */
export interface NetworkInterface {
  readonly name: string;
  readonly address: IpAddress;
  /** Leading bits that make the network part. */
  readonly prefixLength: number;
  /** Whether traffic to it never leaves the machine. */
  readonly internal: boolean;
  /** The interface's number, where the provider knows it. @see if_nametoindex(3) */
  readonly index?: number | undefined;
  /** Whether it can send to multicast groups, where the provider knows it. */
  readonly multicast?: boolean | undefined;
}

/** One open socket, as a table or a leak report shows it. */
export interface SocketSnapshot {
  readonly id: number;
  readonly kind: 'stream' | 'listener' | 'datagram';
  readonly transport: 'tcp' | 'udp' | 'unix';
  /** Whether the stream speaks TLS. */
  readonly tls?: boolean | undefined;
  readonly state: 'open' | 'closing';
  readonly local: SocketAddress;
  readonly remote?: SocketAddress | undefined;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** As the socket tells it; of a listener 0. */
  readonly bufferedAmount: number;
  readonly tag?: JsonValue | undefined;
}

export interface SocketProvider extends AsyncDisposable {
  readonly capabilities: ReadonlySet<Capability>;

  /**
   * Connects to a TCP endpoint or a Unix path. A name is resolved, and its addresses are raced (RFC 8305): every
   * attempt that does not win is closed.
   *
   * @throws {ResolveError} the name has no address
   * @throws {ConnectError} every attempt failed, or the time ran out; `errors` has each attempt's own
   * @throws {TlsError} the connection was made, and the handshake failed on it
   * @throws the signal's reason, if it aborts first
   * @throws {DeniedError} a guard said no
   */
  connect(options: ConnectOptions): Promise<Stream>;

  /**
   * Binds and listens. Connections wait in the backlog until the listener is started.
   *
   * @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `EINVAL` …
   * @throws {DeniedError} a guard said no
   */
  listen(options: ListenOptions): Promise<Listener>;

  /**
   * The same for Unix sockets of sequenced packets: what is accepted, and what `bind` makes with `type: 'seqpacket'`, are
   * each other's peers.
   *
   * @throws {UnsupportedError} where `capabilities` lacks `unix-seqpacket`
   */
  listenPackets(options: PacketListenOptions): Promise<PacketListener>;

  /**
   * Makes a bound, or a connected, message socket: UDP, Unix datagrams, or sequenced packets.
   *
   * @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`, `ECONNREFUSED` …
   * @throws {ResolveError} `remote` is a name without an address
   * @throws {UnsupportedError} where `capabilities` lacks what is asked for
   * @throws {DeniedError} a guard said no
   */
  bind(options: BindOptions): Promise<Datagram>;

  /** The addresses of a name, in the order in which they should be tried. Numeric text is answered without a look-up. @throws {ResolveError} */
  resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]>;

  /** The addresses of this machine. Those of interfaces that are down are left out. */
  interfaces(): Promise<readonly NetworkInterface[]>;

  /** What is open now, for tables, consoles and leak reports. */
  sockets(): Iterable<SocketSnapshot>;

  /** Aborts the socket with this number, whoever has it, as its own `abort` does. @returns whether it was open */
  abort(id: number): boolean;

  /** Aborts every socket, settles everything that is pending, and refuses further calls. Again: the same promise. */
  close(): Promise<void>;
}

/** What every socket has. */
export interface SocketBase extends AsyncDisposable {
  /** The socket's number within its provider: the same in snapshots and never used twice. */
  readonly id: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  /** Readable also after the socket has closed. */
  readonly local: SocketAddress;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** The owner's own note. It is kept with the socket and shown in snapshots. */
  tag?: JsonValue | undefined;

  /** Reads an option. @throws {UnsupportedError} `capabilities` lacks it @throws {ClosedError} @throws {SystemError} */
  get<N extends OptionName>(name: N): SocketOptions[N];
  /** Sets an option. @throws {UnsupportedError} `capabilities` lacks it @throws {ClosedError} @throws {SystemError} @throws {TypeError | RangeError} the value is not one */
  set<N extends OptionName>(name: N, value: SocketOptions[N]): void;

  /** Lets the socket keep the process alive (the default). */
  ref(): void;
  /** Lets the process end although the socket is open. */
  unref(): void;

  /** Resets now: unsent bytes are dropped, pending `done`s get `ClosedError`, the peer of a TCP stream sees a reset. */
  abort(): void;
}

/** How a stream hands over what it reads. */
export interface ReadOptions {
  /** Most bytes of one chunk. Default 256 KiB, which is also the most. */
  readonly readSize?: number | undefined;
  /** `owned` (default): each chunk is the receiver's. `view`: valid only during the call, and cheaper. */
  readonly chunks?: 'owned' | 'view' | undefined;
}

/** The receiving end of a stream's events. Exceptions that it throws are reported as uncaught, and hurt no other socket. */
export interface StreamSink {
  /** Never empty. */
  data(chunk: Uint8Array): void;
  /** The peer's FIN: nothing more will be read. The write side stays open. */
  end?(): void;
  /** `bufferedAmount` has come down to nothing after a `write` answered `false`. */
  drain?(): void;
  /** The last call, exactly once: `null` after one's own `close()` or `abort()`, or when both directions have ended. */
  close(error: SocketError | null): void;
}

/** Told, once and never inside `write`, when the bytes are with the kernel (`null`) or will never be. */
export type WriteDone = (error: SocketError | null) => void;

export interface Stream extends SocketBase {
  readonly remote: SocketAddress;
  /** What the handshake agreed on; `undefined` in the clear. */
  readonly tls: TlsInfo | undefined;
  /** Bytes taken by `write` and not yet by the kernel. */
  readonly bufferedAmount: number;
  readonly isPaused: boolean;

  /**
   * Begins to read. Nothing is read before. Called again, it replaces sink and options, from the next chunk on.
   *
   * @throws {ClosedError}
   */
  start(sink: StreamSink, options?: ReadOptions): void;

  /**
   * Stops reading, after at most the chunk in hand. What is told meanwhile is of writes only: `done` and `drain`. An end or
   * an error is told after `resume`. May be called before `start`.
   */
  pause(): void;
  resume(): void;

  /**
   * Takes `bytes` to be sent after all that was written before. An empty write sends nothing, and is done in its turn.
   *
   * @returns `false` if `bufferedAmount` is now at or above the high-water mark: `drain` follows.
   * @throws {ClosedError} after `close`, `abort` or `closeWrite`
   * @throws {BrokenError} the connection is gone
   * @throws {OverflowError} more than `writeLimit` bytes wait already; nothing was taken
   * @throws {TypeError} `bytes` is no Uint8Array, or its buffer is detached
   */
  write(bytes: Uint8Array, done?: WriteDone): boolean;

  /** Sends FIN after what was written. Reading goes on. Again: nothing. @throws {ClosedError} */
  closeWrite(): void;

  /**
   * Speaks TLS from here on (STARTTLS), and answers the stream on which that is done: it has the same `id`, addresses and
   * `tag`, counts protected bytes anew from 0, and is not started. With the call this stream has given its connection
   * away: its sink hears `close(null)`, and calls on it throw `ClosedError`. If the handshake fails the connection is closed.
   *
   * What arrived before and was not delivered, and `head`, are taken as the beginning of the handshake: a peer that sends
   * commands in the clear behind its STARTTLS gets a failed handshake, and they are never obeyed.
   *
   * @throws {BusyError} the stream is reading (it was started, and is not paused), or bytes are unsent. It stays as it was
   * @throws {TlsError} the handshake failed
   * @throws {UnsupportedError} `capabilities` lacks `tls`, or the stream speaks TLS already
   * @throws {ClosedError} after `close` or `abort`
   * @throws {BrokenError} the connection ended
   */
  upgrade(options: UpgradeOptions): Promise<Stream>;

  /**
   * Sends what was written, then FIN, and closes. Unread bytes are dropped. The promise settles when the descriptor is
   * closed; it rejects only if the deadline passes first (the stream is then aborted) or what was written could not be sent.
   */
  close(deadline?: Deadline): Promise<void>;
}

/** The receiving end of a listener's events. */
export interface ListenerSink<S = Stream> {
  /** A new socket. It reads nothing until it is started, and is the receiver's to close. */
  accept(socket: S): void;
  /**
   * Accepting failed for now (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`), and is tried again by itself: after a pause that
   * grows from 50 ms to 1 s, or at once when a socket of this provider closes. Connections wait in the backlog. Or a
   * `TlsError`: the handshake of one connection failed, and nothing else has happened.
   */
  error?(error: SocketError): void;
  /** The last call, exactly once: `null` after one's own `close()`. */
  close(error: SocketError | null): void;
}

export interface Listener<S = Stream> extends SocketBase {
  readonly isPaused: boolean;
  /** Begins to accept. Called again, it replaces the sink. @throws {ClosedError} */
  start(sink: ListenerSink<S>): void;
  /** Leaves connections in the backlog. None is told after this returns. May be called before `start`. */
  pause(): void;
  resume(): void;
  /** Closes the listener. What it has accepted stays open; connections still in the backlog are reset. */
  close(): Promise<void>;
}

/** Accepts sockets of sequenced packets. */
export type PacketListener = Listener<Datagram>;

/** Unsent bytes at which `write` answers `false`, unless asked otherwise. */
export const DEFAULT_HIGH_WATER_MARK: number = 64 * 1024;
/** Unsent bytes past which `write` throws, unless asked otherwise. */
export const DEFAULT_WRITE_LIMIT: number = 64 * 1024 * 1024;
/**
 * Bytes that each message, or write, that waits to be sent counts as beside its own: about what keeping it costs, so that
 * many small ones, and empty ones, are bounded too.
 */
export const MESSAGE_OVERHEAD: number = 256;
/** The most bytes of one chunk. */
export const MAX_READ_SIZE: number = 256 * 1024;
/** The most bytes of one datagram's data, and what `maxSize` is unless asked otherwise. */
export const MAX_DATAGRAM_SIZE: number = 65_535;
