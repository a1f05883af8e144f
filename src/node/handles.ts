/** Sockets on their way to another process. @see unix(7), SCM_RIGHTS */
import { closeSync } from 'node:fs';
import { BusyError, EndError, ProtocolError, SystemError, UnsupportedError } from '../base/errors.ts';
import type { Datagram, Deadline, Stream } from '../base/provider.ts';
import { requireBytes } from '../base/bytes.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';
import { MAX_INT32 } from '../base/deadline-rules.ts';
import { below } from '../facades/portside/below.ts';
import type { Connection, DatagramSocket } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import type { Descriptor, DescriptorKind } from '../posix/descriptor.ts';
import { Socket } from '../posix/socket.ts';
import type { Context } from './context.ts';
import { requireNative } from './context.ts';
import type { AnySocket } from './file-descriptor.ts';
import { fileDescriptor } from './file-descriptor.ts';
import type { FromFdOptions, SocketOfFd } from './from-fd.ts';
import { fromFd } from './from-fd.ts';
import { takeStream } from './to-duplex.ts';

/** The most handles of one message. @see unix(7), SCM_MAX_FD */
const MOST_HANDLES = 253;
/** The most bytes of one message. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A message begins with the number of its bytes, big-endian. Its handles come with the first byte of that. */
const HEAD = 4;
const CHUNK = 65_536;
const NOTHING = new Uint8Array(0);

/** What came with a message: a socket of another process's, of which this process has a descriptor of its own now. */
export interface Handle<Web extends WebStreams> extends Disposable {
  /** What it is open on. */
  readonly kind: DescriptorKind;
  /** Makes a socket of it, to which it belongs from then on. @throws as `fromFd`; it is then still to be closed */
  open(options?: Omit<FromFdOptions, 'ownership'>): SocketOfFd<Web>;
  /** Gives the descriptor up: the number is the caller's now, to close as well. @throws {ClosedError} */
  detach(): number;
  /** Closes it, unless it was opened or detached. */
  close(): void;
}

export interface HandleMessage<Web extends WebStreams> {
  readonly bytes: Uint8Array;
  /** In the order in which they were sent. Each is the receiver's to open or to close. */
  readonly handles: readonly Handle<Web>[];
}

class ReceivedHandle<Web extends WebStreams> implements Handle<Web> {
  readonly #context: Context<Web>;
  readonly #descriptor: Descriptor;

  constructor(context: Context<Web>, descriptor: Descriptor) {
    this.#context = context;
    this.#descriptor = descriptor;
  }

  get kind(): DescriptorKind {
    return this.#descriptor.kind;
  }

