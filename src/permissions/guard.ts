import { DeniedError } from '../base/errors.ts';
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
  UnixBindOptions,
} from '../base/provider.ts';
import type { IpAddress } from '../base/address.ts';
import type { Policy } from './policy.ts';
import { judge } from './policy.ts';
import type { SocketOp, SocketRequest } from './rule.ts';

const LISTEN_HOST = '127.0.0.1';
const BIND_HOST = '0.0.0.0';

function pathText(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : String.fromCharCode(...path);
}

/** What connecting with `options` asks: the host as written and, where the addresses are given, each of them too. */
function connectRequests(options: ConnectOptions): SocketRequest[] {
  if ('path' in options) return [{ op: 'unix-connect', host: pathText(options.path), port: 0 }];
  const hosts = [options.host, ...(options.addresses ?? []).map((address) => address.host)];
  return hosts.map((host) => ({ op: 'tcp-connect', host, port: options.port }));
}

function listenRequest(options: ListenOptions): SocketRequest {
  if ('path' in options) return { op: 'unix-listen', host: pathText(options.path), port: 0 };
  return { op: 'tcp-listen', host: options.host ?? LISTEN_HOST, port: options.port ?? 0 };
}

function isUnixBind(options: BindOptions): options is UnixBindOptions {
  return 'path' in options || 'remotePath' in options || 'type' in options;
}

/** What binding asks: one's own address and, where the socket is connected, the peer's. */
function bindRequests(options: BindOptions): SocketRequest[] {
  if (isUnixBind(options)) {
    const { path, remotePath } = options;
    const own: SocketRequest = { op: 'unix-listen', host: pathText(path ?? ''), port: 0 };
    const peer: SocketRequest = { op: 'unix-connect', host: pathText(remotePath ?? ''), port: 0 };
    return [...(path === undefined ? [] : [own]), ...(remotePath === undefined ? [] : [peer])];
  }
  const { host = BIND_HOST, port = 0, remote } = options;
  const own: SocketRequest = { op: 'udp-bind', host, port };
  return remote === undefined ? [own] : [own, { op: 'udp-send-to', ...remote }];
}

function copyPath(path: string | Uint8Array): string | Uint8Array {
  return typeof path === 'string' ? path : path.slice();
}

/** Copies that nobody else can change: what is judged is what is done. */
function copyConnect(options: ConnectOptions): ConnectOptions {
  const own = { ...options };
  if ('path' in own) return { ...own, path: copyPath(own.path) };
  return { ...own, addresses: own.addresses?.map((address) => ({ ...address })) };
}

function copyListen(options: ListenOptions): ListenOptions {
  const own = { ...options };
  return 'path' in own ? { ...own, path: copyPath(own.path) } : own;
}

function copyBind(options: BindOptions): BindOptions {
  const own = { ...options };
  if (!isUnixBind(own)) return { ...own, remote: own.remote === undefined ? undefined : { ...own.remote } };
  const { path, remotePath } = own;
  return {
    ...own,
    path: path === undefined ? undefined : copyPath(path),
    remotePath: remotePath === undefined ? undefined : copyPath(remotePath),
  };
}

const ACTIONS: Readonly<Partial<Record<SocketOp, string>>> = {
  'tcp-connect': 'connect',
  'tcp-listen': 'listen',
  'udp-bind': 'bind',
  'unix-connect': 'connect',
  'unix-listen': 'listen',
};

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
    const own = copyConnect(options);
    for (const request of connectRequests(own)) this.#admit(request);
    return this.#inner.connect(own);
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const own = copyListen(options);
    this.#admit(listenRequest(own));
    return this.#inner.listen(own);
  }

  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    const own = { ...options, path: copyPath(options.path) };
    this.#admit({ op: 'unix-listen', host: pathText(own.path), port: 0 });
    return this.#inner.listenPackets(own);
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const own = copyBind(options);
    for (const request of bindRequests(own)) this.#admit(request);
    return this.#inner.bind(own);
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

  #admit(request: SocketRequest): void {
    const decision = judge(this.#policy, request);
    if (decision.allowed) return;
    const where = request.op.startsWith('unix')
      ? JSON.stringify(request.host)
      : `${request.host}:${String(request.port)}`;
    throw new DeniedError(request, `${request.op} ${where} is not permitted`, {
      op: ACTIONS[request.op],
      ...(decision.rule === undefined ? {} : { rule: decision.rule }),
    });
  }
}

/**
 * A provider that asks `policy` before it connects, listens or binds, and rejects with `DeniedError` without touching
 * `provider` if the answer is no. Hosts are judged exactly as they were passed; addresses passed beside a host are judged
 * too, each like a host. Unix paths are asked about as `unix-connect` and `unix-listen`. All else goes to `provider`.
 */
export function guard(provider: SocketProvider, policy: Policy): SocketProvider {
  return new GuardedProvider(provider, policy);
}
