/** The guarded provider over `node:net` is a provider: before all of the conformance suites, with all of it granted. */
import { portableProvider } from '../portable/portable-provider.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { runAllSuites } from '../testing/node/run-all-suites.ts';
import { tempFiles } from '../testing/node/temp-path.ts';
import { guard } from './guard.ts';
import { EVERYTHING, only } from './test-kit.ts';

await runAllSuites(
  'guard(portableProvider)',
  () => {
    const portable = portableProvider();
    return Promise.resolve({ provider: guard(portable, only(...EVERYTHING)), stop: () => portable.close() });
  },
  { ...nodeHooks(), files: tempFiles },
);
