/**
 * Loose conversion, as ucode does it for members of objects and for values of options: nothing is 0, `true` is 1, text is
 * read as a number, and what follows a number's point is dropped.
 */
import { isAbsent } from './arguments.ts';
import { isByteString, toText } from './byte-strings.ts';
import { Failure, invalid, outOfRange } from './failure.ts';

/** The whole numbers of a C type. */
export interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

const signed = (bits: bigint): IntegerRange => ({ min: -(2n ** (bits - 1n)), max: 2n ** (bits - 1n) - 1n });
const unsigned = (bits: bigint): IntegerRange => ({ min: 0n, max: 2n ** bits - 1n });

export const INT8: IntegerRange = signed(8n);
export const INT16: IntegerRange = signed(16n);
export const INT32: IntegerRange = signed(32n);
export const INT64: IntegerRange = signed(64n);
export const UINT8: IntegerRange = unsigned(8n);
export const UINT16: IntegerRange = unsigned(16n);
export const UINT32: IntegerRange = unsigned(32n);
export const UINT64: IntegerRange = unsigned(64n);

const INTEGER = /^([+-]?)(0x[0-9a-f]+|0b[01]+|0o[0-7]+|\d+)$/i;
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function ofText(text: string, context: string): bigint {
  const trimmed = text.trim();
  if (trimmed === '') return 0n;
  const [, sign = '', digits = ''] = INTEGER.exec(trimmed) ?? [];
  if (digits !== '') return sign === '-' ? -BigInt(digits) : BigInt(digits);
  if (!FLOAT.test(trimmed)) throw invalid(context);
  return ofNumber(Number(trimmed), context);
}

function ofNumber(number: number, context: string): bigint {
  if (Number.isNaN(number)) throw invalid(context);
  if (!Number.isFinite(number)) throw outOfRange(context);
  return BigInt(Math.trunc(number));
}

/** A whole number, however large. @throws {Failure} EINVAL with this context, if it is none */
export function toWhole(value: unknown, context: string): bigint {
  if (isAbsent(value)) return 0n;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return ofNumber(value, context);
  if (isByteString(value)) return ofText(toText(value), context);
  throw invalid(context);
}

/** A number of a C type. @throws {Failure} EINVAL; ERANGE */
export function toBigInteger(value: unknown, { min, max }: IntegerRange, context: string): bigint {
  const whole = toWhole(value, context);
  if (whole < min || whole > max) throw outOfRange(context);
  return whole;
}

/** The same as a number, for types of which all numbers that matter fit into one. */
export function toInteger(value: unknown, range: IntegerRange, context: string): number {
  return Number(toBigInteger(value, range, context));
}

/** Whether a value is not 0. @throws {Failure} EINVAL; ERANGE if it is negative */
export function toBoolean(value: unknown, context: string): boolean {
  return toBigInteger(value, UINT64, context) !== 0n;
}

/** The same, or `null` if it is none. */
export function toIntegerOrNull(value: unknown, range: IntegerRange): number | null {
  try {
    return toInteger(value, range, '');
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}
