/** Cases of `datagramSuite`: what is unsent is counted, told, and bounded; and what was taken is sent. */
import type { Datagram, OutgoingDatagram } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onUnixMessages,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import type { DatagramRecorder } from './datagram-recorder.ts';
import { check, checkError, equal, equalList, throws } from './suite.ts';

/** Numbers that must have come: all, from `first` on. */
function checkRun(recorder: DatagramRecorder, count: number, first = 0): void {
  equalList(
    recorder.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: count }, (_, i) => first + i),
    'datagrams received',
  );
}

async function resultFollowsBufferedAmount(h: DatagramHarness): Promise<void> {
  const highWaterMark = 2000;
  const { a, b, toB } = await h.pair({ highWaterMark });
  const atA = h.recordDatagram(a, {
    drain: () => {
      if (a.bufferedAmount !== 0) h.complain(`drain with ${String(a.bufferedAmount)} bytes unsent`);
    },
  });
  const atB = h.recordDatagram(b);
  let isDrainOwed = false;
  for (let i = 0; i < 9; i++) {
    const before = a.bufferedAmount;
    const isBelow = a.send({ bytes: numbered(i, 500), to: toB }, h.done(`done ${String(i)}`));
    equal(isBelow, a.bufferedAmount < highWaterMark, 'what send answered');
    check(a.bufferedAmount <= before + 500 + MESSAGE_OVERHEAD, 'bufferedAmount grew by more than was sent');
    isDrainOwed ||= !isBelow;
  }
  await atB.untilCount(9);
  checkRun(atB, 9);
  if (isDrainOwed) await atA.until(() => atA.drains > 0, 'drain');
  await h.quiet();
  equal(atA.drains, isDrainOwed ? 1 : 0, 'drains');
}

async function waitsForASlowReader(h: DatagramHarness): Promise<void> {
  const highWaterMark = 8192;
  const { a, b, toB } = await h.pair({ highWaterMark });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const waiting = a.bufferedAmount;
  // The last send of the clogging may have come when the mark was reached already.
  const most = highWaterMark + 2 * (1000 + MESSAGE_OVERHEAD);
  check(waiting >= highWaterMark && waiting < most, `${String(waiting)} bytes wait`);
  const { drains } = atA;
  await h.quiet();
  equal(a.bufferedAmount, waiting, 'bufferedAmount while nobody reads');
  b.resume();
  await atB.untilCount(count);
  checkRun(atB, count);
  await atA.until(() => atA.drains > drains, 'drain');
  equal(atA.drains, drains + 1, 'drains');
  equal(a.bufferedAmount, 0, 'bufferedAmount when all is sent');
  equal(b.drops, 0, 'drops');
}

async function overflow(h: DatagramHarness): Promise<void> {
  const writeLimit = 12_000;
  const { a, b, toB } = await h.pair({ highWaterMark: 4096, writeLimit });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  let count = await h.clogWith(a, toB, atA, 1000);
  for (; a.bufferedAmount <= writeLimit; count++) {
    equal(a.send({ bytes: numbered(count, 1000), to: toB }, h.done('done')), false, 'send above the mark');
  }
  const waiting = a.bufferedAmount;
  const shape = { name: 'OverflowError', code: 'ERR_SOCKET_OVERFLOW' };
  const message = { bytes: numbered(60_000, 10), to: toB };
  const error = throws(() => a.send(message, h.calls.never('done of a refused send')), shape, 'send');
  equal((error as { limit?: unknown }).limit, writeLimit, 'limit of the error');
  throws(() => a.sendMany([message]), shape, 'sendMany');
  equal(a.bufferedAmount, waiting, 'bufferedAmount after refused sends');
  b.resume();
  await atB.untilCount(count);
  checkRun(atB, count);
  await atA.until(() => a.bufferedAmount === 0, 'bufferedAmount 0');
  await h.mustSend(a, { bytes: numbered(count, 10), to: toB });
  await atB.untilCount(count + 1);
  checkRun(atB, count + 1);
}

const EMPTY = new Uint8Array(0);

