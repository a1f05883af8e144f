/** Bytes that tell where in a stream they belong, so that a lost, doubled or swapped one shows. */

/** The byte at place `index`: neighbours, and places a power of two apart, differ. */
function byteAt(index: number): number {
  return (index * 31 + (index >>> 8) * 7 + (index >>> 16) * 13) & 255;
}

/** `length` bytes of the pattern from place `offset` on. */
export function patternBytes(length: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = byteAt(offset + i);
  return bytes;
}

/** The first place where `bytes` departs from the pattern that starts at `offset`, or -1. */
export function patternMismatch(bytes: Uint8Array, offset: number): number {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== byteAt(offset + i)) return offset + i;
  return -1;
}

/** One array of all chunks. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

/** The bytes of ASCII text. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
