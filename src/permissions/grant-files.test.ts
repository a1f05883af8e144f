import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import fsp from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { leakCheck } from '../testing/node/leak-check.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { grantFiles } from './grant-files.ts';
import { Grants } from './grants.ts';
import { parseRules } from './native-dialect.ts';
import type { Rule } from './rule.ts';
import { formatRule } from './rule.ts';

const APP = { id: 'app', name: 'Chat' };
const OLD = parseRules(['tcp-connect:old.example:443']);
const NEW = parseRules(['tcp-connect:new.example:443', 'unix-connect:/run/*']);
const texts = (rules: readonly Rule[]): readonly string[] => rules.map(formatRule);
const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('grantFiles read what they wrote, for people to read and for the owner alone', async () => {
  const folder = join(tempPath(), 'deep', 'er');
  const files = grantFiles(folder);
  assert.deepEqual([await files.load(APP), await files.list(), await files.forget('app')], [[], [], false]);
  assert.equal(existsSync(folder), false, 'nothing is made before it is needed');
  await files.save(APP, NEW);
  assert.deepEqual(await files.load(APP), NEW);
  const file = join(folder, 'app.json');
  assert.deepEqual([modeOf(file), modeOf(folder), modeOf(join(folder, '..'))], [0o600, 0o700, 0o700]);
  assert.equal(
    readFileSync(file, 'utf8'),
    `{
  "version": 1,
  "id": "app",
  "name": "Chat",
  "allow": [
    "tcp-connect:new.example:443",
    "unix-connect:/run/*"
  ]
}
`,
  );
  assert.deepEqual(readdirSync(folder), ['app.json'], 'no draft is left');
  assert.deepEqual(await files.list(), [{ asker: APP, rules: NEW }]);
  assert.equal(await files.forget('app'), true);
  assert.deepEqual([await files.load(APP), readdirSync(folder)], [[], []]);
});

test('grantFiles write a file of their own mode, whatever was there', async () => {
  const folder = tempPath();
  const files = grantFiles(folder);
  await files.save(APP, OLD);
  const file = join(folder, 'app.json');
  chmodSync(file, 0o666);
  await files.save(APP, NEW);
  assert.equal(modeOf(file), 0o600);
});

test('grantFiles replace a link, and write nothing where it leads (F72)', async () => {
  const folder = tempPath();
  mkdirSync(folder);
  const other = tempPath();
  writeFileSync(other, 'precious');
  symlinkSync(other, join(folder, 'app.json'));
  await grantFiles(folder).save(APP, NEW);
  assert.equal(readFileSync(other, 'utf8'), 'precious');
  assert.equal(statSync(join(folder, 'app.json')).isFile(), true);
});

test('grantFiles keep programs apart', async () => {
  const folder = tempPath();
  const [here, there] = [grantFiles(folder), grantFiles(folder)];
  const other = { id: 'other', name: 'A first one' };
  await Promise.all([here.save(APP, OLD), there.save(other, NEW)]);
  assert.deepEqual([await there.load(APP), await here.load(other)], [OLD, NEW]);
  assert.deepEqual(
    (await here.list()).map(({ asker }) => asker.name),
    ['A first one', 'Chat'],
  );
  await here.forget('app');
  assert.deepEqual(await here.load(other), NEW);
});

test('grantFiles: two who save for one program leave one of the two, whole', async () => {
  const folder = tempPath();
  const [here, there] = [grantFiles(folder), grantFiles(folder)];
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? here.save(APP, OLD) : there.save(APP, NEW))),
  );
  const left = await here.load(APP);
  assert.ok([OLD, NEW].some((rules) => texts(rules).join() === texts(left).join()));
  assert.deepEqual(readdirSync(folder), ['app.json']);
});

