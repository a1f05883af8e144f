/** Streams of Node's as connections. */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { BusyError, ClosedError, SystemError } from '../base/errors.ts';
import type { OptionName } from '../base/options.ts';
import { requireKnown, requireObject, wrongType } from '../base/rules.ts';
import { COMMON } from '../base/validate.ts';
import { judgeAdoption } from '../facades/portside/rules.ts';
import type { Connection } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import { requireDuplexOptions, streamOfDuplex } from '../portable/duplex-stream.ts';
import { readAway, StreamDuplex } from '../portable/stream-duplex.ts';
import { Socket as Descriptor } from '../posix/socket.ts';
import type { Context } from './context.ts';
import { isNative } from './context.ts';
import type { FromFdOptions } from './from-fd.ts';
import { fromFd } from './from-fd.ts';

const OP = { op: 'fromSocket' } as const;

/** How a stream of Node's becomes a connection. */
export type FromSocketOptions = Pick<FromFdOptions, 'highWaterMark' | 'options' | 'readAhead' | 'writeLimit'>;

const NAMES: Readonly<Record<keyof FromSocketOptions, true>> = {
  highWaterMark: true,
  options: true,
  readAhead: true,
  writeLimit: true,
};

/** Node has no public name for it. */
interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

/** @throws {TypeError} it is no Duplex of bytes */
function requireBytesDuplex(value: unknown): Duplex {
  const socket = requireObject(value, 'socket');
  if (!(socket instanceof Duplex)) throw wrongType('socket', 'a net.Socket or another Duplex', socket);
  if (socket.readableObjectMode || socket.writableObjectMode)
    throw wrongType('socket', 'a Duplex of bytes', 'one of objects');
  if (socket.readableEncoding !== null)
    throw wrongType('socket', 'a Duplex without an encoding', socket.readableEncoding);
  return socket;
}

function requireConnected(socket: Duplex): void {
  if (socket.destroyed) throw new ClosedError(OP);
  if (socket instanceof Socket && socket.connecting)
    throw new BusyError({ ...OP, reason: 'the socket is still connecting' });
  if (socket instanceof TLSSocket && Reflect.get(socket, 'secureConnecting') === true)
    throw new BusyError({ ...OP, reason: 'the handshake is still under way' });
  if (socket instanceof Socket && !(socket instanceof TLSSocket) && socket.pending)
    throw new SystemError('ENOTCONN', OP);
}

/** The descriptor that can be taken over: TLS is above one, and not in it. */
function descriptorOf(socket: Duplex): number | undefined {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket) return undefined;
  const fd = (socket as WithHandle)._handle?.fd;
  return fd === undefined || fd < 0 ? undefined : fd;
}

/** Of a duplicate, since Node closes its own. It is not lent: nobody goes on using the connection. */
function overDescriptor<Web extends WebStreams>(
  context: Context<Web>,
  { socket, fd }: { readonly socket: Duplex; readonly fd: number },
  options: FromSocketOptions,
): Connection<Web> {
  if (socket.writableLength > 0)
    throw new BusyError({ ...OP, reason: 'bytes are unsent: wait until they are written' });
  using theirs = Descriptor.fromFd(fd, 'borrow');
  using ours = theirs.dup();
  const made = fromFd(context, ours.fd, { ...options, ownership: 'take' });
  ours.detach();
  if (made.kind !== 'connection') throw wrongType('socket', 'a connected socket', made.kind);
  const connection = made.socket;
  connection.unread(readAway(socket));
  const isWriteEnded = socket.writableEnded;
  socket.destroy();
  // If the connection has broken meanwhile, the next read tells.
  if (isWriteEnded) void connection.closeWrite().catch(() => undefined);
  return connection;
}

function overDuplex<Web extends WebStreams>(
  { front }: Context<Web>,
  socket: Duplex,
  options: FromSocketOptions,
): Connection<Web> {
  const { readAhead } = options;
  const limits = {
    highWaterMark: COMMON.highWaterMark(options.highWaterMark, 'options.highWaterMark'),
    writeLimit: COMMON.writeLimit(options.writeLimit, 'options.writeLimit'),
  };
  const made = COMMON.options(options.options, 'options.options');
  requireDuplexOptions(socket, made);
  const isEnded = socket.readableEnded;
  const isWriteEnded = socket.writableEnded;
  const head = readAway(socket);
  const stream = streamOfDuplex(socket, { limits, options: made });
  const connection = front.adoptStream(stream, { readAhead, head, isEnded });
  if (isWriteEnded) stream.closeWrite();
  return connection;
}

/**
 * Makes a connection of a stream of Node's: a `net.Socket`, a `tls.TLSSocket`, or any other `Duplex` of bytes. What it had read
 * and told nobody is read from the connection first. It is the connection's from then on: nobody else should use it.
 *
 * - A plain `net.Socket` moves to the native engine, where there is one: Node's socket is destroyed, which its owner hears as
 *   `close`, and touches the connection no more (F54).
 * - A duplex that `toDuplex` has made gives the connection back that it was made of, with its limits, and is destroyed.
 * - Every other one is worked on as it is. `connection.tls` tells what the handshake of a `TLSSocket` has agreed on. The
 *   connection is not in `sockets()`, and is not closed with a provider; a `Duplex` that is no socket has no options, and its
 *   addresses are those of a Unix socket without a name.
 *
 * @throws {TypeError} it is no `Duplex`, or one of objects, or has an encoding
 * @throws {BusyError} it is still connecting or shaking hands, or, where it is to be moved, has unsent bytes. It is as it was
 * @throws {ClosedError} it is destroyed
 * @throws {UnsupportedError} it has not an option that was asked for
 * @throws {SystemError} `ENOTCONN` …: it is not connected, or not any more. It is as it was
 */
export function fromSocket<Web extends WebStreams>(
  context: Context<Web>,
  socket: Duplex,
  options: FromSocketOptions = {},
): Connection<Web> {
  requireBytesDuplex(socket);
  requireKnown(requireObject(options, 'options'), NAMES, 'options.');
  judgeAdoption(options);
  requireConnected(socket);
  if (socket instanceof StreamDuplex) {
    const made = COMMON.options(options.options, 'options.options');
    const { stream, head, isEnded } = socket.release();
    const connection = context.front.adoptStream(stream, { readAhead: options.readAhead, head, isEnded });
    for (const [name, value] of Object.entries(made)) connection.set(name as OptionName, value);
    return connection;
  }
  const fd = isNative(context.provider) ? descriptorOf(socket) : undefined;
  return fd === undefined
    ? overDuplex(context, socket, options)
    : overDescriptor(context, { socket, fd }, options);
}
