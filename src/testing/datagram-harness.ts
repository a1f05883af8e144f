import type { IpEndpoint, SocketAddress } from '../base/address.ts';
import type { SocketError } from '../base/errors.ts';
import type {
  BindOptions,
  Capability,
  Datagram,
  NetworkInterface,
  OutgoingDatagram,
  PacketListener,
  SocketProvider,
  UdpBindOptions,
  UnixBindOptions,
} from '../base/provider.ts';
import { CaseScope } from './case-scope.ts';
import type { DatagramRecorder } from './datagram-recorder.ts';
import type { ListenerHooks, ListenerRecorder } from './listener-recorder.ts';
import { connectPair } from './pair-maker.ts';
import { patternBytes, patternMismatch } from './pattern.ts';
import { check, equal, SuiteFailure, type SuiteFiles, type SuiteOptions } from './suite.ts';

/** What carries the messages of a suite. */
export type DatagramTransport = 'ipv4' | 'ipv6' | 'seqpacket' | 'unix' | 'unix-abstract';

/** What each transport asks of a provider. */
export const DATAGRAM_NEEDS: Readonly<Record<DatagramTransport, readonly Capability[]>> = {
  ipv4: ['udp'],
  ipv6: ['udp', 'ipv6'],
  seqpacket: ['unix-seqpacket'],
  unix: ['unix-datagram'],
  'unix-abstract': ['unix-datagram', 'unix-abstract'],
};

export interface DatagramSuiteOptions extends SuiteOptions {
  /** What the sockets of the cases are made of. */
  readonly transport: DatagramTransport;
}

/** What decides whether a row becomes a case. */
export interface DatagramSetting {
  readonly transport: DatagramTransport;
  readonly options: DatagramSuiteOptions;
}

export const onUdp = ({ transport }: DatagramSetting): boolean =>
  transport === 'ipv4' || transport === 'ipv6';
export const onIpv4 = ({ transport }: DatagramSetting): boolean => transport === 'ipv4';
export const onIpv6 = ({ transport }: DatagramSetting): boolean => transport === 'ipv6';
export const onPackets = ({ transport }: DatagramSetting): boolean => transport === 'seqpacket';
/** Unix datagrams, with or without files. */
export const onUnixDatagrams = ({ transport }: DatagramSetting): boolean => transport.startsWith('unix');
/** Where senders wait for a receiver that does not read. */
export const onUnixMessages = (about: DatagramSetting): boolean => !onUdp(about);
export const notPackets = (about: DatagramSetting): boolean => !onPackets(about);

/** Two sockets, and how each sends to the other: `to` is left out where they are connected. */
export interface DatagramPair {
  readonly a: Datagram;
  readonly b: Datagram;
  readonly toA: SocketAddress | undefined;
  readonly toB: SocketAddress | undefined;
}

type SomeBindOptions = Partial<UdpBindOptions> & Partial<UnixBindOptions>;

let nameCount = 0;

/** The scope of a case about message sockets. It has a provider of its own. */
export class DatagramHarness extends CaseScope {
  readonly provider: SocketProvider;
  readonly transport: DatagramTransport;

  constructor(options: DatagramSuiteOptions, provider: SocketProvider) {
    super(options, async () => {
      const { a, b } = await connectPair(provider, this.#witnessAddress());
      const stop = (): Promise<void> => {
        a.abort();
        b.abort();
        return Promise.resolve();
      };
      return { a, b, stop };
    });
    this.provider = provider;
    this.transport = options.transport;
  }

  #witnessAddress(): { path: string } | { host: string } {
    return this.provider.capabilities.has('tcp') ? { host: '127.0.0.1' } : { path: this.files.fresh() };
  }

  get files(): SuiteFiles {
    if (this.options.files === undefined) throw new SuiteFailure('this case needs the option files');
    return this.options.files;
  }

  get isUdp(): boolean {
    return onUdp({ transport: this.transport, options: { transport: this.transport } });
  }

  /** More than the transport carries: 64 KiB for UDP, and more than a send buffer for the others. */
  tooLarge(): Uint8Array {
    return new Uint8Array(this.isUdp ? 65_536 : 16 * 1024 * 1024);
  }

  /** The loopback address of the transport. */
  get loopback(): string {
    return this.transport === 'ipv6' ? '::1' : '127.0.0.1';
  }

  /** The address that stands for all of the transport's family. */
  get wildcard(): string {
    return this.transport === 'ipv6' ? '::' : '0.0.0.0';
  }

  /** A path, or an abstract name, that is free. */
  freshPath(): string {
    if (this.transport !== 'unix-abstract') return this.files.fresh();
    return `\0portside-datagrams-${String(++nameCount)}-${String(Math.random()).slice(2)}`;
  }

  /** What `bind` needs for a socket that others can send to. */
  address(): SomeBindOptions {
    return this.isUdp ? { host: this.loopback, port: 0 } : { path: this.freshPath() };
  }

  /** A socket bound to an address of its own, watched. */
  async bind(extra: SomeBindOptions = {}): Promise<Datagram> {
    return this.bindTo({ ...this.address(), ...extra });
  }

  /** A socket bound as the options say and no more, watched. */
  async bindTo(options: BindOptions): Promise<Datagram> {
    return this.watch(await this.provider.bind(options));
  }

  /** A socket that is connected to another, and has an address of its own. */
  async bindWithPeer(peer: Datagram, extra: SomeBindOptions = {}): Promise<Datagram> {
    const { local } = peer;
    const target =
      local.family === 'unix'
        ? { remotePath: local.path }
        : { remote: { host: local.host, port: local.port } };
    return this.bind({ ...target, ...extra });
  }

