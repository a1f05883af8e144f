import type { SocketAddress } from '../base/address.ts';
import type {
  Datagram,
  DatagramReadOptions,
  DatagramSink,
  Membership,
  OutgoingDatagram,
} from '../base/datagram.ts';
import type { Deadline, WriteDone } from '../base/provider.ts';
import { validateMembership } from '../base/validate-datagram.ts';
import { admit } from './admit.ts';
import { Destinations } from './destinations.ts';
import type { LiveSockets } from './live-sockets.ts';
import type { Policy } from './policy.ts';
import { SocketCover } from '../base/socket-cover.ts';

const NEVER_REVOKED = { revocations: 0 } as const;

/** A message socket whose destinations and groups are judged. All else is the inner socket's own. */
export class GuardedDatagram extends SocketCover<Datagram> implements Datagram {
  readonly #policy: Policy;
  readonly #destinations: Destinations;

  constructor(inner: Datagram, policy: Policy, live: Pick<LiveSockets, 'revocations'> = NEVER_REVOKED) {
    super(inner);
    this.#policy = policy;
    this.#destinations = new Destinations(policy, inner.transport, live);
  }

  get type(): 'datagram' | 'seqpacket' {
    return this.inner.type;
  }

  get remote(): SocketAddress | undefined {
    return this.inner.remote;
  }

  get bufferedAmount(): number {
    return this.inner.bufferedAmount;
  }

  get isPaused(): boolean {
    return this.inner.isPaused;
  }

  get received(): number {
    return this.inner.received;
  }

  get sent(): number {
    return this.inner.sent;
  }

  get drops(): number {
    return this.inner.drops;
  }

  start(sink: DatagramSink, options?: DatagramReadOptions): void {
    this.inner.start(sink, options);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  send(message: OutgoingDatagram, done?: WriteDone): boolean {
    return this.inner.send(this.#admitted(message), done);
  }

  sendMany(messages: readonly OutgoingDatagram[]): number {
    // What is no list is the inner socket's to refuse.
    if (!Array.isArray(messages)) return this.inner.sendMany(messages);
    const own: OutgoingDatagram[] = [];
    const { length } = messages;
    for (let i = 0; i < length; i++) own.push(this.#admitted(messages[i] as OutgoingDatagram));
    return this.inner.sendMany(own);
  }

  join(membership: Membership): void {
    const own = validateMembership(membership);
    admit(this.#policy, { op: 'udp-multicast-membership', host: own.group.host, port: 0 });
    this.inner.join(own);
  }

  leave(membership: Membership): void {
    this.inner.leave(membership);
  }

  memberships(): readonly Membership[] {
    return this.inner.memberships();
  }

  abort(): void {
    this.inner.abort();
  }

  close(deadline?: Deadline): Promise<void> {
    return this.inner.close(deadline);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.inner.close();
  }

  /** The message with the destination that was judged. A connected socket has one already, and takes no other. */
  #admitted(message: OutgoingDatagram): OutgoingDatagram {
    if (this.inner.remote !== undefined || typeof message !== 'object' || (message as unknown) === null)
      return message;
    const { bytes, to, from, interfaceIndex, ttl, trafficClass } = message;
    const isObject = typeof to === 'object' && (to as unknown) !== null;
    return {
      bytes,
      to: isObject ? this.#destinations.admit(to) : to,
      from,
      interfaceIndex,
      ttl,
      trafficClass,
    };
  }
}
