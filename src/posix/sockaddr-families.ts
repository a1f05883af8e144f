/**
 * The kernel's form of addresses, family by family: a `sockaddr` of 64-bit, little-endian Linux. Each is written into, and
 * read from, memory of `NAME_SIZE` bytes whose first two are the family, and whose rest is zeros where nothing stands.
 */
import { numbersForTables } from '../addon/load.ts';
import { NAME_SIZE } from '../addon/native-sockets.ts';
import { formatIpv6, parseIpv6 } from '../base/address.ts';
import { MAX_UNIX_PATH, unixPath } from '../base/address-rules.ts';
import { isBytes, requireBytes } from '../base/bytes.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';
import type { SocketAddress } from './address.ts';
import type { CodecContext } from './codec.ts';
import { be16, bytesAt, interfaceIndex, reserved, u16, u32, u64, u8 } from './fields.ts';
import type { Field } from './struct.ts';
import { mayBeMissing, nested } from './struct.ts';

/** One family's form. */
export interface FamilyForm {
  readonly family: SocketAddress['family'];
  /** An `AF_…` number. */
  readonly number: number;
  /** An address of fewer bytes is none of this family. */
  readonly least: number;
  /** Judges an address and writes what follows the family. @returns the length of the whole */
  write(view: DataView, address: object, name: string, context: CodecContext): number;
  /** @param length at least `least`; what stands behind it is zeros */
  read(view: DataView, length: number): SocketAddress;
}

const { AF_CAN, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, AF_VSOCK } = numbersForTables().constants;

/** `sa_family_t`. */
const HEAD = 2;
const MAX_UINT32 = 2 ** 32 - 1;
const port = integer(0, 65535);
const uint32 = integer(0, MAX_UINT32);

// --- IP -----------------------------------------------------------------------------------------

const IPV4_SIZE = 16;
const IPV6_SIZE = 28;

/** IPv4 has its own code in `sockaddr.ts`, which does without this table. */
export const IPV4: { readonly number: number; readonly size: number } = { number: AF_INET, size: IPV4_SIZE };

/** How many IPv6 addresses are remembered: to read one takes microseconds, and peers come again. */
const MAX_KNOWN = 256;
const known = new Map<string, Uint8Array>();
let last: { readonly text: string; readonly bytes: Uint8Array } = { text: '::', bytes: new Uint8Array(16) };

function remember(text: string, bytes: Uint8Array): void {
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, bytes);
}

function ipv6Bytes(host: unknown, name: string): Uint8Array {
  const expected = 'an IPv6 address without zone or brackets, such as 2001:db8::1';
  if (typeof host !== 'string') throw wrongType(name, expected, host);
  const found = known.get(host);
  if (found !== undefined) return found;
  const bytes = parseIpv6(host);
  if (bytes === null) throw outOfRange(name, expected, host);
  remember(host, bytes);
  return bytes;
}

function ipv6Text(bytes: Uint8Array): string {
  for (let i = 0; i < 16; i++) {
    if (bytes[i] === last.bytes[i]) continue;
    last = { text: formatIpv6(bytes), bytes: bytes.slice() };
    remember(last.text, last.bytes);
    break;
  }
  return last.text;
}

/** `eth0`, or a number as text: `2`. */
function scopeNumber(scope: unknown, name: string, context: CodecContext): number {
  const expected = 'an IPv6 zone: the name of an interface, or a number as text';
  if (typeof scope !== 'string') throw wrongType(name, expected, scope);
  if (/^\d{1,10}$/.test(scope) && Number(scope) <= MAX_UINT32) return Number(scope);
  if (/^\d+$/.test(scope) || !/^[\x21-\x24\x26-\x7e]{1,15}$/.test(scope))
    throw outOfRange(name, expected, scope);
  return context.interfaceIndex(scope);
}

const IPV6: FamilyForm = {
  family: 'ipv6',
  number: AF_INET6,
  least: IPV6_SIZE,
  write: (view, address, name, context) => {
    const host: unknown = Reflect.get(address, 'host');
    const flowInfo: unknown = Reflect.get(address, 'flowInfo');
    const scope: unknown = Reflect.get(address, 'scope');
    bytesAt(view, 8, 16).set(ipv6Bytes(host, `${name}.host`));
    view.setUint16(2, port(Reflect.get(address, 'port'), `${name}.port`));
    if (flowInfo !== undefined) view.setUint32(4, uint32(flowInfo, `${name}.flowInfo`));
    if (scope !== undefined) view.setUint32(24, scopeNumber(scope, `${name}.scope`, context), true);
    return IPV6_SIZE;
  },
  read: (view) => {
    const host = ipv6Text(bytesAt(view, 8, 16));
    const scope = view.getUint32(24, true);
    const flowInfo = view.getUint32(4);
    return {
      family: 'ipv6',
      host,
      port: view.getUint16(2),
      ...(scope === 0 ? {} : { scope: String(scope) }),
      ...(flowInfo === 0 ? {} : { flowInfo }),
    };
  },
};