const HOSTILE = [
  '../../escape',
  '/etc/passwd',
  '..',
  '.',
  '',
  'a/b',
  'a\0b',
  '.hidden',
  'CON',
  'x'.repeat(5000),
  '\u202e',
  'App',
];
test('grantFiles: no id leads out of the folder, and no two are one file (F74)', async () => {
  const folder = join(tempPath(), 'inside');
  const files = grantFiles(folder);
  const longer = `${'x'.repeat(5000)}y`;
  // Also what a file's name is made of is an id.
  await files.save({ id: '../../escape', name: 'first' }, OLD);
  const [made = ''] = readdirSync(folder);
  const ids = [...HOSTILE, longer, 'app', made, made.replace('.json', '')];
  for (const id of ids)
    await files.save({ id, name: id }, parseRules([`tcp-connect:*:${String(ids.indexOf(id) + 1)}`]));
  for (const id of ids)
    assert.deepEqual(texts(await files.load({ id, name: '' })), [
      `tcp-connect:*:${String(ids.indexOf(id) + 1)}`,
    ]);
  assert.equal(readdirSync(folder).length, ids.length);
  assert.deepEqual(readdirSync(join(folder, '..')), ['inside']);
});

test('grantFiles that are of another program grant nothing', async () => {
  const folder = tempPath();
  const files = grantFiles(folder);
  await files.save(APP, NEW);
  writeFileSync(join(folder, 'thief.json'), readFileSync(join(folder, 'app.json')));
  await assert.rejects(files.load({ id: 'thief', name: 'Thief' }), {
    name: 'GrantFileError',
    file: join(folder, 'thief.json'),
    message: /is of another program, "app"; nothing is granted by it/,
  });
});

const BROKEN: readonly (readonly [what: string, text: string, reason: RegExp])[] = [
  ['nothing', '', /is no JSON/],
  ['half of it', '{"version": 1, "id": "app", "na', /is no JSON/],
  ['zeros', '\0'.repeat(100), /is no JSON/],
  ['a list', '[]', /version: /],
  ['null', 'null', /Expected Object/],
  ['another version', '{"version":2,"id":"app","name":"","allow":[]}', /version: /],
  ['no list', '{"version":1,"id":"app","name":"","allow":"unix"}', /allow: /],
  ['a number in the list', '{"version":1,"id":"app","name":"","allow":[1]}', /allow\.0: /],
  [
    'a rule that is none',
    '{"version":1,"id":"app","name":"","allow":["unix","tcp-connect:a:0"]}',
    /allow: Cannot read the permission "tcp-connect:a:0"/,
  ],
  ['a deny', '{"version":1,"id":"app","name":"","allow":["deny unix"]}', /allow: has a deny/],
  ['more than is known', '{"version":1,"id":"app","name":"","allow":[],"all":true}', /all: /],
];
for (const [what, text, reason] of BROKEN) {
  test(`grantFiles with ${what} in a file say so, grant nothing, and leave it alone`, async () => {
    const folder = tempPath();
    mkdirSync(folder);
    const file = join(folder, 'app.json');
    writeFileSync(file, text);
    const files = grantFiles(folder);
    const told = (error: unknown): boolean => {
      assert.ok(error instanceof Error && 'file' in error);
      assert.deepEqual([error.name, error.file], ['GrantFileError', file]);
      assert.ok(error.message.startsWith(`${file}: `), error.message);
      assert.match(error.message, reason);
      return true;
    };
    await assert.rejects(files.load(APP), told);
    await assert.rejects(files.list(), told);
    await assert.rejects(Grants.open({ asker: APP, store: files }), told);
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.equal(await files.forget('app'), true, 'it can be removed');
    assert.deepEqual(await files.load(APP), []);
  });
}

