/** Reads an app's `manifest.json`, checks all that Portside needs of it, and names the place of whatever is wrong. */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import * as v from 'valibot';
import { parseSocketsKey } from '../permissions/sockets-key.ts';
import { PermissionSyntaxError } from '../permissions/syntax-error.ts';
import { findScripts } from './app-files.ts';
import type { AppScript } from './app-files.ts';
import { JsonText, JsonTextError, formatJsonPath } from './json-text.ts';
import type { JsonPath, TextPlace } from './json-text.ts';
import { findUnsupported } from './unsupported.ts';

/** A checked app, ready to run. */
export interface App {
  readonly name: string;
  readonly version: string;
  /** Chrome's id for it: from the manifest's `key`, or else from the folder's path. @see `appId` */
  readonly id: string;
  /** The app's folder with no symbolic link in it. */
  readonly root: string;
  /** The background scripts in the order in which they run. */
  readonly scripts: readonly AppScript[];
  /** The manifest as it was written, as a value. */
  readonly manifest: Readonly<Record<string, unknown>>;
  /** What the manifest asks for that Portside does not have, one line each. */
  readonly warnings: readonly string[];
}

/** Something that is wrong at a place of the manifest. */
export interface ManifestProblem {
  readonly path: JsonPath;
  readonly reason: string;
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

const TEXT = 'must be a string';

/** One to four numbers from 0 to 65535 without leading zeros, not all of them zero. */
function isVersion(text: string): boolean {
  const parts = text.split('.');
  const isNumber = (part: string): boolean => /^(0|[1-9]\d{0,4})$/.test(part) && Number(part) <= 65535;
  return parts.length <= 4 && parts.every(isNumber) && parts.some((part) => Number(part) > 0);
}

/** An object that is no list, with these keys and any others. */
const dictionary = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(
    v.custom<object>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'must be an object',
    ),
    v.object(entries, 'must be an object'),
  );

const ScriptsSchema = v.pipe(
  v.array(v.string('must be a string, the path of a script in the app'), 'must be a list of script paths'),
  v.nonEmpty('must name at least one script'),
);

const ManifestSchema = dictionary({
  manifest_version: v.literal(2, 'must be 2, the version that Chrome Apps have'),
  name: v.pipe(v.string(TEXT), v.trim(), v.nonEmpty('must not be empty')),
  version: v.pipe(
    v.string(TEXT),
    v.check(isVersion, 'must be one to four numbers from 0 to 65535 with dots between them, such as "1.0.2"'),
  ),
  key: v.optional(v.string(TEXT)),
  app: dictionary({ background: dictionary({ scripts: ScriptsSchema }) }),
});

type CheckedManifest = v.InferOutput<typeof ManifestSchema>;

/** What to say of a key that is not there, where more can be said than that. */
const MISSING: Readonly<Record<string, string>> = {
  app: 'is missing: a Chrome App has {"background": {"scripts": […]}} here',
  'app.background.scripts': 'is missing: it lists the scripts to run',
};

function problemOf(issue: v.BaseIssue<unknown>, root: unknown): ManifestProblem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  if (issue.received !== 'undefined') return { path, reason: issue.message };
  const name = formatJsonPath(path);
  if (name === 'app' && typeof root === 'object' && root !== null && 'background' in root) {
    return { path, reason: "is missing: this is an extension's manifest, and only Chrome Apps are run" };
  }
  if (name === 'app.background.scripts' && v.is(PagedSchema, root)) {
    return {
      path,
      reason: 'is missing: a background page needs a document, which Portside has not; list its scripts here',
    };
  }
  return { path, reason: MISSING[name] ?? 'is missing' };
}

const PagedSchema = v.object({ app: v.object({ background: v.object({ page: v.unknown() }) }) });

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

function checkSockets(value: unknown): ManifestProblem[] {
  try {
    if (value !== undefined) parseSocketsKey(value);
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
  const { root, bytes } = await readApp(folder, shown);
  const text = parseText(bytes, shown);
  const line = ({ path, reason }: ManifestProblem): string => {
    const { line, column } = text.placeOf(path);
    const name = formatJsonPath(path);
    return `${shown}:${String(line)}:${String(column)}: ${name === '' ? 'the manifest' : name}: ${reason}`;
  };

  const parsed = v.safeParse(ManifestSchema, text.value);
  const sockets = v.is(v.object({}), text.value)
    ? (text.value as Record<string, unknown>)['sockets']
    : undefined;
  const problems = [
    ...(parsed.issues ?? []).map((issue) => problemOf(issue, text.value)),
    ...checkSockets(sockets),
  ];
  const entries = parsed.success ? parsed.output.app.background.scripts : [];
  const found = await findScripts({ root, folder: normalize(folder) }, entries);
  problems.push(...found.problems);
  if (!parsed.success || problems.length > 0) {
    throw new ManifestError(
      problems.sort((a, b) => comparePlaces(text.placeOf(a.path), text.placeOf(b.path))).map(line),
    );
  }

  const manifest = text.value as CheckedManifest & Record<string, unknown>;
  return {
    name: parsed.output.name,
    version: manifest.version,
    id: appId(root, manifest.key),
    root,
    scripts: found.scripts,
    manifest,
    warnings: findUnsupported(manifest).map(line),
  };
}
