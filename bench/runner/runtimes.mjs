/**
 * Finds the programs that run the servers and the callers. Those of other projects come from their npm packages, into a
 * folder that is not under version control, the first time that they are needed; `BENCH_BUN` and `BENCH_DENO` name others.
 *
 * @typedef {import('./model.mjs').RuntimeName} RuntimeName
 * @typedef {import('./model.mjs').PeerName} PeerName
 *
 * @typedef {object} Runtime
 * @property {string} program
 * @property {string} version
 * @property {readonly string[]} args Before the program's file.
 * @property {string} [library] Where a library is installed that the caller is to load: its last argument.
 *
 * @typedef {object} Package
 * @property {string} spec Name and version, as npm takes them.
 * @property {string} name
 * @property {string} file That it must hold: the program.
 *
 * @typedef {(line: string) => void} Say
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from './child.mjs';
import { messageOf } from './message-of.mjs';
import { CACHE } from './paths.mjs';
import { majorOf } from './verdicts.mjs';

const ARM = process.arch === 'arm64';

const PACKAGES = {
  bun: packageOf(ARM ? '@oven/bun-linux-aarch64' : '@oven/bun-linux-x64', '1.4.5', 'bin/bun'),
  deno: packageOf(ARM ? '@deno/linux-arm64-glibc' : '@deno/linux-x64-glibc', '2.9.6', 'deno'),
  koffi: packageOf('koffi', '3.3.4', 'package.json'),
  'node-ffi': packageOf(`node-linux-${process.arch}`, '26.10.0', 'bin/node'),
};

/** The first major version of Node that has `node:ffi` in all of its releases but the first. */
const FFI_SINCE = 26;

/**
 * @param {string} name
 * @param {string} version
 * @param {string} file
 * @returns {Package}
 */
function packageOf(name, version, file) {
  return { name, spec: `${name}@${version}`, file };
}

/** @type {Readonly<Record<'node' | 'bun' | 'deno', readonly string[]>>} */
const ARGUMENTS = {
  node: [],
  bun: ['run'],
  deno: ['run', '--quiet', '--no-config', '--no-lock', '--allow-all', '--v8-flags=--expose-gc'],
};

/** How each of the other projects' runtimes is found. */
const FINDERS = {
  /** @param {Runtime} _node @param {Say} say */
  bun: (_node, say) => findRuntime('bun', say),
  /** @param {Runtime} _node @param {Say} say */
  deno: (_node, say) => findRuntime('deno', say),
  koffi: findKoffi,
  'node-ffi': findNodeWithFfi,
  python: findPython,
};

export const PEERS = /** @type {readonly PeerName[]} */ (Object.keys(FINDERS));

/**
 * A runtime of another project, or a library.
 *
 * @param {PeerName} name
 * @param {Runtime} node The one that runs what runs on Node.
 * @param {Say} say
 * @returns {Promise<Runtime>}
 * @throws {Error} It cannot be had.
 */
export function findPeer(name, node, say) {
  return FINDERS[name](node, say);
}

/**
 * The Node that `--node` means: a path, or a version such as `26` for the newest of that line.
 *
 * @param {string | undefined} wish Undefined for the Node that runs this.
 * @param {Say} say
 * @returns {Promise<Runtime>}
 * @throws {Error} It cannot be had.
 */
export async function findNode(wish, say) {
  if (wish === undefined)
    return { program: process.execPath, version: process.version, args: ARGUMENTS.node };
  const program = /^\d+(\.\d+)*$/u.test(wish)
    ? await install('node', packageOf(`node-linux-${process.arch}`, wish, 'bin/node'), say)
    : path.resolve(wish);
  try {
    return { program, version: (await run(program, ['--version'])).trim(), args: ARGUMENTS.node };
  } catch (error) {
    throw new Error(`--node ${wish}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * @param {'bun' | 'deno'} name
 * @param {Say} say
 * @returns {Promise<Runtime>}
 */
async function findRuntime(name, say) {
  const program = process.env[`BENCH_${name.toUpperCase()}`] ?? (await install(name, PACKAGES[name], say));
  const version = (await run(program, ['--version'])).split('\n', 1)[0] ?? '';
  return { program, version: version.replace(/^deno (\S+).*$/u, '$1'), args: ARGUMENTS[name] };
}

/**
 * @param {Runtime} node
 * @param {Say} say
 * @returns {Promise<Runtime>}
 */
async function findKoffi(node, say) {
  const { spec } = PACKAGES.koffi;
  const manifest = await install('koffi', PACKAGES.koffi, say);
  return { ...node, version: versionIn(spec), library: path.dirname(manifest) };
}

/**
 * The Node that is measured, if it has `node:ffi`, and else one that has.
 *
 * @param {Runtime} node
 * @param {Say} say
 * @returns {Promise<Runtime>}
 */
async function findNodeWithFfi(node, say) {
  if (majorOf(node.version) >= FFI_SINCE) return node;
  const program = await install('node', PACKAGES['node-ffi'], say);
  return { program, version: (await run(program, ['--version'])).trim(), args: ARGUMENTS.node };
}

/** @returns {Promise<Runtime>} */
async function findPython() {
  // What is found first may be a script that looks for the real one.
  const ask = 'import platform, sys; print(sys.executable, platform.python_version(), sep="\\n")';
  const [program = '', version = ''] = (await run('python3', ['-c', ask])).split('\n');
  return { program, version, args: [] };
}

/**
 * @param {string} folder
 * @param {Package} wanted
 * @param {Say} say
 * @returns {Promise<string>} The path of the package's file.
 */
async function install(folder, wanted, say) {
  // The version is in the path, so that a new one in the table is not shadowed by an old one on disk.
  const home = path.join(CACHE, `${folder}-${versionIn(wanted.spec)}`);
  const program = path.join(home, 'node_modules', wanted.name, wanted.file);
  if (existsSync(program)) return program;
  say(`installing ${wanted.spec} into ${path.relative(process.cwd(), home)} (once; up to 200 MB)`);
  await mkdir(home, { recursive: true });
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', '--prefix', home, ...flags, wanted.spec], {
    cwd: home,
    env: plainEnvironment(),
  });
  if (!existsSync(program)) throw new Error(`${wanted.spec} holds no ${wanted.file}`);
  return program;
}

/** @param {string} spec */
function versionIn(spec) {
  return spec.split('@').at(-1) ?? '';
}

/** `npm run` tells its children about the package that it runs for; an npm started by one must not hear that. */
function plainEnvironment() {
  const own = /^npm_(?:config_local_prefix|package_|lifecycle_|command|execpath)/u;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
