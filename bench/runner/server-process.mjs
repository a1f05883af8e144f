/** A running server. */
import { readFile } from 'node:fs/promises';
import { LineProcess } from './line-process.mjs';

const COLLECT_MS = 20_000;

export class ServerProcess extends LineProcess {
  port = 0;

  /** Waits for the port. @throws {Error} It did not come. */
  async ready() {
    const line = await this.firstLine();
    this.port = Number(line);
    if (!Number.isInteger(this.port) || this.port < 1) throw new Error(`"${line}" is no port`);
  }

  /** Lets the server free what it can. @throws {Error} It does not answer. */
  async collectGarbage() {
    const line = await this.ask('collect', COLLECT_MS);
    if (line !== 'collected') throw new Error(`the server answered "${line}"`);
  }

  /** Resident memory in bytes. @see proc_pid_smaps(5) */
  async residentBytes() {
    const text = await readFile(`/proc/${String(this.pid)}/smaps_rollup`, 'utf8');
    const found = /^Rss:\s+(\d+) kB$/mu.exec(text)?.[1];
    if (found === undefined) throw new Error('the kernel tells no resident size');
    return Number(found) * 1024;
  }
}
