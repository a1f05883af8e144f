/** Connections for servers of Node's. */
import { closeSync } from 'node:fs';
import type { Server as NetServer } from 'node:net';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { requireObject, wrongType } from '../base/rules.ts';
import type { Connection } from '../facades/portside/types.ts';
import type { WebStreams } from '../facades/portside/web-streams.ts';
import { StreamDuplex } from '../portable/stream-duplex.ts';
import type { Context } from './context.ts';
import { isNative } from './context.ts';
import type { Taken } from './to-duplex.ts';
import { takeStream } from './to-duplex.ts';

const NOTHING = new Uint8Array(0);

/** Settles when all that was written is with the kernel. @throws {BrokenError | ClosedError} */
function flushed(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(NOTHING, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** The connection as a socket of Node's own; `undefined` if there is no descriptor below it. */
function nativeSocket(provider: SocketProvider, taken: Taken, allowHalfOpen: boolean): Socket | undefined {
  if (!isNative(provider) || taken.isEnded) return undefined;
  const detachment = provider.detach(taken.stream);
  if (detachment === undefined) return undefined;
  const { fd } = detachment;
  let socket: Socket;
  try {
    socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  for (const bytes of [detachment.head, taken.head]) if (bytes.length > 0) socket.unshift(Buffer.from(bytes));
  return socket;
}

/**
 * Hands a connection to a server of Node's: an `http.Server`, an `https.Server`, or any other `net.Server`, which need not
 * listen itself, and does not count it among its connections. What was read ahead, or put back by `unread`, is what the server reads first. The connection is closed for its
 * owner then. A connection over a descriptor becomes a true `net.Socket`, so that time limits and keep-alive are as of any
 * other; one that speaks TLS, or is made of another provider, becomes a `Duplex`.
 *
 * Of an `http.Server` that does not listen, `headersTimeout`, `requestTimeout` and `closeIdleConnections` do nothing: Node
 * begins to keep count of connections when the server begins to listen.
 *
 * @returns what the server was given, once what was written before is with the kernel
 * @throws {BusyError} a read or a write waits
 * @throws {ClosedError} the connection is closed
 * @throws {BrokenError} the connection is gone
 */
export async function handToServer<Web extends WebStreams>(
  { provider }: Context<Web>,
  socket: Connection | Stream,
  server: NetServer,
): Promise<Duplex> {
  if (typeof Reflect.get(requireObject(server, 'server'), 'emit') !== 'function')
    throw wrongType('server', 'a net.Server', server);
  const taken = takeStream(socket);
  const { allowHalfOpen } = server as { readonly allowHalfOpen?: boolean };
  const made = await nodeStream(provider, taken, allowHalfOpen === true);
  server.emit('connection', made);
  return made;
}

async function nodeStream(provider: SocketProvider, taken: Taken, allowHalfOpen: boolean): Promise<Duplex> {
  const { stream, ...after } = taken;
  try {
    if (stream.bufferedAmount > 0) await flushed(stream);
    return nativeSocket(provider, taken, allowHalfOpen) ?? new StreamDuplex(stream, { after, allowHalfOpen });
  } catch (error) {
    // It is nobody's any more.
    stream.abort();
    throw error;
  }
}
