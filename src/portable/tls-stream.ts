/** The stream that a program has when the handshake is over. */
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { Stream } from '../base/provider.ts';
import type { TlsInfo } from '../base/tls.ts';
import type { TlsStream } from '../base/tls-upgrader.ts';
import type { StreamLimits } from '../base/validate.ts';
import type { Owner } from './owner.ts';
import { PortableStream } from './portable-stream.ts';
import type { OptionTable } from './remembered-options.ts';
import type { TlsTransport } from './tls-transport.ts';

export interface ProtectedSetting {
  /** Its handshake has just ended well, and nothing was read from it yet. */
  readonly socket: TLSSocket;
  readonly transport: TlsTransport;
  readonly raw: Stream;
  readonly limits: StreamLimits;
  readonly clock: Clock;
  readonly info: TlsInfo;
}

/** The options are those of the connection. */
function optionsOf(raw: Stream): OptionTable {
  return {
    get: (name) => raw.get(name),
    set: (name, value) => {
      raw.set(name, value as SocketOptions[OptionName]);
    },
  };
}

/**
 * Tells whether what the peer said in TLS was its end, or its connection has ended without that. The end of the records
 * alone says neither: Node tells both as `end`, so it is asked when the end is put into the socket's queue.
 */
function watchEnd(socket: TLSSocket, transport: TlsTransport): () => boolean {
  let isTruncated = false;
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null) isTruncated = transport.hasEnded;
    return push(chunk, encoding);
  };
  return () => isTruncated;
}

/** A stream of the bytes that `socket` protects. It has the number of `raw`, and keeps the process alive as that one does. */
export function protectedStream(setting: ProtectedSetting): TlsStream {
  const { socket, transport, raw, limits, clock, info } = setting;
  const isTruncated = watchEnd(socket, transport);
  socket.pause();
  // The provider that `raw` belongs to looks after it, and learns of the rest from that one.
  const owner: Owner = {
    clock,
    nextId: () => raw.id,
    opened: () => undefined,
    hold: (_stream, isHeld) => {
      if (isHeld) transport.ref();
      else transport.unref();
    },
    closed: () => undefined,
    over: () => undefined,
    replace: () => undefined,
    tls: undefined,
  };
  const reset = (): void => {
    raw.abort();
    socket.destroy();
  };
  return new PortableStream(socket, {
    owner,
    transport: raw.transport === 'unix' ? 'unix' : 'tcp',
    local: raw.local,
    remote: raw.remote,
    limits,
    options: optionsOf(raw),
    tls: { info, isTruncated, reset },
  });
}
