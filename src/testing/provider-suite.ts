/** The conformance suite of `SocketProvider`: connecting, names, snapshots, arguments, and the end of a provider. */
import { PROVIDER_ARGUMENT_CASES } from './provider-argument-cases.ts';
import { PROVIDER_CONNECT_CASES } from './provider-connect-cases.ts';
import { PROVIDER_DEADLINE_CASES } from './provider-deadline-cases.ts';
import { providerCases, type ProviderSuiteOptions } from './provider-harness.ts';
import { PROVIDER_LIFE_CASES } from './provider-life-cases.ts';
import { PROVIDER_NAME_CASES } from './provider-name-cases.ts';
import { requireSuiteOptions, type ProviderMaker, type SuiteCase } from './suite.ts';

/** Cases about whole providers for a maker of them; each case has one of its own. */
export function providerSuite(make: ProviderMaker, options: ProviderSuiteOptions): SuiteCase[] {
  requireSuiteOptions(options, 'transport');
  const rows = [
    ...PROVIDER_CONNECT_CASES,
    ...PROVIDER_DEADLINE_CASES,
    ...PROVIDER_NAME_CASES,
    ...PROVIDER_ARGUMENT_CASES,
    ...PROVIDER_LIFE_CASES,
  ];
  return providerCases('provider', rows, make, options);
}
