/** The native engine, on either poller, before the conformance suites of streams, listeners and providers. */
import { runEngineSuites } from '../e2e/engine-conformance.ts';
import { VARIATIONS } from '../e2e/engine-variations.ts';
import { lifetimeSuite } from '../testing/node/lifetime-suite.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { localProvider } from './local-provider.ts';

const MAKER = `import { localProvider } from ${JSON.stringify(new URL('local-provider.js', import.meta.url).href)};
export const makeProvider = () => localProvider();`;
runSuite(
  lifetimeSuite(new URL(`data:text/javascript,${encodeURIComponent(MAKER)}`)),
  localProvider().capabilities,
);

runEngineSuites(VARIATIONS.filter(({ scale }) => scale === undefined));
