/** The suites of streams, listeners and providers before variations of the native engine. */
import { listenerSuite } from '../testing/listener-suite.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { pairMaker } from '../testing/pair-maker.ts';
import { providerSuite } from '../testing/provider-suite.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import { localProvider } from '../engine/local-provider.ts';
import type { Variation } from './engine-variations.ts';
import { files, makerFor, named, suiteOptions } from './engine-variations.ts';

/** Makes a test of each case for each variation. */
export function runEngineSuites(variations: readonly Variation[]): void {
  for (const variation of variations) {
    const options = suiteOptions(variation);
    const { capabilities } = localProvider();
    for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract'] as const) {
      const make = makerFor(variation, transport);
      const streams = streamSuite(pairMaker(make, transport, files), { ...options, transport });
      const listeners = listenerSuite(make, { ...options, transport });
      runSuite(named(variation, [...streams, ...listeners]), capabilities);
    }
    const providers = providerSuite(makerFor(variation, 'ipv4'), { ...options, transport: 'ipv4' });
    runSuite(named(variation, providers), capabilities);
  }
}
