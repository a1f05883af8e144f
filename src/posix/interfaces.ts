/** The network interfaces of this machine, and their names and numbers. */
import type { ConstantName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import type { NativeInterface, NativeInterfaceAddress } from '../addon/native-names.ts';
import { systemError } from '../addon/system-errors.ts';
import { FAMILY } from '../addon/types.ts';
import type { IpAddress } from '../base/address.ts';
import { formatIpv4, formatIpv6 } from '../base/address.ts';
import { SystemError } from '../base/errors.ts';
import { integer, outOfRange, wrongType } from '../base/rules.ts';

/** An address of an interface. A link-local one of IPv6 has the interface's number as `scope`. */
export interface InterfaceAddress extends IpAddress {
  /** Bits of the network's part; of the peer's address, if there is one. */
  readonly prefixLength: number;
  readonly broadcast?: string;
  /** The other end, of an address that is for one peer alone. */
  readonly peer?: string;
}

export type InterfaceFlag = Extract<ConstantName, `IFF_${string}`>;

export interface NetworkInterface {
  readonly name: string;
  readonly index: number;
  /** The sum of `IFF_…` numbers. */
  readonly flags: number;
  /** The same by name, from the lowest bit up; bits without a name are left out. */
  readonly flagNames: readonly InterfaceFlag[];
  /** Bytes of the largest packet. */
  readonly mtu: number;
  /** An `ARPHRD_…` number. */
  readonly hardwareType: number;
  /** Six bytes on an Ethernet; `null` where the interface has none. */
  readonly hardwareAddress: Uint8Array | null;
  /** In the system's order. */
  readonly addresses: readonly InterfaceAddress[];
}

type FlagRow = readonly [name: InterfaceFlag, bit: number];
let flagRows: readonly FlagRow[] | undefined;

function getFlagRows(): readonly FlagRow[] {
  flagRows ??= Object.entries(loadNative().constants)
    .filter((row): row is [InterfaceFlag, number] => row[0].startsWith('IFF_'))
    .sort(([, a], [, b]) => a - b);
  return flagRows;
}

/** fe80::/10 (RFC 4291, 2.4). */
function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
}

function readAddress(address: NativeInterfaceAddress, index: number): InterfaceAddress {
  const { bytes, prefixLength, broadcast, peer } = address;
  const isIpv6 = address.family === FAMILY.ipv6;
  const format = isIpv6 ? formatIpv6 : formatIpv4;
  return {
    family: isIpv6 ? 'ipv6' : 'ipv4',
    host: format(bytes),
    ...(isIpv6 && isLinkLocal(bytes) ? { scope: String(index) } : {}),
    prefixLength,
    ...(broadcast === null ? {} : { broadcast: format(broadcast) }),
    ...(peer === null ? {} : { peer: format(peer) }),
  };
}

function readInterface({ addresses, hardwareAddress, ...rest }: NativeInterface): NetworkInterface {
  return {
    ...rest,
    flagNames: getFlagRows().flatMap(([name, bit]) => ((rest.flags & bit) === 0 ? [] : [name])),
    hardwareAddress: hardwareAddress.length === 0 ? null : hardwareAddress,
    addresses: addresses.map((address) => readAddress(address, rest.index)),
  };
}

/**
 * All interfaces of the network namespace by their numbers, also those that are down or have no address. A snapshot,
 * asked of the kernel with each call.
 *
 * @throws {SystemError} `EMFILE` …
 * @see rtnetlink(7), netdevice(7)
 */
export function interfaces(): readonly NetworkInterface[] {
  const answer = loadNative().interfaces();
  if (typeof answer === 'number') throw systemError(answer, 'rtnetlink', { op: 'interfaces' });
  return answer.map(readInterface);
}

function interfaceNameText(value: unknown): string {
  const expected = "an interface's name, without NUL";
  if (typeof value !== 'string') throw wrongType('name', expected, value);
  if (value.includes('\0')) throw outOfRange('name', expected, value);
  return value;
}

const indexNumber = integer(0, 2 ** 32 - 1);

function noInterface(answer: number, syscall: string, op: string, which: string): SystemError {
  const { code, errno } = systemError(answer, syscall, { op });
  const isMissing = code === 'ENODEV' || code === 'ENXIO';
  const reason = isMissing ? `no network interface ${which}` : undefined;
  return new SystemError(code, { op, errno, syscall, ...(reason === undefined ? {} : { reason }) });
}

/**
 * The number of an interface.
 *
 * @throws {SystemError} `ENODEV`: there is none of this name
 * @see if_nametoindex(3)
 */
export function interfaceIndex(name: string): number {
  // Longer than any name (IFNAMSIZ), which the native module would refuse, and the system does not know.
  const text = interfaceNameText(name).slice(0, 64);
  const answer = loadNative().interfaceIndex(text);
  if (answer > 0) return answer;
  throw noInterface(answer, 'if_nametoindex', 'interfaceIndex', JSON.stringify(text));
}

/**
 * The name of an interface.
 *
 * @throws {SystemError} `ENXIO`: there is none of this number
 * @see if_indextoname(3)
 */
export function interfaceName(index: number): string {
  const answer = loadNative().interfaceName(indexNumber(index, 'index'));
  if (typeof answer === 'string') return answer;
  throw noInterface(answer, 'if_indextoname', 'interfaceName', String(index));
}
