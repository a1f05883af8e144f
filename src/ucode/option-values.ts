/** Values of options: from what programs give to what `portside/posix` takes, and back. */
import type { SocketAddress } from '../posix/address.ts';
import { formatAddress } from './addresses.ts';
import type { Dictionary } from './arguments.ts';
import { isAbsent, isDictionary } from './arguments.ts';
import { bpfFromPosix, bpfToPosix } from './bpf.ts';
import { isByteString, toBytes, toText } from './byte-strings.ts';
import { invalid } from './failure.ts';
import { elements } from './lists.ts';
import type { IntegerRange } from './loose.ts';
import * as loose from './loose.ts';
import {
  asBuffer,
  isStruct,
  namedInterface,
  rate,
  structFromPosix,
  structToPosix,
} from './option-members.ts';
import { printable } from './text.ts';

/** How a value is converted. */
interface Conversion {
  readonly toPosix: (value: unknown) => unknown;
  readonly fromPosix: (value: unknown) => unknown;
  /** For options that are read by asking: the question. */
  readonly query?: (value: unknown) => unknown;
}

const asItIs = (value: unknown): unknown => value;
const readOnly = (): never => {
  throw invalid('Argument value cannot be set');
};

function integer(range: IntegerRange): Conversion {
  return {
    toPosix: (value) => loose.toInteger(value, range, 'Unable to convert value to integer'),
    fromPosix: asItIs,
  };
}

/** 32 bits that may be given with a sign or without; they are read without. */
const SIGNED_OR_NOT: IntegerRange = { min: loose.INT32.min, max: loose.UINT32.max };

function text(value: unknown): string {
  if (!isByteString(value)) throw invalid('Argument value is not a string value');
  return toText(value);
}

function bytes(value: unknown): Uint8Array {
  if (!isByteString(value)) throw invalid('Argument value is not a string value');
  return toBytes(value);
}

/** An array of what `convert` makes of each. */
function each(value: unknown, convert: (item: unknown) => unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid('Argument value is not an array');
  return elements(value).map(convert);
}

/** Members by name, each converted in its own way. */
function withMembers(value: unknown, conversions: Record<string, (member: unknown) => unknown>): Dictionary {
  return printable(
    Object.fromEntries(
      Object.entries(value as Dictionary).map(([key, member]) => [key, (conversions[key] ?? asItIs)(member)]),
    ),
  );
}

/** A struct of the tables. */
function struct(name: string): Conversion {
  return {
    toPosix: (value) => structToPosix(name, value),
    fromPosix: (value) => structFromPosix(name, value),
  };
}

/** A struct with a list of sources, all of which can be set and read. */
function sourceFilter(name: string): Conversion {
  const sources = (value: unknown): readonly unknown[] => {
    const list: unknown = isAbsent(value) ? [] : isByteString(value) ? [value] : value;
    return each(list, text);
  };
  return {
    toPosix: (value) => ({ ...structToPosix(name, value), slist: sources((value as Dictionary)['slist']) }),
    fromPosix: (value) =>
      printable({ ...structFromPosix(name, value), slist: (value as Dictionary)['slist'] }),
    query: (value) => {
      const members = Object.entries(structToPosix(name, value ?? {}));
      return Object.fromEntries(members.filter(([key]) => key !== 'fmode'));
    },
  };
}

/** Types of messages that are let in, or that are kept out. */
const typeFilter: Conversion = {
  toPosix: (value) => {
    if (!isDictionary(value)) throw invalid('Argument value is not an object');
    const key = isAbsent(value['block']) ? 'pass' : 'block';
    const types = each(value[key] ?? [], (type) =>
      loose.toInteger(type, loose.UINT8, `Unable to convert field ${key} to integer`),
    );
    return { [key]: types };
  },
  fromPosix: (value) => printable({ ...(value as object) }),
};

const interfaceName: Conversion = {
  toPosix: (value) => namedInterface.toPosix(value, 'Unable to convert value to integer'),
  fromPosix: namedInterface.fromPosix,
};

/** What is set has three members, of which the system gives one back. */
const multicastInterface: Conversion = {
  toPosix: (value) => structToPosix('multicast_if', value),
  fromPosix: (value) => printable({ multiaddr: '0.0.0.0', ...(value as object), ifindex: 0 }),
};

const address = (value: unknown): unknown => formatAddress(value as SocketAddress);

