/**
 * What each option is set to, and what is read then, where that does not follow from the table of options itself: flags
 * are set to what they were not. One row an option; how rows are run is in src/posix/option-settings.test.ts.
 */
import { loadNative } from '../addon/load.ts';
import { GROUP, GROUP6, LABEL, LOOPBACK, SOURCE, SOURCE6 } from './option-sockets.ts';

const native = loadNative();
const c = native.constants;
const LO = native.interfaceIndex('lo');

/** Another option, what it is, and what is asked. */
type Shown = readonly [level: string, name: string, value: unknown, query?: unknown];

export interface OptionCase {
  /** The socket, if not the one that the table names: one of `MAKERS`. */
  readonly on?: string;
  /** What it is set to. */
  readonly set?: unknown;
  /** The same, where it depends on what was read first. */
  readonly setFrom?: (initial: never) => unknown;
  /** What is read then, where it is not what was set. */
  readonly reads?: unknown;
  /** It stays what it was. */
  readonly stays?: true;
  /** What must hold of what is read: after setting, or of an option that is only read. */
  readonly is?: (value: never) => boolean;
  /** What is asked, of options that are read by asking something. */
  readonly query?: unknown;
  /** Another option, and what it is then: where the option itself cannot be read. */
  readonly shows?: Shown;
  /** Errors that are as good, with `why`. */
  readonly refused?: readonly string[];
  /** Why the system answers otherwise than one would think. */
  readonly why?: string;
}

const isNumber = (value: number): boolean => Number.isInteger(value);
const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
/** Within a second, of a clock of milliseconds or finer. */
const near =
  (wanted: number) =>
  (value: number): boolean =>
    value >= wanted && value < wanted + 1_000_000;

const PADDING = Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0);
const PASS_ALL = [{ code: c.BPF_RET | c.BPF_K, jt: 0, jf: 0, k: 0xffffffff }];
const RING = { block_size: 4096, block_nr: 1, frame_size: 2048, frame_nr: 2 };
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);
const ID = process.pid & 0x7fff;
const ON_LO = { multiaddr: GROUP, interface: LOOPBACK };
const SOURCE_ON_LO = { ...ON_LO, sourceaddr: SOURCE };
const GROUP_ON_LO = { interface: LO, group: GROUP };
const GROUP6_ON_LO = { interface: LO, group: GROUP6 };
const EVERYBODY = { fmode: c.MCAST_EXCLUDE, slist: [] };
const NOT_SOURCE = { fmode: c.MCAST_EXCLUDE, slist: [SOURCE] };
const NOT_SOURCE6 = { fmode: c.MCAST_EXCLUDE, slist: [SOURCE6] };
const ONLY_SOURCE = { fmode: c.MCAST_INCLUDE, slist: [SOURCE] };
const ONLY_SOURCE6 = { fmode: c.MCAST_INCLUDE, slist: [SOURCE6] };
const AO = { refused: ['ENOPROTOOPT'], why: 'the kernel is built without TCP_AO' };
const NO_SUCH = { refused: ['ENOPROTOOPT'], why: 'Linux has the number, and no such option' };
const NO_BPF = {
  set: 0,
  refused: ['EINVAL', 'EBADF', 'EPERM'],
  why: 'it takes a program of bpf(2): option-programs.test.ts makes one',
};

/** The filter of a group, as it is then. */
const filter = (value: object): Shown => ['IPPROTO_IP', 'IP_MSFILTER', { ...ON_LO, ...value }, ON_LO];
const group = (value: object): Shown => [
  'IPPROTO_IP',
  'MCAST_MSFILTER',
  { ...GROUP_ON_LO, ...value },
  GROUP_ON_LO,
];
const group6 = (value: object): Shown => [
  'IPPROTO_IPV6',
  'MCAST_MSFILTER',
  { ...GROUP6_ON_LO, ...value },
  GROUP6_ON_LO,
];

