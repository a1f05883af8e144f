/** What control messages say: from what programs give to what `portside/posix` takes, and back. */
import { isBytes } from '../base/bytes.ts';
import type { SocketAddress as PosixAddress } from '../posix/address.ts';
import { errorNumbers } from '../posix/constants.ts';
import type * as posix from '../posix/control-values.ts';
import type { Descriptor } from '../posix/descriptor.ts';
import type { SocketAddress } from './addresses.ts';
import { formatAddress } from './addresses.ts';
import type { Dictionary } from './arguments.ts';
import { isAbsent, isDictionary } from './arguments.ts';
import { isByteString, toBytes, toText } from './byte-strings.ts';
import { descriptorOf } from './descriptors.ts';
import { Failure, invalid } from './failure.ts';
import { fromInterfaceIndex, toInterfaceIndex } from './interface-names.ts';
import { elements } from './lists.ts';
import type { IntegerRange } from './loose.ts';
import * as loose from './loose.ts';
import { asBuffer } from './option-members.ts';
import type { ReceivedDescriptor } from './received-descriptor.ts';
import type { Socket } from './socket.ts';
import type { Printable } from './text.ts';
import { printable } from './text.ts';

/** `SCM_CREDENTIALS`. */
export interface Credentials extends Printable {
  pid: number;
  uid: number;
  gid: number;
}

/** `IP_RECVERR`, `IPV6_RECVERR`: an error from the network. */
export interface ExtendedError extends Printable {
  errno: number;
  /** `SO_EE_ORIGIN_` … */
  origin: number;
  type: number;
  code: number;
  info: number;
  data: number;
  /** What RFC 4884 has in the place of `data`, as is the next. */
  len: number;
  flags: number;
  /** The node that reports it, where the system tells. */
  offender: SocketAddress | null;
}

/** What control messages have as data. What it is, depends on the type. */
export type ControlValue =
  | null
  | number
  | bigint
  | string
  | Buffer
  | SocketAddress
  | Credentials
  | ExtendedError
  | readonly (Socket | ReceivedDescriptor)[]
  | ReceivedDescriptor
  | Socket
  | Readonly<Record<string, unknown>>;

/** Makes what programs see of a descriptor that has come, and that belongs to it from then on. */
export type TakeDescriptor = (descriptor: Descriptor) => Socket | ReceivedDescriptor;

interface Conversion {
  readonly toPosix: (data: unknown) => unknown;
  readonly fromPosix: (value: unknown, take: TakeDescriptor) => unknown;
}

const asItIs = (value: unknown): unknown => value;

/** What no program sends, but as bytes. */
function onlyReceived(fromPosix: Conversion['fromPosix'] = asItIs): Conversion {
  return {
    fromPosix,
    toPosix: () => {
      throw invalid('Control message data cannot be sent');
    },
  };
}

const NUMBER = 'Unable to convert control message data to integer';

function integer(range: IntegerRange): Conversion {
  return { toPosix: (data) => loose.toInteger(data, range, NUMBER), fromPosix: asItIs };
}

const bytes: Conversion = {
  toPosix: (data) => {
    if (isAbsent(data)) return new Uint8Array(0);
    if (!isByteString(data)) throw invalid('Control message data is not a string value');
    return toBytes(data);
  },
  fromPosix: asBuffer,
};

type Reader = (value: unknown, context: string) => unknown;

const int32: Reader = (value, context) => loose.toInteger(value, loose.INT32, context);
const uint32: Reader = (value, context) => loose.toInteger(value, loose.UINT32, context);
const text =
  (preset: string): Reader =>
  (value, context) => {
    if (isAbsent(value)) return preset;
    if (!isByteString(value)) throw invalid(context);
    return toText(value);
  };

/** @param readers by the members of ucode's: the member of posix's, and how it is converted */
function members(
  readers: Readonly<Record<string, readonly [key: string, read: Reader]>>,
): Conversion['toPosix'] {
  return (data) => {
    if (!isAbsent(data) && !isDictionary(data)) throw invalid('Control message data is not an object');
    const object: Dictionary = data ?? {};
    return Object.fromEntries(
      Object.entries(readers).map(([name, [key, read]]) => [
        key,
        read(object[name], `Unable to convert field ${name}`),
      ]),
    );
  };
}

/** What is there, with the members in the order in which they are printed. */
function shown(format: (value: never) => Dictionary): Conversion['fromPosix'] {
  return (value) => printable(format(value as never));
}

const descriptors: Conversion = {
  toPosix: (data) => {
    if (!Array.isArray(data)) throw invalid('Control message data is not an array');
    return elements(data).map((handle) => {
      const fd = descriptorOf(handle);
      if (fd === null) throw new Failure(errorNumbers.EBADF, 'Invalid file descriptor number');
      return fd;
    });
  },
  fromPosix: (value, take) => (value as readonly Descriptor[]).map(take),
};

