/** What control messages say: the values that the codecs of `control-codecs.ts` read and write. */
import type { InterfaceRef, InternetAddress, SocketAddress } from './address.ts';

/** A process and whom it acts for. @see unix(7), SCM_CREDENTIALS */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Seconds since 1970, and microseconds. */
export interface Timeval {
  readonly sec: number;
  readonly usec: number;
}

/** Seconds since 1970, and nanoseconds. */
export interface Timespec {
  readonly sec: number;
  readonly nsec: number;
}

/** Stamps of one moment by different clocks; `null` where there is none. @see timestamping.rst */
export interface Timestamps {
  /** By the system. */
  readonly software: Timespec | null;
  /** No longer made. */
  readonly transformed: Timespec | null;
  /** By the network card, of its own clock. */
  readonly hardware: Timespec | null;
}

/** @see ip(7), IP_PKTINFO */
export interface PacketInfo {
  /** The number of the interface. */
  readonly interface: number;
  /** The local address: what to send a reply from. */
  readonly source: string;
  /** The address in the header, which may be a broadcast or a multicast. */
  readonly destination: string;
}

/** Where a datagram shall leave. A `PacketInfo` that was received is good for the reply. */
export interface PacketInfoInput {
  /** Its name or number; 0, or none, for what routes say. */
  readonly interface?: InterfaceRef | undefined;
  /** The address that it shall be from. */
  readonly source?: string | undefined;
  /** Not heeded. */
  readonly destination?: string | undefined;
}

/** @see ipv6(7), IPV6_PKTINFO */
export interface Ipv6PacketInfo {
  /** The address that the datagram was for. */
  readonly address: string;
  /** The number of the interface. */
  readonly interface: number;
}

/** Where a datagram shall leave. An `Ipv6PacketInfo` that was received is good for the reply. */
export interface Ipv6PacketInfoInput {
  /** The address that it shall be from. */
  readonly address?: string | undefined;
  /** Its name or number; 0, or none, for what routes say. */
  readonly interface?: InterfaceRef | undefined;
}

/**
 * An error from the network, or a notice of something that was sent. Of zero-copy sends (`SO_EE_ORIGIN_ZEROCOPY`) `info` to
 * `data` is the range of sends that are done; of time stamps (`SO_EE_ORIGIN_TIMESTAMPING`) `info` is the kind of stamp and
 * `data` the number of what was sent.
 *
 * @see ip(7), IP_RECVERR
 */
export interface ExtendedError {
  readonly errno: number;
  /** The name of `errno`, such as `ECONNREFUSED`; `null` if it is 0 or has none. */
  readonly name: string | null;
  /** Who says so: an `SO_EE_ORIGIN_…` number. */
  readonly origin: number;
  /** Of the ICMP message, as is the next. */
  readonly type: number;
  readonly code: number;
  /** For EMSGSIZE the path MTU. */
  readonly info: number;
  readonly data: number;
  /** The node that reports the error, where the system tells. */
  readonly offender: SocketAddress | null;
}

/** @see RFC 3542, 11.3 */
export interface PathMtu {
  readonly address: InternetAddress;
  /** Bytes. */
  readonly mtu: number;
}

/** @see packet(7), PACKET_AUXDATA */
export interface AuxiliaryData {
  /** `TP_STATUS_…` bits. */
  readonly status: number;
  /** Bytes of the frame. */
  readonly length: number;
  /** Bytes of it that were captured. */
  readonly captured: number;
  /** Where the link-layer header begins, and where the network header. */
  readonly mac: number;
  readonly network: number;
  /** The VLAN's tag and its protocol; 0 if there is none, which `status` tells too. */
  readonly vlanTag: number;
  readonly vlanProtocol: number;
}

/** @see netlink(7), NETLINK_PKTINFO */
export interface NetlinkPacketInfo {
  /** 0 for a message that was for this socket alone. */
  readonly group: number;
}

/** @see timestamping.rst, SOF_TIMESTAMPING_OPT_PKTINFO */
export interface TimestampPacketInfo {
  /** The number of the interface; 0 if it is not known. */
  readonly interface: number;
  /** Bytes of the frame. */
  readonly length: number;
}
