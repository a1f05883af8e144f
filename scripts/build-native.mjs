/**
 * Compiles the native module into `build/Release/portside.node`. It uses nothing but Node, because it is also in the
 * package, where `install.mjs` calls it when no ready-made binary fits.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { argv, env, execPath, version, versions } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where `node-gyp` puts what it makes. */
export const BINARY = join(root, 'build/Release/portside.node');

const COMPILE_TOOLS = [
  { names: ['python3', 'python'], variable: 'PYTHON' },
  { names: ['make'], variable: 'MAKE' },
  { names: ['g++', 'c++'], variable: 'CXX' },
];

function isOnPath(name) {
  return (env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}

/** Names of the programs that compiling needs and that are not there. */
export function missingCompileTools() {
  return COMPILE_TOOLS.filter(({ names, variable }) => env[variable] === undefined && !names.some(isOnPath)).map(
    ({ names }) => names[0],
  );
}

/** The folder whose `include/node` has the running Node's own headers, or `undefined`. */
export function headersFolder() {
  const prefix = dirname(dirname(realpathSync(execPath)));
  const file = join(prefix, 'include/node/node_version.h');
  if (!existsSync(file) || !existsSync(join(prefix, 'include/node/uv.h'))) return undefined;
  const major = /#define NODE_MAJOR_VERSION (\d+)/.exec(readFileSync(file, 'utf8'))?.[1];
  return major === versions.node.split('.')[0] ? prefix : undefined;
}

/** Whether node-gyp has fetched this Node's headers before. */
export function hasCachedHeaders() {
  const cache = env.npm_config_devdir ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-gyp');
  return existsSync(join(cache, version.slice(1), 'include/node/uv.h'));
}

/** How to start node-gyp: our own dependency, the one npm brings along, or one on the PATH. */
function nodeGyp() {
  try {
    return [execPath, createRequire(join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js')];
  } catch {
    // Not installed here: a package that depends on this one gets no development dependencies.
  }
  if (env.npm_config_node_gyp !== undefined) return [execPath, env.npm_config_node_gyp];
  return isOnPath('node-gyp') ? ['node-gyp'] : undefined;
}

/** Whether `file` loads as an addon. Tried in a process of its own, because a bad one can end the process. */
export function loads(file) {
  return spawnSync(execPath, ['-e', 'require(process.argv[1])', file], { stdio: 'ignore' }).status === 0;
}

/**
 * Compiles what has changed.
 *
 * @returns {{ ok: boolean, output: string }} `output` is what the compiler printed, or why it could not be started
 */
export function buildNative() {
  const missing = missingCompileTools();
  if (missing.length > 0) return { ok: false, output: `not found: ${missing.join(', ')}` };
  const [command, ...args] = nodeGyp() ?? [];
  if (command === undefined) return { ok: false, output: 'not found: node-gyp' };
  const headers = headersFolder();
  args.push('configure', 'build', '--jobs=max', '--loglevel=error', ...(headers === undefined ? [] : [`--nodedir=${headers}`]));
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`;
  if (result.status !== 0) return { ok: false, output };
  if (!loads(BINARY)) return { ok: false, output: `${output}\ncompiled, but it does not load: ${BINARY}` };
  return { ok: true, output };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(argv[1])).href) {
  const { ok, output } = buildNative();
  console.error(output.trimEnd());
  process.exitCode = ok ? 0 : 1;
}
