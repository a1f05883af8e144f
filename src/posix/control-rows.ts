/**
 * Every control message that Portside knows, a row each. The types of messages, what is accepted, how much room receiving
 * needs, docs/reference/control-messages.md and the tests come from these rows. Nothing is imported here:
 * scripts/generate.mjs reads this file too.
 */

/** `both`: it is sent and received. */
export type ControlDirection = 'both' | 'receive' | 'send';

/**
 * The columns: level, type, value, direction, what has it come (options, each as level/name, or a family of which every
 * socket gets it), the version of Linux that it came with (empty if that is older than any that Node runs on, 4.18), where
 * it is described, what it says. Sorted by level, then type.
 */
// prettier-ignore
export const CONTROL_ROWS = [
  ['IPPROTO_IP', 'IP_CHECKSUM', 'u32', 'receive', ['IPPROTO_IP/IP_CHECKSUM'], '', 'linux/in.h', 'The checksum of the payload, not folded yet.'],
  ['IPPROTO_IP', 'IP_ORIGDSTADDR', 'address', 'receive', ['IPPROTO_IP/IP_RECVORIGDSTADDR'], '', 'ip(7)', 'Where the datagram was sent to, before it was redirected.'],
  ['IPPROTO_IP', 'IP_PKTINFO', 'in_pktinfo', 'both', ['IPPROTO_IP/IP_PKTINFO'], '', 'ip(7)', 'Where the datagram arrived, or where it shall leave.'],
  ['IPPROTO_IP', 'IP_PROTOCOL', 'int', 'send', [], '6.4', 'linux/in.h', 'The protocol for routing, on a raw socket whose packets have their own header.'],
  ['IPPROTO_IP', 'IP_RECVERR', 'sock_extended_err', 'receive', ['IPPROTO_IP/IP_RECVERR', 'SOL_SOCKET/SO_TIMESTAMPING', 'SOL_SOCKET/SO_TIMESTAMPING_NEW', 'SOL_SOCKET/SO_TXTIME', 'SOL_SOCKET/SO_ZEROCOPY'], '', 'ip(7)', 'An error, or what became of something sent: with MSG_ERRQUEUE.'],
  ['IPPROTO_IP', 'IP_RECVFRAGSIZE', 'int', 'receive', ['IPPROTO_IP/IP_RECVFRAGSIZE'], '', 'linux/in.h', 'The size of the largest fragment that the datagram came in.'],
  ['IPPROTO_IP', 'IP_RECVOPTS', 'ip_options', 'receive', ['IPPROTO_IP/IP_RECVOPTS'], '', 'ip(7)', 'The IP options of the datagram, as they arrived.'],
  ['IPPROTO_IP', 'IP_RETOPTS', 'ip_options', 'both', ['IPPROTO_IP/IP_RETOPTS'], '', 'ip(7)', 'IP options for a reply, or to send with.'],
  ['IPPROTO_IP', 'IP_TOS', 'tos', 'both', ['IPPROTO_IP/IP_RECVTOS'], '', 'ip(7)', 'Type of service: DSCP in the upper six bits, ECN in the lower two.'],
  ['IPPROTO_IP', 'IP_TTL', 'int', 'both', ['IPPROTO_IP/IP_RECVTTL'], '', 'ip(7)', 'Time to live; 1 to 255 to send.'],
  ['IPPROTO_IP', 'SCM_SECURITY', 'label', 'receive', ['IPPROTO_IP/IP_PASSSEC'], '', 'ip(7)', 'The security context of the sender.'],

  ['IPPROTO_IPV6', 'IPV6_DONTFRAG', 'int', 'send', [], '', 'RFC 3542', '1: refuse (EMSGSIZE) instead of fragmenting.'],
  ['IPPROTO_IPV6', 'IPV6_DSTOPTS', 'extension_header', 'both', ['IPPROTO_IPV6/IPV6_RECVDSTOPTS'], '', 'RFC 3542', 'A destination options header, as on the wire. Sending needs CAP_NET_RAW.'],
  ['IPPROTO_IPV6', 'IPV6_FLOWINFO', 'be32', 'both', ['IPPROTO_IPV6/IPV6_FLOWINFO'], '', 'linux/in6.h', 'Traffic class and flow label, in host order. A label to send with is to be leased first.'],
  ['IPPROTO_IPV6', 'IPV6_HOPLIMIT', 'int', 'both', ['IPPROTO_IPV6/IPV6_RECVHOPLIMIT'], '', 'ipv6(7)', 'Hop limit; 0 to 255, or -1 for the default, to send.'],
  ['IPPROTO_IPV6', 'IPV6_HOPOPTS', 'extension_header', 'both', ['IPPROTO_IPV6/IPV6_RECVHOPOPTS'], '', 'RFC 3542', 'A hop-by-hop options header, as on the wire. Sending needs CAP_NET_RAW.'],
  ['IPPROTO_IPV6', 'IPV6_ORIGDSTADDR', 'address', 'receive', ['IPPROTO_IPV6/IPV6_RECVORIGDSTADDR'], '', 'linux/in6.h', 'Where the datagram was sent to, before it was redirected.'],
  ['IPPROTO_IPV6', 'IPV6_PATHMTU', 'ip6_mtuinfo', 'receive', ['IPPROTO_IPV6/IPV6_RECVPATHMTU'], '', 'RFC 3542', 'The path MTU to a peer has changed; comes with a datagram of no bytes.'],
  ['IPPROTO_IPV6', 'IPV6_PKTINFO', 'in6_pktinfo', 'both', ['IPPROTO_IPV6/IPV6_RECVPKTINFO'], '', 'ipv6(7)', 'Where the datagram arrived, or where it shall leave.'],
  ['IPPROTO_IPV6', 'IPV6_RECVERR', 'sock_extended_err', 'receive', ['IPPROTO_IPV6/IPV6_RECVERR', 'SOL_SOCKET/SO_TIMESTAMPING', 'SOL_SOCKET/SO_TIMESTAMPING_NEW', 'SOL_SOCKET/SO_TXTIME', 'SOL_SOCKET/SO_ZEROCOPY'], '', 'ipv6(7)', 'An error, or what became of something sent: with MSG_ERRQUEUE.'],
  ['IPPROTO_IPV6', 'IPV6_RECVFRAGSIZE', 'int', 'receive', ['IPPROTO_IPV6/IPV6_RECVFRAGSIZE'], '', 'linux/in6.h', 'The size of the largest fragment that the datagram came in.'],
  ['IPPROTO_IPV6', 'IPV6_RTHDR', 'extension_header', 'both', ['IPPROTO_IPV6/IPV6_RECVRTHDR'], '', 'RFC 3542', 'A routing header, as on the wire.'],
  ['IPPROTO_IPV6', 'IPV6_RTHDRDSTOPTS', 'extension_header', 'send', [], '', 'RFC 3542', 'A destination options header that stands before the routing header. Needs CAP_NET_RAW.'],
  ['IPPROTO_IPV6', 'IPV6_TCLASS', 'int', 'both', ['IPPROTO_IPV6/IPV6_RECVTCLASS'], '', 'ipv6(7)', 'Traffic class; 0 to 255, or -1 for the default, to send.'],

  ['IPPROTO_TCP', 'TCP_CM_INQ', 'int', 'receive', ['IPPROTO_TCP/TCP_INQ'], '', 'linux/tcp.h', 'Bytes that still wait to be received.'],

  ['IPPROTO_UDP', 'UDP_GRO', 'int', 'receive', ['IPPROTO_UDP/UDP_GRO'], '5.0', 'udp(7)', 'What came is several datagrams in one piece, all but the last of this size.'],
  ['IPPROTO_UDP', 'UDP_SEGMENT', 'u16', 'send', [], '', 'udp(7)', 'Send as datagrams of this size.'],

  ['SOL_CAN_J1939', 'SCM_J1939_DEST_ADDR', 'u8', 'receive', ['AF_CAN'], '5.4', 'Documentation/networking/j1939.rst', 'The address that the message was for.'],
  ['SOL_CAN_J1939', 'SCM_J1939_DEST_NAME', 'u64', 'receive', ['AF_CAN'], '5.4', 'Documentation/networking/j1939.rst', 'The name that the message was for.'],
  ['SOL_CAN_J1939', 'SCM_J1939_ERRQUEUE', 'statistics', 'receive', ['AF_CAN'], '5.4', 'Documentation/networking/j1939.rst', 'What became of something sent, as netlink attributes: with MSG_ERRQUEUE.'],
  ['SOL_CAN_J1939', 'SCM_J1939_PRIO', 'u8', 'receive', ['AF_CAN'], '5.4', 'Documentation/networking/j1939.rst', 'The priority of the message.'],

  ['SOL_NETLINK', 'NETLINK_LISTEN_ALL_NSID', 'int', 'receive', ['SOL_NETLINK/NETLINK_LISTEN_ALL_NSID'], '', 'netlink(7)', 'The network namespace that the message is from, by its id.'],
  ['SOL_NETLINK', 'NETLINK_PKTINFO', 'nl_pktinfo', 'receive', ['SOL_NETLINK/NETLINK_PKTINFO'], '', 'netlink(7)', 'The multicast group that the message was for.'],

  ['SOL_PACKET', 'PACKET_AUXDATA', 'tpacket_auxdata', 'receive', ['SOL_PACKET/PACKET_AUXDATA'], '', 'packet(7)', 'What is known of the frame besides its bytes.'],
  ['SOL_PACKET', 'PACKET_TX_TIMESTAMP', 'sock_extended_err', 'receive', ['SOL_SOCKET/SO_TIMESTAMPING', 'SOL_SOCKET/SO_TIMESTAMPING_NEW', 'SOL_SOCKET/SO_TXTIME', 'SOL_SOCKET/SO_ZEROCOPY'], '', 'linux/if_packet.h', 'What became of a frame that was sent: with MSG_ERRQUEUE.'],

  ['SOL_SOCKET', 'SCM_CREDENTIALS', 'ucred', 'both', ['SOL_SOCKET/SO_PASSCRED'], '', 'unix(7)', 'Who sent it, which the system vouches for. Without privileges one sends only one\'s own.'],
  ['SOL_SOCKET', 'SCM_INQ', 'int', 'receive', ['SOL_SOCKET/SO_INQ'], '6.17', 'asm-generic/socket.h', 'Bytes that still wait to be received on a Unix stream.'],
  ['SOL_SOCKET', 'SCM_PIDFD', 'pidfd', 'receive', ['SOL_SOCKET/SO_PASSPIDFD'], '6.5', 'unix(7)', 'A descriptor of the process that sent it.'],
  ['SOL_SOCKET', 'SCM_RIGHTS', 'descriptors', 'both', ['AF_UNIX'], '', 'unix(7)', 'Open files. The receiver gets descriptors of its own.'],
  ['SOL_SOCKET', 'SCM_SECURITY', 'label', 'receive', ['SOL_SOCKET/SO_PASSSEC'], '', 'unix(7)', 'The security context of the sender.'],
  ['SOL_SOCKET', 'SCM_TIMESTAMPING_OPT_STATS', 'statistics', 'receive', ['SOL_SOCKET/SO_TIMESTAMPING', 'SOL_SOCKET/SO_TIMESTAMPING_NEW'], '', 'Documentation/networking/timestamping.rst', 'What TCP_INFO would have said when the stamp was made, as netlink attributes.'],
  ['SOL_SOCKET', 'SCM_TIMESTAMPING_PKTINFO', 'scm_ts_pktinfo', 'receive', ['SOL_SOCKET/SO_TIMESTAMPING', 'SOL_SOCKET/SO_TIMESTAMPING_NEW'], '', 'Documentation/networking/timestamping.rst', 'The interface that stamped it, and its length there.'],
  ['SOL_SOCKET', 'SCM_TS_OPT_ID', 'u32', 'send', [], '6.13', 'Documentation/networking/timestamping.rst', 'The number by which the time stamp of what is sent will be known.'],
  ['SOL_SOCKET', 'SCM_TXTIME', 'u64', 'send', [], '4.19', 'asm-generic/socket.h', 'When it shall leave, in nanoseconds of the clock that SO_TXTIME names.'],
  ['SOL_SOCKET', 'SCM_WIFI_STATUS', 'int', 'receive', ['SOL_SOCKET/SO_WIFI_STATUS'], '', 'asm-generic/socket.h', '1: the access point has acknowledged the frame. With MSG_ERRQUEUE.'],
  ['SOL_SOCKET', 'SO_MARK', 'u32', 'both', ['SOL_SOCKET/SO_RCVMARK'], '', 'socket(7)', 'The mark for netfilter and routing. It is received since 5.19; sending needs CAP_NET_RAW.'],
  ['SOL_SOCKET', 'SO_PRIORITY', 'u32', 'both', ['SOL_SOCKET/SO_RCVPRIORITY'], '6.14', 'socket(7)', 'The priority for queueing.'],
  ['SOL_SOCKET', 'SO_RXQ_OVFL', 'u32', 'receive', ['SOL_SOCKET/SO_RXQ_OVFL'], '', 'socket(7)', 'Datagrams that were dropped so far because the receive buffer was full. Absent while there are none.'],
  ['SOL_SOCKET', 'SO_TIMESTAMP', 'timeval', 'receive', ['SOL_SOCKET/SO_TIMESTAMP'], '', 'socket(7)', 'When it arrived, in microseconds.'],
  ['SOL_SOCKET', 'SO_TIMESTAMPING', 'scm_timestamping', 'both', ['SOL_SOCKET/SO_TIMESTAMPING'], '', 'Documentation/networking/timestamping.rst', 'When it arrived, or, with MSG_ERRQUEUE, left. Sent: which stamps to make.'],
  ['SOL_SOCKET', 'SO_TIMESTAMPING_NEW', 'scm_timestamping', 'both', ['SOL_SOCKET/SO_TIMESTAMPING_NEW'], '5.1', 'Documentation/networking/timestamping.rst', 'The same, with 64 bits of seconds on every machine.'],
  ['SOL_SOCKET', 'SO_TIMESTAMPNS', 'timespec', 'receive', ['SOL_SOCKET/SO_TIMESTAMPNS'], '', 'socket(7)', 'When it arrived, in nanoseconds.'],
  ['SOL_SOCKET', 'SO_TIMESTAMPNS_NEW', 'timespec', 'receive', ['SOL_SOCKET/SO_TIMESTAMPNS_NEW'], '5.1', 'socket(7)', 'The same, with 64 bits of seconds on every machine.'],
  ['SOL_SOCKET', 'SO_TIMESTAMP_NEW', 'timeval', 'receive', ['SOL_SOCKET/SO_TIMESTAMP_NEW'], '5.1', 'socket(7)', 'Like SO_TIMESTAMP, with 64 bits of seconds on every machine.'],

  ['SOL_TLS', 'TLS_GET_RECORD_TYPE', 'u8', 'receive', ['SOL_TLS/TLS_RX'], '', 'Documentation/networking/tls.rst', 'The type of the TLS record that the bytes are from.'],
  ['SOL_TLS', 'TLS_SET_RECORD_TYPE', 'u8', 'send', [], '', 'Documentation/networking/tls.rst', 'The type of the TLS record to send.'],

  ['SOL_VSOCK', 'VSOCK_RECVERR', 'sock_extended_err', 'receive', ['SOL_SOCKET/SO_ZEROCOPY'], '6.7', 'linux/vm_sockets.h', 'What became of something sent: with MSG_ERRQUEUE.'],
] as const;

