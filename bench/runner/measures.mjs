/**
 * What tables and charts read of a result.
 *
 * @typedef {import('./model.mjs').Result} Result
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Metric} Metric
 */
import { programNamed } from './programs.mjs';
import { ratiosPerRound, summarise, surplusPerRound, valuesOf } from './stats.mjs';
import { testNamed } from './tests.mjs';

/** A part, such as 0.5, in per cent. @param {number} part */
export function percent(part) {
  return `${(part * 100).toFixed(0)} %`;
}

/** @param {string} program */
export function titleOf(program) {
  return programNamed(program).title;
}

/**
 * The programs that have at least one measurement, in the order of the test's own list.
 *
 * @param {Result} result
 * @returns {string[]}
 */
export function measuredPrograms(result) {
  return testNamed(result.test).programs.filter((name) => result.rounds.some((round) => name in round));
}

/**
 * @param {Result} result
 * @param {string} program
 * @param {Metric} metric
 */
export function summariseMetric(result, program, metric) {
  return summarise(valuesOf(result.rounds, program, metric));
}

/**
 * @param {Result} result
 * @param {string} program
 * @param {Metric} metric
 */
export function ratioToBaseline(result, program, metric) {
  return summarise(ratiosPerRound(result.rounds, program, testNamed(result.test).baseline, metric));
}

/**
 * The CPU time of an operation as a part of the baseline's: 2 is twice as much.
 *
 * @param {Result} result
 * @param {string} program
 */
export function costToBaseline(result, program) {
  return summarise(ratiosPerRound(result.rounds, testNamed(result.test).baseline, program, 'cpuMicros'));
}

/**
 * CPU time of an operation beyond the baseline's, in nanoseconds.
 *
 * @param {Result} result
 * @param {string} program
 */
export function surplusOverBaseline(result, program) {
  const { baseline } = testNamed(result.test);
  return summarise(surplusPerRound(result.rounds, program, baseline).map(toNanos));
}

/**
 * CPU and wall time of an operation, in nanoseconds.
 *
 * @param {Result} result
 * @param {string} program
 */
export function nanosOf({ rounds }, program) {
  return {
    cpu: summarise(valuesOf(rounds, program, 'cpuMicros').map(toNanos)),
    wall: summarise(valuesOf(rounds, program, 'rate').map((rate) => 1e9 / rate)),
  };
}

/** @param {number} micros */
function toNanos(micros) {
  return micros * 1000;
}
