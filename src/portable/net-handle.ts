/**
 * What lies below a socket of `node:net`: libuv's handle. Node documents none of it, so it is touched here only, and where it
 * is missing, TLS goes over a `Duplex` instead.
 */
import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';

interface Handle {
  /** Whether Node believes that it is reading. */
  reading: boolean;
  /** @returns 0, or a negative number of libuv's: `EALREADY`, if it is reading (uv_read_start in src/unix/stream.c) */
  readStart(): number;
  readStop(): number;
  /** Where Node hears of what has come. */
  onread: () => void;
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'readStart') === 'function' &&
    typeof Reflect.get(value, 'readStop') === 'function'
  );
}

function handleOf(socket: Socket): Handle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  return isHandle(handle) ? handle : undefined;
}

/** Whether the rest of this module can work on a socket. */
export function hasHandle(socket: Socket): boolean {
  return handleOf(socket) !== undefined;
}

/** Whether Node wants bytes from below `socket`. */
export function wantsBytes(socket: Socket): boolean {
  return handleOf(socket)?.reading === true;
}

/** Has libuv read. @returns whether it did so already */
export function startReading(socket: Socket): boolean {
  const handle = handleOf(socket);
  if (handle === undefined) return false;
  handle.reading = true;
  const result = handle.readStart();
  return result < 0 && getSystemErrorName(result) === 'EALREADY';
}

/** What comes from below `socket` is dropped from now on, as after Node's own `destroy`. */
export function ignoreBytes(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle !== undefined) handle.onread = (): void => undefined;
}

export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  handle.reading = false;
  handle.readStop();
}