/** What values look like in JavaScript, and what is to know of them. */
// prettier-ignore
export const CONTROL_FORMS = [
  ['address', '`{ family, host, port }`', 'An IP address and port, of family `ipv4` or `ipv6`.'],
  ['be32', 'number', '0 to 2 ** 32 - 1, in host order.'],
  ['descriptors', 'array of `Descriptor`', 'Up to 253, which are the receiver\'s to close. To send: of numbers, or of objects with an `fd`, such as sockets and file handles.'],
  ['extension_header', '`Uint8Array`', 'From the byte that names the next header on, which the system fills in; up to 2048 bytes.'],
  ['in6_pktinfo', '`{ address, interface }`', 'The local address, and the interface\'s number. To send: the source, and the interface by number or name; each may be left out.'],
  ['in_pktinfo', '`{ interface, source, destination }`', 'The interface\'s number, the local address, the address in the header. To send: the interface by number or name, and the source; each may be left out.'],
  ['int', 'number', '-2 ** 31 to 2 ** 31 - 1.'],
  ['ip6_mtuinfo', '`{ address, mtu }`', 'Whom it is about, and bytes.'],
  ['ip_options', '`Uint8Array`', 'As in the header, up to 40 bytes.'],
  ['label', 'text', ''],
  ['nl_pktinfo', '`{ group }`', '0 if the message was for this socket alone.'],
  ['pidfd', '`Descriptor`, or `null`', 'The receiver\'s to close; `null` if the process has ended.'],
  ['scm_timestamping', '`{ software, transformed, hardware }`', 'Each as `timespec`, or `null`. To send: a number, of `SOF_TIMESTAMPING_TX_*` bits.'],
  ['scm_ts_pktinfo', '`{ interface, length }`', 'The interface\'s number, or 0, and the bytes of the frame.'],
  ['sock_extended_err', '`{ errno, name, origin, type, code, info, data, offender }`', '`name` is that of `errno`; `origin` an `SO_EE_ORIGIN_*` number; `type` and `code` those of ICMP. For EMSGSIZE `info` is the path MTU. Of zero-copy sends `info` to `data` are those that are done. Of time stamps `info` is an `SCM_TSTAMP_*` number, `data` counts what was sent. `offender` is the address of who says so, or `null`.'],
  ['statistics', '`Uint8Array`', 'Attributes of netlink.'],
  ['timespec', '`{ sec, nsec }`', 'Since 1970.'],
  ['timeval', '`{ sec, usec }`', 'Since 1970.'],
  ['tos', 'number', '0 to 255.'],
  ['tpacket_auxdata', '`{ status, length, captured, mac, network, vlanTag, vlanProtocol }`', 'Bits; bytes of the frame, and of what came of it; where the headers of the link and of the network begin; 0 if there is no VLAN.'],
  ['u16', 'number', '0 to 65535.'],
  ['u32', 'number', '0 to 2 ** 32 - 1.'],
  ['u64', '`bigint`', '64 bits.'],
  ['u8', 'number', '0 to 255.'],
  ['ucred', '`{ pid, uid, gid }`', ''],
] as const;
