/**
 * What every case of a suite runs in: it watches all sockets of the case, so that each case also checks that no callback
 * runs inside a call, that each `done` comes once, that closed and paused sockets are silent, and that nothing is left open.
 */
import { onAbort, type AbortSignalLike } from '../base/abort.ts';
import type { SocketError } from '../base/errors.ts';
import type {
  Datagram,
  DatagramReadOptions,
  Listener,
  ReadOptions,
  SocketBase,
  Stream,
  WriteDone,
} from '../base/provider.ts';
import { DatagramRecorder, type DatagramHooks } from './datagram-recorder.ts';
import { deferred } from './deferred.ts';
import { EventRecorder } from './event-recorder.ts';
import { ListenerRecorder, type ListenerHooks } from './listener-recorder.ts';
import { MustCall } from './must-call.ts';
import { patternBytes } from './pattern.ts';
import { StreamRecorder, type StreamHooks } from './stream-recorder.ts';
import { SuiteFailure, check, equal, type StreamPair, type SuiteOptions } from './suite.ts';
import { Witness } from './witness.ts';

/** What is known of one watched socket. */
interface Watched {
  recorder: EventRecorder | null;
  isPaused: boolean;
}

type Method = (...args: readonly unknown[]) => unknown;

/** Calls after which a sink hears nothing but `close`. */
const CLOSING: ReadonlySet<string | symbol> = new Set<string | symbol>([
  'close',
  'abort',
  Symbol.asyncDispose,
]);

export class CaseScope {
  readonly options: SuiteOptions;
  /** Callbacks that must come a certain number of times before the case is over. */
  readonly calls: MustCall = new MustCall();
  /** Each `done` of `done()`, in the order in which they were told. */
  readonly answers: { readonly label: string; readonly error: SocketError | null }[] = [];
  readonly #problems: string[] = [];
  readonly #cleanups: (() => Promise<void>)[] = [];
  /** Recorders that were given to a socket and not replaced since: each must hear its `close`. */
  readonly #started = new Set<EventRecorder>();
  readonly #openWitness: () => Promise<StreamPair>;
  #witness: Promise<Witness> | null = null;
  #depth = 0;

  /** @param openWitness opens a pair that shares the loop of the sockets of this case */
  constructor(options: SuiteOptions, openWitness: () => Promise<StreamPair>) {
    this.options = options;
    this.#openWitness = openWitness;
  }

  /** A number of bytes or rounds, made smaller for slow providers. */
  size(full: number, least = 1): number {
    return Math.max(least, Math.ceil(full * (this.options.scale ?? 1)));
  }

  /**
   * A number of bytes that the kernel takes although nobody reads. A provider that is slowed down to a byte a call pays
   * for each with a buffer of its own: a Unix socket of Linux then holds some 270 of them, and not the usual 200,000.
   */
  unread(full: number): number {
    return (this.options.scale ?? 1) === 1 ? full : Math.min(full, 100);
  }