test('grantFiles name a file that the system does not read out, and grant nothing', async () => {
  const folder = tempPath();
  const file = join(folder, 'app.json');
  mkdirSync(file, { recursive: true });
  const told = { name: 'GrantFileError', file, message: /app\.json: cannot be read \(EISDIR/ };
  await assert.rejects(grantFiles(folder).load(APP), told);
  await assert.rejects(grantFiles(folder).list(), told);
});

test('grantFiles: a folder that is a file is told, and nothing is granted', async () => {
  const file = tempPath();
  writeFileSync(file, '');
  const files = grantFiles(file);
  await assert.rejects(files.load(APP), { name: 'GrantFileError', message: /cannot be read \(ENOTDIR/ });
  await assert.rejects(files.list(), { name: 'GrantFileError', file });
  await assert.rejects(files.save(APP, NEW), { code: /ENOTDIR|EEXIST/ });
});

// --- faults at every step of a save -------------------------------------------------------------------

type Step = 'close' | 'folder' | 'mkdir' | 'open' | 'rename' | 'sync' | 'write';

/** Makes one step of the next save fail, as the system may. */
function failing(t: TestContext, step: Step): void {
  const failure = Object.assign(new Error(`EIO: ${step}`), { code: 'EIO' });
  const fail = (): Promise<never> => Promise.reject(failure);
  const { open } = fsp;
  const onFile = (handle: FileHandle): FileHandle => {
    if (step === 'write')
      t.mock.method(handle, 'writeFile', async () => {
        await handle.write('{"version": 1, "id');
        throw failure;
      });
    if (step === 'sync') t.mock.method(handle, 'sync', fail);
    if (step === 'close') {
      const close = handle.close.bind(handle);
      t.mock.method(handle, 'close', async () => {
        await close();
        throw failure;
      });
    }
    return handle;
  };
  if (step === 'mkdir' || step === 'rename') t.mock.method(fsp, step, fail);
  else
    t.mock.method(fsp, 'open', async (path: string, flags: string, mode?: number) => {
      const isFolder = flags === 'r';
      if (step === (isFolder ? 'folder' : 'open')) throw failure;
      const handle = await open(path, flags, mode);
      return isFolder ? handle : onFile(handle);
    });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

for (const step of ['mkdir', 'open', 'write', 'sync', 'close', 'rename'] as const) {
  test(`grantFiles: a save that fails at ${step} leaves what was there, and no draft`, async (t) => {
    const folder = tempPath();
    const files = grantFiles(folder);
    await files.save(APP, OLD);
    const leaks = leakCheck();
    failing(t, step);
    await assert.rejects(files.save(APP, NEW), { code: 'EIO' });
    t.mock.restoreAll();
    syncBuiltinESMExports();
    leaks.check();
    assert.deepEqual(readdirSync(folder), ['app.json']);
    assert.deepEqual(await files.load(APP), OLD);
    await files.save(APP, NEW);
    assert.deepEqual(await files.load(APP), NEW);
  });
}

test('grantFiles: a save whose folder cannot be flushed says so, and what is there is whole', async (t) => {
  const folder = tempPath();
  const files = grantFiles(folder);
  await files.save(APP, OLD);
  failing(t, 'folder');
  await assert.rejects(files.save(APP, NEW), { code: 'EIO' });
  t.mock.restoreAll();
  syncBuiltinESMExports();
  assert.deepEqual(await files.load(APP), NEW);
  assert.deepEqual(readdirSync(folder), ['app.json']);
});

test('Grants over files that cannot be written hold nothing more', async (t) => {
  const store = grantFiles(tempPath());
  await store.save(APP, OLD);
  const grants = await Grants.open({
    asker: APP,
    store,
    optional: parseRules(['tcp-connect:*:443']),
    prompt: () => Promise.resolve('always'),
  });
  failing(t, 'sync');
  const wanted = parseRules(['tcp-connect:a.com:443']);
  await assert.rejects(grants.request(wanted), { code: 'EIO' });
  assert.deepEqual(texts(grants.getAll()), texts(OLD));
  assert.equal(grants.contains(wanted), false);
});

test('grantFiles: a program that is killed in the middle of saves leaves what was there or what came', async () => {
  const folder = tempPath();
  const module = (name: string): string => JSON.stringify(new URL(`./${name}.js`, import.meta.url).href);
  const program = `
    import { grantFiles } from ${module('grant-files')};
    import { parseRules } from ${module('native-dialect')};
    const files = grantFiles(process.argv[1]);
    const asker = ${JSON.stringify(APP)};
    for (let i = 1; ; i++) {
      await files.save(asker, parseRules(Array.from({ length: 200 }, (_, k) => 'tcp-connect:' + i + '.example:' + (k + 1))));
      process.stdout.write('.');
    }`;
  const files = grantFiles(folder);
  for (const saves of [1, 7, 20]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let done = 0;
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      done += chunk.length;
      if (done >= saves) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    assert.equal(child.signalCode, 'SIGKILL');
    const rules = texts(await files.load(APP));
    assert.equal(rules.length, 200, 'one save, and all of it');
    const names = new Set(rules.map((rule) => rule.split(':')[1]));
    assert.equal(names.size, 1, [...names].join());
    assert.ok(Number.parseInt([...names][0] ?? '', 10) >= saves);
    assert.equal((await files.list()).length, 1, 'a draft that was left is no program');
  }
});
