/**
 * The conformance suite of `Datagram`, and of `PacketListener`: what every message socket keeps of the contract in
 * `src/base/datagram.ts`, whatever provider made it.
 */
import { runInScope } from './case-scope.ts';
import { makeCases, type CaseRow } from './case-table.ts';
import { DATAGRAM_ADDRESS_CASES } from './datagram-address-cases.ts';
import { DATAGRAM_ARGUMENT_CASES } from './datagram-argument-cases.ts';
import { DATAGRAM_CALLBACK_CASES } from './datagram-callback-cases.ts';
import { DATAGRAM_CLOSE_CASES } from './datagram-close-cases.ts';
import { DATAGRAM_ERROR_CASES } from './datagram-error-cases.ts';
import {
  DATAGRAM_NEEDS,
  DatagramHarness,
  type DatagramSetting,
  type DatagramSuiteOptions,
} from './datagram-harness.ts';
import { DATAGRAM_LIFE_CASES } from './datagram-life-cases.ts';
import { DATAGRAM_META_CASES } from './datagram-meta-cases.ts';
import { DATAGRAM_MULTICAST_CASES } from './datagram-multicast-cases.ts';
import { DATAGRAM_OPTION_CASES } from './datagram-option-cases.ts';
import { DATAGRAM_OWNERSHIP_CASES } from './datagram-ownership-cases.ts';
import { DATAGRAM_PACKET_CASES } from './datagram-packet-cases.ts';
import { DATAGRAM_PAUSE_CASES } from './datagram-pause-cases.ts';
import { DATAGRAM_PRESSURE_CASES } from './datagram-pressure-cases.ts';
import { DATAGRAM_TRANSFER_CASES } from './datagram-transfer-cases.ts';
import { requireSuiteOptions, type ProviderMaker, type SuiteCase } from './suite.ts';

const DATAGRAM_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  ...DATAGRAM_TRANSFER_CASES,
  ...DATAGRAM_OWNERSHIP_CASES,
  ...DATAGRAM_PRESSURE_CASES,
  ...DATAGRAM_PAUSE_CASES,
  ...DATAGRAM_ERROR_CASES,
  ...DATAGRAM_CLOSE_CASES,
  ...DATAGRAM_CALLBACK_CASES,
  ...DATAGRAM_LIFE_CASES,
  ...DATAGRAM_ADDRESS_CASES,
  ...DATAGRAM_ARGUMENT_CASES,
  ...DATAGRAM_OPTION_CASES,
  ...DATAGRAM_META_CASES,
  ...DATAGRAM_MULTICAST_CASES,
  ...DATAGRAM_PACKET_CASES,
];

/** Cases about message sockets for a maker of providers; each case has a provider of its own. */
export function datagramSuite(make: ProviderMaker, options: DatagramSuiteOptions): SuiteCase[] {
  requireSuiteOptions(options, 'transport');
  const { transport } = options;
  const setting: DatagramSetting = { transport, options };
  let warmUp: Promise<void> | null = null;
  return makeCases(
    `datagram over ${transport}`,
    DATAGRAM_NEEDS[transport],
    DATAGRAM_CASES,
    setting,
    async (body, signal) => {
      warmUp ??= useOnce(make, options);
      await warmUp;
      const makeScope = async (): Promise<DatagramHarness> => {
        const { provider, stop } = await make();
        const scope = new DatagramHarness(options, provider);
        scope.later(stop);
        return scope;
      };
      await runInScope(options, makeScope, body, signal);
    },
  );
}

/** A provider may open a descriptor of its own when it is first used, and keep it: that is no leak of a case. */
async function useOnce(make: ProviderMaker, options: DatagramSuiteOptions): Promise<void> {
  const { provider, stop } = await make();
  const scope = new DatagramHarness(options, provider);
  scope.later(stop);
  const { a, b, toB } = await scope.pair();
  const received = scope.recordDatagram(b);
  await scope.mustSend(a, { bytes: Uint8Array.of(1), to: toB });
  await received.untilCount(1);
  await scope.stop();
}
