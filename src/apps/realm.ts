/**
 * A fresh global object for an app's scripts, whose values and ours get along.
 *
 * A `node:vm` context has its own `ArrayBuffer`, `Error`, `Promise` …: values made outside would fail the app's
 * `instanceof`, and the app's would fail ours. Binary data is what crosses the border all the time, so the context gets the
 * outer constructors of everything that makes buffers: no syntax makes one, so all of the app's binary data is then of
 * one kind with ours. Literals, functions and engine errors stay of the context's own kind whatever its globals are; for
 * those, `instanceof` is taught to know both.
 *
 * Rejected: the outer `Object`, `Array` and `Error` on the context, since `[] instanceof Array` would then be false; and
 * copying each buffer at the border, since creating buffers is the largest cost of a message.
 *
 * A context is no security boundary: scripts that want out get out, through any outer function's constructor.
 */
import { constants, createContext } from 'node:vm';

/** The constructors of binary data, and WebAssembly, whose memories are buffers too. */
const BINARY_GLOBALS: readonly string[] = [
  'ArrayBuffer',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  // From Node 24 on.
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'Int16Array',
  'Int32Array',
  'Int8Array',
  'SharedArrayBuffer',
  'Uint16Array',
  'Uint32Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'WebAssembly',
];

/** Constructors whose instances cross the border now and then: results, lists, errors, promises, cloned values. */
const SHARED_CLASSES: readonly string[] = [
  'AggregateError',
  'Array',
  'Date',
  'Error',
  'EvalError',
  'Function',
  'Map',
  'Object',
  'Promise',
  'RangeError',
  'ReferenceError',
  'RegExp',
  'Set',
  'SyntaxError',
  'TypeError',
  'URIError',
];

type Class = abstract new (...args: never[]) => unknown;

const outer = globalThis as unknown as Record<string, Class>;
/** The `instanceof` that every function has unless it is given another. */
const isOrdinaryInstance = Function.prototype[Symbol.hasInstance];

/** Defines a global as the language's own are: not enumerable, and the app may replace it. */
export function defineGlobal(global: object, name: string, value: unknown): void {
  Object.defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true });
}

/** Lets `x instanceof inner` be true for instances of either class. A subclass of the app's own is judged as always. */
function teachInstanceOf(innerClass: Class, outerClass: Class): void {
  const hasInstance = function (this: unknown, value: unknown): boolean {
    if (isOrdinaryInstance.call(this as never, value)) return true;
    return this === innerClass && isOrdinaryInstance.call(outerClass, value);
  };
  Object.defineProperty(innerClass, Symbol.hasInstance, { value: hasInstance, configurable: true });
}

/** What a context's global object is to us: names and values. */
export type RealmGlobal = Record<string, unknown>;

/**
 * Makes the global object of a new context. Like Chrome's policy for apps, it has no `eval` and no `new Function`.
 *
 * @param name what debuggers call the context
 */
export function createRealm(name: string): RealmGlobal {
  // An ordinary global object rather than a contextified one: no interceptors, so globals are as fast as they should be.
  const global: RealmGlobal = createContext(constants.DONT_CONTEXTIFY, {
    name,
    codeGeneration: { strings: false, wasm: true },
  });
  for (const binary of BINARY_GLOBALS) {
    if (outer[binary] !== undefined) defineGlobal(global, binary, outer[binary]);
  }
  for (const shared of SHARED_CLASSES) {
    const outerClass = outer[shared];
    if (outerClass !== undefined) teachInstanceOf(global[shared] as Class, outerClass);
  }
  return global;
}
