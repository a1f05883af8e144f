/** Cases of `streamSuite`: what is unsent is counted, told, and bounded. */
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { deferred } from './deferred.ts';
import { check, checkError, equal, throws } from './suite.ts';

async function slowReader(h: StreamHarness): Promise<void> {
  const highWaterMark = 32 * 1024;
  const { a, b } = await h.pair({ isSmall: true, highWaterMark });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  const written = await h.clog(a, writer, 4096);
  check(
    a.bufferedAmount >= 0 && a.bufferedAmount < highWaterMark + 4096,
    `${String(a.bufferedAmount)} bytes wait although false was heeded`,
  );
  const before = a.bufferedAmount;
  await h.quiet();
  check(a.bufferedAmount <= before, 'bufferedAmount grows by itself');
  equal(reader.received, 0, 'bytes read while paused');
  b.resume();
  await reader.untilBytes(written);
  reader.checkPattern(written);
}

async function drainOncePerPeriod(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true, highWaterMark: 8192 });
  const writer = h.record(a, {
    drain: () => {
      if (a.bufferedAmount !== 0) h.complain(`drain with ${String(a.bufferedAmount)} bytes unsent`);
    },
  });
  const reader = h.record(b);
  let sent = 0;
  for (let period = 1; period <= h.size(40, 5); period++) {
    let isBelow = true;
    while (isBelow) {
      isBelow = a.write(patternBytes(1000, sent), h.done(`done at ${String(sent)}`));
      sent += 1000;
      check(sent < 1e7, 'write never answers false');
    }
    // More writes within the same period do not make more drains.
    const result = a.write(patternBytes(500, sent), h.done(`done at ${String(sent)}`));
    equal(result, a.bufferedAmount < 8192, 'what write answered');
    sent += 500;
    await writer.until(() => writer.drains >= period, `drain ${String(period)}`);
    equal(writer.drains, period, 'drains');
  }
  const periods = writer.drains;
  await reader.untilBytes(sent);
  reader.checkPattern(sent);
  await h.quiet();
  equal(writer.drains, periods, 'drains when nothing was written since');
}

async function noDrainWithoutFalse(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const writer = h.record(a);
  const reader = h.record(b);
  for (let i = 0; i < 10; i++) {
    equal(
      a.write(patternBytes(10, i * 10), h.done(`done ${String(i)}`)),
      true,
      'write far below the high-water mark',
    );
  }
  await reader.untilBytes(100);
  await h.quiet();
  equal(writer.drains, 0, 'drains although no write answered false');
}

async function resultFollowsBufferedAmount(h: StreamHarness): Promise<void> {
  const highWaterMark = 5000;
  const { a, b } = await h.pair({ isSmall: true, highWaterMark });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  let sent = await h.clog(a, writer, 1000);
  for (const size of [1, 1000, 0, 4999]) {
    const before = a.bufferedAmount;
    const result = a.write(patternBytes(size, sent), h.done(`done of ${String(size)}`));
    sent += size;
    equal(result, a.bufferedAmount < highWaterMark, 'what write answered');
    check(a.bufferedAmount <= before + size, 'bufferedAmount grew by more than was written');
  }
  b.resume();
  await reader.untilBytes(sent);
  await writer.until(() => a.bufferedAmount === 0, 'bufferedAmount 0');
  reader.checkPattern(sent);
}

async function overflow(h: StreamHarness): Promise<void> {
  const writeLimit = 20_000;
  const { a, b } = await h.pair({ isSmall: true, highWaterMark: 4096, writeLimit });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  let sent = await h.clog(a, writer, 4096);
  // One that is taken whole, however long it is.
  equal(a.write(patternBytes(writeLimit + 1, sent), h.done('done of the long write')), false, 'write');
  sent += writeLimit + 1;
  check(a.bufferedAmount > writeLimit, `${String(a.bufferedAmount)} bytes wait`);
  const before = a.bufferedAmount;
  const error = throws(
    () => a.write(patternBytes(1), h.calls.never('done of the refused write')),
    { name: 'OverflowError', code: 'ERR_SOCKET_OVERFLOW' },
    'write past writeLimit',
  );
  equal((error as { limit?: unknown }).limit, writeLimit, 'limit of the error');
  check(a.bufferedAmount <= before, 'something of the refused write was taken');
  b.resume();
  await reader.untilBytes(sent);
  reader.checkPattern(sent);
  await writer.until(() => a.bufferedAmount === 0, 'bufferedAmount 0');
  a.write(patternBytes(10, sent), h.done('done after the overflow'));
  await reader.untilBytes(sent + 10);
  reader.checkPattern(sent + 10);
}

