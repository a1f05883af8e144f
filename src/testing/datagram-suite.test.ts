/** The suite of message sockets itself: each kind of broken socket must fail it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SocketProvider } from '../base/provider.ts';
import type { DatagramTransport } from './datagram-harness.ts';
import { datagramSuite } from './datagram-suite.ts';
import { memoryWorld } from './memory-world.ts';
import { BROKEN_DATAGRAMS } from './node/broken-datagrams.ts';
import { nodeHooks } from './node/hooks.ts';
import { altered, caughtBy, type Overrides } from './node/mutations.ts';
import type { SuiteCase } from './suite.ts';

function casesOf(
  transport: DatagramTransport,
  mutate: (provider: SocketProvider) => Overrides<SocketProvider>,
): SuiteCase[] {
  const world = memoryWorld();
  const make: typeof world.make = async () => {
    const { provider, stop } = await world.make();
    return { provider: altered(provider, mutate(provider)), stop };
  };
  const options = { ...world.options, detach: nodeHooks().detach, transport, scale: 1 / 4 };
  return datagramSuite(make, options);
}

for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'] as const) {
  test(`datagramSuite passes over ${transport} when nothing is altered`, async () => {
    assert.deepEqual(await caughtBy(casesOf(transport, () => ({}))), []);
  });
}

for (const [what, transport, caught, mutate] of BROKEN_DATAGRAMS) {
  test(`datagramSuite catches one that ${what}, over ${transport}`, async () => {
    const cases = casesOf(transport, mutate).filter((each) => each.name.includes(caught));
    assert.ok(cases.length > 0, `no case is called ${caught}`);
    assert.notDeepEqual(await caughtBy(cases), []);
  });
}
