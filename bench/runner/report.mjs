/**
 * Results as tables: what each server showed, and what was meant against what was measured.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Metric} Metric
 * @typedef {import('./table.mjs').Table} Table
 * @typedef {import('./verdicts.mjs').Verdict} Verdict
 */
import { serverNamed } from './servers.mjs';
import { ratiosPerRound, spreadPercent, summarise, valuesOf } from './stats.mjs';
import { testNamed } from './tests.mjs';

/** Rounds below which a median is not one to quote. */
export const ENOUGH_ROUNDS = 9;

/**
 * @param {Result} result
 * @returns {Table}
 */
export function serverTable(result) {
  return testNamed(result.test).mode === 'idle' ? memoryTable(result) : loadTable(result);
}

/** @param {Result} result @returns {Table} */
function memoryTable(result) {
  const { baseline } = testNamed(result.test);
  const head = [
    'server',
    'bytes/connection',
    '±',
    `less than ${titleOf(baseline)}`,
    'after collection',
    '±',
    'rounds',
  ];
  const rows = measuredServers(result).map((name) => [
    titleOf(name),
    ...medianCells(summariseMetric(result, name, 'bytes'), 0),
    ratioCell(result, name, 'bytes'),
    ...medianCells(summariseMetric(result, name, 'heldBytes'), 0),
    String(valuesOf(result.rounds, name, 'bytes').length),
  ]);
  return { head, rows };
}

/** @param {Result} result @returns {Table} */
function loadTable(result) {
  const timed = testNamed(result.test).connections === 1;
  const head = ['server', 'CPU µs/request', '±', 'CPU ×', 'requests/s', '±', 'rate ×', 'load busy', 'rounds'];
  if (timed) head.push('p50 µs', 'p99 µs');
  const rows = measuredServers(result).map((name) => {
    const cells = [
      titleOf(name),
      ...medianCells(summariseMetric(result, name, 'cpuMicros'), 2),
      ratioCell(result, name, 'cpuMicros'),
      ...medianCells(summariseMetric(result, name, 'rate'), 0),
      ratioCell(result, name, 'rate'),
      percent(summariseMetric(result, name, 'loadBusy')),
      String(valuesOf(result.rounds, name, 'cpuMicros').length),
    ];
    if (timed) {
      const latencies = /** @type {const} */ (['p50Micros', 'p99Micros']);
      cells.push(
        ...latencies.map((metric) => medianCells(summariseMetric(result, name, metric), 1)[0] ?? ''),
      );
    }
    return cells;
  });
  return { head, rows };
}

/**
 * The servers that have at least one measurement, in the order of the test's own list.
 *
 * @param {Result} result
 * @returns {string[]}
 */
export function measuredServers(result) {
  return testNamed(result.test).servers.filter((name) => result.rounds.some((round) => name in round));
}

/**
 * @param {Result} result
 * @param {string} server
 * @param {Metric} metric
 */
export function summariseMetric(result, server, metric) {
  return summarise(valuesOf(result.rounds, server, metric));
}

/**
 * @param {Result} result
 * @param {string} server
 * @param {Metric} metric
 */
export function ratioToBaseline(result, server, metric) {
  return summarise(ratiosPerRound(result.rounds, server, testNamed(result.test).baseline, metric));
}

/** @param {string} server */
export function titleOf(server) {
  return serverNamed(server).title;
}

/**
 * @param {readonly Verdict[]} verdicts
 * @returns {Table}
 */
export function verdictTable(verdicts) {
  const head = ['target', 'meant', 'measured', 'quartiles', 'rounds', ''];
  const rows = verdicts.map(({ target, measured, outcome }) => [
    `${target.test}: ${verdictLabel(target)}`,
    meant(target),
    measured === undefined ? '–' : amount(target, measured.median),
    measured === undefined ? '–' : `${amount(target, measured.low)}–${amount(target, measured.high)}`,
    measured === undefined ? '0' : String(measured.count),
    verdictText(target, measured, outcome),
  ]);
  return { head, rows };
}

/** @param {Verdict['target']} target */
export function verdictLabel(target) {
  const subject = titleOf(target.subject);
  return target.peer === undefined
    ? `${subject}, bytes each`
    : `${subject} against ${titleOf(target.peer)}, CPU`;
}

/** @param {Verdict['target']} target */
function meant(target) {
  return target.atLeast === undefined
    ? `≤ ${String(target.atMost)} B`
    : `≥ ${amount(target, target.atLeast)}`;
}

/**
 * @param {Verdict['target']} target
 * @param {number} value
 */
export function amount(target, value) {
  return target.metric === 'memory' ? `${value.toFixed(0)} B` : `${value.toFixed(2)}×`;
}

/**
 * A missed target says by how much.
 *
 * @param {Verdict['target']} target
 * @param {Summary | undefined} measured
 * @param {Verdict['outcome']} outcome
 */
function verdictText(target, measured, outcome) {
  if (measured === undefined || outcome === 'not measured') return outcome;
  const few = measured.count < ENOUGH_ROUNDS && target.metric === 'cpu' ? ' (too few rounds)' : '';
  if (outcome === 'met') return `met${few}`;
  const goal = target.atLeast ?? target.atMost ?? measured.median;
  return `missed by ${Math.abs((measured.median / goal - 1) * 100).toFixed(1)} %${few}`;
}

/**
 * @param {Summary | undefined} summary
 * @param {number} digits
 */
function medianCells(summary, digits) {
  if (summary === undefined) return ['–', '–'];
  const median =
    digits === 0 ? Math.round(summary.median).toLocaleString('en') : summary.median.toFixed(digits);
  return [median, summary.median > 0 ? `${spreadPercent(summary).toFixed(0)} %` : '–'];
}

/**
 * @param {Result} result
 * @param {string} server
 * @param {Metric} metric
 */
function ratioCell(result, server, metric) {
  const ratio = ratioToBaseline(result, server, metric);
  return ratio === undefined ? '–' : ratio.median.toFixed(2);
}

/** @param {Summary | undefined} summary */
function percent(summary) {
  return summary === undefined ? '–' : `${(summary.median * 100).toFixed(0)} %`;
}

/**
 * How the figures came about, in one line.
 *
 * @param {Result} result
 */
export function methodLine({ settings, environment, test }) {
  const { rounds, sliceMs, warmUpMs, seed } = settings;
  const time = `slices of ${String(sliceMs)} ms, ${String(warmUpMs)} ms of them warm-up`;
  const how = testNamed(test).mode === 'idle' ? 'a fresh server each' : time;
  return `${String(rounds)} rounds, ${how}; seed ${String(seed)}; Node ${environment.node}`;
}

/**
 * What went wrong, once for each server and reason.
 *
 * @param {Result} result
 * @returns {string[]}
 */
export function failureLines({ failures }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { server, why } of failures) {
    const line = `${titleOf(server)}: ${why}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line} (${String(count)} times)`));
}
