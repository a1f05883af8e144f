/** Cases of `datagramSuite`: arguments that are none are refused before anything is made or sent, and never silently. */
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onIpv4,
  onPackets,
  onUdp,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { ARGUMENT_ERRORS, equal, equalList, rejects, settle, show, throws } from './suite.ts';

type BadTable = readonly (readonly [name: string, values: readonly unknown[]])[];

const errors = { name: ARGUMENT_ERRORS };
/** What no call may take for a mistake of the system. */
const argument = { name: ['TypeError', 'RangeError'] };

const NOT_OBJECTS: readonly unknown[] = [undefined, null, 1, 'localhost:80', true];
const NOT_PORTS: readonly unknown[] = [null, '80', -1, 65_536, 1.5, Number.NaN, 2 ** 53, 1n, {}];
const NOT_FLAGS: readonly unknown[] = [null, 0, 1, 'true'];
const NOT_PATHS: readonly unknown[] = [
  null,
  1,
  '',
  {},
  '/tmp/a\0b',
  'x'.repeat(109),
  new Uint8Array(0),
  new Uint8Array(300),
  Uint8Array.of(47, 0, 47),
  new Uint16Array(3),
];
const COMMON: BadTable = [
  ['timeout', [null, '1', -1, Number.NaN, {}]],
  ['signal', [null, 1, 'abort', {}]],
  ['highWaterMark', [null, '1', -1, 1.5, Number.NaN]],
  ['writeLimit', [null, '1', -1, 1.5, Number.NaN]],
  ['options', [1, null, { broadcast: 'yes' }, { ttl: 0 }, { ttl: 256 }, { multicastTtl: -1 }, { no: 1 }]],
];

const BAD_UDP: BadTable = [
  ...COMMON,
  ['host', [null, 1, '', 'localhost', '127.1', '0x7f.1', 'a\0b', '[::1]']],
  ['port', NOT_PORTS],
  ['remote', [null, 1, 'localhost', {}, { host: '' }, { host: 'localhost', port: 0 }, { host: 1, port: 1 }]],
  ['family', ['ipv5', 4, null]],
  ['reuseAddress', NOT_FLAGS],
  ['reusePort', NOT_FLAGS],
  ['ipv6Only', NOT_FLAGS],
  ['icmpErrors', NOT_FLAGS],
  ['reuseAdress', [true]],
];

const BAD_UNIX: BadTable = [
  ...COMMON,
  ['path', NOT_PATHS],
  ['remotePath', NOT_PATHS],
  ['type', ['stream', 1, null]],
  ['stale', [null, true, 'unlink']],
  ['mode', [null, '660', -1, 1.5, 0o10000]],
  ['host', ['127.0.0.1']],
  ['reuseAddress', [true]],
  ['remotepath', ['/tmp/x']],
];

async function badBinds(h: DatagramHarness, good: () => object, table: BadTable): Promise<void> {
  await h.quiet();
  const before = await h.options.resources?.();
  for (const value of NOT_OBJECTS)
    await rejects(() => h.provider.bind(value as never), argument, `bind(${show(value)})`);
  for (const [name, values] of table) {
    for (const value of values) {
      const what = `bind with ${name} ${show(value)}`;
      await rejects(() => h.provider.bind({ ...good(), [name]: value }), argument, what);
    }
  }
  equal(await h.options.resources?.(), before, 'descriptors left open');
}

/** Fields of a message that are none, beside good ones. */
const BAD_FIELDS: BadTable = [
  [
    'bytes',
    [
      'text',
      1,
      null,
      undefined,
      {},
      [1, 2],
      new ArrayBuffer(4),
      new Uint16Array(2),
      new DataView(new ArrayBuffer(2)),
    ],
  ],
  ['from', ['127.0.0.1', null, {}, { family: 'ipv4', host: 'x' }, { family: 'ipv6', host: '1.2.3.4' }]],
  ['interfaceIndex', [0, -1, 1.5, '1', null, 2 ** 31]],
  ['ttl', [-1, 256, 1.5, '1', null, Number.NaN]],
  ['trafficClass', [-1, 256, 1.5, '1', null]],
];

