/** Writes that are waited for. */
import type { Stream } from '../../base/provider.ts';
import { inOwnWords, toIOError } from './io-error.ts';

const NO_BYTES = new Uint8Array(0);

/** Tells when these bytes are with the system, or at once if little is unsent after all. */
export function writeMuch(stream: Stream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      const isLittle = stream.write(bytes, (error) => {
        if (error === null) resolve();
        else reject(toIOError(error));
      });
      if (isLittle) resolve();
    } catch (error) {
      reject(inOwnWords(error));
    }
  });
}

/** Tells when all that was written before is with the system. */
export function flushed(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(NO_BYTES, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}
