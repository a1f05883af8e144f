/** What `node:dgram` can set on a UDP socket, and how it names interfaces. */
import type { Socket } from 'node:dgram';
import type { IpFamily } from '../base/address.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { NetworkInterface } from '../base/provider.ts';
import { validateOptionName, validateSocketOption } from '../base/validate.ts';
import { toSystemError } from './node-errors.ts';
import { listInterfaces } from './node-names.ts';

type Setter<N extends OptionName> = (socket: Socket, value: SocketOptions[N], family: IpFamily) => void;

/** How `node:dgram` sets each option; `null` where it cannot. */
const SETTERS: { readonly [N in OptionName]: Setter<N> | null } = {
  noDelay: null,
  keepAlive: null,
  userTimeout: null,
  receiveBufferSize: (socket, value) => {
    socket.setRecvBufferSize(value);
  },
  sendBufferSize: (socket, value) => {
    socket.setSendBufferSize(value);
  },
  ttl: (socket, value) => void socket.setTTL(value),
  trafficClass: null,
  broadcast: (socket, value) => {
    socket.setBroadcast(value);
  },
  multicastTtl: (socket, value) => void socket.setMulticastTTL(value),
  multicastLoopback: (socket, value) => void socket.setMulticastLoopback(value),
  multicastInterface: (socket, value, family) => {
    socket.setMulticastInterface(interfaceText(value, family));
  },
};

/** As Linux has them in a new socket. @see ip(7) */
const NEW_VALUES: Partial<SocketOptions> = {
  ttl: 64,
  broadcast: false,
  multicastTtl: 1,
  multicastLoopback: true,
  multicastInterface: 0,
};

/**
 * An interface as `node:dgram` takes it: one of its IPv4 addresses, or its zone. libuv knows zones by name only, but for
 * Windows, and takes one that it does not know for none (uv_ip6_addr in src/uv-common.c).
 *
 * @param index 0 for the system's choice
 * @throws {UnsupportedError} Node does not tell which interface has the number
 */
export function interfaceText(index: number, family: IpFamily): string {
  if (index === 0) return family === 'ipv4' ? '0.0.0.0' : '::';
  if (family === 'ipv6' && process.platform === 'win32') return `::%${String(index)}`;
  const isOne = (each: NetworkInterface): boolean => each.index === index && each.address.family === family;
  const found = listInterfaces().find(isOne);
  if (found !== undefined) return family === 'ipv4' ? found.address.host : `::%${found.name}`;
  throw new UnsupportedError(
    `Node does not tell which interface has number ${String(index)}: use its address`,
  );
}

function unsupported(name: string): UnsupportedError {
  return new UnsupportedError(`${name}: node:dgram has no such option`, { op: 'option', transport: 'udp' });
}

/** The options of one socket. Node reads only buffer sizes, so of the others what was set is what is answered. */
export class DatagramOptions {
  readonly #socket: Socket;
  readonly #family: IpFamily;
  readonly #values: Partial<SocketOptions> = { ...NEW_VALUES };

  constructor(socket: Socket, family: IpFamily) {
    this.#socket = socket;
    this.#family = family;
  }

  /** @throws {UnsupportedError} */
  get<N extends OptionName>(name: N): SocketOptions[N] {
    if (SETTERS[validateOptionName(name)] === null) throw unsupported(name);
    const value =
      name === 'receiveBufferSize'
        ? this.#socket.getRecvBufferSize()
        : name === 'sendBufferSize'
          ? this.#socket.getSendBufferSize()
          : this.#values[name];
    return value as SocketOptions[N];
  }

  /** @throws {SystemError} @throws {UnsupportedError} */
  set(name: OptionName, value: unknown): void {
    const valid = validateSocketOption(name, value);
    const setter = SETTERS[name] as Setter<OptionName> | null;
    if (setter === null) throw unsupported(name);
    try {
      setter(this.#socket, valid, this.#family);
    } catch (error) {
      if (error instanceof UnsupportedError) throw error;
      throw toSystemError(error, { op: 'option', transport: 'udp' });
    }
    Reflect.set(this.#values, name, valid);
  }

  setAll(options: Partial<SocketOptions>): void {
    for (const [name, value] of Object.entries(options)) this.set(name as OptionName, value);
  }
}

/** Judges options before there is a socket to set them on. @throws {UnsupportedError} one cannot be set */
export function requireDatagramOptions(options: Partial<SocketOptions>): void {
  for (const name of Object.keys(options) as OptionName[])
    if (SETTERS[name] === null) throw unsupported(name);
}
