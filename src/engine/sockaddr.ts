/** Addresses between the contract's form and the flat one of the native module. */
import type { NativeReactor } from '../addon/types.ts';
import { FAMILY } from '../addon/types.ts';
import type { SocketAddress } from '../base/address.ts';
import { formatIpv6, ipBytes } from '../base/address.ts';

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

/** @param interfaceIndex turns the name of an interface into its number, or throws */
export function flatten(address: SocketAddress, interfaceIndex: (name: string) => number): AddressArguments {
  if (address.family === 'unix') {
    const bytes = typeof address.path === 'string' ? encoder.encode(address.path) : address.path;
    return { family: FAMILY.unix, bytes, port: 0, scope: 0 };
  }
  const { scope = '0' } = address;
  const index = /^\d+$/.test(scope) ? Number(scope) : interfaceIndex(scope);
  return { family: FAMILY[address.family], bytes: ipBytes(address), port: address.port, scope: index };
}

/** A path as text, or as bytes where it is none. */
export function unflattenPath(bytes: Uint8Array): string | Uint8Array {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not UTF-8: a path may be any bytes, and they must survive.
    return bytes.slice();
  }
}

/**
 * An address as it is kept until somebody asks: an IPv4 address and its port as one number (the address times 2^16, plus
 * the port), for which nothing but the number is made; any other as it is.
 */
export type KeptAddress = SocketAddress | number;

/** @param bits the address, as a signed number */
export function keepIpv4(bits: number, port: number): KeptAddress {
  return (bits >>> 0) * 0x10000 + port;
}

function keepScratch(scratch: Uint8Array, length: number): KeptAddress {
  const family = scratch[0];
  if (family === FAMILY.unix) return { family: 'unix', path: unflattenPath(scratch.subarray(HEAD, length)) };
  const view = new DataView(scratch.buffer, scratch.byteOffset);
  const port = view.getUint16(1);
  if (family === FAMILY.ipv4) return keepIpv4(view.getUint32(HEAD), port);
  const scope = view.getUint32(3);
  const host = formatIpv6(scratch, HEAD);
  return scope === 0 ? { family: 'ipv6', host, port } : { family: 'ipv6', host, port, scope: String(scope) };
}

/** Asks the system for an end of a socket. `undefined` if it does not tell. */
export function askAddress(
  native: NativeReactor,
  which: 'localAddress' | 'remoteAddress',
  handle: number,
): KeptAddress | undefined {
  const length = native[which](handle);
  return length < 0 ? undefined : keepScratch(native.scratch, length);
}

/** The address in the contract's form. */
export function unkeep(kept: KeptAddress): SocketAddress {
  if (typeof kept !== 'number') return kept;
  const bits = Math.floor(kept / 0x10000);
  const host = `${String(bits >>> 24)}.${String((bits >>> 16) & 255)}.${String((bits >>> 8) & 255)}.${String(bits & 255)}`;
  return { family: 'ipv4', host, port: kept % 0x10000 };
}

/** Both steps in one. */
export function readAddress(
  native: NativeReactor,
  which: 'localAddress' | 'remoteAddress',
  handle: number,
): SocketAddress | undefined {
  const kept = askAddress(native, which, handle);
  return kept === undefined ? undefined : unkeep(kept);
}
