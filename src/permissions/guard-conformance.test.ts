/** A guarded provider is a provider: before all of the conformance suites, with a policy that says yes. */
import type { SocketProvider } from '../base/provider.ts';
import type { LocalProvider } from '../engine/local-provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { datagramSuite } from '../testing/datagram-suite.ts';
import { listenerSuite } from '../testing/listener-suite.ts';
import { memoryWorld } from '../testing/memory-world.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { tempFiles } from '../testing/node/temp-path.ts';
import { pairMaker } from '../testing/pair-maker.ts';
import { providerSuite } from '../testing/provider-suite.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import type { ProviderMaker, SuiteFiles, SuiteOptions, SuiteTransport } from '../testing/suite.ts';
import { guard } from './guard.ts';
import { allowAll } from './policy.ts';

const TRANSPORTS: readonly SuiteTransport[] = ['ipv4', 'ipv6', 'unix', 'unix-abstract'];

type Errno = Parameters<LocalProvider['faults']['fail']>[1];

interface World {
  readonly name: string;
  readonly make: ProviderMaker;
  readonly files: SuiteFiles;
  readonly options: SuiteOptions;
}

function inMemory(): World {
  const { make, files, options } = memoryWorld();
  const guarded: ProviderMaker = async () => {
    const made = await make();
    return { ...made, provider: guard(made.provider, allowAll) };
  };
  const { detach } = nodeHooks();
  return { name: 'guard(memoryProvider)', make: guarded, files, options: { ...options, detach } };
}

function onThisMachine(): World {
  const inner = new WeakMap<SocketProvider, LocalProvider>();
  return {
    name: 'guard(localProvider)',
    make: () => {
      const local = localProvider({ withFaults: true });
      const provider = guard(local, allowAll);
      inner.set(provider, local);
      return Promise.resolve({ provider, stop: () => local.close() });
    },
    files: tempFiles,
    options: {
      ...nodeHooks(),
      failAccept: (provider, code, times) => {
        inner.get(provider)?.faults.fail('accept', code as Errno, { times });
      },
    },
  };
}

for (const { name, make, files, options } of [inMemory(), onThisMachine()]) {
  const { provider, stop } = await make();
  const { capabilities } = provider;
  await stop();
  for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'] as const) {
    const cases = datagramSuite(make, { ...options, transport });
    runSuite(
      cases.map((each) => ({ ...each, name: `${name}: ${each.name}` })),
      capabilities,
    );
  }
  for (const transport of TRANSPORTS) {
    const about = { ...options, transport };
    const cases = [
      ...streamSuite(pairMaker(make, transport, files), about),
      ...listenerSuite(make, about),
      ...providerSuite(make, about),
    ];
    runSuite(
      cases.map((each) => ({ ...each, name: `${name}: ${each.name}` })),
      capabilities,
    );
  }
}
