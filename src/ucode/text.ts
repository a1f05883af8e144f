/** Values as text, as ucode prints them. */
import { isBytes } from '../base/bytes.ts';
import { toText } from './byte-strings.ts';
import { invalid } from './failure.ts';
import { elements } from './lists.ts';

/** How deep arrays and objects may lie in one another. */
const MAX_DEPTH = 200;

/** Digits that ucode prints of a number that is not whole. */
const DIGITS = 14;

/** As `%.14g` of C does: no zeros at the end, and at least two digits of an exponent. */
function textOfNumber(number: number): string {
  if (!Number.isFinite(number) || Number.isSafeInteger(number)) return String(number);
  const [digits = '', exponent] = number.toPrecision(DIGITS).split('e');
  const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  return exponent === undefined ? short : `${short}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`;
}

/** The `toString` of the objects that this module makes: a template string shows what is in them, as ucode does. */
function asText(this: object): string {
  return textOfMembers(this, []);
}

/** An object that a template string shows by its members. */
export interface Printable {
  toString(): string;
}

/** Has an object shown by its members wherever it is made into text, as ucode shows every object. */
export function printable<T extends object>(object: T): T & Printable {
  return Object.defineProperty(object, 'toString', {
    value: asText,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** Whether an object has a text of its own: a date, a URL, a socket. */
function hasOwnText(value: object): boolean {
  const method: unknown = Reflect.get(value, 'toString');
  return typeof method === 'function' && method !== Object.prototype.toString && method !== asText;
}

/** What the object itself says. */
function ownText(value: object): string {
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- it has one of its own
  return String(value);
}

function textOfMembers(value: object, path: readonly object[]): string {
  // What contains itself shows as nothing where it comes again.
  if (path.includes(value)) return 'null';
  if (path.length >= MAX_DEPTH) throw invalid('Value is nested too deeply');
  const inner = [...path, value];
  if (Array.isArray(value)) {
    const items = elements(value).map((item) => nestedText(item, inner));
    return items.length === 0 ? '[ ]' : `[ ${items.join(', ')} ]`;
  }
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${nestedText(member, inner)}`,
  );
  return members.length === 0 ? '{ }' : `{ ${members.join(', ')} }`;
}

function nestedText(value: unknown, path: readonly object[]): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return stringify(value);
  if (isBytes(value)) return JSON.stringify(toText(value));
  if (Array.isArray(value) || !hasOwnText(value)) return textOfMembers(value, path);
  return JSON.stringify(ownText(value));
}

/** The text of a value that is no string and no bytes. @throws what a `toString` or getter of the caller's throws */
export function stringify(value: unknown): string {
  if (typeof value === 'number') return textOfNumber(value);
  if (typeof value === 'function') return `function ${value.name}(...) { [native code] }`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isBytes(value)) return toText(value);
  if (Array.isArray(value) || !hasOwnText(value)) return textOfMembers(value, []);
  return ownText(value);
}
