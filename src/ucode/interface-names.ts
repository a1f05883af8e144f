/** Interfaces, which programs may give and see by name or by number. */
import { SystemError } from '../base/errors.ts';
import { interfaceIndex, interfaceName } from '../posix/interfaces.ts';
import { isByteString, toText } from './byte-strings.ts';
import { Failure, judged } from './failure.ts';
import { toInteger, UINT32 } from './loose.ts';

/** The number of an interface that is given by its name, or loosely by its number. @throws {Failure} ENODEV … */
export function toInterfaceIndex(value: unknown, context: string): number {
  if (!isByteString(value)) return toInteger(value, UINT32, context);
  const name = toText(value);
  try {
    return judged(() => interfaceIndex(name));
  } catch (error) {
    if (error instanceof SystemError) throw new Failure(error.errno, `Unable to resolve interface ${name}`);
    throw error;
  }
}

/** The name of an interface or, if it is gone, its number. */
export function fromInterfaceIndex(index: number): string | number {
  try {
    return interfaceName(index);
  } catch (error) {
    if (error instanceof SystemError) return index;
    throw error;
  }
}
