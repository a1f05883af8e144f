/** Cases of `datagramSuite`: options of sockets, and broadcast, which one of them allows. */
import type { OptionName, SocketOptions } from '../base/options.ts';
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  numbered,
  onIpv4,
  onUdp,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { ARGUMENT_ERRORS, check, checkError, equal, throws } from './suite.ts';

const VALUES: { readonly [N in OptionName]?: readonly SocketOptions[N][] } = {
  broadcast: [true, false],
  multicastLoopback: [false, true],
  multicastTtl: [0, 1, 7, 255],
  ttl: [1, 77, 255],
};

async function readAsSet(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  for (const [name, values] of Object.entries(VALUES)) {
    for (const value of values) {
      a.set(name as OptionName, value);
      equal(a.get(name as OptionName), value, name);
    }
  }
}

async function trafficClass(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  for (const value of [0, 0x28, 0xb8]) {
    a.set('trafficClass', value);
    equal(a.get('trafficClass'), value, 'trafficClass');
  }
}

async function bufferSizes(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.pair();
  for (const socket of [a, b]) {
    for (const name of ['receiveBufferSize', 'sendBufferSize'] as const) {
      socket.set(name, 40_000);
      check(socket.get(name) >= 40_000, `${name} is ${String(socket.get(name))} after 40000`);
    }
  }
}

const BAD: readonly (readonly [string, readonly unknown[]])[] = [
  ['broadcast', ['yes', 1, null, undefined]],
  ['multicastInterface', [-1, 1.5, '1', null, Number.NaN]],
  ['multicastLoopback', ['yes', 1, null]],
  ['multicastTtl', [-1, 256, '1', null]],
  ['noSuchOption', [1]],
  ['receiveBufferSize', [0, -1, Number.NaN, 1.5, '1', null]],
  ['toString', [1]],
  ['trafficClass', [-1, 256, '1', null]],
  ['ttl', [0, -1, 256, 1.5, '1', null]],
];

async function badOptions(h: DatagramHarness): Promise<void> {
  const { a } = await h.pair();
  for (const [name, values] of BAD) {
    for (const value of values) {
      throws(
        () => {
          a.set(name as never, value as never);
        },
        { name: ['TypeError', 'RangeError'] },
        `set ${name} to ${String(value)}`,
      );
    }
  }
  throws(() => a.get('noSuchOption' as never), { name: ARGUMENT_ERRORS }, 'get of no option');
}

/** Options of the other transports. */
async function foreignOptions(h: DatagramHarness): Promise<void> {
  const { a } = await h.pair();
  const foreign = h.isUdp
    ? (['noDelay', 'keepAlive', 'userTimeout'] as const)
    : (['noDelay', 'ttl', 'broadcast', 'multicastTtl'] as const);
  const shape = { name: ['UnsupportedError', 'SystemError'] };
  for (const name of foreign) throws(() => a.get(name), shape, `get of ${name}`);
}

async function noSuchInterface(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  const shape = { name: ['SystemError', 'UnsupportedError'] };
  throws(
    () => {
      a.set('multicastInterface', 2 ** 30);
    },
    shape,
    'multicastInterface of nobody',
  );
  equal(a.get('multicastInterface'), 0, 'multicastInterface');
}

/** The loopback network has a broadcast address too. */
const BROADCAST = '127.255.255.255';

async function broadcast(h: DatagramHarness): Promise<void> {
  const b = await h.bindTo({ host: '0.0.0.0' });
  const atB = h.recordDatagram(b);
  const a = await h.bindTo({ host: '0.0.0.0' });
  const atA = h.recordDatagram(a);
  const message = {
    bytes: numbered(1, 10),
    to: { family: 'ipv4', host: BROADCAST, port: endpointOf(b).port },
  } as const;
  equal(a.get('broadcast'), false, 'broadcast of a new socket');
  checkError(await h.sent(a, message), { name: 'SystemError', code: 'EACCES' }, 'done without the option');
  a.send(message);
  checkError(await atA.untilError(), { name: 'SystemError', code: 'EACCES' }, 'error without the option');
  a.set('broadcast', true);
  await h.mustSend(a, message, 'done with the option');
  await atB.untilCount(1);
}

export const DATAGRAM_OPTION_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  { name: 'options are read as they were set', promises: ['socket.option'], when: onUdp, run: readAsSet },
  {
    name: 'trafficClass is read as it was set',
    promises: ['socket.option'],
    needs: ['datagram-meta'],
    when: onUdp,
    run: trafficClass,
  },
  {
    name: 'buffer sizes are at least what was set',
    promises: ['socket.option'],
    needs: ['buffer-sizes'],
    run: bufferSizes,
  },
  { name: 'refuses options that are none', promises: ['socket.option'], run: badOptions },
  { name: 'refuses options of other sockets', promises: ['socket.option'], run: foreignOptions },
  {
    name: 'multicastInterface refuses a number of nobody',
    promises: ['socket.option'],
    needs: ['multicast'],
    when: onUdp,
    run: noSuchInterface,
  },
  {
    name: 'broadcast needs the option',
    promises: ['socket.option', 'send.done', 'datagram.error'],
    when: onIpv4,
    run: broadcast,
  },
];
