/** Child processes, as promises. */
import { spawn } from 'node:child_process';

/** How much of what a program wrote to stderr is kept for a message. */
const TAIL = 2000;

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>} What it wrote to stdout.
 * @throws {Error} It could not be started, or its exit code is not 0; the message has the end of its stderr.
 */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = tailOf(child.stderr);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += String(text);
  });
  const code = await ended(child);
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}: ${errors().trim()}`);
  return out;
}

/**
 * Runs a program that says itself what it does; all of it goes to stderr.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @throws {Error} Its exit code is not 0.
 */
export async function runShown(command, args, cwd) {
  const code = await ended(spawn(command, args, { cwd, stdio: ['ignore', 2, 2] }));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
}

/**
 * The exit code, or the name of the signal, once everything that the child wrote has been read.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number | string>}
 */
export function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
}

/**
 * Keeps the end of what a stream carries.
 *
 * @param {import('node:stream').Readable} stream
 * @returns {() => string}
 */
export function tailOf(stream) {
  let tail = '';
  stream.setEncoding('utf8').on('data', (text) => {
    tail = (tail + String(text)).slice(-TAIL);
  });
  return () => tail;
}
