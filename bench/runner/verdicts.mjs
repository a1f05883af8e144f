/**
 * Measured against meant.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Target} Target
 *
 * @typedef {object} Verdict
 * @property {Target} target
 * @property {Summary | undefined} measured Of the ratio, or of the bytes.
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
 * @param {Result} result
 * @param {Target} target
 */
function measurementsOf(result, target) {
  if (target.peer === undefined) return valuesOf(result.rounds, target.subject, 'bytes');
  return ratiosPerRound(result.rounds, target.subject, target.peer, 'cpuMicros');
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
