/**
 * What was granted for good, in one small JSON file for each program: for people to read, and for the owner alone.
 *
 * A file is written beside the one that it replaces, flushed, and renamed over it: whenever the machine stops, either the old
 * one is there or the new one. What cannot be read grants nothing, and is left as it is.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { GrantStore } from './grants.ts';
import { parseRules } from './native-dialect.ts';
import type { Asker } from './questions.ts';
import type { Rule } from './rule.ts';
import { formatRule } from './rule.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

const VERSION = 1;
const SUFFIX = '.json';
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const FileSchema = v.strictObject({
  version: v.literal(VERSION),
  id: v.string(),
  name: v.string(),
  allow: v.array(v.string()),
});

/** A file of grants cannot be read. Nothing is granted by it, and it was not changed. */
export class GrantFileError extends Error {
  /** The file. */
  readonly file: string;
  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file}: ${reason}; nothing is granted by it. Mend it, or remove it to be asked again`, options);
    this.file = file;
  }
}
Object.defineProperty(GrantFileError.prototype, 'name', { value: 'GrantFileError', configurable: true });

/** What one program was granted for good. */
export interface Remembered {
  readonly asker: Asker;
  readonly rules: readonly Rule[];
}

export interface GrantFiles extends GrantStore {
  /**
   * All programs that were granted something, by name.
   *
   * @param onUnreadable told of what cannot be read, and the others are listed. Without it, it is thrown
   * @throws {GrantFileError}
   */
  list(onUnreadable?: (error: GrantFileError) => void): Promise<readonly Remembered[]>;
  /** Forgets what a program was granted; a file that cannot be read too. @returns whether there was anything */
  forget(id: string): Promise<boolean>;
  /** Forgets everything, files that cannot be read too. @returns how many programs had been granted something */
  clear(): Promise<number>;
}

function isNotThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function unreadable(file: string, error: unknown): GrantFileError {
  return new GrantFileError(
    file,
    `cannot be read (${error instanceof Error ? error.message : String(error)})`,
    {
      cause: error,
    },
  );
}

/** A name for a file that no id can lead out of the folder with, and that no two ids share, whatever the case of letters. */
function fileName(id: string): string {
  if (/^[a-z0-9@{][a-z0-9@{}._-]{0,99}$/.test(id)) return id + SUFFIX;
  return `_${createHash('sha256').update(id).digest('hex')}${SUFFIX}`;
}

class Files implements GrantFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load({ id }: Asker): Promise<readonly Rule[]> {
    const file = fileName(id);
    const found = await this.#read(file);
    if (found === undefined) return [];
    const { asker, rules } = found;
    if (asker.id === id) return rules;
    throw new GrantFileError(join(this.#folder, file), `is of another program, ${JSON.stringify(asker.id)}`);
  }

  async save({ id, name }: Asker, rules: readonly Rule[]): Promise<void> {
    const allow = rules.map(formatRule);
    await this.#write(fileName(id), `${JSON.stringify({ version: VERSION, id, name, allow }, null, 2)}\n`);
  }

  async list(onUnreadable?: (error: GrantFileError) => void): Promise<readonly Remembered[]> {
    const found: Remembered[] = [];
    for (const name of await this.#names()) {
      try {
        const one = await this.#read(name);
        if (one !== undefined && one.rules.length > 0) found.push(one);
      } catch (error) {
        if (!(error instanceof GrantFileError) || onUnreadable === undefined) throw error;
        onUnreadable(error);
      }
    }
    return found.sort((a, b) => (a.asker.name < b.asker.name ? -1 : 1));
  }

  async forget(id: string): Promise<boolean> {
    try {
      await rm(join(this.#folder, fileName(id)));
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
    await this.#flushFolder();
    return true;
  }

  async clear(): Promise<number> {
    const names = await this.#names();
    for (const name of names) await rm(join(this.#folder, name), { force: true });
    if (names.length > 0) await this.#flushFolder();
    return names.length;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith(SUFFIX));
    } catch (error) {
      if (isNotThere(error)) return [];
      throw unreadable(this.#folder, error);
    }
  }

  async #read(name: string): Promise<Remembered | undefined> {
    const file = join(this.#folder, name);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (isNotThere(error)) return undefined;
      throw unreadable(file, error);
    }
    return parseFile(file, text);
  }

  async #write(name: string, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
    const file = join(this.#folder, name);
    const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
    try {
      const handle = await open(draft, 'wx', FILE_MODE);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await this.#flushFolder();
  }

  /** So that the rename survives too. */
  async #flushFolder(): Promise<void> {
    const handle = await open(this.#folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

function parseFile(file: string, text: string): Remembered {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GrantFileError(file, 'is no JSON', { cause: error });
  }
  const parsed = v.safeParse(FileSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const path = v.getDotPath(issue) ?? 'the file';
    throw new GrantFileError(file, `${path}: ${issue.message}`);
  }
  const { id, name, allow } = parsed.output;
  try {
    const rules = parseRules(allow);
    if (rules.some(({ effect }) => effect === 'deny')) throw new GrantFileError(file, 'allow: has a deny');
    return { asker: { id, name }, rules };
  } catch (error) {
    if (!(error instanceof PermissionSyntaxError)) throw error;
    throw new GrantFileError(file, `allow: ${error.message}`, { cause: error });
  }
}

/**
 * Keeps grants in `folder`, which is made when the first is saved, for its owner alone (0700, files 0600).
 *
 * @param folder such as `~/.config/portside/permissions`
 */
export function grantFiles(folder: string): GrantFiles {
  return new Files(folder);
}
