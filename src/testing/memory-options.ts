import { SystemError, UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import { OPTION_TRANSPORTS } from '../base/options.ts';
import { DEFAULT_BUFFER_SIZE } from './memory-socket.ts';
import { validateOptionName, validateSocketOption } from '../base/validate.ts';

/** Seconds and counts of tcp(7), which `keepAlive: true` leaves as they are. */
const SYSTEM_TIMING = { idle: 7200, interval: 75, count: 9 } as const;

/** What was set on one socket in memory. */
export class MemoryOptions {
  readonly #transport: 'tcp' | 'udp' | 'unix';
  readonly #changed: (options: SocketOptions) => void;
  #values: SocketOptions = {
    noDelay: false,
    keepAlive: false,
    userTimeout: 0,
    receiveBufferSize: DEFAULT_BUFFER_SIZE,
    sendBufferSize: DEFAULT_BUFFER_SIZE,
    ttl: 64,
    trafficClass: 0,
    broadcast: false,
    multicastTtl: 1,
    multicastLoopback: true,
    multicastInterface: 0,
  };

  /** @param changed told all values at each change; if it throws there is none */
  constructor(
    transport: 'tcp' | 'udp' | 'unix',
    changed: (options: SocketOptions) => void,
    bufferSize: number = DEFAULT_BUFFER_SIZE,
  ) {
    this.#values.receiveBufferSize = bufferSize;
    this.#values.sendBufferSize = bufferSize;
    this.#transport = transport;
    this.#changed = changed;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.#require(validateOptionName(name));
    return this.#values[name];
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    const valid = validateSocketOption(name, value);
    this.#require(name);
    const isTimed = name === 'keepAlive' && typeof valid === 'object';
    const values = { ...this.#values, [name]: isTimed ? { ...SYSTEM_TIMING, ...valid } : valid };
    this.#changed(values);
    this.#values = values;
  }

  setAll(options: Partial<SocketOptions>): void {
    for (const name of Object.keys(options) as OptionName[]) this.set(name, options[name] as never);
  }

  #require(name: OptionName): void {
    const transport = this.#transport;
    if (OPTION_TRANSPORTS[name].includes(transport)) return;
    throw new UnsupportedError(`a ${transport} socket has no ${name}`, {
      op: 'option',
      transport,
      cause: new SystemError('EOPNOTSUPP'),
    });
  }
}