/** What waits counts as its bytes and something for itself, each time the same, so that nothing waits uncounted. */
async function countsEachMessage(h: DatagramHarness): Promise<void> {
  const writeLimit = 40_000;
  const { a, b, toB } = await h.pair({ highWaterMark: 4096, writeLimit });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  let count = await h.clogWith(a, toB, atA, 1000);
  for (const size of [2, 0, 100, 0, 0, 1, 1000]) {
    const before = a.bufferedAmount;
    const bytes = numbered(count, 1000).subarray(0, size);
    equal(a.send({ bytes, to: toB }, h.done(`done ${String(count)}`)), false, 'send above the mark');
    equal(
      a.bufferedAmount,
      before + size + MESSAGE_OVERHEAD,
      `bufferedAmount with ${String(size)} bytes more`,
    );
    count += 1;
  }
  const { drains } = atA;
  b.resume();
  await atB.untilCount(count);
  await atA.until(() => atA.drains > drains, 'drain');
  equal(a.bufferedAmount, 0, 'bufferedAmount when all is sent');
}

/** Sends empty messages until one is above the mark. */
function sendEmptyToTheMark(h: DatagramHarness, a: Datagram, to: OutgoingDatagram['to']): number {
  let count = 1;
  while (a.send({ bytes: EMPTY, to }, h.done(`done of empty ${String(count)}`))) {
    count += 1;
    check(count < 100_000, 'send of nothing never answers false although nobody reads');
  }
  return count;
}

async function emptyAreBounded(h: DatagramHarness): Promise<void> {
  const [highWaterMark, writeLimit] = [4096, 12_000];
  const { a, b, toB } = await h.pair({ highWaterMark, writeLimit });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  let count = 0;
  while (a.bufferedAmount < highWaterMark) {
    count += sendEmptyToTheMark(h, a, toB);
    check(count < 100_000, 'a peer that does not read took all empty datagrams');
    await h.quiet();
  }
  const several = [{ bytes: EMPTY, to: toB }];
  equal(a.sendMany(several), 0, 'empty datagrams taken above the mark');
  for (; a.bufferedAmount <= writeLimit; count++) {
    const isBelow = a.send({ bytes: EMPTY, to: toB }, h.done(`done ${String(count)}`));
    equal(isBelow, false, 'send of nothing above the mark');
    check(count < 100_000, 'empty datagrams are taken without end');
  }
  const shape = { name: 'OverflowError', code: 'ERR_SOCKET_OVERFLOW' };
  const done = h.calls.never('done of a refused send');
  throws(() => a.send({ bytes: EMPTY, to: toB }, done), shape, 'send of nothing');
  throws(() => a.sendMany(several), shape, 'sendMany of empty datagrams');
  const { drains } = atA;
  b.resume();
  await atB.untilCount(count);
  await atA.until(() => atA.drains > drains, 'drain');
  await h.quiet();
  equal(atB.datagrams.length, count, 'empty datagrams received');
  equal(a.sent, count, 'sent');
}

async function sendManyOfEmptyStopsAtTheMark(h: DatagramHarness): Promise<void> {
  const highWaterMark = 4096;
  const { a, b, toB } = await h.pair({ highWaterMark });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const all: OutgoingDatagram[] = Array.from({ length: 20_000 }, () => ({ bytes: EMPTY, to: toB }));
  let taken = 0;
  for (let before = -1; taken !== before && taken < all.length;) {
    before = taken;
    taken += a.sendMany(all.slice(taken));
    check(
      a.bufferedAmount < highWaterMark + MESSAGE_OVERHEAD,
      `${String(a.bufferedAmount)} taken past the mark`,
    );
    await h.quiet();
  }
  check(taken < all.length, 'a peer that does not read took all empty datagrams');
  const { drains } = atA;
  b.resume();
  await atA.until(() => atA.drains > drains, 'drain');
  await atB.untilCount(taken);
  equal(a.sent, taken, 'sent');
}

async function pausedDelaysNoOther(h: DatagramHarness): Promise<void> {
  const slow = await h.pair({ highWaterMark: 4096 });
  const fast = await h.pair();
  const atSlow = h.recordDatagram(slow.a);
  slow.b.pause();
  const reader = h.recordDatagram(slow.b);
  const stuck = await h.clogWith(slow.a, slow.toB, atSlow, 1000);
  h.recordDatagram(fast.a);
  const quick = h.recordDatagram(fast.b);
  for (let i = 0; i < 50; i++) {
    await h.mustSend(fast.a, { bytes: numbered(i, 100), to: fast.toB });
    await quick.untilCount(i + 1);
  }
  equal(reader.datagrams.length, 0, 'datagrams of the paused socket');
  slow.b.resume();
  await reader.untilCount(stuck);
}

