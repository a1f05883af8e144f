/** The promise API: what its calls are given. */
import type { IpAddress, IpFamily, SocketAddress } from '../../base/address.ts';
import type { DatagramMeta, OutgoingDatagram } from '../../base/datagram.ts';
import type { SocketError } from '../../base/errors.ts';
import type { SocketOptions } from '../../base/options.ts';
import type { Deadline, WriteLimits } from '../../base/provider.ts';
import type { TlsClientOptions, TlsServerOptions } from '../../base/tls.ts';

/** A host and a port; the address that a socket tells is one too. */
export interface HostAndPort {
  /** A numeric address, or, where something is connected to, a name. */
  readonly host: string;
  readonly port: number;
  readonly family?: IpFamily | undefined;
  /** The IPv6 zone, such as `eth0`. */
  readonly scope?: string | undefined;
}

/** A Unix socket's path: a file's, or a NUL and an abstract name. */
export interface UnixPath {
  readonly path: string | Uint8Array;
  readonly family?: 'unix' | undefined;
}

/**
 * An address, as an object or as text: `example.com:80`, `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/run/x.sock`,
 * `unix:@abstract`. Text is read strictly: a port is never left out, and nothing is a path that does not begin with `unix:`.
 */
export type Endpoint = string | HostAndPort | UnixPath;

/** One's own address. Of an object the host may be left out, and the port, which is then a free one. */
export type LocalEndpoint =
  Endpoint | { readonly host?: string | undefined; readonly port?: number | undefined };

/** What is written: bytes, text (sent as UTF-8), or several of them, which go out together. */
export type Writable = string | Uint8Array | readonly (string | Uint8Array)[];

interface ConnectionOptions extends WriteLimits {
  /**
   * Most bytes that are read ahead of what the program asks for. Default 128 KiB. Nothing at all is read before the first
   * read, or the first use of `writable`.
   */
  readonly readAhead?: number | undefined;
  /** Socket options: of `connect` set before the connection is made, of `listen` on every accepted one. */
  readonly options?: Partial<SocketOptions> | undefined;
}

