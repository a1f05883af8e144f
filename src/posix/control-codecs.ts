/** The codecs that the table of control messages names. */
import { numbersForTables } from '../addon/load.ts';
import { requireBytes } from '../base/bytes.ts';
import { SystemError } from '../base/errors.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';
import type { InternetAddress, SocketAddress } from './address.ts';
import type { CodecContext } from './codec.ts';
import type {
  AuxiliaryData,
  Credentials,
  ExtendedError,
  Ipv6PacketInfo,
  Ipv6PacketInfoInput,
  NetlinkPacketInfo,
  PacketInfo,
  PacketInfoInput,
  PathMtu,
  TimestampPacketInfo,
  Timespec,
  Timestamps,
  Timeval,
} from './control-values.ts';
import type { Descriptor } from './descriptor.ts';
import { be32, i32, i64, interfaceIndex, ipv4, ipv6, reserved, u16, u32, u64, u8 } from './fields.ts';
import { decodeSockaddr } from './sockaddr.ts';
import { arrayOf, mayBeMissing, nested, single, struct, viewOf } from './struct.ts';

/** Takes over the descriptor that was received into a slot of the native sockets. */
export type TakeDescriptor = (slot: number) => Descriptor;

/** A `Codec` that may also meet descriptors. */
export interface ControlCodec<T, In = T> {
  /** Bytes that receiving needs at most. */
  readonly size: number;
  /** @throws {TypeError | RangeError | SystemError} */
  encode(value: In, name: string, context: CodecContext): Uint8Array;
  /** @throws {RangeError} there are too few bytes, or they are none of its kind */
  decode(bytes: Uint8Array, take: TakeDescriptor): T;
}

/** What is sent as an open file: a number, or something that has one, such as a socket or a `Descriptor`. */
export type DescriptorInput = number | { readonly fd: number };

/** The codecs by the names that the table has for them. */
export interface ControlCodecs {
  readonly address: ControlCodec<InternetAddress, never>;
  readonly be32: ControlCodec<number>;
  readonly descriptors: ControlCodec<readonly Descriptor[], readonly DescriptorInput[]>;
  readonly extension_header: ControlCodec<Uint8Array>;
  readonly in6_pktinfo: ControlCodec<Ipv6PacketInfo, Ipv6PacketInfoInput>;
  readonly in_pktinfo: ControlCodec<PacketInfo, PacketInfoInput>;
  readonly int: ControlCodec<number>;
  readonly ip6_mtuinfo: ControlCodec<PathMtu, never>;
  readonly ip_options: ControlCodec<Uint8Array>;
  readonly label: ControlCodec<string, never>;
  readonly nl_pktinfo: ControlCodec<NetlinkPacketInfo>;
  readonly pidfd: ControlCodec<Descriptor | null, never>;
  readonly scm_timestamping: ControlCodec<Timestamps, number>;
  readonly scm_ts_pktinfo: ControlCodec<TimestampPacketInfo>;
  readonly sock_extended_err: ControlCodec<ExtendedError, never>;
  readonly statistics: ControlCodec<Uint8Array>;
  readonly timespec: ControlCodec<Timespec>;
  readonly timeval: ControlCodec<Timeval>;
  readonly tos: ControlCodec<number>;
  readonly tpacket_auxdata: ControlCodec<AuxiliaryData>;
  readonly u16: ControlCodec<number>;
  readonly u32: ControlCodec<number>;
  readonly u64: ControlCodec<bigint>;
  readonly u8: ControlCodec<number>;
  readonly ucred: ControlCodec<Credentials>;
}

/** A value that no program sends. */
function receivedOnly<T>(size: number, decode: ControlCodec<T>['decode']): ControlCodec<T, never> {
  return {
    size,
    decode,
    encode: (_value, name) => {
      throw new TypeError(`${name}: expected bytes, for it has no other form to be sent in`);
    },
  };
}

/** Bytes as they are, up to so many. */
function bytes(size: number): ControlCodec<Uint8Array> {
  return {
    size,
    decode: (given) => given.slice(),
    encode: (value, name) => {
      const copy = new Uint8Array(requireBytes(value, name));
      if (copy.length > size) throw outOfRange(`${name}.length`, `at most ${String(size)}`, copy.length);
      return copy;
    },
  };
}

// --- descriptors --------------------------------------------------------------------------------

/** Descriptors of one message: SCM_MAX_FD of the kernel. */
export const MAX_DESCRIPTORS = 253;
const INT = 4;
const descriptorNumber = integer(0, 2 ** 31 - 1);

function descriptorOf(value: unknown, name: string): number {
  if (typeof value === 'number') return descriptorNumber(value, name);
  if (typeof value !== 'object' || value === null)
    throw wrongType(name, 'a descriptor: a number, or an object with an fd', value);
  const fd: unknown = Reflect.get(value, 'fd');
  // Node's own file handles have this number when they are closed.
  if (fd === -1)
    throw new SystemError('EBADF', { op: 'sendMsg', reason: `${name}: it is closed`, errno: EBADF });
  return descriptorNumber(fd, `${name}.fd`);
}

const { errorNumbers } = numbersForTables();
const { EBADF } = errorNumbers;

const descriptors: ControlCodecs['descriptors'] = {
  size: MAX_DESCRIPTORS * INT,
  encode: (value, name) => {
    const given: unknown = value;
    if (!Array.isArray(given)) throw wrongType(name, 'an array of descriptors', given);
    const count = integer(0, MAX_DESCRIPTORS)(given.length, `${name}.length`);
    const numbers = Array.from({ length: count }, (_, i) => descriptorOf(given[i], `${name}[${String(i)}]`));
    return new Uint8Array(Int32Array.from(numbers).buffer);
  },
  decode: (given, take) => {
    const view = viewOf(given, 0);
    const slots = Array.from({ length: Math.floor(given.length / INT) }, (_, i) =>
      view.getInt32(i * INT, true),
    );
    return slots.filter((slot) => slot >= 0).map(take);
  },
};

