/** The socket options of the contract, as this system knows them. */
import type { ConstantName } from '../addon/constant-names.ts';
import type { ErrorNames } from '../addon/system-errors.ts';
import type { NativeModule, NativeReactor } from '../addon/types.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { KeepAlive, OptionName, SocketOptions } from '../base/options.ts';

interface OptionRow {
  readonly level: ConstantName;
  readonly name: ConstantName;
  /** Whether Unix sockets have it too. */
  readonly unix: boolean;
}

/** Options that are one number, a row each. @see tcp(7), socket(7) */
const NUMBERS: Readonly<Record<Exclude<OptionName, 'keepAlive'>, OptionRow>> = {
  noDelay: { level: 'IPPROTO_TCP', name: 'TCP_NODELAY', unix: false },
  userTimeout: { level: 'IPPROTO_TCP', name: 'TCP_USER_TIMEOUT', unix: false },
  receiveBufferSize: { level: 'SOL_SOCKET', name: 'SO_RCVBUF', unix: true },
  sendBufferSize: { level: 'SOL_SOCKET', name: 'SO_SNDBUF', unix: true },
};

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
  readonly isUnix: boolean;
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

function requireTcp(socket: OptionSocket, name: OptionName, isForUnix: boolean): void {
  if (socket.isUnix && !isForUnix)
    throw new UnsupportedError(`a Unix socket has no ${name}`, socket.details());
}

/** @param value as `validateSocketOption` made it @throws {UnsupportedError | SystemError} */
export function setOption(socket: OptionSocket, name: OptionName, value: SocketOptions[OptionName]): void {
  if (name === 'keepAlive') {
    requireTcp(socket, name, false);
    setKeepAlive(socket, value as KeepAlive);
    return;
  }
  const row = NUMBERS[name];
  requireTcp(socket, name, row.unix);
  setNumber(socket, row.level, row.name, Number(value));
}

/** @throws {UnsupportedError | SystemError} */
export function getOption(socket: OptionSocket, name: OptionName): SocketOptions[OptionName] {
  if (name === 'keepAlive') {
    requireTcp(socket, name, false);
    return getKeepAlive(socket);
  }
  const row = NUMBERS[name];
  requireTcp(socket, name, row.unix);
  const number = getNumber(socket, row.level, row.name);
  return name === 'noDelay' ? number !== 0 : number;
}

/** Sets those of `options` that are there. @throws {UnsupportedError | SystemError} */
export function setOptions(socket: OptionSocket, options: Partial<SocketOptions>): void {
  for (const [name, value] of Object.entries(options)) setOption(socket, name as OptionName, value);
}
