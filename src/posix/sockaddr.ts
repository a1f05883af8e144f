/** Addresses of every family to the kernel's form and back. What is special to a family is in `sockaddr-families.ts`. */
import { NAME_SIZE } from '../addon/native-sockets.ts';
import { formatIpv4, ipv4Bits } from '../base/address.ts';
import { requireBytes } from '../base/bytes.ts';
import { outOfRange, requireObject, wrongType } from '../base/rules.ts';
import type { RawAddress, SocketAddress } from './address.ts';
import type { CodecContext } from './codec.ts';
import type { FamilyForm } from './sockaddr-families.ts';
import { FAMILIES, IPV4, RAW } from './sockaddr-families.ts';
import { getSpace } from './space.ts';

/** Connecting a datagram socket to this takes its peer away (AF_UNSPEC). @see connect(2) */
export const UNSPECIFIED: RawAddress = Object.freeze({
  family: 'other',
  number: 0,
  bytes: new Uint8Array(14),
});

const BY_FAMILY: ReadonlyMap<unknown, FamilyForm> = new Map(FAMILIES.map((form) => [form.family, form]));
const BY_NUMBER: ReadonlyMap<number, FamilyForm> = new Map(FAMILIES.map((form) => [form.number, form]));
const EXPECTED_FAMILY = ['ipv4', ...FAMILIES.map(({ family }) => family), 'other']
  .map((family) => JSON.stringify(family))
  .join(' or ');

/**
 * All but IPv4 passes through memory of its own: nothing of what stood in the target stays, and nothing behind a name is
 * read.
 */
const scratch = new Uint8Array(NAME_SIZE);
const view = new DataView(scratch.buffer);

/** The same for writing; `undefined` while it is used. A getter of an address may itself write one: that gets other memory. */
let spare: DataView | undefined;

function requireRoom(bytes: Uint8Array, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= bytes.length) return;
  throw new RangeError(
    `an address of ${String(length)} bytes at ${String(offset)} does not fit in ${String(bytes.length)} bytes`,
  );
}

/** The parts of an IPv4 address, as the caller gave them, and of an IPv6 address, which it must not have. */
interface GivenIpv4 {
  readonly host: unknown;
  readonly port: unknown;
  readonly scope: unknown;
  readonly flowInfo: unknown;
}

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535;

/** What is wrong with an address in which something is. */
function refuseIpv4({ host, port, scope, flowInfo }: GivenIpv4, name: string): Error {
  if (scope !== undefined) return wrongType(`${name}.scope`, 'nothing beside an IPv4 address', scope);
  if (flowInfo !== undefined)
    return wrongType(`${name}.flowInfo`, 'nothing beside an IPv4 address', flowInfo);
  const expected = isPort(port) ? 'an IPv4 address, such as 192.0.2.1' : 'a whole number from 0 to 65535';
  const [key, value] = isPort(port) ? (['host', host] as const) : (['port', port] as const);
  const problem = typeof value === (key === 'host' ? 'string' : 'number') ? outOfRange : wrongType;
  return problem(`${name}.${key}`, expected, value);
}

/** By hand, for it is on the way of every datagram. */
function writeIpv4(bytes: Uint8Array, at: number, address: object, name: string): number {
  const { host, port, scope, flowInfo } = address as GivenIpv4;
  const bits = typeof host === 'string' ? ipv4Bits(host) : -1;
  if (bits < 0 || !isPort(port) || scope !== undefined || flowInfo !== undefined)
    throw refuseIpv4({ host, port, scope, flowInfo }, name);
  requireRoom(bytes, at, IPV4.size);
  bytes[at] = IPV4.number;
  bytes[at + 1] = 0;
  bytes[at + 2] = port >>> 8;
  bytes[at + 3] = port;
  bytes[at + 4] = bits >>> 24;
  bytes[at + 5] = bits >>> 16;
  bytes[at + 6] = bits >>> 8;
  bytes[at + 7] = bits;
  for (let i = at + 8; i < at + 16; i++) bytes[i] = 0;
  return IPV4.size;
}

/** Lays an address out in `target`, which is all zeros. */
function layOut(
  target: DataView,
  address: object,
  family: unknown,
  name: string,
  context: CodecContext,
): number {
  if (family === 'other') return RAW.write(target, address, name);
  const form = BY_FAMILY.get(family);
  if (form === undefined) {
    const problem = typeof family === 'string' ? outOfRange : wrongType;
    throw problem(`${name}.family`, EXPECTED_FAMILY, family);
  }
  target.setUint16(0, form.number, true);
  return form.write(target, address, name, context);
}

/**
 * Writes an address into memory, where at most `NAME_SIZE` bytes are needed. If it throws, nothing has been written.
 *
 * @param name what to call the address in messages
 * @returns its exact length
 * @throws {TypeError | RangeError} naming the field that cannot be
 * @throws {SystemError} ENODEV: there is no interface of a name
 */
export function writeSockaddr(
  bytes: Uint8Array,
  offset: number,
  address: SocketAddress,
  context: CodecContext,
  name = 'address',
): number {
  const object = requireObject(address, name);
  const family: unknown = Reflect.get(object, 'family');
  if (family === 'ipv4') return writeIpv4(bytes, offset, object, name);
  const mine = spare ?? new DataView(new ArrayBuffer(NAME_SIZE));
  spare = undefined;
  const laid = new Uint8Array(mine.buffer).fill(0);
  try {
    const length = layOut(mine, object, family, name, context);
    requireRoom(bytes, offset, length);
    for (let i = 0; i < length; i++) bytes[offset + i] = laid[i] ?? 0;
    return length;
  } finally {
    spare = mine;
  }
}

/**
 * The kernel's form of an address, in its exact length.
 *
 * @param context how names of interfaces become numbers: by the system, unless told otherwise
 * @throws as `writeSockaddr` does
 */
export function encodeSockaddr(
  address: SocketAddress,
  context: CodecContext = getSpace().codecs,
  name = 'address',
): Uint8Array {
  const bytes = new Uint8Array(NAME_SIZE);
  return bytes.slice(0, writeSockaddr(bytes, 0, address, context, name));
}

/**
 * Reads an address. Of a family that has no form here, or too few bytes for it, it is of the family `other`.
 *
 * @param length what the system said; of more than `NAME_SIZE` bytes, no more are read
 * @returns `null` if there is none: there are not even the bytes of the family
 * @throws {RangeError} `bytes` ends before
 */
export function readSockaddr(bytes: Uint8Array, offset: number, length: number): SocketAddress | null {
  requireRoom(bytes, offset, length);
  if (length < 2) return null;
  const number = (bytes[offset] ?? 0) + (bytes[offset + 1] ?? 0) * 256;
  if (number === IPV4.number && length >= IPV4.size) {
    const port = (bytes[offset + 2] ?? 0) * 256 + (bytes[offset + 3] ?? 0);
    return { family: 'ipv4', host: formatIpv4(bytes, offset + 4), port };
  }
  const used = Math.min(length, NAME_SIZE);
  for (let i = 0; i < used; i++) scratch[i] = bytes[offset + i] ?? 0;
  scratch.fill(0, used);
  const form = BY_NUMBER.get(number);
  return form !== undefined && used >= form.least ? form.read(view, used) : RAW.read(view, used);
}

/** Reads an address that is all of `bytes`. @see readSockaddr */
export function decodeSockaddr(bytes: Uint8Array): SocketAddress | null {
  const own = new Uint8Array(requireBytes(bytes));
  return readSockaddr(own, 0, own.length);
}
