import assert from 'node:assert/strict';
import test from 'node:test';
import { listenerSuite } from './listener-suite.ts';
import { memoryProvider } from './memory-provider.ts';
import { memoryWorld, type MemoryWorld } from './memory-world.ts';
import { nodeHooks } from './node/hooks.ts';
import { runSuite } from './node/run-suite.ts';
import { pairMaker } from './pair-maker.ts';
import { providerSuite } from './provider-suite.ts';
import { streamSuite } from './stream-suite.ts';
import type { SuiteOptions, SuiteTransport } from './suite.ts';

const TRANSPORTS: readonly SuiteTransport[] = ['ipv4', 'ipv6', 'unix', 'unix-abstract'];
const { capabilities } = memoryProvider();

/** All of the conformance suites, over one transport in one world. */
function runAll(world: MemoryWorld, transport: SuiteTransport, extra: SuiteOptions = {}, prefix = ''): void {
  const options = { ...world.options, detach: nodeHooks().detach, ...extra, transport };
  const cases = [
    ...streamSuite(pairMaker(world.make, transport, world.files), options),
    ...listenerSuite(world.make, options),
    ...providerSuite(world.make, options),
  ];
  runSuite(
    cases.map((each) => ({ ...each, name: prefix + each.name })),
    capabilities,
  );
}

test('memoryProvider skips no case but those of datagrams', () => {
  const lacking = ['multicast', 'ssm', 'tls', 'udp'] as const;
  assert.equal(
    lacking.some((each) => capabilities.has(each)),
    false,
  );
  assert.equal(capabilities.size, 11);
});

for (const transport of TRANSPORTS) runAll(memoryWorld(), transport);

/** Worlds in which calls of the system do less than they could, or have to be made again. */
const HARD_WORLDS: readonly (readonly [
  name: string,
  transports: readonly SuiteTransport[],
  harden: (world: MemoryWorld) => void,
])[] = [
  [
    'one byte a call',
    ['ipv4'],
    ({ network }) => {
      network.faults.limit('read', 1);
      network.faults.limit('write', 1);
    },
  ],
  [
    'seven bytes a read, three a write',
    ['unix'],
    ({ network }) => {
      network.faults.limit('read', 7);
      network.faults.limit('write', 3);
    },
  ],
  [
    'interrupted calls',
    ['ipv4', 'unix'],
    ({ network }) => {
      for (let i = 0; i < 200; i++) {
        network.faults.fail('read', 'EINTR', { after: i % 5 });
        network.faults.fail('write', 'EAGAIN', { after: i % 3 });
        network.faults.fail('accept', 'EINTR', { after: i % 2 });
      }
    },
  ],
];
for (const [name, transports, harden] of HARD_WORLDS) {
  for (const transport of transports) {
    const world = memoryWorld({ bufferSize: 2048 });
    harden(world);
    runAll(world, transport, { scale: 1 / 128 }, `with ${name}: `);
  }
}
