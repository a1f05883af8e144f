/** Sockets of Node's as connections. */
import { Socket } from 'node:net';
import { BusyError, ClosedError, UnsupportedError } from '../base/errors.ts';
import { requireObject, wrongType } from '../base/rules.ts';
import type { Connection } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import { Socket as Descriptor } from '../posix/socket.ts';
import type { Context } from './context.ts';
import { requireNative } from './context.ts';
import type { FromFdOptions, SocketOfFd } from './from-fd.ts';
import { fromFd } from './from-fd.ts';

const OP = { op: 'fromSocket' } as const;

/** Node has no public name for it. */
interface WithHandle {
  readonly _handle?: { readonly fd?: number } | null;
}

function requireIdle(socket: Socket): void {
  if (socket.destroyed) throw new ClosedError(OP);
  if (socket.connecting) throw new BusyError({ ...OP, reason: 'the socket is still connecting' });
  if (socket.writableLength > 0)
    throw new BusyError({ ...OP, reason: 'bytes are unsent: wait until they are written' });
}

function descriptorOf(socket: Socket): number {
  if (Reflect.get(socket, 'encrypted') === true)
    throw new UnsupportedError('a TLS socket of Node cannot be taken over', OP);
  const fd = (socket as WithHandle)._handle?.fd;
  if (fd === undefined || fd < 0) throw new UnsupportedError('there is no descriptor below it', OP);
  return fd;
}

/** What the socket has read and told nobody. */
function unreadOf(socket: Socket): Uint8Array {
  socket.unpipe();
  for (const event of ['data', 'readable', 'end']) socket.removeAllListeners(event);
  socket.pause();
  const chunks: Uint8Array[] = [];
  for (let chunk: unknown = socket.read(); chunk instanceof Uint8Array; chunk = socket.read())
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of a duplicate, since Node closes its own. It is not lent: nobody goes on using the connection. */
function fromDuplicate<Web extends WebStreams>(
  context: Context<Web>,
  fd: number,
  options: Omit<FromFdOptions, 'head' | 'ownership'>,
): SocketOfFd<Web> {
  using theirs = Descriptor.fromFd(fd, 'borrow');
  using ours = theirs.dup();
  const made = fromFd(context, ours.fd, { ...options, ownership: 'take' });
  ours.detach();
  return made;
}

/**
 * Takes a connected `net.Socket` over: what it had read and told nobody is read from the connection first. Node's socket is
 * destroyed, which its owner hears as `close`, and touches the connection no more (F54).
 *
 * @throws {TypeError} it is no `net.Socket`, or has an encoding
 * @throws {BusyError} it is still connecting, or has unsent bytes. It is as it was
 * @throws {ClosedError} it is destroyed
 * @throws {UnsupportedError} it speaks TLS, or there is no native engine
 * @throws {SystemError} `ENOTCONN` …: the connection is gone already. The socket is as it was
 */
export function fromSocket<Web extends WebStreams>(
  context: Context<Web>,
  socket: Socket,
  options: Omit<FromFdOptions, 'head' | 'ownership'> = {},
): Connection<Web> {
  if (!(requireObject(socket, 'socket') instanceof Socket)) throw wrongType('socket', 'a net.Socket', socket);
  if (socket.readableEncoding !== null)
    throw wrongType('socket', 'a socket without an encoding', socket.readableEncoding);
  requireNative(context, OP.op);
  requireIdle(socket);
  const made = fromDuplicate(context, descriptorOf(socket), options);
  if (made.kind !== 'connection') throw wrongType('socket', 'a connected socket', made.kind);
  const connection = made.socket;
  connection.unread(unreadOf(socket));
  const isWriteEnded = socket.writableEnded;
  socket.destroy();
  // If the connection has broken meanwhile, the next read tells.
  if (isWriteEnded) void connection.closeWrite().catch(() => undefined);
  return connection;
}
