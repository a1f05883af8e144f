/** Cases of `datagramSuite`: a paused socket is silent, and what comes meanwhile waits or is counted as dropped. */
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onPackets,
  onUdp,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { check, checkError, equal, equalList } from './suite.ts';

const FEW = [0, 1, 2, 3, 4, 5, 6, 7];

async function pausedBeforeStart(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  equal(b.isPaused, false, 'isPaused of a new socket');
  b.pause();
  b.pause();
  equal(b.isPaused, true, 'isPaused');
  const atB = h.recordDatagram(b);
  for (const i of FEW) await h.mustSend(a, { bytes: numbered(i, 30), to: toB });
  await h.quiet();
  equal(atB.datagrams.length, 0, 'datagrams while paused');
  equal(b.received, 0, 'received while paused');
  b.resume();
  equal(b.isPaused, false, 'isPaused after resume');
  await atB.untilCount(FEW.length);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    FEW,
    'datagrams that waited',
  );
}

async function pausedInReceive(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {
    receive: () => {
      b.pause();
    },
  });
  for (const i of FEW) a.send({ bytes: numbered(i, 30), to: toB }, h.done(`done ${String(i)}`));
  for (const i of FEW) {
    await atB.untilCount(i + 1);
    await h.quiet();
    equal(atB.datagrams.length, i + 1, 'datagrams told although paused');
    b.resume();
  }
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    FEW,
    'datagrams one by one',
  );
}

async function pausedAndResumedAtOnce(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  for (const i of FEW) {
    b.pause();
    b.resume();
    await h.mustSend(a, { bytes: numbered(i, 30), to: toB });
    b.pause();
    b.resume();
  }
  await atB.untilCount(FEW.length);
  await h.quiet();
  equal(atB.datagrams.length, FEW.length, 'datagrams');
}

async function pausedSends(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  a.pause();
  for (const i of FEW) await h.mustSend(a, { bytes: numbered(i, 30), to: toB }, 'done while paused');
  await atB.untilCount(FEW.length);
}

async function pausedTellsFailures(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  a.pause();
  const atA = h.recordDatagram(a);
  h.recordDatagram(b);
  a.send({ bytes: h.tooLarge(), to: toB });
  checkError(await atA.untilError(), { name: 'SystemError', code: 'EMSGSIZE' }, 'error while paused');
}

/** A socket that hears of ICMP, and two that have gone. */
async function reportsPair(h: DatagramHarness): Promise<{ a: Datagram; sendToNobody: () => Promise<void> }> {
  const a = await h.bind({ icmpErrors: true });
  const gone = [await h.bind(), await h.bind()];
  const to = gone.map(({ local }) => local);
  for (const each of gone) await each.close();
  const sendToNobody = async (): Promise<void> => {
    await Promise.all(to.map((each) => h.sent(a, { bytes: numbered(1, 10), to: each })));
  };
  return { a, sendToNobody };
}

async function reportsWaitForResume(h: DatagramHarness): Promise<void> {
  const { a, sendToNobody } = await reportsPair(h);
  a.pause();
  const atA = h.recordDatagram(a);
  await sendToNobody();
  await h.quiet();
  equalList(atA.log, [], 'events while paused');
  a.resume();
  await atA.untilError(1);
  await h.quiet();
  equalList(
    atA.errors.map(({ code }) => code),
    ['ECONNREFUSED', 'ECONNREFUSED'],
    'errors after resume',
  );
}

/** Both reports may have come with one look at the socket: the second is not lost. */
async function pausedInError(h: DatagramHarness): Promise<void> {
  const { a, sendToNobody } = await reportsPair(h);
  const atA = h.recordDatagram(a, {
    error: () => {
      a.pause();
    },
  });
  await sendToNobody();
  await atA.untilError(0);
  await h.quiet();
  equal(atA.errors.length, 1, 'errors although the first paused');
  a.resume();
  await atA.untilError(1);
}

async function endWaitsForResume(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  await a.close();
  await h.quiet();
  equalList(atB.log, [], 'events while paused');
  b.resume();
  equal(await atB.untilClose(), null, 'close');
}

async function closedWhilePaused(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  await h.mustSend(a, { bytes: numbered(0, 30), to: toB });
  await h.quiet();
  await b.close();
  equal(await atB.untilClose(), null, 'close');
  equalList(atB.log, ['close'], 'events');
}

/** More than the buffer holds comes while nobody reads. */
async function dropsAreBounded(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const { capabilities } = h.provider;
  if (capabilities.has('buffer-sizes')) b.set('receiveBufferSize', 10_000);
  h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const count = h.size(3000, 500);
  for (let i = 0; i < count; i++) {
    a.send({ bytes: numbered(i, 1000), to: toB }, h.done(`done ${String(i)}`));
    if (i % 50 === 49) await h.quiet();
  }
  await h.mustSend(a, { bytes: numbered(count, 10), to: toB });
  await h.quiet();
  b.resume();
  await atB.untilCount(1);
  await h.untilStill(atB);
  const got = atB.datagrams.length;
  if (capabilities.has('buffer-sizes')) check(got < count, 'a small buffer held everything');
  check(
    b.drops <= count + 1 - got,
    `${String(b.drops)} drops of ${String(count + 1 - got)} that are missing`,
  );
  if (capabilities.has('datagram-meta')) equal(b.drops, count + 1 - got, 'drops');
  const numbers = atB.datagrams.map((each) => numberOf(each.bytes));
  equalList(numbers.slice(0, 5), [0, 1, 2, 3, 4], 'the first, which found room');
  await h.mustSend(a, { bytes: numbered(60_000, 10), to: toB });
  await atB.untilCount(got + 1);
  equal(numberOf((await atB.datagram(got)).bytes), 60_000, 'what came after the buffer was read');
}

export const DATAGRAM_PAUSE_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'pause before start keeps what comes',
    promises: ['datagram.pause', 'datagram.kernel', 'datagram.pause-first'],
    run: pausedBeforeStart,
  },
  {
    name: 'pause inside receive stops after the datagram in hand',
    promises: ['datagram.pause', 'pressure.bound'],
    run: pausedInReceive,
  },
  {
    name: 'pause and resume at once lose and double nothing',
    promises: ['datagram.pause', 'datagram.whole'],
    run: pausedAndResumedAtOnce,
  },
  { name: 'sends while it is paused', promises: ['datagram.pause-sends'], run: pausedSends },
  {
    name: 'paused still hears of sends that fail',
    promises: ['datagram.pause-sends', 'datagram.error'],
    run: pausedTellsFailures,
  },
  {
    name: 'paused hears what the network reports after resume (F24)',
    promises: ['datagram.pause-errors'],
    needs: ['icmp-errors'],
    when: onUdp,
    run: reportsWaitForResume,
  },
  {
    name: 'pause inside error stops after the one in hand, and loses no other (F24)',
    promises: ['datagram.pause-errors'],
    needs: ['icmp-errors'],
    when: onUdp,
    run: pausedInError,
  },
  {
    name: 'paused hears of the end after resume',
    promises: ['datagram.pause-errors'],
    when: onPackets,
    run: endWaitsForResume,
  },
  {
    name: 'close while paused drops what is unread',
    promises: ['datagram.close-flush', 'closed.silent'],
    run: closedWhilePaused,
  },
  {
    name: 'counts what a full buffer dropped while it was paused',
    promises: ['datagram.kernel', 'datagram.drops', 'pressure.bound'],
    when: onUdp,
    run: dropsAreBounded,
  },
];
