/** Descriptors that were received and are no sockets. */
import type { Descriptor } from '../posix/descriptor.ts';
import { ErrorSlot } from './error-slot.ts';
import { noSocket } from './failure.ts';

/**
 * A file, a pipe, a directory, a terminal or a process that was received: yours to close. `node:fs` reads and writes it
 * by its number.
 *
 * @example
 * fs.readFileSync(handle.fileno());
 */
export class ReceivedDescriptor {
  readonly #descriptor: Descriptor;
  readonly #errors = new ErrorSlot();

  /** @param descriptor belongs to this object from now on */
  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
  }

  /** Its number, lent; -1 if it is closed. */
  fileno(): number {
    return this.#errors.ask(() => this.#descriptor.fd) ?? -1;
  }

  /** Closes it. @returns `null` if it is closed already */
  close(): true | null {
    return this.#errors.run(() => {
      if (this.#descriptor.isClosed) throw noSocket();
      this.#descriptor.close();
      return true;
    });
  }

  /** Its last failure, as text or, if `isNumeric`, as an errno; `null` if there is none. */
  error(isNumeric?: boolean | null): string | number | null {
    return this.#errors.answer(isNumeric === true);
  }

  toString(): string {
    return `<descriptor ${formatDescriptor(this.fileno())}>`;
  }

  [Symbol.dispose](): void {
    this.#descriptor.close();
  }
}

/** A descriptor's number as ucode shows it: -1 has 32 bits. */
export function formatDescriptor(fd: number): string {
  return `0x${(fd >>> 0).toString(16)}`;
}
