/**
 * The arithmetic of the benchmark: medians, quartiles, and ratios that are taken within a round.
 *
 * @typedef {import('./model.mjs').Summary} Summary
 * @typedef {import('./model.mjs').Round} Round
 * @typedef {import('./model.mjs').Metric} Metric
 */

/**
 * A quantile, interpolated between the two nearest values.
 *
 * @param {readonly number[]} sorted In rising order, not empty.
 * @param {number} q 0 to 1
 * @returns {number}
 */
export function quantile(sorted, q) {
  if (sorted.length === 0) throw new RangeError('no values');
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const low = /** @type {number} */ (sorted[below]);
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/**
 * Median and quartiles, or `undefined` of no values.
 *
 * @param {readonly number[]} values
 * @returns {Summary | undefined}
 */
export function summarise(values) {
  for (const value of values) {
    if (!Number.isFinite(value)) throw new RangeError(`${String(value)} is no measurement`);
  }
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    count: sorted.length,
  };
}

/**
 * What a server showed in each round that it took part in.
 *
 * @param {readonly Round[]} rounds
 * @param {string} server
 * @param {Metric} metric
 * @returns {number[]}
 */
export function valuesOf(rounds, server, metric) {
  const values = [];
  for (const round of rounds) {
    const value = round[server]?.[metric];
    if (value !== undefined) values.push(value);
  }
  return values;
}

/**
 * How many times better `subject` was than `peer`, round by round: two slices of one round are neighbours in time, and
 * the machine's speed drifts more slowly than that. Rounds in which one of the two failed do not count.
 *
 * @param {readonly Round[]} rounds
 * @param {string} subject
 * @param {string} peer
 * @param {Metric} metric `rate` is better when higher, all others when lower.
 * @returns {number[]}
 */
export function ratiosPerRound(rounds, subject, peer, metric) {
  const ratios = [];
  for (const round of rounds) {
    const ours = round[subject]?.[metric];
    const theirs = round[peer]?.[metric];
    // A plain C++ server needs no measurable memory per connection: there is no ratio to that.
    if (ours === undefined || theirs === undefined || ours <= 0 || theirs <= 0) continue;
    ratios.push(metric === 'rate' ? ours / theirs : theirs / ours);
  }
  return ratios;
}

/**
 * How much more CPU time an operation of `subject` took than one of `peer`, round by round, in microseconds.
 *
 * @param {readonly Round[]} rounds
 * @param {string} subject
 * @param {string} peer
 * @returns {number[]}
 */
export function surplusPerRound(rounds, subject, peer) {
  return rounds.flatMap((round) => {
    const [ours, theirs] = [round[subject]?.cpuMicros, round[peer]?.cpuMicros];
    return ours === undefined || theirs === undefined ? [] : [ours - theirs];
  });
}

/**
 * The same in another unit.
 *
 * @param {Summary | undefined} summary
 * @param {number} scale
 * @returns {Summary | undefined}
 */
export function scaled(summary, scale) {
  if (summary === undefined) return undefined;
  const { median, low, high, count } = summary;
  return { median: median * scale, low: low * scale, high: high * scale, count };
}

/**
 * Half the distance between the quartiles, in per cent of the median.
 *
 * @param {Summary} summary
 * @returns {number}
 */
export function spreadPercent(summary) {
  return ((summary.high - summary.low) / 2 / summary.median) * 100;
}
