/**
 * Arguments of functions and methods. A type must be exactly the one that is asked for: `'80'` is no integer, 1 is no
 * boolean. `null` and `undefined` both mean that an argument is absent. Bytes pass for a string, because that is what
 * strings are in ucode, and what `recv` gives.
 */
import { isBytes } from '../base/bytes.ts';
import type { ByteString } from './byte-strings.ts';
import { isByteString } from './byte-strings.ts';
import { invalid, outOfRange } from './failure.ts';

/** An object with named members, as opposed to an array or bytes. */
export type Dictionary = Record<string, unknown>;

export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

export function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value);
}

/** One kind of argument. */
export type ArgumentKind<T> = (value: unknown, name: string) => T;

/** Anything. */
export const present: ArgumentKind<unknown> = (value, name) => {
  if (isAbsent(value)) throw invalid(`Argument ${name} is required`);
  return value;
};

function kind<T>(isOfKind: (value: unknown) => value is T, described: string): ArgumentKind<T> {
  return (given, name) => {
    const value = present(given, name);
    if (!isOfKind(value)) throw invalid(`Argument ${name} is not ${described}`);
    return value;
  };
}

const isInteger = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);
const MAX_INT32 = 2 ** 31 - 1;

const anyInteger = kind(isInteger, 'an integer value');

/** One that an `int` of C can hold. */
export const integer: ArgumentKind<number> = (value, name) => {
  const number = anyInteger(value, name);
  if (number < -MAX_INT32 - 1 || number > MAX_INT32) throw outOfRange(`Argument ${name} is out of range`);
  return number === 0 ? 0 : number;
};

export const boolean: ArgumentKind<boolean> = kind(
  (value): value is boolean => typeof value === 'boolean',
  'a boolean value',
);

export const string: ArgumentKind<ByteString> = kind(isByteString, 'a string value');

export const dictionary: ArgumentKind<Dictionary> = kind(isDictionary, 'an object');

/** What may be absent. */
export function optional<T, P>(rule: ArgumentKind<T>, value: unknown, name: string, preset: P): T | P {
  return isAbsent(value) ? preset : rule(value, name);
}
