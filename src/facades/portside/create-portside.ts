import { ownEndpoint, peerEndpoint } from '../../base/endpoint.ts';
import type { ParsedEndpoint } from '../../base/endpoint.ts';
import { formatAddress } from '../../base/address.ts';
import type {
  BindOptions as ProviderBindOptions,
  ConnectOptions as ProviderConnectOptions,
  Datagram,
  Listener,
  ListenOptions as ProviderListenOptions,
  PacketListener,
  PacketListenOptions,
  SocketProvider,
  Stream,
  UdpRemote,
} from '../../base/provider.ts';
import type { Leftover } from '../../base/reader.ts';
import {
  readOptions,
  readWith,
  requireFunction,
  requireKnown,
  requireObject,
  wrongType,
} from '../../base/rules.ts';
import type { Home } from './connection.ts';
import { StreamConnection } from './connection.ts';
import type { DatagramPlan } from './datagram-socket.ts';
import { MessageSocket } from './datagram-socket.ts';
import type { Platform } from './platform.ts';
import { traced } from './platform.ts';
import { Registry } from './registry.ts';
import type { AdoptPlan } from './rules.ts';
import { ADOPT, DATAGRAM_NAMES, datagramPlan, readAheadRule, SERVER } from './rules.ts';
import type { ServerPlan } from './server.ts';
import { SocketServer } from './server.ts';
import type {
  BindOptions,
  Connection,
  ConnectOptions,
  DatagramSocket,
  ListenOptions,
  ListenPacketsOptions,
  Portside,
  Server,
  UnixPath,
} from './types.ts';
import type { WebStreams } from './web-streams.ts';

/** What each call has under other names than the contract, or for itself: the rest is the provider's to judge. */
const OWN = {
  connect: { to: true, readAhead: true },
  listen: { on: true, readAhead: true, ...SERVER },
  listenPackets: { on: true, ...SERVER, ...DATAGRAM_NAMES },
  bind: { on: true, to: true, ...DATAGRAM_NAMES },
} as const;

/** What is the provider's to judge. */
function without(options: object, call: keyof typeof OWN): object {
  const own = OWN[call];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(own, name)));
}

/** How the contract names addresses: beside `to` and `on` they would be a second answer. */
const ADDRESSES = ['host', 'port', 'path', 'remote', 'remotePath'];

/** @param instead how addresses are given @param example for who gives no object @throws {TypeError} */
function optionsOf(value: unknown, instead: string, example: string): object {
  const options = requireObject(value, 'options', `an object, such as ${example}`);
  for (const name of ADDRESSES) {
    const given: unknown = Reflect.get(options, name);
    if (given !== undefined) throw wrongType(name, `nothing: addresses are given as ${instead}`, given);
  }
  return options;
}

