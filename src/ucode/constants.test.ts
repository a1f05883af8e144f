/** The constants that ucode has, name by name, are here, and so are those that it lacks. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as numbers from './constants.ts';
import { constants, errorNumbers, resolveErrors } from '../posix/constants.ts';

/** What ucode exports on Linux: the part that names share, and the rest of each with its number there. */
const UCODE: Readonly<Record<string, string>> = {
  AF_: `
    INET=2 INET6=10 PACKET=17 UNIX=1 UNSPEC=0
  `,
  AI_: `
    ADDRCONFIG=32 ALL=16 CANONIDN=128 CANONNAME=2 IDN=64 NUMERICHOST=4 NUMERICSERV=1024 PASSIVE=1 V4MAPPED=8
  `,
  IP_: `
    ADD_MEMBERSHIP=35 ADD_SOURCE_MEMBERSHIP=39 BIND_ADDRESS_NO_PORT=24 BLOCK_SOURCE=38 DROP_MEMBERSHIP=36
    DROP_SOURCE_MEMBERSHIP=40 FREEBIND=15 HDRINCL=3 MSFILTER=41 MTU=14 MTU_DISCOVER=10 MULTICAST_ALL=49
    MULTICAST_IF=32 MULTICAST_LOOP=34 MULTICAST_TTL=33 NODEFRAG=22 OPTIONS=4 PASSSEC=18 PKTINFO=8 RECVERR=11
    RECVOPTS=6 RECVORIGDSTADDR=20 RECVTOS=13 RECVTTL=12 RETOPTS=7 ROUTER_ALERT=5 TOS=1 TRANSPARENT=19 TTL=2
    UNBLOCK_SOURCE=37
  `,
  IPPROTO_: `
    IP=0 IPV6=41 TCP=6 UDP=17
  `,
  IPV6_: `
    ADDRFORM=1 ADDR_PREFERENCES=72 ADD_MEMBERSHIP=20 AUTHHDR=10 AUTOFLOWLABEL=70 DONTFRAG=62
    DROP_MEMBERSHIP=21 DSTOPTS=59 FLOWINFO=11 FLOWINFO_SEND=33 FLOWLABEL_MGR=32 FREEBIND=78 HOPLIMIT=52
    HOPOPTS=54 JOIN_ANYCAST=27 LEAVE_ANYCAST=28 MINHOPCOUNT=73 MTU=24 MTU_DISCOVER=23 MULTICAST_ALL=29
    MULTICAST_HOPS=18 MULTICAST_IF=17 MULTICAST_LOOP=19 PKTINFO=50 RECVDSTOPTS=58 RECVERR=25 RECVFRAGSIZE=77
    RECVHOPLIMIT=51 RECVHOPOPTS=53 RECVORIGDSTADDR=74 RECVPATHMTU=60 RECVPKTINFO=49 RECVRTHDR=56
    RECVTCLASS=66 ROUTER_ALERT=22 ROUTER_ALERT_ISOLATE=30 RTHDR=57 RTHDRDSTOPTS=55 TCLASS=67 TRANSPARENT=75
    UNICAST_HOPS=16 UNICAST_IF=76 V6ONLY=26
  `,
  MSG_: `
    CMSG_CLOEXEC=1073741824 CONFIRM=2048 DONTROUTE=4 DONTWAIT=64 EOR=128 ERRQUEUE=8192 FASTOPEN=536870912
    MORE=32768 NOSIGNAL=16384 OOB=1 PEEK=2 TRUNC=32 WAITALL=256
  `,
  NI_: `
    DGRAM=16 IDN=32 MAXHOST=1025 MAXSERV=32 NAMEREQD=8 NOFQDN=4 NUMERICHOST=1 NUMERICSERV=2
  `,
  PACKET_: `
    ADD_MEMBERSHIP=1 AUXDATA=8 BROADCAST=1 DROP_MEMBERSHIP=2 FANOUT=18 HOST=0 LOSS=14 MR_ALLMULTI=2
    MR_MULTICAST=0 MR_PROMISC=1 MULTICAST=2 OTHERHOST=3 OUTGOING=4 QDISC_BYPASS=20 RESERVE=12 RX_RING=5
    STATISTICS=6 TIMESTAMP=17 TX_RING=13 VERSION=10
  `,
  POLL: `
    ERR=8 HUP=16 IN=1 NVAL=32 OUT=4 PRI=2 RDHUP=8192
  `,
  SCM_: `
    CREDENTIALS=2 RIGHTS=1
  `,
  SHUT_: `
    RD=0 RDWR=2 WR=1
  `,
  SO_: `
    ACCEPTCONN=30 ATTACH_BPF=50 ATTACH_FILTER=26 ATTACH_REUSEPORT_CBPF=51 ATTACH_REUSEPORT_EBPF=52
    BINDTODEVICE=25 BROADCAST=6 BUSY_POLL=46 DEBUG=1 DETACH_BPF=27 DETACH_FILTER=27 DOMAIN=39 DONTROUTE=5
    ERROR=4 INCOMING_CPU=49 INCOMING_NAPI_ID=56 KEEPALIVE=9 LINGER=13 LOCK_FILTER=44 MARK=36 OOBINLINE=10
    PASSCRED=16 PASSSEC=34 PEEK_OFF=42 PEERCRED=17 PEERSEC=31 PRIORITY=12 PROTOCOL=38 RCVBUF=8
    RCVBUFFORCE=33 RCVLOWAT=18 RCVTIMEO=20 REUSEADDR=2 REUSEPORT=15 RXQ_OVFL=40 SNDBUF=7 SNDBUFFORCE=32
    SNDLOWAT=19 SNDTIMEO=21 TIMESTAMP=29 TIMESTAMPNS=35 TYPE=3
  `,
  SOCK_: `
    CLOEXEC=524288 DGRAM=2 NONBLOCK=2048 PACKET=10 RAW=3 STREAM=1
  `,
  SOL_: `
    PACKET=263 SOCKET=1
  `,
  TCP_: `
    CONGESTION=13 CORK=3 DEFER_ACCEPT=9 FASTOPEN=23 FASTOPEN_CONNECT=30 INFO=11 KEEPCNT=6 KEEPIDLE=4
    KEEPINTVL=5 LINGER2=8 MAXSEG=2 NODELAY=1 QUICKACK=12 SYNCNT=7 USER_TIMEOUT=18 WINDOW_CLAMP=10
  `,
  UDP_: `
    CORK=1
  `,
};

