/**
 * The arguments of every provider, judged in one place: what each option may be is one row of a table below. The answer is
 * a plan: a fresh object with defaults filled in and text made canonical, in which nothing of the caller's is left that
 * could still change.
 */
import type { AbortSignalLike } from './abort.ts';
import type { IpAddress, IpFamily } from './address.ts';
import { family, host, ipAddresses, numericAddress, unixPath } from './address-rules.ts';
import type { DeadlinePlan } from './deadline-rules.ts';
import { DEADLINE, MAX_INT32 } from './deadline-rules.ts';
import { DEFAULT_ATTEMPT_DELAY, MIN_ATTEMPT_DELAY } from './happy-eyeballs.ts';
import type { KeepAlive, OptionName, SocketOptions } from './options.ts';
import { DEFAULT_HIGH_WATER_MARK, DEFAULT_WRITE_LIMIT, MAX_READ_SIZE } from './provider.ts';
import type { Deadline, ListenerSink, StreamSink, WriteDone } from './provider.ts';
import type { Rule, Rules } from './rules.ts';
import {
  flag,
  integer,
  oneOf,
  optional,
  outOfRange,
  readOptions,
  readWith,
  requireFunction,
  requireKnown,
  requireObject,
  withDefault,
  wrongType,
} from './rules.ts';
import type { TlsClientPlan, TlsServerPlan } from './validate-tls.ts';
import { validateConnectTls, validateListenTls } from './validate-tls.ts';

export type { DeadlinePlan } from './deadline-rules.ts';

const MAX_UINT32 = 2 ** 32 - 1;

export interface StreamLimits {
  readonly highWaterMark: number;
  readonly writeLimit: number;
}

export interface CommonPlan extends StreamLimits {
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
  readonly options: Partial<SocketOptions>;
}

export interface TcpConnectPlan extends CommonPlan {
  readonly transport: 'tcp';
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly IpAddress[] | undefined;
  /** As asked for, or that of `localAddress`. */
  readonly family: IpFamily | undefined;
  readonly attemptDelay: number;
  readonly localAddress: IpAddress | undefined;
  readonly localPort: number;
  readonly tls: TlsClientPlan | undefined;
}

export interface UnixConnectPlan extends CommonPlan {
  readonly transport: 'unix';
  readonly path: string | Uint8Array;
  readonly tls: TlsClientPlan | undefined;
}

export type ConnectPlan = TcpConnectPlan | UnixConnectPlan;

interface CommonListenPlan extends CommonPlan {
  /** As `listen(2)` takes it; the system cuts it to its own maximum. */
  readonly backlog: number;
  readonly tls: TlsServerPlan | undefined;
}

export interface TcpListenPlan extends CommonListenPlan {
  readonly transport: 'tcp';
  readonly host: IpAddress;
  readonly port: number;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean | undefined;
}

export interface UnixListenPlan extends CommonListenPlan {
  readonly transport: 'unix';
  readonly path: string | Uint8Array;
  readonly stale: 'fail' | 'replace';
  readonly mode: number | undefined;
}

export type ListenPlan = TcpListenPlan | UnixListenPlan;

export interface ReadPlan {
  readonly readSize: number;
  readonly chunks: 'owned' | 'view';
}

export interface ResolvePlan extends DeadlinePlan {
  readonly host: string;
  readonly family: IpFamily | undefined;
}

/** A port's number; 0 asks for a free one. */
export const port: Rule<number> = integer(0, 65535);
const byteCount = integer(1, MAX_UINT32);
// Linux takes no more than these for TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (include/net/tcp.h, MAX_TCP_KEEP…).
const keepAliveSeconds = integer(1, 32767);
const keepAliveCount = integer(1, 127);

const KEEP_ALIVE: Rules<{
  idle: number | undefined;
  interval: number | undefined;
  count: number | undefined;
}> = {
  idle: optional(keepAliveSeconds),
  interval: optional(keepAliveSeconds),
  count: optional(keepAliveCount),
};

function keepAlive(value: unknown, name: string): KeepAlive {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) {
    throw wrongType(name, 'true, false or { idle, interval, count }', value);
  }
  return withoutUndefined(readOptions(value, KEEP_ALIVE, `${name}.`));
}

/** What each socket option may be. */
const SOCKET_OPTIONS: Rules<SocketOptions> = {
  noDelay: flag,
  keepAlive,
  userTimeout: integer(0, MAX_INT32),
  receiveBufferSize: integer(1, MAX_INT32),
  sendBufferSize: integer(1, MAX_INT32),
  ttl: integer(1, 255),
  trafficClass: integer(0, 255),
  broadcast: flag,
  multicastTtl: integer(0, 255),
  multicastLoopback: flag,
  multicastInterface: integer(0, MAX_INT32),
};

