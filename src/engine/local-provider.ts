/** The provider over the native engine. */
import type { ErrnoName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import type { CallName } from '../addon/types.ts';
import { CALL, MAX_BUSY_POLL } from '../addon/types.ts';
import type { AbortSignalLike } from '../base/abort.ts';
import type { IpAddress, SocketAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { ClosedError, SystemError, UnsupportedError } from '../base/errors.ts';
import { connectByName } from '../base/connect-by-name.ts';
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
  PacketListenOptions,
  ResolveOptions,
  SocketBase,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
import type { BindPlan } from '../base/validate-datagram.ts';
import { validateBind } from '../base/validate-datagram.ts';
import type { DeadlinePlan, StreamLimits, TcpConnectPlan, UnixConnectPlan } from '../base/validate.ts';
import { validateConnect, validateListen, validateListenPackets, validateResolve } from '../base/validate.ts';
import { callback, clockRule } from '../base/maker-rules.ts';
import type { Rules } from '../base/rules.ts';
import { flag, integer, oneOf, optional, readOptions, requireObject, withDefault } from '../base/rules.ts';
import { realClock } from '../portable/node-clock.ts';
import { nodeNames } from '../portable/node-names.ts';
import type { Adopted, AdoptOptions } from './adopt.ts';
import { adopt } from './adopt.ts';
import { bind } from './bind.ts';
import type { NativeDatagram } from './datagram.ts';
import { dial } from './dial.ts';
import { listen, listenPackets } from './listen.ts';
import { NativeSocket } from './native-socket.ts';
import { Reactor } from './reactor.ts';
import type { Detachment } from './stream-state.ts';
import { NativeStream } from './stream.ts';
import { listInterfaces, SYSTEM_NAMES } from './system-names.ts';

export interface LocalProviderOptions {
  /**
   * How the engine waits. `poll` is plain poll(2) with a thread, for systems without a better call; it is here for
   * comparison and tests. Default `epoll`.
   */
  readonly poller?: 'epoll' | 'poll' | undefined;
  /** Allows `faults`: system calls that fail, or move few bytes, on demand. For tests. Default false. */
  readonly withFaults?: boolean | undefined;
  readonly clock?: Clock | undefined;
  /** Looks names up, for `resolve` and for `connect`. Default: the system's own, at most three at once. */
  readonly resolver?: Resolver<AbortSignal> | undefined;
  /**
   * Microseconds, at most 1000, for which the engine goes on looking for events after the last one before it lets the thread
   * sleep. An answer that comes within that time is met without a wake-up, and the thread's core is in full use meanwhile.
   * Timers and whatever else the process does wait for as long at most. Default 0: it sleeps at once.
   */
  readonly busyPoll?: number | undefined;
  /**
   * Lets the first large `owned` chunk that the engine reads tell the C library to keep up to 64 MiB of what the process has
   * freed, instead of giving it back to the system at once: large chunks come at half the cost then. That goes for the whole
   * process and lasts. Default true, where the C library is glibc and the environment does not tell it otherwise.
   *
   * @see mallopt(3), M_TRIM_THRESHOLD
   */
  readonly tuneMalloc?: boolean | undefined;
}

/** Puts faults into the system calls of one provider. @see LocalProviderOptions.withFaults */
export interface Faults {
  /** Most bytes of one recv and of one send; 0 for no limit. */
  limit(bytes: { read: number; write: number }): void;
  /** Lets the next `times` calls of `call` fail with `code`, after `skip` more have been made. */
  fail(call: CallName, code: ErrnoName, when?: { times?: number; skip?: number }): void;
  /** Takes all faults and limits back. */
  clear(): void;
}

export interface LocalProvider extends SocketProvider {
  /**
   * Makes a socket of a descriptor that is there already: inherited, received, or another library's. What it is is asked of the
   * system: TCP, UDP, or any kind of Unix socket; a stream, a listener, a socket of messages, or a listener for packets. It
   * is made close-on-exec and, for everybody who shares it, non-blocking. Closing a listener does not remove its file.
   *
   * Of a socket of messages it is also undone what would change them: joining and cutting (`UDP_CORK`, `UDP_SEGMENT`), and what
   * a former owner has had told with each. Groups that were joined before stay so; `memberships()` does not know them, and
   * `leave` leaves them.
   *
   * @throws {SystemError} `EBADF`, `ENOTSOCK`, `ENOTCONN` (a stream or packets, neither connected nor listening),
   *   `ESOCKTNOSUPPORT`, `EAFNOSUPPORT`, `EPROTONOSUPPORT`, `EEXIST` (it is this provider's already); the descriptor is then
   *   its owner's still, also with `take`
   * @throws {UnsupportedError} the socket has not an option that was asked for; the same
   */
  adopt(fd: number, options: AdoptOptions): Adopted;
  /**
   * The descriptor of an open socket of this provider, lent: it stays the socket's, and is good until that closes. Reading or
   * writing there takes bytes from the socket.
   *
   * @returns `undefined` for a socket that is not this provider's, or is over a library rather than a descriptor
   * @throws {ClosedError}
   */
  descriptor(socket: SocketBase): number | undefined;
  /**
   * Takes a stream's descriptor away from it: it is the caller's to close. The stream is closed for its owner, and its sink hears
   * `close(null)`.
   *
   * @returns `undefined`, and nothing is done, for a stream that is not this provider's, or is over a library
   * @throws {BusyError} the stream is reading (it was started, and is not paused), or bytes are unsent. It stays as it was
   * @throws {ClosedError | BrokenError}
   */
  detach(stream: Stream): Detachment | undefined;
  /** @throws {UnsupportedError} the provider was made without `withFaults` */
  readonly faults: Faults;
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
  'tls',
  'udp',
  'unix',
  'unix-abstract',
  'unix-datagram',
  'unix-seqpacket',
  'user-timeout',
];

function capabilities(): ReadonlySet<Capability> {
  const hasIpv6 = listInterfaces().some(({ address }) => address.family === 'ipv6');
  return new Set(CAPABILITIES.filter((each) => each !== 'ipv6' || hasIpv6));
}

interface LocalPlan {
  readonly poller: 'epoll' | 'poll';
  readonly withFaults: boolean;
  readonly clock: Clock;
  readonly resolver: Resolver<AbortSignal> | undefined;
  readonly busyPoll: number;
  readonly tuneMalloc: boolean;
}

const LOCAL: Rules<LocalPlan> = {
  poller: withDefault(oneOf('epoll', 'poll'), 'epoll'),
  withFaults: withDefault(flag, false),
  clock: withDefault(clockRule, realClock),
  resolver: optional(callback<Resolver<AbortSignal>>),
  busyPoll: withDefault(integer(0, MAX_BUSY_POLL), 0),
  tuneMalloc: withDefault(flag, true),
};

const count = integer(0, 2 ** 31 - 1);
const WHEN: Rules<{ times: number; skip: number }> = {
  times: withDefault(count, 1),
  skip: withDefault(count, 0),
};

class NativeProvider implements LocalProvider {
  readonly capabilities: ReadonlySet<Capability> = capabilities();
  readonly #reactor: Reactor;
  readonly #clock: Clock;
  readonly #names: Names<AbortSignal>;
  readonly #withFaults: boolean;
  readonly #pending = new Set<(error: ClosedError) => void>();
  #closed: Promise<void> | undefined;

  constructor(options: LocalProviderOptions) {
    const plan = readOptions<LocalPlan>(requireObject(options, 'options'), LOCAL);
    const { poller, withFaults, clock, resolver, busyPoll, tuneMalloc } = plan;
    this.#clock = clock;
    this.#names = nodeNames({ clock, resolver }, SYSTEM_NAMES);
    this.#withFaults = withFaults;
    this.#reactor = new Reactor({
      native: loadNative(),
      clock,
      usePoll: poller === 'poll',
      withFaults,
      busyPoll,
      keepsMemory: tuneMalloc,
    });
  }

  get faults(): Faults {
    if (!this.#withFaults) throw new UnsupportedError('this provider was made without faults');
    const { native, module } = this.#reactor;
    return {
      limit: ({ read, write }) => {
        native.limit(read, write);
      },
      fail: (call, code, when = {}) => {
        const { times, skip } = readOptions(requireObject(when, 'when'), WHEN, 'when.');
        native.fault(CALL[call], module.errorNumbers[code], skip, times);
      },
      clear: () => {
        native.limit(0, 0);
        native.fault(0, 1, 0, 0);
      },
    };
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    const plan = validateConnect(options);
    this.#requireOpen('connect');
    throwIfAborted(plan.signal);
    const connect = (): Promise<NativeStream> =>
      plan.transport === 'unix' ? this.#connectUnix(plan) : this.#connectTcp(plan);
    return this.#unlessClosed(this.#reactor.tls.connect(plan, connect));
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const plan = validateListen(options);
    this.#requireOpen('listen');
    throwIfAborted(plan.signal);
    const work = this.#reactor.tls.listen(plan, () => listen(this.#reactor, plan));
    return this.#inTime(work, plan, { op: 'listen', transport: plan.transport });
  }

  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    const plan = validateListenPackets(options);
    this.#requireOpen('listen');
    throwIfAborted(plan.signal);
    return this.#inTime(listenPackets(this.#reactor, plan), plan, { op: 'listen', transport: 'unix' });
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const plan = validateBind(options);
    this.#requireOpen('bind');
    throwIfAborted(plan.signal);
    const given = new AbortController();
    const isOver = (): boolean => given.signal.aborted || this.#closed !== undefined;
    const work = this.#bind(plan, given.signal, isOver);
    try {
      return await this.#inTime(work, plan, { op: 'bind', transport: plan.transport });
    } finally {
      given.abort();
    }
  }

  async #bind(plan: BindPlan, signal: AbortSignal, isOver: () => boolean): Promise<NativeDatagram> {
    let remote: SocketAddress | undefined;
    if (plan.transport === 'unix') {
      remote = plan.remotePath === undefined ? undefined : { family: 'unix', path: plan.remotePath };
    } else if (plan.remote !== undefined) {
      const { host, port } = plan.remote;
      const [address] = await this.#names.resolve({ host, family: plan.family, signal, timeout: undefined });
      if (address !== undefined) remote = { ...address, port };
    }
    this.#requireOpen('bind');
    throwIfAborted(signal);
    return bind(this.#reactor, { plan, remote }, isOver);
  }

  /** @throws what `work` does, or that it took too long; then what comes of it is closed, for nobody else would */
  async #inTime<S extends { abort(): void }>(
    work: Promise<S>,
    plan: DeadlinePlan,
    details: ErrorDetails,
  ): Promise<S> {
    try {
      return await this.#unlessClosed(
        withDeadline(work, plan, this.#clock, () => new SystemError('ETIMEDOUT', details)),
      );
    } catch (error) {
      work.then(
        (late) => {
          late.abort();
        },
        () => undefined,
      );
      throw error;
    }
  }

  async resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]> {
    const plan = validateResolve(host, options);
    this.#requireOpen('resolve');
    return this.#unlessClosed(this.#names.resolve(plan));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown rejects the promise
  async interfaces(): Promise<readonly NetworkInterface[]> {
    this.#requireOpen('interfaces');
    return listInterfaces();
  }

  sockets(): Iterable<SocketSnapshot> {
    return this.#reactor.snapshots();
  }

  abort(id: number): boolean {
    return this.#reactor.abort(id);
  }

  close(): Promise<void> {
    if (this.#closed === undefined) {
      const covered = this.#reactor.tls.close();
      this.#reactor.close();
      this.#closed = covered;
      for (const reject of this.#pending) reject(new ClosedError({ op: 'close' }));
      this.#names.close();
    }
    return this.#closed;
  }

  adopt(fd: number, options: AdoptOptions): Adopted {
    this.#requireOpen('adopt');
    return adopt(this.#reactor, fd, options);
  }

  descriptor(socket: SocketBase): number | undefined {
    return socket instanceof NativeSocket ? socket.descriptorIn(this.#reactor) : undefined;
  }

  detach(stream: Stream): Detachment | undefined {
    const isOurs = stream instanceof NativeStream && stream.descriptorIn(this.#reactor) !== undefined;
    return isOurs ? stream.detach() : undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #connectTcp(plan: TcpConnectPlan): Promise<NativeStream> {
    return connectByName<NativeStream>(plan, {
      clock: this.#clock,
      resolve: (query) => this.#names.resolve(query),
      dial: (endpoint) => dial(this.#reactor, endpoint, { ...plan, limits: limitsOf(plan) }),
      discard: abort,
    });
  }

  #connectUnix(plan: UnixConnectPlan): Promise<NativeStream> {
    return raceConnect<NativeStream, SocketAddress>({
      addresses: [{ family: 'unix', path: plan.path }],
      dial: (address) => dial(this.#reactor, address, { options: plan.options, limits: limitsOf(plan) }),
      discard: abort,
      clock: this.#clock,
      signal: plan.signal,
      timeout: plan.timeout,
      target: '',
      details: { op: 'connect', transport: 'unix' },
    });
  }

  #requireOpen(op: string): void {
    if (this.#closed !== undefined) throw new ClosedError({ op });
  }

  /** The end of the provider settles what is pending, also what only waits for a name. */
  #unlessClosed<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      work.then(resolve, reject).finally(() => this.#pending.delete(reject));
    });
  }
}

function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw signal.reason;
}

/** Only what a stream keeps for its life. */
function limitsOf({ highWaterMark, writeLimit }: StreamLimits): StreamLimits {
  return { highWaterMark, writeLimit };
}

function abort(stream: Stream): void {
  stream.abort();
}

/**
 * Makes a provider over the native engine: TCP and Unix sockets on one private epoll descriptor, for the thread that
 * calls it. Each call makes an engine of its own.
 *
 * @throws {UnsupportedError} the native module cannot be loaded here: use `portableProvider`
 * @throws {SystemError} `EMFILE`, `ENFILE`, `ENOMEM`: there is no descriptor left to wait with
 * @throws {TypeError | RangeError} an option is none, or its value cannot be
 */
export function localProvider(options: LocalProviderOptions = {}): LocalProvider {
  return new NativeProvider(options);
}