  open(options: Omit<FromFdOptions, 'ownership'> = {}): SocketOfFd<Web> {
    const made = fromFd(this.#context, this.#descriptor.fd, { ...options, ownership: 'take' });
    this.#descriptor.detach();
    return made;
  }

  detach(): number {
    return this.#descriptor.detach();
  }

  close(): void {
    this.#descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Messages with sockets in them, to and from another process over a Unix connection. Sends that are made while another waits
 * take their turn, and so do receives.
 */
export class HandleChannel<Web extends WebStreams> implements Disposable {
  readonly #context: Context<Web>;
  readonly #socket: Socket;
  #sending: Promise<unknown> = Promise.resolve();
  #receiving: Promise<unknown> = Promise.resolve();
  /** What has come of the next message. */
  #bytes: Uint8Array[] = [];
  #length = 0;
  readonly #descriptors: Descriptor[] = [];
  /** Some that came with it could not be taken. */
  #isCut = false;
  #failure: Error | undefined;

  constructor(context: Context<Web>, socket: Socket) {
    this.#context = context;
    this.#socket = socket;
  }

  /**
   * Sends bytes, and with them sockets, and settles when all is with the kernel. Connections, streams and sockets of packets
   * are given away: once they are sent they are closed to their owner here, without a word to their peers. Listeners,
   * datagram sockets and descriptors, which are given as numbers, stay open. A connection that is sent must not have been
   * read from, for what was read ahead would stay here, and nothing may wait to be read or written, until the promise settles.
   *
   * A send that has failed, or was given up, in the middle of its message ends sending for good.
   *
   * @param bytes at most 16 MiB; may be empty
   * @param sockets at most 253
   * @throws {BusyError} a connection among them has been read from, a read or a write waits, or bytes are unsent. Nothing
   *   was sent
   * @throws {UnsupportedError} one has no descriptor
   * @throws {SystemError} `EPIPE` (the peer is gone), `EBADF`, `ETOOMANYREFS`, `ETIMEDOUT` …
   * @throws {ClosedError}
   */
  async send(
    bytes: Uint8Array,
    sockets: readonly (AnySocket | number)[] = [],
    deadline: Deadline = {},
  ): Promise<void> {
    const payload = new Uint8Array(requireBytes(bytes));
    if (payload.length > MOST_BYTES)
      throw outOfRange('bytes', `at most ${String(MOST_BYTES)} bytes`, payload.length);
    if (!Array.isArray(sockets)) throw wrongType('sockets', 'an array of sockets', sockets);
    if (sockets.length > MOST_HANDLES)
      throw outOfRange('sockets', `at most ${String(MOST_HANDLES)} sockets`, sockets.length);
    const list: readonly (AnySocket | number)[] = sockets;
    const turn = this.#sending.then(() => this.#send(payload, list, deadline));
    this.#sending = turn.catch(() => undefined);
    await turn;
  }

  /**
   * The next message; `null` once the peer has ended between two of them.
   *
   * @throws {EndError} the peer ended in the middle of a message
   * @throws {ProtocolError} `ERR_PROTOCOL_LENGTH`: what comes is no message of this channel
   * @throws {SystemError} `EMFILE`: there was no room for all of a message's handles. The message is lost, and the others of
   *   its handles are closed; the next call is for the next message
   * @throws {SystemError} `ETIMEDOUT`, `ECONNRESET` …: what has come of the message is kept for the next call
   * @throws {ClosedError}
   */
  async receive(deadline: Deadline = {}): Promise<HandleMessage<Web> | null> {
    const turn = this.#receiving.then(() => this.#receive(deadline));
    this.#receiving = turn.catch(() => undefined);
    return turn;
  }

  /** Closes the connection, and handles that came and were not told. Again: nothing. */
  close(): void {
    this.#socket.close();
    for (const descriptor of this.#descriptors.splice(0)) descriptor.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #send(
    payload: Uint8Array,
    sockets: readonly (AnySocket | number)[],
    deadline: Deadline,
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const data = new Uint8Array(HEAD + payload.length);
    new DataView(data.buffer).setUint32(0, payload.length);
    data.set(payload, HEAD);
    const descriptors = sockets.map((socket, index) =>
      this.#descriptorOf(socket, `sockets[${String(index)}]`),
    );
    const wait = deadline as { signal?: AbortSignal; timeout?: number };
    let sent = await this.#socket.sendMsgAsync({ data, control: rights(descriptors) }, wait);
    try {
      for (const socket of new Set(sockets)) this.#letGo(socket);
      while (sent < data.length) sent += await this.#socket.sendAsync(data.subarray(sent), wait);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error('a message was not sent to its end');
      throw error;
    }
  }

  #descriptorOf(socket: AnySocket | number, name: string): number {
    if (typeof socket === 'number') return integer(0, MAX_INT32)(socket, name);
    const fd = fileDescriptor(this.#context, socket);
    const { bufferedAmount } = socket as { bufferedAmount?: number };
    if (isRead(socket)) throw new BusyError({ op: 'send', reason: `${name} has been read from` });
    if (bufferedAmount !== undefined && bufferedAmount > 0)
      throw new BusyError({ op: 'send', reason: `${name} has unsent bytes` });
    // Putting nothing back asks whether a read or a write waits, which only the connection knows.
    if ('unread' in socket) socket.unread(NOTHING);
    return fd;
  }

  /** The peer has it: a close would end the connection for both. */
  #letGo(socket: AnySocket | number): void {
    if (typeof socket === 'number') return;
    if (isPackets(socket)) socket.abort();
    if (!isStream(socket)) return;
    const { stream } = takeStream(socket);
    const detachment = requireNative(this.#context, 'send').detach(stream);
    if (detachment !== undefined) closeSync(detachment.fd);
  }

  async #receive(deadline: Deadline): Promise<HandleMessage<Web> | null> {
    const head = await this.#read(HEAD, deadline, true);
    if (head === null) return null;
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (length > MOST_BYTES)
      throw new ProtocolError('ERR_PROTOCOL_LENGTH', `a message of ${String(length)} bytes is announced`, {
        op: 'receive',
        transport: 'unix',
      });
    await this.#read(HEAD + length, deadline, false);
    const whole = this.#take(HEAD + length);
    if (this.#isCut) throw this.#lost();
    const handles = this.#descriptors.splice(0).map((each) => new ReceivedHandle(this.#context, each));
    return { bytes: new Uint8Array(whole.subarray(HEAD)), handles };
  }

  /** Of handles that are told by their place none may be missing. @see unix(7), MSG_CTRUNC */
  #lost(): SystemError {
    this.#isCut = false;
    for (const descriptor of this.#descriptors.splice(0)) descriptor.close();
    const reason = 'not all handles of a message could be taken';
    return new SystemError('EMFILE', { op: 'receive', transport: 'unix', reason });
  }

  /** Reads until there are `count` bytes of the message, and shows them. `null` if the peer ended before the first. */
  async #read(count: number, deadline: Deadline, mayEnd: boolean): Promise<Uint8Array | null> {
    while (this.#length < count) {
      // Never beyond this message: the next one's handles are not to be taken for its own.
      const size = Math.min(count - this.#length, CHUNK);
      const message = await this.#socket.recvMsgAsync(
        { size },
        deadline as { signal?: AbortSignal; timeout?: number },
      );
      this.#descriptors.push(...message.descriptors);
      this.#isCut ||= message.controlTruncated;
      if (message.data.length === 0) {
        if (mayEnd && this.#length === 0) return null;
        throw new EndError(this.#length, 'the end of a message', { op: 'receive', transport: 'unix' });
      }
      this.#bytes.push(message.data);
      this.#length += message.data.length;
    }
    return this.#joined();
  }

  #joined(): Uint8Array {
    const whole = Buffer.concat(this.#bytes);
    this.#bytes = [whole];
    return whole;
  }

  #take(count: number): Uint8Array {
    const whole = this.#joined();
    this.#bytes = [whole.subarray(count)];
    this.#length -= count;
    return whole.subarray(0, count);
  }
}

function isStream(socket: AnySocket): socket is Connection | Stream {
  return 'closeWrite' in socket;
}

/** A connected socket of packets. */
function isPackets(socket: AnySocket): socket is Datagram | DatagramSocket {
  return 'type' in socket && socket.type === 'seqpacket';
}

/** Whether some of what its peer has sent is here, or soon will be, and would not come to the next owner. */
function isRead(socket: AnySocket): boolean {
  if (isStream(socket)) return socket.bytesRead > 0;
  if (!isPackets(socket)) return false;
  const lower = below(socket) as Datagram | undefined;
  return socket.received > 0 || lower?.isPaused === false;
}

type Control = NonNullable<Parameters<Socket['sendMsgAsync']>[0]['control']>;

function rights(descriptors: readonly number[]): Control {
  return descriptors.length === 0 ? [] : [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: descriptors }];
}

/**
 * Makes a channel for sockets of a Unix connection to another process, which does the same at its end. The connection is closed
 * for its owner then, and the channel's. It must not have been read from: sockets that came with what was read are gone.
 *
 * Between the two goes, for each message, its length in four bytes, big-endian, and its bytes; the sockets come with the first
 * of these, as `SCM_RIGHTS`. A program in another language can speak that too.
 *
 * @throws {BusyError} the connection has been read from, a read or a write waits, or bytes are unsent. Nothing has changed
 * @throws {TypeError} it is no Unix connection
 * @throws {UnsupportedError} there is no descriptor below it
 */
export function handleChannel<Web extends WebStreams>(
  context: Context<Web>,
  connection: Connection<Web>,
): HandleChannel<Web> {
  const provider = requireNative(context, 'handleChannel');
  if (connection.transport !== 'unix')
    throw wrongType('connection', 'a Unix connection', connection.transport);
  if (connection.bytesRead > 0)
    throw new BusyError({ op: 'handleChannel', reason: 'the connection has been read from' });
  if (connection.bufferedAmount > 0)
    throw new BusyError({ op: 'handleChannel', reason: 'bytes are unsent: wait until they are written' });
  const stream = below(connection);
  if (stream === undefined || provider.descriptor(stream) === undefined)
    throw new UnsupportedError('there is no descriptor below it', { op: 'handleChannel' });
  const detachment = provider.detach(connection.detach().stream);
  if (detachment === undefined)
    throw new UnsupportedError('there is no descriptor below it', { op: 'handleChannel' });
  return new HandleChannel(context, Socket.fromFd(detachment.fd, 'take'));
}
