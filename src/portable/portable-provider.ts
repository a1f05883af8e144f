/**
 * Sockets over `node:net` and `node:dgram`, for where the native engine cannot be loaded: other systems, other runtimes, no binary. It
 * keeps the promises of `SocketProvider`, slower, and with the limits that its capabilities and the heads of
 * `portable-stream.ts`, `portable-listener.ts` and `portable-datagram.ts` name.
 */
import { Socket } from 'node:net';
import type { AbortSignalLike } from '../base/abort.ts';
import { onAbort } from '../base/abort.ts';
import type { IpAddress, IpEndpoint, SocketAddress, UnixEndpoint } from '../base/address.ts';
import { formatAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { connectByName } from '../base/connect-by-name.ts';
import { withDeadline } from '../base/deadline.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError, ResolveError, SystemError, UnsupportedError } from '../base/errors.ts';
import type { Attempt } from '../base/happy-eyeballs.ts';
import { raceConnect } from '../base/happy-eyeballs.ts';
import type { Names, Resolver } from '../base/names.ts';
import type {
  BindOptions,
  Capability,
  ConnectOptions,
  Datagram,
  Listener,
  ListenOptions,
  NetworkInterface,
  PacketListener,
  ResolveOptions,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
import { TlsHost } from '../base/tls-host.ts';
import type {
  ConnectPlan,
  DeadlinePlan,
  ListenPlan,
  TcpConnectPlan,
  UnixConnectPlan,
} from '../base/validate.ts';
import { callback, clockRule } from '../base/maker-rules.ts';
import type { Rules } from '../base/rules.ts';
import { optional, readOptions, requireObject, withDefault } from '../base/rules.ts';
import type { UdpBindPlan } from '../base/validate-datagram.ts';
import { validateBind } from '../base/validate-datagram.ts';
import { validateConnect, validateListen, validateResolve } from '../base/validate.ts';
import { requireDatagramOptions } from './datagram-options.ts';
import { Hold } from './hold.ts';
import { hasAbstractNames, hostText, localOf, pathText, unixEndpoint } from './node-address.ts';
import { realClock } from './node-clock.ts';
import { toSystemError } from './node-errors.ts';
import { listInterfaces, nodeNames } from './node-names.ts';
import { openDatagram, requirePossible } from './open-datagram.ts';
import { openServer } from './open-server.ts';
import type { OwnedSocket, Owner } from './owner.ts';
import { PortableDatagram } from './portable-datagram.ts';
import { PortableListener } from './portable-listener.ts';
import { PortableStream } from './portable-stream.ts';
import { requireSettable } from './remembered-options.ts';
import { nodeTls } from './tls-handshake.ts';

export interface PortableOptions {
  /** Default: this machine's time. */
  readonly clock?: Clock | undefined;
  /** Looks names up, for `resolve` and for `connect`. Default: the system's own, at most two at once. */
  readonly resolver?: Resolver<AbortSignal> | undefined;
}

function capabilities(): ReadonlySet<Capability> {
  const found: Capability[] = ['local-bind', 'multicast', 'ssm', 'tcp', 'tls', 'udp'];
  if (listInterfaces().some(({ address }) => address.family === 'ipv6')) found.push('ipv6');
  if (process.platform !== 'win32') found.push('unix');
  if (hasAbstractNames) found.push('unix-abstract');
  return new Set(found);
}

interface PortablePlan {
  readonly clock: Clock;
  readonly resolver: Resolver<AbortSignal> | undefined;
}

const PORTABLE: Rules<PortablePlan> = {
  clock: withDefault(clockRule, realClock),
  resolver: optional(callback<Resolver<AbortSignal>>),
};

class PortableProvider implements SocketProvider, Owner {
  readonly capabilities: ReadonlySet<Capability> = capabilities();
  readonly clock: Clock;
  readonly #names: Names<AbortSignal>;
  readonly tls: TlsHost;
  readonly #hold = new Hold();
  /** Those whose descriptors are open. */
  readonly #open = new Map<number, OwnedSocket>();
  /** Those whose sinks have not heard the last yet. */
  readonly #living = new Set<OwnedSocket>();
  /** Ends a call that is under way. */
  readonly #pending = new Set<() => void>();
  #lastId = 0;
  #closing: Promise<void> | undefined;

  constructor(options: PortableOptions) {
    const { clock, resolver } = readOptions<PortablePlan>(requireObject(options, 'options'), PORTABLE);
    this.clock = clock;
    this.#names = nodeNames({ clock, resolver });
    this.tls = new TlsHost(nodeTls, clock);
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    const plan = validateConnect(options);
    requireSettable(plan.options, plan.transport);
    return this.#during('connect', plan.signal, (signal) =>
      this.tls.connect({ ...plan, signal }, () => this.#connect({ ...plan, signal })),
    );
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const plan = validateListen(options);
    requireSettable(plan.options, plan.transport);
    return this.#during('listen', plan.signal, (signal) =>
      this.tls.listen(plan, () => this.#listen({ ...plan, signal })),
    );
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown rejects the promise
  async listenPackets(): Promise<PacketListener> {
    throw new UnsupportedError('sequenced packets need the native engine', {
      op: 'listen',
      transport: 'unix',
    });
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const plan = validateBind(options);
    if (plan.transport === 'unix')
      throw new UnsupportedError('Unix message sockets need the native engine', {
        op: 'bind',
        transport: 'unix',
      });
    requirePossible(plan);
    requireDatagramOptions(plan.options);
    return this.#during('bind', plan.signal, (signal) => this.#bind({ ...plan, signal }));
  }

  async resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]> {
    const plan = validateResolve(host, options);
    return this.#during('resolve', plan.signal, (signal) => this.#names.resolve({ ...plan, signal }));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown rejects the promise
  async interfaces(): Promise<readonly NetworkInterface[]> {
    this.#requireOpen('interfaces');
    return listInterfaces();
  }

  sockets(): Iterable<SocketSnapshot> {
    return Array.from(this.#open.values(), (socket) => socket.snapshot());
  }

  abort(id: number): boolean {
    const socket = this.#open.get(id);
    socket?.abort();
    return socket !== undefined;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  nextId(): number {
    return ++this.#lastId;
  }

  opened(socket: OwnedSocket): void {
    this.#open.set(socket.id, socket);
    this.#living.add(socket);
  }

  hold(socket: OwnedSocket, isHeld: boolean): void {
    if (isHeld) this.#hold.take(socket);
    else this.#hold.release(socket);
  }

  closed(socket: OwnedSocket): void {
    this.#open.delete(socket.id);
    this.#hold.release(socket);
  }

  over(socket: OwnedSocket): void {
    this.#living.delete(socket);
  }

  replace(socket: OwnedSocket, cover: OwnedSocket): void {
    this.#open.set(socket.id, cover);
    this.#living.delete(socket);
    this.#living.add(cover);
    void cover.settled.then(() => {
      this.over(cover);
    });
  }

  #requireOpen(op: string): void {
    if (this.#closing !== undefined) throw new ClosedError({ op });
  }

  /** Runs a call that ends early with the caller's signal, and with the provider. */
  async #during<T>(
    op: string,
    signal: AbortSignalLike | undefined,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    this.#requireOpen(op);
    const controller = new AbortController();
    const end = (): void => {
      controller.abort(new ClosedError({ op }));
    };
    const offAbort = onAbort(signal, () => {
      controller.abort(signal?.reason);
    });
    this.#pending.add(end);
    try {
      return await run(controller.signal);
    } finally {
      offAbort();
      this.#pending.delete(end);
    }
  }

  async #close(): Promise<void> {
    for (const end of [...this.#pending]) end();
    const living = [...this.#living];
    for (const socket of living) socket.abort();
    await Promise.all(living.map((socket) => socket.settled));
  }

  #connect(plan: ConnectPlan): Promise<PortableStream> {
    if (plan.transport === 'unix') return this.#connectUnix(plan);
    return connectByName(plan, {
      clock: this.clock,
      resolve: (what) => this.#names.resolve(what),
      dial: (endpoint) => this.#dialTcp(plan, endpoint),
      discard: (stream) => {
        stream.abort();
      },
    });
  }

  async #connectUnix(plan: UnixConnectPlan): Promise<PortableStream> {
    const remote = unixEndpoint(pathText(plan.path));
    const { signal, timeout } = plan;
    return raceConnect<PortableStream, UnixEndpoint>({
      addresses: [remote],
      dial: () => this.#dialUnix(plan, pathText(plan.path)),
      discard: (stream) => {
        stream.abort();
      },
      clock: this.clock,
      signal,
      timeout,
      target: formatAddress(remote),
      details: { transport: 'unix' },
    });
  }

  #dialTcp(plan: TcpConnectPlan, remote: IpEndpoint): Attempt<PortableStream> {
    const { localAddress, localPort } = plan;
    const socket = new PausedSocket();
    const attempt = this.#attempt(socket, plan, remote, () => localOf(socket));
    socket.connect({
      host: hostText(remote),
      port: remote.port,
      family: remote.family === 'ipv4' ? 4 : 6,
      autoSelectFamily: false,
      ...(localAddress === undefined ? {} : { localAddress: hostText(localAddress) }),
      ...(localPort === 0 ? {} : { localPort }),
    });
    return attempt;
  }

  #dialUnix(plan: UnixConnectPlan, path: string): Attempt<PortableStream> {
    const socket = new PausedSocket();
    const attempt = this.#attempt(socket, plan, unixEndpoint(path), () => unixEndpoint(''));
    socket.connect({ path });
    return attempt;
  }

  #attempt(
    socket: Socket,
    plan: ConnectPlan,
    remote: SocketAddress,
    local: () => SocketAddress,
  ): Attempt<PortableStream> {
    const { transport } = plan;
    const result = new Promise<PortableStream>((resolve, reject) => {
      socket.once('error', (error) => {
        reject(toSystemError(error, { op: 'connect', transport, remote }));
      });
      socket.once('connect', () => {
        socket.removeAllListeners('error');
        const stream = new PortableStream(socket, {
          owner: this,
          transport,
          local: local(),
          remote,
          limits: plan,
          host: plan.transport === 'tcp' ? plan.host : undefined,
        });
        stream.setAll(plan.options);
        resolve(stream);
      });
    });
    return { result, cancel: () => void socket.destroy() };
  }

  async #listen(plan: ListenPlan): Promise<Listener> {
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    const opening = openServer(plan).then(
      ({ server, local }) => new PortableListener(server, local, plan, this),
    );
    return this.#inTime(opening, plan, { op: 'listen', transport: plan.transport });
  }

  async #bind(plan: UdpBindPlan): Promise<Datagram> {
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    return this.#inTime(this.#openDatagram(plan), plan, { op: 'bind', transport: 'udp' });
  }

  async #openDatagram(plan: UdpBindPlan): Promise<PortableDatagram> {
    const remote = await this.#remoteOf(plan);
    const datagram = new PortableDatagram(await openDatagram(plan, remote), remote, plan, this);
    try {
      datagram.setAll(plan.options);
      return datagram;
    } catch (error) {
      datagram.abort();
      await datagram.settled;
      throw error;
    }
  }

  /** The first address of the name. @throws {ResolveError} */
  async #remoteOf({ remote, family, signal, timeout }: UdpBindPlan): Promise<IpEndpoint | undefined> {
    if (remote === undefined) return undefined;
    const { host, port } = remote;
    const [address] = await this.#names.resolve({ host, family, signal, timeout });
    if (address === undefined) throw new ResolveError('EAI_NODATA', host);
    return { ...address, port };
  }

  /** A socket that comes when its time is over is closed again. */
  async #inTime<S extends { close(): Promise<void> }>(
    opening: Promise<S>,
    plan: DeadlinePlan,
    details: ErrorDetails,
  ): Promise<S> {
    try {
      return await withDeadline(opening, plan, this.clock, () => new SystemError('ETIMEDOUT', details));
    } catch (error) {
      // Binding takes no time worth the name, and the descriptor is to be given back when this rejects.
      const [opened] = await Promise.allSettled([opening]);
      if (opened.status === 'fulfilled') await opened.value.close();
      throw error;
    }
  }
}

/** A socket that reads nothing of its own accord. */
class PausedSocket extends Socket {
  constructor() {
    // The high-water mark is Duplex's, which Node passes it on to.
    const options = { allowHalfOpen: true, highWaterMark: 1 };
    super(options);
    this.pause();
  }
}

/** Makes the provider over `node:net`. */
export function portableProvider(options: PortableOptions = {}): SocketProvider {
  return new PortableProvider(options);
}
