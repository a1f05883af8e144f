/**
 * The promise API: what a program holds. `createPortside` makes it over any provider; `portside` offers it over this
 * machine's own sockets.
 */
import type { IpAddress, SocketAddress } from '../../base/address.ts';
import type { Datagram, Membership, ReceivedDatagram } from '../../base/datagram.ts';
import type { OptionName, SocketOptions } from '../../base/options.ts';
import type {
  Deadline,
  JsonValue,
  Listener,
  NetworkInterface,
  PacketListener,
  ResolveOptions,
  SocketSnapshot,
  Stream,
} from '../../base/provider.ts';
import type { TlsInfo, UpgradeOptions } from '../../base/tls.ts';
import type {
  AdoptDatagramOptions,
  AdoptListenerOptions,
  AdoptStreamOptions,
  BindOptions,
  ConnectOptions,
  DatagramToSend,
  Endpoint,
  GroupMembership,
  LinesOptions,
  ListenOptions,
  ListenPacketsOptions,
  ReadUntilOptions,
  SendOptions,
  ServeOptions,
  Writable,
} from './options.ts';
import type { WebStreams } from './web-streams.ts';

export type * from './options.ts';

/** What every socket of this API has. */
interface FrontSocket extends AsyncDisposable {
  /** The socket's number within its provider: the same in `sockets()` and never used twice. */
  readonly id: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  /** Readable also after the socket has closed. */
  readonly local: SocketAddress;
  /** The owner's own note, shown by `sockets()`. */
  tag?: JsonValue | undefined;
  /** Lets the socket keep the process alive (the default). */
  ref(): void;
  /** Lets the process end although the socket is open. */
  unref(): void;
  /** Reads an option. @throws {UnsupportedError} @throws {ClosedError} @throws {SystemError} */
  get<N extends OptionName>(name: N): SocketOptions[N];
  /** Sets an option. @throws {UnsupportedError} @throws {ClosedError} @throws {SystemError} @throws {TypeError | RangeError} */
  set<N extends OptionName>(name: N, value: SocketOptions[N]): void;
}

/** A stream that was taken out of a connection, and what had been read of it ahead. */
export interface Detached {
  /** Paused. `start` it with a sink of your own, then `resume` it. */
  readonly stream: Stream;
  /** Bytes that were read and come before whatever the stream tells. Empty if there are none. */
  readonly head: Uint8Array;
  /** The stream has told its end already, and will not tell it again. */
  readonly isEnded: boolean;
}

/**
 * A connection. Reading and writing are two directions that end each by itself; reads that are made while another waits
 * take their turn, and so do writes. Iterating reads chunks to the end; leaving the loop leaves the connection open.
 *
 * A call that ends by its `signal` or `timeout` has read nothing: the bytes are the next call's.
 */