/** What a write costs is not only its bytes: a `done` is kept as long as it waits. */
async function emptyWritesAreBounded(h: StreamHarness): Promise<void> {
  const writeLimit = 20_000;
  const { a, b } = await h.pair({ isSmall: true, highWaterMark: 4096, writeLimit });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  const sent = await h.clog(a, writer, 4096);
  let taken = 0;
  let refused: unknown;
  while (refused === undefined && taken * MESSAGE_OVERHEAD <= writeLimit) {
    let isTaken = false;
    const done = h.calls.exactly(
      `done of empty write ${String(taken)}`,
      () => (isTaken ? 1 : 0),
      () => undefined,
    );
    try {
      a.write(new Uint8Array(0), done);
      isTaken = true;
      taken += 1;
    } catch (error) {
      refused = error;
    }
  }
  if (refused === undefined) {
    const done = h.calls.never('done of an empty write past the limit');
    throws(
      () => a.write(new Uint8Array(0), done),
      { name: 'OverflowError' },
      'an empty write past the limit',
    );
  } else checkError(refused, { name: 'OverflowError', code: 'ERR_SOCKET_OVERFLOW' }, 'an empty write');
  b.resume();
  await reader.untilBytes(sent);
  reader.checkPattern(sent);
  await writer.until(() => a.bufferedAmount === 0, 'bufferedAmount 0');
}

async function pausedDelaysNoOther(h: StreamHarness): Promise<void> {
  const slow = await h.pair({ isSmall: true });
  const fast = await h.pair();
  const writer = h.record(slow.a);
  slow.b.pause();
  const reader = h.record(slow.b);
  const stuck = await h.clog(slow.a, writer);
  h.record(fast.a);
  const quick = h.record(fast.b);
  const total = h.size(200_000);
  fast.a.write(patternBytes(total), h.done('done of the other stream'));
  await quick.untilBytes(total);
  quick.checkPattern(total);
  equal(reader.received, 0, 'bytes read by the paused stream');
  slow.b.resume();
  await reader.untilBytes(stuck);
}

async function pausedWriterHearsAnswers(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true, highWaterMark: 4096 });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  const sent = await h.clog(a, writer, 4096);
  a.pause();
  const last = deferred<unknown>();
  a.write(patternBytes(10, sent), h.done('last', last.resolve));
  const drains = writer.drains;
  b.resume();
  equal(await last.promise, null, 'done on a stream that is paused');
  await writer.until(() => writer.drains > drains, 'drain on a stream that is paused');
  await reader.untilBytes(sent + 10);
}

async function doneBeforeDrain(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ highWaterMark: 1000 });
  const order: string[] = [];
  const writer = h.record(a, { drain: () => order.push('drain') });
  const reader = h.record(b);
  let sent = 0;
  for (let i = 0; i < 2000; i++) {
    sent += 2000;
    if (
      !a.write(
        patternBytes(2000, sent - 2000),
        h.done('done', () => order.push('done')),
      )
    )
      break;
  }
  await reader.untilBytes(sent);
  if (a.bufferedAmount > 0 || writer.drains === 0) await h.quiet();
  if (writer.drains > 0)
    check(
      order.indexOf('drain') === order.lastIndexOf('done') + 1,
      `drain came before the last done: ${order.join(' ')}`,
    );
}

async function brokenWhileClogged(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const writer = h.record(a);
  b.pause();
  h.record(b);
  await h.clog(a, writer);
  const last = deferred<unknown>();
  a.write(patternBytes(10), h.done('last', last.resolve));
  b.abort();
  checkError(await last.promise, { name: 'BrokenError' }, 'done of a write that never reached the kernel');
  checkError(await writer.untilClose(), { name: 'BrokenError' }, 'close of the writer');
}

export const PRESSURE_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'keeps what is unsent bounded when the reader is slow',
    promises: ['pressure.bound', 'write.buffered'],
    run: slowReader,
  },
  {
    name: 'drains exactly once for each period of false',
    promises: ['sink.drain', 'limits.high-water', 'write.result'],
    run: drainOncePerPeriod,
  },
  { name: 'does not drain when no write answered false', promises: ['sink.drain'], run: noDrainWithoutFalse },
  {
    name: 'write answers whether bufferedAmount is below the high-water mark',
    promises: ['write.result', 'write.buffered', 'limits.high-water'],
    run: resultFollowsBufferedAmount,
  },
  {
    name: 'write past writeLimit takes nothing',
    promises: ['write.overflow', 'limits.overflow', 'pressure.bound'],
    run: overflow,
  },
  {
    name: 'empty writes with a done are bounded by writeLimit',
    promises: ['limits.waiting', 'pressure.bound'],
    run: emptyWritesAreBounded,
  },
  { name: 'paused delays no other', promises: ['pressure.fair'], run: pausedDelaysNoOther },
  {
    name: 'paused still hears the answers to its writes',
    promises: ['read.pause'],
    run: pausedWriterHearsAnswers,
  },
  {
    name: 'tells each done before the drain that it causes',
    promises: ['order.answer'],
    run: doneBeforeDrain,
  },
  {
    name: 'tells pending writes when the peer breaks the connection',
    promises: ['write.done', 'once'],
    run: brokenWhileClogged,
  },
];
