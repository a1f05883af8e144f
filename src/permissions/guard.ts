import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { UdpBindOptions } from '../base/datagram.ts';
import { callback, providerRule } from '../base/maker-rules.ts';
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
  TcpListenOptions,
} from '../base/provider.ts';
import { requireObject } from '../base/rules.ts';
import type { UdpBindPlan } from '../base/validate-datagram.ts';
import { validateBind } from '../base/validate-datagram.ts';
import { validateConnect, validateListen, validateListenPackets } from '../base/validate.ts';
import { admit, pathText } from './admit.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import type { Policy } from './policy.ts';
import type { SocketRequest } from './rule.ts';

const LISTEN_HOST = '127.0.0.1';

/** What is judged is what is done: options that nobody else can change, and what they ask. */
interface Asked<O> {
  readonly own: O;
  readonly requests: readonly SocketRequest[];
}

function copy<O extends object>(options: O): O {
  requireObject(options, 'options');
  return { ...options };
}

function unixRequest(op: 'unix-connect' | 'unix-listen', path: string | Uint8Array): SocketRequest {
  return { op, host: pathText(path), port: 0 };
}

/** Connecting asks for the host as written and, where addresses are given, for each of them too. */
function readConnect(options: ConnectOptions): Asked<ConnectOptions> {
  const own = copy(options);
  const plan = validateConnect(own);
  if (plan.transport === 'unix')
    return { own: { ...own, path: plan.path }, requests: [unixRequest('unix-connect', plan.path)] };
  const { host, port, addresses } = plan;
  const hosts = [host, ...(addresses ?? []).map((address) => address.host)];
  const requests = hosts.map((each): SocketRequest => ({ op: 'tcp-connect', host: each, port }));
  return { own: { ...own, host, port, addresses }, requests };
}

function readListen(options: ListenOptions): Asked<ListenOptions> {
  const own = copy(options);
  const plan = validateListen(own);
  if (plan.transport === 'unix')
    return { own: { ...own, path: plan.path }, requests: [unixRequest('unix-listen', plan.path)] };
  const { host = LISTEN_HOST } = own as TcpListenOptions;
  return { own: { ...own, host }, requests: [{ op: 'tcp-listen', host, port: plan.port }] };
}

function readListenPackets(options: PacketListenOptions): Asked<PacketListenOptions> {
  const own = copy(options);
  const { path } = validateListenPackets(own);
  return { own: { ...own, path }, requests: [unixRequest('unix-listen', path)] };
}

/** Binding asks for one's own address and, where the socket is connected, for the peer's. */
function readBind(options: BindOptions): Asked<BindOptions> {
  const own = copy(options);
  const plan = validateBind(own);
  if (plan.transport === 'udp') return readUdpBind(own, plan);
  const { path, remotePath } = plan;
  return {
    own: { ...own, path, remotePath },
    requests: [
      ...(path === undefined ? [] : [unixRequest('unix-listen', path)]),
      ...(remotePath === undefined ? [] : [unixRequest('unix-connect', remotePath)]),
    ],
  };
}

function readUdpBind(own: UdpBindOptions, { port, remote, family }: UdpBindPlan): Asked<UdpBindOptions> {
  const wanted = family ?? (remote === undefined ? undefined : parseIp(remote.host)?.family);
  const { host = wanted === 'ipv6' ? '::' : '0.0.0.0' } = own;
  const bound: SocketRequest = { op: 'udp-bind', host, port };
  return {
    own: { ...own, remote },
    requests: remote === undefined ? [bound] : [bound, { op: 'udp-send-to', ...remote }],
  };
}

class GuardedProvider implements SocketProvider {
  readonly #inner: SocketProvider;
  readonly #policy: Policy;

  constructor(inner: SocketProvider, policy: Policy) {
    this.#inner = inner;
    this.#policy = policy;
  }

  get capabilities(): ReadonlySet<Capability> {
    return this.#inner.capabilities;
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    return this.#inner.connect(this.#admitted(readConnect(options)));
  }

  async listen(options: ListenOptions): Promise<Listener> {
    return this.#inner.listen(this.#admitted(readListen(options)));
  }

  /** What is accepted is connected, and has no destination to be judged. */
  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    return this.#inner.listenPackets(this.#admitted(readListenPackets(options)));
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const socket = await this.#inner.bind(this.#admitted(readBind(options)));
    return new GuardedDatagram(socket, this.#policy);
  }

  resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]> {
    return this.#inner.resolve(host, options);
  }

  interfaces(): Promise<readonly NetworkInterface[]> {
    return this.#inner.interfaces();
  }

  sockets(): Iterable<SocketSnapshot> {
    return this.#inner.sockets();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.close();
  }

  #admitted<O>({ own, requests }: Asked<O>): O {
    for (const request of requests) admit(this.#policy, request);
    return own;
  }
}

/**
 * A provider that asks `policy` before it connects, listens, binds, sends a datagram or joins a group, and refuses with
 * `DeniedError` without touching `provider` if the answer is no. Hosts are judged exactly as they were passed; addresses
 * passed beside a host are judged too, each like a host. Unix paths are asked about as `unix-connect` and `unix-listen`,
 * destinations of datagrams as `udp-send-to`, groups as `udp-multicast-membership`. What one socket may send to is asked
 * once, and remembered for the last 1024 destinations of it. All else goes to `provider`.
 *
 * @throws {TypeError} one of the two is not what it should be
 */
export function guard(provider: SocketProvider, policy: Policy): SocketProvider {
  return new GuardedProvider(providerRule(provider, 'provider'), callback<Policy>(policy, 'policy'));
}