export interface ConnectOptions extends Deadline, ConnectionOptions {
  readonly to: Endpoint;
  /** Speaks TLS: `true` for TLS with all its defaults. The certificate must have the name that was connected to. */
  readonly tls?: TlsClientOptions | true | undefined;
  /** Use only addresses of this family. */
  readonly family?: IpFamily | undefined;
  /** Numeric addresses to dial, already judged: the host of `to` is then not resolved. */
  readonly addresses?: readonly IpAddress[] | undefined;
  /** Milliseconds between the starts of two attempts. Default 250. @see RFC 8305, section 5 */
  readonly attemptDelay?: number | undefined;
  /** Numeric address to bind to before connecting. */
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

interface ServerOptions extends Deadline {
  /** Connections that the kernel completes and keeps until they are accepted. Default: the system's maximum. */
  readonly backlog?: number | undefined;
  /**
   * Most connections that are accepted before the program asks for them. Default 16. None is accepted before the first
   * `accept`, and the rest waits in the kernel's backlog, where the provider can leave it there (`accept-pause`).
   */
  readonly acceptAhead?: number | undefined;
  /**
   * Told of what goes wrong and ends nothing: accepting failed for now (`EMFILE` …), the handshake of one connection failed
   * (`TlsError`). Default: a process warning, once for each code.
   */
  readonly onError?: ((error: SocketError) => void) | undefined;
  /** What to do when the path is taken by a socket on which nobody listens: `fail` (default), or `replace` it. */
  readonly stale?: 'fail' | 'replace' | undefined;
  /** Permission bits of the socket's file, such as `0o660`. Default: the process's umask decides. */
  readonly mode?: number | undefined;
}

export interface ListenOptions extends ServerOptions, ConnectionOptions {
  /** A numeric address of this machine and a port, or a Unix path. Default: a free port of `127.0.0.1`. */
  readonly on?: LocalEndpoint | undefined;
  /** Speaks TLS on every accepted connection: it is told after the handshake. */
  readonly tls?: TlsServerOptions | undefined;
  /** Lets several listeners share the port; the kernel spreads connections (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  /** On `::`, do not take IPv4 connections as well. */
  readonly ipv6Only?: boolean | undefined;
}

/** How datagrams are received. */
interface ReceiveOptions {
  /** Most bytes of one datagram; a longer one arrives cut. Default 65,535, which is also the most. */
  readonly maxSize?: number | undefined;
  /** What is told of each datagram besides its bytes and sender. */
  readonly meta?: readonly DatagramMeta[] | undefined;
  /** Datagrams that wait to be received before no more are taken from the kernel. Default 256. */
  readonly maxQueued?: number | undefined;
  /** Bytes that wait to be received before no more are taken from the kernel. Default 1 MiB. */
  readonly maxQueuedBytes?: number | undefined;
  /** Told of what goes wrong and ends nothing, such as ICMP errors where `icmpErrors` asked for them. Default: a process warning, once for each code. */
  readonly onError?: ((error: SocketError) => void) | undefined;
  readonly options?: Partial<SocketOptions> | undefined;
}

export interface ListenPacketsOptions extends ServerOptions, ReceiveOptions, WriteLimits {
  /** A Unix path. */
  readonly on: Endpoint;
}

export interface BindOptions extends Deadline, WriteLimits, ReceiveOptions {
  /** A numeric address, or a Unix path. Default: a free port of all addresses; a Unix socket without a name if `to` or `type` says so. */
  readonly on?: LocalEndpoint | undefined;
  /** Connects the socket: it sends there, and hears nobody else. */
  readonly to?: Endpoint | undefined;
  /** Of Unix sockets: `datagram` (default), or `seqpacket`, which must have `to`. */
  readonly type?: 'datagram' | 'seqpacket' | undefined;
  /** Resolves the name of `to` to an address of this family. */
  readonly family?: IpFamily | undefined;
  /** Lets sockets share the address; each multicast datagram comes to all of them (SO_REUSEADDR). */
  readonly reuseAddress?: boolean | undefined;
  /** Lets sockets share the address; the kernel spreads unicast datagrams over them (SO_REUSEPORT). */
  readonly reusePort?: boolean | undefined;
  /** On `::`, do not receive over IPv4 as well. */
  readonly ipv6Only?: boolean | undefined;
  /** Has errors that the network reports (ICMP) told to `onError`. Default false. */
  readonly icmpErrors?: boolean | undefined;
  readonly stale?: 'fail' | 'replace' | undefined;
  readonly mode?: number | undefined;
}

export interface ReadUntilOptions extends Deadline {
  /** Most bytes that the answer may have, with the delimiter. Default 64 KiB. */
  readonly limit?: number | undefined;
}

export interface LinesOptions extends Deadline {
  /** Most bytes of one line, with its end. Default 64 KiB. */
  readonly limit?: number | undefined;
  /** Default `utf-8`. With `latin1` each byte is one character. */
  readonly encoding?: 'latin1' | 'utf-8' | undefined;
  /** What a line does that is not UTF-8: it ends the reading with a `ProtocolError` (`error`, default), or has U+FFFD in it. */
  readonly invalid?: 'error' | 'replace' | undefined;
}

export interface ServeOptions {
  /** Ends serving: the server is closed, and the handlers that run are waited for. */
  readonly signal?: Deadline['signal'];
  /** Most handlers that run at once; further connections wait. Default: no limit. */
  readonly maxConnections?: number | undefined;
  /** Milliseconds that handlers have from the end of serving on; their connections are then aborted. Default: no limit. */
  readonly grace?: number | undefined;
  /** Milliseconds for the close of a connection after its handler. Default 10,000; it is then aborted. */
  readonly closeTimeout?: number | undefined;
  /**
   * Told what a handler has thrown; its connection has been aborted. Default: a process warning, for errors of sockets once
   * for each code.
   */
  readonly onError?:
    ((error: unknown, socket: { readonly remote: SocketAddress | undefined }) => void) | undefined;
}

/** How one datagram is sent. */
export interface SendOptions
  extends Deadline, Pick<OutgoingDatagram, 'from' | 'interfaceIndex' | 'trafficClass' | 'ttl'> {}

/** One datagram of `sendMany`. */
export interface DatagramToSend extends Omit<SendOptions, 'signal' | 'timeout'> {
  readonly data: string | Uint8Array;
  readonly to?: Endpoint | undefined;
}

/** A multicast group and where it is joined, with addresses as text or as objects. */
export interface GroupMembership {
  readonly group: string | IpAddress;
  /** The interface, by number. Default: the system's choice, by its routes. */
  readonly interfaceIndex?: number | undefined;
  /** The interface, by one of its addresses: in place of `interfaceIndex`. */
  readonly interfaceAddress?: string | IpAddress | undefined;
  /** Only what this sender sends (source-specific multicast). */
  readonly source?: string | IpAddress | undefined;
}

/** How a stream that is there already becomes a connection. */
export interface AdoptStreamOptions {
  /** As of `connect`. */
  readonly readAhead?: number | undefined;
  /** Bytes that were read from it already, and are to be read again, first. Of `Detached`. */
  readonly head?: Uint8Array | undefined;
  /** Whether the stream has told its end already. Of `Detached`. Default false. */
  readonly isEnded?: boolean | undefined;
}

/** How a listener that is there already becomes a server. */
export type AdoptListenerOptions = Pick<ListenOptions, 'acceptAhead' | 'onError' | 'readAhead'>;

/** How a message socket that is there already becomes one of this API. */
export type AdoptDatagramOptions = Pick<
  BindOptions,
  'maxQueued' | 'maxQueuedBytes' | 'maxSize' | 'meta' | 'onError'
>;
