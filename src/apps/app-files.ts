/** Finds the files that a manifest names, and lets no name lead out of the app's folder. */
import { access, constants, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import type { JsonPath } from './json-text.ts';

/** A background script that is there and may be read. */
export interface AppScript {
  /** The path as the manifest has it, from the app's folder on. */
  readonly entry: string;
  /** Where the file is: absolute, inside the app's real folder, without symbolic links. */
  readonly file: string;
}

export interface AppFolder {
  /** The folder's real path. */
  readonly root: string;
  /** The path that the user gave, for messages. */
  readonly folder: string;
}

interface ScriptProblem {
  readonly path: JsonPath;
  readonly reason: string;
}

/** Whether `file` is below `root`. Both are real paths. */
export function isInside(root: string, file: string): boolean {
  const way = relative(root, file);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

const ACCESS_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'may not be read (permission denied)',
  ELOOP: 'is a circle of symbolic links',
  ENAMETOOLONG: 'has too long a name',
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
};

/** What is wrong with a path by its text alone, or `undefined`. */
function wrongText(entry: string): string | undefined {
  if (entry.trim() === '') return 'is empty; it must be the path of a script in the app';
  if (entry.includes('\0')) return 'holds a NUL character';
  if (isAbsolute(entry)) return `'${entry}' is an absolute path; it must be relative to the app's folder`;
  if (!isInside('/app', join('/app', entry))) return `'${entry}' leads out of the app's folder`;
  return undefined;
}

/** The script, or what is wrong with it. */
async function findScript({ root, folder }: AppFolder, entry: string): Promise<AppScript | string> {
  const wrong = wrongText(entry);
  if (wrong !== undefined) return wrong;
  const shown = join(folder, entry);
  try {
    const file = await realpath(join(root, entry));
    if (!isInside(root, file)) return `'${entry}' is a symbolic link that leads out of the app's folder`;
    if (!(await stat(file)).isFile()) return `${shown} is not a file`;
    await access(file, constants.R_OK);
    return { entry, file };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return `${shown} ${ACCESS_REASONS[code] ?? `cannot be read: ${message}`}`;
  }
}

/** A script that the manifest names, and where. */
export interface ScriptEntry {
  readonly entry: string;
  readonly path: JsonPath;
}

/** Looks at every script that the manifest names; what is wrong is told with its place in the manifest. */
export async function findScripts(
  folder: AppFolder,
  entries: readonly ScriptEntry[],
): Promise<{ scripts: AppScript[]; problems: ScriptProblem[] }> {
  const scripts: AppScript[] = [];
  const problems: ScriptProblem[] = [];
  for (const { entry, path } of entries) {
    const found = await findScript(folder, entry);
    if (typeof found === 'string') problems.push({ path, reason: found });
    else scripts.push(found);
  }
  return { scripts, problems };
}
