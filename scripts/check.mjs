/**
 * `npm run check`: everything about the code that can be judged without running it. All steps run, also after one has
 * failed. With `--fix` (`npm run format`) it rewrites instead what can be rewritten: layout, and lint that fixes itself.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from './generate.mjs';
import { ensureReady } from './setup.mjs';
import { ROOT, StepError, capture, formatDuration, hasProgram, printError, runMain, step } from './steps.mjs';

const fix = process.argv.includes('--fix');

/** A path of somebody's machine, or a registry other than npm's own: what must not get into the repository. */
const MACHINE_TRACES = [
  /(?<![\w.:/-])\/(?:home|root|Users|work|workspace|workspaces)\/[\w.-]+/,
  /(?<![\w.:/-])\/tmp\/wt\b/,
  /"resolved": "https?:\/\/(?!registry\.npmjs\.org\/)/,
];

/** Files of the repository, also new ones, but none that is ignored. */
function repositoryFiles(...patterns) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns];
  const files = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).split(
    '\0',
  );
  return [...new Set(files)].filter((file) => file !== '' && existsSync(join(ROOT, file))).sort();
}

function must(command, args, advice) {
  const { ok, output } = capture(command, args);
  if (!ok) throw new StepError(advice, output);
}

/** Runs the program of a development dependency. */
function tool(script, args, advice) {
  must(process.execPath, [join(ROOT, 'node_modules', script), ...args], advice);
}

function checkCppLayout() {
  const files = repositoryFiles('*.cc', '*.h');
  if (files.length === 0) return;
  const program = ['clang-format-14', 'clang-format'].find(hasProgram);
  if (program === undefined) throw new StepError('clang-format is missing: apt-get install clang-format-14');
  must(
    program,
    fix ? ['-i', ...files] : ['--dry-run', '-Werror', ...files],
    'npm run format lays the C++ out',
  );
}

/** Only where the tool is: it is a large one to ask for. */
function lintCpp() {
  if (!hasProgram('clang-tidy-14')) return 'clang-tidy-14 is not here';
  const files = repositoryFiles('native/core/*.cc');
  if (files.length === 0) return 'there is no C++';
  const flags = ['-std=c++17', '-Inative', '-D_GNU_SOURCE'];
  must('clang-tidy-14', ['--quiet', ...files, '--', ...flags], 'clang-tidy found faults');
  return undefined;
}

function checkMachineTraces() {
  const finds = repositoryFiles().flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        MACHINE_TRACES.some((trace) => trace.test(line))
          ? [`${file}:${String(index + 1)}: ${line.trim()}`]
          : [],
      ),
  );
  if (finds.length > 0)
    throw new StepError("paths of somebody's machine do not belong here", finds.join('\n'));
}

/** Set before the steps run, which do not wait: formatting is asynchronous. */
let stale = [];

const STEPS = [
  {
    name: 'generated files',
    fixes: true,
    run: () => {
      if (!fix && stale.length > 0)
        throw new StepError(`stale: ${stale.join(', ')}; npm run format makes them anew`);
    },
  },
  {
    name: 'types',
    run: () => {
      ensureReady({ native: false });
    },
  },
  {
    name: 'types of the portable folders',
    run: () => {
      const advice = 'base, facades and testing must do without Node and without a DOM';
      tool('typescript/bin/tsc', ['-p', 'tsconfig.portable.json', '--pretty', 'false'], advice);
    },
  },
  {
    name: 'lint',
    fixes: true,
    run: () => {
      tool(
        'eslint/bin/eslint.js',
        ['.', '--max-warnings=0', ...(fix ? ['--fix'] : [])],
        'eslint found faults',
      );
    },
  },
  {
    name: 'layout',
    fixes: true,
    run: () => {
      tool(
        'prettier/bin/prettier.cjs',
        ['.', '--log-level=warn', fix ? '--write' : '--check'],
        'npm run format lays the files out',
      );
    },
  },
  { name: 'layout of C++', fixes: true, run: checkCppLayout },
  {
    name: 'architecture',
    run: () => {
      must(
        process.execPath,
        ['--test', '--test-reporter=spec', 'dist/architecture.test.js'],
        'the architecture test names what is wrong',
      );
    },
  },
  { name: 'lint of C++', run: lintCpp },
  { name: "no machine's paths", run: checkMachineTraces },
];

await runMain(async () => {
  ensureReady({ native: false, dist: false });
  stale = await generate({ isCheck: !fix });
  const start = performance.now();
  const steps = STEPS.filter(({ fixes }) => !fix || fixes === true);
  const failed = steps.filter(({ name, run }) => {
    try {
      step(name, run);
      return false;
    } catch (error) {
      printError(error);
      return true;
    }
  });
  const time = formatDuration(performance.now() - start);
  if (failed.length > 0)
    throw new StepError(`check failed: ${failed.map(({ name }) => name).join(', ')} (${time})`);
  console.error(`portside: ${String(steps.length)} checks pass (${time})`);
});
