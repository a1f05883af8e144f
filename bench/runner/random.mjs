/** Random order that can be had again: the seed is written down with the results. */

/**
 * Numbers from 0 up to 1, the same for the same seed: a 32-bit xorshift.
 *
 * @see Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8(14), 2003
 * @param {number} seed
 * @returns {() => number}
 */
export function randomNumbers(seed) {
  // The state 0 would stay 0.
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/**
 * A copy in random order, each order being equally likely.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} random
 * @returns {T[]}
 */
export function shuffled(items, random) {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const item = /** @type {T} */ (out[i]);
    out[i] = /** @type {T} */ (out[j]);
    out[j] = item;
  }
  return out;
}
