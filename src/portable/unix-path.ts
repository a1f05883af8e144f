/** Files of Unix sockets: whether a path is only the remains of a listener, and how to be rid of it. @see unix(7) */
import type { Stats } from 'node:fs';
import { chmodSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { isNodeError, toSystemError } from './node-errors.ts';

/** A path as Node's `fs` takes it: bytes that are no UTF-8 must be a Buffer. */
function filePath(path: string | Uint8Array): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path);
}

/** Whether a path names no file: it begins with NUL. */
export function isAbstract(path: string | Uint8Array): boolean {
  return typeof path === 'string' ? path.startsWith('\0') : path[0] === 0;
}

/** Connects to a Unix path, closes again, and answers how it ended: the errno's name, or `null` if somebody listens. */
export type ProbeUnix = (path: string | Uint8Array) => Promise<string | null>;

/** Probes with `node:net`, which can name only paths that are text. */
export const probeWithNode: ProbeUnix = (path) =>
  new Promise((resolve) => {
    if (typeof path !== 'string') {
      resolve('EINVAL');
      return;
    }
    const socket = connect({ path });
    socket.once('error', (error) => {
      resolve(isNodeError(error) ? error.code : 'EIO');
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
  });

async function lstatIfAny(path: string | Buffer): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return undefined;
    throw toSystemError(error, { op: 'listen', transport: 'unix', local: { family: 'unix', path } });
  }
}

function isSameFile(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev && a.ctimeMs === b.ctimeMs;
}

async function unlinkIfAny(path: string | Buffer): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return;
    throw toSystemError(error, { op: 'listen', transport: 'unix', local: { family: 'unix', path } });
  }
}

/**
 * Removes a socket's file on which nobody listens any more.
 *
 * Only one finding counts as that: the path is a socket, not a link to one, and connecting is refused. `EAGAIN` is a
 * listener with a full backlog, `EPROTOTYPE` a datagram socket, `EACCES` a stranger's. The file must also be the same one
 * after the probe as before; a listener that puts its socket there between the second look and the removal is not
 * seen, for no system has a call that unlinks a path only if it is a given file. Who needs certainty takes a lock.
 *
 * @returns whether the path is free now
 * @throws {SystemError} the path cannot be looked at, or not be removed
 */
export async function removeStaleSocket(
  path: string | Uint8Array,
  probe: ProbeUnix = probeWithNode,
): Promise<boolean> {
  if (isAbstract(path)) return false;
  const file = filePath(path);
  const before = await lstatIfAny(file);
  if (before === undefined) return true;
  if (!before.isSocket() || (await probe(path)) !== 'ECONNREFUSED') return false;
  const after = await lstatIfAny(file);
  if (after === undefined) return true;
  if (!isSameFile(before, after)) return false;
  await unlinkIfAny(file);
  return true;
}

/**
 * Sets the permission bits of a socket's file. @throws {SystemError}
 *
 * Not by umask(2), which would do it in the same step as the bind: the umask is the whole process's, and the files that
 * other threads make in that moment would get it too.
 */
export function setSocketMode(path: string | Uint8Array, mode: number): void {
  try {
    chmodSync(filePath(path), mode);
  } catch (error) {
    throw toSystemError(error, { op: 'listen', transport: 'unix', local: { family: 'unix', path } });
  }
}
