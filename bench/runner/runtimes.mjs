/**
 * Finds the programs that run the servers. Those of other projects come from their npm packages, into a folder that is
 * not under version control, the first time that they are needed.
 *
 * @typedef {import('./model.mjs').RuntimeName} RuntimeName
 *
 * @typedef {object} Runtime
 * @property {string} program
 * @property {string} version
 * @property {readonly string[]} args Before the server's file.
 *
 * @typedef {object} Package
 * @property {string} spec Name and version, as npm takes them.
 * @property {string} name
 * @property {string} file The program, within the package.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from './child.mjs';
import { messageOf } from './message-of.mjs';
import { CACHE } from './paths.mjs';

const ARM = process.arch === 'arm64';

/** @type {Readonly<Record<'bun' | 'deno', Package>>} */
const PACKAGES = {
  bun: packageOf(ARM ? '@oven/bun-linux-aarch64' : '@oven/bun-linux-x64', '1.4.5', 'bin/bun'),
  deno: packageOf(ARM ? '@deno/linux-arm64-glibc' : '@deno/linux-x64-glibc', '2.9.6', 'deno'),
};

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

/**
 * The Node that `--node` means: a path, or a version such as `26` for the newest of that line.
 *
 * @param {string | undefined} wish Undefined for the Node that runs this.
 * @param {(line: string) => void} say
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
 * Bun or Deno.
 *
 * @param {'bun' | 'deno'} name
 * @param {(line: string) => void} say
 * @returns {Promise<Runtime>}
 * @throws {Error} It cannot be had.
 */
export async function findPeer(name, say) {
  const program = await install(name, PACKAGES[name], say);
  const version = (await run(program, ['--version'])).split('\n', 1)[0] ?? '';
  return { program, version: version.replace(/^deno (\S+).*$/u, '$1'), args: ARGUMENTS[name] };
}

/**
 * @param {string} folder
 * @param {Package} wanted
 * @param {(line: string) => void} say
 * @returns {Promise<string>} The program's path.
 */
async function install(folder, wanted, say) {
  // The version is in the path, so that a new one in the table is not shadowed by an old one on disk.
  const home = path.join(CACHE, `${folder}-${wanted.spec.split('@').at(-1) ?? ''}`);
  const program = path.join(home, 'node_modules', wanted.name, wanted.file);
  if (existsSync(program)) return program;
  say(`installing ${wanted.spec} into ${path.relative(process.cwd(), home)} (once; some 100 MB)`);
  await mkdir(home, { recursive: true });
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  await run('npm', ['install', '--prefix', home, ...flags, wanted.spec], {
    cwd: home,
    env: plainEnvironment(),
  });
  if (!existsSync(program)) throw new Error(`${wanted.spec} holds no ${wanted.file}`);
  return program;
}

/** `npm run` tells its children about the package that it runs for; an npm started by one must not hear that. */
function plainEnvironment() {
  const own = /^npm_(?:config_local_prefix|package_|lifecycle_|command|execpath)/u;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