async function pausedSenderHearsAnswers(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  a.pause();
  const last = h.sent(a, { bytes: numbered(count, 10), to: toB });
  const { drains } = atA;
  b.resume();
  equal(await last, null, 'done on a socket that is paused');
  await atA.until(() => atA.drains > drains, 'drain on a socket that is paused');
  await atB.untilCount(count + 1);
}

/** Messages in one call of `sendMany`, in batches that the receiver's buffer holds. */
async function sendManyAll(h: DatagramHarness, sizeOf: (i: number) => number): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 10_000 });
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const all: OutgoingDatagram[] = Array.from({ length: 45 }, (_, i) => ({
    bytes: numbered(i, sizeOf(i)),
    to: toB,
  }));
  let bytes = 0;
  for (const message of all) bytes += message.bytes.length;
  await sendInTurns(h, all, atA, (rest) => a.sendMany(rest));
  await atB.untilCount(all.length);
  checkRun(atB, all.length);
  await h.quiet();
  equal(a.sent, all.length, 'sent');
  equal(a.bytesWritten, bytes, 'bytesWritten');
}

/** Gives what was not taken again after each drain. */
async function sendInTurns(
  h: DatagramHarness,
  all: readonly OutgoingDatagram[],
  recorder: DatagramRecorder,
  sendMany: (rest: readonly OutgoingDatagram[]) => number,
): Promise<void> {
  for (let from = 0; from < all.length;) {
    const { drains } = recorder;
    const rest = all.slice(from);
    const count = sendMany(rest);
    check(Number.isInteger(count) && count >= 1 && count <= rest.length, `took ${String(count)} datagrams`);
    from += count;
    if (from === all.length) break;
    await recorder.until(() => recorder.drains > drains, 'drain after sendMany did not take all');
    await h.quiet();
  }
}

async function sendManyStopsAtTheMark(h: DatagramHarness): Promise<void> {
  const highWaterMark = 4000;
  const { a, b, toB } = await h.pair({ highWaterMark });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const all: OutgoingDatagram[] = Array.from({ length: 1000 }, (_, i) => ({
    bytes: numbered(i, 300),
    to: toB,
  }));
  let taken = 0;
  for (let drains = -1; drains !== atA.drains;) {
    drains = atA.drains;
    taken += a.sendMany(all.slice(taken));
    const most = highWaterMark + 300 + MESSAGE_OVERHEAD;
    check(a.bufferedAmount < most, `${String(a.bufferedAmount)} bytes taken past the mark`);
    await h.quiet();
  }
  taken += a.sendMany(all.slice(taken));
  check(taken < all.length, 'a peer that does not read took all that was sent');
  equal(a.sendMany(all.slice(taken)), 0, 'datagrams taken above the mark');
  b.resume();
  await atA.until(() => a.bufferedAmount === 0, 'bufferedAmount 0');
  while (taken < all.length) {
    const { drains } = atA;
    taken += a.sendMany(all.slice(taken));
    if (taken < all.length) await atA.until(() => atA.drains > drains, 'drain');
  }
  await atB.untilCount(all.length);
  checkRun(atB, all.length);
}

/** A thousand at once: UDP may drop what finds no room, but not damage, double or swap the rest. */
async function thousandAtOnce(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 1024 * 1024 });
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const all: OutgoingDatagram[] = Array.from({ length: 1000 }, (_, i) => ({
    bytes: numbered(i, 100),
    to: toB,
  }));
  equal(a.sendMany(all), 1000, 'datagrams taken');
  await h.mustSend(a, { bytes: numbered(1000, 100), to: toB }, 'done of the last');
  equal(a.sent, 1001, 'sent');
  if (!h.isUdp) await atB.untilCount(1001);
  await h.untilStill(atB);
  const numbers = atB.datagrams.map((each) => numberOf(each.bytes));
  check(numbers.length > 0, 'nothing of a thousand datagrams arrived');
  equalList(
    numbers,
    [...numbers].sort((x, y) => x - y),
    'order of arrival',
  );
  equal(new Set(numbers).size, numbers.length, 'different datagrams');
  check(b.drops <= 1001 - numbers.length, `${String(b.drops)} drops`);
}

