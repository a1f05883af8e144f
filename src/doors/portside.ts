/**
 * `portside`: sockets by promises. Connections, servers and datagram sockets of this machine, and the same over any other
 * provider.
 *
 * ```ts
 * const server = await listen({ on: '127.0.0.1:0' });
 * void server.serve(async (connection) => {
 *   for await (const line of connection.lines()) await connection.write(`${line}\n`);
 * });
 * ```
 *
 * @module
 */
import type { Clock } from '../base/clock.ts';
import { callback, clockRule, providerRule } from '../base/maker-rules.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { Rules } from '../base/rules.ts';
import { readOptions, requireObject, withDefault } from '../base/rules.ts';
import { createPortside as create } from '../facades/portside/create-portside.ts';
import { formatSockets } from '../facades/portside/registry.ts';
import type * as front from '../facades/portside/types.ts';
import { realClock } from '../portable/node-clock.ts';
import type { Context } from '../node/context.ts';
import * as node from '../node/bridges.ts';
import { defaultProvider } from './default-provider.ts';
import type { NodeStreams } from './node-platform.ts';
import { nodePlatform } from './node-platform.ts';

export { formatAddress, parseAddress } from '../base/address.ts';
export type { IpAddress, IpEndpoint, IpFamily, SocketAddress, UnixEndpoint } from '../base/address.ts';
export {
  BrokenError,
  BusyError,
  ClosedError,
  ConnectError,
  DeniedError,
  EndError,
  isSocketError,
  LimitError,
  OverflowError,
  ProtocolError,
  ResolveError,
  SocketError,
  SystemError,
  TlsError,
  UnsupportedError,
} from '../base/errors.ts';
export type { TlsFailure } from '../base/errors.ts';
export type { Clock } from '../base/clock.ts';
export type { DatagramMeta, Membership, ReceivedDatagram } from '../base/datagram.ts';
export type { KeepAlive, OptionName, SocketOptions } from '../base/options.ts';
export type {
  Deadline,
  JsonValue,
  NetworkInterface,
  ResolveOptions,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
export type {
  TlsCertificate,
  TlsClientOptions,
  TlsInfo,
  TlsMaterial,
  TlsServerOptions,
  TlsSessions,
  TlsVersion,
  UpgradeOptions,
} from '../base/tls.ts';
export { tlsSessions } from '../portable/tls-sessions.ts';
export type { TlsSessionsOptions } from '../portable/tls-sessions.ts';
export type {
  BindOptions,
  ConnectOptions,
  DatagramSocket,
  DatagramToSend,
  AdoptDatagramOptions,
  AdoptListenerOptions,
  AdoptStreamOptions,
  Detached,
  Endpoint,
  GroupMembership,
  HostAndPort,
  LinesOptions,
  ListenOptions,
  ListenPacketsOptions,
  LocalEndpoint,
  ReadUntilOptions,
  SendOptions,
  ServeOptions,
  SocketRow,
  UnixPath,
  Writable,
} from '../facades/portside/types.ts';
export { notify, toDuplex, watchdog } from '../node/bridges.ts';
export type {
  AnySocket,
  FromFdOptions,
  FromSocketOptions,
  ListenFdsOptions,
  Ownership,
  ServiceState,
  Watchdog,
  WatchdogOptions,
} from '../node/bridges.ts';
export type { NodeStreams } from './node-platform.ts';

/** A connection, with Node's WHATWG streams. */
export type Connection = front.Connection<NodeStreams>;
/** What accepts connections, or, made by `listenPackets`, sockets of sequenced packets. */
export type Server<S = Connection> = front.Server<S>;
/** What a descriptor turned out to be. */
export type SocketOfFd = node.SocketOfFd<NodeStreams>;
/** A descriptor that a service manager has handed over. */
export type PassedSocket = node.PassedSocket<NodeStreams>;
/** Messages with sockets in them, to and from another process. */
export type HandleChannel = node.HandleChannel<NodeStreams>;
/** A socket that came from another process. */
export type Handle = node.Handle<NodeStreams>;
/** The functions of this module, over one provider. */
export type Portside = front.Portside<NodeStreams>;

export interface PortsideOptions {
  /** Makes the sockets, and stays the caller's to close. */
  readonly provider: SocketProvider;
  /** What timeouts go by. Give the provider the same one. Default: real time. */
  readonly clock?: Clock | undefined;
  /** Told of errors that no `onError` hears. Default: a process warning. */
  readonly warn?: ((text: string) => void) | undefined;
}

function emitWarning(text: string): void {
  process.emitWarning(text, 'PortsideWarning');
}

interface Plan {
  readonly provider: SocketProvider;
  readonly clock: Clock;
  readonly warn: (text: string) => void;
}

const OPTIONS: Rules<Plan> = {
  provider: providerRule,
  clock: withDefault(clockRule, realClock),
  warn: withDefault(callback<(text: string) => void>, emitWarning),
};

let isRecording = process.env['PORTSIDE_STACKS'] === '1';

/**
 * Records, from now on, where each socket is opened: `sockets()` and leak reports then say so. It costs some microseconds a
 * socket. The environment variable `PORTSIDE_STACKS=1` does so from the start.
 */
export function recordStacks(on = true): void {
  isRecording = on;
}

/**
 * Makes the same functions over another provider: one in memory, one with a guard around it, one with a clock of its own.
 *
 * @throws {TypeError} an option is none, or is not what it should be
 */
export function createPortside(options: PortsideOptions): Portside {
  const { provider, clock, warn } = readOptions(requireObject(options, 'options'), OPTIONS);
  return create(provider, nodePlatform({ clock, warn, recordsStacks: () => isRecording }));
}

let shared: Portside | undefined;

/** Made by the first call, so that importing this module loads nothing native. */
function own(): Portside {
  return (shared ??= createPortside({ provider: defaultProvider() }));
}

export const connect: Portside['connect'] = (options) => own().connect(options);
export const listen: Portside['listen'] = (options) => own().listen(options);
export const listenPackets: Portside['listenPackets'] = (options) => own().listenPackets(options);
export const bind: Portside['bind'] = (options) => own().bind(options);
export const adoptStream: Portside['adoptStream'] = (stream, options) => own().adoptStream(stream, options);
export const adoptListener: Portside['adoptListener'] = (listener, options) =>
  own().adoptListener(listener, options);
export const adoptPacketListener: Portside['adoptPacketListener'] = (listener, options) =>
  own().adoptPacketListener(listener, options);
export const adoptDatagram: Portside['adoptDatagram'] = (datagram, options) =>
  own().adoptDatagram(datagram, options);
export const upgrade: Portside['upgrade'] = (connection, options) => connection.upgrade(options);
export const resolve: Portside['resolve'] = (host, options) => own().resolve(host, options);
export const interfaces: Portside['interfaces'] = () => own().interfaces();
export const sockets: Portside['sockets'] = () => own().sockets();

// --- bridges to Node and to other processes ---------------------------------------------------------

const here = (): Context<NodeStreams> => ({ front: own(), provider: defaultProvider() });

/** As `fromFd` of a context, over this machine's own sockets. */
type Bound<F> = F extends (context: Context<NodeStreams>, ...rest: infer A) => infer R
  ? (...rest: A) => R
  : never;

export const fromFd: Bound<typeof node.fromFd<NodeStreams>> = (fd, options) =>
  node.fromFd(here(), fd, options);
export const fromSocket: Bound<typeof node.fromSocket<NodeStreams>> = (socket, options) =>
  node.fromSocket(here(), socket, options);
export const listenFds: Bound<typeof node.listenFds<NodeStreams>> = (options, env) =>
  node.listenFds(here(), options, env);
export const fileDescriptor: Bound<typeof node.fileDescriptor<NodeStreams>> = (socket) =>
  node.fileDescriptor(here(), socket);
export const handToServer: Bound<typeof node.handToServer<NodeStreams>> = (socket, server) =>
  node.handToServer(here(), socket, server);
export const handleChannel: Bound<typeof node.handleChannel<NodeStreams>> = (connection) =>
  node.handleChannel(here(), connection);

/** What is open, as text: a line for each socket, and where it was opened, if stacks are recorded. Empty if nothing is. */
export function leakReport({ sockets: rows }: Pick<Portside, 'sockets'> = { sockets }): string {
  return formatSockets(rows());
}
