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
}

export abstract class MessageSocket extends NativeSocket {
  override readonly local: SocketAddress;
  override readonly transport: 'udp' | 'unix';
  readonly type: 'datagram' | 'seqpacket';
  readonly remote: SocketAddress | undefined;
  #groups: Memberships | undefined;
  /** What the system cannot be asked for. */
  #multicastInterface = 0;

  constructor(reactor: Reactor, { handle, transport, type, remote }: MessageSocketOrigin) {
    super(reactor, handle);
    this.transport = transport;
    this.type = type;
    this.local = readAddress(reactor.native, 'localAddress', handle) ?? NOWHERE;
    this.remote = remote;
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
    return (this.#groups ??= new Memberships(this.reactor, this.handle));
  }

  override get<N extends OptionName>(name: N): SocketOptions[N] {
    const value = super.get(name);
    // Of IPv4 the system tells an address of the interface, and not its number.
    const isKept = name === 'multicastInterface' && this.local.family === 'ipv4';
    return isKept ? (this.#multicastInterface as SocketOptions[N]) : value;
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
