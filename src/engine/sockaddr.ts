/** Addresses between the contract's form and the flat one of the native module. */
import type { FlatAddress } from '../addon/types.ts';
import { FAMILY } from '../addon/types.ts';
import type { SocketAddress } from '../base/address.ts';
import { formatIpv4, formatIpv6, ipBytes } from '../base/address.ts';

/** The four arguments by which the native module takes an address. */
export interface AddressArguments {
  readonly family: number;
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly scope: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const HEAD = 7;

/** @param interfaceIndex turns the name of an interface into its number, 0 if there is none */
export function flatten(address: SocketAddress, interfaceIndex: (name: string) => number): AddressArguments {
  if (address.family === 'unix') {
    const bytes = typeof address.path === 'string' ? encoder.encode(address.path) : address.path;
    return { family: FAMILY.unix, bytes, port: 0, scope: 0 };
  }
  const { scope = '0' } = address;
  const index = /^\d+$/.test(scope) ? Number(scope) : interfaceIndex(scope);
  return { family: FAMILY[address.family], bytes: ipBytes(address), port: address.port, scope: index };
}

function unflattenPath(bytes: Uint8Array): string | Uint8Array {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not UTF-8: a path may be any bytes, and they must survive.
    return bytes.slice();
  }
}

/** What the native module answered, or `null` where it answered an errno. */
export function unflatten(flat: FlatAddress): SocketAddress | null {
  if (typeof flat === 'number') return null;
  const family = flat[0];
  if (family === FAMILY.unix) return { family: 'unix', path: unflattenPath(flat.subarray(HEAD)) };
  const port = (flat[1] ?? 0) * 256 + (flat[2] ?? 0);
  if (family === FAMILY.ipv4) return { family: 'ipv4', host: formatIpv4(flat, HEAD), port };
  const scope = new DataView(flat.buffer, flat.byteOffset).getUint32(3);
  const host = formatIpv6(flat, HEAD);
  return scope === 0 ? { family: 'ipv6', host, port } : { family: 'ipv6', host, port, scope: String(scope) };
}
