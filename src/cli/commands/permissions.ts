/** `portside permissions`: what extensions were granted for good. */
import { ManifestError, loadApp } from '../../apps/manifest.ts';
import { describeRules } from '../../permissions/describe.ts';
import type { GrantFiles, Remembered } from '../../permissions/grant-files.ts';
import { GrantFileError, grantFiles } from '../../permissions/grant-files.ts';
import { readManifestPermissions } from '../../permissions/manifest-permissions.ts';
import type { Asker } from '../../permissions/questions.ts';
import { covers } from '../../permissions/relations.ts';
import type { Rule } from '../../permissions/rule.ts';
import { uniqueRules } from '../../permissions/rule.ts';
import { PermissionSyntaxError } from '../../permissions/syntax-error.ts';
import { wordPermission } from '../../permissions/webextension-dialect.ts';
import { readPermission } from '../permission-arguments.ts';
import { escapeControls } from '../styles.ts';
import { permissionsFolder } from '../user-folders.ts';

export interface JsonOption {
  readonly json?: boolean;
}

/** Something that the user can mend. */
class CommandError extends Error {}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function run(work: (files: GrantFiles) => Promise<void>): Promise<void> {
  try {
    await work(grantFiles(permissionsFolder()));
  } catch (error) {
    const isTold = [CommandError, GrantFileError, ManifestError, PermissionSyntaxError].some(
      (type) => error instanceof type,
    );
    if (!isTold && !isOfFiles(error)) throw error;
    process.stderr.write(`portside: ${escapeControls((error as Error).message)}\n`);
    process.exitCode = 1;
  }
}

/** What the system says of a file or folder, such as that it belongs to somebody else. */
function isOfFiles(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error && 'path' in error;
}

function listed({ asker, rules }: Remembered): Listed {
  return { ...asker, permissions: rules.map(wordPermission) };
}

function show(all: readonly Remembered[], { json }: JsonOption, nothing: string): void {
  if (json === true) {
    print(JSON.stringify(all.map(listed), null, 2));
    return;
  }
  if (all.length === 0) print(nothing);
  for (const { asker, rules } of all) {
    print(`${escapeControls(asker.name)}  (${escapeControls(asker.id)})`);
    for (const { rule, text } of describeRules(rules))
      print(`  ${escapeControls(wordPermission(rule))}\n      may ${escapeControls(text)}`);
  }
}

/** All but what cannot be read, which is named and is no reason to say nothing of the others. */
function readable(files: GrantFiles): Promise<readonly Remembered[]> {
  return files.list((error) => {
    process.stderr.write(`portside: ${escapeControls(error.message)}\n`);
    process.exitCode = 1;
  });
}

/** An extension by its folder, its id or its name, among those that were granted something. */
async function find(files: GrantFiles, app: string): Promise<Remembered> {
  const all = await readable(files);
  const byName = all.filter(({ asker }) => asker.id === app || asker.name === app);
  if (byName.length > 1)
    throw new CommandError(
      `there are several extensions with the name ${app}; give an id: ${byName.map(({ asker }) => asker.id).join(', ')}`,
    );
  const [found = await findByFolder(all, app)] = byName;
  if (found !== undefined) return found;
  const known = all.map(({ asker }) => asker.name).join(', ');
  throw new CommandError(`nothing was granted to ${app}${known === '' ? '' : `; only to ${known}`}`);
}

async function findByFolder(all: readonly Remembered[], folder: string): Promise<Remembered | undefined> {
  try {
    const { id } = await loadApp(folder);
    return all.find(({ asker }) => asker.id === id);
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}

export function listPermissions(app: string | undefined, options: JsonOption): Promise<void> {
  return run(async (files) => {
    const all = app === undefined ? await readable(files) : [await find(files, app)];
    show(all, options, 'no extension was granted anything for good');
  });
}

export function grantPermissions(
  folder: string,
  texts: readonly string[],
  options: JsonOption,
): Promise<void> {
  return run(async (files) => {
    const app = await loadApp(folder);
    const rules = texts.flatMap(readPermission);
    const { granted, optional } = readManifestPermissions(app.manifest);
    const declared = [...granted, ...optional];
    const undeclared = rules.filter((rule) => !declared.some((other) => covers(other, rule)));
    if (undeclared.length > 0)
      throw new CommandError(
        `${app.name} does not declare ${undeclared.map(wordPermission).join(', ')}; its manifest has ${declared.map(wordPermission).join(', ') || 'none'}`,
      );
    const asker: Asker = { id: app.id, name: app.name };
    const all = uniqueRules([...(await files.load(asker)), ...rules]);
    await files.save(asker, all);
    show([{ asker, rules: all }], options, '');
  });
}

export function revokePermissions(app: string, texts: readonly string[], options: JsonOption): Promise<void> {
  return run(async (files) => {
    const { asker, rules } = await find(files, app);
    const revoked = texts.flatMap(readPermission);
    const isRevoked = (rule: Rule): boolean => revoked.some((other) => covers(other, rule));
    const left = rules.filter((rule) => !isRevoked(rule));
    if (left.length === rules.length)
      throw new CommandError(
        `${asker.name} holds nothing that is no broader than that; it holds ${rules.map(wordPermission).join(', ')}`,
      );
    if (left.length === 0) await files.forget(asker.id);
    else await files.save(asker, left);
    show(left.length === 0 ? [] : [{ asker, rules: left }], options, `${asker.name} holds nothing any more`);
  });
}

export function resetPermissions(app: string | undefined, { json }: JsonOption): Promise<void> {
  return run(async (files) => {
    // Of one: by its id even if its file cannot be read, for that is how to mend it.
    const isForgotten = app !== undefined && (await files.forget(app));
    if (app !== undefined && !isForgotten) await files.forget((await find(files, app)).asker.id);
    const count = app === undefined ? await files.clear() : 1;
    if (json === true) print(JSON.stringify({ reset: count }));
    else if (count === 0) print('no extension was granted anything for good');
    else print(`taken back from ${app ?? (count === 1 ? 'one extension' : `${String(count)} extensions`)}`);
  });
}
