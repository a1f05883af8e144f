import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  SocketProvider,
  SocketSnapshot,
  Stream,
} from '../base/provider.ts';
import { CaseScope, runInScope } from './case-scope.ts';
import { makeCases, type CaseRow } from './case-table.ts';
import type { ListenerHooks, ListenerRecorder } from './listener-recorder.ts';
import { acceptOne, connectOptions, connectPair, listenOptions } from './pair-maker.ts';
import {
  check,
  equal,
  settle,
  SuiteFailure,
  TRANSPORT_NEEDS,
  type PairOptions,
  type ProviderMaker,
  type SuiteCase,
  type SuiteFiles,
  type SuiteOptions,
  type SuiteTransport,
} from './suite.ts';

export interface ProviderSuiteOptions extends SuiteOptions {
  /** What the sockets of the cases are made of. */
  readonly transport: SuiteTransport;
}

/** The scope of a case about a provider that was made for it. */
export class ProviderHarness extends CaseScope {
  readonly provider: SocketProvider;
  readonly transport: SuiteTransport;

  constructor(options: ProviderSuiteOptions, provider: SocketProvider) {
    super(options, async () => {
      const { a, b } = await connectPair(provider, listenOptions(options.transport, options.files));
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

  get files(): SuiteFiles {
    if (this.options.files === undefined) throw new SuiteFailure('this case needs the option files');
    return this.options.files;
  }

  /** A listener on a fresh address of the suite's transport, watched. */
  async listen(extra: Partial<ListenOptions> = {}): Promise<Listener> {
    const options = { ...listenOptions(this.transport, this.options.files), ...extra };
    return this.watch(await this.provider.listen(options));
  }

  /** A listener that was started. */
  async serve(
    hooks: ListenerHooks = {},
    extra: Partial<ListenOptions> = {},
  ): Promise<{ listener: Listener; atListener: ListenerRecorder }> {
    const listener = await this.listen(extra);
    return { listener, atListener: this.recordListener(listener, hooks) };
  }

  /** A stream to a listener, watched. */
  async connectTo(listener: Listener, extra: Partial<ConnectOptions> = {}): Promise<Stream> {
    return this.connect({ ...connectOptions(listener), ...extra });
  }

  async connect(options: ConnectOptions): Promise<Stream> {
    return this.watch(await this.provider.connect(options));
  }

  /** Two connected streams of the provider, watched; their listener is closed. */
  async pair(options?: PairOptions): Promise<{ a: Stream; b: Stream }> {
    const { a, b } = await connectPair(
      this.provider,
      listenOptions(this.transport, this.options.files),
      options,
    );
    return { a: this.watch(a), b: this.watch(b) };
  }

  /** Where nobody listens, and somebody did a moment ago. */
  async deserted(): Promise<ConnectOptions> {
    const listener = await this.provider.listen(listenOptions(this.transport, this.options.files));
    const options = connectOptions(listener);
    await listener.close();
    return options;
  }

  /** Lets time pass for an asynchronous call that waits for it, after all has been done that needs no time. */
  async pass(milliseconds: number): Promise<void> {
    if (this.options.clock === undefined) return;
    await this.quiet();
    await this.options.clock.advance(milliseconds);
  }

  /** Runs `body`, and checks that it has left as many descriptors open as there were. */
  async leavesNothing(body: () => Promise<void>): Promise<void> {
    await this.quiet();
    const before = await this.options.resources?.();
    await body();
    if (before !== undefined) equal(await this.options.resources?.(), before, 'descriptors left open');
  }

  /** Where connections neither fail nor succeed: the backlog is full, and nobody accepts. */
  async blackHole(): Promise<ConnectOptions> {
    const listener = await this.listen({ backlog: 1 });
    await this.fill(listener);
    return connectOptions(listener);
  }

  /** Connects to a listener that accepts nothing until its backlog is full. */
  async fill(listener: Listener): Promise<void> {
    for (let i = 0; i < 64; i++) {
      const attempt = settle(
        () => this.provider.connect({ ...connectOptions(listener), timeout: 150 }),
        'connect',
      );
      await this.pass(150);
      if ((await attempt).status === 'rejected') return;
    }
    throw new SuiteFailure('a listener that accepts nothing took 64 connections');
  }

  /** The snapshot of a socket that must have one. */
  shown(socket: { readonly id: number }): SocketSnapshot {
    const found = this.snapshot(socket);
    check(found !== undefined, 'an open socket has no snapshot');
    return found;
  }

  /** The one snapshot of a socket, or `undefined`. */
  snapshot(socket: { readonly id: number }): SocketSnapshot | undefined {
    const found = [...this.provider.sockets()].filter((each) => each.id === socket.id);
    check(found.length <= 1, 'one socket has two snapshots');
    return found[0];
  }
}

/** Makes cases that are each given a provider of their own. */
export function providerCases(
  prefix: string,
  rows: readonly CaseRow<ProviderHarness>[],
  make: ProviderMaker,
  options: ProviderSuiteOptions,
): SuiteCase[] {
  const { transport } = options;
  const setting = { transport: transport.startsWith('unix') ? 'unix' : 'tcp', options } as const;
  let warmUp: Promise<void> | null = null;
  return makeCases(
    `${prefix} over ${transport}`,
    TRANSPORT_NEEDS[transport],
    rows,
    setting,
    async (body, signal) => {
      warmUp ??= useOnce(make, options);
      await warmUp;
      const makeScope = async (): Promise<ProviderHarness> => {
        const { provider, stop } = await make();
        const scope = new ProviderHarness(options, provider);
        scope.later(stop);
        return scope;
      };
      await runInScope(options, makeScope, body, signal);
    },
  );
}

/** A provider may open a descriptor of its own when it is first used, and keep it: that is no leak of a case. */
async function useOnce(make: ProviderMaker, options: ProviderSuiteOptions): Promise<void> {
  const { provider, stop } = await make();
  const listener = await provider.listen(listenOptions(options.transport, options.files));
  const accepted = acceptOne(listener);
  await provider.connect(connectOptions(listener));
  await accepted;
  await stop();
}