  readonly complain = (problem: string): void => {
    if (this.#problems.length < 50) this.#problems.push(problem);
  };

  /** A socket whose every call is watched for callbacks that run inside it. */
  watch<T extends SocketBase>(socket: T): T {
    const state: Watched = { recorder: null, isPaused: false };
    return new Proxy(socket, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]) => this.#call(target, state, key, value as Method, args);
      },
      set: (target, key, value) => Reflect.set(target, key, value, target),
    });
  }

  #call(
    target: object,
    state: Watched,
    key: string | symbol,
    method: Method,
    args: readonly unknown[],
  ): unknown {
    if (CLOSING.has(key)) state.recorder?.mute();
    if (key === 'resume') {
      state.isPaused = false;
      state.recorder?.resume();
    }
    this.#depth += 1;
    let result: unknown;
    try {
      result = method.apply(target, [...args]);
    } finally {
      this.#depth -= 1;
    }
    if (key === 'start') this.#startedWith(state, args[0]);
    if (key === 'pause') {
      state.isPaused = true;
      state.recorder?.pause();
    }
    return result;
  }

  #startedWith(state: Watched, sink: unknown): void {
    const old = state.recorder;
    if (old !== null && old !== sink) {
      old.replace();
      this.#started.delete(old);
    }
    state.recorder = sink instanceof EventRecorder ? sink : null;
    if (state.recorder === null) return;
    this.#started.add(state.recorder);
    if (state.isPaused) state.recorder.pause();
  }

  /** Runs a callback of the provider, and complains if a call is what runs it. */
  heard<T>(what: string, run: () => T): T {
    if (this.#depth > 0) this.complain(`${what} was called inside the call that asked for it`);
    const depth = this.#depth;
    this.#depth = 0;
    try {
      return run();
    } finally {
      this.#depth = depth;
    }
  }

  /** A recorder that is not started yet. */
  recorder(hooks: StreamHooks = {}): StreamRecorder {
    const recorder = new StreamRecorder(this.complain, hooks);
    for (const name of ['data', 'end', 'drain', 'close'] as const) this.#guard(recorder, name);
    return recorder;
  }

  /** Starts a stream with a new recorder. */
  record(stream: Stream, hooks: StreamHooks = {}, options?: ReadOptions): StreamRecorder {
    const recorder = this.recorder(hooks);
    if (options?.chunks === 'view') recorder.expectViews();
    stream.start(recorder, options);
    return recorder;
  }

  /** Starts a listener with a new recorder. */
  recordListener<S extends SocketBase>(
    listener: Listener<S>,
    hooks: ListenerHooks<S> = {},
  ): ListenerRecorder<S> {
    const recorder = new ListenerRecorder<S>(this.complain, (socket) => this.watch(socket), hooks);
    for (const name of ['accept', 'error', 'close'] as const) this.#guard(recorder, name);
    listener.start(recorder);
    return recorder;
  }

  /** A recorder of a message socket that is not started yet. */
  datagramRecorder(hooks: DatagramHooks = {}): DatagramRecorder {
    const recorder = new DatagramRecorder(this.complain, hooks);
    for (const name of ['receive', 'drain', 'error', 'close'] as const) this.#guard(recorder, name);
    return recorder;
  }

  /** Starts a message socket with a new recorder. */
  recordDatagram(
    socket: Datagram,
    hooks: DatagramHooks = {},
    options?: DatagramReadOptions,
  ): DatagramRecorder {
    const recorder = this.datagramRecorder(hooks);
    if (options?.chunks === 'view') recorder.expectViews();
    socket.start(recorder, options);
    return recorder;
  }

  /** Makes one callback of a recorder notice when it runs inside a call. */
  #guard(recorder: object, name: string): void {
    const plain = Reflect.get(recorder, name) as Method;
    Reflect.set(recorder, name, (...args: readonly unknown[]) =>
      this.heard(name, () => plain.apply(recorder, [...args])),
    );
  }

  /** A `done` that must be told exactly once before the case is over. */
  done(label: string, then?: WriteDone): WriteDone {
    return this.calls.once(label, (error: SocketError | null) => {
      this.heard(label, () => {
        this.answers.push({ label, error });
        then?.(error);
      });
    });
  }

  /** Writes, and fulfils with what `done` was told. A write that throws rejects, and its `done` must not be told. */
  written(stream: Stream, bytes: Uint8Array): Promise<SocketError | null> {
    const label = `done of ${String(bytes.length)} bytes`;
    let isTaken = true;
    return new Promise((resolve) => {
      const done = this.calls.exactly(
        label,
        () => (isTaken ? 1 : 0),
        (error: SocketError | null) => {
          this.heard(label, () => {
            this.answers.push({ label, error });
            resolve(error);
          });
        },
      );
      isTaken = false;
      stream.write(bytes, done);
      isTaken = true;
    });
  }

  /** Remembers what must be stopped at the end; the last is stopped first. */
  later(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  /**
   * Gives everything that is under way the time to arrive: three round trips over another connection. What a provider
   * would tell unasked has been told by then, without a timer.
   */
  async quiet(): Promise<void> {
    this.#witness ??= this.#makeWitness();
    const witness = await this.#witness;
    for (let i = 0; i < 3; i++) await witness.roundTrip();
  }

  /**
   * Writes the pattern until nothing more goes out although there was time: the peer does not read, and all buffers
   * between are full.
   *
   * @param from a stream that was started with `recorder`
   * @returns how many bytes were written in all
   */
  async clog(
    from: Stream,
    recorder: { readonly drains: number },
    chunk: number = 16 * 1024,
  ): Promise<number> {
    let written = 0;
    for (let i = 0; i < 4096; i++) {
      const drains = recorder.drains;
      let isBelow = true;
      while (isBelow) {
        isBelow = from.write(
          patternBytes(chunk, written),
          this.done(`done of clogging write at ${String(written)}`),
        );
        written += chunk;
      }
      await this.#stands(from);
      if (recorder.drains === drains) return written;
    }
    throw new SuiteFailure('a peer that does not read took 64 MiB and more');
  }

  /** Clogs a stream, and checks that `write` answers `false` from the high-water mark on and not before. */
  async fillUp(from: Stream, recorder: { readonly drains: number }, highWaterMark: number): Promise<void> {
    let written = await this.clog(from, recorder, 500);
    for (let i = 0; from.bufferedAmount < highWaterMark; i++) {
      check(i < 1000, 'what is written to a clogged stream does not count as unsent');
      const isBelow = from.write(patternBytes(500, written), this.done(`done at ${String(written)}`));
      written += 500;
      equal(isBelow, from.bufferedAmount < highWaterMark, 'what write answered');
    }
    check(
      from.bufferedAmount < highWaterMark + 500,
      `${String(from.bufferedAmount)} bytes wait behind a high-water mark of ${String(highWaterMark)}`,
    );
  }

  /** Waits until nothing more goes out of `from`, which may send only a little at a time. */
  async #stands(from: Stream): Promise<void> {
    for (let before = -1; before !== from.bufferedAmount;) {
      before = from.bufferedAmount;
      await this.quiet();
    }
  }

  async #makeWitness(): Promise<Witness> {
    const pair = await this.#openWitness();
    this.later(() => pair.stop());
    return new Witness(pair);
  }

  /** Stops everything, and waits until each sink has heard its `close`. */
  async stop(): Promise<void> {
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop())
      await cleanup();
    for (const recorder of this.#started) await recorder.untilClose();
  }

  /** What was told that must not be. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** @throws {SuiteFailure} if anything was told that must not be, or not told that must be */
  check(): void {
    const problems = [...this.#problems, ...this.calls.problems()];
    check(problems.length === 0, problems.slice(0, 10).join('; '));
  }
}

/** Runs one case in a scope of its own, and counts what is open before and after. */
export async function runInScope<S extends CaseScope>(
  { resources }: SuiteOptions,
  makeScope: () => S | Promise<S>,
  body: (scope: S) => Promise<void>,
  signal?: AbortSignalLike,
): Promise<void> {
  const before = await resources?.();
  const scope = await makeScope();
  const { promise: patience, reject: giveUp } = deferred<never>();
  const off = onAbort(signal, () => {
    giveUp(new SuiteFailure('the runner gave the case up: something never came'));
  });
  try {
    await Promise.race([body(scope).then(() => scope.stop()), patience]);
  } catch (error) {
    // The first failure is what counts; what is still open is closed behind its back, also if that never ends.
    scope.stop().catch(() => undefined);
    if (scope.problems.length === 0) throw error;
    const first = error instanceof Error ? error.message : String(error);
    throw new SuiteFailure(`${first} (also: ${scope.problems.slice(0, 5).join('; ')})`, { cause: error });
  } finally {
    off();
  }
  scope.check();
  if (before !== undefined) equal(await resources?.(), before, 'descriptors open after the case');
}
