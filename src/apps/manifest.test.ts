import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManifestError, appId, loadApp } from './manifest.ts';

let folder = '';
let count = 0;

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'portside-manifest-')));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A folder with this manifest and a script `b.js`. */
async function makeApp(manifest: string | Uint8Array): Promise<string> {
  count += 1;
  const app = join(folder, `app${String(count)}`);
  await mkdir(app);
  await writeFile(join(app, 'manifest.json'), manifest);
  await writeFile(join(app, 'b.js'), '');
  return app;
}

const GOOD = {
  manifest_version: 2,
  name: 'Good',
  version: '1.2.3',
  app: { background: { scripts: ['b.js'] } },
  sockets: { tcp: { connect: 'a.example:80' } },
};

async function failureOf(app: string): Promise<readonly string[]> {
  const error: unknown = await loadApp(app).then(
    () => assert.fail('the app was loaded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ManifestError, String(error));
  return error.lines.map((line) => line.replaceAll(app, 'APP'));
}

test('loadApp reads a manifest with comments and a byte-order mark', async () => {
  const app = await makeApp(`\ufeff// An app.\n${JSON.stringify(GOOD)}`);
  const loaded = await loadApp(app);
  assert.equal(loaded.name, 'Good');
  assert.equal(loaded.version, '1.2.3');
  assert.equal(loaded.root, app);
  assert.deepEqual(loaded.scripts, [{ entry: 'b.js', file: join(app, 'b.js') }]);
  assert.deepEqual(loaded.manifest['sockets'], GOOD.sockets);
  assert.deepEqual(loaded.warnings, []);
  assert.match(loaded.id, /^[a-p]{32}$/);
});

/** Parts laid over a good manifest (`undefined` takes a key out), and the one line that must come. */
const FAULTS: readonly (readonly [name: string, part: object, line: string])[] = [
  ['no version', { version: undefined }, 'APP/manifest.json:1:1: version: is missing'],
  ['no name', { name: undefined }, 'APP/manifest.json:1:1: name: is missing'],
  ['a number for a name', { name: 5 }, 'APP/manifest.json:4:11: name: must be a string'],
  ['an empty name', { name: '  ' }, 'APP/manifest.json:4:11: name: must not be empty'],
  [
    'manifest_version 3',
    { manifest_version: 3 },
    'APP/manifest.json:3:23: manifest_version: must be 2, the version that Chrome Apps have',
  ],
  [
    'a version in words',
    { version: 'one' },
    'APP/manifest.json:5:14: version: must be one to four numbers from 0 to 65535 with dots between them, such as "1.0.2"',
  ],
  [
    'a version with a leading zero',
    { version: '1.02' },
    'APP/manifest.json:5:14: version: must be one to four numbers from 0 to 65535 with dots between them, such as "1.0.2"',
  ],
  [
    'an extension without scripts',
    { app: undefined, background: { service_worker: 'w.js' } },
    'APP/manifest.json:11:17: background.scripts: is missing: it lists the scripts to run; pages and service workers are not run',
  ],
  [
    'no app',
    { app: undefined },
    'APP/manifest.json:1:1: app: is missing: a Chrome App has {"background": {"scripts": […]}} here, and an extension has a "background"',
  ],
  ['app a string', { app: 'x' }, 'APP/manifest.json:6:10: app: must be an object'],
  [
    'a background page',
    { app: { background: { page: 'b.html' } } },
    'APP/manifest.json:7:19: app.background.scripts: is missing: a background page needs a document, which Portside has not; list its scripts here',
  ],
  [
    'no scripts',
    { app: { background: { scripts: [] } } },
    'APP/manifest.json:8:18: app.background.scripts: must name at least one script',
  ],
  [
    'scripts a string',
    { app: { background: { scripts: 'b.js' } } },
    'APP/manifest.json:8:18: app.background.scripts: must be a list of script paths',
  ],
  [
    'a number among the scripts',
    { app: { background: { scripts: ['b.js', 7] } } },
    'APP/manifest.json:10:9: app.background.scripts[1]: must be a string, the path of a script in the app',
  ],
  [
    'a script that is not there',
    { app: { background: { scripts: ['b.js', 'c.js'] } } },
    'APP/manifest.json:10:9: app.background.scripts[1]: APP/c.js does not exist',
  ],
  [
    'an absolute script path',
    { app: { background: { scripts: ['/b.js'] } } },
    "APP/manifest.json:9:9: app.background.scripts[0]: '/b.js' is an absolute path; it must be relative to the app's folder",
  ],
  [
    'a script above the folder',
    { app: { background: { scripts: ['x/../../b.js'] } } },
    "APP/manifest.json:9:9: app.background.scripts[0]: 'x/../../b.js' leads out of the app's folder",
  ],
  [
    'a folder for a script',
    { app: { background: { scripts: ['.'] } } },
    "APP/manifest.json:9:9: app.background.scripts[0]: '.' leads out of the app's folder",
  ],
  [
    'an empty script path',
    { app: { background: { scripts: [''] } } },
    'APP/manifest.json:9:9: app.background.scripts[0]: is empty; it must be the path of a script in the app',
  ],
  [
    'a script path with a NUL',
    { app: { background: { scripts: ['b.js\0'] } } },
    'APP/manifest.json:9:9: app.background.scripts[0]: holds a NUL character',
  ],
  [
    'a bad pattern',
    { sockets: { tcp: { connect: ['a:80', 'a:80-90'] } } },
    "APP/manifest.json:17:9: sockets.tcp.connect[1]: Invalid host:port pattern 'a:80-90'",
  ],
];

for (const [name, part, line] of FAULTS) {
  test(`loadApp refuses ${name}, and says where`, async () => {
    const app = await makeApp(`\n${JSON.stringify({ ...GOOD, ...part }, null, 2)}`);
    assert.deepEqual(await failureOf(app), [line.replace(':1:1:', ':2:1:')]);
  });
}

test('loadApp tells of all faults at once', async () => {
  const app = await makeApp(
    JSON.stringify({ ...GOOD, name: 1, version: 'x', sockets: { tcp: { connect: ':x' } } }),
  );
  const lines = await failureOf(app);
  assert.equal(lines.length, 3);
  assert.match(lines[2] ?? '', /sockets\.tcp\.connect: Invalid host:port pattern ':x'$/);
});

test('loadApp refuses a manifest that is no object', async () => {
  assert.deepEqual(await failureOf(await makeApp('[]')), [
    'APP/manifest.json:1:1: the manifest: must be an object',
  ]);
});

test('loadApp refuses invalid JSON at its place', async () => {
  const [line] = await failureOf(await makeApp('{\n  "name": "x",\n}'));
  assert.equal(
    line,
    'APP/manifest.json:3:1: expected a key in double quotes (the last one is not followed by a comma)',
  );
});

test('loadApp refuses a folder without a manifest, a missing folder and a file', async () => {
  const hint = "; give the folder that holds the app's manifest.json";
  assert.deepEqual(await failureOf(folder), [`APP/manifest.json: does not exist${hint}`]);
  assert.deepEqual(await failureOf(join(folder, 'nothing')), ['APP: does not exist']);
  const app = await makeApp('{}');
  assert.deepEqual(await failureOf(join(app, 'manifest.json')), [`APP: is not a folder${hint}`]);
});

test(
  'loadApp refuses a manifest that may not be read',
  { skip: process.getuid?.() === 0 && 'root reads everything' },
  async () => {
    const app = await makeApp('{}');
    await chmod(join(app, 'manifest.json'), 0);
    assert.match((await failureOf(app))[0] ?? '', /may not be read/);
  },
);

test('loadApp refuses a script that is a link out of the folder, and takes one that stays in it', async () => {
  const app = await makeApp(JSON.stringify({ ...GOOD, app: { background: { scripts: ['link.js'] } } }));
  await writeFile(join(folder, 'secret.js'), '');
  await symlink(join(folder, 'secret.js'), join(app, 'link.js'));
  assert.match(
    (await failureOf(app))[0] ?? '',
    /'link\.js' is a symbolic link that leads out of the app's folder$/,
  );
  await rm(join(app, 'link.js'));
  await symlink('b.js', join(app, 'link.js'));
  assert.deepEqual((await loadApp(app)).scripts, [{ entry: 'link.js', file: join(app, 'b.js') }]);
});

test('loadApp warns once of what is asked for and not there, and of nothing else', async () => {
  const extra = {
    icons: {},
    background: { page: 'x.html' },
    permissions: ['storage', 'unlimitedStorage', { socket: ['tcp-connect'] }],
    sockets: undefined,
  };
  const { warnings } = await loadApp(await makeApp(JSON.stringify({ ...GOOD, ...extra })));
  assert.deepEqual(
    warnings.map((line) => line.replace(/^.*json:\d+:\d+: /, '')),
    [
      'sockets: is missing, so the app has no chrome.sockets',
      "background: ignored: extensions have it, an app's scripts are in app.background.scripts",
      "permissions[0]: 'storage' ignored: Portside has no such API",
      "permissions[2]: 'socket' ignored: Portside has no chrome.socket yet, only chrome.sockets",
    ],
  );
});

test('appId depends on the key if there is one, and on the folder otherwise', () => {
  assert.equal(appId('/a', 'AAAA'), appId('/b', 'AAAA'));
  assert.notEqual(appId('/a', undefined), appId('/b', undefined));
  // SHA-256 of no bytes begins with e3b0c442.
  assert.match(appId('/a', ''), /^odlameec[a-p]{24}$/);
});
