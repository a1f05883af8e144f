/**
 * Where results were measured.
 *
 * @typedef {import('./model.mjs').Environment} Environment
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./line-up.mjs').Equipment} Equipment
 */
import os from 'node:os';
import { programNamed } from './programs.mjs';

/**
 * @param {TestDefinition} test
 * @param {Equipment} equipment
 * @returns {Environment}
 */
export function describeEnvironment({ programs }, { node, peers }) {
  const runtimes = programs.map((name) => programNamed(name).runtime);
  const versions = Object.entries(peers)
    .filter(([name]) => runtimes.some((runtime) => runtime === name))
    .map(([name, runtime]) => [name, runtime.version]);
  return {
    node: node.version,
    versions: Object.fromEntries(versions),
    kernel: os.release(),
    processor: os.cpus()[0]?.model ?? 'unknown processor',
    cores: os.cpus().length,
    measuredAt: new Date().toISOString(),
  };
}

/** @throws {Error} The benchmark cannot run here. */
export function requireSupport() {
  if (process.platform !== 'linux')
    throw new Error('the benchmark needs Linux (epoll, CPU clocks, core affinity)');
  if (os.cpus().length < 2)
    throw new Error('the benchmark needs two cores, one for the server and one for the load');
}
