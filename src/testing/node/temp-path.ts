/** A folder for Unix sockets, short enough for `sun_path`, and gone when the process ends. */
import { chmodSync, existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuiteFiles } from '../suite.ts';

let folder: string | undefined;
let count = 0;

/** A path that does not exist, in a folder that only this user can enter. */
export function tempPath(name = 'socket'): string {
  folder ??= makeFolder();
  return join(folder, `${String(++count)}-${name}`);
}

function makeFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'portside-'));
  chmodSync(made, 0o700);
  process.once('exit', () => {
    rmSync(made, { recursive: true, force: true });
  });
  return made;
}

/** Makes a fresh folder the current one, so that relative paths end there. It is gone when the process ends. */
export function enterTempFolder(): void {
  process.chdir(makeFolder());
}

/** What the suites need of the file system. */
export const tempFiles: SuiteFiles = {
  fresh: () => tempPath(),
  makeFile: (path) => {
    writeFileSync(path, 'not a socket');
  },
  makeStaleSocket,
  exists: existsSync,
  mode: (path) => statSync(path).mode & 0o777,
};

/**
 * Leaves a socket's file as a process does that was killed. Node takes a listener's file away when it closes, but not a
 * second link to it.
 */
function makeStaleSocket(path: string): Promise<void> {
  const own = tempPath('stale');
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(own, () => {
      linkSync(own, path);
      server.close(() => {
        resolve();
      });
    });
  });
}