/** By the names that the table has for them: what is neither a struct nor a list of structs. */
const CONVERSIONS: Readonly<Partial<Record<string, Conversion>>> = {
  address: { toPosix: readOnly, fromPosix: address },
  bool: {
    toPosix: (value) => loose.toBoolean(value, 'Unable to convert value to boolean'),
    fromPosix: asItIs,
  },
  'bool as int': {
    toPosix: (value) => loose.toInteger(value, loose.INT32, 'Unable to convert value to integer') !== 0,
    fromPosix: Number,
  },
  'bpf_instruction[]': { toPosix: bpfToPosix, fromPosix: bpfFromPosix },
  byte: integer(loose.UINT8),
  bytes: { toPosix: bytes, fromPosix: asBuffer },
  count: integer({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
  // The system does not tell how many members there may be.
  fanout_args: {
    ...struct('fanout_args'),
    fromPosix: (value) => {
      const { max_num_members = 0, ...others } = structFromPosix('fanout_args', value);
      return printable({ ...others, max_num_members });
    },
  },
  gids: { toPosix: readOnly, fromPosix: asItIs },
  group_filter: sourceFilter('group_filter'),
  icmp_filter: typeFilter,
  icmpv6_filter: typeFilter,
  ifindex: interfaceName,
  ifindex_be: interfaceName,
  in6_flowlabel_req: {
    ...struct('in6_flowlabel_req'),
    query: (value) => structToPosix('in6_flowlabel_req', value ?? {}),
  },
  int: integer(loose.INT32),
  ip_msfilter: sourceFilter('ip_msfilter'),
  mptcp_subflow_addrs: {
    toPosix: readOnly,
    fromPosix: (value) =>
      (value as readonly unknown[]).map((subflow) =>
        withMembers(subflow, { local: address, remote: address }),
      ),
  },
  mptcp_tcpinfo: {
    toPosix: readOnly,
    fromPosix: (value) => (value as readonly unknown[]).map((info) => structFromPosix('tcp_info', info)),
  },
  multicast_if: multicastInterface,
  name: { toPosix: text, fromPosix: asItIs },
  none: { toPosix: () => undefined, fromPosix: () => null },
  packet_hdrlen: {
    ...integer(loose.INT32),
    query: (value) => loose.toInteger(value, loose.INT32, 'Unable to convert query to integer'),
  },
  rate: { ...rate, toPosix: (value) => rate.toPosix(value, 'Unable to convert value to integer') },
  tcp_cc_info: { toPosix: readOnly, fromPosix: (value) => withMembers(value, { bytes: asBuffer }) },
  uint: {
    toPosix: (value) => loose.toInteger(value, SIGNED_OR_NOT, 'Unable to convert value to integer') >>> 0,
    fromPosix: asItIs,
  },
};

/** Whatever the system gives as a number, as text or as a list is seen as it is. */
const ONLY_READ: Conversion = { toPosix: readOnly, fromPosix: asItIs };

function conversionOf(codec: string): Conversion {
  const found = CONVERSIONS[codec];
  if (found !== undefined) return found;
  if (isStruct(codec)) return struct(codec);
  if (!codec.endsWith('[]')) return ONLY_READ;
  const { toPosix, fromPosix } = struct(codec.slice(0, -2));
  return {
    toPosix: (value) => each(value, toPosix),
    fromPosix: (value) => (value as readonly unknown[]).map(fromPosix),
  };
}

/** Options that ucode has as numbers, and posix as booleans. */
const NUMBERS_HERE: ReadonlySet<string> = new Set(['SO_LOCK_FILTER', 'TCP_FASTOPEN_CONNECT']);

/** How an option's values are converted, by the name that the functions here take. */
export function kindOf({ name, codec }: { readonly name: string; readonly codec: string }): string {
  return NUMBERS_HERE.has(name) ? 'bool as int' : codec;
}

/** What posix takes for a value of the caller's. @throws {Failure} EINVAL, ERANGE */
export function optionToPosix(codec: string, value: unknown): unknown {
  return conversionOf(codec).toPosix(value);
}

/** What programs see of a value. */
export function optionFromPosix(codec: string, value: unknown): unknown {
  return conversionOf(codec).fromPosix(value);
}

/** What posix asks an option that is read by asking; `undefined` for others. */
export function queryToPosix(codec: string, value: unknown): unknown {
  return conversionOf(codec).query?.(value);
}
