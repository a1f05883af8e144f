/**
 * The engine's turn: batches of events from the native reactor go to the sockets they concern, what these write is sent
 * at the turn's end, and only then are the answers given (`done`, `drain`, promises).
 */
import type { NativeModule, NativeReactor } from '../addon/types.ts';
import { EVENT, EVENT_CAPACITY, SLOT_COUNT } from '../addon/types.ts';
import type { Clock } from '../base/clock.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import type { SocketSnapshot } from '../base/provider.ts';
import { TlsHost } from '../base/tls-host.ts';
import { nodeTls } from '../portable/tls-handshake.ts';
import { ErrorNames } from '../addon/system-errors.ts';

/** Whoever owns a native handle. Events that cannot concern it do nothing. */
export interface Target {
  onEvent(kind: number, a: number, b: number, buffers: readonly ArrayBuffer[]): void;
  /** What `flush` found: state only, nobody is to be called. */
  onFlushed(kind: number, a: number, b: number): void;
  /** The time to answer what `Reactor.attend` was called for. */
  attend(): void;
  /** The reactor is closing: end now, as if aborted. */
  abort(): void;
  snapshot(): SocketSnapshot | null;
}

export interface ReactorOptions {
  readonly native: NativeModule;
  readonly clock: Clock;
  readonly usePoll: boolean;
  readonly withFaults: boolean;
  /** Microseconds. */
  readonly busyPoll: number;
  readonly keepsMemory: boolean;
}

