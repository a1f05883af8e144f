/**
 * Makes a clone ready to run: packages, native module, compiled TypeScript. It does only what is missing or out of date,
 * and says what it does. `npm start` and `npm test` call it first; `npm run build` calls nothing else.
 *
 * Nothing here may need a package, or a Node newer than the one that it complains about.
 */
import {
  existsSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BINARY, buildNative, headersFolder, loads, missingCompileTools } from './build-native.mjs';
import { ROOT, StepError, capture, runMain, step } from './steps.mjs';

const MINIMUM_NODE = [20, 19];
const NATIVE_SOURCES = ['binding.gyp', 'native/core', 'native/binding'];
const TYPESCRIPT_SOURCES = ['src', 'tsconfig.json', 'package-lock.json'];
const NATIVE_STAMP = join(ROOT, 'build/.stamp');
const DIST = join(ROOT, 'dist');
const DIST_STAMP = join(DIST, '.stamp');

/** Whether a version such as `20.19.0` is new enough. */
export function isNodeSupported(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
}

/** The latest change below `path`, in milliseconds; folders count too, so that a removed file is noticed. */
function newest(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return 0;
  if (!status.isDirectory()) return status.mtimeMs;
  return readdirSync(path).reduce(
    (latest, name) => Math.max(latest, newest(join(path, name))),
    status.mtimeMs,
  );
}

/** Whether anything in `sources` has changed since `stamp` was set. */
export function isStale(stamp, sources) {
  const made = statSync(stamp, { throwIfNoEntry: false });
  return made === undefined || sources.some((source) => newest(join(ROOT, source)) > made.mtimeMs);
}

/** Sets `stamp` to the time at which the work began, so that an edit made meanwhile is not missed. */
function mark(stamp, began) {
  writeFileSync(stamp, '');
  utimesSync(stamp, began / 1000, began / 1000);
}

/** Whether the lock file wants a package that is not there in that version. Optional ones may be missing. */
export function arePackagesStale(wanted, installed) {
  return Object.entries(wanted).some(
    ([path, { version, optional, link }]) =>
      path !== '' && !link && !optional && installed[path]?.version !== version,
  );
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

/** npm itself: the one that started us, or the one on the PATH. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  return script?.endsWith('npm-cli.js') ? [process.execPath, script] : ['npm'];
}

function installPackages() {
  const wanted = readPackages(join(ROOT, 'package-lock.json'));
  const installed = readPackages(join(ROOT, 'node_modules/.package-lock.json'));
  if (!arePackagesStale(wanted, installed)) return;
  step('installing packages (npm ci)', () => {
    const [npm, ...args] = npmCommand();
    // Our own install step would compile the native module silently; that is a step of its own below.
    args.push('ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund');
    const { ok, output } = capture(npm, args);
    if (!ok) throw new StepError('npm ci failed; see above. Is the package registry reachable?', output);
  });
}

function adviceFor(missing) {
  const packages = missing.length === 0 ? 'g++ make python3' : missing.join(' ');
  return `on Debian and Ubuntu: apt-get install ${packages}`;
}

function compileNative() {
  if (process.platform !== 'linux') return;
  if (!isStale(NATIVE_STAMP, NATIVE_SOURCES) && existsSync(BINARY) && loads(BINARY)) return;
  const missing = missingCompileTools();
  if (missing.length > 0) {
    throw new StepError(`compiling the native module needs ${missing.join(', ')}; ${adviceFor(missing)}`);
  }
  const began = Date.now();
  const source = headersFolder() === undefined ? " with node-gyp's copy of Node's headers" : '';
  step(`compiling the native module${source}`, () => {
    const { ok, output } = buildNative();
    if (!ok) throw new StepError('the native module does not compile; see above', output);
    mark(NATIVE_STAMP, began);
  });
}

/** Removes compiled files whose source is gone: they would still be tested and packed. */
function pruneDist() {
  for (const name of readdirSync(DIST, { recursive: true })) {
    const source = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(name)?.[1];
    if (source !== undefined && !existsSync(join(ROOT, 'src', `${source}.ts`))) rmSync(join(DIST, name));
  }
}

function compileTypeScript() {
  if (!isStale(DIST_STAMP, TYPESCRIPT_SOURCES)) return;
  const began = Date.now();
  step('compiling TypeScript', () => {
    const { ok, output } = capture(process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '--pretty',
      'false',
    ]);
    if (!ok)
      throw new StepError(
        `the TypeScript in ${relative(process.cwd(), join(ROOT, 'src')) || 'src'} has errors`,
        output,
      );
    pruneDist();
    mark(DIST_STAMP, began);
  });
}

/**
 * Brings packages, native module and compiled code up to date.
 *
 * @param {{ native?: boolean, dist?: boolean }} [options] `false` leaves the native module, or the compiled code, alone
 * @throws {StepError} with what to do
 */
export function ensureReady({ native = true, dist = true } = {}) {
  if (!isNodeSupported(process.versions.node)) {
    throw new StepError(
      `this needs Node ${MINIMUM_NODE.join('.')} or later; this is ${process.versions.node}`,
    );
  }
  installPackages();
  if (native) compileNative();
  if (dist) compileTypeScript();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runMain(() => {
    ensureReady();
  });
}