const pidfd: ControlCodecs['pidfd'] = receivedOnly(INT, (given, take) => {
  const slot = viewOf(given, INT).getInt32(0, true);
  return slot < 0 ? null : take(slot);
});

// --- IP -----------------------------------------------------------------------------------------

const byteRule = integer(0, 0xff);
const int = single(i32);

const tos: ControlCodec<number> = {
  size: INT,
  encode: (value, name, context) => int.encode(byteRule(value, name), name, context),
  // It comes as one byte, although it is set as an int.
  decode: (given) => viewOf(given, 1).getUint8(0),
};

const SOCKADDR_IN6 = 28;

/** The sockaddr of an IP address; of one that was cut short there is nothing to tell. */
function internetAddress(given: Uint8Array): InternetAddress {
  const address = decodeSockaddr(given);
  if (address?.family === 'ipv4' || address?.family === 'ipv6') return address;
  throw new RangeError(`expected an IP address, got ${address?.family ?? 'no bytes'}`);
}

const pathMtu = receivedOnly<PathMtu>(SOCKADDR_IN6 + 4, (given) => {
  const view = viewOf(given, SOCKADDR_IN6 + 4);
  const address = internetAddress(given.subarray(0, SOCKADDR_IN6));
  return { address, mtu: view.getUint32(SOCKADDR_IN6, true) };
});

// --- errors -------------------------------------------------------------------------------------

const SOCK_EXTENDED_ERR = nested({
  errno: u32,
  origin: u8,
  type: u8,
  code: u8,
  pad: reserved(1),
  info: u32,
  data: u32,
});

/** Of two names of one number the first in the table. */
const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(errorNumbers)
    .reverse()
    .map(([name, number]) => [number, name]),
);

function readOffender(given: Uint8Array): SocketAddress | null {
  const address = decodeSockaddr(given);
  // AF_UNSPEC: there is none.
  return address?.family === 'other' && address.number === 0 ? null : address;
}

const extendedError = receivedOnly<ExtendedError>(SOCK_EXTENDED_ERR.size + SOCKADDR_IN6, (given) => {
  const { errno, ...rest } = SOCK_EXTENDED_ERR.read(viewOf(given, SOCK_EXTENDED_ERR.size), 0);
  const offender = readOffender(given.subarray(SOCK_EXTENDED_ERR.size));
  return { errno, name: ERRNO_NAMES.get(errno) ?? null, ...rest, offender };
});

// --- time ---------------------------------------------------------------------------------------

const TIMESPEC = nested({ sec: i64, nsec: i64 });
const stamps = single(arrayOf(TIMESPEC, 3));
const stampFlags = single(u32);

const orNull = (time: Timespec | undefined): Timespec | null =>
  time === undefined || (time.sec === 0 && time.nsec === 0) ? null : time;

const timestamping: ControlCodecs['scm_timestamping'] = {
  size: stamps.size,
  encode: (value, name, context) => stampFlags.encode(value, name, context),
  decode: (given) => {
    const [software, transformed, hardware] = stamps.decode(given);
    return { software: orNull(software), transformed: orNull(transformed), hardware: orNull(hardware) };
  },
};

// --- all ----------------------------------------------------------------------------------------

const decoder = new TextDecoder();
/** What security modules give, which is up to a page. */
const LABEL_ROOM = 4096;

const label: ControlCodecs['label'] = receivedOnly(LABEL_ROOM, (given) => {
  const end = given.indexOf(0);
  return decoder.decode(end < 0 ? given : given.subarray(0, end));
});

/** `ihl` of IP's header has four bits: 60 bytes, of which 20 are the header. */
const IP_OPTIONS = 40;
/** A length of eight bits, in units of eight bytes, not counting the first. */
const EXTENSION_HEADER = 256 * 8;
/** Some forty attributes of 12 bytes at most. */
const STATISTICS = 1024;

export const CONTROL_CODECS: ControlCodecs = {
  address: receivedOnly(SOCKADDR_IN6, internetAddress),
  be32: single(be32),
  descriptors,
  extension_header: bytes(EXTENSION_HEADER),
  in6_pktinfo: struct({ address: mayBeMissing(ipv6), interface: mayBeMissing(interfaceIndex) }),
  in_pktinfo: struct({
    interface: mayBeMissing(interfaceIndex),
    source: mayBeMissing(ipv4),
    destination: mayBeMissing(ipv4),
  }),
  int,
  ip6_mtuinfo: pathMtu,
  ip_options: bytes(IP_OPTIONS),
  label,
  nl_pktinfo: struct({ group: u32 }),
  pidfd,
  scm_timestamping: timestamping,
  scm_ts_pktinfo: struct({ interface: interfaceIndex, length: u32, reserved: reserved(8) }),
  sock_extended_err: extendedError,
  statistics: bytes(STATISTICS),
  timespec: struct({ sec: i64, nsec: i64 }),
  timeval: struct({ sec: i64, usec: i64 }),
  tos,
  tpacket_auxdata: struct({
    status: u32,
    length: u32,
    captured: u32,
    mac: u16,
    network: u16,
    vlanTag: u16,
    vlanProtocol: u16,
  }),
  u16: single(u16),
  u32: single(u32),
  u64: single(u64),
  u8: single(u8),
  ucred: struct({ pid: u32, uid: u32, gid: u32 }),
};