const BAD_UDP_TO: readonly unknown[] = [
  undefined,
  null,
  '127.0.0.1:80',
  {},
  { family: 'ipv4', host: 'localhost', port: 80 },
  { family: 'ipv4', host: '127.0.0.1' },
  { family: 'ipv4', host: '127.0.0.1', port: 0 },
  { family: 'ipv4', host: '127.0.0.1', port: '80' },
  { family: 'ipv4', host: '127.0.0.1', port: 65_536 },
  { family: 'ipv4', host: '::1', port: 80 },
  { family: 'unix', path: '/tmp/x' },
];

const BAD_UNIX_TO: readonly unknown[] = [
  undefined,
  null,
  '/tmp/x',
  {},
  { family: 'unix' },
  ...NOT_PATHS.map((path) => ({ family: 'unix', path })),
  { family: 'ipv4', host: '127.0.0.1', port: 80 },
];

/** Messages that are none for this socket. */
function badMessages(h: DatagramHarness, to: Datagram['local'] | undefined): unknown[] {
  const good = { bytes: numbered(1, 10), to };
  const badTo =
    to === undefined ? [{ family: 'unix', path: '/tmp/x' }, null] : h.isUdp ? BAD_UDP_TO : BAD_UNIX_TO;
  return [
    ...NOT_OBJECTS,
    ...BAD_FIELDS.flatMap(([name, values]) => values.map((value) => ({ ...good, [name]: value }))),
    ...badTo.map((value) => ({ ...good, to: value })),
  ];
}

async function badSends(h: DatagramHarness, isConnected: boolean): Promise<void> {
  const { a, b, toB } = isConnected ? await h.connectedPair() : await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const good = { bytes: numbered(1, 10), to: toB };
  const never = h.calls.never('done of a refused send');
  for (const message of badMessages(h, toB)) {
    const what = `send of ${describe(message)}`;
    throws(() => a.send(message as never, never), argument, what);
    throws(() => a.sendMany([good, message as never]), argument, `sendMany, ${what}`);
  }
  throws(() => a.send(good, 'done' as never), argument, 'send with a done that is no function');
  for (const list of [undefined, null, 1, 'x', {}, good])
    throws(() => a.sendMany(list as never), argument, `sendMany(${show(list)})`);
  equal(a.bufferedAmount, 0, 'bufferedAmount after refused sends');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(1);
  await h.quiet();
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [2],
    'datagrams',
  );
  equal(a.sent, 1, 'sent');
}

function describe(message: unknown): string {
  if (typeof message !== 'object' || message === null) return show(message);
  return Object.entries(message)
    .map(([name, value]) => `${name} ${show(value)}`)
    .join(', ');
}

async function hostileMessages(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const mistake = new Error('a getter that throws');
  const hostile = {
    get bytes(): Uint8Array {
      throw mistake;
    },
    to: toB,
  };
  const thrown = (call: () => unknown): unknown => {
    try {
      return call();
    } catch (error) {
      return error;
    }
  };
  equal(
    thrown(() => a.send(hostile)),
    mistake,
    'what send threw',
  );
  equal(
    thrown(() => a.sendMany([{ bytes: numbered(1, 10), to: toB }, hostile])),
    mistake,
    'what sendMany threw',
  );
  const sparse: never[] = [];
  sparse.length = 3;
  throws(() => a.sendMany(sparse), argument, 'sendMany of an array with holes');
  equal(a.bufferedAmount, 0, 'bufferedAmount');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(1);
}

const BAD_READS: BadTable = [
  ['maxSize', [0, -1, 65_536, 1.5, Number.NaN, '100', null]],
  ['chunks', ['borrowed', 1, null]],
  ['maxsize', [100]],
  ['meta', ['local', null, 1, {}, ['no'], [1], [null], { length: 1 }]],
];

async function badStarts(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const recorder = h.datagramRecorder();
  for (const [name, values] of BAD_READS) {
    for (const value of values)
      throws(
        () => {
          b.start(recorder, { [name]: value });
        },
        argument,
        `start with ${name} ${show(value)}`,
      );
  }
  for (const sink of [null, undefined, 1, 'sink', {}, { receive: 1, close: 1 }, { receive: () => undefined }])
    throws(
      () => {
        b.start(sink as never);
      },
      argument,
      `sink ${show(sink)}`,
    );
  const atB = h.recordDatagram(b);
  h.recordDatagram(a);
  await h.mustSend(a, { bytes: numbered(1, 10), to: toB });
  await atB.untilCount(1);
}

