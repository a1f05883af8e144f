/** The native engine before the conformance suites of streams, listeners and providers. */
import { files, makerFor, named, suiteOptions, VARIATIONS } from '../e2e/engine-variations.ts';
import { listenerSuite } from '../testing/listener-suite.ts';
import { lifetimeSuite } from '../testing/node/lifetime-suite.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { pairMaker } from '../testing/pair-maker.ts';
import { providerSuite } from '../testing/provider-suite.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import { localProvider } from './local-provider.ts';

const MAKER = `import { localProvider } from ${JSON.stringify(new URL('local-provider.js', import.meta.url).href)};
export const makeProvider = () => localProvider();`;
runSuite(
  lifetimeSuite(new URL(`data:text/javascript,${encodeURIComponent(MAKER)}`)),
  localProvider().capabilities,
);

for (const variation of VARIATIONS) {
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
