/**
 * A running caller: it makes system calls by itself, and is asked for one slice of them at a time. In between it waits, so
 * that it takes no time of the others.
 *
 * @typedef {import('./model.mjs').Sample} Sample
 * @typedef {import('./model.mjs').Settings} Settings
 */
import { LineProcess } from './line-process.mjs';

/** Besides the slice itself. */
const PATIENCE_MS = 20_000;

export class CallerProcess extends LineProcess {
  /** Waits until it has made its sockets. @throws {Error} It could not. */
  async ready() {
    const line = await this.firstLine();
    if (line !== 'ready') throw new Error(`the caller began with "${line}"`);
  }

  /**
   * Has it make its calls for one slice.
   *
   * @param {Settings} settings
   * @returns {Promise<Sample>}
   * @throws {Error} A single call went wrong: then there is no result.
   */
  async measure({ sliceMs, warmUpMs }) {
    const command = `slice ${String(warmUpMs)} ${String(sliceMs)}`;
    return parseCalls(await this.ask(command, sliceMs + PATIENCE_MS));
  }
}

/**
 * @param {string} line
 * @returns {Sample}
 */
export function parseCalls(line) {
  const slice = JSON.parse(line);
  for (const name of ['operations', 'seconds', 'cpuSeconds']) {
    if (!(slice[name] > 0)) throw new Error(`the slice has ${String(slice[name])} ${name}`);
  }
  return {
    cpuMicros: (slice.cpuSeconds / slice.operations) * 1e6,
    rate: slice.operations / slice.seconds,
  };
}
