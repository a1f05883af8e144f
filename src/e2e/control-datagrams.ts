/**
 * Control messages that come with a datagram of CPython's, or that CPython sees of a datagram of ours: what it takes, and
 * what is seen. Messages that need more than that are in `control-specials.ts`.
 */
import { loadNative } from '../addon/load.ts';

const c = loadNative().constants;

/** A datagram that CPython sends, and the message that comes with it. */
export interface Incoming {
  /** Level and type. */
  readonly row: string;
  readonly family: 'ipv4' | 'ipv6';
  /** An option of the receiver, by its numbers, which is set to 1 unless said otherwise. */
  readonly option: readonly [level: number, name: number, value?: number];
  /** Statements of CPython's: its socket is `s`, the receiver's address `to`. */
  readonly send: string;
  /** The value, in which `PORT` stands for the receiver's port; or, where that is not known, what judges it. */
  readonly data?: unknown;
  readonly judge?: (value: unknown) => boolean;
  readonly needsRoot?: boolean;
  /** Since which Linux it comes, where that is not since when it can be sent. */
  readonly since?: string;
}

/** A message that is sent with the three bytes `xyz`, and what CPython sees of it. */
export interface Outgoing {
  /** Level and type. */
  readonly row: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly data: unknown;
  /** Statements of CPython's before it receives with `r`. */
  readonly before: string;
  /** What CPython says: an expression of `data`, `anc`, `flags`, `peer` and `r`, and its value. */
  readonly see: readonly [string, unknown];
  readonly needsRoot?: boolean;
}

/** Definitions for CPython. */
export const PRELUDE = `
def checksum(data):
    if len(data) % 2: data += b'\\0'
    total = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def udp(family, payload, port):
    is_ipv4 = family == socket.AF_INET
    address = socket.inet_pton(family, '127.0.0.1' if is_ipv4 else '::1')
    length = 8 + len(payload)
    pseudo = address * 2 + (struct.pack('>HH', 17, length) if is_ipv4 else struct.pack('>II', length, 17))
    head = struct.pack('>HHHH', 9, port, length, 0)
    return head[:6] + struct.pack('>H', checksum(pseudo + head + payload)) + payload
def ip4(proto, payload, fragment=0):
    address = socket.inet_aton('127.0.0.1')
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(payload), 77, fragment, 64, proto, 0) + address * 2 + payload
def ip6(next_header, payload):
    return struct.pack('>IHBB', 0x60000000, len(payload), next_header, 64) + socket.inet_pton(socket.AF_INET6, '::1') * 2 + payload
def raw4(*packets):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as r:
        for packet in packets: r.sendto(packet, ('127.0.0.1', 0))
def raw6(*packets):
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as r:
        for packet in packets: r.sendto(packet, ('::1', 0))
def fragments4(payload, port, size):
    whole = udp(socket.AF_INET, payload, port)
    raw4(ip4(17, whole[:size], 0x2000), ip4(17, whole[size:], size // 8))
def fragments6(payload, port, size):
    whole = udp(socket.AF_INET6, payload, port)
    def fragment(offset, part): return ip6(44, struct.pack('>BBHI', 17, 0, offset, 77) + part)
    raw6(fragment(1, whole[:size]), fragment(size, whole[size:]))
`;

const V4 = 'ipv4';
const V6 = 'ipv6';
const IP = c.IPPROTO_IP;
const IPV6 = c.IPPROTO_IPV6;
const SOL = c.SOL_SOCKET;

const isRecent =
  (unit: 'usec' | 'nsec', perSecond: number) =>
  (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    const sec: unknown = Reflect.get(value, 'sec');
    const part: unknown = Reflect.get(value, unit);
    if (typeof sec !== 'number' || typeof part !== 'number' || part < 0 || part >= perSecond) return false;
    return Math.abs(Date.now() / 1000 - (sec + part / perSecond)) < 60;
  };
const isTimeval = isRecent('usec', 1e6);
export const isTimespec: (value: unknown) => boolean = isRecent('nsec', 1e9);
/** Stands for a port that is not known yet. */
export const PORT = -1;

const send = 's.sendto(b"x", to)';

