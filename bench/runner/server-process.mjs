/** One running server: started on its core, told to collect its garbage, stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { ended, tailOf } from './child.mjs';
import { messageOf } from './message-of.mjs';

const START_MS = 20_000;
const COLLECT_MS = 20_000;
const STOP_MS = 3_000;
const FATE_MS = 300;

/** Raises the limit of open files, stays on one core, and becomes the program, so that the pid is the program's. */
const LAUNCHER = 'ulimit -n "$(ulimit -Hn)"; core=$1; shift; exec taskset -c "$core" "$@"';

export class ServerProcess {
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
        this.#fate = `the server ended with ${String(code)}: ${reasonIn(this.#errors())}`;
      },
      (error) => {
        this.#fate = messageOf(error);
      },
    );
    this.#lines = createInterface({ input: this.#child.stdout });
    // A server that is gone is noticed where something is expected of it.
    this.#child.stdin.on('error', () => undefined);
    this.port = 0;
  }

  get pid() {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the server could not be started');
    return pid;
  }

  /**
   * How the server ended, if it does so within a moment: who talks to a server notices its end before its parent does.
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

  /** Waits for the port. @throws {Error} It did not come. */
  async ready() {
    const line = await this.#nextLine(START_MS);
    this.port = Number(line);
    if (!Number.isInteger(this.port) || this.port < 1) throw new Error(`"${line}" is no port`);
  }

  /** Lets the server free what it can. @throws {Error} It does not answer. */
  async collectGarbage() {
    const answer = this.#nextLine(COLLECT_MS);
    this.#child.stdin.write('collect\n');
    const line = await answer;
    if (line !== 'collected') throw new Error(`the server answered "${line}"`);
  }

  /** Resident memory in bytes. @see proc_pid_smaps(5) */
  async residentBytes() {
    const text = await readFile(`/proc/${String(this.pid)}/smaps_rollup`, 'utf8');
    const found = /^Rss:\s+(\d+) kB$/mu.exec(text)?.[1];
    if (found === undefined) throw new Error('the kernel tells no resident size');
    return Number(found) * 1024;
  }

  /** Ends the server; by force if it does not end by itself. */
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
