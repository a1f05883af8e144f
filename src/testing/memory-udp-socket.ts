/** The kernel's side of a UDP socket in memory. */
import type { IpAddress, IpEndpoint, SocketAddress } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import type { SocketOptions } from '../base/options.ts';
import type { OutgoingDatagram } from '../base/provider.ts';
import { MemoryGroups, isMulticast, isSameAddress, type FindInterface } from './memory-groups.ts';
import {
  MemoryMessageSocket,
  type MemoryMessage,
  type MessageSocketOptions,
} from './memory-message-socket.ts';

/** A datagram on its way. Addresses are never mapped ones. */
export interface UdpPacket {
  readonly sender: MemoryUdpSocket;
  readonly from: IpEndpoint;
  readonly to: IpEndpoint;
  readonly bytes: Uint8Array;
  readonly interfaceIndex: number;
  readonly ttl: number;
  readonly trafficClass: number;
}

/** What a UDP socket needs of its network. */
export interface UdpWorld {
  /** Takes a packet, which may arrive. @throws {SystemError} there is no way to it */
  carry(packet: UdpPacket): void;
  isOwn(address: IpAddress): boolean;
  /** The address that packets to `to` come from if nobody says otherwise. */
  sourceFor(to: IpAddress): IpAddress;
  /** The interface that packets to `to` go by if nobody says otherwise. */
  interfaceFor(to: IpAddress): number;
  hasInterface(index: number): boolean;
  isBroadcast(address: IpAddress): boolean;
  readonly findInterface: FindInterface;
}

export interface UdpFlags {
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly ipv6Only: boolean;
  readonly icmpErrors: boolean;
}

/** What fits into a packet behind the headers of IP and UDP; IPv6 does not count its own (RFC 8200, section 3). */
const MOST_BYTES = { ipv4: 65_507, ipv6: 65_527 } as const;

export const WILDCARDS: readonly string[] = ['0.0.0.0', '::'];
const MAPPED = '::ffff:';

/** An IPv4-mapped address as the IPv4 address that it means (RFC 4291, 2.5.5.2). */
export function unmapped<A extends IpAddress>(address: A): A {
  if (address.family === 'ipv4' || !/^::ffff:\d+\./.test(address.host)) return address;
  return { ...address, family: 'ipv4', host: address.host.slice(MAPPED.length) };
}

/** The address as a socket of IPv6 sees it. */
function mapped<A extends IpAddress>(address: A): A {
  if (address.family === 'ipv6') return address;
  return { ...address, family: 'ipv6', host: MAPPED + address.host };
}

type UdpOptions = Pick<
  SocketOptions,
  'broadcast' | 'multicastInterface' | 'multicastLoopback' | 'multicastTtl' | 'trafficClass' | 'ttl'
>;

/** As Linux has them in a new socket. @see ip(7) */
const NEW_OPTIONS: UdpOptions = {
  broadcast: false,
  multicastInterface: 0,
  multicastLoopback: true,
  multicastTtl: 1,
  trafficClass: 0,
  ttl: 64,
};

export class MemoryUdpSocket extends MemoryMessageSocket {
  override readonly local: IpEndpoint;
  override readonly remote: IpEndpoint | undefined;
  readonly flags: UdpFlags;
  readonly groups: MemoryGroups;
  readonly #world: UdpWorld;
  #options: UdpOptions = NEW_OPTIONS;

  constructor(
    options: MessageSocketOptions & { local: IpEndpoint; remote: IpEndpoint | undefined },
    flags: UdpFlags,
    world: UdpWorld,
  ) {
    super(options);
    this.local = options.local;
    this.remote = options.remote;
    this.flags = flags;
    this.#world = world;
    this.groups = new MemoryGroups(world.findInterface);
  }

  get isOnAll(): boolean {
    return WILDCARDS.includes(this.local.host);
  }

