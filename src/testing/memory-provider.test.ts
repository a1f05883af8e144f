import assert from 'node:assert/strict';
import test from 'node:test';
import type { DatagramTransport } from './datagram-harness.ts';
import { datagramSuite } from './datagram-suite.ts';
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

test('memoryProvider skips no case but those of TLS', () => {
  assert.equal(capabilities.has('tls'), false);
  assert.equal(capabilities.size, 18);
});

for (const transport of TRANSPORTS) runAll(memoryWorld(), transport);

const MESSAGES: readonly DatagramTransport[] = ['ipv4', 'ipv6', 'unix', 'unix-abstract', 'seqpacket'];

/** The suite of message sockets, over one transport in one world. */
function runDatagrams(
  world: MemoryWorld,
  transport: DatagramTransport,
  extra: SuiteOptions = {},
  prefix = '',
): void {
  const options = { ...world.options, detach: nodeHooks().detach, ...extra, transport };
  runSuite(
    datagramSuite(world.make, options).map((each) => ({ ...each, name: prefix + each.name })),
    capabilities,
  );
}

for (const transport of MESSAGES) runDatagrams(memoryWorld(), transport);

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

for (const transport of MESSAGES) {
  const world = memoryWorld();
  for (let i = 0; i < 200; i++) {
    world.network.faults.fail('send', i % 2 === 0 ? 'EINTR' : 'EAGAIN', { after: i % 3 });
    world.network.faults.fail('receive', 'EINTR', { after: i % 5 });
    world.network.faults.fail('accept', 'EINTR', { after: i % 2 });
  }
  runDatagrams(world, transport, { scale: 1 / 8 }, 'with interrupted calls: ');
}
