/** Errors of the system, from the numbers that the native module answers. */
import type { ErrorDetails } from '../base/errors.ts';
import { SystemError } from '../base/errors.ts';
import { loadNative } from './load.ts';

/** Names of error numbers, made once from the module's own table. */
export class ErrorNames {
  readonly #names: ReadonlyMap<number, string>;

  constructor(numbers: Readonly<Record<string, number>>) {
    // EAGAIN and others have two names for one number: the first in the table stays.
    const names = new Map<number, string>();
    for (const [name, number] of Object.entries(numbers)) if (!names.has(number)) names.set(number, name);
    this.#names = names;
  }

  /** @param errno positive */
  error(errno: number, syscall: string, details: ErrorDetails): SystemError {
    return new SystemError(this.#names.get(errno) ?? `E${String(errno)}`, { ...details, errno, syscall });
  }
}

let names: ErrorNames | undefined;

/** The error of a call that answered `result`, a negative errno. */
export function systemError(result: number, syscall: string, details: ErrorDetails): SystemError {
  names ??= new ErrorNames(loadNative().errorNumbers);
  return names.error(-result, syscall, details);
}
