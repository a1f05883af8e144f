/** Values of options that are lists: of sources, of types of messages, of instructions, of subflows. */
import { outOfRange, requireObject, wrongType, integer } from '../base/rules.ts';
import type { InternetAddress } from './address.ts';
import type { Codec, CodecContext } from './codec.ts';
import { ipv4 } from './fields.ts';
import { ipStorage } from './option-fields.ts';
import type { StructInput, StructName, StructValue } from './option-kinds.ts';
import { structCodec } from './option-kinds.ts';
import type { Field } from './struct.ts';
import { single, viewOf } from './struct.ts';

/** The codec of an option that is read by asking something: the question stands where the answer comes. */
export interface QueryCodec<T, In, Q> extends Codec<T, In> {
  /** Judges the question and lays it out. @throws {TypeError | RangeError} */
  query(value: Q, name: string, context: CodecContext): Uint8Array;
}

/** The `encode` of what is only ever read. */
export function readOnly(_value: never, name: string): never {
  throw new TypeError(`${name}: expected nothing, for it can only be read`);
}

/** The elements of an array of the caller's, each looked at once. */
function elements(value: unknown, max: number, name: string): readonly unknown[] {
  const expected = `an array of at most ${String(max)}`;
  if (!Array.isArray(value)) throw wrongType(name, expected, value);
  const copy: readonly unknown[] = Array.from<unknown>(value);
  if (copy.length > max) throw outOfRange(`${name}.length`, expected, copy.length);
  return copy;
}

/** Values of one kind, one after the other: at most `max`. */
export function list<T, In>(element: Codec<T, In>, max: number): Codec<readonly T[], readonly In[]> {
  const { size } = element;
  return {
    size: size * max,
    encode: (value, name, context) => {
      const all = elements(value, max, name);
      const bytes = new Uint8Array(size * all.length);
      for (const [i, each] of all.entries())
        bytes.set(element.encode(each as In, `${name}[${String(i)}]`, context), i * size);
      return bytes;
    },
    decode: (bytes) =>
      Array.from({ length: Math.floor(bytes.length / size) }, (_, i) =>
        element.decode(bytes.subarray(i * size, (i + 1) * size)),
      ),
  };
}

// --- sources of multicasts ----------------------------------------------------------------------

/** More than any system allows (net.ipv4.igmp_max_msf, net.ipv6.mld_max_msf). */
const MAX_SOURCES = 1024;

type FilterName = 'group_filter' | 'ip_msfilter';
/** `slist` are the sources; `fmode` says whether they are let in (MCAST_INCLUDE) or kept out (MCAST_EXCLUDE). */
export type SourceFilter<N extends FilterName> = StructValue<N> & { readonly slist: readonly string[] };
export type SourceFilterInput<N extends FilterName> = StructInput<N> & { readonly slist: readonly string[] };
/** Which group, on which interface. */
export type SourceFilterQuery<N extends FilterName> = Omit<StructInput<N>, 'fmode'>;

/** A group, an interface, and then any number of sources, whose number stands last of what precedes them. */
function sourceFilter<const N extends FilterName>(
  name: N,
  source: Field<string>,
): QueryCodec<SourceFilter<N>, SourceFilterInput<N>, SourceFilterQuery<N>> {
  const header = structCodec(name);
  const sources = list(single(source), MAX_SOURCES);
  const countAt = header.size - 4;
  return {
    size: header.size + sources.size,
    encode: (value, called, context) => {
      const { slist, ...rest } = requireObject(value, called) as SourceFilterInput<N>;
      const first = header.encode(rest as StructInput<N>, called, context);
      const last = sources.encode(slist, `${called}.slist`, context);
      const bytes = new Uint8Array(first.length + last.length);
      bytes.set(first);
      bytes.set(last, first.length);
      viewOf(bytes, header.size).setUint32(countAt, last.length / source.size, true);
      return bytes;
    },
    query: (value, called, context) => {
      const whole = { ...requireObject(value, called), fmode: 0 };
      const bytes = header.encode(whole as unknown as StructInput<N>, called, context);
      viewOf(bytes, header.size).setUint32(countAt, MAX_SOURCES, true);
      return bytes;
    },
    decode: (bytes) => {
      const number = viewOf(bytes, header.size).getUint32(countAt, true);
      const slist = sources.decode(bytes.subarray(header.size)).slice(0, number);
      return { ...header.decode(bytes), slist };
    },
  };
}

