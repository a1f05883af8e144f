/** UDP of a memory network: who is bound to which port, and how packets find them. */
import { parseIp, type IpAddress, type IpEndpoint } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { SystemError } from '../base/errors.ts';
import type { Membership, NetworkInterface } from '../base/provider.ts';
import type { DatagramFate } from './memory-conditions.ts';
import type { MemoryFaults } from './memory-faults.ts';
import { isMulticast } from './memory-groups.ts';
import { FIRST_DYNAMIC_PORT, PORT_COUNT } from './memory-ports.ts';
import { findRow, OUTCOME_ERRNO, type ScenarioRow } from './memory-scenario.ts';
import {
  MemoryUdpSocket,
  unmapped,
  type UdpFlags,
  type UdpPacket,
  type UdpWorld,
} from './memory-udp-socket.ts';

/** What UDP needs of its network. */
export interface UdpNetwork {
  readonly clock: Clock;
  readonly faults: MemoryFaults;
  readonly interfaces: readonly NetworkInterface[];
  readonly bufferSize: number;
  readonly scenario: readonly ScenarioRow[];
  readonly fate: DatagramFate;
  isOwn(address: IpAddress): boolean;
  sourceFor(address: IpAddress): IpAddress;
}

/** What the network answers to a packet, by the outcome of its scenario, beside losing it. */
const ICMP: Readonly<Partial<Record<string, string>>> = {
  refused: OUTCOME_ERRNO.refused,
  unreachable: OUTCOME_ERRNO.unreachable,
};

const ALL_ONES: IpAddress = { family: 'ipv4', host: '255.255.255.255' };

export class MemoryUdp implements UdpWorld {
  readonly #network: UdpNetwork;
  readonly #sockets = new Map<number, MemoryUdpSocket[]>();
  #nextPort = 0;
  #sent = 0;

  constructor(network: UdpNetwork) {
    this.#network = network;
  }

  /** @param open takes a descriptor, and answers how to give it back @throws {SystemError} `EADDRINUSE` */
  bind(
    address: IpEndpoint,
    remote: IpEndpoint | undefined,
    flags: UdpFlags,
    open: () => () => void,
  ): MemoryUdpSocket {
    let release: () => void = () => undefined;
    const local = { ...address, port: address.port === 0 ? this.#freePort() : address.port };
    const { faults, bufferSize } = this.#network;
    const released = (): void => {
      this.#remove(socket);
      release();
    };
    const common = { transport: 'udp', type: 'datagram', faults, bufferSize } as const;
    const socket = new MemoryUdpSocket({ ...common, local, remote, released }, flags, this);
    const others = this.#sockets.get(local.port) ?? [];
    if (others.some((other) => isClash(socket, other)))
      throw new SystemError('EADDRINUSE', { op: 'bind', syscall: 'bind', transport: 'udp', local });
    this.#sockets.set(local.port, [...others, socket]);
    release = open();
    return socket;
  }

  #remove(socket: MemoryUdpSocket): void {
    const { port } = socket.local;
    const rest = (this.#sockets.get(port) ?? []).filter((other) => other !== socket);
    if (rest.length > 0) this.#sockets.set(port, rest);
    else this.#sockets.delete(port);
  }

  #freePort(): number {
    for (let i = 0; i < PORT_COUNT; i++) {
      const port = FIRST_DYNAMIC_PORT + (this.#nextPort++ % PORT_COUNT);
      if (!this.#sockets.has(port)) return port;
    }
    throw new SystemError('EADDRINUSE', { op: 'bind', syscall: 'bind', transport: 'udp' });
  }

  isOwn(address: IpAddress): boolean {
    return this.#network.isOwn(address);
  }

  sourceFor(to: IpAddress): IpAddress {
    if (!isMulticast(to) && !this.isBroadcast(to)) return this.#network.sourceFor(to);
    return this.#interface(this.interfaceFor(to), to.family)?.address ?? to;
  }

  interfaceFor(to: IpAddress): number {
    const { interfaces } = this.#network;
    const exact = interfaces.find(({ address }) => address.family === to.family && address.host === to.host);
    const outside = interfaces.find(({ address, internal }) => address.family === to.family && !internal);
    const loopback = interfaces.find(({ internal }) => internal);
    const found = exact ?? (this.isOwn(to) ? loopback : outside) ?? outside ?? loopback;
    return found === undefined ? 0 : this.#indexOf(found);
  }

  hasInterface(index: number): boolean {
    return this.#network.interfaces.some((each) => this.#indexOf(each) === index);
  }

  isBroadcast({ family, host }: IpAddress): boolean {
    if (family !== 'ipv4') return false;
    if (host === ALL_ONES.host) return true;
    return this.#network.interfaces.some(
      ({ address, prefixLength }) =>
        address.family === 'ipv4' && prefixLength < 31 && broadcastOf(address, prefixLength) === host,
    );
  }

  readonly findInterface = (membership: Membership): number => {
    const { group, interfaceIndex, interfaceAddress } = membership;
    if (interfaceAddress !== undefined) {
      const found = this.#network.interfaces.find(({ address }) => address.host === interfaceAddress.host);
      if (found !== undefined) return this.#indexOf(found);
    } else if (interfaceIndex === undefined) {
      return this.interfaceFor(group);
    } else if (this.hasInterface(interfaceIndex)) {
      return interfaceIndex;
    }
    throw new SystemError('ENODEV', { op: 'join', syscall: 'setsockopt', transport: 'udp' });
  };

  /** An interface's number, or else its place among the names. */
  #indexOf({ index, name }: NetworkInterface): number {
    if (index !== undefined) return index;
    return 1 + [...new Set(this.#network.interfaces.map((each) => each.name))].indexOf(name);
  }

  #interface(index: number, family: IpAddress['family']): NetworkInterface | undefined {
    return this.#network.interfaces.find(
      (each) => each.address.family === family && this.#indexOf(each) === index,
    );
  }

