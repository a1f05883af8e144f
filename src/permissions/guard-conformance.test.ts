/** A guarded provider is a provider: before all of the conformance suites, with all of it granted. */
import type { SocketProvider } from '../base/provider.ts';
import type { LocalProvider } from '../engine/local-provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { runAllSuites } from '../testing/node/run-all-suites.ts';
import { tempFiles } from '../testing/node/temp-path.ts';
import { guard } from './guard.ts';
import { EVERYTHING, only } from './test-kit.ts';

type Errno = Parameters<LocalProvider['faults']['fail']>[1];

const inner = new WeakMap<SocketProvider, LocalProvider>();

await runAllSuites(
  'guard(localProvider)',
  () => {
    const local = localProvider({ withFaults: true });
    const provider = guard(local, only(...EVERYTHING));
    inner.set(provider, local);
    return Promise.resolve({ provider, stop: () => local.close() });
  },
  {
    ...nodeHooks(),
    files: tempFiles,
    failAccept: (provider, code, times) => {
      inner.get(provider)?.faults.fail('accept', code as Errno, { times });
    },
  },
);