/** An exception of the user's must not end a batch: it is thrown where Node reports it as uncaught. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

export const slotOf = (handle: number): number => handle % SLOT_COUNT;

export class Reactor {
  readonly native: NativeReactor;
  readonly module: NativeModule;
  readonly clock: Clock;
  readonly names: ErrorNames;
  readonly tls: TlsHost;
  /** Counts flushes: what was written in an earlier turn has been handed to the kernel, or is known to be blocked. */
  turn = 0;
  #lastId = 0;
  #isInTurn = false;
  #isTickQueued = false;
  #isClosed = false;
  /** Two lists in turn, filled from the front: to make them anew each turn shows in the facades' benchmarks. */
  #attending: (Target | undefined)[] = [];
  #spare: (Target | undefined)[] = [];
  #attendingCount = 0;
  readonly #targets: (Target | undefined)[] = [];
  readonly #events: Int32Array;
  #bytes: Uint8Array;
  /** Of the same memory: to ask `#bytes` for it costs as much as to make a view. */
  #memory: ArrayBufferLike;
  #words: Int32Array;
  readonly #waiters = new Set<() => void>();
  readonly #tick = (): void => {
    this.#isTickQueued = false;
    if (!this.#isClosed) this.#endTurn();
  };

  constructor(options: ReactorOptions) {
    this.module = options.native;
    this.clock = options.clock;
    this.tls = new TlsHost(nodeTls, options.clock);
    this.names = new ErrorNames(options.native.errorNumbers);
    const { native: module, usePoll, withFaults, busyPoll, keepsMemory } = options;
    const onBatch = this.#onBatch.bind(this);
    const native = module.createReactor(onBatch, usePoll, withFaults, busyPoll, keepsMemory);
    if (typeof native === 'number') throw this.names.error(-native, 'epoll_create1', { op: 'open' });
    this.native = native;
    this.#events = this.native.events;
    this.#bytes = this.native.slab();
    this.#memory = this.#bytes.buffer;
    this.#words = new Int32Array(this.#memory);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A number for a new socket. */
  nextId(): number {
    return ++this.#lastId;
  }

  /** The slab, as bytes. Whoever has it may change it: it is for this engine alone. */
  get slab(): Uint8Array {
    if (this.#bytes.length === 0) this.#renewSlab();
    return this.#bytes;
  }

  /** The same memory, to make views of. */
  get memory(): ArrayBufferLike {
    if (this.#bytes.length === 0) this.#renewSlab();
    return this.#memory;
  }

  /** The same memory as signed words. */
  get words(): Int32Array {
    if (this.#bytes.length === 0) this.#renewSlab();
    return this.#words;
  }

  /** What a `dataView` event points to. */
  view(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.memory, offset, length);
  }

  /** Whoever had a view may have transferred its buffer away. The memory is the native side's, and is still there. */
  #renewSlab(): void {
    this.#bytes = this.native.slab();
    this.#memory = this.#bytes.buffer;
    this.#words = new Int32Array(this.#memory);
  }

  /** The number of a network interface. @throws {SystemError} */
  interfaceIndex(name: string, details: ErrorDetails): number {
    const index = this.module.interfaceIndex(name);
    if (index > 0) return index;
    const reason = `no network interface ${JSON.stringify(name)}`;
    throw new SystemError('ENODEV', { ...details, reason });
  }

  /** Sends the events of `handle` to `target`. */
  own(handle: number, target: Target): void {
    this.#targets[slotOf(handle)] = target;
  }

  /** The handle is closed. */
  disown(handle: number): void {
    this.#targets[slotOf(handle)] = undefined;
    if (this.#waiters.size > 0) this.#wakeWaiters();
  }

  /** Calls `waiter` once, when the next socket has closed: a descriptor may be free then. */
  onNextClose(waiter: () => void): () => void {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Has `target.attend` called soon, never inside this call. Each call counts: the target must not ask twice. */
  attend(target: Target): void {
    this.#attending[this.#attendingCount++] = target;
    this.touch();
  }

  /** Ensures that the turn ends: to be called after a write. */
  touch(): void {
    if (this.#isInTurn || this.#isTickQueued) return;
    this.#isTickQueued = true;
    queueMicrotask(this.#tick);
  }

  *snapshots(): Generator<SocketSnapshot> {
    for (const target of [...this.#targets]) {
      const snapshot = target?.snapshot() ?? null;
      if (snapshot !== null) yield snapshot;
    }
  }

  /** @returns whether there was one */
  abort(id: number): boolean {
    const target = this.#targets.find((candidate) => candidate?.snapshot()?.id === id);
    target?.abort();
    return target !== undefined;
  }

  /** Aborts every socket and settles what is pending. */
  close(): void {
    if (this.#isClosed) return;
    for (const target of [...this.#targets]) target?.abort();
    this.#endTurn();
    this.#isClosed = true;
    this.native.dispose();
  }

  #onBatch(count: number, ...buffers: ArrayBuffer[]): void {
    const events = this.#events;
    this.#isInTurn = true;
    for (let at = 0; at < 4 * count; at += 4) {
      const kind = events[at] ?? 0;
      const a = events[at + 2] ?? 0;
      const b = events[at + 3] ?? 0;
      const target = this.#targets[events[at + 1] ?? 0];
      if (target === undefined) {
        // Its listener was closed earlier in this batch.
        if (kind === EVENT.accepted) this.native.abort(b * SLOT_COUNT + a);
        continue;
      }
      try {
        target.onEvent(kind, a, b, buffers);
      } catch (error) {
        reportUncaught(error);
      }
      if (this.#isClosed) return;
    }
    this.#isInTurn = false;
    this.#endTurn();
  }

  #endTurn(): void {
    this.turn++;
    let count: number;
    do {
      count = this.native.flush();
      this.#tellFlushed(count);
    } while (count === EVENT_CAPACITY);
    if (this.#attendingCount > 0) this.#attendTo();
  }

  #tellFlushed(count: number): void {
    const events = this.#events;
    for (let at = 0; at < 4 * count; at += 4) {
      const target = this.#targets[events[at + 1] ?? 0];
      target?.onFlushed(events[at] ?? 0, events[at + 2] ?? 0, events[at + 3] ?? 0);
    }
  }

  /** Only what was asked for until now: answers may ask anew, and the loop must come to an end. */
  #attendTo(): void {
    const attending = this.#attending;
    const count = this.#attendingCount;
    this.#attending = this.#spare;
    this.#attendingCount = 0;
    // Taken away while it is in use: the end of the provider, in an answer, attends once more.
    this.#spare = [];
    for (let i = 0; i < count; i++) {
      const target = attending[i];
      attending[i] = undefined;
      try {
        target?.attend();
      } catch (error) {
        reportUncaught(error);
      }
    }
    this.#spare = attending;
  }

  #wakeWaiters(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter();
  }
}
