/** Options by their numbers: every one that ucode has is there, and values are converted loosely both ways. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { optionByNumber } from '../posix/option-calls.ts';
import * as numbers from './constants.ts';
import { create } from './module.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, must, portOf, using, usingPair } from './test-kit.ts';
import { connect, listen } from './connect.ts';

checkLeaks();

const { AF_INET, AF_INET6, AF_UNIX, EINVAL, ERANGE, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP } = numbers;
const { IPPROTO_UDP, SOCK_DGRAM, SOL_PACKET, SOL_SOCKET } = numbers;

/** The table of ucode: the options of each level, by their kind; IPV6_ROUTER_ALERT is a number to the system. */
const UCODE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  SOL_SOCKET: {
    bool: `SO_DEBUG SO_REUSEADDR SO_DONTROUTE SO_BROADCAST SO_KEEPALIVE SO_OOBINLINE SO_REUSEPORT SO_TIMESTAMP
      SO_ACCEPTCONN SO_PASSCRED SO_PASSSEC SO_TIMESTAMPNS SO_RXQ_OVFL`,
    int: `SO_TYPE SO_ERROR SO_SNDBUF SO_RCVBUF SO_RCVLOWAT SO_SNDLOWAT SO_PRIORITY SO_SNDBUFFORCE SO_RCVBUFFORCE
      SO_MARK SO_PROTOCOL SO_DOMAIN SO_PEEK_OFF SO_LOCK_FILTER SO_BUSY_POLL SO_INCOMING_CPU SO_ATTACH_BPF
      SO_ATTACH_REUSEPORT_EBPF SO_INCOMING_NAPI_ID`,
    struct: 'SO_LINGER SO_RCVTIMEO SO_SNDTIMEO SO_PEERCRED SO_ATTACH_FILTER SO_ATTACH_REUSEPORT_CBPF',
    str: 'SO_BINDTODEVICE SO_PEERSEC',
    void: 'SO_DETACH_FILTER SO_DETACH_BPF',
  },
  IPPROTO_IP: {
    bool: `IP_HDRINCL IP_RECVOPTS IP_RETOPTS IP_PKTINFO IP_RECVTTL IP_RECVTOS IP_MULTICAST_LOOP IP_ROUTER_ALERT
      IP_RECVERR IP_FREEBIND IP_PASSSEC IP_TRANSPARENT IP_RECVORIGDSTADDR IP_NODEFRAG IP_BIND_ADDRESS_NO_PORT
      IP_MULTICAST_ALL`,
    int: 'IP_TOS IP_TTL IP_MULTICAST_TTL IP_MTU_DISCOVER IP_MTU',
    str: 'IP_OPTIONS',
    struct: `IP_MULTICAST_IF IP_ADD_MEMBERSHIP IP_DROP_MEMBERSHIP IP_UNBLOCK_SOURCE IP_BLOCK_SOURCE
      IP_ADD_SOURCE_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP IP_MSFILTER`,
  },
  IPPROTO_IPV6: {
    bool: `IPV6_FLOWINFO IPV6_FLOWINFO_SEND IPV6_MULTICAST_LOOP IPV6_V6ONLY IPV6_RECVTCLASS IPV6_AUTHHDR
      IPV6_RECVERR IPV6_MULTICAST_ALL IPV6_ROUTER_ALERT_ISOLATE IPV6_RECVPKTINFO
      IPV6_RECVHOPLIMIT IPV6_HOPLIMIT IPV6_RECVHOPOPTS IPV6_RECVRTHDR IPV6_RECVDSTOPTS IPV6_RECVPATHMTU
      IPV6_DONTFRAG IPV6_AUTOFLOWLABEL IPV6_RECVORIGDSTADDR IPV6_TRANSPARENT IPV6_RECVFRAGSIZE IPV6_FREEBIND`,
    int: `IPV6_UNICAST_HOPS IPV6_MULTICAST_HOPS IPV6_TCLASS IPV6_ADDRFORM IPV6_MTU_DISCOVER IPV6_MTU
      IPV6_ADDR_PREFERENCES IPV6_MINHOPCOUNT IPV6_ROUTER_ALERT`,
    ifname: 'IPV6_MULTICAST_IF IPV6_UNICAST_IF',
    str: 'IPV6_HOPOPTS IPV6_RTHDRDSTOPTS IPV6_RTHDR IPV6_DSTOPTS',
    struct: `IPV6_FLOWLABEL_MGR IPV6_ADD_MEMBERSHIP IPV6_DROP_MEMBERSHIP IPV6_JOIN_ANYCAST IPV6_LEAVE_ANYCAST
      IPV6_PKTINFO`,
  },
  IPPROTO_TCP: {
    bool: 'TCP_NODELAY TCP_CORK TCP_QUICKACK',
    int: `TCP_MAXSEG TCP_KEEPINTVL TCP_KEEPCNT TCP_FASTOPEN TCP_KEEPIDLE TCP_SYNCNT TCP_LINGER2 TCP_DEFER_ACCEPT
      TCP_WINDOW_CLAMP TCP_USER_TIMEOUT TCP_FASTOPEN_CONNECT`,
    struct: 'TCP_INFO',
    str: 'TCP_CONGESTION',
  },
  IPPROTO_UDP: { bool: 'UDP_CORK' },
  SOL_PACKET: {
    bool: 'PACKET_AUXDATA PACKET_LOSS PACKET_QDISC_BYPASS',
    int: 'PACKET_VERSION PACKET_RESERVE PACKET_TIMESTAMP',
    struct: `PACKET_ADD_MEMBERSHIP PACKET_DROP_MEMBERSHIP PACKET_RX_RING PACKET_TX_RING PACKET_STATISTICS
      PACKET_FANOUT`,
  },
};

