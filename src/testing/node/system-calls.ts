/** Which system calls a program makes, as strace sees them. */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { tempPath } from './temp-path.ts';

/** Calls that move datagrams or bytes of a socket. */
export const SENDING: readonly string[] = ['sendto', 'sendmsg', 'sendmmsg'];
export const RECEIVING: readonly string[] = ['recvfrom', 'recvmsg', 'recvmmsg'];

export interface SystemCall {
  readonly name: string;
  /** -1 for every failure. */
  readonly result: number;
}

export interface Trace {
  /** In the order in which they ended, of all threads. */
  readonly calls: readonly SystemCall[];
  /** What the program printed. */
  readonly output: string;
}

let reason: string | false | undefined;

/** Why system calls can't be traced here, or `false` if they can. Asks once. */
export function whyNoTrace(): string | false {
  reason ??= askWhyNot();
  return reason;
}

function askWhyNot(): string | false {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: ['ignore', 'ignore', 'pipe'] });
    return false;
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    return code === 'ENOENT' ? 'no strace' : `strace may not trace here: ${String(stderr).trim()}`;
  }
}

/**
 * Runs a program to its end, and tells which of the calls in `names` it made.
 *
 * @param input what it reads from stdin
 * @throws {Error} it failed
 */
export async function traceCalls(
  command: readonly string[],
  names: readonly string[],
  input = '',
): Promise<Trace> {
  const file = tempPath('trace');
  const options = ['-f', '-qq', '-e', `trace=${names.join(',')}`, '-e', 'signal=none', '-o', file];
  const child = spawn('strace', [...options, '--', ...command], { stdio: 'pipe' });
  // A program that ends early does not read its input; that it ended is told by its status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? '?');
    });
  });
  const [status, output, errors] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  if (status !== 0)
    throw new Error(`${command.join(' ')} ended with ${String(status)}: ${errors.toString()}`);
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  return { calls: parseTrace(text), output: output.toString() };
}

/**
 * Reads a line such as `4711  recvmmsg(5, […], 32, MSG_DONTWAIT, NULL) = 32`, or the two that a call is told in when another
 * thread makes one meanwhile: `… recvmmsg(5, <unfinished ...>`, `… <... recvmmsg resumed>[…], …) = 32`.
 */
export function parseTrace(text: string): readonly SystemCall[] {
  const line = /^\d+ +(?:(\w+)\(|<\.\.\. (\w+) resumed>).*\) += (-?\d+)/;
  return text.split('\n').flatMap((row) => {
    const [, whole, resumed, result] = line.exec(row) ?? [];
    const name = whole ?? resumed;
    return name === undefined ? [] : [{ name, result: Number(result) }];
  });
}

/** How many calls there were of these names. */
export function countCalls(calls: readonly SystemCall[], names: readonly string[]): number {
  return calls.filter(({ name }) => names.includes(name)).length;
}
