/** Keep-alive probes: `false` for none, `true` for the system's own timing, or seconds and a count. @see tcp(7) */
export type KeepAlive =
  | boolean
  | {
      /** Seconds of silence before the first probe (TCP_KEEPIDLE). */
      readonly idle?: number;
      /** Seconds between probes (TCP_KEEPINTVL). */
      readonly interval?: number;
      /** Unanswered probes before the connection is given up (TCP_KEEPCNT). */
      readonly count?: number;
    };

/**
 * What can be asked of and set on an open socket, in the provider's own small table; the full set of socket options is
 * the business of `portside/posix`.
 */
export interface SocketOptions {
  /** Send small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  keepAlive: KeepAlive;
  /** Milliseconds that sent data may stay unacknowledged before the connection is given up; 0 is the system's own (TCP_USER_TIMEOUT). */
  userTimeout: number;
  /** Bytes of the kernel's receive buffer (SO_RCVBUF). Linux answers twice what was set. */
  receiveBufferSize: number;
  /** Bytes of the kernel's send buffer (SO_SNDBUF). Linux answers twice what was set. */
  sendBufferSize: number;
  /** Hops that unicast packets may make, 1 to 255 (IP_TTL, IPV6_UNICAST_HOPS). */
  ttl: number;
  /** The IP header's traffic class, 0 to 255: six bits of DSCP, then two of ECN (IP_TOS, IPV6_TCLASS). */
  trafficClass: number;
  /** Allows sending to broadcast addresses (SO_BROADCAST). */
  broadcast: boolean;
  /** Hops that multicast packets may make, 0 to 255; 0 keeps them on this machine (IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS). */
  multicastTtl: number;
  /** Whether members of a group on this machine hear what is sent to it (IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP). */
  multicastLoopback: boolean;
  /** Number of the interface that multicast is sent by; 0 is the system's choice (IP_MULTICAST_IF, IPV6_MULTICAST_IF). */
  multicastInterface: number;
}
export type OptionName = keyof SocketOptions;

const STREAMS_AND_DATAGRAMS = ['tcp', 'udp'] as const;
const TCP = ['tcp'] as const;
const UDP = ['udp'] as const;
const ALL = ['tcp', 'udp', 'unix'] as const;

/** Which sockets have which option. */
export const OPTION_TRANSPORTS: Readonly<Record<OptionName, readonly ('tcp' | 'udp' | 'unix')[]>> = {
  noDelay: TCP,
  keepAlive: TCP,
  userTimeout: TCP,
  receiveBufferSize: ALL,
  sendBufferSize: ALL,
  ttl: STREAMS_AND_DATAGRAMS,
  trafficClass: STREAMS_AND_DATAGRAMS,
  broadcast: UDP,
  multicastTtl: UDP,
  multicastLoopback: UDP,
  multicastInterface: UDP,
};
