/**
 * A UDP socket over one of `node:dgram`.
 *
 * Node receives whatever comes as soon as the socket is bound, and cannot leave it in the kernel's buffer. So what comes
 * before `start`, or while paused, is kept here, up to a limit; what comes beyond it is dropped, and counted in `drops`,
 * which does not know what the kernel has dropped.
 *
 * What ICMP reports of a connected socket is not told, as the contract has it. Meta data, a source for each datagram and
 * `icmpErrors` need the native engine: they are refused. `receiveBufferSize` and `sendBufferSize` can be set and read,
 * though `buffer-sizes` is not among the capabilities, for streams have not got them; `trafficClass` cannot.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import type { IpEndpoint } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import type { ErrorDetails, SocketError } from '../base/errors.ts';
import { ClosedError, OverflowError, SystemError, UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type {
  Datagram,
  DatagramReadOptions,
  DatagramSink,
  Deadline,
  JsonValue,
  Membership,
  OutgoingDatagram,
  SocketSnapshot,
  WriteDone,
} from '../base/provider.ts';
import { withDeadline } from '../base/deadline.ts';
import type { DatagramReadPlan, UdpBindPlan } from '../base/validate-datagram.ts';
import {
  requireDatagramSink,
  validateDatagramRead,
  validateMembership,
  validateMessage,
} from '../base/validate-datagram.ts';
import type { DeadlinePlan } from '../base/validate.ts';
import { requireDone, validateDeadline } from '../base/validate.ts';
import { DatagramGroups } from './datagram-groups.ts';
import type { Kept, Packet } from './datagram-inbox.ts';
import { DatagramInbox } from './datagram-inbox.ts';
import { DatagramOptions } from './datagram-options.ts';
import type { UnsentDatagram } from './datagram-outbox.ts';
import { DatagramOutbox, isReport } from './datagram-outbox.ts';
import { guarded } from './guarded.ts';
import { toSystemError } from './node-errors.ts';
import type { OpenDatagram } from './open-datagram.ts';
import type { OwnedSocket, Owner } from './owner.ts';

/** What a message may choose only where there is `datagram-meta`. */
const META_FIELDS = ['from', 'interfaceIndex', 'ttl', 'trafficClass'] as const;

