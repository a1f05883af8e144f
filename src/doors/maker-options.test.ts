/** Makers, whose options are judged as those of sockets are: a misspelt one is refused, and the one that was meant is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createChrome } from './chrome.ts';
import { localProvider, nodeTls, portableProvider, tlsSessions } from './engine.ts';
import { allowAll, guard, parseSocketPermission } from './permissions.ts';
import { createPortside, watchdog } from './portside.ts';
import {
  datagramSuite,
  listenerSuite,
  memoryProvider,
  memoryWorld,
  MemoryFaults,
  MemoryNetwork,
  pairMaker,
  providerSuite,
  runSuite,
  streamSuite,
  tlsSuite,
} from './testing.ts';

const world = memoryWorld();
const provider = memoryProvider();
test.after(() => provider.close());

/** What each is called with: an object that may have anything in it. */
type Call = (options: never) => unknown;

interface Row {
  readonly name: string;
  readonly call: Call;
  readonly misspelt: object;
  readonly meant: string;
}

function row(name: string, call: Call, misspelt: object, meant: string): Row {
  return { name, call, misspelt, meant };
}

const POLICY = { policy: allowAll };
const TRANSPORT = { transport: 'ipv4' } as const;

const ROWS: readonly Row[] = [
  row('localProvider', localProvider, { busypoll: 5 }, 'busyPoll'),
  row('portableProvider', portableProvider, { resolvr: () => [] }, 'resolver'),
  row('memoryProvider', memoryProvider, { netwrok: world.network }, 'network'),
  row('memoryProvider of a network', memoryProvider, { bufersize: 5 }, 'bufferSize'),
  row('MemoryNetwork', (options) => new MemoryNetwork(options), { host: {} }, 'hosts'),
  row('memoryWorld', memoryWorld, { scenarios: [] }, 'scenario'),
  row('a scenario', (scenario) => memoryProvider({ scenario: [scenario] }), { adress: '::1' }, 'address'),
  row('conditions', (datagrams) => memoryProvider({ datagrams }), { los: 0.5 }, 'loss'),
  row(
    'MemoryFaults.fail',
    (options) => {
      new MemoryFaults().fail('accept', 'EMFILE', options);
    },
    { time: 2 },
    'times',
  ),
  row('createPortside', createPortside, { provider, wran: () => undefined }, 'warn'),
  row('createChrome', createChrome, { ...POLICY, reprot: () => undefined }, 'report'),
  row('tlsSessions', tlsSessions, { Max: 5 }, 'max'),
  row('watchdog', watchdog, { onerror: () => undefined }, 'onError'),
  row(
    'parseSocketPermission',
    (options) => parseSocketPermission(['tcp-connect'], options),
    { onUnkown: 1 },
    'onUnknown',
  ),
  row(
    'streamSuite',
    (options) => streamSuite(pairMaker(world.make, 'ipv4'), options),
    { ...TRANSPORT, scael: 1 },
    'scale',
  ),
  row('providerSuite', (options) => providerSuite(world.make, options), { ...TRANSPORT, file: 1 }, 'files'),
  row(
    'listenerSuite',
    (options) => listenerSuite(world.make, options),
    { ...TRANSPORT, resource: 1 },
    'resources',
  ),
  row('datagramSuite', (options) => datagramSuite(world.make, options), { ...TRANSPORT, cloc: 1 }, 'clock'),
  row('tlsSuite', (options) => tlsSuite(world.make, options), { ...TRANSPORT, imposter: {} }, 'impostor'),
  row(
    'runSuite',
    (options) => {
      runSuite([], new Set(), options);
    },
    { timout: 5 },
    'timeout',
  ),
];

for (const { name, call, misspelt, meant } of ROWS) {
  test(`${name} refuses a misspelt option, and names the one that was meant`, () => {
    assert.throws(
      () => call(misspelt as never),
      (error: unknown) =>
        error instanceof TypeError &&
        error.message.includes('there is no such option') &&
        error.message.includes(`${meant}?`),
    );
  });
}

/** Values that are none, with the name that the message must have. */
const WRONG: readonly (readonly [name: string, call: () => unknown])[] = [
  ['poller', () => localProvider({ poller: 'kqueue' as never })],
  ['withFaults', () => localProvider({ withFaults: 1 as never })],
  ['clock', () => localProvider({ clock: Date as never })],
  ['resolver', () => portableProvider({ resolver: {} as never })],
  ['clock', () => portableProvider({ clock: { now: () => 1 } as never })],
  ['tls', () => memoryProvider({ tls: { ...nodeTls } })],
  ['bufferSize', () => memoryProvider({ bufferSize: 0 })],
  ['scenario', () => memoryProvider({ scenario: {} as never })],
  ['scenario[0].outcome', () => memoryProvider({ scenario: [{ address: '::1', outcome: 'lost' as never }] })],
  ['scenario[0].address', () => memoryProvider({ scenario: [{ address: 'example.com' }] })],
  ['provider', () => createPortside({} as never)],
  ['provider', () => createPortside({ provider: {} as never })],
  ['warn', () => createPortside({ provider, warn: 'no' as never })],
  ['id', () => createChrome({ ...POLICY, id: 5 as never })],
  ['policy', () => createChrome({ policy: {} as never })],
  ['manifest', () => createChrome({ manifest: 'app' as never })],
  ['provider', () => guard({} as never, allowAll)],
  ['policy', () => guard(provider, 'yes' as never)],
  ['policy.decide', () => guard(provider, { allowed: true } as never)],
  ['options', () => localProvider(null as never)],
  ['options', () => createPortside(undefined as never)],
];

for (const [name, call] of WRONG) {
  test(`a maker refuses ${call.toString().slice(6)}`, () => {
    assert.throws(call, (error: unknown) => {
      const isOwn = error instanceof TypeError || error instanceof RangeError;
      return isOwn && error.message.startsWith(`${name}: expected`);
    });
  });
}