export interface Connection<Web extends WebStreams = WebStreams>
  extends FrontSocket, AsyncIterable<Uint8Array> {
  readonly transport: 'tcp' | 'unix';
  readonly remote: SocketAddress;
  /** What the TLS handshake agreed on; `undefined` in the clear. */
  readonly tls: TlsInfo | undefined;
  /** Bytes taken from the kernel, those read ahead included. */
  readonly bytesRead: number;
  /** Bytes that the kernel has taken. */
  readonly bytesWritten: number;
  /** Bytes written that the kernel has not taken yet. */
  readonly bufferedAmount: number;

  /**
   * The next bytes, as soon as there are any; `null` once the peer has ended and everything before that is read. They are
   * the caller's.
   *
   * @param max most bytes to answer with. Default: whatever came in one piece
   * @throws {ClosedError} the connection was closed by its owner
   * @throws {BrokenError} the connection broke; what arrived before is read first
   * @throws {SystemError} `ETIMEDOUT`
   */
  read(max?: number, deadline?: Deadline): Promise<Uint8Array | null>;
  /**
   * Exactly so many bytes. If it fails, what has arrived is still there to be read.
   *
   * @throws {EndError} the peer ended before; `received` says how many came
   * @throws as `read`
   */
  readExactly(count: number, deadline?: Deadline): Promise<Uint8Array>;
  /**
   * Everything up to the next delimiter, with it. If it fails, what has arrived is still there to be read.
   *
   * @param delimiter bytes, or text that stands for its UTF-8; not empty
   * @throws {EndError} the peer ended before; `received` says how many bytes came
   * @throws {LimitError} there is no delimiter within `limit` bytes
   * @throws as `read`
   */
  readUntil(delimiter: string | Uint8Array, options?: ReadUntilOptions): Promise<Uint8Array>;
  /**
   * Puts bytes back in front of what comes: they are the next ones to be read. So a program can look at the beginning of what
   * a peer says before it decides who is to hear it.
   *
   * @throws {BusyError} a read or a write waits
   * @throws {ClosedError}
   */
  unread(bytes: Uint8Array): void;
  /**
   * The lines of what comes, without their ends: LF, or CR and LF. A last line without an end is one too. `signal` ends the
   * iteration with its reason; `timeout` is for each line.
   *
   * @throws {LimitError} a line is too long; nothing of it is lost
   * @throws {ProtocolError} `ERR_PROTOCOL_TEXT`: a line is not UTF-8; it has been read
   * @throws as `read`
   */
  lines(options?: LinesOptions): AsyncGenerator<string, void, undefined>;
  /** The chunks of what comes, to the end, as iterating the connection itself does; `timeout` is for each chunk. @throws as `read` */
  chunks(deadline?: Deadline): AsyncGenerator<Uint8Array, void, undefined>;

  /**
   * Writes, and settles when more may be written: at once, unless `bufferedAmount` has reached the high-water mark, and
   * then when all of this is with the kernel. The bytes have been taken when the call returns, also if it then ends by its
   * deadline. That the peer has got them is told by its answer alone.
   *
   * @throws {ClosedError} after `close`, `abort` or `closeWrite`
   * @throws {BrokenError} the connection is gone
   * @throws {OverflowError} more than `writeLimit` bytes wait already; nothing was taken
   * @throws {SystemError} `ETIMEDOUT`
   */
  write(data: Writable, deadline?: Deadline): Promise<void>;
  /** Ends writing (FIN), after what was written, and settles when that is with the kernel. Reading goes on. @throws as `write` */
  closeWrite(deadline?: Deadline): Promise<void>;
  /**
   * Sends what was written, ends, and closes. Unread bytes are dropped. Rejects only if the deadline passes first (the
   * connection is then aborted), or what was written could not be sent.
   */
  close(deadline?: Deadline): Promise<void>;
  /** Resets now: what is unsent is dropped, and the peer of a TCP connection sees a reset. */
  abort(): void;

  /**
   * Speaks TLS from here on (STARTTLS), and answers the connection on which that is done; this one is then closed. What was
   * written is sent before; what was read ahead is taken as the beginning of the handshake, and never as if it had been
   * protected.
   *
   * @throws {BusyError} a read or a write waits. Nothing has changed
   * @throws {TlsError} the handshake failed, and the connection is closed
   * @throws {BrokenError} the peer has ended the connection
   * @throws {UnsupportedError} the provider has no TLS, or the connection speaks it already. Nothing has changed
   */
  upgrade(options?: UpgradeOptions): Promise<Connection<Web>>;
  /**
   * Gives the stream away. This connection is then closed for its owner, and the stream is not.
   *
   * @throws {BusyError} a read or a write waits
   * @throws {ClosedError}
   */
  detach(): Detached;

  /**
   * The reading direction as a byte stream (BYOB works), of which each chunk is read when it is asked for. Cancelling it
   * ends reading; the connection closes when writing has ended too.
   */
  readonly readable: Web['readable'];
  /**
   * The writing direction. Closing it is `closeWrite`, aborting it is `abort`. Takes text, buffers and views. From its first use on
   * the connection reads ahead, so that a writer's `closed` rejects as soon as the connection has broken.
   */
  readonly writable: Web['writable'];
}

/** Accepts connections. Iterating accepts them until the server is closed; leaving the loop leaves it open. */
export interface Server<S> extends FrontSocket, AsyncIterable<S> {
  readonly transport: 'tcp' | 'unix';

  /**
   * The next connection; it is the caller's to close. Calls made while another waits take their turn.
   *
   * @throws {ClosedError} the server is closed
   * @throws {SystemError} `ETIMEDOUT`
   */
  accept(deadline?: Deadline): Promise<S>;

  /**
   * Runs `handler` for each connection, and closes the connection when the handler's promise settles; if it rejects, the
   * connection is aborted. The handlers run in the asynchronous context of this call.
   *
   * @returns when the server has been closed, or `signal` has aborted, and no handler runs any more
   * @throws the error with which the server ended, if it was not closed by its owner
   */
  serve(handler: (socket: S) => unknown, options?: ServeOptions): Promise<void>;

  /** Closes the server, which ends iterations. What was accepted and handed over stays open; what waits is reset. */
  close(): Promise<void>;
}

/**
 * A socket of messages: UDP, Unix datagrams, or sequenced packets. Iterating receives them until the socket is closed;
 * leaving the loop leaves it open.
 */
export interface DatagramSocket extends FrontSocket, AsyncIterable<ReceivedDatagram> {
  readonly type: 'datagram' | 'seqpacket';
  /** The one peer of a connected socket. */
  readonly remote: SocketAddress | undefined;
  /** Datagrams taken from the kernel, those that wait to be received included. */
  readonly received: number;
  /** Datagrams that the kernel has taken. */
  readonly sent: number;
  /** Datagrams that came and were dropped because nobody received them in time, as far as the provider can know; else 0. */
  readonly drops: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly bufferedAmount: number;

