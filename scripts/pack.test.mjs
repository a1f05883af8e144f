/** Packs the package, installs the tarball where there is no compiler, and uses it there. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { npmCommand } from './setup.mjs';
import { capture } from './steps.mjs';

/** All that the package may contain. What no row allows must not be in it. */
const ALLOWED = [
  /^(package\.json|binding\.gyp|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md)$/,
  /^dist\/[\w/-]+(\.d\.ts|\.js)$/,
  /^prebuilds\/[\w-]+\/portside\.\w+\.node$/,
  /^native\/(core|binding)\/\w+\.(cc|h)$/,
  /^scripts\/(install|build-native)\.mjs$/,
  /^CONTRIBUTING\.md$/,
  /^docs\/(?!reference\/benchmarks)[\w/-]+\.md$/,
];
const FORBIDDEN = [/\.test\./, /^dist\/e2e\//, /^dist\/architecture/, /^dist\/readme/];
/** What would be missed if it were not there. */
const NEEDED = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'SECURITY.md',
  'binding.gyp',
  'dist/cli/main.js',
  'dist/doors/engine.js',
  'dist/doors/engine.d.ts',
  'dist/doors/portside.js',
  'dist/doors/portside.d.ts',
  'scripts/install.mjs',
  'scripts/build-native.mjs',
];

/** An echo over the native engine: `localProvider` throws where that does not load. */
const ECHO = `
import { localProvider } from 'portside/engine';
const provider = localProvider();
const listener = await provider.listen({});
listener.start({
  accept(stream) { stream.start({ data(chunk) { stream.write(chunk); }, close() {} }); },
  close() {},
});
const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
client.start({
  data(chunk) { console.log(new TextDecoder().decode(chunk)); void provider.close(); },
  close() {},
});
client.write(new TextEncoder().encode('packed and echoed'));
`;

let folder = '';
let tarball = '';
let files = [];

const isSkipped = process.platform !== 'linux' && 'a ready-made binary is made on Linux only';

/** The real file of a program on the PATH. */
function locate(name) {
  const file = (process.env.PATH ?? '')
    .split(delimiter)
    .map((part) => join(part, name))
    .find((path) => existsSync(path));
  assert.ok(file !== undefined, `${name} is not on the PATH`);
  return realpathSync(file);
}

/** An environment whose PATH has `node`, `npm` and a shell, and nothing that could compile. */
function bareEnvironment() {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(locate('sh'), join(bin, 'sh'));
  const [npm, script] = npmCommand();
  symlinkSync(script ?? locate(npm), join(bin, 'npm'));
  return { PATH: bin, HOME: process.env.HOME, npm_config_cache: process.env.npm_config_cache };
}

before(() => {
  if (isSkipped) return;
  folder = mkdtempSync(join(tmpdir(), 'portside-pack-'));
  const [npm, ...args] = npmCommand();
  const { ok, output } = capture(npm, [...args, 'pack', '--json', `--pack-destination=${folder}`], {
    timeout: 240_000,
  });
  assert.ok(ok, output);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
  files = spawnSync('tar', ['-tzf', tarball], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));
});

after(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

test('the tarball has nothing that is not allowed', { skip: isSkipped }, () => {
  const allowed = (name) =>
    ALLOWED.some((rule) => rule.test(name)) && !FORBIDDEN.some((rule) => rule.test(name));
  assert.deepEqual(
    files.filter((name) => !allowed(name)),
    [],
  );
});

test('the tarball has what it needs', { skip: isSkipped }, () => {
  assert.deepEqual(
    NEEDED.filter((name) => !files.includes(name)),
    [],
  );
  assert.ok(files.some((name) => name.startsWith(`prebuilds/${process.platform}-${process.arch}/`)));
});

test('publint finds nothing in the tarball', { skip: isSkipped }, () => {
  const { ok, output } = capture(process.execPath, [
    'node_modules/publint/src/cli.js',
    'run',
    tarball,
    '--strict',
  ]);
  assert.ok(ok, output);
});

test('the tarball installs without a compiler and echoes over the native engine', { skip: isSkipped }, () => {
  const env = bareEnvironment();
  const place = join(folder, 'place');
  mkdirSync(place);
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(place, 'echo.js'), ECHO);
  const npm = realpathSync(join(folder, 'bin/npm'));
  const options = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--foreground-scripts', tarball];
  const installed = capture(process.execPath, [npm, ...options], { cwd: place, env, timeout: 120_000 });
  assert.ok(installed.ok, installed.output);
  assert.doesNotMatch(installed.output, /compiling|no native module/);
  const echoed = capture(process.execPath, ['echo.js'], { cwd: place, env, timeout: 30_000 });
  assert.deepEqual(echoed, { ok: true, output: 'packed and echoed\n' });
  assert.equal(readdirSync(join(place, 'node_modules/portside')).includes('build'), false);
});
