/** The two kinds of programs that are run, and what a manifest of each must have. */
import * as v from 'valibot';
import { readManifestPermissions } from '../permissions/manifest-permissions.ts';
import { parseSocketsKey } from '../permissions/sockets-key.ts';
import type { ScriptEntry } from './app-files.ts';
import type { JsonPath } from './json-text.ts';
import { formatJsonPath } from './json-text.ts';

/** Something that is wrong at a place of the manifest. */
export interface ManifestProblem {
  readonly path: JsonPath;
  readonly reason: string;
}

/** What is read of a manifest of any kind. */
export interface CheckedManifest {
  readonly name: string;
  readonly version: string;
  /** Tells it from all others, if it says so itself. */
  readonly key: string | undefined;
  readonly scripts: readonly ScriptEntry[];
  readonly isModule: boolean;
}

export interface ManifestKind {
  readonly kind: 'chrome-app' | 'extension';
  check(value: unknown): v.SafeParseResult<v.GenericSchema<unknown, CheckedManifest>>;
  /** What to say of a key that is not there, where more can be said than that. @param root the manifest */
  missing(path: JsonPath, root: object): string | undefined;
  /** @throws {PermissionSyntaxError} a permission cannot be read; `path` is the place */
  checkPermissions(manifest: Readonly<Record<string, unknown>>): void;
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

const COMMON = {
  name: v.pipe(v.string(TEXT), v.trim(), v.nonEmpty('must not be empty')),
  version: v.pipe(
    v.string(TEXT),
    v.check(isVersion, 'must be one to four numbers from 0 to 65535 with dots between them, such as "1.0.2"'),
  ),
};

function entriesAt(scripts: readonly string[], ...path: JsonPath): readonly ScriptEntry[] {
  return scripts.map((entry, index) => ({ entry, path: [...path, index] }));
}

const ChromeAppSchema = v.pipe(
  dictionary({
    ...COMMON,
    manifest_version: v.literal(2, 'must be 2, the version that Chrome Apps have'),
    key: v.optional(v.string(TEXT)),
    app: dictionary({ background: dictionary({ scripts: ScriptsSchema }) }),
  }),
  v.transform(({ name, version, key, app }): CheckedManifest => ({
    name,
    version,
    key,
    scripts: entriesAt(app.background.scripts, 'app', 'background', 'scripts'),
    isModule: false,
  })),
);

const GeckoSchema = v.optional(
  dictionary({ gecko: v.optional(dictionary({ id: v.optional(v.string(TEXT)) })) }),
);

const ExtensionSchema = v.pipe(
  dictionary({
    ...COMMON,
    manifest_version: v.picklist([2, 3], 'must be 2 or 3, the versions that extensions have'),
    browser_specific_settings: GeckoSchema,
    background: dictionary({
      scripts: ScriptsSchema,
      type: v.optional(v.picklist(['classic', 'module'], "must be 'classic' or 'module'"), 'classic'),
    }),
  }),
  v.transform(({ name, version, background, browser_specific_settings: settings }): CheckedManifest => ({
    name,
    version,
    key: settings?.gecko?.id,
    scripts: entriesAt(background.scripts, 'background', 'scripts'),
    isModule: background.type === 'module',
  })),
);

const PagedSchema = v.object({ app: v.object({ background: v.object({ page: v.unknown() }) }) });

/** Where a key that is not there should be, and what it is. */
const MISSING: Readonly<Record<string, string>> = {
  app: 'is missing: a Chrome App has {"background": {"scripts": […]}} here, and an extension has a "background"',
  'app.background.scripts': 'is missing: it lists the scripts to run',
  'background.scripts': 'is missing: it lists the scripts to run; pages and service workers are not run',
};

const CHROME_APP: ManifestKind = {
  kind: 'chrome-app',
  check: (value) => v.safeParse(ChromeAppSchema, value),
  missing: (path, root) => {
    const name = formatJsonPath(path);
    if (name === 'app.background.scripts' && v.is(PagedSchema, root))
      return 'is missing: a background page needs a document, which Portside has not; list its scripts here';
    return MISSING[name];
  },
  checkPermissions: ({ sockets }) => {
    if (sockets !== undefined) parseSocketsKey(sockets);
  },
};

const EXTENSION: ManifestKind = {
  kind: 'extension',
  check: (value) => v.safeParse(ExtensionSchema, value),
  missing: (path) => MISSING[formatJsonPath(path)],
  checkPermissions: (manifest) => {
    readManifestPermissions(manifest);
  },
};

/** Which kind a manifest is of: only apps have an `app`, and only extensions have their background beside it. */
export function kindOf(manifest: object): ManifestKind {
  return !Object.hasOwn(manifest, 'app') && Object.hasOwn(manifest, 'background') ? EXTENSION : CHROME_APP;
}
