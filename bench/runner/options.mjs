/**
 * The command line.
 *
 * @typedef {object} BenchOptions
 * @property {readonly string[]} words Names of tests.
 * @property {number} rounds
 * @property {number} idleRounds
 * @property {number} sliceMs
 * @property {number} seed
 * @property {number} serverCore
 * @property {number} loadCore
 * @property {string | undefined} node
 * @property {readonly string[]} servers None for all.
 * @property {string} out
 * @property {boolean} help
 * @property {boolean} list
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { RESULTS } from './paths.mjs';
import { programNamed } from './programs.mjs';

/** Longer slices would no longer be neighbours: the machine's speed changes within seconds. */
const LONGEST_SLICE_MS = 300;
const SHORTEST_SLICE_MS = 20;

const FULL = { rounds: 15, idleRounds: 9, sliceMs: 300 };
const QUICK = { rounds: 9, idleRounds: 3, sliceMs: 100 };

export const HELP = `npm run bench -- [TEST ...] [options]

Measures Portside beside node:net, node:dgram, node:tls, Bun, Deno and plain C++ servers, and its system calls beside C++,
CPython, koffi and node:ffi, on this machine.

  npm run bench                          all tests, ${String(FULL.rounds)} rounds: about twenty minutes
  npm run bench -- --quick               all tests, fewer and shorter rounds: under six minutes
  npm run bench -- echo-50 --rounds 25   one test, thoroughly
  npm run bench -- echo crr              echo-1, echo-50, echo-500 and crr
  npm run bench -- udp bulk tls          tests whose names begin so
  npm run bench -- --node 26             the servers for Node on Node 26, installed on demand

options
  --rounds N        visits to each server (${String(FULL.rounds)}; 9 or more to quote the result)
  --slice MS        length of a visit, ${String(SHORTEST_SLICE_MS)} to ${String(LONGEST_SLICE_MS)} (${String(FULL.sliceMs)})
  --quick           ${String(QUICK.rounds)} rounds of ${String(QUICK.sliceMs)} ms
  --node PATH|N     another Node for the servers; results are named after its version
  --servers A,B     only these servers and callers
  --cores S,L       the server's core and the load generator's (0,1)
  --seed N          the random order of an earlier run
  --out DIR         where results go (bench/results)
  --list            the tests, their programs and their targets
  --help            this

How to read the figures
  The load generator runs on one core, the server on another. All servers of a test run at once and are visited in
  short slices, in random order within each round. A ratio is taken within a round, and its median over the rounds is
  reported with its quartiles: on a machine whose speed drifts, trust ratios, not absolute figures. "CPU µs/request"
  is what the server's process used, all its threads together. "×" compares with node:net; above 1 is better.
  A slice with a single wrong or missing answer is no result, and is reported. More: bench/README.md`;

/**
 * @param {readonly string[]} args
 * @returns {BenchOptions}
 * @throws {Error} They make no sense.
 */
export function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      slice: { type: 'string' },
      quick: { type: 'boolean', default: false },
      node: { type: 'string' },
      servers: { type: 'string' },
      cores: { type: 'string', default: '0,1' },
      seed: { type: 'string' },
      out: { type: 'string', default: RESULTS },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const preset = values.quick ? QUICK : FULL;
  const [serverCore, loadCore] = coresOf(values.cores);
  return {
    words: positionals,
    rounds: wholeNumber('--rounds', values.rounds ?? String(preset.rounds), 1, 1000),
    idleRounds: wholeNumber('--rounds', values.rounds ?? String(preset.idleRounds), 1, 1000),
    sliceMs: wholeNumber(
      '--slice',
      values.slice ?? String(preset.sliceMs),
      SHORTEST_SLICE_MS,
      LONGEST_SLICE_MS,
    ),
    seed: wholeNumber('--seed', values.seed ?? String(Date.now() % 2 ** 31), 0, 2 ** 32 - 1),
    serverCore,
    loadCore,
    node: values.node,
    servers: serversOf(values.servers),
    out: path.resolve(values.out),
    help: values.help,
    list: values.list,
  };
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} low
 * @param {number} high
 */
function wholeNumber(option, text, low, high) {
  const value = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new Error(`${option} must be a whole number from ${String(low)} to ${String(high)}, not "${text}"`);
}

/**
 * @param {string} text
 * @returns {[number, number]}
 */
function coresOf(text) {
  const [server, load, ...rest] = text.split(',');
  if (server === undefined || load === undefined || rest.length > 0) {
    throw new Error(`--cores must be two numbers such as 0,1, not "${text}"`);
  }
  const cores = /** @type {[number, number]} */ (
    [server, load].map((core) => wholeNumber('--cores', core, 0, 1023))
  );
  if (cores[0] === cores[1]) throw new Error('--cores must be two different cores');
  return cores;
}

/** @param {string | undefined} text */
function serversOf(text) {
  if (text === undefined) return [];
  const names = text.split(',');
  for (const name of names) programNamed(name);
  return names;
}