// prettier-ignore
export const INCOMING: readonly Incoming[] = [
  { row: 'IPPROTO_IP/IP_CHECKSUM', family: V4, option: [IP, c.IP_CHECKSUM], send: 'raw4(ip4(17, udp(socket.AF_INET, b"x", to[1])))', judge: (value: unknown) => typeof value === 'number' && value > 0, needsRoot: true },
  { row: 'IPPROTO_IP/IP_ORIGDSTADDR', family: V4, option: [IP, c.IP_RECVORIGDSTADDR], send: 's.sendto(b"x", ("127.0.0.5", to[1]))', data: { family: 'ipv4', host: '127.0.0.5', port: PORT } },
  { row: 'IPPROTO_IP/IP_PKTINFO', family: V4, option: [IP, c.IP_PKTINFO], send: 's.sendto(b"x", ("127.0.0.5", to[1]))', data: { interface: 1, source: '127.0.0.5', destination: '127.0.0.5' } },
  { row: 'IPPROTO_IP/IP_RECVFRAGSIZE', family: V4, option: [IP, c.IP_RECVFRAGSIZE], send: 'fragments4(b"x" * 1000, to[1], 600)', data: 620, needsRoot: true },
  { row: 'IPPROTO_IP/IP_RECVOPTS', family: V4, option: [IP, c.IP_RECVOPTS], send: `s.setsockopt(0, 4, bytes([1, 1, 1, 0])); ${send}`, data: Uint8Array.of(1, 1, 1, 0) },
  { row: 'IPPROTO_IP/IP_RETOPTS', family: V4, option: [IP, c.IP_RETOPTS], send: `s.setsockopt(0, 4, bytes([7, 7, 4, 0, 0, 0, 0, 0])); ${send}`, data: Uint8Array.of(7, 7, 8, 127, 0, 0, 1, 0) },
  { row: 'IPPROTO_IP/IP_TOS', family: V4, option: [IP, c.IP_RECVTOS], send: `s.setsockopt(0, 1, 0xb9); ${send}`, data: 0xb9 },
  { row: 'IPPROTO_IP/IP_TTL', family: V4, option: [IP, c.IP_RECVTTL], send: `s.setsockopt(0, 2, 33); ${send}`, data: 33 },

  { row: 'IPPROTO_IPV6/IPV6_DSTOPTS', family: V6, option: [IPV6, c.IPV6_RECVDSTOPTS], send: `s.sendmsg([b"x"], [(41, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))], 0, to)`, data: Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0), needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_FLOWINFO', family: V6, option: [IPV6, c.IPV6_FLOWINFO], send: `s.setsockopt(41, 67, 0x2e); ${send}`, judge: (value: unknown) => typeof value === 'number' && value >>> 20 === 0x2e },
  { row: 'IPPROTO_IPV6/IPV6_HOPLIMIT', family: V6, option: [IPV6, c.IPV6_RECVHOPLIMIT], send: `s.setsockopt(41, 16, 33); ${send}`, data: 33 },
  { row: 'IPPROTO_IPV6/IPV6_HOPOPTS', family: V6, option: [IPV6, c.IPV6_RECVHOPOPTS], send: `s.sendmsg([b"x"], [(41, 54, bytes([0, 0, 1, 4, 0, 0, 0, 0]))], 0, to)`, data: Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0), needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_ORIGDSTADDR', family: V6, option: [IPV6, c.IPV6_RECVORIGDSTADDR], send, data: { family: 'ipv6', host: '::1', port: PORT } },
  { row: 'IPPROTO_IPV6/IPV6_PKTINFO', family: V6, option: [IPV6, c.IPV6_RECVPKTINFO], send, data: { address: '::1', interface: 1 } },
  { row: 'IPPROTO_IPV6/IPV6_RECVFRAGSIZE', family: V6, option: [IPV6, c.IPV6_RECVFRAGSIZE], send: 'fragments6(b"x" * 1000, to[1], 600)', data: 648, needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_RTHDR', family: V6, option: [IPV6, c.IPV6_RECVRTHDR], send: 'raw6(ip6(43, bytes([17, 0, 253, 0, 0, 0, 0, 0]) + udp(socket.AF_INET6, b"x", to[1])))', data: Uint8Array.of(17, 0, 253, 0, 0, 0, 0, 0), needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_TCLASS', family: V6, option: [IPV6, c.IPV6_RECVTCLASS], send: `s.setsockopt(41, 67, 0xb9); ${send}`, data: 0xb9 },

  { row: 'IPPROTO_UDP/UDP_GRO', family: V4, option: [c.IPPROTO_UDP, c.UDP_GRO], send: 's.sendmsg([b"x" * 3000], [(17, 103, struct.pack("H", 1200))], 0, to)', data: 1200 },

  { row: 'SOL_SOCKET/SO_MARK', family: V4, option: [SOL, c.SO_RCVMARK], send: `s.setsockopt(1, 36, 0x12345678); ${send}`, data: 0x12345678, needsRoot: true, since: '5.19' },
  { row: 'SOL_SOCKET/SO_PRIORITY', family: V4, option: [SOL, c.SO_RCVPRIORITY], send: `s.setsockopt(1, 12, 5); ${send}`, data: 5 },
  { row: 'SOL_SOCKET/SO_TIMESTAMP', family: V4, option: [SOL, c.SO_TIMESTAMP], send, judge: isTimeval },
  { row: 'SOL_SOCKET/SO_TIMESTAMPNS', family: V4, option: [SOL, c.SO_TIMESTAMPNS], send, judge: isTimespec },
  { row: 'SOL_SOCKET/SO_TIMESTAMPNS_NEW', family: V6, option: [SOL, c.SO_TIMESTAMPNS_NEW], send, judge: isTimespec },
  { row: 'SOL_SOCKET/SO_TIMESTAMP_NEW', family: V6, option: [SOL, c.SO_TIMESTAMP_NEW], send, judge: isTimeval },
];