  /**
   * The next datagram. Calls made while another waits take their turn.
   *
   * @throws {ClosedError} the socket is closed, or the peer of a seqpacket has closed
   * @throws {SystemError} `ETIMEDOUT`
   */
  receive(deadline?: Deadline): Promise<ReceivedDatagram>;
  /**
   * Sends one datagram, and settles when it is with the kernel, or will never be.
   *
   * @param to an address, not a name. Left out on a connected socket, and only there
   * @throws {SystemError} `EMSGSIZE`, `ENETUNREACH`, `EACCES`, `ETIMEDOUT` …
   * @throws {ClosedError}
   * @throws {OverflowError} more than `writeLimit` bytes wait already; nothing was taken
   */
  send(data: string | Uint8Array, to?: Endpoint, options?: SendOptions): Promise<void>;
  /**
   * Sends datagrams in order, as fast as the kernel takes them, and settles when each has been.
   *
   * @throws the first error, once each of them has been sent or has failed
   */
  sendMany(datagrams: Iterable<DatagramToSend>, deadline?: Deadline): Promise<void>;

  /** Joins a multicast group. @throws {SystemError} `EADDRINUSE`, `EINVAL`, `ENODEV` … @throws {UnsupportedError} */
  join(membership: GroupMembership | string): void;
  /** Leaves a group that was joined with the same words. @throws {SystemError} `EADDRNOTAVAIL` @throws {UnsupportedError} */
  leave(membership: GroupMembership | string): void;
  /** The groups joined now, in the order of joining. */
  memberships(): readonly Membership[];

  /** Sends what was taken, then closes, which ends iterations. Unread datagrams are dropped. */
  close(deadline?: Deadline): Promise<void>;
  /** Closes now: what is unsent is dropped. */
  abort(): void;
}

/** One open socket, with what this API knows of it beyond the provider. */
export interface SocketRow extends SocketSnapshot {
  /** Milliseconds since it was opened, if that was done here. */
  readonly age?: number | undefined;
  /** Datagrams, of a socket of these: taken from the kernel, taken by it, and dropped by it. */
  readonly received?: number | undefined;
  readonly sent?: number | undefined;
  readonly drops?: number | undefined;
  /** Where it was opened, if stacks were being recorded then. */
  readonly openedAt?: string | undefined;
}

/** The promise API over one provider. Its functions may be taken out of the object. */
export interface Portside<Web extends WebStreams = WebStreams> {
  /**
   * Connects. A name is resolved, and its addresses are raced (RFC 8305).
   *
   * @throws {ResolveError} the name has no address
   * @throws {ConnectError} every attempt failed, or the time ran out
   * @throws {TlsError} the connection was made, and the handshake failed on it
   * @throws the signal's reason, if it aborts first
   */
  readonly connect: (options: ConnectOptions) => Promise<Connection<Web>>;
  /** Listens. @throws {SystemError} `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES` … */
  readonly listen: (options?: ListenOptions) => Promise<Server<Connection<Web>>>;
  /** Listens for sequenced packets. @throws {UnsupportedError} the provider has none @throws {SystemError} */
  readonly listenPackets: (options: ListenPacketsOptions) => Promise<Server<DatagramSocket>>;
  /** Makes a socket of messages. @throws {SystemError} @throws {ResolveError} @throws {UnsupportedError} */
  readonly bind: (options?: BindOptions) => Promise<DatagramSocket>;
  /** Makes a connection of a stream: the way back from `connection.detach()`. The stream is the connection's from then on. */
  readonly adoptStream: (stream: Stream, options?: AdoptStreamOptions) => Connection<Web>;
  /** Makes a server of a listener, which is the server's from then on. */
  readonly adoptListener: (listener: Listener, options?: AdoptListenerOptions) => Server<Connection<Web>>;
  /** Makes a server of a listener for sequenced packets. */
  readonly adoptPacketListener: (
    listener: PacketListener,
    options?: AdoptDatagramOptions & AdoptListenerOptions,
  ) => Server<DatagramSocket>;
  /** Makes a socket of this API of one of the provider's, which is the new one's from then on. */
  readonly adoptDatagram: (datagram: Datagram, options?: AdoptDatagramOptions) => DatagramSocket;
  /** The same as `connection.upgrade(options)`. */
  readonly upgrade: (connection: Connection<Web>, options?: UpgradeOptions) => Promise<Connection<Web>>;
  /** The addresses of a name, in the order in which they should be tried. @throws {ResolveError} */
  readonly resolve: (host: string, options?: ResolveOptions) => Promise<readonly IpAddress[]>;
  /** The addresses of this machine. */
  readonly interfaces: () => Promise<readonly NetworkInterface[]>;
  /** What is open now. */
  readonly sockets: () => readonly SocketRow[];
}
