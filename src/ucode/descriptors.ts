/** Descriptors, as numbers and as whatever holds one. */
import { isAbsent } from './arguments.ts';

/** Anything with a descriptor: a socket, another object with `fileno()`, or, as in Node, with `fd`; or its number. */
export type Handle = number | { fileno(): number | null } | { readonly fd: number };

const MAX_DESCRIPTOR = 2 ** 31 - 1;

/** What may be a descriptor's number; whether it is open is the system's to say. */
function asDescriptor(value: unknown): number | null {
  const isOne = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_DESCRIPTOR;
  return isOne ? value : null;
}

/** The descriptor of a handle, or `null` if there is none. @throws what the caller's own `fileno` throws */
export function descriptorOf(handle: unknown): number | null {
  if (typeof handle !== 'object' || isAbsent(handle)) return asDescriptor(handle);
  const fileno: unknown = Reflect.get(handle, 'fileno');
  return asDescriptor(
    typeof fileno === 'function' ? Reflect.apply(fileno, handle, []) : Reflect.get(handle, 'fd'),
  );
}
