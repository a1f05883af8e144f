/**
 * Runs the load generator.
 *
 * @typedef {import('./model.mjs').Slice} Slice
 * @typedef {import('./model.mjs').Settings} Settings
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 * @typedef {import('./server-process.mjs').ServerProcess} ServerProcess
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ended, run, tailOf } from './child.mjs';
import { HERE } from './network.mjs';
import { LOAD_PROGRAM } from './paths.mjs';

/**
 * Loads a server for one slice.
 *
 * @param {TestDefinition} test
 * @param {ServerProcess} server
 * @param {Settings} settings
 * @param {import('./network.mjs').Network} [network] Where the server is.
 * @returns {Promise<Slice>}
 * @throws {Error} A single request went wrong: then there is no result.
 */
export async function measureSlice(test, server, settings, network = HERE) {
  const time = ['--duration', String(settings.sliceMs), '--warm-up', String(settings.warmUpMs)];
  const load = [LOAD_PROGRAM, ...argumentsOf(test, server, settings), ...time];
  const [program = '', ...words] = network.commandFor(load);
  return parseSlice(await run(program, words));
}

/**
 * @param {string} line
 * @returns {Slice}
 */
export function parseSlice(line) {
  const slice = JSON.parse(line);
  if (slice.errors !== 0)
    throw new Error(`${String(slice.errors)} errors, the first: ${String(slice.firstError)}`);
  for (const name of ['requests', 'seconds', 'serverCpuSeconds', 'loadCpuSeconds']) {
    if (!(slice[name] > 0)) throw new Error(`the slice has ${String(slice[name])} ${name}`);
  }
  return slice;
}

/** Connections that are held open and do nothing. */
export class IdleConnections {
  #child;
  #ended;

  /** @param {import('node:child_process').ChildProcessWithoutNullStreams} child */
  constructor(child) {
    this.#child = child;
    this.#ended = ended(child);
    this.#child.stdin.on('error', () => undefined);
  }

  /**
   * @param {TestDefinition} test
   * @param {ServerProcess} server
   * @param {Settings} settings
   * @returns {Promise<IdleConnections>} Once all are accepted.
   * @throws {Error} Not all could be opened.
   */
  static async open(test, server, settings) {
    const child = spawn(LOAD_PROGRAM, argumentsOf(test, server, settings), { stdio: 'pipe' });
    const connections = new IdleConnections(child);
    const errors = tailOf(child.stderr);
    const lines = createInterface({ input: child.stdout });
    const line = once(lines, 'line').then(([text]) => String(text));
    const early = connections.#ended.then((code) => {
      throw new Error(`load ended with ${String(code)}: ${errors().trim()}`);
    });
    early.catch(() => undefined);
    const answer = JSON.parse(await Promise.race([line, early]));
    if (answer.errors !== 0)
      throw new Error(`after ${String(answer.connections)} connections: ${answer.firstError}`);
    return connections;
  }

  async close() {
    this.#child.stdin.end();
    await this.#ended;
  }
}

/**
 * @param {TestDefinition} test
 * @param {ServerProcess} server
 * @param {Settings} settings
 */
function argumentsOf(test, server, settings) {
  const { mode, connections, size, window, tls } = test;
  const target = ['--port', String(server.port), '--pid', String(server.pid)];
  const load = ['--mode', mode, '--connections', String(connections)];
  if (size !== undefined) load.push('--size', String(size));
  if (window !== undefined) load.push('--window', String(window));
  if (tls === true) load.push('--tls', '1');
  return [...load, ...target, '--core', String(settings.loadCore)];
}
