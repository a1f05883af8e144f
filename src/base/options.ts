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
}
export type OptionName = keyof SocketOptions;
