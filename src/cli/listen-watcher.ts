/** A provider that tells of each listener that it makes. */
import type { SocketAddress } from '../base/address.ts';
import type {
  BindOptions,
  Capability,
  ConnectOptions,
  Datagram,
  ListenOptions,
  Listener,
  NetworkInterface,
  PacketListener,
  PacketListenOptions,
  ResolveOptions,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
import type { IpAddress } from '../base/address.ts';

/** Passes everything on to another provider, and tells where it listens. */
export class ListenWatcher implements SocketProvider {
  readonly #inner: SocketProvider;
  readonly #onListen: (local: SocketAddress) => void;

  constructor(inner: SocketProvider, onListen: (local: SocketAddress) => void) {
    this.#inner = inner;
    this.#onListen = onListen;
  }

  get capabilities(): ReadonlySet<Capability> {
    return this.#inner.capabilities;
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const listener = await this.#inner.listen(options);
    this.#onListen(listener.local);
    return listener;
  }

  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    const listener = await this.#inner.listenPackets(options);
    this.#onListen(listener.local);
    return listener;
  }

  connect(options: ConnectOptions): Promise<Stream> {
    return this.#inner.connect(options);
  }

  bind(options: BindOptions): Promise<Datagram> {
    return this.#inner.bind(options);
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

  abort(id: number): boolean {
    return this.#inner.abort(id);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
