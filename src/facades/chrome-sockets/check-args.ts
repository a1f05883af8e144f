import type { Param, ParamType, Signature } from './signatures.ts';
import { allParams, formatSignature } from './signatures.ts';

/** The accessor itself: it knows an ArrayBuffer of any realm, and nothing else. */
const byteLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength');

/** Whether `value` is an ArrayBuffer, of this or of another realm. A SharedArrayBuffer is none. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (value instanceof ArrayBuffer) return true;
  if (typeof value !== 'object' || value === null) return false;
  try {
    byteLength?.get?.call(value);
    return true;
  } catch {
    return false;
  }
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** The word that messages have for a value's type. */
function describeType(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Object.is(value | 0, value) ? 'integer' : 'number';
  if (typeof value !== 'object') return typeof value;
  if (Array.isArray(value)) return 'array';
  return isArrayBuffer(value) || ArrayBuffer.isView(value) ? 'binary' : 'object';
}

/** The word for what is asked for: enumerations are strings, dictionaries are objects. */
function expectedType(type: ParamType): string {
  if (typeof type === 'string') return type;
  return 'values' in type ? 'string' : 'object';
}

function hasType(type: ParamType, value: unknown): boolean {
  switch (expectedType(type)) {
    case 'binary':
      return isArrayBuffer(value) || ArrayBuffer.isView(value);
    case 'integer':
      return typeof value === 'number' && (value | 0) === value;
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === expectedType(type);
  }
}

type Checked = { readonly value: unknown } | { readonly fault: string };

function checkMembers(members: readonly Param[], value: object): Checked {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = members.find((candidate) => candidate.name === key);
    if (member === undefined) return { fault: `Unexpected property: '${key}'.` };
    const checked = checkValue(member, (value as Readonly<Record<string, unknown>>)[key]);
    if ('fault' in checked) return { fault: `Error at property '${key}': ${checked.fault}` };
    if (checked.value !== undefined) result[key] = checked.value;
  }
  const missing = members.find((member) => member.optional !== true && !Object.hasOwn(result, member.name));
  return missing === undefined
    ? { value: result }
    : { fault: `Missing required property '${missing.name}'.` };
}

/** A copy of `value` in which nothing can change any more, or what is wrong with it. */
function checkValue(param: Param, value: unknown): Checked {
  if (isAbsent(value) && param.optional === true) return { value: undefined };
  const { type } = param;
  if (!hasType(type, value)) {
    return { fault: `Invalid type: expected ${expectedType(type)}, found ${describeType(value)}.` };
  }
  if (typeof type === 'string') return { value };
  if ('members' in type) return checkMembers(type.members, value as object);
  if (type.values.includes(value as string)) return { value };
  return { fault: `Value must be one of ${type.values.join(', ')}.` };
}

/**
 * Lays the arguments given over the parameters: optional ones may be left out anywhere, or stand as `null` or `undefined`.
 *
 * @returns one value a parameter, or `null` if there is no way.
 */
function align(given: readonly unknown[], params: readonly Param[]): unknown[] | null {
  const [param, ...others] = params;
  if (param === undefined) return given.length === 0 ? [] : null;
  if (given.length > params.length) return null;
  const [first, ...rest] = given;
  if (given.length > 0 && (hasType(param.type, first) || (param.optional === true && isAbsent(first)))) {
    const tail = align(rest, others);
    if (tail !== null) return [first, ...tail];
  }
  if (param.optional !== true) return null;
  const tail = align(given, others);
  return tail === null ? null : [undefined, ...tail];
}

/** How a call is judged. */
export interface CheckOptions {
  /** Whether the callback may be left out of functions that can answer with a promise. */
  readonly promises: 'allowed' | 'refused';
}

/** Makes the check for one function: it gives one value for each parameter and, last, the callback or `undefined`. */
export function makeCheck(
  signature: Signature,
  options: CheckOptions,
): (given: readonly unknown[]) => readonly unknown[] {
  const isPromising = signature.promise && options.promises === 'allowed';
  const params = allParams(isPromising ? { ...signature, callback: 'optional' } : signature);
  const fail = (detail: string): never => {
    throw new TypeError(`Error in invocation of ${formatSignature(signature)}: ${detail}`);
  };
  return (given) => {
    const aligned = align(given, params);
    if (aligned === null) return fail('No matching signature.');
    return params.map((param, index) => {
      const checked = checkValue(param, aligned[index]);
      return 'fault' in checked
        ? fail(`Error at parameter '${param.name}': ${checked.fault}`)
        : checked.value;
    });
  };
}
