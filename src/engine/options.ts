/** The socket options of the contract, as this system knows them. */
import type { ConstantName } from '../addon/constant-names.ts';
import type { ErrorNames } from '../addon/system-errors.ts';
import type { NativeModule, NativeReactor } from '../addon/types.ts';
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { KeepAlive, OptionName, SocketOptions } from '../base/options.ts';
import { OPTION_TRANSPORTS } from '../base/options.ts';

type OptionRow = readonly [level: ConstantName, name: ConstantName];

type NumberName = Exclude<OptionName, 'keepAlive'>;

/** Options that are one number, a row each. @see tcp(7), socket(7), ip(7) */
const NUMBERS: Readonly<Record<NumberName, OptionRow>> = {
  noDelay: ['IPPROTO_TCP', 'TCP_NODELAY'],
  userTimeout: ['IPPROTO_TCP', 'TCP_USER_TIMEOUT'],
  receiveBufferSize: ['SOL_SOCKET', 'SO_RCVBUF'],
  sendBufferSize: ['SOL_SOCKET', 'SO_SNDBUF'],
  ttl: ['IPPROTO_IP', 'IP_TTL'],
  trafficClass: ['IPPROTO_IP', 'IP_TOS'],
  broadcast: ['SOL_SOCKET', 'SO_BROADCAST'],
  multicastTtl: ['IPPROTO_IP', 'IP_MULTICAST_TTL'],
  multicastLoopback: ['IPPROTO_IP', 'IP_MULTICAST_LOOP'],
  multicastInterface: ['IPPROTO_IP', 'IP_MULTICAST_IF'],
};

/** Those that have another name on an IPv6 socket. @see ipv6(7) */
const NUMBERS_OF_IPV6: Readonly<Partial<Record<NumberName, OptionRow>>> = {
  ttl: ['IPPROTO_IPV6', 'IPV6_UNICAST_HOPS'],
  trafficClass: ['IPPROTO_IPV6', 'IPV6_TCLASS'],
  multicastTtl: ['IPPROTO_IPV6', 'IPV6_MULTICAST_HOPS'],
  multicastLoopback: ['IPPROTO_IPV6', 'IPV6_MULTICAST_LOOP'],
  multicastInterface: ['IPPROTO_IPV6', 'IPV6_MULTICAST_IF'],
};

/** Those that are answered as true or false. */
const FLAGS: ReadonlySet<OptionName> = new Set<OptionName>(['noDelay', 'broadcast', 'multicastLoopback']);

/** The parts of `keepAlive`. */
const KEEP_ALIVE = {
  idle: 'TCP_KEEPIDLE',
  interval: 'TCP_KEEPINTVL',
  count: 'TCP_KEEPCNT',
} as const;

/** What an option is read from or written to. */
export interface OptionSocket {
  readonly module: NativeModule;
  readonly native: NativeReactor;
  readonly names: ErrorNames;
  readonly handle: number;
  readonly transport: 'tcp' | 'udp' | 'unix';
  readonly family: SocketAddress['family'];
  /** Asked for only when something fails. */
  details(): ErrorDetails;
}

function constant(socket: OptionSocket, name: ConstantName): number {
  const constants: Partial<Record<ConstantName, number>> = socket.module.constants;
  const value = constants[name];
  if (value === undefined) throw new UnsupportedError(`this system has no ${name}`, socket.details());
  return value;
}

function checked(socket: OptionSocket, result: number, syscall: string): number {
  if (result < 0) throw socket.names.error(-result, syscall, socket.details());
  return result;
}

function setNumber(socket: OptionSocket, level: ConstantName, name: ConstantName, value: number): void {
  const { native, handle } = socket;
  const result = native.setOption(handle, constant(socket, level), constant(socket, name), value);
  checked(socket, result, 'setsockopt');
}

function getNumber(socket: OptionSocket, level: ConstantName, name: ConstantName): number {
  const { native, handle } = socket;
  return checked(
    socket,
    native.getOption(handle, constant(socket, level), constant(socket, name)),
    'getsockopt',
  );
}

function setKeepAlive(socket: OptionSocket, value: KeepAlive): void {
  if (typeof value === 'object') {
    for (const part of ['idle', 'interval', 'count'] as const) {
      const number = value[part];
      if (number !== undefined) setNumber(socket, 'IPPROTO_TCP', KEEP_ALIVE[part], number);
    }
  }
  setNumber(socket, 'SOL_SOCKET', 'SO_KEEPALIVE', value === false ? 0 : 1);
}

function getKeepAlive(socket: OptionSocket): KeepAlive {
  if (getNumber(socket, 'SOL_SOCKET', 'SO_KEEPALIVE') === 0) return false;
  return {
    idle: getNumber(socket, 'IPPROTO_TCP', KEEP_ALIVE.idle),
    interval: getNumber(socket, 'IPPROTO_TCP', KEEP_ALIVE.interval),
    count: getNumber(socket, 'IPPROTO_TCP', KEEP_ALIVE.count),
  };
}

const KINDS = { tcp: 'a TCP', udp: 'a UDP', unix: 'a Unix' } as const;

function requireTransport(socket: Pick<OptionSocket, 'details' | 'transport'>, name: OptionName): void {
  if (!OPTION_TRANSPORTS[name].includes(socket.transport))
    throw new UnsupportedError(`${KINDS[socket.transport]} socket has no ${name}`, socket.details());
}

function rowOf(socket: OptionSocket, name: NumberName): OptionRow {
  return (socket.family === 'ipv6' ? NUMBERS_OF_IPV6[name] : undefined) ?? NUMBERS[name];
}

/** @param value as `validateSocketOption` made it @throws {UnsupportedError | SystemError} */
export function setOption(socket: OptionSocket, name: OptionName, value: SocketOptions[OptionName]): void {
  requireTransport(socket, name);
  if (name === 'keepAlive') setKeepAlive(socket, value as KeepAlive);
  else setNumber(socket, ...rowOf(socket, name), Number(value));
}

/** @throws {UnsupportedError | SystemError} */
export function getOption(socket: OptionSocket, name: OptionName): SocketOptions[OptionName] {
  requireTransport(socket, name);
  if (name === 'keepAlive') return getKeepAlive(socket);
  const number = getNumber(socket, ...rowOf(socket, name));
  return FLAGS.has(name) ? number !== 0 : number;
}

/** Sets those of `options` that are there. @throws {UnsupportedError | SystemError} */
export function setOptions(socket: OptionSocket, options: Partial<SocketOptions>): void {
  for (const [name, value] of Object.entries(options)) setOption(socket, name as OptionName, value);
}

/** Asks whether a socket has the options at all. @throws {UnsupportedError} */
export function requireOptions(
  socket: Pick<OptionSocket, 'details' | 'transport'>,
  options: Partial<SocketOptions>,
): void {
  for (const name of Object.keys(options)) requireTransport(socket, name as OptionName);
}
