/**
 * Addresses of every family that Portside reads and writes. Those of IP and of Unix sockets are the ones that all of
 * Portside uses; the others are here only. What a family's kernel form (`sockaddr`) is, is in `sockaddr.ts`.
 */
import type { IpEndpoint, UnixEndpoint } from '../base/address.ts';

/** An interface: its name, or its number (a positive whole number). */
export type InterfaceRef = string | number;

/** An IP address and port; with `ipv6` also the flow label and traffic class. @see ipv6(7) */
export interface InternetAddress extends IpEndpoint {
  /** IPv6 only: `sin6_flowinfo`, in host order. */
  readonly flowInfo?: number;
}

/** What a packet socket is bound to, or where a frame came from. @see packet(7) */
export interface PacketAddress {
  readonly family: 'packet';
  /** An `ETH_P_…` number, in host order. 0 when it is bound to none. */
  readonly protocol: number;
  /** A number when read; 0 for all interfaces. */
  readonly interface: InterfaceRef;
  /** An `ARPHRD_…` number. The system tells it, and heeds none. */
  readonly hardwareType?: number;
  /** A `PACKET_…` number: for whom the frame was. The system tells it, and heeds none. */
  readonly packetType?: number;
  /** The hardware address, up to 32 bytes; an Ethernet's has six. */
  readonly address?: Uint8Array;
}

/** @see netlink(7) */
export interface NetlinkAddress {
  readonly family: 'netlink';
  /** The port; 0 is the kernel, or, to `bind`, whatever the kernel gives. */
  readonly port: number;
  /** A mask of multicast groups, 32 bits. */
  readonly groups: number;
}

/** @see vsock(7) */
export interface VsockAddress {
  readonly family: 'vsock';
  /** `VMADDR_CID_…`, or the machine's number. */
  readonly cid: number;
  readonly port: number;
}

/** CAN: an interface, and either what ISO-TP or what J1939 has beyond it. @see Documentation/networking/can.rst */
export interface CanAddress {
  readonly family: 'can';
  /** A number when read; 0 for all interfaces. */
  readonly interface: InterfaceRef;
  /** ISO-TP. */
  readonly isotp?: { readonly rxId: number; readonly txId: number };
  /** J1939. `name` has 64 bits. */
  readonly j1939?: { readonly name: bigint; readonly pgn: number; readonly address: number };
}

/** Any other family, by its number, with the bytes that follow it in the kernel's form. */
export interface RawAddress {
  readonly family: 'other';
  /** An `AF_…` number. */
  readonly number: number;
  /** `sockaddr.sa_data`: what follows the family, at most 126 bytes. */
  readonly bytes: Uint8Array;
}

/** An address that a socket is bound to, connected to, sends to or receives from; `family` tells which it is. */
export type SocketAddress =
  InternetAddress | UnixEndpoint | PacketAddress | NetlinkAddress | VsockAddress | CanAddress | RawAddress;
