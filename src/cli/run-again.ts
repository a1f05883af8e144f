/** Starts the command anew with what it needs of Node, and stands back. */
import { spawn } from 'node:child_process';

const FLAGS: readonly string[] = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
/** A terminal sends the first to both processes; the others are passed on. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT'];
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGTERM'];

/** Of modules that run in a realm of their own, Node has only a trial, which must be asked for when it starts. */
export function runAgainForModules(): Promise<void> {
  const child = spawn(process.execPath, [...FLAGS, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  for (const signal of FROM_TERMINAL) process.on(signal, () => undefined);
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === null ? 1 : 128);
      resolve();
    });
  });
}
