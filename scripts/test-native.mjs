/**
 * `npm run test:native`: the C++ under sanitizers. Any report of a sanitizer fails it.
 *
 *     npm run test:native               all of it
 *     npm run test:native -- reactor    only steps and programs whose name has a word
 *     npm run test:native -- --complete fails where a step cannot be run here, instead of passing it over
 *
 * 1. The programs of `native/test` with the address and undefined-behaviour sanitizers, leaks included.
 * 2. The same programs with the thread sanitizer: the poll(2) poller has a thread of its own.
 * 3. The module, built with the first two, in a stock Node that has their libraries preloaded: the tests of
 *    `native/test`, `dist/addon` and `dist/engine`, and those of `dist/posix` and `dist/ucode` with bad input or with
 *    descriptors in messages. Leaks are not looked for there, for Node's own would be found.
 * 4. The targets of `fuzz`, over their corpus and a number of inputs more, where clang is there to build them.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir } from 'node:os';
import { basename, join } from 'node:path';
import { headersFolder } from './build-native.mjs';
import { fuzzTargets, runTarget, whyNoFuzzing } from './fuzz-targets.mjs';
import { ensureReady } from './setup.mjs';
import { ROOT, StepError, capture, formatDuration, hasProgram, runMain } from './steps.mjs';

const MEMORY = { name: 'asan', label: 'address, undefined', flags: ['-fsanitize=address,undefined'] };
const THREADS = { name: 'tsan', label: 'thread', flags: ['-fsanitize=thread'] };

const COMMON_FLAGS = [
  '-std=c++17',
  '-O1',
  '-g',
  '-fno-omit-frame-pointer',
  '-fno-sanitize-recover=all',
  '-D_GLIBCXX_ASSERTIONS',
  '-D_GNU_SOURCE',
  '-Wall',
  '-Wextra',
  '-Inative',
];

/** As in `binding.gyp`. */
const ADDON_FLAGS = [
  '-fPIC',
  '-fvisibility=hidden',
  '-fno-exceptions',
  '-Wno-unused-parameter',
  '-DNAPI_VERSION=8',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  '-DNAPI_DISABLE_CPP_EXCEPTIONS',
];

const SANITIZER_OPTIONS = {
  ASAN_OPTIONS:
    'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

/** No program and no test file may take longer, in milliseconds. */
const TIMEOUT = 240_000;

/** Inputs that each fuzz target is given besides its corpus, and the longest that may take, in seconds. */
const FUZZ_RUNS = 200_000;
const FUZZ_SECONDS = 120;

const isComplete = process.argv.includes('--complete');
const words = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const isWanted = (name) => words.length === 0 || words.some((word) => name.includes(word));

/** What has passed and failed so far; the failures by name. */
const tally = { passed: 0, failed: [] };

/** Names of the C++ sources in a folder, without `.cc`. */
function sources(folder) {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.cc'))
    .map((name) => `${folder}/${name.slice(0, -3)}`)
    .sort();
}

/** Runs a program to its end; `output` has both of its streams. */
function run(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT,
      killSignal: 'SIGKILL',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve({ ok: code === 0, end: signal ?? `exit code ${String(code)}`, output });
    });
  });
}

/** Runs `work` for each item, as many at a time as there are cores. */
async function inParallel(items, work) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** Says what is going on, and at the end of the line what came of it and how long it took. */
async function step(label, work) {
  process.stderr.write(`portside: ${label} ... `);
  const start = performance.now();
  try {
    const result = (await work()) ?? '';
    const time = formatDuration(performance.now() - start);
    process.stderr.write(`${result}${result === '' ? '' : ', '}${time}\n`);
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  }
}

/** Compiles sources into objects below `folder` and returns their paths. */
async function compile(folder, names, flags) {
  const objects = names.map((name) => join(folder, `${name.replaceAll('/', '-')}.o`));
  mkdirSync(folder, { recursive: true });
  await inParallel(names.keys(), async (index) => {
    const args = [...COMMON_FLAGS, ...flags, '-c', `${names[index]}.cc`, '-o', objects[index]];
    const { ok, output } = await run('g++', args);
    if (!ok) throw new StepError(`${names[index]}.cc does not compile`, output);
  });
  return objects;
}

async function link(target, objects, flags) {
  const { ok, output } = await run('g++', [...objects, ...flags, '-o', target]);
  if (!ok) throw new StepError(`${basename(target)} does not link`, output);
}

/** Counts the lines `ok` and `not ok` of TAP, and everything else that is wrong with a run as one failure more. */
function count(name, { ok, end, output }, problem = '') {
  const passed = [...output.matchAll(/^ok \d+/gm)].length;
  const failed = [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map((match) => `${name}: ${match[1]}`);
  if ((!ok || problem !== '') && failed.length === 0)
    failed.push(`${name}: ${problem === '' ? end : problem}`);
  if (ok && problem === '' && passed === 0) failed.push(`${name}: has no tests`);
  tally.passed += passed;
  tally.failed.push(...failed);
  return { passed, failed: failed.length };
}

function summary(counts) {
  const total = (key) => counts.reduce((sum, each) => sum + each[key], 0);
  return `${String(total('passed'))} passed, ${String(total('failed'))} failed`;
}

async function testPrograms({ name, label, flags }) {
  const folder = join(ROOT, `build-${name}/test`);
  const programs = sources('native/test').filter((path) => path.endsWith('_test'));
  const wanted = programs.filter((path) => isWanted(`${name} ${path}`));
  if (wanted.length === 0) return;
  await step(`compiling the core and its tests (${label})`, async () => {
    rmSync(folder, { recursive: true, force: true });
    const shared = sources('native/test').filter((path) => !path.endsWith('_test'));
    const parts = [...sources('native/core'), ...shared];
    const objects = await compile(folder, [...parts, ...wanted], flags);
    await inParallel(wanted.keys(), (index) => {
      const linked = [...objects.slice(0, parts.length), objects[parts.length + index]];
      return link(join(folder, basename(wanted[index])), linked, [...flags, '-pthread']);
    });
  });
  for (const path of wanted) {
    const program = basename(path);
    await step(`${program} (${label})`, async () => {
      const result = await run(join(folder, program), [], { ...process.env, ...SANITIZER_OPTIONS });
      const counts = count(`${program} (${label})`, result);
      if (counts.failed > 0) console.error(`\n${result.output}`);
      return summary([counts]);
    });
  }
}

/** The folder of Node's headers: beside Node itself, or where node-gyp has put them. */
function includeFolder() {
  const beside = headersFolder();
  if (beside !== undefined) return join(beside, 'include/node');
  const cache =
    process.env.npm_config_devdir ??
    join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'node-gyp');
  return join(cache, process.version.slice(1), 'include/node');
}

