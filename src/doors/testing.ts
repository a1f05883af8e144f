/** `portside/testing`: a provider in memory, and the suites that every provider passes. */
export type { DatagramSuiteOptions, DatagramTransport } from '../testing/datagram-harness.ts';
export { datagramSuite } from '../testing/datagram-suite.ts';
export { assertNoOpenSockets } from './open-sockets.ts';
export { ManualClock } from '../testing/manual-clock.ts';
export { ManualSignal } from '../testing/manual-signal.ts';
export type { DatagramConditions, DatagramFate, DatagramOnItsWay } from '../testing/memory-conditions.ts';
export { MemoryFaults } from '../testing/memory-faults.ts';
export type { FaultOptions, FaultyCall } from '../testing/memory-faults.ts';
export { MemoryNetwork } from '../testing/memory-network.ts';
export type { MemoryNetworkOptions } from '../testing/memory-network.ts';
export { memoryProvider } from '../testing/memory-provider.ts';
export type { MemoryProvider, MemoryProviderOptions } from '../testing/memory-provider.ts';
export type { ScenarioOutcome, ScenarioRow } from '../testing/memory-scenario.ts';
export { memoryWorld } from '../testing/memory-world.ts';
export type { MemoryWorld } from '../testing/memory-world.ts';
export { MustCall } from '../testing/must-call.ts';
export { countDescriptors, leakCheck } from '../testing/node/leak-check.ts';
export type { LeakCheck } from '../testing/node/leak-check.ts';
export { nodeHooks } from '../testing/node/hooks.ts';
export { lifetimeSuite } from '../testing/node/lifetime-suite.ts';
export { probe } from '../testing/node/probes.ts';
export type { Probes } from '../testing/node/probes.ts';
export { runSuite } from '../testing/node/run-suite.ts';
export type { RunOptions } from '../testing/node/run-suite.ts';
export { tempFiles, tempPath } from '../testing/node/temp-path.ts';
export { listenerSuite } from '../testing/listener-suite.ts';
export { pairMaker } from '../testing/pair-maker.ts';
export { PROMISES } from '../testing/promises.ts';
export type { PromiseId } from '../testing/promises.ts';
export type { ProviderSuiteOptions } from '../testing/provider-harness.ts';
export { providerSuite } from '../testing/provider-suite.ts';
export { streamSuite } from '../testing/stream-suite.ts';
export type { StreamSuiteOptions } from '../testing/stream-suite.ts';
export { tlsSuite } from '../testing/tls-suite.ts';
export type { TlsSuiteOptions } from '../testing/tls-suite.ts';
export { SuiteFailure } from '../testing/suite.ts';
export type {
  MadeProvider,
  PairMaker,
  PairOptions,
  ProviderMaker,
  StreamPair,
  SuiteCase,
  SuiteFiles,
  SuiteOptions,
  SuiteTransport,
  UncaughtCapture,
} from '../testing/suite.ts';
