import { datagramSuite } from '../datagram-suite.ts';
import { listenerSuite } from '../listener-suite.ts';
import { pairMaker } from '../pair-maker.ts';
import { providerSuite } from '../provider-suite.ts';
import { streamSuite } from '../stream-suite.ts';
import type { ProviderMaker, SuiteFiles, SuiteOptions } from '../suite.ts';
import { runSuite } from './run-suite.ts';

/** Puts a provider before all suites, over every transport. @param name goes before the name of each test */
export async function runAllSuites(
  name: string,
  make: ProviderMaker,
  options: SuiteOptions & { readonly files: SuiteFiles },
): Promise<void> {
  const { provider, stop } = await make();
  const { capabilities } = provider;
  await stop();
  const streams = (['ipv4', 'ipv6', 'unix', 'unix-abstract'] as const).flatMap((transport) => {
    const about = { ...options, transport };
    return [
      ...streamSuite(pairMaker(make, transport, options.files), about),
      ...listenerSuite(make, about),
      ...providerSuite(make, about),
    ];
  });
  const messages = (['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'] as const).flatMap((transport) =>
    datagramSuite(make, { ...options, transport }),
  );
  runSuite(
    [...messages, ...streams].map((each) => ({ ...each, name: `${name}: ${each.name}` })),
    capabilities,
  );
}
