/**
 * `npm run bench`: prepares, measures test by test, and reports.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./model.mjs').Settings} Settings
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./options.mjs').BenchOptions} BenchOptions
 * @typedef {import('./line-up.mjs').Equipment} Equipment
 */
import path from 'node:path';
import { countBatches } from './batches.mjs';
import { buildNative } from './build.mjs';
import { describeEnvironment, requireSupport } from './environment.mjs';
import { writeResult, writeSummary } from './files.mjs';
import { measureIdle } from './idle.mjs';
import { equip, lineUp } from './line-up.mjs';
import { HELP, parseOptions } from './options.mjs';
import { programTable } from './program-tables.mjs';
import { PROGRAMS } from './programs.mjs';
import { Progress } from './progress.mjs';
import { titleOf } from './measures.mjs';
import { failureLines, methodLine, verdictTable } from './report.mjs';
import { measureRounds } from './rounds.mjs';
import { plainTable } from './table.mjs';
import { TARGETS } from './targets.mjs';
import { operationOf, selectTests, TESTS, testNamed } from './tests.mjs';
import { judge, majorOf } from './verdicts.mjs';

/** The part of a slice that is not measured. */
const WARM_UP = 0.2;

/** Callers are visited for half as long as servers: a call takes a microsecond or two, and there is nobody to wait for. */
const CALLERS_PART = 0.5;

/**
 * @param {readonly string[]} args
 * @returns {Promise<void>}
 * @throws {Error} The command line makes no sense, or nothing could be measured.
 */
export async function main(args) {
  const options = parseOptions(args);
  if (options.help) return print(HELP);
  if (options.list) return print(listText());
  const tests = selectTests(options.words);
  requireSupport();
  const progress = new Progress();
  const equipment = await prepare(tests, options, progress);
  const suffix = options.node === undefined ? '' : `-node${String(majorOf(equipment.node.version))}`;
  /** @type {Result[]} */
  const results = [];
  for (const test of tests) {
    const result = await measure(test, options, equipment, progress);
    results.push(result);
    print(resultText(result));
    if (result.rounds.length > 0) await writeResult(options.out, result, suffix);
  }
  print(`\nTargets\n\n${plainTable(verdictTable(results.flatMap(judge)))}\n`);
  const summary = await writeSummary(options.out, suffix);
  print(`Results: ${path.relative(process.cwd(), summary)}, and beside it .json and .svg`);
}

/**
 * @param {readonly TestDefinition[]} tests
 * @param {BenchOptions} options
 * @param {Progress} progress
 */
async function prepare(tests, options, progress) {
  const say = progress.say.bind(progress);
  const noTls = await buildNative(say);
  if (noTls !== undefined && tests.some(({ tls }) => tls === true)) say(`skipping TLS: ${noTls}`);
  const needed = wantedPrograms(options).filter((program) =>
    tests.some((test) => test.programs.includes(program.name)),
  );
  return equip(needed, options.node, noTls, say);
}

/** @param {BenchOptions} options */
function wantedPrograms(options) {
  return PROGRAMS.filter(({ name }) => options.servers.length === 0 || options.servers.includes(name));
}

/**
 * @param {TestDefinition} test
 * @param {BenchOptions} options
 * @param {Equipment} equipment
 * @param {Progress} progress
 * @returns {Promise<Result>}
 */
async function measure(test, options, equipment, progress) {
  const settings = settingsOf(test, options);
  const { entrants, failures } = lineUp(test, wantedPrograms(options), equipment);
  const environment = describeEnvironment(test, equipment);
  if (entrants.length === 0) return { test: test.name, settings, environment, rounds: [], failures };
  progress.begin(`${test.name}: ${String(entrants.length)} programs, ${String(settings.rounds)} rounds`);
  const tell = progress.step.bind(progress);
  const measured = await (test.mode === 'idle' ? measureIdle : measureRounds)(test, entrants, settings, tell);
  const counted = test.mode === 'datagrams' ? await countBatches(entrants) : undefined;
  progress.end();
  return {
    test: test.name,
    settings,
    environment,
    failures: [...failures, ...measured.failures, ...(counted?.failures ?? [])],
    ...(counted === undefined ? {} : { batches: counted.batches }),
    rounds: measured.rounds,
  };
}

/**
 * @param {TestDefinition} test
 * @param {BenchOptions} options
 * @returns {Settings}
 */
function settingsOf(test, options) {
  const sliceMs = options.sliceMs * (operationOf(test) === undefined ? 1 : CALLERS_PART);
  return {
    rounds: test.mode === 'idle' ? options.idleRounds : options.rounds,
    sliceMs,
    warmUpMs: Math.round(sliceMs * WARM_UP),
    seed: options.seed,
    serverCore: options.serverCore,
    loadCore: options.loadCore,
  };
}

/** @param {Result} result */
function resultText(result) {
  const failures = failureLines(result).map((line) => `  ! ${line}`);
  const head = `\n${result.test}: ${testNamed(result.test).title}\n  ${methodLine(result)}`;
  return [head, '', plainTable(programTable(result)), ...failures].join('\n');
}

function listText() {
  const tests = TESTS.map((test) => {
    const programs = test.programs.map(titleOf).join(', ');
    return `${test.name.padEnd(18)}${test.title}\n${' '.repeat(18)}${programs}`;
  });
  const verdicts = TARGETS.map((target) => ({
    target,
    measured: undefined,
    outcome: /** @type {const} */ ('not measured'),
  }));
  const rows = verdictTable(verdicts).rows.map((row) => row.slice(0, 2));
  return `${tests.join('\n')}\n\n${plainTable({ head: ['target', 'meant'], rows })}`;
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}