  /** @throws {SystemError} `EADDRNOTAVAIL`: there is no such interface */
  override apply(options: SocketOptions): void {
    const { multicastInterface } = options;
    if (multicastInterface !== 0 && !this.#world.hasInterface(multicastInterface))
      throw new SystemError('EADDRNOTAVAIL', { op: 'option', syscall: 'setsockopt', transport: 'udp' });
    super.apply(options);
    this.#options = { ...options };
  }

  /** Whether the socket is bound to an address, and connected, so that it hears this packet. */
  takes(from: IpEndpoint, to: IpEndpoint): boolean {
    const { local, remote } = this;
    const own = unmapped(local);
    const isFamily =
      own.family === to.family || (this.isOnAll && own.family === 'ipv6' && !this.flags.ipv6Only);
    if (!isFamily || local.port !== to.port || !(this.isOnAll || own.host === to.host)) return false;
    if (remote === undefined) return true;
    return remote.port === from.port && isSameAddress(unmapped(remote), from);
  }

  /** The packet as this socket receives it. */
  seen(packet: UdpPacket, timestamp: bigint): MemoryMessage {
    const { bytes, from, to, interfaceIndex, ttl, trafficClass } = packet;
    const { family, host } = to;
    const turn: <A extends IpAddress>(address: A) => A =
      this.local.family === 'ipv6' ? mapped : (address) => address;
    const remote = turn(from);
    const local = turn<IpAddress>({ family, host });
    return { bytes, remote, local, interfaceIndex, ttl, trafficClass, timestamp };
  }

  override send(message: OutgoingDatagram): boolean {
    const to = this.remote ?? message.to;
    if (this.meetSendFault(to)) return false;
    const target = this.#destination(to);
    this.#judge(message, target);
    this.#world.carry(this.#packet(message, target));
    return true;
  }

  #destination(to: SocketAddress | undefined): IpEndpoint {
    if (to === undefined || to.family === 'unix') throw this.sendError('EDESTADDRREQ', to);
    const target = unmapped(to);
    if (this.local.family === 'ipv4' && to.family === 'ipv6') throw this.sendError('EAFNOSUPPORT', to);
    const isOther = this.local.family === 'ipv6' && target.family === 'ipv4';
    if (isOther && (this.flags.ipv6Only || !this.isOnAll)) {
      if (unmapped(this.local).family !== 'ipv4') throw this.sendError('ENETUNREACH', to);
    }
    return target;
  }

  /** @throws {SystemError} the packet cannot be sent */
  #judge({ bytes, from }: OutgoingDatagram, to: IpEndpoint): void {
    if (bytes.length > MOST_BYTES[to.family]) throw this.sendError('EMSGSIZE', to);
    if (this.#world.isBroadcast(to) && !this.#options.broadcast) throw this.sendError('EACCES', to);
    if (from !== undefined && !this.#world.isOwn(unmapped(from))) throw this.sendError('EINVAL', to);
  }

  #packet(message: OutgoingDatagram, to: IpEndpoint): UdpPacket {
    const { bytes, from } = message;
    const isGroup = isMulticast(to);
    const { multicastTtl, ttl, trafficClass } = this.#options;
    return {
      sender: this,
      from: this.#source(from, to),
      to,
      bytes,
      interfaceIndex: this.#interfaceOf(message, to, isGroup),
      ttl: message.ttl ?? (isGroup ? multicastTtl : ttl),
      trafficClass: message.trafficClass ?? trafficClass,
    };
  }

  /** Whether members of a group on this machine hear what this socket sends. */
  get isHeardHere(): boolean {
    return this.#options.multicastLoopback;
  }

  #source(source: IpAddress | undefined, to: IpEndpoint): IpEndpoint {
    const { port } = this.local;
    const address = source ?? (this.isOnAll ? this.#world.sourceFor(to) : this.local);
    return { ...unmapped(address), port };
  }

  #interfaceOf(message: OutgoingDatagram, to: IpEndpoint, isGroup: boolean): number {
    const preset = this.#options.multicastInterface;
    const asked = message.interfaceIndex ?? (isGroup && preset !== 0 ? preset : undefined);
    if (asked === undefined) return this.#world.interfaceFor(this.isOnAll ? to : unmapped(this.local));
    if (!this.#world.hasInterface(asked)) throw this.sendError('ENODEV', to);
    return asked;
  }
}