const optionName = oneOf(...(Object.keys(SOCKET_OPTIONS) as OptionName[]));

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Socket options as they are given to `connect` and `listen`: those that are there, by the same rules as in `set`. */
function socketOptions(value: unknown, name: string): Partial<SocketOptions> {
  const given = requireObject(value, name);
  requireKnown(given, SOCKET_OPTIONS, `${name}.`);
  const rules = Object.fromEntries(
    Object.entries<Rule<unknown>>(SOCKET_OPTIONS).map(([key, rule]) => [key, optional(rule)]),
  );
  return withoutUndefined(readWith(given, rules, `${name}.`));
}

/** What every call that makes a socket takes. */
export const COMMON: Rules<CommonPlan> = {
  ...DEADLINE,
  highWaterMark: withDefault(byteCount, DEFAULT_HIGH_WATER_MARK),
  writeLimit: withDefault(byteCount, DEFAULT_WRITE_LIMIT),
  options: withDefault(socketOptions, {}),
};

const TCP_CONNECT: Rules<Omit<TcpConnectPlan, 'transport' | 'tls'>> = {
  ...COMMON,
  host,
  port,
  addresses: optional(ipAddresses),
  family: optional(family),
  attemptDelay: withDefault(integer(MIN_ATTEMPT_DELAY, MAX_INT32), DEFAULT_ATTEMPT_DELAY),
  localAddress: optional(numericAddress),
  localPort: withDefault(port, 0),
};

const UNIX_CONNECT: Rules<Omit<UnixConnectPlan, 'transport' | 'path' | 'tls'>> = COMMON;

const LISTEN: Rules<CommonListenPlan> = {
  ...COMMON,
  backlog: withDefault(integer(0, MAX_INT32), MAX_INT32),
  tls: (value) => validateListenTls(value),
};

const TCP_LISTEN: Rules<Omit<TcpListenPlan, 'transport'>> = {
  ...LISTEN,
  host: withDefault(numericAddress, { family: 'ipv4', host: '127.0.0.1' }),
  port: withDefault(port, 0),
  reusePort: withDefault(flag, false),
  ipv6Only: optional(flag),
};

/** How a Unix path is bound. */
export const UNIX_PATH: Rules<Pick<UnixListenPlan, 'stale' | 'mode'>> = {
  stale: withDefault(oneOf('fail', 'replace'), 'fail'),
  mode: optional(integer(0, 0o777)),
};

const UNIX_LISTEN: Rules<Omit<UnixListenPlan, 'transport' | 'path'>> = { ...LISTEN, ...UNIX_PATH };

const READ: Rules<ReadPlan> = {
  readSize: withDefault(integer(1, MAX_READ_SIZE), MAX_READ_SIZE),
  chunks: withDefault(oneOf('owned', 'view'), 'owned'),
};

const RESOLVE: Rules<Omit<ResolvePlan, 'host'>> = { ...DEADLINE, family: optional(family) };

/** What may stand in the options of each call, whichever the transport. */
const CONNECT_NAMES = { ...TCP_CONNECT, ...UNIX_CONNECT, path: true, tls: true };
const LISTEN_NAMES = { ...TCP_LISTEN, ...UNIX_LISTEN, path: true, tls: true };
const LISTEN_PACKETS_NAMES = { ...UNIX_LISTEN, path: true };

/** What may not stand beside a path. */
const TCP_CONNECT_ONLY = Object.keys(TCP_CONNECT).filter((name) => !Object.hasOwn(UNIX_CONNECT, name));
const TCP_LISTEN_ONLY = Object.keys(TCP_LISTEN).filter((name) => !Object.hasOwn(UNIX_LISTEN, name));

/** @throws {TypeError} it is no object, or has other options */
export function requireOptions(value: unknown, known: object): object {
  const options = requireObject(value, 'options');
  const takesSocketOptions = Object.hasOwn(known, 'options');
  for (const key of Object.keys(options)) {
    if (takesSocketOptions && !Object.hasOwn(known, key) && Object.hasOwn(SOCKET_OPTIONS, key))
      throw new TypeError(`${key}: there is no such option; did you mean options.${key}?`);
  }
  requireKnown(options, known);
  return options;
}

/** Reads `path` alone first: it decides which table is the right one. */
function readPath(options: object): string | Uint8Array | undefined {
  return optional(unixPath)(Reflect.get(options, 'path'), 'path');
}

/** What belongs to the other transport is a mistake, and not to be passed over. */
export function refuse(options: object, names: readonly string[], where: string): void {
  for (const name of names) {
    const value: unknown = Reflect.get(options, name);
    if (value !== undefined) throw wrongType(name, `nothing ${where}`, value);
  }
}

