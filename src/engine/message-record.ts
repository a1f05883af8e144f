/** What the native side writes of each message: `DatagramRecord` in native/core. */
import { FAMILY } from '../addon/types.ts';
import { formatIpv4, formatIpv6 } from '../base/address.ts';
import type { IpAddress } from '../base/address.ts';
import type { DatagramMeta, ReceivedDatagram } from '../base/provider.ts';

/** Where its words are; `bytes` is the record's length in bytes. */
export const RECORD = {
  size: 0,
  length: 1,
  flags: 2,
  buffer: 3,
  family: 4,
  port: 5,
  host: 6,
  error: 7,
  peer: 8,
  local: 12,
  localSize: 16,
  interfaceIndex: 17,
  ttl: 18,
  trafficClass: 19,
  timestamp: 20,
  bytes: 88,
} as const;

export const RECORD_FLAG = {
  truncated: 1,
  local: 2,
  ttl: 4,
  trafficClass: 8,
  timestamp: 16,
} as const;

/** What the native side is to tell of each message. */
const META: Readonly<Record<DatagramMeta, number>> = { local: 1, ttl: 2, trafficClass: 4, timestamp: 8 };

export function metaBits(names: ReadonlySet<DatagramMeta>): number {
  let bits = 0;
  for (const name of names) bits |= META[name];
  return bits;
}

const padded = (length: number): number => (length + 7) & ~7;

/** Where the data of the record at byte `offset` begins. */
export function dataOf(words: Int32Array, offset: number): number {
  const at = offset / 4;
  const start = offset + RECORD.bytes;
  return words[at + RECORD.family] === FAMILY.unix ? start + padded(words[at + RECORD.port] ?? 0) : start;
}

/** Where the next record begins. */
export function behind(data: number, size: number): number {
  return data + padded(size);
}

function localOf(bytes: Uint8Array, words: Int32Array, at: number): IpAddress {
  const offset = 4 * (at + RECORD.local);
  if (words[at + RECORD.localSize] === 4) return { family: 'ipv4', host: formatIpv4(bytes, offset) };
  return { family: 'ipv6', host: formatIpv6(bytes, offset) };
}

function timestampOf(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(4 * (at + RECORD.timestamp), LITTLE);
}

const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

type Meta = Pick<ReceivedDatagram, 'local' | 'interfaceIndex' | 'ttl' | 'trafficClass' | 'timestamp'>;

/** Of what is asked for, that which is known of the message. */
export function metaOf(bytes: Uint8Array, words: Int32Array, at: number, wanted: number): Meta {
  const flags = words[at + RECORD.flags] ?? 0;
  const has = (flag: number, bit: number): boolean => (flags & flag) !== 0 && (wanted & bit) !== 0;
  const hasLocal = has(RECORD_FLAG.local, META.local);
  return {
    local: hasLocal ? localOf(bytes, words, at) : undefined,
    // 0 is of no interface: the datagram came before the kernel was asked to note it.
    interfaceIndex: (hasLocal ? words[at + RECORD.interfaceIndex] : 0) || undefined,
    ttl: has(RECORD_FLAG.ttl, META.ttl) ? words[at + RECORD.ttl] : undefined,
    trafficClass: has(RECORD_FLAG.trafficClass, META.trafficClass)
      ? words[at + RECORD.trafficClass]
      : undefined,
    timestamp: has(RECORD_FLAG.timestamp, META.timestamp) ? timestampOf(bytes, at) : undefined,
  };
}
