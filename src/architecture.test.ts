/** The statement of policy: which folder may import which, what may import Node, and how long a file may be. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Which other folders the code in a folder may import. Packages are not restricted here. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  facades: ['base'],
  testing: ['base'],
  client: ['base', 'protocol'],
  addon: ['base'],
  posix: ['base', 'addon'],
  ucode: ['base', 'posix'],
  portable: ['base'],
  engine: ['base', 'addon', 'posix', 'portable'],
  permissions: ['base'],
  host: ['base', 'protocol', 'permissions'],
  gateway: ['base', 'protocol', 'permissions', 'host'],
  apps: ['base', 'protocol', 'permissions', 'host', 'facades', 'client'],
  compat: ['base', 'posix', 'engine'],
  node: ['base', 'addon', 'posix', 'portable', 'engine', 'facades'],
};
const LIBRARY: readonly string[] = [...Object.keys(MAY_IMPORT), 'doors'];
const ALL: readonly string[] = [...LIBRARY, 'cli'];
const RULES: ReadonlyMap<string, readonly string[]> = new Map([
  ...Object.entries(MAY_IMPORT),
  ['doors', LIBRARY],
  ['cli', ALL],
  ['e2e', ALL],
]);

/** What the tests of any folder may import besides. */
const TESTS_MAY_IMPORT: readonly string[] = ['testing', 'portable', 'engine', 'doors', 'e2e'];

/** Folders that run anywhere: in a page as well as in Node. */
const WITHOUT_NODE: readonly string[] = ['base', 'protocol', 'facades', 'testing'];
/** The exceptions to that: helpers for tests that run in Node. */
const WITH_NODE = 'testing/node/';

/** The longest a file may be. Longer ones read better in parts. */
const MAX_LINES = 500;
/** Pure tables: one row a line, and no code to get lost in. */
const TABLES: readonly string[] = [
  'addon/constant-names.ts',
  'base/errno.ts',
  'posix/options.ts',
  'ucode/constants.ts',
];

interface Import {
  /** The importing file, below `src`. */
  readonly from: string;
  readonly specifier: string;
  /** The imported file, below `src`, if it is one of ours. */
  readonly to: string | undefined;
}

/** All TypeScript files below `src`, with `/` between folders. */
function sourceFiles(): readonly string[] {
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => name.replaceAll('\\', '/'));
}

function read(file: string): string {
  return readFileSync(join(ROOT, 'src', file), 'utf8');
}

/** What one file imports: statically, for types, by re-export, and by `import()` of a literal. */
function importsOf(from: string, text: string): readonly Import[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName: specifier }) => ({
    from,
    specifier,
    to: specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined,
  }));
}

/** Tests, and what the tests of one folder share. */
const isTest = (file: string): boolean => file.endsWith('.test.ts') || posix.basename(file) === 'test-kit.ts';
const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

/** Whether the table lets `from` import `to`. Files directly in `src` are tests of the whole. */
function mayImport(from: string, to: string): boolean {
  const folder = folderOf(from);
  if (folder === folderOf(to) || folder === '') return true;
  const allowed = RULES.get(folder) ?? [];
  return allowed.includes(folderOf(to)) || (isTest(from) && TESTS_MAY_IMPORT.includes(folderOf(to)));
}

function mayUseNode(file: string): boolean {
  return isTest(file) || file.startsWith(WITH_NODE) || !WITHOUT_NODE.includes(folderOf(file));
}

const isNode = (specifier: string): boolean => isBuiltin(specifier) || specifier.startsWith('node:');

/** The table as the page shows it. */
function tableRows(): readonly string[] {
  return Object.entries(MAY_IMPORT).map(([folder, names]) => {
    const list = names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
    return `| \`${folder}\` | ${list} |`;
  });
}

const FILES = sourceFiles();
const IMPORTS = FILES.flatMap((file) => importsOf(file, read(file)));
const show = ({ from, specifier }: Import): string => `src/${from} imports ${specifier}`;

test('every folder has a row in the import table', () => {
  const unknown = FILES.filter((file) => file.includes('/') && !RULES.has(folderOf(file)));
  assert.deepEqual(unknown, []);
});

test('folders import only what the table lets them', () => {
  const wrong = IMPORTS.filter(({ from, to }) => to !== undefined && !mayImport(from, to));
  assert.deepEqual(wrong.map(show), []);
});

test('imports of our own files stay in src and name files that exist', () => {
  const known = new Set(FILES);
  const wrong = IMPORTS.filter(({ to }) => to !== undefined && !known.has(to));
  assert.deepEqual(wrong.map(show), []);
});

test('the code does not import the package by its own name', () => {
  const wrong = IMPORTS.filter(({ specifier }) => /^portside(\/|$)/.test(specifier));
  assert.deepEqual(wrong.map(show), []);
});

test('only tests import tests', () => {
  const wrong = IMPORTS.filter(({ from, to }) => to !== undefined && isTest(to) && !isTest(from));
  assert.deepEqual(wrong.map(show), []);
});

test('folders that run anywhere import no module of Node', () => {
  const wrong = IMPORTS.filter(({ from, specifier }) => isNode(specifier) && !mayUseNode(from));
  assert.deepEqual(wrong.map(show), []);
});

test('folders that run anywhere import nothing that is for Node only', () => {
  const wrong = IMPORTS.filter(({ from, to }) => to?.startsWith(WITH_NODE) === true && !mayUseNode(from));
  assert.deepEqual(wrong.map(show), []);
});

test('modules of Node are imported as node:', () => {
  const wrong = IMPORTS.filter(({ specifier }) => isBuiltin(specifier) && !specifier.startsWith('node:'));
  assert.deepEqual(wrong.map(show), []);
});

test('only src/addon knows where the native module is', () => {
  const loads = /node-gyp-build|\.node['"`]|process\.dlopen/;
  const wrong = FILES.filter((file) => folderOf(file) !== 'addon' && !isTest(file) && loads.test(read(file)));
  assert.deepEqual(wrong, []);
});

test(`no file is longer than ${String(MAX_LINES)} lines`, () => {
  const long = FILES.filter((file) => !TABLES.includes(file))
    .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(long, []);
});

test('tables that are exempt from the limit exist', () => {
  assert.deepEqual(
    TABLES.filter((file) => !FILES.includes(file)),
    [],
  );
});

test('docs/design/architecture.md has the same import table', () => {
  const page = readFileSync(join(ROOT, 'docs/design/architecture.md'), 'utf8').replaceAll(/ +\|/g, ' |');
  assert.deepEqual(
    tableRows().filter((row) => !page.includes(row)),
    [],
  );
});

test('the checks themselves see a wrong import', () => {
  const [typeOnly, again, lazy] = importsOf(
    'base/x.ts',
    "import type { A } from '../engine/a.ts'; export { b } from '../cli/b.ts'; const c = await import('node:net');",
  );
  assert.equal(typeOnly?.to, 'engine/a.ts');
  assert.equal(mayImport('base/x.ts', 'engine/a.ts'), false);
  assert.equal(mayImport('base/x.test.ts', 'engine/a.ts'), true);
  assert.equal(again?.to, 'cli/b.ts');
  assert.equal(mayImport('doors/x.ts', 'cli/b.ts'), false);
  assert.equal(lazy?.specifier, 'node:net');
  assert.equal(mayUseNode('base/x.ts'), false);
});
