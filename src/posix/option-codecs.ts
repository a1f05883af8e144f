/** The codecs that the table of options names. */
import { requireBytes } from '../base/bytes.ts';
import { flag, integer, outOfRange, wrongType } from '../base/rules.ts';
import type { InterfaceRef, InternetAddress } from './address.ts';
import type { Codec } from './codec.ts';
import { i32, interfaceIndex, u32, u64 } from './fields.ts';
import { addressField, count, interfaceIndexBig, rate } from './option-fields.ts';
import type {
  QueryCodec,
  SourceFilter,
  SourceFilterInput,
  SourceFilterQuery,
  SubflowAddresses,
  TypeFilter,
  TypeFilterInput,
} from './option-filters.ts';
import {
  groupFilter,
  ipMsfilter,
  list,
  mptcpSubflowAddrs,
  mptcpTcpinfo,
  netlinkGroups,
  readOnly,
  typeFilter,
} from './option-filters.ts';
import type { StructInput, StructName, StructValue } from './option-kinds.ts';
import { structCodec } from './option-kinds.ts';
import { single, viewOf } from './struct.ts';

/** @see linux/inet_diag.h, struct tcp_bbr_info */
export interface BbrInfo {
  /** Bytes in a second. */
  readonly bw: number;
  /** Microseconds. */
  readonly min_rtt: number;
  /** As a multiple, as is the next. */
  readonly pacing_gain: number;
  readonly cwnd_gain: number;
}

/** What a congestion control algorithm wrote of itself. Only the form of BBR can be told by its length. */
export interface CongestionInfo {
  readonly bbr: BbrInfo | null;
  readonly bytes: Uint8Array;
}

type StructCodec<N extends StructName> = Codec<StructValue<N>, StructInput<N>>;
type FilterCodec<N extends 'group_filter' | 'ip_msfilter'> = QueryCodec<
  SourceFilter<N>,
  SourceFilterInput<N>,
  SourceFilterQuery<N>
>;
type FlowLabelCodec = QueryCodec<
  StructValue<'in6_flowlabel_req'>,
  StructInput<'in6_flowlabel_req'>,
  StructInput<'in6_flowlabel_req'>
>;

/** What is no struct, or more than a struct, by the names that the table has for it. */
export interface SpecialCodecs {
  readonly address: Codec<InternetAddress, never>;
  readonly bool: Codec<boolean>;
  readonly byte: Codec<number>;
  readonly bytes: Codec<Uint8Array>;
  readonly count: Codec<number>;
  readonly fanout_args: StructCodec<'fanout_args'>;
  readonly fd: Codec<number>;
  readonly gids: Codec<readonly number[]>;
  readonly group_filter: FilterCodec<'group_filter'>;
  readonly icmp_filter: Codec<TypeFilter, TypeFilterInput>;
  readonly icmpv6_filter: Codec<TypeFilter, TypeFilterInput>;
  readonly id: Codec<bigint>;
  readonly ifindex: Codec<number, InterfaceRef>;
  readonly ifindex_be: Codec<number, InterfaceRef>;
  readonly in6_flowlabel_req: FlowLabelCodec;
  readonly int: Codec<number>;
  readonly ip_msfilter: FilterCodec<'ip_msfilter'>;
  readonly label: Codec<string, never>;
  readonly mptcp_subflow_addrs: QueryCodec<readonly SubflowAddresses[], never, undefined>;
  readonly mptcp_tcpinfo: QueryCodec<readonly StructValue<'tcp_info'>[], never, undefined>;
  readonly multicast_if: Codec<{ readonly address: string }, StructInput<'multicast_if'>>;
  readonly name: Codec<string>;
  readonly netlink_groups: Codec<readonly number[], never>;
  readonly none: Codec<undefined>;
  readonly packet_hdrlen: QueryCodec<number, never, number>;
  readonly rate: Codec<number>;
  readonly tcp_cc_info: Codec<CongestionInfo, never>;
  readonly uint: Codec<number>;
}

/** The codec that a row of the table names: one of those, a struct, or a list of structs (`can_filter[]`). */
export type OptionCodec<C> = C extends keyof SpecialCodecs
  ? SpecialCodecs[C]
  : C extends StructName
    ? StructCodec<C>
    : C extends `${infer S extends StructName}[]`
      ? Codec<readonly StructValue<S>[], readonly StructInput<S>[]>
      : never;

const int = single(i32);
const uint = single(u32);
const byteRule = integer(0, 0xff);

const bool: Codec<boolean> = {
  size: int.size,
  encode: (value, name, context) => int.encode(flag(value, name) ? 1 : 0, name, context),
  decode: (bytes) => int.decode(bytes) !== 0,
};

/** The system takes an int for it, of which it keeps the lowest byte without a word. */
const byte: Codec<number> = {
  size: int.size,
  encode: (value, name, context) => int.encode(byteRule(value, name), name, context),
  decode: (given) => int.decode(given),
};

/** An int is wanted, which the system then does not look at. */
const none: Codec<undefined> = {
  size: int.size,
  encode: (value, name) => {
    const given: unknown = value;
    if (given !== undefined) throw wrongType(name, 'no value', given);
    return new Uint8Array(int.size);
  },
  decode: () => undefined,
};

/** More than the longest value: of extension headers of IPv6. */
const BYTES_ROOM = 4096;