const exported: Readonly<Partial<Record<string, number>>> = { ...numbers };
const ROWS = Object.entries(UCODE).flatMap(([level, kinds]) =>
  Object.entries(kinds).flatMap(([kind, names]) =>
    names.split(/\s+/).map((name) => [must(exported[level]), must(exported[name]), name, kind] as const),
  ),
);

test('options has all 144 rows of ucode', () => {
  assert.equal(ROWS.length, 144);
  const missing = ROWS.filter(([level, option]) => optionByNumber(level, option, 'r') === undefined);
  assert.deepEqual(missing, []);
});

/** A socket that may have options of the level. */
function socketFor(level: number): Socket | null {
  if (level === SOL_PACKET) return create(numbers.AF_PACKET, numbers.SOCK_RAW);
  if (level === IPPROTO_TCP) return create();
  return create(level === IPPROTO_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM);
}

test('getopt answers each option as its kind, or tells why the system does not', () => {
  const isOfKind: Readonly<Record<string, (value: unknown) => boolean>> = {
    bool: (value) => typeof value === 'boolean',
    int: (value) => typeof value === 'number' || typeof value === 'boolean',
    str: (value) => typeof value === 'string' || Buffer.isBuffer(value),
    ifname: (value) => typeof value === 'string' || typeof value === 'number',
    struct: (value) => typeof value === 'object' && value !== null,
    void: () => false,
  };
  // What a socket that is neither bound nor connected, or no Unix socket, does not have.
  const reasons = ['ENOPROTOOPT', 'EOPNOTSUPP', 'ENOTCONN', 'EINVAL', 'EADDRNOTAVAIL', 'ENOENT'].map((name) =>
    must(exported[name]),
  );
  let answered = 0;
  for (const [level, option, name, kind] of ROWS) {
    const made = socketFor(level);
    // Packet sockets need a right.
    if (made === null) continue;
    const socket = using(made);
    const value = socket.getopt(level, option);
    if (value === null)
      assert.ok(reasons.includes(Number(socket.error(true))), `${name}: ${String(socket.error())}`);
    else assert.ok(isOfKind[kind]?.(value), name);
    answered += value === null ? 0 : 1;
  }
  assert.ok(answered > 90, String(answered));
});

