/** The part of a message socket that knows where it stands: its ends, its options, and its groups. */
import type { SocketAddress } from '../base/address.ts';
import type { ErrorDetails } from '../base/errors.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { Membership } from '../base/provider.ts';
import { validateMembership } from '../base/validate-datagram.ts';
import { Memberships } from './memberships.ts';
import { NativeSocket } from './native-socket.ts';
import type { Reactor } from './reactor.ts';
import { readAddress } from './sockaddr.ts';

const NOWHERE: SocketAddress = { family: 'unix', path: '' };

export interface MessageSocketOrigin {
  readonly handle: number;
  readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly remote: SocketAddress | undefined;
  /** Whether it had another owner before. Default false. */
  readonly isForeign?: boolean | undefined;
}

export abstract class MessageSocket extends NativeSocket {
  override readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly remote: SocketAddress | undefined;
  readonly #isForeign: boolean;
  #local: SocketAddress;
  #groups: Memberships | undefined;
  /** What was set here, which the system does not always tell. */
  #multicastInterface: number | undefined;

  constructor(reactor: Reactor, { handle, transport, type, remote, isForeign }: MessageSocketOrigin) {
    super(reactor, handle);
    this.transport = transport;
    this.type = type;
    this.#local = readAddress(reactor.native, 'localAddress', handle) ?? NOWHERE;
    this.remote = remote;
    this.#isForeign = isForeign === true;
  }

  override get local(): SocketAddress {
    // One that nobody has bound is by the first send.
    const isUnbound = this.#local.family !== 'unix' && this.#local.port === 0;
    if (isUnbound && this.isOpen)
      this.#local = readAddress(this.reactor.native, 'localAddress', this.handle) ?? this.#local;
    return this.#local;
  }

  join(membership: Membership): void {
    const wanted = validateMembership(membership);
    this.#groupsFor('join').join(wanted, this.details('join'));
  }

  leave(membership: Membership): void {
    const wanted = validateMembership(membership);
    this.#groupsFor('leave').leave(wanted, this.details('leave'));
  }

  memberships(): readonly Membership[] {
    return this.#groupsFor('memberships').list;
  }

  #groupsFor(op: string): Memberships {
    this.requireOpen(op);
    if (this.transport === 'unix')
      throw new UnsupportedError('a Unix socket has no multicast groups', this.details(op));
    return (this.#groups ??= new Memberships(this.reactor, this.handle, this.#isForeign));
  }

  override get<N extends OptionName>(name: N): SocketOptions[N] {
    const value = super.get(name);
    // Of IPv4 the system tells an interface by the address with which it was set, and not by its number.
    const kept = name === 'multicastInterface' ? this.#multicastInterface : undefined;
    return kept === undefined ? value : (kept as SocketOptions[N]);
  }

  override set<N extends OptionName>(name: N, value: SocketOptions[N]): void {
    super.set(name, value);
    if (name === 'multicastInterface') this.#multicastInterface = value as number;
  }

  override prepare(options: Partial<SocketOptions>): void {
    super.prepare(options);
    this.keepOptions(options);
  }

  /** What was set before this object was made. */
  keepOptions({ multicastInterface }: Partial<SocketOptions>): void {
    if (multicastInterface !== undefined) this.#multicastInterface = multicastInterface;
  }

  protected override details(op: string): ErrorDetails {
    return { op, transport: this.transport, local: this.local, remote: this.remote };
  }
}
