/**
 * Rules for values that come from outside, and the one way in which their violation is worded: what was looked at, what
 * was expected, what was given. A wrong type is a `TypeError`; a value of the right type that cannot be is a
 * `RangeError`. No rule converts: `'80'` is no port.
 *
 * No rule calls a method of a foreign object, and `readWith` reads each property once. So a getter, a proxy or an odd
 * `toString` may throw, and then nothing has happened yet; or answer differently each time, and then only its first
 * answer counts.
 */

import { nearest } from './nearest.ts';

/** Answers what the value means, or throws. `name` says where it stood: `port`, `options.keepAlive.idle`. */
export type Rule<T> = (value: unknown, name: string) => T;

/** One rule for each property of what is to be made. */
export type Rules<P> = { readonly [K in keyof P]-?: Rule<P[K]> };

const SHOWN_CHARACTERS = 40;

/** A value in a message: short, on one line, and made without running any code of the value's own. */
function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.slice(0, SHOWN_CHARACTERS)) + (value.length > SHOWN_CHARACTERS ? ' …' : '');
    case 'bigint':
      return `${String(value).slice(0, SHOWN_CHARACTERS)}n`;
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'boolean':
    case 'number':
    case 'undefined':
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

export function wrongType(name: string, expected: string, given: unknown): TypeError {
  return new TypeError(`${name}: expected ${expected}, got ${show(given)}`);
}

export function outOfRange(name: string, expected: string, given: unknown): RangeError {
  return new RangeError(`${name}: expected ${expected}, got ${show(given)}`);
}

/** A whole number of a range, both ends included. */
export function integer(min: number, max: number): Rule<number> {
  const expected = `a whole number from ${String(min)} to ${String(max)}`;
  return (value, name) => {
    if (typeof value !== 'number') throw wrongType(name, expected, value);
    if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(name, expected, value);
    return value === 0 ? 0 : value;
  };
}

export function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value);
  return value;
}

export function oneOf<const T extends string>(...values: readonly T[]): Rule<T> {
  const expected = values.map((each) => JSON.stringify(each)).join(' or ');
  return (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, expected, value);
    const found = values.find((each) => each === value);
    if (found === undefined) throw outOfRange(name, expected, value);
    return found;
  };
}

/** `undefined` stays `undefined`. `null` does not pass for it. */
export function optional<T>(rule: Rule<T>): Rule<T | undefined> {
  return (value, name) => (value === undefined ? undefined : rule(value, name));
}

export function withDefault<T>(rule: Rule<T>, preset: T): Rule<T> {
  return (value, name) => (value === undefined ? preset : rule(value, name));
}

export function requireObject(value: unknown, name: string, expected = 'an object'): object {
  if (typeof value !== 'object' || value === null) throw wrongType(name, expected, value);
  return value;
}

export function requireFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value);
}

/**
 * Refuses properties that `known` has not: a misspelt option would be one that does nothing.
 *
 * @param prefix of their names, in messages
 * @throws {TypeError} naming the one that may have been meant
 */
export function requireKnown(source: object, known: object, prefix = ''): void {
  for (const key of Object.keys(source)) {
    if (Object.hasOwn(known, key)) continue;
    const meant = nearest(key, Object.keys(known));
    const advice = meant === undefined ? '' : `; did you mean ${prefix}${meant}?`;
    throw new TypeError(`${prefix}${key.slice(0, SHOWN_CHARACTERS)}: there is no such option${advice}`);
  }
}

/** Reads an object of options, which may have no others than `rules` names. @throws {TypeError} */
export function readOptions<P extends object>(source: object, rules: Rules<P>, prefix = ''): P {
  requireKnown(source, rules, prefix);
  return readWith(source, rules, prefix);
}

/** Reads the properties that `rules` names, each once, in the order of the table. Others are not looked at. */
export function readWith<P extends object>(source: object, rules: Rules<P>, prefix = ''): P {
  const result: Partial<P> = {};
  for (const key in rules) result[key] = rules[key](Reflect.get(source, key), `${prefix}${key}`);
  return result as P;
}