test('setopt converts values loosely', () => {
  const socket = using(create());
  const ttl = (value: unknown): unknown => {
    if (socket.setopt(IPPROTO_IP, numbers.IP_TTL, value) === null) return socket.error(true);
    return socket.getopt(IPPROTO_IP, numbers.IP_TTL);
  };
  assert.deepEqual([17, '18', ' 0x13 ', 20.9, Buffer.from('21'), true, 2n, 'x', [], 2 ** 40].map(ttl), [
    17,
    18,
    19,
    20,
    21,
    1,
    2,
    EINVAL,
    EINVAL,
    ERANGE,
  ]);
  const reuse = (value: unknown): unknown => {
    if (socket.setopt(SOL_SOCKET, numbers.SO_REUSEADDR, value) === null) return socket.error(true);
    return socket.getopt(SOL_SOCKET, numbers.SO_REUSEADDR);
  };
  assert.deepEqual([true, 0, '1', '0', 5, '', 'abc', -1, {}].map(reuse), [
    true,
    false,
    true,
    false,
    true,
    false,
    EINVAL,
    ERANGE,
    EINVAL,
  ]);
});

test('setopt takes what a struct lacks to be 0, and does not look at what it has not', () => {
  const socket = using(create());
  must(socket.setopt(SOL_SOCKET, numbers.SO_LINGER, { onoff: 1, linger: 7 }));
  must(socket.setopt(SOL_SOCKET, numbers.SO_LINGER, { onoff: '1', more: 'members' }));
  const value: unknown = socket.getopt(SOL_SOCKET, numbers.SO_LINGER);
  assert.equal(String(value), '{ "onoff": 1, "linger": 0 }');
  assert.deepEqual(value, { onoff: 1, linger: 0 });
});

test('getopt of TCP_INFO has the members of ucode, and those that came since', () => {
  const server = using(listen('127.0.0.1', 0));
  const client = using(connect('127.0.0.1', portOf(server)));
  const info = client.getopt(IPPROTO_TCP, numbers.TCP_INFO) as Readonly<Record<string, number>>;
  const names =
    `state ca_state retransmits probes backoff options snd_wscale rcv_wscale rto ato snd_mss rcv_mss
    unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu
    rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans
    delivery_rate bytes_acked min_rtt`.split(/\s+/);
  assert.deepEqual(
    names.filter((name) => typeof info[name] !== 'number'),
    [],
  );
  assert.equal(info['state'], numbers.TCP_ESTABLISHED);
});

test('getopt and setopt name interfaces, and take their numbers', () => {
  const socket = using(create(AF_INET6, SOCK_DGRAM));
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_MULTICAST_IF, 1));
  assert.equal(socket.getopt(IPPROTO_IPV6, numbers.IPV6_MULTICAST_IF), 'lo');
  assert.equal(socket.setopt(IPPROTO_IPV6, numbers.IPV6_MULTICAST_IF, 'nope0'), null);
  assert.equal(socket.error(), 'Unable to resolve interface nope0: No such device');
  const group = { multiaddr: 'ff02::77', interface: 'lo' };
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_ADD_MEMBERSHIP, group));
  assert.equal(socket.setopt(IPPROTO_IPV6, numbers.IPV6_ADD_MEMBERSHIP, { ...group, interface: 1 }), null);
  assert.equal(socket.error(true), numbers.EADDRINUSE);
  must(socket.setopt(IPPROTO_IPV6, numbers.IPV6_DROP_MEMBERSHIP, { ...group, interface: '1'.length }));
});