// --- Unix ---------------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** `sun_path`, which Linux lets a path fill without a NUL. */
const PATH_SIZE = MAX_UNIX_PATH + 1;

/** Text, or, where it is not UTF-8, bytes: a path may be any, and they must survive. */
function pathOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return decoder.decode(bytes);
  } catch {
    return bytes.slice();
  }
}

/** The bytes of a path that a rule has passed; that rule refuses the empty ones, which have a meaning here. */
function pathBytes(value: unknown, name: string): Uint8Array {
  if (value === '' || value === '\0') return encoder.encode(value);
  const given = isBytes(value) ? new Uint8Array(requireBytes(value, name)) : value;
  if (given instanceof Uint8Array && (given.length === 0 || (given.length === 1 && given[0] === 0)))
    return given;
  const path = unixPath(given, name);
  return typeof path === 'string' ? encoder.encode(path) : path;
}

const UNIX: FamilyForm = {
  family: 'unix',
  number: AF_UNIX,
  least: HEAD,
  write: (view, address, name) => {
    const path = pathBytes(Reflect.get(address, 'path'), `${name}.path`);
    bytesAt(view, HEAD, path.length).set(path);
    // A path ends with its NUL; an abstract name, and no name at all, where the length says.
    const hasEnd = path.length > 0 && path[0] !== 0;
    return HEAD + path.length + (hasEnd ? 1 : 0);
  },
  read: (view, length) => {
    const bytes = bytesAt(view, HEAD, Math.min(length - HEAD, PATH_SIZE));
    const end = bytes[0] === 0 ? -1 : bytes.indexOf(0);
    return { family: 'unix', path: pathOf(end < 0 ? bytes : bytes.subarray(0, end)) };
  },
};

// --- others -------------------------------------------------------------------------------------

/** Families that are plain structs, which begin with the family. */
const family = reserved(HEAD, HEAD);

/** MAX_ADDR_LEN of the kernel: that of InfiniBand has 20 bytes. `sockaddr_ll` itself has room for eight. */
const MAX_HARDWARE_ADDRESS = 32;
const HARDWARE_ADDRESS_AT = 12;

/** `sll_halen`, and the address behind it. */
const hardwareAddress: Field<Uint8Array> = {
  size: 1 + MAX_HARDWARE_ADDRESS,
  alignment: 1,
  read: (view, offset) =>
    bytesAt(view, offset + 1, Math.min(view.getUint8(offset), MAX_HARDWARE_ADDRESS)).slice(),
  write: (view, offset, value, name) => {
    const bytes = new Uint8Array(requireBytes(value, name));
    if (bytes.length > MAX_HARDWARE_ADDRESS)
      throw outOfRange(`${name}.length`, `at most ${String(MAX_HARDWARE_ADDRESS)} bytes`, bytes.length);
    view.setUint8(offset, bytes.length);
    bytesAt(view, offset + 1, bytes.length).set(bytes);
  },
};

/** The properties of an address that a struct has: it refuses others, and an address may have some. */
function pick(address: object, ...keys: readonly string[]): never {
  return Object.fromEntries(keys.map((key) => [key, Reflect.get(address, key) as unknown])) as never;
}

const SOCKADDR_LL = nested({
  family,
  protocol: be16,
  interface: interfaceIndex,
  hardwareType: mayBeMissing(u16),
  packetType: mayBeMissing(u8),
  address: mayBeMissing(hardwareAddress),
});

const PACKET: FamilyForm = {
  family: 'packet',
  number: AF_PACKET,
  least: HARDWARE_ADDRESS_AT,
  write: (view, address, name, context) => {
    const given = pick(address, 'protocol', 'interface', 'hardwareType', 'packetType', 'address');
    SOCKADDR_LL.write(view, 0, given, name, context);
    return Math.max(20, HARDWARE_ADDRESS_AT + view.getUint8(HARDWARE_ADDRESS_AT - 1));
  },
  read: (view) => ({ family: 'packet', ...SOCKADDR_LL.read(view, 0) }),
};

