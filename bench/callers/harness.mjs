/** What every caller in JavaScript does: it makes its calls in slices of time when the runner asks for one. */
import process from 'node:process';
import { createInterface } from 'node:readline';

/** Of a message. */
export const SIZE = 64;

/** Datagrams of one turn, and of one system call where there is one for many. */
export const BATCH = 32;

/** Between two looks at the clock, in operations: about a millisecond. */
export const TURN = 1024;

/**
 * @typedef {object} Loop What is measured.
 * @property {number} size Operations of one turn.
 * @property {() => void | Promise<void>} turn Does them. Throws if the answer of a single one is not what it must be.
 * @property {(message: Uint8Array) => void | Promise<void>} [verify] Sends bytes that were not sent before, and throws if
 *   something else arrives.
 *
 * @typedef {'pair' | 'option' | 'datagrams'} Task
 */

/**
 * Makes the loop that the command line asks for, tells the runner that it is ready, and obeys it from then on.
 *
 * @param {Partial<Record<Task, () => Loop | Promise<Loop>>>} loops
 */
export async function serve(loops) {
  const task = /** @type {Task} */ (process.argv[2]);
  const make = loops[task];
  if (make === undefined) throw new Error(`there is no ${task}; there are ${Object.keys(loops).join(', ')}`);
  const loop = await make();
  process.stdout.write('ready\n');
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await obey(loop, line))}\n`);
  }
  // Sockets may still be open that keep a runtime alive.
  process.exit(0);
}

/**
 * @param {Loop} loop
 * @param {string} line `slice WARM-UP-MS MS`, or `repeat TURNS`
 */
async function obey(loop, line) {
  const [word, first, second] = line.split(' ');
  if (word === 'slice') return slice(loop, Number(first), Number(second));
  if (word === 'repeat') return repeat(loop, Number(first));
  throw new Error(`"${line}" is no command`);
}

/**
 * @param {Loop} loop
 * @param {number} warmUp Milliseconds, of
 * @param {number} length
 */
async function slice(loop, warmUp, length) {
  const end = performance.now() + length;
  await turnsUntil(loop, performance.now() + warmUp);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const operations = await turnsUntil(loop, end);
  const wall = performance.now() - start;
  // All threads of the process, those of the collector and the compiler too.
  const { user, system } = process.cpuUsage(cpu);
  await loop.verify?.(messageOf(operations));
  return { operations, seconds: wall / 1e3, cpuSeconds: (user + system) / 1e6 };
}

/**
 * @param {Loop} loop
 * @param {number} end
 */
async function turnsUntil(loop, end) {
  let operations = 0;
  do {
    await loop.turn();
    operations += loop.size;
  } while (performance.now() < end);
  return operations;
}

/**
 * @param {Loop} loop
 * @param {number} turns
 */
async function repeat(loop, turns) {
  for (let i = 0; i < turns; i++) await loop.turn();
  return { operations: turns * loop.size };
}

/** @param {number} seed */
function messageOf(seed) {
  return Uint8Array.from({ length: SIZE }, (_, index) => (seed >> (index % 16)) ^ (index * 31));
}

/**
 * @param {Uint8Array} sent
 * @param {Uint8Array | undefined} arrived
 */
export function requireSame(sent, arrived) {
  if (arrived === undefined || Buffer.compare(sent, arrived) !== 0)
    throw new Error('something else arrived than was sent');
}

/**
 * @param {string} what
 * @param {unknown} answer
 * @returns {never}
 */
export function wrong(what, answer) {
  throw new Error(`${what} answered ${String(answer)}`);
}
