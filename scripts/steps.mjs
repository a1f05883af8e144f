/** How scripts run other programs and say what they are doing: one line a step, details only on failure. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A failure that a person can act on. It is printed as text, without a stack. */
export class StepError extends Error {
  /**
   * @param {string} message what failed, and what to do
   * @param {string} [output] what the failed program printed
   */
  constructor(message, output = '') {
    super(message);
    this.output = output;
  }
}

/** The last `count` lines of a program's output, indented. */
function tail(text, count) {
  const lines = text.trimEnd().split('\n');
  return lines
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n');
}

/** Prints `error` for a person. Anything but a `StepError` is a defect of ours, and keeps its stack. */
export function printError(error) {
  if (!(error instanceof StepError)) {
    console.error(error);
    return;
  }
  if (error.output.trim() !== '') console.error(tail(error.output, 60));
  console.error(`portside: ${error.message}`);
}

/** Runs `main` and turns what it throws into a message and exit code 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    printError(error);
    process.exitCode = 1;
  }
}

/**
 * Runs a program to its end and keeps what it prints.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeout?: number }} [options] `timeout` in milliseconds
 * @returns {{ ok: boolean, output: string }} `output` has both of its streams
 */
export function capture(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    env: options.env ?? process.env,
    timeout: options.timeout ?? 0,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
  const trouble = result.error === undefined ? '' : `${result.error.message}\n`;
  return { ok: result.status === 0, output: `${result.stdout ?? ''}${result.stderr ?? ''}${trouble}` };
}

/** `1.4 s`, or minutes and seconds. */
export function formatDuration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${String(Math.floor(seconds / 60))} min ${String(Math.round(seconds % 60))} s`;
}

let isStepOpen = false;

/**
 * Says `label` on stderr, does `work`, and ends the line with the time it took, or with the reason that `work` returns
 * for having done nothing. A step within a step says nothing.
 */
export function step(label, work) {
  if (isStepOpen) return work();
  isStepOpen = true;
  process.stderr.write(`portside: ${label} ... `);
  const start = performance.now();
  try {
    const result = work();
    const end = typeof result === 'string' ? `skipped: ${result}` : formatDuration(performance.now() - start);
    process.stderr.write(`${end}\n`);
    return result;
  } catch (error) {
    process.stderr.write('failed\n');
    throw error;
  } finally {
    isStepOpen = false;
  }
}

/** Whether a program of this name is on the PATH. */
export function hasProgram(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}
