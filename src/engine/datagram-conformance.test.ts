/** The native engine before the conformance suite of messages. */
import { makerFor, named, suiteOptions, VARIATIONS } from '../e2e/engine-variations.ts';
import { datagramSuite } from '../testing/datagram-suite.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { localProvider } from './local-provider.ts';

for (const variation of VARIATIONS) {
  const options = suiteOptions(variation);
  const { capabilities } = localProvider();
  for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'] as const) {
    const make = makerFor(variation, transport === 'seqpacket' ? 'unix' : transport);
    runSuite(named(variation, datagramSuite(make, { ...options, transport })), capabilities);
  }
}
