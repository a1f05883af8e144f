/** Streams that speak TLS before the conformance suite of streams, over every provider. */
import { memoryProvider } from '../testing/memory-provider.ts';
import { memoryWorld } from '../testing/memory-world.ts';
import { localProvider } from '../engine/local-provider.ts';
import { certificates } from '../testing/node/certificates.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { tempFiles } from '../testing/node/temp-path.ts';
import { pairMaker } from '../testing/pair-maker.ts';
import type { PairTls } from '../testing/pair-maker.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import { tlsSuite } from '../testing/tls-suite.ts';
import type { ProviderMaker, SuiteCase } from '../testing/suite.ts';
import type { SocketProvider } from '../base/provider.ts';
import { portableProvider } from './portable-provider.ts';
import { nodeTls } from './tls-handshake.ts';

const { good, authority, untrusted } = certificates();
const tls: PairTls = { client: { ca: authority, servername: 'localhost' }, server: good };

function named(name: string, cases: readonly SuiteCase[]): SuiteCase[] {
  return cases.map((each) => ({ ...each, name: `tls, ${name}: ${each.name}` }));
}

const REAL: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
};

for (const transport of ['ipv4', 'unix'] as const) {
  for (const [name, provide] of Object.entries(REAL)) {
    const make: ProviderMaker = () => {
      const provider = provide();
      return Promise.resolve({ provider, stop: () => provider.close() });
    };
    const options = { ...nodeHooks(), files: tempFiles, resources: countDescriptors, transport };
    const { capabilities } = provide();
    runSuite(named(name, tlsSuite(make, { ...options, ...tls, impostor: untrusted })), capabilities);
    runSuite(named(name, streamSuite(pairMaker(make, transport, tempFiles, tls), options)), capabilities);
  }
  const world = memoryWorld();
  const provide = (): SocketProvider => memoryProvider({ network: world.network, tls: nodeTls });
  const make: ProviderMaker = () => {
    const provider = provide();
    return Promise.resolve({ provider, stop: () => provider.close() });
  };
  // What is thrown in a sink is thrown where Node reports it: the sinks are those of Node's TLS.
  const options = { ...world.options, ...nodeHooks(), transport };
  const cases = streamSuite(pairMaker(make, transport, world.files, tls), options);
  const own = tlsSuite(make, { ...options, ...tls, impostor: untrusted });
  runSuite(named('memory', [...cases, ...own]), provide().capabilities);
}
