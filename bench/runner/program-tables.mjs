/**
 * What each program showed in a test, as a table.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Metric} Metric
 * @typedef {import('./table.mjs').Table} Table
 */
import {
  costToBaseline,
  measuredPrograms,
  nanosOf,
  percent,
  ratioToBaseline,
  summariseMetric,
  surplusOverBaseline,
  titleOf,
} from './measures.mjs';
import { scaled, spreadPercent, valuesOf } from './stats.mjs';
import { operationOf, testNamed } from './tests.mjs';
import { isTimed, unitOf } from './units.mjs';

/**
 * @param {Result} result
 * @returns {Table}
 */
export function programTable(result) {
  const test = testNamed(result.test);
  if (test.mode === 'idle') return memoryTable(result);
  if (test.mode === 'datagrams') return batchTable(result);
  const operation = operationOf(test);
  return operation === undefined ? loadTable(result) : costTable(result, operation);
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
  const rows = measuredPrograms(result).map((name) => [
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
  const test = testNamed(result.test);
  const unit = unitOf(test);
  const head = ['server', unit.cpu, '±', 'CPU ×', unit.rate, '±', 'rate ×', 'load busy', 'rounds'];
  if (isTimed(test)) head.push('p50 µs', 'p50 ×', 'p99 µs', 'p99 ×');
  const rows = measuredPrograms(result).map((name) => [
    titleOf(name),
    ...speedCells(result, name),
    percentCell(summariseMetric(result, name, 'loadBusy')),
    roundsCell(result, name),
    ...(isTimed(test) ? latencyCells(result, name) : []),
  ]);
  return { head, rows };
}

/**
 * @param {Result} result
 * @param {string} name
 */
function latencyCells(result, name) {
  return /** @type {const} */ (['p50Micros', 'p99Micros']).flatMap((metric) => [
    medianCells(summariseMetric(result, name, metric), 1)[0] ?? '',
    ratioCell(result, name, metric),
  ]);
}

/**
 * Calls that take well under a microsecond, beside what they cost without a language in the way.
 *
 * @param {Result} result
 * @param {string} operation
 * @returns {Table}
 */
function costTable(result, operation) {
  const baseline = titleOf(testNamed(result.test).baseline);
  const head = [
    'caller',
    `CPU ns/${operation}`,
    '±',
    `of ${baseline}`,
    'quartiles',
    `ns over ${baseline}`,
    `wall ns/${operation}`,
    '±',
    'rounds',
  ];
  const rows = measuredPrograms(result).map((name) => {
    const { cpu, wall } = nanosOf(result, name);
    const cost = costToBaseline(result, name);
    return [
      titleOf(name),
      ...medianCells(cpu, 0),
      percentCell(cost),
      quartilesCell(cost),
      medianCells(surplusOverBaseline(result, name), 0)[0] ?? '',
      ...medianCells(wall, 0),
      roundsCell(result, name),
    ];
  });
  return { head, rows };
}

/** @param {Result} result @returns {Table} */
function batchTable(result) {
  const unit = unitOf(testNamed(result.test));
  const head = ['caller', unit.cpu, '±', 'CPU ×', unit.rate, '±', 'rate ×'];
  head.push('datagrams a send call', 'a receive call', 'rounds');
  const rows = measuredPrograms(result).map((name) => {
    const batches = result.batches?.[name];
    const counts = batches === undefined ? ['–', '–'] : [batches.sent, batches.received].map(amountOf);
    return [titleOf(name), ...speedCells(result, name), ...counts, roundsCell(result, name)];
  });
  return { head, rows };
}

/**
 * @param {Result} result
 * @param {string} name
 */
function speedCells(result, name) {
  const unit = unitOf(testNamed(result.test));
  return [
    ...medianCells(scaled(summariseMetric(result, name, 'cpuMicros'), unit.cpuScale), unit.cpuDigits),
    ratioCell(result, name, 'cpuMicros'),
    ...medianCells(scaled(summariseMetric(result, name, 'rate'), unit.rateScale), unit.rateDigits),
    ratioCell(result, name, 'rate'),
  ];
}

/**
 * @param {Result} result
 * @param {string} name
 */
function roundsCell(result, name) {
  return String(valuesOf(result.rounds, name, 'cpuMicros').length);
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
 * @param {string} program
 * @param {Metric} metric
 */
function ratioCell(result, program, metric) {
  const ratio = ratioToBaseline(result, program, metric);
  return ratio === undefined ? '–' : ratio.median.toFixed(2);
}

/** @param {Summary | undefined} summary */
function percentCell(summary) {
  return summary === undefined ? '–' : percent(summary.median);
}

/** @param {Summary | undefined} summary */
function quartilesCell(summary) {
  return summary === undefined ? '–' : `${percent(summary.low)}–${percent(summary.high)}`;
}

/** @param {number} value */
function amountOf(value) {
  return value.toFixed(1).replace(/\.0$/u, '');
}