async function sendManyNothing(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  equal(a.sendMany([]), 0, 'datagrams taken of none');
  equal(a.sendMany([{ bytes: numbered(0, 5), to: toB }]), 1, 'datagrams taken of one');
  await atB.untilCount(1);
  await h.quiet();
  equal(atA.drains, 0, 'drains although all was taken');
}

async function answersBeforeEvents(h: DatagramHarness): Promise<void> {
  const { a, b, toA, toB } = await h.pair();
  const order: string[] = [];
  h.recordDatagram(b, { receive: ({ bytes }) => void b.send({ bytes, to: toA }) });
  const atA = h.recordDatagram(a, { receive: () => order.push('receive') });
  for (let i = 1; i <= 20; i++) {
    a.send(
      { bytes: numbered(i, 8), to: toB },
      h.done(`done ${String(i)}`, () => order.push('done')),
    );
    await atA.untilCount(i);
  }
  equalList(
    order,
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'done' : 'receive')),
    'answers and the events that they cause',
  );
}

async function vanishingPeer(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.connectedPair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const last = h.sent(a, { bytes: numbered(count, 10), to: toB });
  b.abort();
  const error = await last;
  checkError(error, { name: ['SystemError', 'BrokenError'] }, 'done of what the peer left unread');
}

export const DATAGRAM_PRESSURE_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'send answers whether bufferedAmount is below the high-water mark, and drains once',
    promises: ['send.result', 'datagram.drain', 'limits.high-water', 'datagram.buffered'],
    run: resultFollowsBufferedAmount,
  },
  {
    name: 'keeps what is unsent when the reader is slow, and loses nothing (F28)',
    promises: ['pressure.bound', 'datagram.buffered', 'datagram.drain'],
    when: onUnixMessages,
    run: waitsForASlowReader,
  },
  {
    name: 'send past writeLimit takes nothing',
    promises: ['send.overflow', 'limits.overflow', 'pressure.bound'],
    when: onUnixMessages,
    run: overflow,
  },
  {
    name: 'counts what waits in bytes and in messages',
    promises: ['datagram.buffered', 'datagram.drain'],
    when: onUnixMessages,
    run: countsEachMessage,
  },
  {
    name: 'send of nothing is bounded as any other (F23, F28)',
    promises: ['datagram.buffered', 'send.result', 'send.overflow', 'pressure.bound'],
    when: onUnixMessages,
    run: emptyAreBounded,
  },
  {
    name: 'sendMany of empty datagrams stops at the high-water mark (F23)',
    promises: ['send.many', 'datagram.buffered', 'pressure.bound'],
    when: onUnixMessages,
    run: sendManyOfEmptyStopsAtTheMark,
  },
  {
    name: 'paused delays no other',
    promises: ['pressure.fair'],
    when: onUnixMessages,
    run: pausedDelaysNoOther,
  },
  {
    name: 'paused still hears the answers to its sends',
    promises: ['datagram.pause-sends'],
    when: onUnixMessages,
    run: pausedSenderHearsAnswers,
  },
  {
    name: 'sendMany sends 45 datagrams of one size (F26)',
    promises: ['send.many', 'send.order'],
    run: (h) => sendManyAll(h, () => 200),
  },
  {
    name: 'sendMany sends 45 datagrams of many sizes, also with a short last one (F26, F29)',
    promises: ['send.many', 'send.order'],
    run: (h) => sendManyAll(h, (i) => (i < 20 ? 400 : i === 20 ? 100 : 2 + ((i * 37) % 500))),
  },
  {
    name: 'sendMany stops at the high-water mark, and what it took arrives',
    promises: ['send.many', 'datagram.drain', 'pressure.bound'],
    when: onUnixMessages,
    run: sendManyStopsAtTheMark,
  },
  {
    name: 'sendMany takes a thousand at once, and tells the truth of them',
    promises: ['send.many', 'datagram.whole', 'datagram.drops'],
    run: thousandAtOnce,
  },
  { name: 'sendMany of nothing takes nothing', promises: ['send.many'], run: sendManyNothing },
  {
    name: 'tells done before the echo of what was sent',
    promises: ['order.answer', 'send.done'],
    run: answersBeforeEvents,
  },
  {
    name: 'tells pending sends when the peer vanishes (F28)',
    promises: ['send.done', 'once'],
    when: onUnixMessages,
    run: vanishingPeer,
  },
];
