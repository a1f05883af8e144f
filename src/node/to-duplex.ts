/** Connections as streams of Node. */
import { Duplex } from 'node:stream';
import type { Stream } from '../base/provider.ts';
import type { Leftover } from '../base/reader.ts';
import { requireFunction, requireObject, wrongType } from '../base/rules.ts';
import type { Connection } from '../facades/portside/types.ts';
import type { StreamDuplexOptions } from '../portable/stream-duplex.ts';
import { StreamDuplex } from '../portable/stream-duplex.ts';

/** A stream of the contract, and what was read of it. */
export interface Taken extends Leftover {
  readonly stream: Stream;
}

/** Takes the stream out of a connection. A stream stands for itself. @throws {BusyError | ClosedError | TypeError} */
export function takeStream(socket: Connection | Stream): Taken {
  requireObject(socket, 'socket');
  if ((socket as unknown) instanceof Duplex)
    throw wrongType('socket', 'a connection, which fromSocket makes of streams of Node', socket);
  if ('detach' in socket && 'readExactly' in socket) return socket.detach();
  requireFunction(Reflect.get(socket, 'start'), 'socket.start');
  return { stream: socket, head: new Uint8Array(0), isEnded: false };
}

/**
 * Makes a Node `Duplex` of a connection, or of a stream of a provider, for libraries that want one. What was read ahead is
 * read from the duplex first. The connection is closed for its owner then, and it is the duplex that lives on:
 *
 * - `end()` ends the writing half alone. When both halves have ended the connection is closed.
 * - `destroy()` resets the connection, unless all was sent and ended: then it closes it.
 * - A connection that breaks is told as its `BrokenError`, behind the bytes that came before it.
 *
 * @throws {BusyError} a read or a write waits
 * @throws {ClosedError} the connection is closed
 */
export function toDuplex(
  socket: Connection | Stream,
  options: Omit<StreamDuplexOptions, 'after'> = {},
): StreamDuplex {
  const { stream, ...after } = takeStream(socket);
  return new StreamDuplex(stream, { ...options, after });
}
