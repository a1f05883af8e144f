/** What open sockets were permitted for, so that it can be asked again when a permission is taken back. */
import type { Listener, SocketBase, SocketProvider } from '../base/provider.ts';
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

  watch<S extends SocketBase>(socket: S, requests: readonly SocketRequest[]): S {
    if (!this.#isWatching) return socket;
    this.#requests.set(socket.id, requests);
    if (this.#requests.size >= this.#sweepAt) this.#sweep();
    return socket;
  }

  /** What a listener accepts stands and falls with it. */
  watchListener<S extends SocketBase>(
    listener: Listener<S>,
    requests: readonly SocketRequest[],
  ): Listener<S> {
    if (!this.#isWatching) return listener;
    return new WatchedListener(this.watch(listener, requests), (socket) => {
      this.watch(socket, requests);
    });
  }

  close(): void {
    this.#unsubscribe?.();
    this.#requests.clear();
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
