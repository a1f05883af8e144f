/** A native connection in the hands of Node. */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { toSystemError } from '../portable/node-errors.ts';
import type { Reactor } from './reactor.ts';

class LentSocket extends Socket {
  readonly #letGo: () => void;

  constructor(fd: number, letGo: () => void) {
    super({ fd, allowHalfOpen: true });
    this.#letGo = letGo;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Before the descriptor is closed, and its number perhaps somebody else's.
    this.#letGo();
    super._destroy(error, done);
  }
}

/**
 * Makes a socket of Node's that reads, writes and closes the descriptor of `handle`.
 *
 * @param letGo must close the handle; called when the descriptor is about to be closed
 * @returns `undefined` if the descriptor cannot be given away, and nothing has happened
 * @throws {SystemError} Node takes no such descriptor, and it is closed
 */
export function lendSocket({ native }: Reactor, handle: number, letGo: () => void): Socket | undefined {
  const fd = native.descriptor(handle);
  if (native.handOver(handle) < 0) return undefined;
  try {
    return new LentSocket(fd, letGo);
  } catch (error) {
    letGo();
    closeSync(fd);
    throw toSystemError(error, { op: 'upgrade' });
  }
}
