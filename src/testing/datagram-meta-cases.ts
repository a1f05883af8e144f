/** Cases of `datagramSuite`: what is told beside a datagram's bytes, and what can be chosen for one datagram. */
import type { DatagramMeta, OutgoingDatagram, ReceivedDatagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  numbered,
  onIpv4,
  onUdp,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { check, checkError, equal, throws } from './suite.ts';

const NAMES: readonly DatagramMeta[] = ['local', 'timestamp', 'trafficClass', 'ttl'];
/** The fields that each name brings. */
const FIELDS: Readonly<Record<DatagramMeta, readonly (keyof ReceivedDatagram)[]>> = {
  local: ['local', 'interfaceIndex'],
  timestamp: ['timestamp'],
  trafficClass: ['trafficClass'],
  ttl: ['ttl'],
};

/** Sends one message to a socket that was started with `meta`, and answers how it came. */
async function received(
  h: DatagramHarness,
  meta: readonly DatagramMeta[],
  extra: Partial<OutgoingDatagram> = {},
  options: { ttl?: number; trafficClass?: number } = {},
): Promise<ReceivedDatagram> {
  const { a, b, toB } = await h.pair();
  for (const [name, value] of Object.entries(options)) a.set(name as 'ttl', value);
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { meta });
  await h.mustSend(a, { bytes: numbered(1, 20), to: toB, ...extra });
  return atB.datagram();
}

async function eachAlone(h: DatagramHarness): Promise<void> {
  for (const name of NAMES) {
    const datagram = await received(h, [name]);
    for (const other of NAMES) {
      for (const field of FIELDS[other])
        equal(datagram[field] !== undefined, other === name, `${field} if ${name} is asked for`);
    }
  }
}

async function allAtOnce(h: DatagramHarness): Promise<void> {
  const datagram = await received(h, [...NAMES, 'ttl'], {}, { ttl: 41, trafficClass: 0x28 });
  const { local, interfaceIndex, ttl, trafficClass, timestamp } = datagram;
  const lo = await h.loopbackInterface();
  equal(local?.host, h.loopback, 'local');
  equal(local?.family, lo.address.family, 'family of local');
  equal(interfaceIndex, lo.index ?? interfaceIndex, 'interfaceIndex');
  equal(ttl, 41, 'ttl');
  equal(trafficClass, 0x28, 'trafficClass');
  equal(typeof timestamp, 'bigint', 'timestamp');
}

/** The kernel notes the interface, as the time, when a datagram comes, and not when it is read. */
async function whilePaused(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const lo = await h.loopbackInterface();
  h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b, {}, { meta: NAMES });
  await h.mustSend(a, { bytes: numbered(1, 20), to: toB });
  b.resume();
  const { interfaceIndex } = await atB.datagram();
  equal(interfaceIndex, lo.index ?? interfaceIndex, 'interfaceIndex');
}

async function timestampsGrow(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { meta: ['timestamp'] });
  for (let i = 0; i < 5; i++) a.send({ bytes: numbered(i, 10), to: toB }, h.done(`done ${String(i)}`));
  await atB.untilCount(5);
  let last = 0n;
  for (const { timestamp } of atB.datagrams) {
    check(
      timestamp !== undefined && timestamp >= last,
      `timestamp ${String(timestamp)} after ${String(last)}`,
    );
    last = timestamp;
  }
}

async function perSend(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { meta: ['trafficClass', 'ttl'] });
  const usual = { bytes: numbered(1, 20), to: toB };
  a.set('ttl', 50);
  const choices: readonly (readonly [Partial<OutgoingDatagram>, number, number])[] = [
    [{}, 50, 0],
    [{ ttl: 9 }, 9, 0],
    [{ trafficClass: 0xb8 }, 50, 0xb8],
    [{ ttl: 8, trafficClass: 0x28 }, 8, 0x28],
    [{}, 50, 0],
  ];
  for (const [choice] of choices) await h.mustSend(a, { ...usual, ...choice });
  equal(a.sendMany(choices.map(([choice]) => ({ ...usual, ...choice }))), choices.length, 'taken');
  await atB.untilCount(2 * choices.length);
  for (const [i, { ttl, trafficClass }] of atB.datagrams.entries()) {
    const [, wantedTtl, wantedClass] = choices[i % choices.length] ?? [{}, -1, -1];
    equal(ttl, wantedTtl, `ttl of datagram ${String(i)}`);
    equal(trafficClass, wantedClass, `trafficClass of datagram ${String(i)}`);
  }
}