export const ipMsfilter: QueryCodec<
  SourceFilter<'ip_msfilter'>,
  SourceFilterInput<'ip_msfilter'>,
  SourceFilterQuery<'ip_msfilter'>
> = sourceFilter('ip_msfilter', ipv4);
export const groupFilter: QueryCodec<
  SourceFilter<'group_filter'>,
  SourceFilterInput<'group_filter'>,
  SourceFilterQuery<'group_filter'>
> = sourceFilter('group_filter', ipStorage);

// --- sets of numbers ----------------------------------------------------------------------------

/** The numbers of the bits of `bytes` that are `wanted`, from the lowest on. */
function bitsThatAre(wanted: boolean, bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length * 8 }, (_, i) => i).filter(
    (i) => (((bytes[i >> 3] ?? 0) >> (i & 7)) & 1) === (wanted ? 1 : 0),
  );
}

/** Types of messages that are let in, in order. */
export interface TypeFilter {
  readonly pass: readonly number[];
}
/** Types that alone are let in, or that alone are kept out. */
export type TypeFilterInput = TypeFilter | { readonly block: readonly number[] };

/** A mask of types that are kept out, as the system has it. @see raw(7), RFC 3542 section 3.2 */
export function typeFilter(size: number): Codec<TypeFilter, TypeFilterInput> {
  const type = integer(0, size * 8 - 1);
  return {
    size,
    encode: (value, name) => {
      const members = { ...requireObject(value, name) };
      const [key, ...others] = Object.keys(members);
      if ((key !== 'pass' && key !== 'block') || others.length > 0)
        throw new TypeError(`${name}: expected an object with pass or block, and nothing else`);
      const bytes = new Uint8Array(size).fill(key === 'pass' ? 0xff : 0);
      const given = elements(Reflect.get(members, key), size * 8, `${name}.${key}`);
      for (const [i, each] of given.entries()) {
        const number = type(each, `${name}.${key}[${String(i)}]`);
        const mask = 1 << (number & 7);
        const byte = bytes[number >> 3] ?? 0;
        bytes[number >> 3] = key === 'pass' ? byte & ~mask : byte | mask;
      }
      return bytes;
    },
    decode: (bytes) => ({ pass: bitsThatAre(false, bytes) }),
  };
}

/** Room for more groups than any protocol of netlink has. */
const GROUPS_ROOM = 4096;

/** Numbers of groups, from 1 on. @see netlink(7), NETLINK_LIST_MEMBERSHIPS */
export const netlinkGroups: Codec<readonly number[], never> = {
  size: GROUPS_ROOM,
  encode: readOnly,
  decode: (bytes) => bitsThatAre(true, bytes).map((i) => i + 1),
};

// --- subflows of MPTCP --------------------------------------------------------------------------

/** More than any system allows of one connection. */
const MAX_SUBFLOWS = 64;
/** `struct mptcp_subflow_data`: its own size, how many elements there are, the kernel's size of one, and ours. */
const SUBFLOW_HEADER = 16;

/** @see Documentation/networking/mptcp.rst */
function subflows<const N extends StructName>(
  name: N,
): QueryCodec<readonly StructValue<N>[], never, undefined> {
  const element = structCodec(name);
  return {
    size: SUBFLOW_HEADER + MAX_SUBFLOWS * element.size,
    encode: readOnly,
    query: () => {
      const words = Uint32Array.of(SUBFLOW_HEADER, 0, 0, element.size);
      return new Uint8Array(words.buffer);
    },
    decode: (bytes) => {
      const view = viewOf(bytes, SUBFLOW_HEADER);
      const size = view.getUint32(12, true);
      const there = Math.floor((bytes.length - SUBFLOW_HEADER) / size);
      return Array.from({ length: Math.min(view.getUint32(4, true), there) }, (_, i) => {
        const start = SUBFLOW_HEADER + i * size;
        return element.decode(bytes.subarray(start, start + size));
      });
    },
  };
}

/** The two ends of a subflow. */
export interface SubflowAddresses {
  readonly local: InternetAddress;
  readonly remote: InternetAddress;
}

export const mptcpSubflowAddrs: QueryCodec<readonly SubflowAddresses[], never, undefined> =
  subflows('mptcp_subflow_addrs');
export const mptcpTcpinfo: QueryCodec<readonly StructValue<'tcp_info'>[], never, undefined> =
  subflows('tcp_info');
