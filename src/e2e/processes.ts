/** Runs the command and other people's programs as their own processes, for tests. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
/** The command's script. */
export const MAIN: string = join(ROOT, 'dist/cli/main.js');

/** How a process ended. */
export interface Ending {
  /** Its exit code, or 128 and the signal's name. */
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running process whose output can be waited for. */
export class Process {
  readonly child: ChildProcessWithoutNullStreams;
  /** Settles when the process has ended and all of its output was read. */
  readonly ended: Promise<Ending>;
  #stdout = '';
  #stderr = '';
  #watch: () => void = () => undefined;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(command, args, { cwd: ROOT, env });
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#watch();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#watch();
    });
    // A program that ends early does not read its input; that it ended is told by its status.
    this.child.stdin.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', (cause) => {
        reject(new Error(`${command} cannot be run; these tests need socat, curl and python3`, { cause }));
      });
      this.child.on('close', (code, signal) => {
        resolve({ status: code ?? signal ?? '?', stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** All output so far, what went to stdout first. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** Waits until `pattern` is in the output. @throws {Error} the process ends before that */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.ended.then(() => 'ended' as const);
    let news: 'ended' | 'output' = 'output';
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      if (news === 'ended') throw new Error(`ended without ${String(pattern)}:\n${this.output}`);
      const output = new Promise<'output'>((resolve) => {
        this.#watch = () => {
          resolve('output');
        };
      });
      news = await Promise.race([output, ended]);
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ending> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** `portside` with arguments. It is killed when the test is over, should it still run. */
export function startPortside(t: TestContext, args: readonly string[], env?: NodeJS.ProcessEnv): Process {
  const portside = new Process(process.execPath, [MAIN, ...args], env);
  t.after(() => portside.child.kill('SIGKILL'));
  return portside;
}

/** Runs an app until it says on which port it is. */
export async function startApp(
  t: TestContext,
  folder: string,
  args: readonly string[] = [],
): Promise<{ portside: Process; port: number }> {
  const portside = startPortside(t, ['run', ...args, folder]);
  const [, port] = await portside.waitFor(/(?:Echoing on |Serving http:\/\/)127\.0\.0\.1:(\d+)/);
  return { portside, port: Number(port) };
}

/** Runs another program to its end. @throws {Error} it is not installed */
export function runProgram(
  command: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<Ending> {
  const program = new Process(command, args);
  program.child.stdin.end(input);
  return program.ended;
}

/** Runs a Python program and gives what it prints. @throws {Error} it failed */
export async function runPython(source: string, ...args: readonly string[]): Promise<string> {
  const { status, stderr, stdout } = await runProgram('python3', ['-c', source, ...args]);
  if (status !== 0) throw new Error(`python3 ended with ${String(status)}:\n${stderr}`);
  return stdout.trim();
}

/** A folder with these files, by path. It is removed when the test is over. */
export async function makeFolder(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'portside-e2e-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    if (dirname(path) !== '.') throw new Error(`only plain names: ${path}`);
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** A folder with an app whose background script is `script`. */
export function makeApp(t: TestContext, script: string, manifest: object = {}): Promise<string> {
  const app = { background: { scripts: ['background.js'] } };
  const sockets = { tcp: { connect: '127.0.0.1' }, tcpServer: { listen: '127.0.0.1' } };
  const whole = { manifest_version: 2, name: 'Test App', version: '1.0', app, sockets, ...manifest };
  return makeFolder(t, { 'manifest.json': JSON.stringify(whole, null, 2), 'background.js': script });
}

/** Names of the programs that are missing; tests fail with them rather than being skipped. */
export function missingPrograms(...names: readonly string[]): string[] {
  return names.filter((name) => spawnSync(name, ['--version']).error !== undefined);
}
