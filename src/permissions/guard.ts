import type { IpAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { countDown } from '../base/deadline.ts';
import { callback, providerRule } from '../base/maker-rules.ts';
import { ConnectError, SystemError } from '../base/errors.ts';
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
import { oneOf, optional, readOptions, requireObject } from '../base/rules.ts';
import type { Rules } from '../base/rules.ts';
import { validateResolve } from '../base/validate.ts';
import type { Asked, Settled } from './asked-options.ts';
import { readBind, readConnect, readListen, readListenPackets } from './asked-options.ts';
import { GuardedDatagram } from './guarded-datagram.ts';
import type { Asking, HostQuestion } from './judged-hosts.ts';
import { addressRequest, Judge } from './judged-hosts.ts';
import { LiveSockets } from './live-sockets.ts';
import type { Policy } from './policy.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';

export interface GuardOptions {
  /**
   * What becomes of open sockets whose permission is taken back. `'keep'` (default): they stay open, and only what is asked
   * for from then on is refused, datagrams to given destinations among it. `'close'`: they are aborted, and so is what a
   * listener has accepted.
   */
  readonly onRevoke?: 'close' | 'keep' | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

const OPTIONS: Rules<GuardOptions> = {
  onRevoke: optional(oneOf('close', 'keep')),
  clock: optional((value, name) => requireObject(value, name) as Clock),
};

function isTimeout(error: unknown): error is SystemError {
  return error instanceof SystemError && error.code === 'ETIMEDOUT';
}

interface Admitted<O> extends Settled<O> {
  /** What is left of it. */
  readonly timeout: number | undefined;
  /** How often permissions had been taken back before. */
  readonly since: number;
}

class GuardedProvider implements SocketProvider {
  readonly #inner: SocketProvider;
  readonly #policy: Policy;
  readonly #judge: Judge;
  readonly #live: LiveSockets;
  readonly #clock: Clock;

  constructor(
    inner: SocketProvider,
    policy: Policy,
    { onRevoke = 'keep', clock = SYSTEM_CLOCK }: GuardOptions,
  ) {
    this.#inner = inner;
    this.#policy = policy;
    this.#judge = new Judge(inner, policy, clock);
    this.#live = new LiveSockets(inner, policy, onRevoke);
    this.#clock = clock;
  }

  get capabilities(): ReadonlySet<Capability> {
    return this.#inner.capabilities;
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    const asked = readConnect(options);
    const { own, requests, timeout, since } = await this.#admitted(asked);
    const stream = await this.#inner.connect({ ...own, timeout });
    const { remote } = stream;
    const { peer } = asked;
    const reached = peer === undefined || remote.family === 'unix' ? [] : [addressRequest(peer, remote)];
    return this.#live.watch(stream, [...requests, ...reached], since);
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { own, requests, timeout, since } = await this.#admitted(readListen(options));
    return this.#live.watchListener(await this.#inner.listen({ ...own, timeout }), requests, since);
  }

  /** What is accepted is connected, and has no destination to be judged. */
  async listenPackets(options: PacketListenOptions): Promise<PacketListener> {
    const { own, requests, timeout, since } = await this.#admitted(readListenPackets(options));
    return this.#live.watchListener(await this.#inner.listenPackets({ ...own, timeout }), requests, since);
  }

  async bind(options: BindOptions): Promise<Datagram> {
    const asked = readBind(options);
    const { own, requests, timeout, since } = await this.#admitted(asked);
    const socket = await this.#inner.bind({ ...own, timeout });
    const { remote } = socket;
    const { peer } = asked;
    const reached = !peer || !remote || remote.family === 'unix' ? [] : [addressRequest(peer, remote)];
    const watched = this.#live.watch(socket, [...requests, ...reached], since);
    return new GuardedDatagram(watched, this.#policy, this.#live);
  }

  async resolve(host: string, options?: ResolveOptions): Promise<readonly IpAddress[]> {
    const { host: name, timeout, ...plan } = validateResolve(host, options);
    const timeLeft = countDown(timeout, this.#clock);
    await this.#judge.admit({ op: 'resolve-host', host: name, port: 0 }, { signal: plan.signal, timeLeft });
    return this.#inner.resolve(name, { ...plan, timeout: timeLeft() });
  }

  async interfaces(): Promise<readonly NetworkInterface[]> {
    const asking = { signal: undefined, timeLeft: () => undefined };
    await this.#judge.admit({ op: 'network-state', host: '', port: 0 }, asking);
    return this.#inner.interfaces();
  }

  sockets(): Iterable<SocketSnapshot> {
    return this.#inner.sockets();
  }

  abort(id: number): boolean {
    return this.#inner.abort(id);
  }

  close(): Promise<void> {
    this.#live.close();
    this.#judge.close();
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #admitted<O>(asked: Asked<O>): Promise<Admitted<O>> {
    const { plan, peer } = asked;
    const since = this.#live.revocations;
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    const asking: Asking = { signal: plan.signal, timeLeft: countDown(plan.timeout, this.#clock) };
    const addresses = peer === undefined ? [] : await this.#addresses(peer, asking);
    const settled = asked.settle(addresses);
    for (const request of settled.requests) await this.#judge.admit(request, asking);
    return { ...settled, timeout: asking.timeLeft(), since };
  }

  /** Judged, and within the plan's time, which running out is a failed connect, as it is later on. */
  async #addresses(peer: HostQuestion, asking: Asking): Promise<readonly IpAddress[]> {
    try {
      return await this.#judge.addresses(peer, asking);
    } catch (error) {
      if (peer.op !== 'tcp-connect' || !isTimeout(error)) throw error;
      throw new ConnectError([error], { transport: 'tcp', target: targetText(peer) });
    }
  }
}

function targetText({ host, port }: HostQuestion): string {
  return `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}

/**
 * A provider that asks `policy` before it connects, listens, binds, sends a datagram, joins a group, looks up a name or lists
 * interfaces, and refuses with `DeniedError` if the answer is no: then `provider` was not touched, except perhaps to look up
 * a name about whose addresses there are rules.
 *
 * Names are judged as they were passed and then, resolved once, by each of their addresses; exactly those that passed are
 * dialled. Every datagram's destination is judged; for each socket the last 1024 that were allowed are remembered until a
 * permission is taken back. Nothing is judged while bytes flow: a stream is the provider's own.
 *
 * @throws {TypeError | RangeError} on options that are none
 */
export function guard(provider: SocketProvider, policy: Policy, options: GuardOptions = {}): SocketProvider {
  const read = readOptions(requireObject(options, 'options'), OPTIONS, 'options.');
  return new GuardedProvider(providerRule(provider, 'provider'), policyRule(policy), read);
}

function policyRule(policy: Policy): Policy {
  if (typeof policy === 'object' && (policy as unknown) !== null) callback(policy.decide, 'policy.decide');
  else callback(policy, 'policy');
  return policy;
}
