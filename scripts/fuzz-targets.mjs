/** The fuzz targets of `fuzz/`: what there is, how it is built, and how it is run. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT, StepError, capture, hasProgram } from './steps.mjs';

const COMPILER = 'clang++-14';
const FOLDER = join(ROOT, 'build-fuzz');

const FLAGS = [
  '-std=c++17',
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fno-sanitize-recover=all',
  '-D_GNU_SOURCE',
  '-Wall',
  '-Wextra',
  '-Inative',
  '-Ifuzz',
];
const SANITIZERS = '-fsanitize=fuzzer,address,undefined';

/** What of the core the targets reach. */
const CORE = ['control', 'descriptors', 'message', 'options', 'sockaddr', 'syscalls'].map(
  (name) => `native/core/${name}.cc`,
);

/** The names of the targets. */
export function fuzzTargets() {
  return readdirSync(join(ROOT, 'fuzz'))
    .filter((name) => name.endsWith('.cc') && name !== 'seeds.cc')
    .map((name) => basename(name, '.cc'))
    .sort();
}

/** Why the targets cannot be built here; `undefined` if they can. */
export function whyNoFuzzing() {
  if (!hasProgram(COMPILER)) return `${COMPILER} is not here: apt-get install clang-14`;
  const folder = capture(COMPILER, ['-print-runtime-dir']).output.trim();
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const hasLibrary = names.some((name) => name.startsWith('libclang_rt.fuzzer-'));
  return hasLibrary ? undefined : 'libFuzzer is not here: apt-get install libclang-rt-14-dev';
}

/** Runs a program to its end and hands its output on if it is to be seen. @returns whether it ended well, and the output */
function run(command, args, isSeen = false) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (isSeen) process.stderr.write(text);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ ok: code === 0, output });
    });
  });
}

async function compile(program, sources, flags) {
  mkdirSync(FOLDER, { recursive: true });
  const { ok, output } = await run(COMPILER, [...FLAGS, ...flags, ...sources, '-o', program]);
  if (!ok) throw new StepError(`${basename(program)} does not compile`, output);
  return program;
}

/** Builds a target. @returns the program's path */
export function buildTarget(target) {
  return compile(join(FOLDER, target), [`fuzz/${target}.cc`, ...CORE], [SANITIZERS]);
}

/** Fills `fuzz/corpus` with what this machine's kernel says. */
export async function writeSeeds() {
  const sources = ['fuzz/seeds.cc', 'native/test/net.cc', 'native/core/sockaddr.cc'];
  const program = await compile(join(FOLDER, 'seeds'), sources, []);
  const { ok, output } = await run(program, ['fuzz/corpus']);
  if (!ok) throw new StepError('the seeds could not be made', output);
}

/**
 * The folder for new inputs that reach further, which libFuzzer wants first: the repository's own corpus is only read.
 * Runs that are to be the same each time begin without any.
 */
function folderForInputs(target, isAnew) {
  const folder = join(FOLDER, isAnew ? 'scratch' : 'corpus', target);
  if (isAnew) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Runs a target over its corpus and then with inputs of its own making.
 *
 * @param {string} target
 * @param {{ seconds: number, runs?: number, isSeen?: boolean }} limits whichever comes first ends it; with `runs` the
 *   inputs are the same each time
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
export async function runTarget(target, { seconds, runs, isSeen = false }) {
  const program = await buildTarget(target);
  const args = [
    folderForInputs(target, runs !== undefined),
    join('fuzz/corpus', target),
    `-max_total_time=${String(seconds)}`,
    `-artifact_prefix=${join(FOLDER, `${target}-`)}`,
    '-print_final_stats=1',
  ];
  if (runs !== undefined) args.push(`-runs=${String(runs)}`, '-seed=1');
  return run(program, args, isSeen);
}
