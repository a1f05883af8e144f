import type { Socket } from 'node:net';
import { SystemError, UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import { validateOptionName, validateSocketOption } from '../base/validate.ts';

type Setters = { readonly [N in OptionName]: ((socket: Socket, value: SocketOptions[N]) => void) | null };

const MS_PER_SECOND = 1000;
const NO_TIMING = 'keepAlive: node:net can set idle only, not interval or count';

/** How `node:net` sets each option; `null` where it cannot. */
const SETTERS: Setters = {
  noDelay: (socket, value) => void socket.setNoDelay(value),
  keepAlive: (socket, value) => {
    if (isTimed(value)) throw new UnsupportedError(NO_TIMING);
    // 0 leaves the idle time as the system has it.
    const idle = typeof value === 'object' ? (value.idle ?? 0) : 0;
    socket.setKeepAlive(value !== false, idle * MS_PER_SECOND);
  },
  userTimeout: null,
  receiveBufferSize: null,
  sendBufferSize: null,
  ttl: null,
  trafficClass: null,
  broadcast: null,
  multicastTtl: null,
  multicastLoopback: null,
  multicastInterface: null,
};

function setterOf<N extends OptionName>(name: N): NonNullable<Setters[N]> {
  const setter = SETTERS[validateOptionName(name) as N];
  if (setter === null) throw new UnsupportedError(`${name}: node:net has no such option`);
  return setter;
}

/** The options of one connection. */
export interface OptionTable {
  get<N extends OptionName>(name: N): SocketOptions[N];
  set(name: OptionName, value: unknown): void;
}

/** The options of one socket. Node can set some and read none, so what was set is what is answered. */
export class RememberedOptions implements OptionTable {
  readonly #socket: Socket;
  readonly #transport: 'tcp' | 'unix';
  /** As a new socket has them. */
  readonly #values: Pick<SocketOptions, 'noDelay' | 'keepAlive'> = { noDelay: false, keepAlive: false };

  constructor(socket: Socket, transport: 'tcp' | 'unix') {
    this.#socket = socket;
    this.#transport = transport;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    setterOf(name);
    requireTransport(name, this.#transport);
    return Reflect.get(this.#values, name);
  }

  set(name: OptionName, value: unknown): void {
    const valid = validateSocketOption(name, value);
    const setter = setterOf(name) as (socket: Socket, value: SocketOptions[OptionName]) => void;
    requireTransport(name, this.#transport);
    setter(this.#socket, valid);
    Reflect.set(this.#values, name, valid);
  }
}

function isTimed(value: SocketOptions['keepAlive']): boolean {
  return typeof value === 'object' && (value.interval !== undefined || value.count !== undefined);
}

/** A Unix socket has no TCP options: Linux says EOPNOTSUPP. @throws {SystemError} */
function requireTransport(name: OptionName, transport: 'tcp' | 'unix'): void {
  if (transport === 'unix' && name === 'noDelay')
    throw new SystemError('EOPNOTSUPP', { op: 'set', transport });
}

/** Judges options before there is a socket to set them on. @throws {UnsupportedError | SystemError} one cannot be set */
export function requireSettable(options: Partial<SocketOptions>, transport: 'tcp' | 'unix'): void {
  for (const name of Object.keys(options) as OptionName[]) {
    setterOf(name);
    requireTransport(name, transport);
  }
  if (options.keepAlive !== undefined && isTimed(options.keepAlive)) throw new UnsupportedError(NO_TIMING);
}
