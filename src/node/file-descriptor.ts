/** The descriptors below sockets. */
import { UnsupportedError } from '../base/errors.ts';
import type { Datagram, Listener, SocketBase, Stream } from '../base/provider.ts';
import { requireObject } from '../base/rules.ts';
import { below } from '../facades/portside/below.ts';
import type { Connection, DatagramSocket, Server } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import type { Context } from './context.ts';
import { requireNative } from './context.ts';

/** A socket of this API, or of a provider. */
export type AnySocket =
  | Connection
  | Server<Connection>
  | Server<DatagramSocket>
  | DatagramSocket
  | Stream
  | Listener
  | Listener<Datagram>
  | Datagram;

/**
 * The descriptor of an open socket, lent: it stays the socket's, and is good until that closes. It is for asking and setting
 * what this API has no words for (`ioctl`, options of `portside/posix`). Whoever reads there takes bytes from the socket, and
 * whoever closes it there takes the socket away.
 *
 * @throws {ClosedError} the socket is closed
 * @throws {UnsupportedError} there is no descriptor: the socket speaks TLS, or is not of the native engine
 */
export function fileDescriptor<Web extends WebStreams>(context: Context<Web>, socket: AnySocket): number {
  const provider = requireNative(context, 'fileDescriptor');
  const lower = below(requireObject(socket, 'socket')) ?? (socket as SocketBase);
  const fd = provider.descriptor(lower);
  if (fd === undefined)
    throw new UnsupportedError('there is no descriptor below it', { op: 'fileDescriptor' });
  return fd;
}