  carry(packet: UdpPacket): void {
    const { from, to, sender, bytes } = packet;
    const row = findRow(this.#network.scenario, to, to.port);
    const outcome = row?.outcome ?? 'listen';
    if (outcome === 'denied') throw unreachable('EACCES', packet);
    const isNear = this.isOwn(to) || isMulticast(to) || this.isBroadcast(to);
    if (row === null && !isNear) throw unreachable('EHOSTUNREACH', packet);
    for (const delay of this.#network.fate({ from, to, bytes, number: this.#sent++ })) {
      this.#after(delay + (row?.delay ?? 0), () => {
        const answer = ICMP[outcome];
        if (outcome === 'listen') this.#arrive(packet);
        else if (answer !== undefined) report(sender, answer, packet);
      });
    }
  }

  #after(delay: number, task: () => void): void {
    if (delay > 0) this.#network.clock.setTimer(delay, task);
    else task();
  }

  #arrive(packet: UdpPacket): void {
    const { sender, from, to, interfaceIndex } = packet;
    const fitting = (this.#sockets.get(to.port) ?? []).filter((socket) => socket.takes(from, to));
    if (isMulticast(to)) {
      if (!sender.isHeardHere) return;
      for (const socket of fitting)
        if (socket.groups.hears(to, from, interfaceIndex)) this.#deliver(socket, packet);
    } else if (this.isBroadcast(to)) {
      for (const socket of fitting) this.#deliver(socket, packet);
    } else {
      const socket = chosen(fitting, packet);
      if (socket !== undefined) this.#deliver(socket, packet);
      else report(sender, OUTCOME_ERRNO.refused, packet);
    }
  }

  #deliver(socket: MemoryUdpSocket, packet: UdpPacket): void {
    const now = BigInt(Math.round(this.#network.clock.now() * 1e6));
    socket.deliver(socket.seen(packet, now));
  }
}

/** The sockets' addresses overlap, and they have not agreed to share. */
function isClash(a: MemoryUdpSocket, b: MemoryUdpSocket): boolean {
  const isShared = (a.flags.reuseAddress && b.flags.reuseAddress) || (a.flags.reusePort && b.flags.reusePort);
  return !isShared && (covers(a, b) || covers(b, a));
}

function covers(a: MemoryUdpSocket, b: MemoryUdpSocket): boolean {
  const [own, other] = [unmapped(a.local), unmapped(b.local)];
  if (own.family === other.family) return a.isOnAll || own.host === other.host;
  return a.isOnAll && own.family === 'ipv6' && !a.flags.ipv6Only;
}

/** The one socket for a unicast packet: the most particular; of equals those with `reusePort` share, else the last has it. */
function chosen(fitting: readonly MemoryUdpSocket[], { from, to }: UdpPacket): MemoryUdpSocket | undefined {
  const rank = (socket: MemoryUdpSocket): number =>
    (socket.remote === undefined ? 0 : 4) +
    (socket.isOnAll ? 0 : 2) +
    (unmapped(socket.local).family === to.family ? 1 : 0);
  const best = Math.max(...fitting.map(rank));
  const equals = fitting.filter((socket) => rank(socket) === best);
  const isSpread = equals.every((socket) => socket.flags.reusePort);
  return isSpread ? equals[from.port % Math.max(1, equals.length)] : equals.at(-1);
}

function unreachable(code: string, { sender, to }: UdpPacket): SystemError {
  const { local } = sender;
  return new SystemError(code, { op: 'send', syscall: 'sendmsg', transport: 'udp', local, remote: to });
}

/** ICMP: told only to who asked for it. */
function report(sender: MemoryUdpSocket, code: string, packet: UdpPacket): void {
  if (sender.flags.icmpErrors) sender.fail(unreachable(code, packet));
}

/** The last address of a network. */
function broadcastOf(address: IpAddress, prefixLength: number): string {
  const parts = (parseIp(address.host)?.host ?? '').split('.').map(Number);
  const bits = parts.reduce((sum, part) => sum * 256 + part, 0);
  const size = 2 ** (32 - prefixLength);
  const last = Math.floor(bits / size) * size + size - 1;
  return [24, 16, 8, 0].map((shift) => String(Math.floor(last / 2 ** shift) % 256)).join('.');
}