  /** Two sockets that can send to each other. Of datagrams neither is connected; of sequenced packets both are. */
  async pair(extra: SomeBindOptions = {}): Promise<DatagramPair> {
    if (this.transport === 'seqpacket') return this.#packetPair(extra);
    const [a, b] = [await this.bind(extra), await this.bind(extra)];
    return { a, b, toA: a.local, toB: b.local };
  }

  /** Two sockets of which `a` is connected to `b`. */
  async connectedPair(extra: SomeBindOptions = {}): Promise<DatagramPair> {
    if (this.transport === 'seqpacket') return this.#packetPair(extra);
    const b = await this.bind(extra);
    const a = await this.bindWithPeer(b, extra);
    return { a, b, toA: a.local, toB: undefined };
  }

  async #packetPair(extra: SomeBindOptions): Promise<DatagramPair> {
    const { listener, atListener } = await this.servePackets({}, extra);
    const a = await this.connectPackets(listener, extra);
    const b = await atListener.stream();
    await listener.close();
    return { a, b, toA: undefined, toB: undefined };
  }

  /** A started listener for sequenced packets, watched. */
  async servePackets(
    hooks: ListenerHooks<Datagram> = {},
    extra: SomeBindOptions = {},
  ): Promise<{ listener: PacketListener; atListener: ListenerRecorder<Datagram> }> {
    const listener = await this.listenPackets(extra);
    return { listener, atListener: this.recordListener(listener, hooks) };
  }

  async listenPackets(extra: object = {}): Promise<PacketListener> {
    return this.watch(await this.provider.listenPackets({ path: this.files.fresh(), ...extra }));
  }

  async connectPackets(listener: PacketListener, extra: SomeBindOptions = {}): Promise<Datagram> {
    const { local } = listener;
    if (local.family !== 'unix') throw new SuiteFailure('a listener for packets has no path');
    return this.bindTo({ ...extra, type: 'seqpacket', remotePath: local.path });
  }

  /** Sends, and fulfils with what `done` was told. A send that throws rejects, and its `done` must not be told. */
  sent(socket: Datagram, message: OutgoingDatagram): Promise<SocketError | null> {
    let isTaken = true;
    return new Promise((resolve) => {
      const done = this.calls.exactly(
        `done of a datagram of ${String(message.bytes.length)} bytes`,
        () => (isTaken ? 1 : 0),
        (error: SocketError | null) => {
          this.heard('done', () => {
            this.answers.push({ label: 'sent', error });
            resolve(error);
          });
        },
      );
      isTaken = false;
      socket.send(message, done);
      isTaken = true;
    });
  }

  /** Sends, and checks that it went out. */
  async mustSend(socket: Datagram, message: OutgoingDatagram, what = 'done'): Promise<void> {
    equal(await this.sent(socket, message), null, what);
  }

  /** Waits until nothing more comes to these, also from a provider that is slowed down to one datagram at a time. */
  async untilStill(...recorders: readonly DatagramRecorder[]): Promise<void> {
    const count = (): number => recorders.reduce((sum, each) => sum + each.datagrams.length, 0);
    for (let before = -1; before !== count();) {
      before = count();
      await this.quiet();
    }
  }

  /**
   * Sends numbered messages until nothing more goes out although there was time: the peer does not read, and all
   * buffers between are full. For sockets whose senders wait.
   *
   * @returns how many were sent in all
   */
  async clogWith(
    from: Datagram,
    to: SocketAddress | undefined,
    recorder: DatagramRecorder,
    size: number,
  ): Promise<number> {
    let count = 0;
    for (let i = 0; i < 4096; i++) {
      const { drains } = recorder;
      let isBelow = true;
      while (isBelow) {
        isBelow = from.send({ bytes: numbered(count, size), to }, this.done(`done ${String(count)}`));
        count += 1;
        check(count < 100_000, 'send never answers false although nobody reads');
      }
      await this.quiet();
      if (recorder.drains > drains) continue;
      // The kernel may have taken some of what waited: up to the mark again.
      while (from.send({ bytes: numbered(count, size), to }, this.done(`done ${String(count)}`))) count += 1;
      return count + 1;
    }
    throw new SuiteFailure('a peer that does not read took all that was sent');
  }

  /** The loopback interface. */
  async loopbackInterface(): Promise<NetworkInterface> {
    const family = this.transport === 'ipv6' ? 'ipv6' : 'ipv4';
    const found = (await this.provider.interfaces()).find(
      ({ internal, address }) => internal && address.family === family,
    );
    check(found !== undefined, `no internal interface of ${family}`);
    return found;
  }
}

/** Where a UDP socket is. @throws {SuiteFailure} it is a Unix socket */
export function endpointOf(socket: { readonly local: SocketAddress }): IpEndpoint {
  const { local } = socket;
  if (local.family === 'unix') throw new SuiteFailure('a UDP socket has the address of a Unix socket');
  return local;
}

/** A message of `size` bytes, at least two, that tells its number and is a pattern from there on. */
export function numbered(number: number, size: number): Uint8Array {
  const bytes = patternBytes(size, number);
  bytes[0] = number >>> 8;
  bytes[1] = number & 255;
  return bytes;
}

/** The number of a message. @throws {SuiteFailure} if it is damaged */
export function numberOf(bytes: Uint8Array): number {
  const number = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
  const wrong = patternMismatch(bytes.subarray(2), number + 2);
  check(bytes.length >= 2 && wrong < 0, `datagram ${String(number)} is damaged`);
  return number;
}
