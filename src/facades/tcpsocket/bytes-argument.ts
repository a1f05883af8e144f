/** What callers hand in to be sent. */

/** What can be sent: a buffer, or a view of one. */
export type Sendable = ArrayBuffer | ArrayBufferView | SharedArrayBuffer;

const BUFFER_KINDS = [ArrayBuffer.prototype, SharedArrayBuffer.prototype] as const;

/** Of any realm. Only what is such a buffer inside answers when it is asked for its size in their way. */
function isBuffer(value: unknown): value is ArrayBuffer | SharedArrayBuffer {
  return BUFFER_KINDS.some((kind) => {
    try {
      Reflect.get(kind, 'byteLength', value);
      return true;
    } catch {
      return false;
    }
  });
}

function wholeNumber(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${name} must be a whole number from 0`);
  return value;
}

/**
 * The bytes meant by a buffer or view, and an offset and length within it. Nothing is copied.
 *
 * @throws {TypeError} they are of another type @throws {RangeError} they lead out of it
 */
export function readBytes(data: unknown, byteOffset?: unknown, byteLength?: unknown): Uint8Array {
  let whole: Uint8Array;
  if (ArrayBuffer.isView(data)) whole = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  else if (isBuffer(data)) whole = new Uint8Array(data);
  else throw new TypeError('data must be an ArrayBuffer, or a view of one');
  if (byteOffset === undefined && byteLength === undefined) return whole;
  const from = wholeNumber(byteOffset ?? 0, 'byteOffset');
  if (from > whole.length) throw new RangeError(`byteOffset must be at most ${String(whole.length)}`);
  const length = byteLength === undefined ? whole.length - from : wholeNumber(byteLength, 'byteLength');
  if (from + length > whole.length)
    throw new RangeError(`byteOffset and byteLength must lie within the ${String(whole.length)} bytes`);
  return whole.subarray(from, from + length);
}

/** A buffer with these bytes and no others; the bytes' own where it is that. */
export function tightBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer;
  return bytes.slice().buffer;
}
