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
import type { TlsCarrier } from './tls-carrier.ts';

export interface ProtectedSetting {
  /** Its handshake has just ended well, and nothing was read from it yet. */
  readonly socket: TLSSocket;
  /** `socket` is attached to it. */
  readonly carrier: TlsCarrier;
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

/** A stream of the bytes that `socket` protects. It has the number of the one below, and keeps the process alive as that does. */
export function protectedStream(setting: ProtectedSetting): TlsStream {
  const { socket, carrier, limits, clock, info } = setting;
  const { raw } = carrier;
  socket.pause();
  // The provider that `raw` belongs to looks after it, and learns of the rest from that one.
  const owner: Owner = {
    clock,
    nextId: () => raw.id,
    opened: () => undefined,
    hold: (_stream, isHeld) => {
      if (socket.destroyed) return;
      if (isHeld) raw.ref();
      else raw.unref();
    },
    closed: () => undefined,
    over: () => undefined,
    replace: () => undefined,
    tls: undefined,
  };
  return new PortableStream(socket, {
    owner,
    transport: raw.transport === 'unix' ? 'unix' : 'tcp',
    local: raw.local,
    remote: raw.remote,
    limits,
    options: optionsOf(raw),
    tls: { info, carrier },
  });
}
