import type { SocketError } from '../base/errors.ts';
import type { DatagramSink, ReceivedDatagram } from '../base/provider.ts';
import { EventRecorder, type Complain } from './event-recorder.ts';
import { SuiteFailure, show } from './suite.ts';

/** What a case wants done inside the callbacks, after they were written down. */
export interface DatagramHooks {
  receive?(datagram: ReceivedDatagram): void;
  drain?(): void;
  error?(error: SocketError): void;
  close?(error: SocketError | null): void;
}

/**
 * Writes down all that a message socket tells, and complains of what none may tell: a datagram while paused, one whose
 * numbers do not agree, a second close, an event after `close()`.
 */
export class DatagramRecorder extends EventRecorder implements DatagramSink {
  readonly datagrams: ReceivedDatagram[] = [];
  readonly errors: SocketError[] = [];
  drains = 0;
  readonly #hooks: DatagramHooks;
  #isView = false;

  constructor(complain: Complain, hooks: DatagramHooks = {}) {
    super(complain, 1);
    this.#hooks = hooks;
  }

  /** The reader asked for views: each is copied, since it is valid only during the call. */
  expectViews(): void {
    this.#isView = true;
  }

  receive(datagram: ReceivedDatagram): void {
    this.note('receive', true);
    this.#judge(datagram);
    this.datagrams.push(this.#isView ? { ...datagram, bytes: datagram.bytes.slice() } : datagram);
    this.take('receive', () => this.#hooks.receive?.(datagram));
  }

  #judge({ bytes, remote, length, truncated }: ReceivedDatagram): void {
    if (!(bytes instanceof Uint8Array)) this.complain(`bytes that are no Uint8Array: ${show(bytes)}`);
    if (!this.#isView && bytes.buffer.byteLength !== bytes.byteLength)
      this.complain('owned bytes in a larger ArrayBuffer');
    if (!['ipv4', 'ipv6', 'unix'].includes(remote.family)) this.complain('a sender without a family');
    if (truncated !== length > bytes.length)
      this.complain(`truncated ${String(truncated)}: ${String(bytes.length)} bytes of ${String(length)}`);
  }

  drain(): void {
    this.note('drain');
    this.drains += 1;
    this.after(() => this.#hooks.drain?.());
  }

  error(error: SocketError): void {
    this.note('error');
    this.errors.push(error);
    this.after(() => this.#hooks.error?.(error));
  }

  close(error: SocketError | null): void {
    this.finish(error, () => this.#hooks.close?.(error));
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
}