async function buildAddon(target) {
  const folder = join(ROOT, 'build-asan/addon');
  rmSync(folder, { recursive: true, force: true });
  const api = createRequire(join(ROOT, 'package.json'))('node-addon-api').include_dir;
  const include = ['-isystem', includeFolder(), '-isystem', join(ROOT, api)];
  const names = [...sources('native/core'), ...sources('native/binding')];
  const objects = await compile(folder, names, [...MEMORY.flags, ...ADDON_FLAGS, ...include]);
  await link(target, objects, [...MEMORY.flags, '-shared']);
}

/** The sanitizers' libraries, which have to be in the process before Node's own. */
function preloads() {
  return ['libasan.so', 'libubsan.so']
    .map((name) => capture('g++', [`-print-file-name=${name}`]).output.trim())
    .join(' ');
}

/** Tests that run over the module. */
function moduleTests() {
  const places = [
    ['native/test', '.test.mjs'],
    ['dist/addon', '.test.js'],
    ['dist/engine', '.test.js'],
    // Of raw sockets what brings bad input, and what looks after descriptors; the rest is the same calls again.
    ['dist/posix', 'faults.test.js'],
    ['dist/posix', 'fuzz.test.js'],
    ['dist/posix', 'descriptor.test.js'],
    ['dist/posix', 'hostile-peer.test.js'],
    ['dist/posix', 'control-messages.test.js'],
    ['dist/ucode', 'defects.test.js'],
  ];
  return places
    .flatMap(([folder, ending]) =>
      readdirSync(join(ROOT, folder))
        .filter((name) => name.endsWith(ending))
        .map((name) => `${folder}/${name}`),
    )
    .filter((file) => isWanted(`module ${file}`))
    .sort();
}

/** What the sanitizers have written to files, also in processes that the tests started. */
function takeReports(folder) {
  const names = readdirSync(folder).filter((name) => name.startsWith('report'));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}

async function testModule() {
  const files = moduleTests();
  if (files.length === 0) return;
  const module = join(ROOT, 'build-asan/addon/portside.node');
  await step('compiling the module (address, undefined)', () => buildAddon(module));
  const reports = join(ROOT, 'build-asan/reports');
  const log = `log_path=${join(reports, 'report')}`;
  const env = {
    ...process.env,
    LD_PRELOAD: preloads(),
    PORTSIDE_NATIVE_MODULE: module,
    ASAN_OPTIONS: `detect_leaks=0:${log}`,
    UBSAN_OPTIONS: `print_stacktrace=1:${log}`,
  };
  for (const file of files) {
    await step(`${file} (address, undefined)`, async () => {
      rmSync(reports, { recursive: true, force: true });
      mkdirSync(reports, { recursive: true });
      // Without --test the file's own tests are counted, and Node's output is the file's alone.
      const result = await run(
        process.execPath,
        ['--expose-gc', '--enable-source-maps', '--test-reporter=tap', file],
        env,
      );
      const report = takeReports(reports);
      const counts = count(file, result, report === '' ? '' : 'a sanitizer has reported');
      if (counts.failed > 0) console.error(`\n${result.output}\n${report}`);
      return summary([counts]);
    });
  }
}

async function fuzz() {
  const targets = fuzzTargets().filter((target) => isWanted(`fuzz ${target}`));
  if (targets.length === 0) return;
  const missing = whyNoFuzzing();
  if (missing !== undefined) {
    if (isComplete) throw new StepError(missing);
    process.stderr.write(`portside: fuzz targets ... skipped: ${missing}\n`);
    return;
  }
  for (const target of targets) {
    await step(`fuzz ${target} (${FUZZ_RUNS.toLocaleString('en')} inputs)`, async () => {
      const { ok, output } = await runTarget(target, { runs: FUZZ_RUNS, seconds: FUZZ_SECONDS });
      if (ok) tally.passed += 1;
      else {
        tally.failed.push(`fuzz ${target}`);
        console.error(`\n${output}`);
      }
      return ok ? 'passed' : 'failed';
    });
  }
}

await runMain(async () => {
  if (!hasProgram('g++')) throw new StepError('g++ is missing: apt-get install g++');
  ensureReady();
  const start = performance.now();
  await testPrograms(MEMORY);
  await testPrograms(THREADS);
  await testModule();
  await fuzz();
  for (const name of tally.failed) console.error(`portside: failed: ${name}`);
  const failed = tally.failed.length;
  console.log(
    `native: ${String(tally.passed)} passed, ${String(failed)} failed (${formatDuration(performance.now() - start)})`,
  );
  if (failed > 0 || tally.passed === 0) process.exitCode = 1;
});
