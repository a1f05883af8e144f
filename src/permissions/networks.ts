/**
 * Addresses in binary form, as rules see them: 16 bytes, IPv4 as IPv4-mapped, so that the two spellings of one address are
 * one value.
 */
import type { IpAddress } from '../base/address.ts';
import { formatIpv4, formatIpv6, ipBytes, parseIp } from '../base/address.ts';

/** All addresses that begin with the first `prefix` bits of `bytes`; the others are zero. */
export interface Network {
  /** 16 bytes. */
  readonly bytes: Uint8Array;
  /** 0 to 128; of IPv4 never less than 96. */
  readonly prefix: number;
}

const BITS = 128;
const MAPPED = 96;

/** The 16 bytes of an address; its zone says where it is, and not which. */
export function addressBytes(address: IpAddress): Uint8Array {
  const bytes = ipBytes(address);
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped.fill(0xff, 10, 12);
  mapped.set(bytes, 12);
  return mapped;
}

export function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether `bytes` is an address of the network. */
export function inNetwork({ bytes: base, prefix }: Network, bytes: Uint8Array): boolean {
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (base[i] !== bytes[i]) return false;
  const rest = prefix & 7;
  return rest === 0 || (((base[whole] ?? 0) ^ (bytes[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0;
}

/** Whether all of `inner` is in `outer`. */
export function coversNetwork(outer: Network, inner: Network): boolean {
  return outer.prefix <= inner.prefix && inNetwork(outer, inner.bytes);
}

function overlap(a: Network, b: Network): boolean {
  return coversNetwork(a, b) || coversNetwork(b, a);
}

/** The network of one address. */
export function hostNetwork(bytes: Uint8Array): Network {
  return { bytes, prefix: BITS };
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8`, or an address, which is a network of one.
 *
 * @returns `null` if it is neither, and a text that says so if bits are set behind the prefix
 */
export function parseNetwork(text: string): Network | string | null {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === null || address.scope !== undefined) return null;
  const bytes = addressBytes(address);
  if (slash < 0) return hostNetwork(bytes);
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const offset = address.family === 'ipv4' ? MAPPED : 0;
  const prefix = Number(length) + offset;
  if (prefix > BITS) return null;
  const base = masked(bytes, prefix);
  if (sameBytes(base, bytes)) return { bytes, prefix };
  return `bits are set behind the prefix: write ${formatNetwork({ bytes: base, prefix })}`;
}

function masked(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))) & 0xff);
}

export function formatBytes(bytes: Uint8Array): string {
  return isMapped(bytes) ? formatIpv4(bytes, 12) : formatIpv6(bytes);
}

/** Canonical text: `10.0.0.0/8`, `2001:db8::1`. */
export function formatNetwork({ bytes, prefix }: Network): string {
  if (prefix === BITS) return formatBytes(bytes);
  // What is no more than half of the IPv4-mapped addresses is IPv6.
  if (prefix >= MAPPED && isMapped(bytes)) return `${formatIpv4(bytes, 12)}/${String(prefix - MAPPED)}`;
  return `${formatIpv6(bytes)}/${String(prefix)}`;
}

const network = (text: string): Network => {
  const made = parseNetwork(text);
  if (made === null || typeof made === 'string') throw new Error(`no network: ${text}`);
  return made;
};

/**
 * Blocks of IPv6 in which IPv4 addresses live, and where their four bytes are: what is sent to one of them comes to the
 * machine with that IPv4 address, where anybody translates it.
 */
const EMBEDDINGS: readonly (readonly [network: Network, offset: number, source: string])[] = [
  [network('::/96'), 12, 'IPv4-compatible: RFC 4291, 2.5.5.1'],
  [network('64:ff9b::/96'), 12, 'NAT64: RFC 6052'],
  [network('64:ff9b:1::/96'), 12, 'NAT64, local: RFC 8215'],
  [network('2002::/16'), 2, '6to4: RFC 3056'],
];

const ALL_V4 = network('0.0.0.0/0');
const UNSPECIFIED_V4 = addressBytes({ family: 'ipv4', host: '0.0.0.0' });
const UNSPECIFIED_V6 = new Uint8Array(16);
const LOOPBACK_V4 = addressBytes({ family: 'ipv4', host: '127.0.0.1' });
const LOOPBACK_V6 = addressBytes({ family: 'ipv6', host: '::1' });

/** Whether it is `0.0.0.0` or `::`. */
export function isUnspecified(bytes: Uint8Array): boolean {
  return sameBytes(bytes, UNSPECIFIED_V4) || sameBytes(bytes, UNSPECIFIED_V6);
}

function embedded(bytes: Uint8Array): Uint8Array | undefined {
  if (isMapped(bytes) || sameBytes(bytes, UNSPECIFIED_V6) || sameBytes(bytes, LOOPBACK_V6)) return undefined;
  for (const [block, offset] of EMBEDDINGS) {
    if (!inNetwork(block, bytes)) continue;
    const v4 = LOOPBACK_V4.slice();
    v4.set(bytes.subarray(offset, offset + 4), 12);
    return v4;
  }
  return undefined;
}

/**
 * All addresses that a packet to `bytes` may come to: the address itself first, then the IPv4 address that it carries, and
 * the loopback one if it is unspecified, which every system takes for itself.
 */
export function formsOf(bytes: Uint8Array): readonly Uint8Array[] {
  const inner = embedded(bytes);
  const forms = inner === undefined ? [bytes] : [bytes, inner];
  if (sameBytes(bytes, UNSPECIFIED_V6)) forms.push(LOOPBACK_V6, UNSPECIFIED_V4, LOOPBACK_V4);
  else if (forms.some((form) => sameBytes(form, UNSPECIFIED_V4))) forms.push(LOOPBACK_V4);
  return forms;
}

/** The IPv4 network that is carried, where all of `net` is in a block that carries such addresses. */
function carried(net: Network): Network | undefined {
  for (const [block, offset] of EMBEDDINGS) {
    if (!coversNetwork(block, net)) continue;
    const bytes = LOOPBACK_V4.slice();
    bytes.set(net.bytes.subarray(offset, offset + 4), 12);
    const prefix = MAPPED + Math.min(32, Math.max(0, net.prefix - 8 * offset));
    return { bytes: masked(bytes, prefix), prefix };
  }
  return undefined;
}

/** What `::` may be taken for, and parts of it for each other. */
const UNSPECIFIED_FORMS: readonly Uint8Array[] = formsOf(UNSPECIFIED_V6);

/** The IPv4 networks that addresses of a network may carry. */
function carriedBy(net: Network): readonly Network[] {
  const inner = carried(net);
  if (inner !== undefined) return [inner];
  return EMBEDDINGS.some(([block]) => coversNetwork(net, block)) ? [ALL_V4] : [];
}

/** Whether a packet to one address may come to both networks. */
export function networksMeet(a: Network, b: Network): boolean {
  if (overlap(a, b)) return true;
  const [ofA, ofB] = [carriedBy(a), carriedBy(b)];
  if (ofA.some((inner) => overlap(inner, b)) || ofB.some((inner) => overlap(inner, a))) return true;
  const isUnspecific = (net: Network): boolean => UNSPECIFIED_FORMS.some((form) => inNetwork(net, form));
  return [a, ...ofA].some(isUnspecific) && [b, ...ofB].some(isUnspecific);
}

/** What a person must know of an address. */
export type AddressClass = 'loopback' | 'local' | 'multicast' | 'public';

/** The blocks that are not the internet. The first that has the address says what it is. @see IANA's registries of special-purpose addresses */
const BLOCKS: readonly (readonly [network: Network, class_: AddressClass, source: string])[] = [
  [network('127.0.0.0/8'), 'loopback', 'RFC 1122, 3.2.1.3'],
  [network('::1'), 'loopback', 'RFC 4291, 2.5.3'],
  [network('0.0.0.0/8'), 'local', 'this network: RFC 791'],
  [network('::'), 'local', 'unspecified: RFC 4291, 2.5.2'],
  [network('10.0.0.0/8'), 'local', 'private: RFC 1918'],
  [network('172.16.0.0/12'), 'local', 'private: RFC 1918'],
  [network('192.168.0.0/16'), 'local', 'private: RFC 1918'],
  [network('100.64.0.0/10'), 'local', 'shared by carriers: RFC 6598'],
  [network('169.254.0.0/16'), 'local', 'link-local: RFC 3927'],
  [network('192.0.0.0/24'), 'local', 'protocol assignments: RFC 6890'],
  [network('198.18.0.0/15'), 'local', 'benchmarks: RFC 2544'],
  [network('240.0.0.0/4'), 'local', 'reserved, and limited broadcast: RFC 1112, RFC 919'],
  [network('fc00::/7'), 'local', 'unique local: RFC 4193'],
  [network('fe80::/10'), 'local', 'link-local: RFC 4291, 2.5.6'],
  [network('fec0::/10'), 'local', 'site-local: RFC 3879'],
  [network('224.0.0.0/4'), 'multicast', 'RFC 5771'],
  [network('ff00::/8'), 'multicast', 'RFC 4291, 2.7'],
];

/** Which of the classes an address is in, by the nearest of its forms: what carries a private address is private. */
export function classOf(bytes: Uint8Array): AddressClass {
  const forms = formsOf(bytes);
  for (const [block, class_] of BLOCKS) if (forms.some((form) => inNetwork(block, form))) return class_;
  return 'public';
}

/** Whether a network has any address that is not the internet's, or only such. */
export function touchesLocal(net: Network): 'all' | 'none' | 'some' {
  if (BLOCKS.some(([block, class_]) => class_ !== 'multicast' && coversNetwork(block, net))) return 'all';
  const inner = carried(net);
  if (inner !== undefined) return touchesLocal(inner);
  const isMixed =
    BLOCKS.some(([block]) => coversNetwork(net, block)) ||
    EMBEDDINGS.some(([block]) => coversNetwork(net, block));
  return isMixed ? 'some' : 'none';
}

/** Whether all of a network is in one class. */
export function isAllOf(net: Network, wanted: AddressClass): boolean {
  const inner = carried(net);
  return BLOCKS.some(
    ([block, class_]) =>
      class_ === wanted &&
      (coversNetwork(block, net) || (inner !== undefined && coversNetwork(block, inner))),
  );
}