const extendedError = shown(({ errno, origin, type, code, info, data, offender }: posix.ExtendedError) => ({
  errno,
  origin,
  type,
  code,
  info,
  data,
  len: data & 0xffff,
  flags: (data >>> 16) & 0xff,
  offender: offender === null ? null : formatAddress(offender),
}));

const time = (fraction: 'usec' | 'nsec'): Conversion => ({
  toPosix: members({ sec: ['sec', int32], [fraction]: [fraction, int32] }),
  fromPosix: shown((value: Dictionary) => ({ ...value })),
});

const stamp = (value: posix.Timespec | null): Printable | null =>
  value === null ? null : printable({ ...value });

/** By the names that the table of posix has for them. */
const CONVERSIONS: Readonly<Partial<Record<string, Conversion>>> = {
  address: onlyReceived((value) => formatAddress(value as PosixAddress)),
  be32: integer(loose.UINT32),
  descriptors,
  extension_header: bytes,
  in6_pktinfo: {
    toPosix: members({ addr: ['address', text('::')], interface: ['interface', toInterfaceIndex] }),
    fromPosix: shown(({ address, interface: index }: posix.Ipv6PacketInfo) => ({
      addr: address,
      interface: fromInterfaceIndex(index),
    })),
  },
  in_pktinfo: {
    toPosix: members({
      interface: ['interface', toInterfaceIndex],
      spec_dst: ['source', text('0.0.0.0')],
      addr: ['destination', text('0.0.0.0')],
    }),
    fromPosix: shown(({ interface: index, source, destination }: posix.PacketInfo) => ({
      interface: fromInterfaceIndex(index),
      spec_dst: source,
      addr: destination,
    })),
  },
  int: integer(loose.INT32),
  ip6_mtuinfo: onlyReceived(
    shown(({ address, mtu }: posix.PathMtu) => ({ addr: formatAddress(address), mtu })),
  ),
  ip_options: bytes,
  label: onlyReceived(),
  nl_pktinfo: onlyReceived(shown((value: posix.NetlinkPacketInfo) => ({ ...value }))),
  pidfd: onlyReceived((value, take) => (value === null ? null : take(value as Descriptor))),
  scm_timestamping: {
    toPosix: (data) => loose.toInteger(data, loose.UINT32, NUMBER),
    fromPosix: shown(({ software, transformed, hardware }: posix.Timestamps) => ({
      software: stamp(software),
      transformed: stamp(transformed),
      hardware: stamp(hardware),
    })),
  },
  scm_ts_pktinfo: onlyReceived(
    shown(({ interface: index, length }: posix.TimestampPacketInfo) => ({
      interface: fromInterfaceIndex(index),
      length,
    })),
  ),
  sock_extended_err: onlyReceived(extendedError),
  statistics: bytes,
  timespec: time('nsec'),
  timeval: time('usec'),
  tos: integer(loose.UINT8),
  tpacket_auxdata: onlyReceived(
    shown((value: posix.AuxiliaryData) => ({
      status: value.status,
      len: value.length,
      snaplen: value.captured,
      mac: value.mac,
      net: value.network,
      vlan_tci: value.vlanTag,
      vlan_tpid: value.vlanProtocol,
    })),
  ),
  u16: integer(loose.UINT16),
  u32: integer(loose.UINT32),
  u64: { toPosix: (data) => loose.toBigInteger(data, loose.UINT64, NUMBER), fromPosix: asItIs },
  u8: integer(loose.UINT8),
  ucred: {
    toPosix: members({ pid: ['pid', uint32], uid: ['uid', uint32], gid: ['gid', uint32] }),
    fromPosix: shown(({ pid, uid, gid }: posix.Credentials) => ({ pid, uid, gid })),
  },
};

/** Of a type that is not known: a boolean and a number are 32 bits, text is as it is. */
function unknownToPosix(data: unknown): Uint8Array {
  const words = new Int32Array(1);
  if (typeof data === 'boolean') words[0] = data ? 1 : 0;
  else if (typeof data === 'number') words[0] = loose.toInteger(data, loose.INT32, NUMBER);
  else return bytes.toPosix(data) as Uint8Array;
  return new Uint8Array(words.buffer);
}

/** What posix takes. @param codec `undefined` for a type that is not known @throws {Failure} EINVAL, ERANGE, EBADF */
export function controlToPosix(codec: string | undefined, data: unknown): unknown {
  if (isBytes(data)) return toBytes(data);
  const conversion = codec === undefined ? undefined : CONVERSIONS[codec];
  return conversion === undefined ? unknownToPosix(data) : conversion.toPosix(data);
}

/** What programs see. */
export function controlFromPosix(
  codec: string | undefined,
  value: unknown,
  take: TakeDescriptor,
): ControlValue {
  const conversion = codec === undefined ? undefined : CONVERSIONS[codec];
  return (conversion?.fromPosix(value, take) ?? asBuffer(value)) as ControlValue;
}
