import { isSocketError } from '../../base/errors.ts';
import type { Listener, Stream } from '../../base/provider.ts';

/** Pauses; nothing happens to a socket that its provider has closed, and is about to say so. */
export function pauseSocket(socket: Stream | Listener): void {
  try {
    socket.pause();
  } catch (error) {
    if (!isSocketError(error)) throw error;
  }
}

/** Resumes; nothing happens to a socket that its provider has closed, and is about to say so. */
export function resumeSocket(socket: Stream | Listener): void {
  try {
    socket.resume();
  } catch (error) {
    if (!isSocketError(error)) throw error;
  }
}
