/** The file that a bound Unix path is: made, given its permissions, and removed with its socket. */
import type { Stats } from 'node:fs';
import { lstatSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';

import { isSocketError, SystemError } from '../base/errors.ts';
import { isAbstract, removeStaleSocket, setSocketMode } from '../portable/unix-path.ts';
import { dial } from './dial.ts';
import type { Reactor } from './reactor.ts';

export interface UnixPath {
  readonly path: string | Uint8Array;
  readonly mode: number | undefined;
}

/** The path from the root: the working directory may be another when the file is removed. */
function absolute(path: string | Uint8Array): string | Buffer {
  if (typeof path === 'string') return resolve(path);
  const isAbsolute = path[0] === 47;
  return isAbsolute ? Buffer.from(path) : Buffer.concat([Buffer.from(`${process.cwd()}/`), path]);
}

/** A path may have been taken over by another socket meanwhile: that one's file is not ours to remove. */
function removeIfSame(file: string | Buffer, made: Stats): void {
  try {
    const now = lstatSync(file);
    if (now.ino === made.ino && now.dev === made.dev) unlinkSync(file);
  } catch {
    // It is gone, or its folder is not ours any more. A file on which nobody listens is left, as after a crash.
  }
}

/**
 * Takes charge of the file that binding has just made.
 *
 * @param keep is given what removes the file, before anything here can fail
 */
export function adoptFile({ path, mode }: UnixPath, keep: (cleanUp: () => void) => void): void {
  if (path.length === 0 || isAbstract(path)) return;
  const file = absolute(path);
  const made = lstatSync(file);
  keep(() => {
    removeIfSame(file, made);
  });
  if (mode !== undefined) setSocketMode(path, mode);
}

/** How connecting to `path` ends: an errno's name, or `null` if somebody listens. */
async function probe(reactor: Reactor, path: string | Uint8Array): Promise<string | null> {
  try {
    const limits = { highWaterMark: 1, writeLimit: 1 };
    const stream = await dial(reactor, { family: 'unix', path }, { limits, options: {}, failsWhenBusy: true })
      .result;
    stream.abort();
    return null;
  } catch (error) {
    if (isSocketError(error)) return error.code;
    throw error;
  }
}

export interface Replaceable {
  readonly transport: 'tcp' | 'udp' | 'unix';
  readonly path?: string | Uint8Array | undefined;
  readonly stale?: 'fail' | 'replace' | undefined;
}

/**
 * Makes a socket, and once more where its path was only the remains of another that may be replaced. The kernel tells the
 * kinds of Unix sockets apart only where somebody has the path: with none, connecting is refused for all of them.
 */
export async function withoutRemains<T>(reactor: Reactor, plan: Replaceable, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    const isTaken = error instanceof SystemError && error.code === 'EADDRINUSE';
    const { path } = plan;
    if (!isTaken || plan.stale !== 'replace' || path === undefined) throw error;
    if (!(await removeStaleSocket(path, (each) => probe(reactor, each)))) throw error;
    return make();
  }
}