const NAMES: readonly (readonly [name: string, number: number])[] = Object.entries(UCODE).flatMap(
  ([prefix, rest]) =>
    rest
      .trim()
      .split(/\s+/)
      .map((each) => {
        const [name = '', number] = each.split('=');
        return [prefix + name, Number(number)] as const;
      }),
);

/** Names of groups that ucode does not export at all. */
const ABSENT = `
  AF_NETLINK AF_VSOCK ARPHRD_ETHER EAI_NONAME EAI_AGAIN EAGAIN EINPROGRESS ECONNREFUSED ETH_P_ALL INADDR_ANY
  IP_CHECKSUM IP_ORIGDSTADDR IP_PMTUDISC_DO IP_RECVFRAGSIZE IPPROTO_ICMP IPPROTO_ICMPV6 IPPROTO_MPTCP IPPROTO_RAW
  IPPROTO_SCTP IPPROTO_UDPLITE IPTOS_LOWDELAY IPV6_ORIGDSTADDR IPV6_PATHMTU MSG_CTRUNC MSG_WAITFORONE MSG_ZEROCOPY
  PACKET_FANOUT_HASH SO_EE_ORIGIN_ICMP SO_TIMESTAMP_NEW SO_TIMESTAMPNS_NEW SOCK_RDM SOCK_SEQPACKET
  SOF_TIMESTAMPING_RX_SOFTWARE SOL_IP SOL_IPV6 SOL_TCP SOL_UDP SOMAXCONN TCP_CM_INQ TCP_ESTABLISHED TPACKET_V3
  UDP_GRO UDP_SEGMENT
`
  .trim()
  .split(/\s+/);

const exported: Readonly<Partial<Record<string, number>>> = { ...numbers };

test('constants has all 211 that ucode exports, by their names', () => {
  assert.equal(NAMES.length, 211);
  assert.equal(new Set(NAMES.map(([name]) => name)).size, 211);
  assert.deepEqual(
    NAMES.filter(([name]) => exported[name] === undefined),
    [],
  );
});

test('constants has the numbers that they have on Linux', { skip: process.arch === 'ppc64' }, () => {
  assert.deepEqual(
    NAMES.filter(([name, number]) => exported[name] !== number),
    [],
  );
});

test('constants has what ucode lacks', () => {
  assert.deepEqual(
    ABSENT.filter((name) => exported[name] === undefined),
    [],
  );
  const own = new Set(NAMES.map(([name]) => name));
  assert.deepEqual(
    ABSENT.filter((name) => own.has(name)),
    [],
  );
});

test("constants are the system's own numbers, every one, and none is written down (defect 28)", () => {
  const system: Readonly<Record<string, number>> = { ...constants, ...errorNumbers, ...resolveErrors };
  const names = new Set([...Object.keys(exported), ...Object.keys(system)]);
  assert.deepEqual(
    [...names].filter((name) => exported[name] !== system[name]),
    [],
  );
});
