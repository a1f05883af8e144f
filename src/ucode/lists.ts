/** Arrays of the caller's. */
import { invalid } from './failure.ts';

/** More than any call takes. An array of four billion holes is turned away before it is walked. */
const MOST = 65536;

/** What an array has, each element looked at once; a hole is `undefined`. @throws {Failure} EINVAL: it is too long */
export function elements(list: readonly unknown[]): readonly unknown[] {
  if (list.length > MOST) throw invalid('Array is too long');
  return Array.from(list);
}
