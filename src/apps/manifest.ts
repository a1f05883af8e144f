/** Reads an app's `manifest.json`, checks all that Portside needs of it, and names the place of whatever is wrong. */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type * as v from 'valibot';
import { PermissionSyntaxError } from '../permissions/syntax-error.ts';
import { findScripts } from './app-files.ts';
import type { AppScript } from './app-files.ts';
import { JsonText, JsonTextError, formatJsonPath } from './json-text.ts';
import type { TextPlace } from './json-text.ts';
import type { ManifestKind, ManifestProblem } from './manifest-kinds.ts';
import { kindOf } from './manifest-kinds.ts';
import { findUnsupported } from './unsupported.ts';

/** A checked app, ready to run. */
export interface App {
  readonly kind: ManifestKind['kind'];
  readonly name: string;
  readonly version: string;
  /**
   * Chrome's id for an app: from the manifest's `key`, or else from the folder's path. An extension may have one of its own,
   * in `browser_specific_settings.gecko.id`. @see `appId`
   */
  readonly id: string;
  /** The app's folder with no symbolic link in it. */
  readonly root: string;
  /** The background scripts in the order in which they run. */
  readonly scripts: readonly AppScript[];
  /** Whether they are modules rather than classic scripts. */
  readonly isModule: boolean;
  /** The manifest as it was written, as a value. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** What the manifest asks for that Portside does not have, one line each. */
  readonly warnings: readonly string[];
}

/** The app's folder or manifest cannot be used. */
export class ManifestError extends Error {
  override readonly name: string = 'ManifestError';
  /** One line for each thing that is wrong, with its place: `DIR/manifest.json:3:13: version: …`. Never empty. */
  readonly lines: readonly string[];

  constructor(lines: readonly string[], options?: ErrorOptions) {
    super(lines.join('\n'), options);
    this.lines = lines;
  }
}

function problemOf(kind: ManifestKind, issue: v.BaseIssue<unknown>, root: unknown): ManifestProblem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  if (issue.received !== 'undefined') return { path, reason: issue.message };
  const told = typeof root === 'object' && root !== null ? kind.missing(path, root) : undefined;
  return { path, reason: told ?? 'is missing' };
}

/**
 * Chrome's id of an app: 32 letters from a to p. It is made from the manifest's `key` (a public key in base64), as in
 * Chrome, or else from the folder's path, as Chrome does for unpacked apps.
 */
export function appId(root: string, key: string | undefined): string {
  const source = key === undefined ? Buffer.from(root) : Buffer.from(key, 'base64');
  const hex = createHash('sha256').update(source).digest('hex').slice(0, 32);
  return hex.replace(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
}

const OPEN_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'may not be read (permission denied)',
  EISDIR: 'is a folder, not a file',
  ELOOP: 'is a circle of symbolic links',
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
};

function openFailure(shown: string, error: unknown, hint = ''): ManifestError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new ManifestError([`${shown}: ${OPEN_REASONS[code] ?? message}${hint}`], { cause: error });
}

/** The real path of the app's folder, and its manifest's bytes. */
async function readApp(folder: string, shown: string): Promise<{ root: string; bytes: Uint8Array }> {
  let root;
  try {
    root = await realpath(folder);
    if (!(await stat(root)).isDirectory()) {
      throw new ManifestError([
        `${folder}: is not a folder; give the folder that holds the app's manifest.json`,
      ]);
    }
  } catch (error) {
    throw error instanceof ManifestError ? error : openFailure(folder, error);
  }
  try {
    return { root, bytes: await readFile(join(root, 'manifest.json')) };
  } catch (error) {
    throw openFailure(shown, error, "; give the folder that holds the app's manifest.json");
  }
}

function parseText(bytes: Uint8Array, shown: string): JsonText {
  try {
    return new JsonText(bytes);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    const { line, column } = error.place;
    throw new ManifestError([`${shown}:${String(line)}:${String(column)}: ${error.message}`], {
      cause: error,
    });
  }
}

function checkPermissions(kind: ManifestKind, manifest: object): ManifestProblem[] {
  try {
    kind.checkPermissions(manifest as Readonly<Record<string, unknown>>);
    return [];
  } catch (error) {
    if (!(error instanceof PermissionSyntaxError)) throw error;
    return [{ path: error.path, reason: error.message }];
  }
}

function comparePlaces(a: TextPlace, b: TextPlace): number {
  return a.line - b.line || a.column - b.column;
}

/**
 * Loads and checks the app in a folder.
 *
 * @param folder a path as the user gave it; messages show it so
 * @throws {ManifestError} the folder or the manifest cannot be read, the manifest is not valid, or a script is not there
 */
export async function loadApp(folder: string): Promise<App> {
  const shown = join(folder, 'manifest.json');
  const { root: folderRoot, bytes } = await readApp(folder, shown);
  const text = parseText(bytes, shown);
  const line = ({ path, reason }: ManifestProblem): string => {
    const { line, column } = text.placeOf(path);
    const name = formatJsonPath(path);
    return `${shown}:${String(line)}:${String(column)}: ${name === '' ? 'the manifest' : name}: ${reason}`;
  };

  const root: unknown = text.value;
  const isObject = typeof root === 'object' && root !== null;
  const kind = kindOf(isObject ? root : {});
  const parsed = kind.check(root);
  const problems = [
    ...(parsed.issues ?? []).map((issue) => problemOf(kind, issue, root)),
    ...(isObject ? checkPermissions(kind, root) : []),
  ];
  const found = await findScripts(
    { root: folderRoot, folder: normalize(folder) },
    parsed.success ? parsed.output.scripts : [],
  );
  problems.push(...found.problems);
  if (!parsed.success || problems.length > 0) {
    throw new ManifestError(
      problems.sort((a, b) => comparePlaces(text.placeOf(a.path), text.placeOf(b.path))).map(line),
    );
  }

  const manifest = root as Readonly<Record<string, unknown>>;
  const { name, version, key, isModule } = parsed.output;
  return {
    kind: kind.kind,
    name,
    version,
    id: kind.kind === 'extension' ? (key ?? appId(folderRoot, undefined)) : appId(folderRoot, key),
    root: folderRoot,
    scripts: found.scripts,
    isModule,
    manifest,
    warnings: findUnsupported(kind.kind, manifest).map(line),
  };
}
