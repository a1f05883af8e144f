/**
 * Tables of text, for terminals and for Markdown.
 *
 * @typedef {object} Table
 * @property {readonly string[]} head
 * @property {readonly (readonly string[])[]} rows
 */

/**
 * Columns in line; the first one to the left, the others, which are numbers, to the right.
 *
 * @param {Table} table
 * @returns {string}
 */
export function plainTable({ head, rows }) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))));
  const line = (/** @type {readonly string[]} */ row) =>
    row.map((cell, column) => aligned(cell, widths[column] ?? 0, column)).join('  ');
  return all.map((row) => `  ${line(row)}`.trimEnd()).join('\n');
}

/**
 * @param {string} cell
 * @param {number} size
 * @param {number} column
 */
function aligned(cell, size, column) {
  const fill = ' '.repeat(size - width(cell));
  return column === 0 ? cell + fill : fill + cell;
}

/** @param {string} text */
function width(text) {
  return [...text].length;
}

/**
 * @param {Table} table
 * @returns {string}
 */
export function markdownTable({ head, rows }) {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
