/**
 * Makes the binary that goes into the package: `prebuilds/<platform>-<arch>/portside.<libc>.node`. It is compiled in a
 * folder of its own, so that the module which tests and programs in this clone have loaded stays as it is.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { headersFolder, loads } from './build-native.mjs';
import { isStale } from './setup.mjs';
import { ROOT, StepError, capture, runMain, step } from './steps.mjs';

const WORK = join(ROOT, 'build-prebuild');
const OUT = join(ROOT, 'prebuilds');
const SOURCES = ['binding.gyp', 'native/core', 'native/binding', 'package-lock.json'];

/** The ready-made binaries for this kind of machine. */
function binaries() {
  const folder = join(OUT, `${process.platform}-${process.arch}`);
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function copySources() {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(join(WORK, 'native'), { recursive: true });
  for (const path of ['binding.gyp', 'package.json', 'native/core', 'native/binding']) {
    cpSync(join(ROOT, path), join(WORK, path), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(WORK, 'node_modules'));
}

function compile() {
  copySources();
  rmSync(OUT, { recursive: true, force: true });
  const headers = headersFolder();
  const { ok, output } = capture(
    process.execPath,
    [
      join(ROOT, 'node_modules/prebuildify/bin.js'),
      '--napi',
      '--strip',
      '--tag-libc',
      `--target=${process.versions.node}`,
      `--cwd=${WORK}`,
      `--out=${ROOT}`,
    ],
    { env: { ...process.env, ...(headers === undefined ? {} : { npm_config_nodedir: headers }) } },
  );
  if (!ok) throw new StepError('the binary for the package does not compile; see above', output);
  const made = binaries();
  if (made.length !== 1 || !loads(made[0]))
    throw new StepError(`not one binary that loads: ${made.join(', ')}`, output);
}

/** Makes the binary unless there is a fresh one. @throws {StepError} with what to do */
export function ensurePrebuild() {
  const [made] = binaries();
  if (made !== undefined && !isStale(made, SOURCES)) return;
  step('compiling the binary for the package', compile);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await runMain(ensurePrebuild);
}
