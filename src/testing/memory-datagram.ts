/** A message socket in memory: the part above the kernel, which receives and sends in turns and keeps the contract's order. */
import type { SocketAddress } from '../base/address.ts';
import {
  ClosedError,
  OverflowError,
  SystemError,
  UnsupportedError,
  isSocketError,
  type SocketError,
} from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type {
  Datagram,
  DatagramReadOptions,
  DatagramSink,
  Deadline,
  Membership,
  OutgoingDatagram,
  ReceivedDatagram,
  SocketSnapshot,
  WriteDone,
} from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import {
  requireDatagramSink,
  validateDatagramRead,
  validateMembership,
  validateMessage,
  type DatagramReadPlan,
} from '../base/validate-datagram.ts';
import { requireDone, validateDeadline, type StreamLimits } from '../base/validate.ts';
import { armDeadline } from './arm-deadline.ts';
import { deferred, type Deferred } from './deferred.ts';
import type { MemoryGroups } from './memory-groups.ts';
import { MemoryHandle } from './memory-handle.ts';
import type { MemoryMessage, MemoryMessageSocket } from './memory-message-socket.ts';
import { MemoryOptions } from './memory-options.ts';
import type { MemoryOwner } from './memory-stream.ts';
import { MemoryUdpSocket } from './memory-udp-socket.ts';

/** One datagram that is not with the kernel yet. */
interface Unsent {
  readonly message: OutgoingDatagram;
  readonly done: WriteDone | undefined;
}

export class MemoryDatagram extends MemoryHandle implements Datagram {
  readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly local: SocketAddress;
  readonly remote: SocketAddress | undefined;
  readonly #owner: MemoryOwner;
  readonly #socket: MemoryMessageSocket;
  readonly #limits: StreamLimits;
  readonly #kind: { readonly transport: 'udp' | 'unix'; readonly isConnected: boolean };
  #sink: DatagramSink | null = null;
  #read: DatagramReadPlan = validateDatagramRead();
  #unsent: Unsent[] = [];
  #bufferedAmount = 0;
  readonly #counts = { received: 0, sent: 0, bytesRead: 0, bytesWritten: 0 };
  #owesDrain = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closing: Deferred<undefined> | null = null;
  #dropDeadline: () => void = () => undefined;
  #hasReadTurn = false;
  #hasSendTurn = false;

