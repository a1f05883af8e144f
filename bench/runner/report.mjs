/**
 * What was meant against what was measured, how it was measured, and what failed, as text.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./table.mjs').Table} Table
 * @typedef {import('./verdicts.mjs').Verdict} Verdict
 */
import { percent, titleOf } from './measures.mjs';
import { testNamed } from './tests.mjs';

/** Rounds below which a median is not one to quote. */
export const ENOUGH_ROUNDS = 9;

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

/**
 * How each metric is written: what it says of the subject, and an amount of it.
 *
 * @type {Readonly<Record<Verdict['target']['metric'], { label: string, write: (value: number) => string }>>}
 */
const METRICS = {
  cpu: { label: 'CPU', write: (value) => `${value.toFixed(2)}×` },
  rate: { label: 'rate', write: (value) => `${value.toFixed(2)}×` },
  p50: { label: 'p50', write: percent },
  p99: { label: 'p99', write: percent },
  cost: { label: 'CPU of a call', write: percent },
  memory: { label: 'bytes each', write: (value) => `${value.toFixed(0)} B` },
  batch: { label: 'datagrams a system call', write: (value) => value.toFixed(1).replace(/\.0$/u, '') },
};

/** @param {Verdict['target']} target */
export function verdictLabel({ subject, peer, metric }) {
  const whom = peer === undefined ? '' : ` against ${titleOf(peer)}`;
  return `${titleOf(subject)}${whom}, ${METRICS[metric].label}`;
}

/** @param {Verdict['target']} target */
export function meant(target) {
  const { atLeast, atMost } = target;
  if (atLeast !== undefined) return `≥ ${amount(target, atLeast)}`;
  return `≤ ${amount(target, atMost ?? Infinity)}`;
}

/**
 * @param {Verdict['target']} target
 * @param {number} value
 */
export function amount(target, value) {
  return METRICS[target.metric].write(value);
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
  const few = measured.count < ENOUGH_ROUNDS && target.peer !== undefined ? ' (too few rounds)' : '';
  if (outcome === 'met') return `met${few}`;
  const goal = target.atLeast ?? target.atMost ?? measured.median;
  return `missed by ${Math.abs((measured.median / goal - 1) * 100).toFixed(1)} %${few}`;
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
 * What went wrong, once for each program and reason.
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
