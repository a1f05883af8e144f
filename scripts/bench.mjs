/** `npm run bench`: see `npm run bench -- --help`, and bench/README.md. */
import { main } from '../bench/runner/main.mjs';

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
