import { onAbort, type AbortSignalLike } from '../base/abort.ts';
import { formatAddress, type IpAddress, type IpEndpoint } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { ClosedError, ResolveError, SystemError, UnsupportedError } from '../base/errors.ts';
import { connectByName } from '../base/connect-by-name.ts';
import { raceConnect, type Attempt } from '../base/happy-eyeballs.ts';
import { careful, MAX_LOOKUPS, Names, type LookUpOptions, type Resolver } from '../base/names.ts';
import type { SocketOptions } from '../base/options.ts';
import { callback, object, tlsRule } from '../base/maker-rules.ts';
import type { Rules } from '../base/rules.ts';
import { optional, readWith, requireKnown, requireObject } from '../base/rules.ts';
import type {
  BindOptions,
  Capability,
  ConnectOptions,
  Datagram,
  Listener,
  ListenOptions,
  NetworkInterface,
  PacketListener,
  PacketListenOptions,
  ResolveOptions,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
import { MAX_READ_SIZE } from '../base/provider.ts';
import { validateBind, type BindPlan, type UdpBindPlan } from '../base/validate-datagram.ts';
import {
  validateConnect,
  validateListen,
  validateListenPackets,
  validateResolve,
  type CommonPlan,
  type ConnectPlan,
  type ListenPlan,
} from '../base/validate.ts';
import { armDeadline } from './arm-deadline.ts';
import { TlsHost } from '../base/tls-host.ts';
import type { TlsStream, TlsUpgrader } from '../base/tls-upgrader.ts';
import { deferred, type Deferred } from './deferred.ts';
import { ManualSignal } from './manual-signal.ts';
import { MemoryBacklog } from './memory-backlog.ts';
import { bindUdp, bindUnix, connectPackets, listenForPackets } from './memory-binding.ts';
import { MemoryDatagram } from './memory-datagram.ts';
import type { MemoryFaults } from './memory-faults.ts';
import { MemoryListener, type ListenerOwner } from './memory-listener.ts';
import type { MemoryMessageSocket } from './memory-message-socket.ts';
import { MemoryNetwork, NETWORK, type MemoryNetworkOptions } from './memory-network.ts';
import type { MemorySocket } from './memory-socket.ts';
import { MemoryOptions } from './memory-options.ts';
import { MemoryStream, type MemoryOwner } from './memory-stream.ts';
import type { MemoryUnixSocket } from './memory-unix-messages.ts';

export interface MemoryProviderOptions extends MemoryNetworkOptions {
  /** A network that several providers share; the other options are then the network's own, and not looked at. */
  readonly network?: MemoryNetwork | undefined;
  /** Looks names up in place of the network's `hosts`, at most 16 at once. */
  readonly resolver?: Resolver | undefined;
  /** What speaks TLS for the provider, such as `nodeTls` of `portside/engine`. Without it there is no TLS. */
  readonly tls?: TlsUpgrader | undefined;
}

/** A provider whose sockets, names, time and failures are all in memory. */
export interface MemoryProvider extends SocketProvider {
  readonly network: MemoryNetwork;
  readonly faults: MemoryFaults;
  readonly clock: Clock;
  /** Fulfils when nothing moves any more until a call is made or the clock is moved. */
  idle(): Promise<void>;
}

const CAPABILITIES: readonly Capability[] = [
  'accept-pause',
  'buffer-sizes',
  'datagram-meta',
  'icmp-errors',
  'ipv6',
  'keep-alive-timing',
  'local-bind',
  'multicast',
  'option-read',
  'reuse-port',
  'ssm',
  'tcp',
  'udp',
  'unix',
  'unix-abstract',
  'unix-datagram',
  'unix-seqpacket',
  'user-timeout',
];

interface ProviderPlan {
  readonly network: MemoryNetwork | undefined;
  readonly resolver: Resolver | undefined;
  readonly tls: TlsUpgrader | undefined;
}

const PROVIDER: Rules<ProviderPlan> = {
  network: optional(object<MemoryNetwork>),
  resolver: optional(callback<Resolver>),
  tls: optional(tlsRule),
};

/**
 * Makes a provider in memory. It keeps every promise of the contract, so what runs over it runs over a real one; its time
 * stands still unless the clock is moved, and its failures are those that were planted.
 *
 * @throws {TypeError | RangeError} an option is none, or its value cannot be
 * @example
 * const clock = new ManualClock();
 * const provider = memoryProvider({
 *   clock,
 *   hosts: { 'example.test': ['2001:db8::1', '192.0.2.1'] },
 *   scenario: [{ address: '2001:db8::1', outcome: 'blackhole' }],
 * });
 */
export function memoryProvider(options: MemoryProviderOptions = {}): MemoryProvider {
  requireKnown(requireObject(options, 'options'), { ...PROVIDER, ...NETWORK });
  const plan = readWith(options, PROVIDER);
  const own = Object.entries(options).filter(([name]) => Object.hasOwn(NETWORK, name));
  return new InMemory(plan.network ?? new MemoryNetwork(Object.fromEntries(own)), plan);
}

type OpenSocket = MemoryDatagram | MemoryListener | MemoryListener<Datagram, MemoryUnixSocket> | MemoryStream;

class InMemory implements MemoryProvider {
  readonly capabilities: ReadonlySet<Capability>;
  readonly network: MemoryNetwork;
  readonly #sockets = new Map<number, OpenSocket | TlsStream>();
  readonly #pending = new Set<ManualSignal>();
  readonly #owner: MemoryOwner;
  readonly #names: Names<ManualSignal>;
  #lastId = 0;
  #closing: Deferred<undefined> | null = null;

  constructor(network: MemoryNetwork, { resolver, tls: upgrader }: ProviderPlan) {
    this.network = network;
    this.#names = new Names({
      lookUp: resolver === undefined ? (host, options) => this.#lookUp(host, options) : careful(resolver),
      limit: MAX_LOOKUPS,
      clock: network.clock,
      makeController: () => {
        const signal = new ManualSignal();
        return {
          signal,
          abort: (reason) => {
            signal.abort(reason);
          },
        };
      },
    });
    this.capabilities = new Set(upgrader === undefined ? CAPABILITIES : [...CAPABILITIES, 'tls']);
    this.#owner = {
      tls: upgrader === undefined ? undefined : new TlsHost(upgrader, network.clock),
      replace: (stream) => {
        this.#sockets.set(stream.id, stream);
      },
      turns: network.turns,
      clock: network.clock,
      scratch: new Uint8Array(MAX_READ_SIZE),
      forget: (socket) => {
        this.#forget(socket.id);
      },
    };
  }

  get faults(): MemoryFaults {
    return this.network.faults;
  }

  get clock(): Clock {
    return this.network.clock;
  }

  idle(): Promise<void> {
    return this.network.turns.idle();
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    const plan = validateConnect(options);
    requireOptions(plan.transport, plan.options);
    const tls = this.#tlsFor(plan, 'connect');
    return this.#guarded('connect', plan.signal, (stop) => {
      const connect = (): Promise<MemoryStream> => this.#connect(plan, stop);
      return tls === undefined ? connect() : tls.connect({ ...plan, signal: stop }, connect);
    });
  }

  /** What a plan needs to speak TLS; `undefined` where it need not. @throws {UnsupportedError} */
  #tlsFor(plan: ConnectPlan | ListenPlan, op: string): TlsHost | undefined {
    if (plan.tls === undefined) return undefined;
    const { tls } = this.#owner;
    if (tls === undefined)
      throw new UnsupportedError('this provider has no TLS', { op, transport: plan.transport });
    return tls;
  }

  async #connect(plan: ConnectPlan, stop: ManualSignal): Promise<MemoryStream> {
    const socket = await this.#dial(plan, stop);
    if (stop.aborted) {
      socket.reset();
      throw stop.reason;
    }
    const stream = this.#adopt(socket, plan);
    stream.host = plan.transport === 'tcp' ? plan.host : undefined;
    return stream;
  }

  async #dial(plan: ConnectPlan, stop: ManualSignal): Promise<MemorySocket> {
    const { clock, network } = this;
    const common = {
      clock,
      signal: stop,
      timeout: plan.timeout,
      discard: (late: MemorySocket) => {
        late.reset();
      },
    };
    if (plan.transport === 'tcp') {
      const { localAddress, localPort } = plan;
      return connectByName<MemorySocket>(
        { ...plan, signal: stop },
        {
          ...common,
          resolve: (what) => this.#names.resolve(what),
          dial: (endpoint) => network.dialTcp(endpoint, { localAddress, localPort }),
        },
      );
    }
    const address = { family: 'unix', path: plan.path } as const;
    return raceConnect({
      ...common,
      addresses: [address],
      dial: (): Attempt<MemorySocket> => network.dialUnix(plan.path),
      target: formatAddress(address),
      details: { op: 'connect', transport: 'unix' },
    });
  }

  async #lookUp(
    host: string,
    { family, signal }: LookUpOptions<ManualSignal>,
  ): Promise<readonly IpAddress[]> {
    await this.#turn(signal);
    return this.network.resolve(host, family);
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const plan = validateListen(options);
    requireOptions(plan.transport, plan.options);
    const tls = this.#tlsFor(plan, 'listen');
    return this.#guarded('listen', plan.signal, (stop) => {
      const listen = (): Promise<Listener> => this.#listen(plan, stop);
      return tls === undefined ? listen() : tls.listen(plan, listen);
    });
  }

  async #listen(plan: ListenPlan, stop: ManualSignal): Promise<Listener> {
    await this.#turn(stop);
    const backlog = this.#bindListener(plan);
    const close = this.network.open();
    const owner: ListenerOwner<Stream, MemorySocket> = {
      ...this.#owner,
      faults: this.faults,
      adopt: (socket) => {
        socket.hold(this.network.open());
        return this.#adopt(socket, plan);
      },
      release: () => {
        close();
        if (plan.transport === 'tcp') this.network.ports.remove(backlog);
        else this.network.paths.remove(backlog);
        backlog.close();
      },
    };
    return this.#list(new MemoryListener(owner, ++this.#lastId, backlog));
  }

  /** @throws {SystemError} */
  #bindListener(plan: ListenPlan): MemoryBacklog {
    this.#meetListenFault(plan.transport);
    if (plan.transport === 'tcp') {
      this.network.requireOwn(plan.host, 'listen');
      return this.network.ports.listen(plan);
    }
    const local = { family: 'unix', path: plan.path } as const;
    const backlog = new MemoryBacklog(local, plan.backlog, { reusePort: false, ipv6Only: false });
    this.network.paths.bind(plan, { stream: backlog }, 'listen');
    return backlog;
  }

  /** @throws {SystemError} the fault that was planted for a listen */
  #meetListenFault(transport: 'tcp' | 'unix'): void {
    const code = this.faults.meet('listen');
    if (code !== null) throw new SystemError(code, { op: 'listen', syscall: 'listen', transport });
  }

  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    const plan = validateListenPackets(options);
    requireOptions('unix', plan.options);
    return this.#guarded('listen', plan.signal, async (stop) => {
      await this.#turn(stop);
      this.#meetListenFault('unix');
      const backlog = listenForPackets(this.network, plan);
      const close = this.network.open();
      const owner: ListenerOwner<Datagram, MemoryUnixSocket> = {
        ...this.#owner,
        faults: this.faults,
        adopt: (socket) => {
          socket.hold(this.network.open());
          return this.#adoptMessages(socket, plan);
        },
        release: () => {
          close();
          this.network.paths.remove(backlog);
          backlog.close();
        },
      };
      return this.#list(new MemoryListener(owner, ++this.#lastId, backlog));
    });
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const plan = validateBind(options);
    requireOptions(plan.transport, plan.options);
    return this.#guarded('bind', plan.signal, async (stop) => {
      const timedOut = (): unknown => new SystemError('ETIMEDOUT', { op: 'bind', transport: plan.transport });
      const inTime = armDeadline({ ...plan, signal: undefined }, this.clock, timedOut, (reason) => {
        stop.abort(reason);
      });
      try {
        return this.#adoptMessages(await this.#bind(plan, stop), plan);
      } finally {
        inTime();
      }
    });
  }

  async #bind(plan: BindPlan, stop: ManualSignal): Promise<MemoryMessageSocket> {
    await this.#turn(stop);
    if (plan.transport === 'udp') return bindUdp(this.network, plan, await this.#remoteOf(plan, stop));
    const { type, remotePath } = plan;
    if (type === 'datagram' || remotePath === undefined) return bindUnix(this.network, plan);
    return connectPackets(this.network, { ...plan, remotePath }, stop);
  }

  /** The first address of the name. @throws {ResolveError} */
  async #remoteOf({ remote, family }: UdpBindPlan, stop: ManualSignal): Promise<IpEndpoint | undefined> {
    if (remote === undefined) return undefined;
    const { host, port } = remote;
    const [address] = await this.#names.resolve({ host, family, signal: stop, timeout: undefined });
    if (address === undefined) throw new ResolveError('EAI_NODATA', host);
    if (stop.aborted) throw stop.reason;
    return { ...address, port };
  }

  #adoptMessages(socket: MemoryMessageSocket, plan: CommonPlan): MemoryDatagram {
    const datagram = new MemoryDatagram(this.#owner, ++this.#lastId, socket, plan);
    try {
      datagram.setAll(plan.options);
    } catch (error) {
      socket.close();
      throw error;
    }
    return this.#list(datagram);
  }

  async resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]> {
    const plan = validateResolve(host, options);
    return this.#guarded('resolve', plan.signal, (stop) => this.#names.resolve({ ...plan, signal: stop }));
  }

  interfaces(): Promise<readonly NetworkInterface[]> {
    return this.#closing === null
      ? Promise.resolve([...this.network.interfaces])
      : Promise.reject(closed('interfaces'));
  }

  sockets(): Iterable<SocketSnapshot> {
    return [...this.#sockets.values()].map((socket) => socket.snapshot());
  }

  abort(id: number): boolean {
    const socket = this.#sockets.get(id);
    socket?.abort();
    return socket !== undefined;
  }

  close(): Promise<void> {
    if (this.#closing !== null) return this.#closing.promise;
    const closing = deferred<undefined>();
    this.#closing = closing;
    for (const stop of this.#pending) stop.abort(closed('connect'));
    const { tls } = this.#owner;
    const covered = tls?.close() ?? Promise.resolve();
    for (const socket of [...this.#sockets.values()]) socket.abort();
    this.network.turns.add(() => {
      void covered.then(() => {
        closing.resolve(undefined);
      });
    });
    return closing.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs a call that the caller's signal, or the end of the provider, may end. */
  async #guarded<T>(
    op: string,
    signal: AbortSignalLike | undefined,
    body: (stop: ManualSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#closing !== null) throw closed(op);
    const stop = new ManualSignal();
    this.#pending.add(stop);
    const off = onAbort(signal, () => {
      stop.abort(signal?.reason);
    });
    try {
      if (stop.aborted) throw stop.reason;
      return await body(stop);
    } finally {
      off();
      this.#pending.delete(stop);
    }
  }

  /** Fulfils in the next turn, as a call of the system does that is made elsewhere. */
  async #turn(stop: ManualSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.network.turns.add(resolve);
    });
    if (stop.aborted) throw stop.reason;
  }

  #adopt(socket: MemorySocket, plan: ConnectPlan | ListenPlan): MemoryStream {
    const stream = new MemoryStream(this.#owner, ++this.#lastId, socket, plan);
    stream.setAll(plan.options);
    return this.#list(stream);
  }

  #list<S extends OpenSocket>(socket: S): S {
    this.#sockets.set(socket.id, socket);
    return socket;
  }

  /** A socket has closed, so a listener that ran out of descriptors may try again. */
  #forget(id: number): void {
    this.#sockets.delete(id);
    for (const socket of this.#sockets.values()) if (socket instanceof MemoryListener) socket.retryNow();
  }
}

function closed(op: string): ClosedError {
  return new ClosedError({ op });
}

/** Finds options that the transport does not have before anything is made. @throws {UnsupportedError} */
function requireOptions(transport: 'tcp' | 'udp' | 'unix', options: Partial<SocketOptions>): void {
  new MemoryOptions(transport, () => undefined).setAll(options);
}
