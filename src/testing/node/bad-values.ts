/** Values that are not what a parameter wants: rows of what it is, and the value. */

export type BadValue = readonly [what: string, value: unknown];

/** An object that must not be asked for a number. */
class Thrower {
  valueOf(): never {
    throw new Error('valueOf was called');
  }
  [Symbol.toPrimitive](): never {
    throw new Error('toPrimitive was called');
  }
}

/** Never a number, a boolean or bytes. */
export const NOTHING_USEFUL: readonly BadValue[] = [
  ['undefined', undefined],
  ['null', null],
  ['a string', '1'],
  ['another string', '80'],
  ['the empty string', ''],
  ['a BigInt', 1n],
  ['a symbol', Symbol('1')],
  ['an object', {}],
  ['an array', [1]],
  ['a function', (): number => 1],
  ['a Number object', Object(1)],
  ['an object that throws when made a number', new Thrower()],
  ['an object that becomes a number', { valueOf: (): number => 1 }],
  ['a proxy', new Proxy({}, {})],
];

/** Numbers that are not whole, or not exact. */
export const NO_INTEGER: readonly BadValue[] = [
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['a fraction', 1.5],
  ['2^53', 2 ** 53],
  ['1e300', 1e300],
  ['the smallest fraction', Number.MIN_VALUE],
];

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

interface Resizable {
  resize(length: number): void;
}
type BufferMaker = new (length: number, options: { maxByteLength: number }) => ArrayBuffer & Resizable;

/** A view of a resizable buffer of 64 bytes that has been resized to `length`. */
export function resizedView(length: number, offset: number, viewLength?: number): Uint8Array {
  const buffer = new (ArrayBuffer as unknown as BufferMaker)(64, { maxByteLength: 64 });
  const view = new Uint8Array(buffer, offset, viewLength);
  buffer.resize(length);
  return view;
}

/** No `Uint8Array` over memory that is there and belongs to this thread alone. */
export const NO_BYTES: readonly BadValue[] = [
  ...NOTHING_USEFUL,
  ['a number', 1],
  ['true', true],
  ['an ArrayBuffer', new ArrayBuffer(4)],
  ['a DataView', new DataView(new ArrayBuffer(4))],
  ['an Int8Array', new Int8Array(4)],
  ['a Uint8ClampedArray', new Uint8ClampedArray(4)],
  ['a Uint16Array', new Uint16Array(4)],
  ['a Float64Array', new Float64Array(4)],
  ['a BigUint64Array', new BigUint64Array(4)],
  ['a SharedArrayBuffer', new SharedArrayBuffer(4)],
  ['a view of shared memory', new Uint8Array(new SharedArrayBuffer(4))],
  ['a detached view', detached()],
  ['a view that lost its memory', resizedView(4, 8, 8)],
  ['a tracking view that lost its memory', resizedView(4, 8)],
  ['a proxy of bytes', new Proxy(new Uint8Array(4), {})],
  ['an heir of Uint8Array.prototype', Object.create(Uint8Array.prototype)],
];
