/** The conformance suite of `Listener`: what every listener keeps of the contract in `src/base/provider.ts`. */
import { LISTENER_ACCEPT_CASES } from './listener-accept-cases.ts';
import { LISTENER_ADDRESS_CASES } from './listener-address-cases.ts';
import { LISTENER_CLOSE_CASES } from './listener-close-cases.ts';
import { LISTENER_UNIX_CASES } from './listener-unix-cases.ts';
import { providerCases, type ProviderSuiteOptions } from './provider-harness.ts';
import { requireSuiteOptions, type ProviderMaker, type SuiteCase } from './suite.ts';

/** Cases about listeners for a maker of providers; each case has a provider of its own. */
export function listenerSuite(make: ProviderMaker, options: ProviderSuiteOptions): SuiteCase[] {
  requireSuiteOptions(options, 'transport');
  const rows = [
    ...LISTENER_ACCEPT_CASES,
    ...LISTENER_CLOSE_CASES,
    ...LISTENER_ADDRESS_CASES,
    ...LISTENER_UNIX_CASES,
  ];
  return providerCases('listener', rows, make, options);
}