  constructor(owner: MemoryOwner, id: number, socket: MemoryMessageSocket, limits: StreamLimits) {
    const changed = (options: SocketOptions): void => {
      socket.apply(options);
    };
    super(id, socket, new MemoryOptions(socket.transport, changed, socket.receiveBufferSize));
    this.transport = socket.transport;
    this.type = socket.type;
    this.local = socket.local;
    this.remote = socket.remote;
    this.#owner = owner;
    this.#socket = socket;
    this.#limits = limits;
    this.#kind = {
      transport: socket.transport,
      isConnected: socket.type === 'seqpacket' || socket.remote !== undefined,
    };
    socket.onReady = () => {
      this.#wantRead();
      if (this.#unsent.length > 0) this.#wantSend();
    };
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
    return this.#socket.drops;
  }
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }
  snapshot(): SocketSnapshot {
    const { id, transport, local, remote, bytesRead, bytesWritten, bufferedAmount, tag } = this;
    const state = this.#state === 'open' ? 'open' : 'closing';
    const counts = { bytesRead, bytesWritten, bufferedAmount };
    return { id, kind: 'datagram', transport, state, local, remote, ...counts, tag };
  }

  start(sink: DatagramSink, options?: DatagramReadOptions): void {
    requireDatagramSink(sink);
    const plan = validateDatagramRead(options);
    this.requireOpen('start');
    this.#sink = sink;
    this.#read = plan;
    this.#wantRead();
    if (this.#owesDrain) this.#wantSend();
  }

  send(message: OutgoingDatagram, done?: WriteDone): boolean {
    const valid = this.#copyOf(message);
    requireDone(done);
    this.#requireSendable();
    this.#take(valid, done);
    if (this.#bufferedAmount < this.#limits.highWaterMark) return true;
    this.#owesDrain = true;
    return false;
  }

  sendMany(messages: readonly OutgoingDatagram[]): number {
    if (!Array.isArray(messages)) throw new TypeError('messages: expected an array of messages');
    // All are read and copied before the first is taken: a getter of one may change another.
    const valid = Array.from(messages as readonly unknown[], (message) => this.#copyOf(message));
    this.#requireSendable();
    let count = 0;
    for (const message of valid) {
      if (this.#bufferedAmount >= this.#limits.highWaterMark) break;
      this.#take(message, undefined);
      count += 1;
    }
    if (count < valid.length) this.#owesDrain = true;
    return count;
  }

  /** @throws {TypeError | RangeError} it is no message for this socket */
  #copyOf(message: unknown): OutgoingDatagram {
    const valid = validateMessage(message, this.#kind);
    return { ...valid, bytes: new Uint8Array(valid.bytes) };
  }

  #requireSendable(): void {
    this.requireOpen('send');
    const { writeLimit } = this.#limits;
    if (this.#bufferedAmount > writeLimit) throw new OverflowError(writeLimit, this.details('send'));
  }

  #take(message: OutgoingDatagram, done: WriteDone | undefined): void {
    this.#unsent.push({ message, done });
    this.#bufferedAmount += message.bytes.length + MESSAGE_OVERHEAD;
    this.#wantSend();
  }

  join(membership: Membership): void {
    const valid = validateMembership(membership);
    this.#groups('join').join(valid);
  }

  leave(membership: Membership): void {
    const valid = validateMembership(membership);
    this.#groups('leave').leave(valid);
  }

  memberships(): readonly Membership[] {
    return this.#groups('memberships').memberships;
  }

  #groups(op: string): MemoryGroups {
    this.requireOpen(op);
    if (this.#socket instanceof MemoryUdpSocket) return this.#socket.groups;
    throw new UnsupportedError('a Unix socket has no multicast groups', this.details(op));
  }

  close(deadline?: Deadline): Promise<void> {
    if (this.#closing !== null) return this.#closing.promise;
    let plan;
    try {
      plan = validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
      return Promise.reject(error);
    }
    const closing = deferred<undefined>();
    this.#closing = closing;
    if (this.#state === 'closed') {
      closing.resolve(undefined);
      return closing.promise;
    }
    this.#state = 'closing';
    this.#wantSend();
    const timedOut = (): unknown => new SystemError('ETIMEDOUT', this.details('close'));
    this.#dropDeadline = armDeadline(plan, this.#owner.clock, timedOut, (reason) => {
      closing.reject(reason);
      this.abort();
    });
    return closing.promise;
  }

  abort(): void {
    if (this.#state === 'closed') return;
    const unsent = this.#end();
    this.#owner.turns.add(() => {
      this.#failAll(unsent, new ClosedError(this.details('send')));
      this.#closing?.resolve(undefined);
      this.#tellClose();
    });
  }

  /** Nothing is received or sent any more. @returns what was not sent, for the caller to answer */
  #end(): readonly Unsent[] {
    const unsent = this.#unsent;
    this.#state = 'closed';
    this.#unsent = [];
    this.#bufferedAmount = 0;
    this.#owesDrain = false;
    this.#dropDeadline();
    this.#socket.close();
    this.#owner.forget(this);
    return unsent;
  }

  #isReading(): boolean {
    return this.#state === 'open' && this.#sink !== null && !this.isPaused;
  }

  /** One datagram a turn, so that no socket keeps another waiting. */
  #wantRead(): void {
    if (this.#hasReadTurn || !this.#isReading()) return;
    this.#hasReadTurn = true;
    this.#owner.turns.add(() => {
      this.#hasReadTurn = false;
      if (this.#isReading()) this.#readOnce();
    });
  }

  #readOnce(): void {
    let message: MemoryMessage | null;
    try {
      message = this.#socket.receive();
    } catch (error) {
      this.#tellError(error);
      this.#wantRead();
      return;
    }
    if (message !== null) this.#deliver(message);
    else if (this.#socket.isEnded) this.#endByPeer();
  }

  #deliver(message: MemoryMessage): void {
    const { scratch, turns } = this.#owner;
    const { length } = message.bytes;
    const size = Math.min(length, this.#read.maxSize);
    this.#counts.received += 1;
    this.#counts.bytesRead += size;
    const cut = message.bytes.subarray(0, size);
    if (this.#read.chunks === 'view') scratch.set(cut);
    // Of its own, since a datagram that the network has doubled is one array to both.
    const bytes = this.#read.chunks === 'view' ? scratch.subarray(0, size) : cut.slice();
    const datagram = {
      bytes,
      remote: message.remote,
      truncated: size < length,
      length,
      ...this.#meta(message),
    };
    turns.call(() => this.#sink?.receive(datagram));
    if (this.#read.chunks === 'view') scratch.fill(0xdd, 0, size);
    this.#wantRead();
  }

  #meta(message: MemoryMessage): Partial<ReceivedDatagram> {
    const { meta } = this.#read;
    const { local, interfaceIndex, ttl, trafficClass, timestamp } = message;
    return {
      ...(meta.has('local') ? { local, interfaceIndex } : {}),
      ...(meta.has('ttl') ? { ttl } : {}),
      ...(meta.has('trafficClass') ? { trafficClass } : {}),
      ...(meta.has('timestamp') ? { timestamp } : {}),
    };
  }

  #endByPeer(): void {
    const unsent = this.#end();
    this.#failAll(unsent, new SystemError('EPIPE', { ...this.details('send'), syscall: 'sendmsg' }));
    this.#tellClose();
  }

  #wantSend(): void {
    if (this.#hasSendTurn || this.#state === 'closed') return;
    this.#hasSendTurn = true;
    this.#owner.turns.add(() => {
      this.#hasSendTurn = false;
      this.#sendAll();
    });
  }

  #sendAll(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const error = this.#sendOne(next.message);
      if (error === 'full') return;
      this.#unsent.shift();
      this.#bufferedAmount -= next.message.bytes.length + MESSAGE_OVERHEAD;
      if (next.done !== undefined) this.#answer(next.done, error);
      else if (error !== null && this.#state === 'open') this.#tellError(error);
    }
    this.#tellDrain();
    // A callback may have sent again, or aborted.
    if (this.#state === 'closing' && this.#unsent.length === 0) this.#endClosing();
  }

  #sendOne(message: OutgoingDatagram): SocketError | 'full' | null {
    try {
      if (!this.#socket.send(message)) return 'full';
    } catch (error) {
      if (isSocketError(error)) return error;
      throw error;
    }
    this.#counts.sent += 1;
    this.#counts.bytesWritten += message.bytes.length;
    return null;
  }

  #endClosing(): void {
    this.#end();
    this.#closing?.resolve(undefined);
    this.#tellClose();
  }

  #failAll(unsent: readonly Unsent[], error: SocketError): void {
    for (const { done } of unsent) if (done !== undefined) this.#answer(done, error);
  }

  #answer(done: WriteDone, error: SocketError | null): void {
    this.#owner.turns.call(() => {
      done(error);
    });
  }

  #tellDrain(): void {
    if (!this.#owesDrain || this.#state !== 'open' || this.#sink === null) return;
    if (this.#bufferedAmount > 0) return;
    this.#owesDrain = false;
    this.#owner.turns.call(() => this.#sink?.drain?.());
  }

  #tellError(error: unknown): void {
    if (!isSocketError(error)) throw error;
    this.#owner.turns.call(() => this.#sink?.error?.(error));
  }

  #tellClose(): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#owner.turns.call(() => sink?.close(null));
  }

  protected override get isOpen(): boolean {
    return this.#state === 'open';
  }

  protected override goOn(): void {
    this.#wantRead();
  }
}
