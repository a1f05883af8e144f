/** Addresses of every family as text for people and logs. */
import { formatAddress } from '../base/address.ts';
import { outOfRange, requireObject } from '../base/rules.ts';
import type { CanAddress, PacketAddress, SocketAddress } from './address.ts';

const number16 = (value: number): string => `0x${value.toString(16).padStart(4, '0')}`;

function octets(bytes: Uint8Array, separator: string): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator);
}

function formatPacket({ interface: at, protocol, address }: PacketAddress): string {
  const hardware = address === undefined || address.length === 0 ? '' : ` ${octets(address, ':')}`;
  return `packet:${String(at)} protocol ${number16(protocol)}${hardware}`;
}

function formatCan({ interface: at, isotp, j1939 }: CanAddress): string {
  const head = `can:${String(at)}`;
  if (isotp !== undefined) return `${head} rx 0x${isotp.rxId.toString(16)} tx 0x${isotp.txId.toString(16)}`;
  if (j1939 === undefined) return head;
  const { name, pgn, address } = j1939;
  return `${head} name 0x${name.toString(16)} pgn 0x${pgn.toString(16)} address 0x${address.toString(16)}`;
}

/**
 * Text for people and logs, which nothing reads back: that of `formatAddress` for IP and Unix sockets, and for the others
 * `packet:2 protocol 0x0800 02:00:5e:10:00:01`, `netlink:4242 groups 0x1`, `vsock:3:1024`, `can:5 rx 0x123 tx 0x456`,
 * `family 31: 01 02 03`.
 *
 * @throws {TypeError | RangeError} it is no address of any family
 */
export function formatSocketAddress(address: SocketAddress): string {
  const { family } = requireObject(address, 'address') as SocketAddress;
  switch (address.family) {
    case 'ipv4':
    case 'ipv6':
    case 'unix':
      return formatAddress(address);
    case 'packet':
      return formatPacket(address);
    case 'netlink':
      return `netlink:${String(address.port)}${address.groups === 0 ? '' : ` groups 0x${address.groups.toString(16)}`}`;
    case 'vsock':
      return `vsock:${String(address.cid)}:${String(address.port)}`;
    case 'can':
      return formatCan(address);
    case 'other':
      return `family ${String(address.number)}${address.bytes.length === 0 ? '' : `: ${octets(address.bytes, ' ')}`}`;
    default:
      throw outOfRange('address.family', 'the family of an address', family);
  }
}