export class PortableDatagram implements Datagram, OwnedSocket {
  readonly id: number;
  readonly transport = 'udp';
  readonly type = 'datagram';
  readonly local: IpEndpoint;
  readonly remote: IpEndpoint | undefined;
  readonly settled: Promise<void>;
  tag?: JsonValue | undefined;
  readonly #socket: Socket;
  readonly #owner: Owner;
  readonly #plan: UdpBindPlan;
  readonly #options: DatagramOptions;
  readonly #outbox: DatagramOutbox;
  readonly #counts = { received: 0, sent: 0, drops: 0, bytesRead: 0, bytesWritten: 0 };
  readonly #groups: DatagramGroups;
  readonly #inbox = new DatagramInbox();
  #hasTurn = false;
  #lastSender: IpEndpoint | undefined;
  #settle: () => void = () => undefined;
  #sink: DatagramSink | undefined;
  #read: DatagramReadPlan = validateDatagramRead();
  #isPaused = false;
  #owesDrain = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  /** @param open bound since this turn of the loop, so that nothing has been told yet */
  constructor(open: OpenDatagram, remote: IpEndpoint | undefined, plan: UdpBindPlan, owner: Owner) {
    const { socket, local } = open;
    this.#socket = socket;
    this.#owner = owner;
    this.#plan = plan;
    this.#options = new DatagramOptions(socket, local.family);
    this.#groups = new DatagramGroups(socket);
    this.id = owner.nextId();
    this.local = local;
    this.remote = remote;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#outbox = new DatagramOutbox(
      socket,
      (datagram, error) => {
        this.#sent(datagram, error);
      },
      () => {
        this.#emptied();
      },
    );
    socket.on('message', (bytes, from) => {
      this.#tell({ packet: { bytes, remote: this.#senderOf(from) } });
    });
    socket.on('error', (error) => {
      if (!isReport(error)) this.#tell({ error: toSystemError(error, this.#details('receive')) });
    });
    owner.opened(this);
  }

  get bytesRead(): number {
    return this.#counts.bytesRead;
  }
  get bytesWritten(): number {
    return this.#counts.bytesWritten;
  }
  get received(): number {
    return this.#counts.received;
  }
  get sent(): number {
    return this.#counts.sent;
  }
  get drops(): number {
    return this.#counts.drops;
  }
  get bufferedAmount(): number {
    return this.#outbox.amount;
  }
  get isPaused(): boolean {
    return this.#isPaused;
  }

  snapshot(): SocketSnapshot {
    const { id, transport, local, remote, bytesRead, bytesWritten, bufferedAmount, tag } = this;
    const state = this.#state === 'open' ? 'open' : 'closing';
    const counts = { bytesRead, bytesWritten, bufferedAmount };
    return { id, kind: 'datagram', transport, state, local, remote, ...counts, tag };
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    this.#requireOpen('get');
    return this.#options.get(name);
  }

  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#requireOpen('set');
    this.#options.set(name, value);
  }

  /** Sets what `bind` was given. */
  setAll(options: Partial<SocketOptions>): void {
    this.#options.setAll(options);
  }

  ref(): void {
    this.#requireOpen('ref');
    this.#socket.ref();
  }

  unref(): void {
    this.#requireOpen('unref');
    this.#socket.unref();
  }

  start(sink: DatagramSink, options?: DatagramReadOptions): void {
    requireDatagramSink(sink);
    const plan = validateDatagramRead(options);
    this.#requireOpen('receive');
    if (plan.meta.size > 0) {
      const names = [...plan.meta].join(', ');
      throw new UnsupportedError(`meta data (${names}) needs the native engine`, this.#details('receive'));
    }
    this.#sink = sink;
    this.#read = plan;
    this.#deliverSoon();
  }

  pause(): void {
    this.#requireOpen('receive');
    this.#isPaused = true;
  }

  resume(): void {
    this.#requireOpen('receive');
    this.#isPaused = false;
    this.#deliverSoon();
  }

  send(message: OutgoingDatagram, done?: WriteDone): boolean {
    const datagram = this.#copyOf(message, done);
    requireDone(done);
    this.#requireSendable();
    this.#outbox.add(datagram);
    if (this.bufferedAmount < this.#plan.highWaterMark) return true;
    this.#owesDrain = true;
    return false;
  }

  sendMany(messages: readonly OutgoingDatagram[]): number {
    if (!Array.isArray(messages)) throw new TypeError('messages: expected an array of messages');
    // All are read and copied before the first is taken: a getter of one may change another.
    const datagrams = Array.from(messages as readonly unknown[], (message) => this.#copyOf(message));
    this.#requireSendable();
    let count = 0;
    for (const datagram of datagrams) {
      if (this.bufferedAmount >= this.#plan.highWaterMark) break;
      this.#outbox.add(datagram);
      count += 1;
    }
    if (count < datagrams.length) this.#owesDrain = true;
    return count;
  }

  /** @throws {TypeError | RangeError} @throws {UnsupportedError} */
  #copyOf(message: unknown, done?: WriteDone): UnsentDatagram {
    const valid = validateMessage(message, {
      transport: 'udp',
      isConnected: this.remote !== undefined,
    });
    const asked = META_FIELDS.find((name) => valid[name] !== undefined);
    if (asked !== undefined)
      throw new UnsupportedError(`${asked} of one datagram needs the native engine`, this.#details('send'));
    const { bytes, to } = valid;
    if (to?.family === 'unix') throw new TypeError('to: expected an address of IP');
    return { bytes: new Uint8Array(bytes), to: to && this.#reachable(to), done };
  }

  /** Node's IPv6 sockets take only IPv6 addresses, and so the mapped form of others (RFC 4291, 2.5.5.2). */
  #reachable(to: IpEndpoint): IpEndpoint {
    if (this.local.family === to.family || to.family === 'ipv6') return to;
    return { family: 'ipv6', host: `::ffff:${to.host}`, port: to.port };
  }

  #requireSendable(): void {
    this.#requireOpen('send');
    const { writeLimit } = this.#plan;
    if (this.bufferedAmount > writeLimit) throw new OverflowError(writeLimit, this.#details('send'));
  }

  join(membership: Membership): void {
    const valid = validateMembership(membership);
    this.#requireOpen('join');
    this.#groups.join(valid, this.#details('join'));
  }

  leave(membership: Membership): void {
    const valid = validateMembership(membership);
    this.#requireOpen('leave');
    this.#groups.leave(valid, this.#details('leave'));
  }

  memberships(): readonly Membership[] {
    this.#requireOpen('memberships');
    return this.#groups.list;
  }

  close(deadline?: Deadline): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    let plan: DeadlinePlan;
    try {
      plan = validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
      return Promise.reject(error);
    }
    this.#closing = this.#close(plan);
    return this.#closing;
  }

  async #close(plan: DeadlinePlan): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      if (this.#outbox.isEmpty) this.#end();
    }
    const late = (): SocketError => new SystemError('ETIMEDOUT', this.#details('close'));
    try {
      await withDeadline(this.settled, plan, this.#owner.clock, late);
    } catch (error) {
      this.abort();
      await this.settled;
      throw error;
    }
  }

  abort(): void {
    if (this.#state !== 'closed') this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Gives the descriptor back; what is left to tell is told in the next turn. */
  #end(): void {
    this.#state = 'closed';
    const unsent = this.#outbox.drop();
    const error = new ClosedError(this.#details('send'));
    this.#inbox.clear();
    this.#socket.removeAllListeners('message');
    this.#socket.close(() => {
      this.#owner.closed(this);
      for (const { done } of unsent) {
        guarded(() => done?.(error));
      }
      const sink = this.#sink;
      this.#sink = undefined;
      guarded(() => sink?.close(null));
      this.#owner.over(this);
      this.#settle();
    });
  }

  /** Tells it now, or keeps it until it can be told. */
  #tell(kept: Kept): void {
    if (this.#isReading() && this.#inbox.isEmpty) this.#deliver(kept);
    else if (!this.#inbox.put(kept)) this.#counts.drops += 1;
  }

  /** The object of the one before, if it is the same sender. */
  #senderOf({ address, port }: RemoteInfo): IpEndpoint {
    const found = parseIp(address);
    if (found === null) throw new Error(`node:dgram told a sender that is none: ${address}`);
    const last = this.#lastSender;
    if (last?.port === port && last.host === found.host && last.scope === found.scope) return last;
    this.#lastSender = { ...found, port };
    return this.#lastSender;
  }

  #isReading(): boolean {
    return this.#state === 'open' && this.#sink !== undefined && !this.#isPaused;
  }

  #deliverSoon(): void {
    if (this.#hasTurn || this.#inbox.isEmpty) return;
    this.#hasTurn = true;
    process.nextTick(() => {
      this.#hasTurn = false;
      this.#deliverKept();
    });
  }

  #deliverKept(): void {
    while (this.#isReading()) {
      const next = this.#inbox.take();
      if (next === undefined) return;
      this.#deliver(next);
    }
  }

  #deliver(kept: Kept): void {
    if ('packet' in kept) this.#receive(kept.packet);
    else this.#tellError(kept.error);
  }

  #receive({ bytes, remote }: Packet): void {
    const { length } = bytes;
    const { maxSize } = this.#read;
    const isWhole = length <= maxSize && bytes.buffer.byteLength === length;
    // Node's own bytes are a Buffer, whose slice is only a view.
    const own = isWhole
      ? new Uint8Array(bytes.buffer, 0, length)
      : Uint8Array.prototype.slice.call(bytes, 0, maxSize);
    this.#counts.received += 1;
    this.#counts.bytesRead += own.length;
    const datagram = { bytes: own, remote, truncated: length > maxSize, length };
    guarded(() => this.#sink?.receive(datagram));
  }

  #sent({ bytes, to, done }: UnsentDatagram, failure: Error | null): void {
    if (failure === null) {
      this.#counts.sent += 1;
      this.#counts.bytesWritten += bytes.length;
    }
    const error =
      failure === null
        ? null
        : toSystemError(failure, { ...this.#details('send'), remote: this.remote ?? to });
    if (done !== undefined) {
      guarded(() => {
        done(error);
      });
    } else if (error !== null) this.#tellError(error);
  }

  #emptied(): void {
    if (this.#state === 'closing') this.#end();
    else if (this.#owesDrain && this.#state === 'open' && this.#sink !== undefined) {
      this.#owesDrain = false;
      guarded(() => this.#sink?.drain?.());
    }
  }

  #tellError(error: SocketError): void {
    if (this.#state === 'open') guarded(() => this.#sink?.error?.(error));
  }

  #requireOpen(op: string): void {
    if (this.#state !== 'open') throw new ClosedError(this.#details(op));
  }

  #details(op: string): ErrorDetails {
    return { op, transport: 'udp', local: this.local, remote: this.remote };
  }
}
