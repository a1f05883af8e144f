import type { SocketError } from '../base/errors.ts';
import type { DatagramSink, ReceivedDatagram } from '../base/provider.ts';
import type { Complain } from './stream-recorder.ts';
import { SuiteFailure, show } from './suite.ts';

/** What a case wants done inside the callbacks, after they were written down. */
export interface DatagramHooks {
  receive?(datagram: ReceivedDatagram): void;
  drain?(): void;
  error?(error: SocketError): void;
  close?(error: SocketError | null): void;
}

/** Waits for a condition that only an event can bring about. */
interface Waiter {
  readonly test: () => boolean;
  readonly what: string;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Writes down all that a message socket tells, and complains of what none may tell: a datagram while paused, one whose
 * numbers do not agree, a second close, an event after `close()`.
 */
export class DatagramRecorder implements DatagramSink {
  /** The names of the events so far; neighbouring `receive` are one. */
  readonly log: string[] = [];
  readonly datagrams: ReceivedDatagram[] = [];
  readonly errors: SocketError[] = [];
  drains = 0;
  /** `undefined` until `close` was told. */
  closed: SocketError | null | undefined = undefined;
  readonly #complain: Complain;
  readonly #hooks: DatagramHooks;
  readonly #waiters = new Set<Waiter>();
  #isView = false;
  #isMuted = false;
  #isReplaced = false;
  #isInReceive = false;
  /** Datagrams that may still come: unlimited unless paused. */
  #allowed = Number.POSITIVE_INFINITY;

  constructor(complain: Complain, hooks: DatagramHooks = {}) {
    this.#complain = complain;
    this.#hooks = hooks;
  }

  get isClosed(): boolean {
    return this.closed !== undefined;
  }

  /** The reader asked for views: each is copied, since it is valid only during the call. */
  expectViews(): void {
    this.#isView = true;
  }

  mute(): void {
    this.#isMuted = true;
  }

  /** `pause()` was called: at most the datagram in hand may follow. */
  pause(): void {
    this.#allowed = this.#isInReceive ? 0 : 1;
  }

  resume(): void {
    this.#allowed = Number.POSITIVE_INFINITY;
  }

  replace(): void {
    this.#isReplaced = true;
  }

  receive(datagram: ReceivedDatagram): void {
    this.#note('receive');
    this.#judge(datagram);
    if (this.#allowed <= 0) this.#complain('a datagram while paused');
    this.#allowed -= 1;
    this.datagrams.push(this.#isView ? { ...datagram, bytes: datagram.bytes.slice() } : datagram);
    this.#isInReceive = true;
    try {
      this.#after(() => this.#hooks.receive?.(datagram));
    } finally {
      this.#isInReceive = false;
    }
  }

  #judge({ bytes, remote, length, truncated }: ReceivedDatagram): void {
    if (!(bytes instanceof Uint8Array)) this.#complain(`bytes that are no Uint8Array: ${show(bytes)}`);
    if (!this.#isView && bytes.buffer.byteLength !== bytes.byteLength)
      this.#complain('owned bytes in a larger ArrayBuffer');
    if (!['ipv4', 'ipv6', 'unix'].includes(remote.family)) this.#complain('a sender without a family');
    if (truncated !== length > bytes.length)
      this.#complain(`truncated ${String(truncated)}: ${String(bytes.length)} bytes of ${String(length)}`);
  }

  drain(): void {
    this.#note('drain');
    this.drains += 1;
    this.#after(() => this.#hooks.drain?.());
  }

  error(error: SocketError): void {
    this.#note('error');
    this.errors.push(error);
    this.#after(() => this.#hooks.error?.(error));
  }

  close(error: SocketError | null): void {
    if (this.isClosed) this.#complain('a second close');
    if (this.#isReplaced) this.#complain('close on a sink that was replaced');
    if (this.#isMuted && error !== null)
      this.#complain(`close(${show(error)}) after one's own close() or abort()`);
    this.log.push('close');
    this.closed = error;
    this.#after(() => this.#hooks.close?.(error));
    for (const waiter of this.#waiters)
      waiter.reject(new SuiteFailure(`closed with ${show(error)} before: ${waiter.what}`));
  }

  /** Fulfils when an event has made `test` true. @throws {SuiteFailure} if the socket closes without that */
  until(test: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (test()) resolve();
      else if (this.isClosed) reject(new SuiteFailure(`closed with ${show(this.closed)} before: ${what}`));
      else this.#waiters.add({ test, what, resolve, reject });
    });
  }

  untilCount(count: number): Promise<void> {
    return this.until(() => this.datagrams.length >= count, `${String(count)} datagrams received`);
  }

  /** The datagram received as number `index`, when it has come. */
  async datagram(index = 0): Promise<ReceivedDatagram> {
    await this.untilCount(index + 1);
    const datagram = this.datagrams[index];
    if (datagram === undefined) throw new SuiteFailure('no such datagram');
    return datagram;
  }

  /** The error told as number `index`, when it was told. */
  async untilError(index = 0): Promise<SocketError> {
    await this.until(() => this.errors.length > index, `error ${String(index)}`);
    const error = this.errors[index];
    if (error === undefined) throw new SuiteFailure('no such error');
    return error;
  }

  async untilClose(): Promise<SocketError | null> {
    await this.until(() => this.isClosed, 'the close');
    return this.closed ?? null;
  }

  #note(event: string): void {
    if (this.isClosed) this.#complain(`${event} after close`);
    else if (this.#isMuted) this.#complain(`${event} after one's own close() or abort()`);
    if (this.#isReplaced) this.#complain(`${event} on a sink that was replaced`);
    if (event !== 'receive' || this.log.at(-1) !== 'receive') this.log.push(event);
  }

  /** Runs the case's hook, then wakes those whose condition has come true; also if the hook throws. */
  #after(hook: () => void): void {
    try {
      hook();
    } finally {
      for (const waiter of this.#waiters) {
        if (!waiter.test()) continue;
        this.#waiters.delete(waiter);
        waiter.resolve();
      }
    }
  }
}
