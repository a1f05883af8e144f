/** Bytes from outside: what counts as a Uint8Array, and when it cannot be read. */
import { wrongType } from './rules.ts';

// The getters and the method of the language itself, which no own property and no subclass can stand in for, and which
// know typed arrays from another realm (a vm context, where apps run), as instanceof does not.
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typeOf = getter(Symbol.toStringTag);
const lengthOf = getter('byteLength');
const bufferOf = getter('buffer');
const offsetOf = getter('byteOffset');
const keysOf = Reflect.get(TYPED_ARRAY, 'keys') as () => unknown;
const set = Reflect.get(TYPED_ARRAY, 'set') as (source: Uint8Array) => void;

function getter(name: string | symbol): () => unknown {
  const descriptor = Object.getOwnPropertyDescriptor(TYPED_ARRAY, name) as
    { get?: () => unknown } | undefined;
  const get: unknown = descriptor === undefined ? undefined : Reflect.get(descriptor, 'get');
  if (typeof get !== 'function')
    throw new Error(`this JavaScript has no %TypedArray%.prototype.${String(name)}`);
  return get as () => unknown;
}

/** Whether `value` is a Uint8Array, of this realm or of another. */
export function isBytes(value: unknown): value is Uint8Array {
  return Reflect.apply(typeOf, value, []) === 'Uint8Array';
}

/** The bytes that a Uint8Array has, whatever an own property or a subclass says. */
export function lengthOfBytes(bytes: Uint8Array): number {
  return Reflect.apply(lengthOf, bytes, []) as number;
}

/**
 * Copies `source` to the start of `target`, whatever an own property of `target` says.
 *
 * @throws {RangeError} there is not so much room
 */
export function copyBytes(source: Uint8Array, target: Uint8Array): void {
  Reflect.apply(set, target, [source]);
}

/** A view of the first `length` bytes, made without the object's own `subarray`, which may be anybody's. */
export function startOfBytes(bytes: Uint8Array, length: number): Uint8Array {
  const buffer = Reflect.apply(bufferOf, bytes, []) as ArrayBufferLike;
  return new Uint8Array(buffer, Reflect.apply(offsetOf, bytes, []) as number, length);
}

/**
 * Judges bytes that are to be sent. A view of a shared or a resizable buffer will do, since the bytes are copied before
 * the call returns: copy them with `new Uint8Array(bytes)`, which trusts no property of the object.
 *
 * @returns the same object
 * @throws {TypeError} it is no Uint8Array, or its buffer is detached or has shrunk away from under it
 */
export function requireBytes(value: unknown, name = 'bytes'): Uint8Array {
  if (!isBytes(value)) throw wrongType(name, 'a Uint8Array', value);
  if (Reflect.apply(lengthOf, value, []) !== 0) return value;
  try {
    // The language checks the buffer at the start of every method, and this one does nothing else yet.
    Reflect.apply(keysOf, value, []);
  } catch {
    throw new TypeError(
      `${name}: expected a Uint8Array, got one whose buffer is detached or too small for it`,
    );
  }
  return value;
}
