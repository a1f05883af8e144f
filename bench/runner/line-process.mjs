/** A running program that is talked to in lines: started on its core, asked, stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { ended, tailOf } from './child.mjs';
import { messageOf } from './message-of.mjs';

const START_MS = 20_000;
const STOP_MS = 3_000;
const FATE_MS = 300;

/** Raises the limit of open files, stays on one core, and becomes the program, so that the pid is the program's. */
const LAUNCHER = 'ulimit -n "$(ulimit -Hn)"; core=$1; shift; exec taskset -c "$core" "$@"';

export class LineProcess {
  #child;
  #lines;
  #ended;
  #errors;
  /** @type {string | undefined} */
  #fate;

  /**
   * @param {readonly string[]} command
   * @param {number} core
   */
  constructor(command, core) {
    this.#child = spawn('sh', ['-c', LAUNCHER, 'sh', String(core), ...command], { stdio: 'pipe' });
    this.#errors = tailOf(this.#child.stderr);
    this.#ended = ended(this.#child);
    this.#ended.then(
      (code) => {
        this.#fate = `it ended with ${String(code)}: ${reasonIn(this.#errors())}`;
      },
      (error) => {
        this.#fate = messageOf(error);
      },
    );
    this.#lines = createInterface({ input: this.#child.stdout });
    // A program that is gone is noticed where something is expected of it.
    this.#child.stdin.on('error', () => undefined);
  }

  get pid() {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the program could not be started');
    return pid;
  }

  /**
   * How the program ended, if it does so within a moment: who talks to it notices its end before its parent does.
   *
   * @returns {Promise<string | undefined>}
   */
  async fate() {
    const settled = this.#ended.catch(() => undefined);
    const enough = new AbortController();
    await Promise.race([
      settled,
      pause(FATE_MS, undefined, { signal: enough.signal }).catch(() => undefined),
    ]);
    enough.abort();
    return this.#fate;
  }

  /** The line by which the program tells that it is ready. @throws {Error} It did not come. */
  firstLine() {
    return this.#nextLine(START_MS);
  }

  /**
   * Writes a line, and waits for the one that answers it.
   *
   * @param {string} line
   * @param {number} patienceMs
   * @returns {Promise<string>}
   * @throws {Error} No answer came, or the program ended.
   */
  ask(line, patienceMs) {
    const answer = this.#nextLine(patienceMs);
    this.#child.stdin.write(`${line}\n`);
    return answer;
  }

  /** Ends the program; by force if it does not end by itself. */
  async stop() {
    this.#child.stdin.end();
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#ended.catch(() => undefined);
    clearTimeout(force);
  }

  /** @param {number} patienceMs */
  async #nextLine(patienceMs) {
    const enough = new AbortController();
    const timer = setTimeout(() => {
      enough.abort(new Error(`no answer in ${String(patienceMs / 1000)} s`));
    }, patienceMs);
    try {
      const line = once(this.#lines, 'line', { signal: enough.signal }).then(([text]) => String(text));
      line.catch(() => undefined);
      return await Promise.race([line, this.#endedEarly()]);
    } catch (error) {
      throw enough.signal.aborted ? enough.signal.reason : error;
    } finally {
      clearTimeout(timer);
      // Takes the listener away if the line did not come.
      enough.abort();
    }
  }

  /** @returns {Promise<never>} */
  async #endedEarly() {
    await this.#ended;
    throw new Error(this.#fate);
  }
}

/**
 * The line that says what happened, rather than the stack behind it.
 *
 * @param {string} text
 */
function reasonIn(text) {
  const lines = text.trim().split('\n');
  return lines.find((line) => /^(?:\w*Error|error)\b/u.test(line)) ?? lines.at(-1) ?? '';
}
