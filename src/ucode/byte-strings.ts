/**
 * Strings of ucode's, which are bytes: here they are text, or bytes. What `recv` gives may be used wherever text may.
 */
import { isBytes, requireBytes } from '../base/bytes.ts';
import { judged } from './failure.ts';

export type ByteString = string | Uint8Array;

const decoder = new TextDecoder();

export function isByteString(value: unknown): value is ByteString {
  return typeof value === 'string' || isBytes(value);
}

/** A copy of the bytes; text is UTF-8. @throws {Failure} EINVAL: the memory is gone */
export function toBytes(value: ByteString): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  return judged(() => new Uint8Array(requireBytes(value, 'string')));
}

/** The text; bytes that are no UTF-8 become U+FFFD. @throws {Failure} as `toBytes` does */
export function toText(value: ByteString): string {
  return typeof value === 'string' ? value : decoder.decode(toBytes(value));
}