const hexOfInt = (value: number): string => Buffer.from(Int32Array.from([value]).buffer).toString('hex');
const anc = '[[l, t, d.hex()] for l, t, d in anc]';

// prettier-ignore
export const OUTGOING: readonly Outgoing[] = [
  { row: 'IPPROTO_IP/IP_PKTINFO', family: V4, data: { source: '127.0.0.7', interface: 'lo' }, before: '', see: ['peer[0]', '127.0.0.7'] },
  { row: 'IPPROTO_IP/IP_RETOPTS', family: V4, data: Uint8Array.of(1, 1, 1, 0), before: 'r.setsockopt(0, 6, 1)', see: [anc, [[0, 6, '01010100']]] },
  { row: 'IPPROTO_IP/IP_TOS', family: V4, data: 0xb8, before: 'r.setsockopt(0, 13, 1)', see: [anc, [[0, 1, 'b8']]] },
  { row: 'IPPROTO_IP/IP_TTL', family: V4, data: 33, before: 'r.setsockopt(0, 12, 1)', see: [anc, [[0, 2, hexOfInt(33)]]] },

  { row: 'IPPROTO_IPV6/IPV6_DSTOPTS', family: V6, data: Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0), before: 'r.setsockopt(41, 58, 1)', see: [anc, [[41, 59, '1100010400000000']]], needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_HOPLIMIT', family: V6, data: 33, before: 'r.setsockopt(41, 51, 1)', see: [anc, [[41, 52, hexOfInt(33)]]] },
  { row: 'IPPROTO_IPV6/IPV6_HOPOPTS', family: V6, data: Uint8Array.of(0, 0, 1, 4, 0, 0, 0, 0), before: 'r.setsockopt(41, 53, 1)', see: [anc, [[41, 54, '1100010400000000']]], needsRoot: true },
  { row: 'IPPROTO_IPV6/IPV6_PKTINFO', family: V6, data: { address: '::1', interface: 'lo' }, before: 'r.setsockopt(41, 49, 1)', see: [anc, [[41, 50, `${'00'.repeat(15)}01${hexOfInt(1)}`]]] },
  { row: 'IPPROTO_IPV6/IPV6_TCLASS', family: V6, data: 0xb8, before: 'r.setsockopt(41, 66, 1)', see: [anc, [[41, 67, hexOfInt(0xb8)]]] },

  { row: 'IPPROTO_UDP/UDP_SEGMENT', family: V4, data: 1, before: '', see: ['[part.decode() for part in (data, r.recv(9), r.recv(9))]', ['x', 'y', 'z']] },

  { row: 'SOL_SOCKET/SO_MARK', family: V4, data: 0x12345678, before: 'r.setsockopt(1, 75, 1)', see: [anc, [[1, 36, '78563412']]], needsRoot: true },
  { row: 'SOL_SOCKET/SO_PRIORITY', family: V4, data: 5, before: 'r.setsockopt(1, 82, 1)', see: [anc, [[1, 12, hexOfInt(5)]]] },
];
