/** Starts the command anew with what it needs of Node, and stands back. */
import { spawn } from 'node:child_process';

const FLAGS: readonly string[] = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];
/** Tells the second process that it is that. */
const MARK = 'PORTSIDE_RUNS_AGAIN';
/** Milliseconds within which two signals are one: a terminal sends Ctrl-C to both processes, and the first passes it on. */
const SAME_SIGNAL = 200;

/** Of modules that run in a realm of their own, Node has only a trial, which must be asked for when it starts. */
export function runAgainForModules(): Promise<void> {
  const child = spawn(process.execPath, [...FLAGS, ...process.execArgv, ...process.argv.slice(1)], {
    env: { ...process.env, [MARK]: '1' },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128);
      resolve();
    });
  });
}

/** Whether this process is the second. */
function isAgain(): boolean {
  return process.env[MARK] !== undefined && process.send !== undefined;
}

/** Has `stop` called for every signal that ends the command, and when the first process is gone. */
export function onStop(signals: readonly NodeJS.Signals[], stop: (signal: NodeJS.Signals) => void): void {
  let last = -Infinity;
  const told = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (isAgain() && now - last < SAME_SIGNAL) return;
    last = now;
    stop(signal);
  };
  for (const signal of signals) process.on(signal, told);
  if (!isAgain()) return;
  process.on('disconnect', () => {
    told('SIGHUP');
  });
  // Waiting for that is nothing to do.
  process.channel?.unref();
}
