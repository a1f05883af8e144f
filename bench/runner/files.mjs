/**
 * The files of results: for each test `NAME.json` (every round) and `NAME.svg`, and over all of them `summary.md` and
 * `summary.svg`. The names have no date, so that version control shows what changed.
 *
 * @typedef {import('./model.mjs').Result} Result
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { targetChart, testChart } from './charts.mjs';
import { programTable } from './program-tables.mjs';
import { failureLines, methodLine, verdictTable } from './report.mjs';
import { markdownTable } from './table.mjs';
import { TESTS, testNamed } from './tests.mjs';
import { judge } from './verdicts.mjs';

/**
 * @param {string} folder
 * @param {Result} result
 * @param {string} suffix Such as `-node26`.
 */
export async function writeResult(folder, result, suffix) {
  await mkdir(folder, { recursive: true });
  const base = path.join(folder, `${result.test}${suffix}`);
  await writeFile(`${base}.json`, json(result));
  await writeFile(`${base}.svg`, testChart(result));
}

/** One line for each round, so that a change is readable. @param {Result} result */
function json({ rounds, ...rest }) {
  const lines = rounds.map((round) => `    ${JSON.stringify(round, shorter)}`).join(',\n');
  return `${JSON.stringify(rest, null, 2).replace(/\n\}$/u, '')},\n  "rounds": [\n${lines}\n  ]\n}\n`;
}

/**
 * No clock is as good as the digits that a division leaves.
 *
 * @param {string} _name
 * @param {unknown} value
 */
function shorter(_name, value) {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/**
 * Writes the summary of all results in a folder, those of earlier runs too.
 *
 * @param {string} folder
 * @param {string} suffix
 * @returns {Promise<string>} The path of the Markdown file.
 */
export async function writeSummary(folder, suffix) {
  /** @type {Result[]} */
  const results = [];
  for (const test of TESTS) {
    const file = path.join(folder, `${test.name}${suffix}.json`);
    if (existsSync(file)) results.push(JSON.parse(await readFile(file, 'utf8')));
  }
  const verdicts = results.flatMap(judge);
  const first = results[0];
  if (first !== undefined && verdicts.length > 0) {
    const footer = `Medians, whiskers from quartile to quartile; Node ${first.environment.node}`;
    await writeFile(path.join(folder, `summary${suffix}.svg`), targetChart(verdicts, footer));
  }
  const file = path.join(folder, `summary${suffix}.md`);
  await writeFile(file, summaryText(results, suffix));
  return file;
}

/**
 * @param {readonly Result[]} results
 * @param {string} suffix
 */
function summaryText(results, suffix) {
  const verdicts = results.flatMap(judge);
  const parts = [
    '# Benchmark results',
    'Written by `npm run bench`. [How to read this](../README.md). Ratios are medians of ratios taken within a round,' +
      ' and above 1 is better; where calls are compared, a part of the CPU time of the other, and less is better.' +
      ' Absolute figures depend on the machine and on its mood.',
    '## Targets',
    `![Measured against the targets](summary${suffix}.svg)`,
    markdownTable(verdictTable(verdicts)),
    ...results.flatMap((result) => testText(result, suffix)),
  ];
  return `${parts.join('\n\n')}\n`;
}

/**
 * @param {Result} result
 * @param {string} suffix
 */
function testText(result, suffix) {
  const { title } = testNamed(result.test);
  const { environment } = result;
  const versions = Object.entries(environment.versions).map(([name, version]) => `${name} ${version}`);
  const machine = `${environment.processor}, ${String(environment.cores)} cores, Linux ${environment.kernel}`;
  const failures = failureLines(result).map((line) => `- ${line}`);
  return [
    `## ${result.test}: ${title}`,
    `![${title}](${result.test}${suffix}.svg)`,
    markdownTable(programTable(result)),
    `${[methodLine(result), ...versions, machine].join('; ')}; measured ${environment.measuredAt.slice(0, 10)}.`,
    ...(failures.length > 0 ? [`Left out or failed:\n\n${failures.join('\n')}`] : []),
  ];
}