async function badDeadlines(h: DatagramHarness): Promise<void> {
  for (const deadline of [{ timeout: -1 }, { timeout: '5' }, { signal: {} }, null, 1]) {
    const { a } = await h.pair();
    const outcome = await settle(() => a.close(deadline as never), 'close() with a deadline that is none');
    equal(outcome.status, 'rejected', `close(${show(deadline)})`);
  }
}

const BAD_MEMBERSHIPS: readonly unknown[] = [
  ...NOT_OBJECTS,
  {},
  { group: '239.1.2.3' },
  { group: { family: 'ipv4', host: 'all' } },
  { group: { family: 'ipv4', host: '239.1.2.3' }, interfaceIndex: -1 },
  { group: { family: 'ipv4', host: '239.1.2.3' }, interfaceIndex: '1' },
  { group: { family: 'ipv4', host: '239.1.2.3' }, interfaceAddress: '127.0.0.1' },
  {
    group: { family: 'ipv4', host: '239.1.2.3' },
    interfaceIndex: 1,
    interfaceAddress: { family: 'ipv4', host: '127.0.0.1' },
  },
  { group: { family: 'ipv4', host: '239.1.2.3' }, source: { family: 'ipv6', host: '::1' } },
];

async function badMemberships(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  for (const membership of BAD_MEMBERSHIPS) {
    throws(
      () => {
        a.join(membership as never);
      },
      argument,
      `join ${show(membership)}`,
    );
    throws(
      () => {
        a.leave(membership as never);
      },
      argument,
      `leave ${show(membership)}`,
    );
  }
  equal(a.memberships().length, 0, 'memberships');
}

async function badListens(h: DatagramHarness): Promise<void> {
  const table: BadTable = [
    ['path', [undefined, ...NOT_PATHS]],
    ['stale', [null, true, 'unlink']],
    ['mode', [null, '660', -1, 0o10000]],
    ['backlog', [null, '1', -1, 1.5]],
  ];
  for (const value of NOT_OBJECTS)
    await rejects(() => h.provider.listenPackets(value as never), argument, `listenPackets(${show(value)})`);
  for (const [name, values] of table) {
    for (const value of values) {
      const options = { path: h.files.fresh(), [name]: value } as never;
      await rejects(() => h.provider.listenPackets(options), argument, `${name} ${show(value)}`);
    }
  }
  const nowhere = { type: 'seqpacket' } as const;
  await rejects(() => h.provider.bind(nowhere), errors, 'bind of a seqpacket without remotePath');
}

export const DATAGRAM_ARGUMENT_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'bind refuses arguments of UDP that are none (F41)',
    promises: ['failure.clean'],
    when: onUdp,
    run: (h) => badBinds(h, () => ({ host: h.loopback }), BAD_UDP),
  },
  {
    name: 'bind refuses arguments of Unix sockets that are none (F38, F39)',
    promises: ['failure.clean', 'bind.path'],
    when: ({ transport }) => transport === 'unix',
    run: (h) => badBinds(h, () => ({ path: h.files.fresh() }), BAD_UNIX),
  },
  {
    name: 'send and sendMany refuse messages that are none, and take nothing (F41)',
    promises: ['send.argument', 'datagram.to'],
    run: (h) => badSends(h, false),
  },
  {
    name: 'send and sendMany of a connected socket refuse messages with to (F41)',
    promises: ['send.argument', 'datagram.to'],
    run: (h) => badSends(h, true),
  },
  {
    name: 'send and sendMany take nothing of messages that throw (F48)',
    promises: ['send.argument', 'send.many'],
    run: hostileMessages,
  },
  { name: 'start refuses sinks and options that are none', promises: ['datagram.max-size'], run: badStarts },
  { name: 'close refuses deadlines that are none', promises: ['deadline.timeout'], run: badDeadlines },
  {
    name: 'join and leave refuse memberships that are none',
    promises: ['group.join', 'group.leave'],
    needs: ['multicast'],
    when: onIpv4,
    run: badMemberships,
  },
  {
    name: 'listenPackets refuses arguments that are none (F38, F39)',
    promises: ['failure.clean'],
    when: onPackets,
    run: badListens,
  },
];