const bytes: Codec<Uint8Array> = {
  size: BYTES_ROOM,
  encode: (value, name) => {
    const copy = new Uint8Array(requireBytes(value, name));
    if (copy.length > BYTES_ROOM)
      throw outOfRange(`${name}.length`, `at most ${String(BYTES_ROOM)}`, copy.length);
    return copy;
  },
  decode: (given) => given.slice(),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the system wrote up to the first NUL, which it may have put there or not. */
function readText(given: Uint8Array): string {
  const end = given.indexOf(0);
  return decoder.decode(end < 0 ? given : given.subarray(0, end));
}

const NAME_ROOM = 16;

/** Names of interfaces (IFNAMSIZ), of algorithms (TCP_CA_NAME_MAX) and of protocols (TCP_ULP_NAME_MAX). */
const name: Codec<string> = {
  size: NAME_ROOM,
  encode: (value, called) => {
    const expected = `text of at most ${String(NAME_ROOM - 1)} bytes, without NUL`;
    const given: unknown = value;
    if (typeof given !== 'string') throw wrongType(called, expected, given);
    const encoded = encoder.encode(given);
    if (encoded.length >= NAME_ROOM || encoded.includes(0)) throw outOfRange(called, expected, given);
    return encoded;
  },
  decode: readText,
};

/** More than a page, which is the most that security modules give. */
const LABEL_ROOM = 8192;
const label: Codec<string, never> = { size: LABEL_ROOM, encode: readOnly, decode: readText };

const address: Codec<InternetAddress, never> = {
  size: 28,
  encode: readOnly,
  decode: (given) => addressField(given.length).read(viewOf(given, 0), 0),
};

const NO_LIMIT_32 = 2 ** 32 - 1;
const rate64 = single(rate);
const rateCodec: Codec<number> = {
  ...rate64,
  // Kernels before 4.20 write 32 bits.
  decode: (given) => {
    if (given.length >= rate64.size) return rate64.decode(given);
    const value = uint.decode(given);
    return value === NO_LIMIT_32 ? Infinity : value;
  },
};

const interfaceAddress = structCodec('multicast_if');
const multicastIf: SpecialCodecs['multicast_if'] = {
  size: 4,
  encode: (value, called, context) => interfaceAddress.encode(value, called, context),
  // The address alone, at the start, and not the struct that is set.
  decode: (given) => {
    const whole = new Uint8Array(interfaceAddress.size);
    whole.set(given.subarray(0, 4), 4);
    return { address: interfaceAddress.decode(whole).address };
  },
};

const flowLabelReq = structCodec('in6_flowlabel_req');
const flowLabel: FlowLabelCodec = {
  ...flowLabelReq,
  query: (value, called, context) => flowLabelReq.encode(value, called, context),
};

const fanout = structCodec('fanout_args');
const fanoutArgs: StructCodec<'fanout_args'> = {
  ...fanout,
  encode: (value, called, context) => {
    const all = fanout.encode(value, called, context);
    // Kernels before 5.10 take four bytes and no more.
    return all.subarray(4).every((each) => each === 0) ? all.subarray(0, 4) : all;
  },
};

const packetHdrlen: SpecialCodecs['packet_hdrlen'] = {
  ...int,
  encode: readOnly,
  query: (value, called, context) => int.encode(value, called, context),
};

const bbr = structCodec('bbr_info');
/** BBR's gains are fixed-point numbers with so many parts to the one. */
const GAIN_UNIT = 256;
/** Room for what no algorithm writes yet. */
const CONGESTION_ROOM = 64;

function readBbr(given: Uint8Array): BbrInfo {
  const { bw_lo, bw_hi, min_rtt, pacing_gain, cwnd_gain } = bbr.decode(given);
  const bw = bw_hi * 2 ** 32 + bw_lo;
  return { bw, min_rtt, pacing_gain: pacing_gain / GAIN_UNIT, cwnd_gain: cwnd_gain / GAIN_UNIT };
}

const congestion: Codec<CongestionInfo, never> = {
  size: CONGESTION_ROOM,
  encode: readOnly,
  decode: (given) => ({ bbr: given.length === bbr.size ? readBbr(given) : null, bytes: given.slice() }),
};

/** Enough for a classic BPF program (BPF_MAXINSNS), and for the filters of CAN (CAN_RAW_FILTER_MAX). */
const MAX_STRUCTS = 4096;
/** @see getgroups(2), NGROUPS_MAX */
const MAX_GROUPS = 65536;

const SPECIAL: SpecialCodecs = {
  address,
  bool,
  byte,
  bytes,
  count: single(count),
  fanout_args: fanoutArgs,
  fd: int,
  gids: list(uint, MAX_GROUPS),
  group_filter: groupFilter,
  icmp_filter: typeFilter(4),
  icmpv6_filter: typeFilter(32),
  id: single(u64),
  ifindex: single(interfaceIndex),
  ifindex_be: single(interfaceIndexBig),
  in6_flowlabel_req: flowLabel,
  int,
  ip_msfilter: ipMsfilter,
  label,
  mptcp_subflow_addrs: mptcpSubflowAddrs,
  mptcp_tcpinfo: mptcpTcpinfo,
  multicast_if: multicastIf,
  name,
  netlink_groups: netlinkGroups,
  none,
  packet_hdrlen: packetHdrlen,
  rate: rateCodec,
  tcp_cc_info: congestion,
  uint,
};

/** The codec of a name in the table. */
export function optionCodec<const C extends string>(codec: C): OptionCodec<C> {
  const special: Readonly<Partial<Record<string, unknown>>> = { ...SPECIAL };
  const isList = codec.endsWith('[]');
  const found = special[codec] ?? structCodec((isList ? codec.slice(0, -2) : codec) as StructName);
  return (isList ? list(found as Codec<unknown>, MAX_STRUCTS) : found) as OptionCodec<C>;
}
