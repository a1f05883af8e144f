import type { IpAddress, SocketAddress } from '../../base/address.ts';
import { numericAddress } from '../../base/address-rules.ts';
import { isBytes } from '../../base/bytes.ts';
import type { Datagram, Membership, OutgoingDatagram, ReceivedDatagram } from '../../base/datagram.ts';
import { countDown, withDeadline } from '../../base/deadline.ts';
import { peerAddress } from '../../base/endpoint.ts';
import type { ErrorDetails, SocketError } from '../../base/errors.ts';
import { isSocketError, SystemError } from '../../base/errors.ts';
import type { OptionName, SocketOptions } from '../../base/options.ts';
import type { DatagramReadOptions, Deadline, JsonValue } from '../../base/provider.ts';
import { requireKnown, requireObject, wrongType } from '../../base/rules.ts';
import type { DeadlinePlan } from '../../base/validate.ts';
import { validateDeadline } from '../../base/validate.ts';
import { setBelow } from './below.ts';
import { Complaints } from './complaints.ts';
import type { Home } from './connection.ts';
import { Mailbox } from './mailbox.ts';
import type { DatagramSocket, DatagramToSend, Endpoint, GroupMembership, SendOptions } from './types.ts';
import type { WebStreams } from './web-streams.ts';

/** What a datagram socket is made with. */
export interface DatagramPlan {
  readonly maxQueued: number;
  readonly maxQueuedBytes: number;
  readonly read: DatagramReadOptions;
  readonly onError: ((error: SocketError) => void) | undefined;
}

/** What `send` takes beside a deadline. */
const SEND_NAMES = { from: true, interfaceIndex: true, trafficClass: true, ttl: true };
/** What a datagram of `sendMany` has. */
const DATAGRAM_NAMES = { ...SEND_NAMES, data: true, to: true };
const MEMBERSHIP_NAMES = { group: true, interfaceIndex: true, interfaceAddress: true, source: true };

function addressOf(value: string | IpAddress): IpAddress {
  return typeof value === 'string' ? numericAddress(value, 'address') : value;
}

/** What stands as text is read; the rest is the provider's to judge. */
function membershipOf(value: GroupMembership | string): Membership {
  const given: GroupMembership = typeof value === 'string' ? { group: value } : value;
  requireKnown(requireObject(given, 'membership'), MEMBERSHIP_NAMES);
  const { group, interfaceIndex, interfaceAddress, source } = given;
  return {
    group: addressOf(group),
    interfaceIndex,
    interfaceAddress: interfaceAddress === undefined ? undefined : addressOf(interfaceAddress),
    source: source === undefined ? undefined : addressOf(source),
  };
}

export class MessageSocket<Web extends WebStreams> implements DatagramSocket {
  readonly #home: Home<Web>;
  readonly #socket: Datagram;
  readonly #plan: DatagramPlan;
  readonly #complaints: Complaints<SocketError>;
  readonly #inbox: Mailbox<ReceivedDatagram>;
  /** Somebody has asked for a datagram, once at least. */
  #isAsked = false;
  #isHolding = true;
  #isEnded = false;
  #lastText: string | undefined;
  #lastAddress: SocketAddress | undefined;