/** Every address that begins with 127 is one of this machine's. */
async function chosenSource(h: DatagramHarness): Promise<void> {
  const b = await h.bind();
  const a = await h.bindTo({ host: '0.0.0.0' });
  const lo = await h.loopbackInterface();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { meta: ['local'] });
  const to = b.local;
  const hosts = ['127.0.0.9', '127.0.0.1', '127.1.2.3'];
  for (const host of hosts) {
    const message = { bytes: numbered(1, 10), to, from: { family: 'ipv4', host } } as const;
    await h.mustSend(a, { ...message, interfaceIndex: lo.index });
  }
  await h.mustSend(a, { bytes: numbered(1, 10), to });
  await atB.untilCount(hosts.length + 1);
  for (const [i, host] of [...hosts, '127.0.0.1'].entries()) {
    const { remote } = await atB.datagram(i);
    equal(JSON.stringify(remote), JSON.stringify({ ...endpointOf(a), host }), 'sender');
  }
  const from = { family: 'ipv4', host: '192.0.2.99' } as const;
  const error = await h.sent(a, { bytes: numbered(1, 10), to, from });
  checkError(error, { name: 'SystemError' }, 'done of a datagram from an address of nobody');
}

async function lacking(h: DatagramHarness): Promise<void> {
  if (h.provider.capabilities.has('datagram-meta')) return;
  const { a, b, toB } = await h.pair();
  const shape = { name: 'UnsupportedError' };
  throws(
    () => {
      b.start(h.datagramRecorder(), { meta: ['ttl'] });
    },
    shape,
    'start with meta',
  );
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { meta: [] });
  const never = h.calls.never('done of a refused send');
  const choices: readonly Partial<OutgoingDatagram>[] = [
    { ttl: 5 },
    { trafficClass: 0 },
    { interfaceIndex: 1 },
    { from: { family: 'ipv4', host: '127.0.0.1' } },
  ];
  for (const choice of choices) {
    const message = { bytes: numbered(1, 10), to: toB, ...choice };
    throws(() => a.send(message, never), shape, `send with ${Object.keys(choice).join()}`);
    throws(() => a.sendMany([message]), shape, `sendMany with ${Object.keys(choice).join()}`);
  }
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(1);
}

export const DATAGRAM_META_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'tells of the meta data just what was asked for',
    promises: ['datagram.meta'],
    needs: ['datagram-meta'],
    when: onUdp,
    run: eachAlone,
  },
  {
    name: 'tells all meta data at once',
    promises: ['datagram.meta'],
    needs: ['datagram-meta'],
    when: onUdp,
    run: allAtOnce,
  },
  {
    name: 'tells meta data of what came while it was paused',
    promises: ['datagram.meta'],
    needs: ['datagram-meta'],
    when: onUdp,
    run: whilePaused,
  },
  {
    name: 'tells times of arrival that grow',
    promises: ['datagram.timestamp'],
    needs: ['datagram-meta'],
    run: timestampsGrow,
  },
  {
    name: 'takes ttl and trafficClass for one datagram',
    promises: ['send.once'],
    needs: ['datagram-meta'],
    when: onUdp,
    run: perSend,
  },
  {
    name: 'takes the source of one datagram',
    promises: ['send.from'],
    needs: ['datagram-meta'],
    when: onIpv4,
    run: chosenSource,
  },
  {
    name: 'refuses meta data where it has none',
    promises: ['datagram.meta'],
    when: onUdp,
    run: lacking,
  },
];
