import { ManualClock } from './manual-clock.ts';
import { memoryProvider } from './memory-provider.ts';
import { listenerSuite } from './listener-suite.ts';
import { providerSuite } from './provider-suite.ts';
import { pairMaker } from './pair-maker.ts';
import { runSuite } from './node/run-suite.ts';
import { streamSuite } from './stream-suite.ts';
import { MemoryNetwork } from './memory-network.ts';
import { nodeHooks } from './node/hooks.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { MemoryProvider } from './memory-provider.ts';

const clock = new ManualClock();
const network = new MemoryNetwork({ clock });
const make = () => {
  const provider = memoryProvider({ network });
  return Promise.resolve({ provider, stop: () => provider.close() });
};
let count = 0;
const files = {
  fresh: () => `/tmp/${String(++count)}.sock`,
  makeFile: (p: string) => {
    network.paths.makeFile(p);
  },
  makeStaleSocket: (p: string) => {
    network.paths.makeStaleSocket(p);
  },
  exists: (p: string) => network.paths.exists(p),
  mode: (p: string) => network.paths.mode(p),
};
const failAccept = (provider: SocketProvider, code: string, times: number) => {
  (provider as MemoryProvider).faults.fail('accept', code, { times });
};
const options = { ...nodeHooks(), clock, files, failAccept, resources: () => network.openCount };
for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract'] as const) {
  runSuite(
    streamSuite(pairMaker(make, transport, files), { ...options, transport }),
    memoryProvider().capabilities,
  );
  runSuite(listenerSuite(make, { ...options, transport }), memoryProvider().capabilities);
  runSuite(providerSuite(make, { ...options, transport }), memoryProvider().capabilities);
}