  constructor(home: Home<Web>, socket: Datagram, plan: DatagramPlan) {
    this.#home = home;
    this.#socket = socket;
    this.#plan = plan;
    this.#complaints = new Complaints(home.platform, 'a datagram socket', plan.onError);
    this.#inbox = new Mailbox<ReceivedDatagram>({
      clock: home.platform.clock,
      details: () => this.#details('receive'),
      weigh: ({ bytes }) => bytes.length,
      changed: () => {
        this.#regulate();
      },
    });
    setBelow(this, socket);
    this.#start();
  }

  get id(): number {
    return this.#socket.id;
  }
  get transport(): 'udp' | 'unix' {
    return this.#socket.transport;
  }
  get type(): 'datagram' | 'seqpacket' {
    return this.#socket.type;
  }
  get local(): SocketAddress {
    return this.#socket.local;
  }
  get remote(): SocketAddress | undefined {
    return this.#socket.remote;
  }
  get received(): number {
    return this.#socket.received;
  }
  get sent(): number {
    return this.#socket.sent;
  }
  get drops(): number {
    return this.#socket.drops;
  }
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }
  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }
  get tag(): JsonValue | undefined {
    return this.#socket.tag;
  }
  set tag(value: JsonValue | undefined) {
    this.#socket.tag = value;
  }

  get<N extends OptionName>(name: N): SocketOptions[N] {
    return this.#socket.get(name);
  }
  set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    this.#socket.set(name, value);
  }
  ref(): void {
    this.#socket.ref();
  }
  unref(): void {
    this.#socket.unref();
  }

  async receive(deadline?: Deadline): Promise<ReceivedDatagram> {
    this.#isAsked = true;
    return this.#inbox.take(deadline);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ReceivedDatagram, undefined, undefined> {
    this.#isAsked = true;
    return this.#inbox[Symbol.asyncIterator]();
  }

  async send(data: string | Uint8Array, to?: Endpoint, options?: SendOptions): Promise<void> {
    const plan = validateDeadline(options, SEND_NAMES);
    const message = this.#messageOf(data, to, options);
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    const work = new Promise<void>((resolve, reject) => {
      this.#socket.send(message, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    await this.#inTime(work, plan);
  }

  async sendMany(datagrams: Iterable<DatagramToSend>, deadline?: Deadline): Promise<void> {
    const plan = validateDeadline(deadline);
    if (plan.signal?.aborted === true) throw plan.signal.reason;
    const timeLeft = countDown(plan.timeout, this.#home.platform.clock);
    const batch = new SendBatch();
    for (const datagram of datagrams) {
      requireKnown(requireObject(datagram, 'datagram'), DATAGRAM_NAMES);
      const message = this.#messageOf(datagram.data, datagram.to, datagram);
      if (this.#socket.send(message, batch.expect())) continue;
      await this.#inTime(batch.answered(), { signal: plan.signal, timeout: timeLeft() });
    }
    await this.#inTime(batch.answered(), { signal: plan.signal, timeout: timeLeft() });
    if (batch.failure !== null) throw batch.failure;
  }

  join(membership: GroupMembership | string): void {
    this.#socket.join(membershipOf(membership));
  }

  leave(membership: GroupMembership | string): void {
    this.#socket.leave(membershipOf(membership));
  }

  memberships(): readonly Membership[] {
    return this.#socket.memberships();
  }

  close(deadline?: Deadline): Promise<void> {
    try {
      validateDeadline(deadline);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it goes on as it was thrown
      return Promise.reject(error);
    }
    const closing = this.#socket.close(deadline);
    this.#inbox.empty();
    this.#end(null);
    return closing;
  }

  abort(): void {
    this.#socket.abort();
    this.#inbox.empty();
    this.#end(null);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(): void {
    this.#socket.pause();
    this.#socket.start(
      {
        receive: (datagram) => {
          this.#inbox.put(datagram);
        },
        error: (error) => {
          this.#complaints.tell(error);
        },
        close: (error) => {
          this.#end(error);
        },
      },
      { ...this.#plan.read, chunks: 'owned' },
    );
  }

  /**
   * Datagrams are taken from the kernel while there is room for them; after that it keeps them, drops what finds no room,
   * and counts it. A full inbox is half emptied first, so that not every datagram stops and starts the socket.
   */
  #regulate(): void {
    if (this.#isEnded) return;
    const part = this.#isHolding ? 2 : 1;
    const isFull =
      this.#inbox.size >= this.#plan.maxQueued / part ||
      this.#inbox.weight >= this.#plan.maxQueuedBytes / part;
    const mustHold = !this.#isAsked || (this.#inbox.waiting === 0 && isFull);
    if (mustHold === this.#isHolding) return;
    this.#isHolding = mustHold;
    try {
      if (mustHold) this.#socket.pause();
      else this.#socket.resume();
    } catch (error) {
      // The provider has closed it, and is about to say so.
      if (!isSocketError(error)) throw error;
    }
  }

  /** What has been received can still be taken, unless the owner closed. */
  #end(error: SocketError | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#inbox.end(error);
    this.#home.registry.closed('datagram', this, error);
  }

  #messageOf(data: unknown, to: Endpoint | undefined, options: Partial<SendOptions> = {}): OutgoingDatagram {
    const { from, interfaceIndex, ttl, trafficClass } = options;
    const bytes = typeof data === 'string' ? this.#home.platform.encode(data) : data;
    if (!isBytes(bytes)) throw wrongType('data', 'a Uint8Array or text', data);
    return { bytes, to: this.#addressOf(to), from, interfaceIndex, ttl, trafficClass };
  }

  /** The address of a text is read once, as long as the same one follows. */
  #addressOf(to: Endpoint | undefined): SocketAddress | undefined {
    if (to === undefined) return undefined;
    if (typeof to !== 'string') return peerAddress(to, 'to');
    if (to !== this.#lastText) {
      this.#lastAddress = peerAddress(to, 'to');
      this.#lastText = to;
    }
    return this.#lastAddress;
  }

  #inTime(work: Promise<void>, plan: DeadlinePlan): Promise<void> {
    const late = (): SystemError => new SystemError('ETIMEDOUT', this.#details('send'));
    return withDeadline(work, plan, this.#home.platform.clock, late);
  }

  #details(op: string): ErrorDetails {
    const { transport, local, remote } = this;
    return { op, transport, local, remote };
  }
}

/** Datagrams that were handed over together, and the first failure among them. */
class SendBatch {
  failure: SocketError | null = null;
  #pending = 0;
  #wake: () => void = () => undefined;

  /** A `done` for one more. */
  expect(): (error: SocketError | null) => void {
    this.#pending++;
    return this.#done;
  }

  /** Settles when none is under way. */
  answered(): Promise<void> {
    if (this.#pending === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  readonly #done = (error: SocketError | null): void => {
    this.failure ??= error;
    this.#pending--;
    if (this.#pending === 0) this.#wake();
  };
}
