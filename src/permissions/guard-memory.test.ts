/** The guarded provider in memory is a provider: before all of the conformance suites, with all of it granted. */
import { memoryWorld } from '../testing/memory-world.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { runAllSuites } from '../testing/node/run-all-suites.ts';
import { Grants } from './grants.ts';
import { guard } from './guard.ts';
import { parseRules } from './native-dialect.ts';
import { EVERYTHING } from './test-kit.ts';

const { make, files, options, clock } = memoryWorld();
const { detach } = nodeHooks();
// Grants can be taken back, so that every socket and whatever listeners accept is watched.
const grants = new Grants({ asker: { id: 'suite', name: 'Suite' }, granted: parseRules(EVERYTHING), clock });

await runAllSuites(
  'guard(memoryProvider)',
  async () => {
    const made = await make();
    return { ...made, provider: guard(made.provider, grants, { onRevoke: 'close', clock }) };
  },
  { ...options, files, detach },
);
