/** Reads what a service manager has left in the environment: strictly, since it comes from outside of the program. */

/** The part of the environment that is looked at, and changed. */
export type Environment = Record<string, string | undefined>;

/** @returns `undefined` if the variable is not set @throws {TypeError | RangeError} it is no whole number from `min` to `max` */
export function wholeNumber(
  env: Environment,
  name: string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = env[name];
  if (text === undefined) return undefined;
  if (!/^(0|[1-9]\d*)$/.test(text))
    throw new TypeError(`${name}: expected a whole number, got ${JSON.stringify(text)}`);
  const number = Number(text);
  if (number < min || number > max)
    throw new RangeError(`${name}: expected ${String(min)} to ${String(max)}, got ${text}`);
  return number;
}