// prettier-ignore
const CASES: Readonly<Record<string, OptionCase>> = {
  'AF_VSOCK SO_VM_SOCKETS_BUFFER_MAX_SIZE': { set: 2 ** 20 },
  'AF_VSOCK SO_VM_SOCKETS_BUFFER_MIN_SIZE': { set: 4096 },
  'AF_VSOCK SO_VM_SOCKETS_BUFFER_SIZE': { set: 65536 },
  'AF_VSOCK SO_VM_SOCKETS_CONNECT_TIMEOUT': { set: { sec: 5, usec: 0 } },

  'IPPROTO_IP IP_ADD_MEMBERSHIP': { set: { multiaddr: GROUP, ifindex: 'lo' }, shows: filter(EVERYBODY) },
  'IPPROTO_IP IP_ADD_SOURCE_MEMBERSHIP': { set: SOURCE_ON_LO, shows: filter(ONLY_SOURCE) },
  'IPPROTO_IP IP_BLOCK_SOURCE': { on: 'udp in a group', set: SOURCE_ON_LO, shows: filter(NOT_SOURCE) },
  'IPPROTO_IP IP_DROP_MEMBERSHIP': { on: 'udp in a group', set: { multiaddr: GROUP, ifindex: 'lo' } },
  'IPPROTO_IP IP_DROP_SOURCE_MEMBERSHIP': { on: 'udp in a group of one source', set: SOURCE_ON_LO },
  'IPPROTO_IP IP_LOCAL_PORT_RANGE': { set: { low: 40000, high: 40100 } },
  'IPPROTO_IP IP_MINTTL': { set: 10 },
  'IPPROTO_IP IP_MSFILTER': { on: 'udp in a group', query: ON_LO, set: { ...ON_LO, fmode: c.MCAST_INCLUDE, slist: ['127.0.0.3', SOURCE] } },
  'IPPROTO_IP IP_MTU': { on: 'udp connected', is: (mtu: number) => mtu >= 1280 },
  'IPPROTO_IP IP_MTU_DISCOVER': { set: c.IP_PMTUDISC_PROBE },
  'IPPROTO_IP IP_MULTICAST_IF': { set: { address: LOOPBACK } },
  'IPPROTO_IP IP_MULTICAST_TTL': { set: 5 },
  'IPPROTO_IP IP_OPTIONS': { set: Uint8Array.of(1, 1, 1, 0) },
  'IPPROTO_IP IP_PKTOPTIONS': { is: (bytes: Uint8Array) => bytes.length === 0 },
  'IPPROTO_IP IP_PROTOCOL': { is: isOneOf(c.IPPROTO_ICMP) },
  'IPPROTO_IP IP_TOS': { set: 0xb8 },
  'IPPROTO_IP IP_TTL': { set: 10 },
  'IPPROTO_IP IP_UNBLOCK_SOURCE': { on: 'udp blocking a source', set: SOURCE_ON_LO, shows: filter(EVERYBODY) },
  'IPPROTO_IP IP_UNICAST_IF': { set: 'lo', reads: LO },
  'IPPROTO_IP MCAST_BLOCK_SOURCE': { on: 'udp in a group', set: { ...GROUP_ON_LO, source: SOURCE }, shows: group(NOT_SOURCE) },
  'IPPROTO_IP MCAST_JOIN_GROUP': { set: GROUP_ON_LO, shows: group(EVERYBODY) },
  'IPPROTO_IP MCAST_JOIN_SOURCE_GROUP': { set: { interface: 'lo', group: GROUP, source: SOURCE }, shows: group(ONLY_SOURCE) },
  'IPPROTO_IP MCAST_LEAVE_GROUP': { on: 'udp in a group', set: GROUP_ON_LO },
  'IPPROTO_IP MCAST_LEAVE_SOURCE_GROUP': { on: 'udp in a group of one source', set: { ...GROUP_ON_LO, source: SOURCE } },
  'IPPROTO_IP MCAST_MSFILTER': { on: 'udp in a group', query: { interface: 'lo', group: GROUP }, set: { ...GROUP_ON_LO, ...NOT_SOURCE } },
  'IPPROTO_IP MCAST_UNBLOCK_SOURCE': { on: 'udp blocking a source', set: { ...GROUP_ON_LO, source: SOURCE }, shows: group(EVERYBODY) },
  'IPPROTO_IP SO_ORIGINAL_DST': { on: 'tcp connected', refused: ['ENOENT', 'ENOPROTOOPT'], why: 'nothing redirected the connection' },

  'IPPROTO_IPV6 IP6T_SO_ORIGINAL_DST': { refused: ['ENOENT', 'ENOPROTOOPT'], why: 'nothing redirected the connection' },
  'IPPROTO_IPV6 IPV6_ADDRFORM': { on: 'tcp6 mapped', set: c.AF_INET, shows: ['SOL_SOCKET', 'SO_DOMAIN', c.AF_INET], why: 'it is no socket of IPv6 any more' },
  'IPPROTO_IPV6 IPV6_ADDR_PREFERENCES': { set: c.IPV6_PREFER_SRC_TMP, is: (bits: number) => (bits & c.IPV6_PREFER_SRC_TMP) !== 0 },
  'IPPROTO_IPV6 IPV6_ADD_MEMBERSHIP': { set: { multiaddr: GROUP6, interface: 'lo' }, shows: group6(EVERYBODY) },
  'IPPROTO_IPV6 IPV6_AUTHHDR': NO_SUCH,
  'IPPROTO_IPV6 IPV6_CHECKSUM': { set: 2 },
  'IPPROTO_IPV6 IPV6_DROP_MEMBERSHIP': { on: 'udp6 in a group', set: { multiaddr: GROUP6, interface: LO } },
  'IPPROTO_IPV6 IPV6_DSTOPTS': { set: PADDING },
  'IPPROTO_IPV6 IPV6_FLOWLABEL_MGR': { on: 'udp6 with a flow label', query: { dst: '::', label: 0, action: c.IPV6_FL_A_GET }, set: { dst: '::1', label: LABEL, action: c.IPV6_FL_A_RENEW, expires: 100, linger: 100 }, is: ({ label, linger }: { label: number; linger: number }) => label === LABEL && linger === 100 },
  'IPPROTO_IPV6 IPV6_HOPLIMIT': NO_SUCH,
  'IPPROTO_IPV6 IPV6_HOPOPTS': { set: PADDING },
  'IPPROTO_IPV6 IPV6_JOIN_ANYCAST': { set: { multiaddr: 'fd00:7::77', interface: 'lo' }, refused: ['EADDRNOTAVAIL', 'ENOENT'], why: 'the interface has no such prefix; option-programs.test.ts makes a network that has' },
  'IPPROTO_IPV6 IPV6_LEAVE_ANYCAST': { set: { multiaddr: 'fd00:7::77', interface: 'lo' }, refused: ['EADDRNOTAVAIL', 'ENOENT'], why: 'the interface has no such prefix; option-programs.test.ts makes a network that has' },
  'IPPROTO_IPV6 IPV6_MINHOPCOUNT': { set: 10 },
  'IPPROTO_IPV6 IPV6_MTU': { on: 'udp6 connected', set: 1400, stays: true, why: 'what is read is the path MTU, and what is set bounds what is sent' },
  'IPPROTO_IPV6 IPV6_MTU_DISCOVER': { set: c.IPV6_PMTUDISC_PROBE },
  'IPPROTO_IPV6 IPV6_MULTICAST_HOPS': { set: 5 },
  'IPPROTO_IPV6 IPV6_MULTICAST_IF': { set: 'lo', reads: LO },
  'IPPROTO_IPV6 IPV6_NEXTHOP': { ...NO_SUCH, set: new Uint8Array(28) },
  'IPPROTO_IPV6 IPV6_PATHMTU': { on: 'udp6 connected', is: ({ mtu }: { mtu: number }) => mtu >= 1280 },
  'IPPROTO_IPV6 IPV6_PKTINFO': { set: { addr: '::1', interface: 'lo' } },
  'IPPROTO_IPV6 IPV6_ROUTER_ALERT': { set: 5, reads: 1, why: 'only whether there is one can be read' },
  'IPPROTO_IPV6 IPV6_RTHDR': { set: Uint8Array.of(0, 2, 2, 1, ...Array<number>(20).fill(0)), refused: ['EINVAL'], why: 'the kernel is built without mobile IPv6' },
  'IPPROTO_IPV6 IPV6_RTHDRDSTOPTS': { set: PADDING },
  'IPPROTO_IPV6 IPV6_TCLASS': { set: 0xb8 },
  'IPPROTO_IPV6 IPV6_UNICAST_HOPS': { set: 10 },
  'IPPROTO_IPV6 IPV6_UNICAST_IF': { set: 'lo', reads: LO },
  'IPPROTO_IPV6 MCAST_BLOCK_SOURCE': { on: 'udp6 in a group', set: { ...GROUP6_ON_LO, source: SOURCE6 }, shows: group6(NOT_SOURCE6) },
  'IPPROTO_IPV6 MCAST_JOIN_GROUP': { set: { interface: 'lo', group: GROUP6 }, shows: group6(EVERYBODY) },
  'IPPROTO_IPV6 MCAST_JOIN_SOURCE_GROUP': { set: { ...GROUP6_ON_LO, source: SOURCE6 }, shows: group6(ONLY_SOURCE6) },
  'IPPROTO_IPV6 MCAST_LEAVE_GROUP': { on: 'udp6 in a group', set: GROUP6_ON_LO },
  'IPPROTO_IPV6 MCAST_LEAVE_SOURCE_GROUP': { on: 'udp6 in a group of one source', set: { ...GROUP6_ON_LO, source: SOURCE6 } },
  'IPPROTO_IPV6 MCAST_MSFILTER': { on: 'udp6 in a group', query: { interface: 'lo', group: GROUP6 }, set: { ...GROUP6_ON_LO, fmode: c.MCAST_INCLUDE, slist: [SOURCE6, 'fe80::1'] } },
  'IPPROTO_IPV6 MCAST_UNBLOCK_SOURCE': { on: 'udp6 blocking a source', set: { ...GROUP6_ON_LO, source: SOURCE6 }, shows: group6(EVERYBODY) },

  'IPPROTO_TCP TCP_AO_ADD_KEY': { ...AO, set: { addr: LOOPBACK, alg_name: 'hmac(sha1)', prefix: 32, sndid: 1, rcvid: 1, key: KEY } },
  'IPPROTO_TCP TCP_AO_DEL_KEY': { ...AO, set: { addr: LOOPBACK, prefix: 32, sndid: 1, rcvid: 1 } },
  'IPPROTO_TCP TCP_AO_INFO': { ...AO, set: { ao_required: true } },
  'IPPROTO_TCP TCP_AO_REPAIR': { ...AO, set: { snt_isn: 1, rcv_isn: 2, snd_sne: 3, rcv_sne: 4 } },
  'IPPROTO_TCP TCP_CC_INFO': { is: ({ bytes }: { bytes: Uint8Array }) => bytes.length <= 64 },
  'IPPROTO_TCP TCP_CONGESTION': { setFrom: (initial: string) => (initial === 'reno' ? 'cubic' : 'reno') },
  'IPPROTO_TCP TCP_DEFER_ACCEPT': { set: 5, reads: 7, why: 'it is rounded up to when the SYN-ACK is sent again: after 1, 2 and 4 seconds' },
  'IPPROTO_TCP TCP_DELACK_MAX_US': { set: 100_000 },
  'IPPROTO_TCP TCP_FASTOPEN': { set: 5 },
  'IPPROTO_TCP TCP_FASTOPEN_KEY': { set: KEY },
  'IPPROTO_TCP TCP_INFO': { on: 'tcp connected', is: ({ state, rtt }: { state: number; rtt: number }) => state === c.TCP_ESTABLISHED && rtt > 0 },
  'IPPROTO_TCP TCP_IS_MPTCP': { is: isOneOf(false) },
  'IPPROTO_TCP TCP_KEEPCNT': { set: 5 },
  'IPPROTO_TCP TCP_KEEPIDLE': { set: 60 },
  'IPPROTO_TCP TCP_KEEPINTVL': { set: 10 },
  'IPPROTO_TCP TCP_LINGER2': { set: 10 },
  'IPPROTO_TCP TCP_MAXSEG': { set: 1000 },
  'IPPROTO_TCP TCP_MD5SIG': { set: { addr: LOOPBACK, key: KEY }, refused: ['ENOPROTOOPT'], why: 'the kernel is built without it' },
  'IPPROTO_TCP TCP_MD5SIG_EXT': { set: { addr: '127.0.0.0', flags: c.TCP_MD5SIG_FLAG_PREFIX, prefixlen: 8, key: KEY }, refused: ['ENOPROTOOPT'], why: 'the kernel is built without it' },
  'IPPROTO_TCP TCP_NOTSENT_LOWAT': { set: 65536 },
  'IPPROTO_TCP TCP_QUEUE_SEQ': { on: 'tcp under repair', set: 0xdeadbeef },
  'IPPROTO_TCP TCP_REPAIR': { set: c.TCP_REPAIR_ON },
  'IPPROTO_TCP TCP_REPAIR_OPTIONS': { on: 'tcp repairing', set: [{ code: 2, val: 1000 }] },
  'IPPROTO_TCP TCP_REPAIR_QUEUE': { on: 'tcp under repair', set: c.TCP_RECV_QUEUE },
  'IPPROTO_TCP TCP_REPAIR_WINDOW': { on: 'tcp repairing', setFrom: (initial: { max_window: number }) => ({ ...initial, max_window: initial.max_window + 1 }) },
  'IPPROTO_TCP TCP_RTO_MAX_MS': { set: 5000 },
  'IPPROTO_TCP TCP_RTO_MIN_US': { set: 100_000 },
  'IPPROTO_TCP TCP_SAVED_SYN': { on: 'tcp accepted', is: (syn: Uint8Array) => syn.length >= 40 && (syn[0] ?? 0) >> 4 === 4 },
  'IPPROTO_TCP TCP_SAVE_SYN': { set: 1 },
  'IPPROTO_TCP TCP_SYNCNT': { set: 3 },
  'IPPROTO_TCP TCP_THIN_DUPACK': { set: true, stays: true, why: 'the option is without effect' },
  'IPPROTO_TCP TCP_TIMESTAMP': { on: 'tcp under repair', set: 12345, is: near(12345), why: 'it is a clock' },
  'IPPROTO_TCP TCP_TX_DELAY': { set: 1000 },
  'IPPROTO_TCP TCP_ULP': { on: 'tcp connected', set: 'tls', refused: ['ENOENT'], why: 'the kernel is built without TLS' },
  'IPPROTO_TCP TCP_USER_TIMEOUT': { set: 5000 },
  'IPPROTO_TCP TCP_WINDOW_CLAMP': { set: 65536 },

  'IPPROTO_UDP UDP_ENCAP': { set: c.UDP_ENCAP_L2TPINUDP },
  'IPPROTO_UDP UDP_SEGMENT': { set: 1200 },
  'IPPROTO_UDPLITE UDPLITE_RECV_CSCOV': { set: 20 },
  'IPPROTO_UDPLITE UDPLITE_SEND_CSCOV': { set: 20 },

  'SOL_CAN_ISOTP CAN_ISOTP_LL_OPTS': { set: { mtu: 72, tx_dl: 64, tx_flags: 0 } },
  'SOL_CAN_ISOTP CAN_ISOTP_OPTS': { set: { flags: c.CAN_ISOTP_TX_PADDING, txpad_content: 0xaa } },
  'SOL_CAN_ISOTP CAN_ISOTP_RECV_FC': { set: { bs: 8, stmin: 1, wftmax: 0 } },
  'SOL_CAN_ISOTP CAN_ISOTP_RX_STMIN': { set: 1000 },
  'SOL_CAN_ISOTP CAN_ISOTP_TX_STMIN': { set: 1000 },
  'SOL_CAN_J1939 SO_J1939_FILTER': { set: [{ name: 0n, name_mask: 0n, pgn: 0x12300, pgn_mask: 0x3ff00, addr: 0, addr_mask: 0 }] },
  'SOL_CAN_J1939 SO_J1939_SEND_PRIO': { set: 3 },
  'SOL_CAN_RAW CAN_RAW_ERR_FILTER': { set: 0x1ff },
  'SOL_CAN_RAW CAN_RAW_FILTER': { set: [{ can_id: 0x123, can_mask: 0x7ff }] },
  'SOL_CAN_RAW CAN_RAW_XL_VCID_OPTS': { set: { flags: 1, tx_vcid: 5, rx_vcid: 0, rx_vcid_mask: 0 } },

  'SOL_ICMPV6 ICMPV6_FILTER': { set: { pass: [128, 129] } },
  'SOL_MPTCP MPTCP_INFO': { is: ({ token }: { token: number }) => token > 0 },
  'SOL_MPTCP MPTCP_SUBFLOW_ADDRS': { is: ([first, ...rest]: readonly { local: { host: string } }[]) => first?.local.host === LOOPBACK && rest.length === 0 },
  'SOL_MPTCP MPTCP_TCPINFO': { is: ([first, ...rest]: readonly { state: number }[]) => first?.state === c.TCP_ESTABLISHED && rest.length === 0 },
  'SOL_NETLINK NETLINK_ADD_MEMBERSHIP': { set: c.RTNLGRP_LINK, shows: ['SOL_NETLINK', 'NETLINK_LIST_MEMBERSHIPS', [c.RTNLGRP_LINK]] },
  'SOL_NETLINK NETLINK_DROP_MEMBERSHIP': { on: 'netlink joined', set: c.RTNLGRP_LINK, shows: ['SOL_NETLINK', 'NETLINK_LIST_MEMBERSHIPS', []] },
  'SOL_NETLINK NETLINK_LIST_MEMBERSHIPS': { on: 'netlink joined', is: (groups: readonly number[]) => groups.join() === String(c.RTNLGRP_LINK) },

  'SOL_PACKET PACKET_ADD_MEMBERSHIP': { set: { interface: 'lo', type: c.PACKET_MR_MULTICAST, address: Uint8Array.of(1, 0, 0x5e, 0, 0, 7) } },
  'SOL_PACKET PACKET_COPY_THRESH': { set: 100 },
  'SOL_PACKET PACKET_DROP_MEMBERSHIP': { on: 'packet member', set: { interface: 'lo', type: c.PACKET_MR_ALLMULTI } },
  'SOL_PACKET PACKET_FANOUT': { on: 'packet bound', set: { id: ID, type_flags: c.PACKET_FANOUT_LB } },
  'SOL_PACKET PACKET_FANOUT_DATA': { on: 'packet fanned', set: PASS_ALL },
  'SOL_PACKET PACKET_HDRLEN': { query: c.TPACKET_V2, is: isOneOf(32) },
  'SOL_PACKET PACKET_RECV_OUTPUT': NO_SUCH,
  'SOL_PACKET PACKET_RESERVE': { set: 64 },
  'SOL_PACKET PACKET_ROLLOVER_STATS': { on: 'packet fanned', is: ({ all }: { all: number }) => all === 0 },
  'SOL_PACKET PACKET_RX_RING': { set: RING },
  'SOL_PACKET PACKET_STATISTICS': { is: ({ packets, drops }: { packets: number; drops: number }) => drops <= packets },
  'SOL_PACKET PACKET_TIMESTAMP': { set: c.SOF_TIMESTAMPING_RAW_HARDWARE },
  'SOL_PACKET PACKET_TX_RING': { set: RING },
  'SOL_PACKET PACKET_TX_TIMESTAMP': NO_SUCH,
  'SOL_PACKET PACKET_VERSION': { set: c.TPACKET_V2 },
  'SOL_PACKET PACKET_VNET_HDR_SZ': { set: 12 },
  'SOL_RAW ICMP_FILTER': { set: { pass: [0, 8] } },

  'SOL_SOCKET SO_ACCEPTCONN': { is: isOneOf(false) },
  'SOL_SOCKET SO_ATTACH_BPF': NO_BPF,
  'SOL_SOCKET SO_ATTACH_FILTER': { set: PASS_ALL, shows: ['SOL_SOCKET', 'SO_GET_FILTER', PASS_ALL] },
  'SOL_SOCKET SO_ATTACH_REUSEPORT_CBPF': { on: 'udp sharing its port', set: PASS_ALL },
  'SOL_SOCKET SO_ATTACH_REUSEPORT_EBPF': { ...NO_BPF, on: 'udp sharing its port' },
  'SOL_SOCKET SO_BINDTODEVICE': { set: 'lo', shows: ['SOL_SOCKET', 'SO_BINDTOIFINDEX', LO] },
  'SOL_SOCKET SO_BINDTOIFINDEX': { set: 'lo', reads: LO, shows: ['SOL_SOCKET', 'SO_BINDTODEVICE', 'lo'] },
  'SOL_SOCKET SO_BPF_EXTENSIONS': { is: (count: number) => count >= c.SKF_AD_RANDOM },
  'SOL_SOCKET SO_BUF_LOCK': { set: c.SOCK_SNDBUF_LOCK | c.SOCK_RCVBUF_LOCK },
  'SOL_SOCKET SO_BUSY_POLL': { set: 50 },
  'SOL_SOCKET SO_BUSY_POLL_BUDGET': { set: 16 },
  'SOL_SOCKET SO_CNX_ADVICE': { set: 1 },
  'SOL_SOCKET SO_COOKIE': { is: (cookie: bigint) => cookie > 0n },
  'SOL_SOCKET SO_DETACH_FILTER': { on: 'udp filtered', shows: ['SOL_SOCKET', 'SO_GET_FILTER', []] },
  'SOL_SOCKET SO_DETACH_REUSEPORT_BPF': { on: 'udp sharing its port by a program' },
  'SOL_SOCKET SO_DOMAIN': { is: isOneOf(c.AF_INET) },
  'SOL_SOCKET SO_ERROR': { is: isOneOf(0) },
  'SOL_SOCKET SO_GET_FILTER': { on: 'udp filtered', is: ([first]: readonly { code: number }[]) => first?.code === (c.BPF_RET | c.BPF_K) },
  'SOL_SOCKET SO_INCOMING_CPU': { set: 0 },
  'SOL_SOCKET SO_INCOMING_NAPI_ID': { is: isOneOf(0) },
  'SOL_SOCKET SO_INQ': { set: true },
  'SOL_SOCKET SO_LINGER': { set: { onoff: 1, linger: 5 } },
  'SOL_SOCKET SO_MARK': { set: 0xdeadbeef },
  'SOL_SOCKET SO_MAX_PACING_RATE': { set: 2 ** 33 },
  'SOL_SOCKET SO_MEMINFO': { is: ({ rcvbuf }: { rcvbuf: number }) => rcvbuf > 0 },
  'SOL_SOCKET SO_NETNS_COOKIE': { is: (cookie: bigint) => cookie > 0n },
  'SOL_SOCKET SO_PEEK_OFF': { set: 3 },
  'SOL_SOCKET SO_PEERCRED': { is: ({ pid, uid }: { pid: number; uid: number }) => pid === process.pid && uid === process.geteuid?.() },
  'SOL_SOCKET SO_PEERGROUPS': { is: (gids: readonly number[]) => gids.every(isNumber) },
  'SOL_SOCKET SO_PEERPIDFD': { is: (fd: number) => fd > 2 },
  'SOL_SOCKET SO_PEERSEC': { is: (label: string) => label.length > 0, refused: ['ENOPROTOOPT'], why: 'no security module labels sockets' },
  'SOL_SOCKET SO_PRIORITY': { set: 5 },
  'SOL_SOCKET SO_PROTOCOL': { is: isOneOf(c.IPPROTO_TCP) },
  'SOL_SOCKET SO_RCVBUF': { set: 10_000, reads: 20_000, why: 'Linux doubles it' },
  'SOL_SOCKET SO_RCVBUFFORCE': { set: 10_000, shows: ['SOL_SOCKET', 'SO_RCVBUF', 20_000] },
  'SOL_SOCKET SO_RCVLOWAT': { set: 10 },
  'SOL_SOCKET SO_RCVTIMEO': { set: { sec: 1, usec: 500_000 } },
  'SOL_SOCKET SO_RESERVE_MEM': { set: 4096, refused: ['EOPNOTSUPP'], why: 'there is no memory cgroup' },
  'SOL_SOCKET SO_SNDBUF': { set: 10_000, reads: 20_000, why: 'Linux doubles it' },
  'SOL_SOCKET SO_SNDBUFFORCE': { set: 10_000, shows: ['SOL_SOCKET', 'SO_SNDBUF', 20_000] },
  'SOL_SOCKET SO_SNDLOWAT': { is: isOneOf(1) },
  'SOL_SOCKET SO_SNDTIMEO': { set: { sec: 2, usec: 0 } },
  'SOL_SOCKET SO_TIMESTAMPING': { set: { flags: c.SOF_TIMESTAMPING_RX_SOFTWARE | c.SOF_TIMESTAMPING_SOFTWARE, bind_phc: 0 } },
  'SOL_SOCKET SO_TXREHASH': { set: c.SOCK_TXREHASH_DISABLED },
  'SOL_SOCKET SO_TXTIME': { set: { clockid: c.CLOCK_TAI, flags: c.SOF_TXTIME_REPORT_ERRORS } },
  'SOL_SOCKET SO_TYPE': { is: isOneOf(c.SOCK_STREAM) },
};

export const OPTION_CASES: ReadonlyMap<string, OptionCase> = new Map(Object.entries(CASES));