/** `example.com:80`, `unix:/path`: for messages. */
function textOf(endpoint: ParsedEndpoint): string {
  if ('path' in endpoint) return formatAddress({ family: 'unix', path: endpoint.path });
  const { host, port } = endpoint;
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/** Whether somebody has really brought a socket of the contract. @throws {TypeError} */
function requireSocket(value: unknown, name: string): void {
  requireFunction(Reflect.get(requireObject(value, name), 'start'), `${name}.start`);
}

type Own = ReturnType<typeof ownEndpoint>;

/** `undefined` where there is no endpoint. @throws {TypeError} it is none of Unix */
function pathOf(endpoint: Own | ParsedEndpoint | undefined, name: string): UnixPath['path'] | undefined {
  if (endpoint === undefined) return undefined;
  if ('path' in endpoint) return endpoint.path;
  throw wrongType(name, 'a Unix path, as the other end is one', endpoint.host);
}

/** What `bind` of the contract is given. */
function bindOptions(options: BindOptions): ProviderBindOptions {
  const on = options.on === undefined ? undefined : ownEndpoint(options.on, 'on');
  const to = options.to === undefined ? undefined : peerEndpoint(options.to, 'to');
  const rest = without(options, 'bind');
  const isUnix = options.type !== undefined || [on, to].some((each) => each !== undefined && 'path' in each);
  if (isUnix) return { ...rest, path: pathOf(on, 'on'), remotePath: pathOf(to, 'to') };
  return { ...rest, ...on, remote: to as UdpRemote | undefined };
}

/** One API over one provider. */
class Front<Web extends WebStreams> implements Portside<Web> {
  readonly #home: Home<Web>;

  constructor(home: Home<Web>) {
    this.#home = home;
  }

  readonly connect = async (options: ConnectOptions): Promise<Connection<Web>> => {
    const given = optionsOf(options, '`to`', "{ to: 'example.com:80' }") as ConnectOptions;
    const to = peerEndpoint(given.to, 'to');
    const readAhead = readAheadRule(given.readAhead, 'readAhead');
    const stack = this.#home.registry.here();
    const all = { ...without(given, 'connect'), ...to } as ProviderConnectOptions;
    return this.#traced(
      'connect',
      () => ({ to: textOf(to) }),
      async () => this.#connection(await this.#home.provider.connect(all), readAhead, stack),
    );
  };

  readonly listen = async (options: ListenOptions = {}): Promise<Server<Connection<Web>>> => {
    const given = optionsOf(options, '`on`', "{ on: '127.0.0.1:80' }") as ListenOptions;
    const on = given.on === undefined ? {} : ownEndpoint(given.on, 'on');
    const readAhead = readAheadRule(given.readAhead, 'readAhead');
    const plan = readWith<ServerPlan>(given, SERVER);
    const stack = this.#home.registry.here();
    const all = { ...without(given, 'listen'), ...on } as ProviderListenOptions;
    return this.#traced(
      'listen',
      () => ({ on: given.on }),
      async () => this.#server(await this.#home.provider.listen(all), plan, readAhead, stack),
    );
  };

  readonly listenPackets = async (options: ListenPacketsOptions): Promise<Server<DatagramSocket>> => {
    const given = optionsOf(options, '`on`', "{ on: 'unix:/run/x.sock' }") as ListenPacketsOptions;
    const on = ownEndpoint(given.on, 'on');
    if (!('path' in on)) throw wrongType('on', 'a Unix path, such as "unix:/path"', given.on);
    const plan = readWith<ServerPlan>(given, SERVER);
    const read = datagramPlan(given);
    const stack = this.#home.registry.here();
    const all = { ...without(given, 'listenPackets'), ...on } as PacketListenOptions;
    return this.#traced(
      'listen',
      () => ({ on: given.on }),
      async () => this.#packetServer(await this.#home.provider.listenPackets(all), plan, read, stack),
    );
  };

  readonly bind = async (options: BindOptions = {}): Promise<DatagramSocket> => {
    const given = optionsOf(options, '`on` and `to`', "{ on: '0.0.0.0:53' }") as BindOptions;
    const plan = datagramPlan(given);
    const all = bindOptions(given);
    const stack = this.#home.registry.here();
    return this.#traced(
      'bind',
      () => ({ on: given.on, to: given.to }),
      async () => this.#datagrams(await this.#home.provider.bind(all), plan, stack),
    );
  };

  readonly adoptStream: Portside<Web>['adoptStream'] = (stream, options = {}) => {
    requireSocket(stream, 'stream');
    const { readAhead, head, isEnded } = readOptions<AdoptPlan>(requireObject(options, 'options'), ADOPT);
    const after = head === undefined && !isEnded ? undefined : { head: head ?? new Uint8Array(0), isEnded };
    return this.#connection(stream, readAhead, this.#home.registry.here(), after);
  };

  readonly adoptListener: Portside<Web>['adoptListener'] = (listener, options = {}) => {
    requireSocket(listener, 'listener');
    requireKnown(requireObject(options, 'options'), { ...SERVER, readAhead: true });
    const plan = readWith<ServerPlan>(options, SERVER);
    const readAhead = readAheadRule(options.readAhead, 'readAhead');
    return this.#server(listener, plan, readAhead, this.#home.registry.here());
  };

  readonly adoptPacketListener: Portside<Web>['adoptPacketListener'] = (listener, options = {}) => {
    requireSocket(listener, 'listener');
    requireKnown(requireObject(options, 'options'), { ...SERVER, ...DATAGRAM_NAMES });
    const plan = readWith<ServerPlan>(options, SERVER);
    return this.#packetServer(listener, plan, datagramPlan(options), this.#home.registry.here());
  };

  readonly adoptDatagram: Portside<Web>['adoptDatagram'] = (datagram, options = {}) => {
    requireSocket(datagram, 'datagram');
    requireKnown(requireObject(options, 'options'), DATAGRAM_NAMES);
    return this.#datagrams(datagram, datagramPlan(options), this.#home.registry.here());
  };

  readonly upgrade: Portside<Web>['upgrade'] = async (connection, options) => {
    requireFunction(Reflect.get(requireObject(connection, 'connection'), 'upgrade'), 'connection.upgrade');
    return connection.upgrade(options);
  };

  readonly resolve: Portside<Web>['resolve'] = (host, options) =>
    this.#traced(
      'resolve',
      () => ({ host }),
      () => this.#home.provider.resolve(host, options),
    );

  readonly interfaces: Portside<Web>['interfaces'] = () => this.#home.provider.interfaces();

  readonly sockets: Portside<Web>['sockets'] = () => this.#home.registry.rows(this.#home.provider);

  #traced<T>(call: Parameters<typeof traced>[1], message: () => object, run: () => Promise<T>): Promise<T> {
    return traced(this.#home.platform, call, message, run);
  }

  #connection(
    stream: Stream,
    readAhead: number,
    stack: string | undefined,
    after?: Leftover,
  ): Connection<Web> {
    const connection = new StreamConnection(this.#home, stream, readAhead, after);
    this.#home.registry.opened('stream', connection, stack);
    return connection;
  }

  #server(
    listener: Listener,
    plan: ServerPlan,
    readAhead: number,
    stack: string | undefined,
  ): Server<Connection<Web>> {
    const wrap = (stream: Stream): Connection<Web> => this.#connection(stream, readAhead, stack);
    const server = new SocketServer(this.#home, listener, plan, wrap);
    this.#home.registry.opened('listener', server, stack);
    return server;
  }

  #packetServer(
    listener: PacketListener,
    plan: ServerPlan,
    read: DatagramPlan,
    stack: string | undefined,
  ): Server<DatagramSocket> {
    const wrap = (datagram: Datagram): DatagramSocket => this.#datagrams(datagram, read, stack);
    const server = new SocketServer(this.#home, listener, plan, wrap);
    this.#home.registry.opened('listener', server, stack);
    return server;
  }

  #datagrams(datagram: Datagram, plan: DatagramPlan, stack: string | undefined): DatagramSocket {
    const socket = this.#message(datagram, plan);
    this.#home.registry.opened('datagram', socket, stack);
    return socket;
  }

  /** @throws {UnsupportedError} `meta` asks for what there is not; the socket is closed */
  #message(datagram: Datagram, plan: DatagramPlan): MessageSocket<Web> {
    try {
      return new MessageSocket(this.#home, datagram, plan);
    } catch (error) {
      datagram.abort();
      throw error;
    }
  }
}

/** Makes the promise API over a provider, which stays the caller's to close. */
export function createPortside<Web extends WebStreams>(
  provider: SocketProvider,
  platform: Platform<Web>,
): Portside<Web> {
  return new Front({ provider, platform, registry: new Registry(platform) });
}
