/** What tests leave behind where they run. */
import { readdirSync } from 'node:fs';

/**
 * What is in a folder itself: tests run in the repository's, so that a relative path ends there. Each name is quoted, for it
 * may be anything.
 *
 * @param {string} folder
 * @returns {ReadonlySet<string>}
 */
export function namesIn(folder) {
  return new Set(readdirSync(folder).map((name) => JSON.stringify(name)));
}

/** What builds make in a folder, those that a test starts too. */
const MADE = /^"(build(-[a-z]+)?|dist|prebuilds)"$/;

/**
 * @param {ReadonlySet<string>} before
 * @param {ReadonlySet<string>} after
 * @returns {readonly string[]} what has come since and was not built, sorted
 */
export function newNames(before, after) {
  return [...after].filter((name) => !before.has(name) && !MADE.test(name)).sort();
}
