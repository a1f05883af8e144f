/**
 * `npm test`: makes the clone ready, then runs the tests.
 *
 *     npm test                        all tests
 *     npm test -- address connect     test files whose path contains a word
 *     npm test -- --test-name-pattern=abort
 *     npm test -- --native            afterwards the native tests as well
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureReady } from './setup.mjs';
import { namesIn, newNames } from './leftovers.mjs';
import { ROOT, StepError, capture, hasProgram, runMain } from './steps.mjs';

/** Where test files are. */
const PLACES = [
  { folder: 'dist', ending: '.test.js' },
  { folder: 'bench', ending: '.test.mjs' },
  { folder: 'scripts', ending: '.test.mjs' },
];

/** Other people's programs that tests use, as clients or to look at what ours do. */
const PEERS = ['socat', 'curl', 'openssl', 'python3', 'strace'];

/** Modules of the system's own Python that tests use, which Debian has in packages `python3-…`. */
const PEER_MODULES = ['aiosmtpd', 'zeroconf'];

/** No test may take longer, in milliseconds: a hanging test is a failing one. On the older Nodes that goes for files. */
const TIMEOUT = 180_000;

function findTests(words) {
  return PLACES.flatMap(({ folder, ending }) => {
    let names = [];
    try {
      names = readdirSync(join(ROOT, folder), { recursive: true });
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    return names
      .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
      .map((name) => `${folder}/${name}`);
  })
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort();
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve(code ?? signal);
    });
  });
}

/** The runner's own closing lines, `# tests 812` and what follows. */
function closingLines(tapFile) {
  const lines = readFileSync(tapFile, 'utf8').trimEnd().split('\n');
  return lines
    .filter((line) => /^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(line))
    .slice(-8);
}

/** Sorts the command line into words that choose files, flags for the runner, and our own flag. */
function parseArguments(args) {
  return {
    words: args.filter((arg) => !arg.startsWith('--')),
    flags: args.filter((arg) => arg.startsWith('--') && arg !== '--native'),
    native: args.includes('--native'),
  };
}

function missingModules() {
  const code = 'import importlib.util as u, sys; print(*[n for n in sys.argv[1:] if u.find_spec(n) is None])';
  const { ok, output } = capture('/usr/bin/python3', ['-c', code, ...PEER_MODULES]);
  return ok ? output.split(/\s+/).filter((name) => name !== '') : PEER_MODULES;
}

function warnOfMissingPeers() {
  const packages = missingModules().map((name) => `python3-${name}`);
  const missing = [...PEERS.filter((name) => !hasProgram(name)), ...packages].join(' ');
  if (missing === '') return;
  console.error(`portside: not found: ${missing}. Tests that need them are skipped.`);
  console.error(`portside: to run those too, on Debian and Ubuntu: apt-get install ${missing}`);
}

await runMain(async () => {
  const { words, flags, native } = parseArguments(process.argv.slice(2));
  ensureReady();
  const files = findTests(words);
  if (files.length === 0) throw new StepError(`no test file has ${words.join(' or ')} in its path`);
  warnOfMissingPeers();
  mkdirSync(join(ROOT, 'build'), { recursive: true });
  const tapFile = join(ROOT, 'build/tests.tap');
  const reporters = [
    ['spec', 'stdout'],
    ['tap', tapFile],
  ].flatMap(([name, to]) => [`--test-reporter=${name}`, `--test-reporter-destination=${to}`]);
  const options = [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${String(TIMEOUT)}`,
  ];
  const before = namesIn(ROOT);
  const codes = [await run(process.execPath, [...options, ...reporters, ...flags, ...files])];
  const left = newNames(before, namesIn(ROOT));
  if (native) codes.push(await run(process.execPath, ['scripts/test-native.mjs']));
  if (codes.some((code) => code !== 0)) process.exitCode = 1;
  console.log(closingLines(tapFile).join('\n'));
  if (left.length > 0) throw new StepError(`tests have left files in this folder: ${left.join(', ')}`);
});