const SOCKADDR_NL = nested({ family, pad: reserved(2), port: u32, groups: u32 });

const NETLINK: FamilyForm = {
  family: 'netlink',
  number: AF_NETLINK,
  least: SOCKADDR_NL.size,
  write: (view, address, name, context) => {
    SOCKADDR_NL.write(view, 0, pick(address, 'port', 'groups'), name, context);
    return SOCKADDR_NL.size;
  },
  read: (view) => ({ family: 'netlink', ...SOCKADDR_NL.read(view, 0) }),
};

const SOCKADDR_VM = nested({ family, pad: reserved(2), port: u32, cid: u32, zero: reserved(4) });

const VSOCK: FamilyForm = {
  family: 'vsock',
  number: AF_VSOCK,
  least: SOCKADDR_VM.size,
  write: (view, address, name, context) => {
    SOCKADDR_VM.write(view, 0, pick(address, 'port', 'cid'), name, context);
    return SOCKADDR_VM.size;
  },
  read: (view) => ({ family: 'vsock', ...SOCKADDR_VM.read(view, 0) }),
};

// --- CAN ----------------------------------------------------------------------------------------

const CAN_HEAD = nested({ family, interface: interfaceIndex });
const CAN_ISOTP = nested({ rxId: u32, txId: u32 });
const CAN_J1939 = nested({ name: u64, pgn: u32, address: u8 });
const CAN_UNION_AT = 8;
/** What the kernel writes of each member of the union, which is what tells them apart (CAN_REQUIRED_SIZE). */
const ISOTP_SIZE = CAN_UNION_AT + CAN_ISOTP.size;
const J1939_SIZE = CAN_UNION_AT + CAN_J1939.size;

const CAN: FamilyForm = {
  family: 'can',
  number: AF_CAN,
  least: CAN_UNION_AT,
  write: (view, address, name, context) => {
    const isotp: unknown = Reflect.get(address, 'isotp');
    const j1939: unknown = Reflect.get(address, 'j1939');
    CAN_HEAD.write(view, 0, pick(address, 'interface'), name, context);
    if (j1939 !== undefined) {
      if (isotp !== undefined) throw wrongType(`${name}.isotp`, 'nothing beside j1939', isotp);
      CAN_J1939.write(view, CAN_UNION_AT, j1939 as never, `${name}.j1939`, context);
      return J1939_SIZE;
    }
    if (isotp !== undefined) CAN_ISOTP.write(view, CAN_UNION_AT, isotp as never, `${name}.isotp`, context);
    // Kernels before 5.4 want these 16 bytes of every CAN socket, newer ones take them.
    return ISOTP_SIZE;
  },
  read: (view, length) => {
    const head = { family: 'can', ...CAN_HEAD.read(view, 0) } as const;
    if (length >= J1939_SIZE) return { ...head, j1939: CAN_J1939.read(view, CAN_UNION_AT) };
    const isotp = CAN_ISOTP.read(view, CAN_UNION_AT);
    // No ISO-TP socket has the same number twice; this is a raw one's, in the old length.
    return length < ISOTP_SIZE || (isotp.rxId === 0 && isotp.txId === 0) ? head : { ...head, isotp };
  },
};

/** `sockaddr` itself: any other family by its number. */
export const RAW = {
  read: (view: DataView, length: number): SocketAddress => ({
    family: 'other',
    number: view.getUint16(0, true),
    bytes: bytesAt(view, HEAD, length - HEAD).slice(),
  }),
  write: (view: DataView, address: object, name: string): number => {
    const bytes = new Uint8Array(requireBytes(Reflect.get(address, 'bytes'), `${name}.bytes`));
    const most = NAME_SIZE - HEAD;
    if (bytes.length > most)
      throw outOfRange(`${name}.bytes.length`, `at most ${String(most)} bytes`, bytes.length);
    view.setUint16(0, port(Reflect.get(address, 'number'), `${name}.number`), true);
    bytesAt(view, HEAD, bytes.length).set(bytes);
    return HEAD + bytes.length;
  },
} as const;

/** Every family that has a form of its own, but for IPv4 and `other`. */
export const FAMILIES: readonly FamilyForm[] = [IPV6, UNIX, PACKET, NETLINK, VSOCK, CAN];
