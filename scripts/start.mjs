/** `npm start`: makes the clone ready, then runs the echo-server app; arguments are passed on to `portside run`. */
import { join } from 'node:path';
import { ensureReady } from './setup.mjs';
import { ROOT, runMain } from './steps.mjs';

await runMain(async () => {
  ensureReady();
  const main = join(ROOT, 'dist/cli/main.js');
  process.chdir(ROOT);
  process.setSourceMapsEnabled(true);
  // In this process, so that the terminal, signals and the exit code are the command's own.
  process.argv = [process.argv[0], main, 'run', 'examples/echo-server', ...process.argv.slice(2)];
  await import(main);
});
