/** Programs of other people's, and processes of our own, as the other end of a test: talked to in lines. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/** How a process ended. */
export interface Ended {
  /** Its exit code, or the signal that ended it. */
  readonly status: number | string;
  readonly stderr: string;
}

/** A running program. It is killed when the test is over. */
export class Peer {
  readonly child: ChildProcessWithoutNullStreams;
  /** Settles when the process has ended and all of its output was read. */
  readonly ended: Promise<Ended>;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  constructor(t: TestContext, command: string, args: readonly string[]) {
    const child = spawn(command, args);
    this.child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // A program that ends early does not read its input; that it ended is told by its status.
    child.stdin.on('error', () => undefined);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve({ status: code ?? signal ?? '?', stderr: this.#stderr });
      });
    });
    this.ended.catch(() => undefined);
    t.after(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** The next line that it prints. @throws {Error} it printed no more */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done !== true) return next.value;
    const { status, stderr } = await this.ended;
    throw new Error(`ended with ${String(status)} before its line:\n${stderr}`);
  }

  /** The next line, as JSON. */
  async json<T>(): Promise<T> {
    return JSON.parse(await this.line()) as T;
  }

  say(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }
}

const PYTHON = `
import array, hashlib, json, os, socket, struct, sys
def say(*words): print(*words, flush=True)
def wait(): return sys.stdin.readline().strip()
def reset(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()
def serve(backlog=128):
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(backlog); say(s.getsockname()[1]); return s
def dial(port): return socket.create_connection(('127.0.0.1', int(port)))
def read_all(s):
    data = b''
    while True:
        try: part = s.recv(65536)
        except OSError as error: return data, type(error).__name__
        if not part: return data, 'end'
        data += part
`;

/** CPython, with a few words of its own: `say`, `wait`, `serve`, `dial`, `reset`, `read_all`. */
export function python(t: TestContext, code: string, ...args: readonly string[]): Peer {
  return new Peer(t, 'python3', ['-c', `${PYTHON}${code}`, ...args]);
}

export interface NodeOptions {
  /** A command that runs the rest of its line, such as `['unshare', '-n']`. */
  readonly under?: readonly string[];
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}

/** What the scripts of `node()` begin with: the provider, lines, and descriptors to count. */
const PRELUDE = (root: string): string => `
import { readdirSync, readFileSync, readlinkSync, fstatSync, closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { localProvider } from '${root}/engine/local-provider.js';
const say = (value) => { process.stdout.write(JSON.stringify(value) + '\\n'); };
const lines = () => createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const count = () => readdirSync('/proc/self/fd').length;
const args = process.argv.slice(1);
const nothing = { data() {}, close() {} };
`;

/** A Node process of our own, that runs a module with `localProvider`, `say`, `lines` and `count`. */
export function node(t: TestContext, code: string, options: NodeOptions = {}): Peer {
  const root = new URL('../..', import.meta.url).href.replace(/\/$/, '');
  return new Peer(t, 'env', [
    ...(options.under ?? []),
    process.execPath,
    ...(options.flags ?? []),
    '--input-type=module',
    '-e',
    `${PRELUDE(root)}${code}`,
    '--',
    ...(options.args ?? []),
  ]);
}

/** Runs another program to its end. */
export function runProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended & { stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.end();
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ status: code ?? signal ?? '?', stdout, stderr });
    });
  });
}
