/**
 * Measured against meant.
 *
 * @typedef {import('./model.mjs').Batches} Batches
 * @typedef {import('./model.mjs').Metric} Metric
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Target} Target
 *
 * @typedef {object} Verdict
 * @property {Target} target
 * @property {Summary | undefined} measured Of the ratio, of the bytes, or of the datagrams.
 * @property {'met' | 'missed' | 'not measured'} outcome
 */
import { ratiosPerRound, summarise, valuesOf } from './stats.mjs';
import { targetsOf } from './targets.mjs';

/**
 * @param {Result} result
 * @returns {Verdict[]}
 */
export function judge(result) {
  return targetsOf(result.test, majorOf(result.environment.node)).map((target) => {
    const measured = summarise(measurementsOf(result, target));
    return { target, measured, outcome: outcomeOf(target, measured) };
  });
}

/**
 * The major number of a version such as `v20.20.2`.
 *
 * @param {string} version
 * @returns {number}
 */
export function majorOf(version) {
  const major = Number.parseInt(version.replace(/^v/u, ''), 10);
  if (Number.isNaN(major)) throw new Error(`${version} is no version of Node`);
  return major;
}

/**
 * What is compared, and whether as a part of the peer's, or as how many times better than it.
 *
 * @type {Readonly<Record<'cpu' | 'rate' | 'cost' | 'p50' | 'p99', { of: Metric, isPart: boolean }>>}
 */
const COMPARED = {
  cpu: { of: 'cpuMicros', isPart: false },
  rate: { of: 'rate', isPart: false },
  cost: { of: 'cpuMicros', isPart: true },
  p50: { of: 'p50Micros', isPart: true },
  p99: { of: 'p99Micros', isPart: true },
};

/**
 * @param {Result} result
 * @param {Target} target
 */
function measurementsOf(result, { metric, subject, peer }) {
  if (metric === 'memory') return valuesOf(result.rounds, subject, 'bytes');
  if (metric === 'batch') return fewestOf(result.batches?.[subject]);
  if (peer === undefined) throw new Error(`a target for ${metric} needs a peer`);
  const { of, isPart } = COMPARED[metric];
  return isPart
    ? ratiosPerRound(result.rounds, peer, subject, of)
    : ratiosPerRound(result.rounds, subject, peer, of);
}

/** Of both directions. @param {Batches | undefined} batches */
function fewestOf(batches) {
  return batches === undefined ? [] : [Math.min(batches.sent, batches.received)];
}

/**
 * @param {Target} target
 * @param {Summary | undefined} measured
 */
function outcomeOf(target, measured) {
  if (measured === undefined) return 'not measured';
  const isMet =
    measured.median >= (target.atLeast ?? -Infinity) && measured.median <= (target.atMost ?? Infinity);
  return isMet ? 'met' : 'missed';
}
