/** What open sockets were permitted for, so that it can be asked again when a permission is taken back. */
import type { Listener, SocketBase, SocketProvider } from '../base/provider.ts';
import { denial } from './admit.ts';
import type { LivePolicy, Policy } from './policy.ts';
import { judge } from './policy.ts';
import type { SocketRequest } from './rule.ts';
import { WatchedListener } from './watched-listener.ts';

/** How many sockets are remembered at least before those that have closed are looked for. */
const MIN_SWEEP = 64;

export class LiveSockets {
  readonly #provider: SocketProvider;
  readonly #policy: Policy;
  readonly #isWatching: boolean;
  readonly #requests = new Map<number, readonly SocketRequest[]>();
  readonly #unsubscribe: (() => void) | undefined;
  #sweepAt = MIN_SWEEP;
  #revocations = 0;

  constructor(provider: SocketProvider, policy: Policy, onRevoke: 'close' | 'keep') {
    this.#provider = provider;
    this.#policy = policy;
    const live: LivePolicy | undefined = typeof policy === 'function' ? undefined : policy;
    this.#isWatching = onRevoke === 'close' && live?.onRevoked !== undefined;
    this.#unsubscribe = live?.onRevoked?.(() => {
      this.#revoked();
    });
  }

  /** Counts how often a permission may have been taken back: who has remembered a yes compares. */
  get revocations(): number {
    return this.#revocations;
  }

  /**
   * @param requests what it was permitted for
   * @param since `revocations` when that was judged
   * @throws {DeniedError} it is permitted no longer, and was aborted
   */
  watch<S extends SocketBase>(socket: S, requests: readonly SocketRequest[], since: number): S {
    if (this.#isWatching) this.#keep(socket.id, this.#held(socket.id, requests, since));
    return socket;
  }

  /** What a listener accepts stands and falls with it. @throws {DeniedError} as `watch` */
  watchListener<S extends SocketBase>(
    listener: Listener<S>,
    requests: readonly SocketRequest[],
    since: number,
  ): Listener<S> {
    if (!this.#isWatching) return listener;
    const held = this.#held(listener.id, requests, since);
    this.#keep(listener.id, held);
    return new WatchedListener(listener, (socket) => {
      this.#keep(socket.id, held);
    });
  }

  close(): void {
    this.#unsubscribe?.();
    this.#requests.clear();
  }

  /** What it holds. What a person allowed for one call is held by no policy, and so taken back by none. */
  #held(id: number, requests: readonly SocketRequest[], since: number): readonly SocketRequest[] {
    const held: SocketRequest[] = [];
    for (const request of requests) {
      const decision = judge(this.#policy, request);
      if (decision.allowed) held.push(request);
      else if (since !== this.#revocations) {
        this.#provider.abort(id);
        throw denial(request, decision);
      }
    }
    return held;
  }

  #keep(id: number, held: readonly SocketRequest[]): void {
    if (held.length === 0) return;
    this.#requests.set(id, held);
    if (this.#requests.size >= this.#sweepAt) this.#sweep();
  }

  #revoked(): void {
    this.#revocations++;
    for (const [id, requests] of [...this.#requests]) {
      if (requests.every((request) => judge(this.#policy, request).allowed)) continue;
      this.#requests.delete(id);
      this.#provider.abort(id);
    }
  }

  /** Closing tells nobody here, so now and then the provider is asked what is left: seldom enough to cost nothing each. */
  #sweep(): void {
    const open = new Set<number>();
    for (const { id } of this.#provider.sockets()) open.add(id);
    for (const id of this.#requests.keys()) if (!open.has(id)) this.#requests.delete(id);
    this.#sweepAt = Math.max(MIN_SWEEP, 2 * this.#requests.size);
  }
}