test('memberships by source are structs of addresses as text', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  const source = { multiaddr: '239.1.2.3', interface: '127.0.0.1', sourceaddr: '192.0.2.1' };
  must(socket.setopt(IPPROTO_IP, numbers.IP_ADD_SOURCE_MEMBERSHIP, source));
  must(socket.setopt(IPPROTO_IP, numbers.IP_DROP_SOURCE_MEMBERSHIP, source));
  assert.equal(
    socket.setopt(IPPROTO_IP, numbers.IP_ADD_SOURCE_MEMBERSHIP, { multiaddr: 'no address' }),
    null,
  );
  assert.match(String(socket.error()), /multiaddr: expected an IPv4 address.*: Invalid argument$/);
});

test('peer credentials are numbers without a sign', () => {
  const [a] = usingPair();
  assert.deepEqual(a.getopt(SOL_SOCKET, numbers.SO_PEERCRED), {
    pid: process.pid,
    uid: process.getuid?.(),
    gid: process.getgid?.(),
  });
});

test('a mark may be given with a sign, and is read without', (t) => {
  const socket = using(create());
  if (socket.setopt(SOL_SOCKET, numbers.SO_MARK, -1) === null) {
    assert.equal(socket.error(true), numbers.EPERM);
    t.skip('no right to mark packets');
    return;
  }
  assert.equal(socket.getopt(SOL_SOCKET, numbers.SO_MARK), 0xffffffff);
});

test('options of bytes take text and bytes', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  must(socket.setopt(IPPROTO_IP, numbers.IP_OPTIONS, Buffer.from([1, 1, 1, 0])));
  assert.deepEqual(socket.getopt(IPPROTO_IP, numbers.IP_OPTIONS), Buffer.from([1, 1, 1, 0]));
  must(socket.setopt(IPPROTO_IP, numbers.IP_OPTIONS, ''));
  assert.deepEqual(socket.getopt(IPPROTO_IP, numbers.IP_OPTIONS), Buffer.alloc(0));
});

test('an option without a value wants one all the same', () => {
  const socket = using(create(AF_INET, SOCK_DGRAM));
  must(socket.setopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER, { filter: [6, 0, 0, 1] }));
  assert.equal(socket.setopt(SOL_SOCKET, numbers.SO_DETACH_FILTER, null), null);
  assert.equal(socket.setopt(SOL_SOCKET, numbers.SO_DETACH_FILTER, 'anything'), true);
  assert.deepEqual(socket.getopt(SOL_SOCKET, numbers.SO_ATTACH_FILTER), { len: 0, filter: [] });
});

test('options that ucode lacks are there too', () => {
  const unix = using(create(AF_UNIX, SOCK_DGRAM));
  assert.equal(typeof unix.getopt(SOL_SOCKET, numbers.SO_COOKIE), 'bigint');
  const tcp = using(create());
  must(tcp.setopt(numbers.SOL_TCP, numbers.TCP_NOTSENT_LOWAT, 4096));
  assert.equal(tcp.getopt(IPPROTO_TCP, numbers.TCP_NOTSENT_LOWAT), 4096);
  must(tcp.setopt(SOL_SOCKET, numbers.SO_BINDTOIFINDEX, 'lo'));
  assert.equal(tcp.getopt(SOL_SOCKET, numbers.SO_BINDTOIFINDEX), 'lo');
  must(tcp.setopt(SOL_SOCKET, numbers.SO_MAX_PACING_RATE, 1e6));
  assert.equal(tcp.getopt(SOL_SOCKET, numbers.SO_MAX_PACING_RATE), 1e6);
  const udp = using(create(AF_INET, SOCK_DGRAM));
  must(udp.setopt(IPPROTO_UDP, numbers.UDP_GRO, true));
  assert.equal(udp.getopt(IPPROTO_UDP, numbers.UDP_GRO), true);
  const group = { interface: 'lo', group: '239.9.9.9' };
  must(udp.setopt(IPPROTO_IP, numbers.MCAST_JOIN_GROUP, group));
  must(udp.setopt(IPPROTO_IP, numbers.MCAST_LEAVE_GROUP, group));
});
