/** `npm run fuzz`: see the text below, and fuzz/README.md. */
import { parseArgs } from 'node:util';
import { fuzzTargets, runTarget, whyNoFuzzing, writeSeeds } from './fuzz-targets.mjs';
import { StepError, runMain } from './steps.mjs';

const HELP = `usage: npm run fuzz [-- target… --seconds N]

Builds the fuzz targets with clang 14 and runs them one after another, each for N seconds (60).

  --list         the names of the targets
  --seeds        fills fuzz/corpus with what this machine's kernel says, and runs nothing
  --seconds N    how long each target runs
  --help         this text

What breaks a target is written to build-fuzz/<target>-crash-…; fuzz/README.md says what to do with it.`;

const OPTIONS = {
  help: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  seeds: { type: 'boolean', default: false },
  seconds: { type: 'string', default: '60' },
};

function parsed() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new StepError(`${error.message}\n${HELP}`);
  }
}

function wantedTargets(names) {
  const all = fuzzTargets();
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new StepError(`there is no target ${unknown}, only ${all.join(', ')}`);
  return names.length === 0 ? all : names;
}

await runMain(async () => {
  const { values, positionals } = parsed();
  if (values.help) return void console.log(HELP);
  if (values.list) return void console.log(fuzzTargets().join('\n'));
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1)
    throw new StepError('--seconds must be a whole number above 0');
  const targets = wantedTargets(positionals);
  const missing = whyNoFuzzing();
  if (missing !== undefined) throw new StepError(missing);
  if (values.seeds) return void (await writeSeeds());
  for (const target of targets) {
    console.error(`portside: ${target}, ${String(seconds)} s`);
    const { ok } = await runTarget(target, { seconds, isSeen: true });
    if (!ok) throw new StepError(`${target} is broken: the input is in build-fuzz`);
  }
});