/** Judges what was given to `connect`. @throws {TypeError | RangeError} */
export function validateConnect(value: unknown): ConnectPlan {
  const options = requireOptions(value, CONNECT_NAMES);
  const path = readPath(options);
  if (path !== undefined) {
    refuse(options, TCP_CONNECT_ONLY, 'beside a path');
    const plan = readWith(options, UNIX_CONNECT);
    return {
      transport: 'unix',
      path,
      ...plan,
      tls: validateConnectTls(Reflect.get(options, 'tls'), undefined),
    };
  }
  const plan = readWith(options, TCP_CONNECT);
  const { localAddress } = plan;
  if (localAddress !== undefined && plan.family !== undefined && plan.family !== localAddress.family) {
    throw outOfRange('localAddress', `an ${plan.family} address, as family says`, localAddress.host);
  }
  const tls = validateConnectTls(Reflect.get(options, 'tls'), plan.host);
  return { transport: 'tcp', ...plan, family: plan.family ?? localAddress?.family, tls };
}

/** Judges what was given to `listen`. @throws {TypeError | RangeError} */
export function validateListen(value: unknown): ListenPlan {
  const options = requireOptions(value, LISTEN_NAMES);
  const path = readPath(options);
  if (path !== undefined) {
    refuse(options, TCP_LISTEN_ONLY, 'beside a path');
    return { transport: 'unix', path, ...readWith(options, UNIX_LISTEN) };
  }
  refuse(options, ['stale', 'mode'], 'without a path');
  return { transport: 'tcp', ...readWith(options, TCP_LISTEN) };
}

/** Judges what was given to `listenPackets`. @throws {TypeError | RangeError} */
export function validateListenPackets(value: unknown): UnixListenPlan {
  const options = requireOptions(value, LISTEN_PACKETS_NAMES);
  const path = unixPath(Reflect.get(options, 'path'), 'path');
  refuse(options, ['tls'], 'for packets');
  return { transport: 'unix', path, ...readWith(options, UNIX_LISTEN) };
}

/** Judges what was given to `resolve`. @throws {TypeError | RangeError} */
export function validateResolve(name: unknown, options: unknown = {}): ResolvePlan {
  return { host: host(name, 'host'), ...readOptions(requireObject(options, 'options'), RESOLVE) };
}

const USUAL_VIEW: ReadPlan = { readSize: MAX_READ_SIZE, chunks: 'view' };
const USUAL_OWNED: ReadPlan = { readSize: MAX_READ_SIZE, chunks: 'owned' };

/** Judges what was given to `Stream.start`. @throws {TypeError | RangeError} */
export function validateReadOptions(options: unknown = {}): ReadPlan {
  // Asked for each stream that is accepted, so the usual answers are ready.
  if (typeof options === 'object' && options !== null) {
    requireKnown(options, READ);
    const readSize: unknown = Reflect.get(options, 'readSize');
    const chunks: unknown = Reflect.get(options, 'chunks');
    if (readSize === undefined && chunks === 'view') return USUAL_VIEW;
    if (readSize === undefined && (chunks === undefined || chunks === 'owned')) return USUAL_OWNED;
    return readWith({ readSize, chunks }, READ);
  }
  return readWith(requireObject(options, 'options'), READ);
}

/**
 * Judges a deadline, which has no other options but those that `others` names.
 *
 * @throws {TypeError | RangeError}
 */
export function validateDeadline(deadline: Deadline | undefined, others: object = {}): DeadlinePlan {
  if (deadline === undefined) return NO_DEADLINE;
  requireKnown(requireObject(deadline, 'deadline'), { ...DEADLINE, ...others });
  return readWith(deadline, DEADLINE);
}

/** The deadline among options that are judged elsewhere. @throws {TypeError | RangeError} */
export function deadlineOf(options: Deadline): DeadlinePlan {
  return readWith(requireObject(options, 'options'), DEADLINE);
}

const NO_DEADLINE: DeadlinePlan = { signal: undefined, timeout: undefined };

/** Judges an option's name. @throws {TypeError | RangeError} */
export function validateOptionName(name: unknown): OptionName {
  return optionName(name, 'name');
}

/** Judges what was given to `set`. @returns the value, cut loose from the caller's. @throws {TypeError | RangeError} */
export function validateSocketOption<N extends OptionName>(name: N, value: unknown): SocketOptions[N] {
  const rule: Rule<unknown> = SOCKET_OPTIONS[validateOptionName(name)];
  return rule(value, name) as SocketOptions[N];
}

/** Judges a stream's sink. @throws {TypeError} */
export function requireStreamSink(sink: StreamSink): void {
  requireObject(sink, 'sink');
  requireFunction(Reflect.get(sink, 'data'), 'sink.data');
  requireFunction(Reflect.get(sink, 'close'), 'sink.close');
}

/** Judges a listener's sink. @throws {TypeError} */
export function requireListenerSink(sink: ListenerSink<never>): void {
  requireObject(sink, 'sink');
  requireFunction(Reflect.get(sink, 'accept'), 'sink.accept');
  requireFunction(Reflect.get(sink, 'close'), 'sink.close');
}

/** Judges the `done` of a write. @throws {TypeError} */
export function requireDone(done: WriteDone | undefined): void {
  if (done !== undefined) requireFunction(done, 'done');
}
