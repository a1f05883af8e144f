/** The numbers of this system by name, and its own words for errors. */
import type { ConstantName, ErrnoName, ResolveErrorName } from '../addon/constant-names.ts';
import { loadNative, numbersForTables } from '../addon/load.ts';

export type { ConstantName, ErrnoName, ResolveErrorName };

const numbers = numbersForTables();

/** Whatever is no error: `constants.MSG_PEEK`. */
export const constants: Readonly<Record<ConstantName, number>> = numbers.constants;
/** What system calls fail with: `errorNumbers.EAGAIN`. */
export const errorNumbers: Readonly<Record<ErrnoName, number>> = numbers.errorNumbers;
/** What name resolution fails with: `resolveErrors.EAI_NONAME`. One may have the number of an errno. */
export const resolveErrors: Readonly<Record<ResolveErrorName, number>> = numbers.resolveErrors;

/** The C library's words for an errno. @see strerror(3) */
export function errorText(errno: number): string {
  return loadNative().errorText(errno);
}

/** The C library's words for an `EAI_` number. @see gai_strerror(3) */
export function resolveErrorText(code: number): string {
  return loadNative().resolveErrorText(code);
}
