/** Builds what the benchmark runs: its own C++ programs, and Portside where its build is out of date. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { run, runShown } from './child.mjs';
import { BUILD, CALLER_SOURCES, LOAD_PROGRAM, LOAD_SOURCES, ROOT, SERVER_SOURCES } from './paths.mjs';

const FLAGS = ['-std=c++17', '-O2', '-pthread', '-Wall', '-Wextra'];
const BUILT_ENGINE = path.join(ROOT, 'dist/engine/local-provider.js');

/** Does only what is missing or out of date. */
const SETUP = path.join(ROOT, 'scripts/setup.mjs');

/**
 * Compiles the load generator, and the servers and callers that are written in C++, where they are older than their
 * sources.
 *
 * @param {(line: string) => void} say
 */
export async function buildNative(say) {
  await mkdir(BUILD, { recursive: true });
  const load = await filesIn(LOAD_SOURCES, /\.(?:cc|h)$/u);
  await compile(LOAD_PROGRAM, load, say);
  for (const folder of [SERVER_SOURCES, CALLER_SOURCES]) {
    for (const source of await filesIn(folder, /\.cc$/u)) {
      await compile(path.join(BUILD, path.basename(source, '.cc')), [source], say);
    }
  }
}

/**
 * Brings the build of Portside up to date, so that it is the sources that are measured.
 *
 * @returns {Promise<boolean>} Whether there is one.
 */
export async function buildPortside() {
  if (existsSync(SETUP)) await runShown(process.execPath, [SETUP], ROOT);
  return existsSync(BUILT_ENGINE);
}

/**
 * @param {string} program
 * @param {readonly string[]} files
 * @param {(line: string) => void} say
 */
async function compile(program, files, say) {
  if (existsSync(program) && (await newest(files)) < (await newest([program]))) return;
  say(`compiling ${path.relative(ROOT, program)}`);
  const units = files.filter((file) => file.endsWith('.cc'));
  await run('g++', [...FLAGS, ...units, '-o', program]);
}

/**
 * @param {string} folder
 * @param {RegExp} pattern
 * @returns {Promise<string[]>} None if there is no such folder.
 */
async function filesIn(folder, pattern) {
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => pattern.test(name)).map((name) => path.join(folder, name));
}

/**
 * @param {readonly string[]} files
 * @returns {Promise<number>} When the newest of those that exist was changed, in milliseconds.
 */
async function newest(files) {
  const times = await Promise.all(
    files.filter((file) => existsSync(file)).map(async (file) => (await stat(file)).mtimeMs),
  );
  return Math.max(0, ...times);
}
