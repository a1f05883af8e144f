/** Cases of `streamSuite`: pausing holds back data, the end and errors, and loses none of them. */
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import type { StreamRecorder } from './stream-recorder.ts';
import { check, checkError, equal, equalList } from './suite.ts';

async function pauseInsideData(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const total = h.unread(2000);
  equal(await h.written(a, patternBytes(total)), null, 'done');
  const reader = h.record(
    b,
    {
      data: () => {
        b.pause();
      },
    },
    { readSize: total / 20 },
  );
  for (let chunks = 1; reader.received < total; chunks++) {
    await reader.until(() => reader.chunks.length >= chunks, `chunk ${String(chunks)}`);
    equal(b.isPaused, true, 'isPaused after pause');
    await h.quiet();
    equal(reader.chunks.length, chunks, 'chunks although paused');
    if (chunks === 3) break;
    b.resume();
    equal(b.isPaused, false, 'isPaused after resume');
  }
  equal(b.bytesRead, reader.received, 'bytesRead');
}

async function pauseFromOutside(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  equal(await h.written(a, patternBytes(10)), null, 'done');
  await reader.untilBytes(10);
  const before = reader.chunks.length;
  b.pause();
  b.pause();
  equal(await h.written(a, patternBytes(h.unread(500), 10)), null, 'done');
  await h.quiet();
  check(reader.chunks.length <= before + 1, 'more than the chunk in hand came after pause');
  b.resume();
  b.resume();
  await reader.untilBytes(10 + h.unread(500));
  reader.checkPattern(10 + h.unread(500));
}

async function pauseBeforeStart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  b.pause();
  equal(b.isPaused, true, 'isPaused before start');
  const reader = h.record(b);
  equal(b.isPaused, true, 'isPaused after start');
  equal(await h.written(a, patternBytes(h.unread(500))), null, 'done');
  await h.quiet();
  equal(reader.received, 0, 'bytes read although paused before start');
  b.resume();
  await reader.untilBytes(h.unread(500));
  reader.checkPattern(h.unread(500));
}

async function pauseThenResumeBeforeStart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  b.pause();
  b.resume();
  equal(await h.written(a, patternBytes(50)), null, 'done');
  await h.quiet();
  equal(b.bytesRead, 0, 'bytesRead before start');
  const reader = h.record(b);
  await reader.untilBytes(50);
}

async function endWaitsForResume(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  b.pause();
  const reader = h.record(b);
  a.write(patternBytes(100), h.done('done'));
  a.closeWrite();
  await h.quiet();
  equalList(reader.log, [], 'events while paused');
  b.resume();
  await reader.untilEnd();
  equalList(reader.log, ['data', 'end'], 'events after resume');
  reader.checkPattern(100);
}

async function endAloneWaitsForResume(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  await h.quiet();
  b.pause();
  a.closeWrite();
  await h.quiet();
  equalList(reader.log, [], 'events while paused');
  b.resume();
  await reader.untilEnd();
}

async function pauseInLastChunk(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  a.write(patternBytes(100), h.done('done'));
  a.closeWrite();
  const reader = h.record(b, {
    data: () => {
      if (reader.received === 100) b.pause();
    },
  });
  await reader.untilBytes(100);
  await h.quiet();
  equalList(reader.log, ['data'], 'events while paused in the last chunk');
  b.resume();
  await reader.untilEnd();
}

/**
 * What had arrived when the peer reset the connection. That is everything that one call has written; of bytes that went in
 * a segment each, some were still on their way, and a reset takes those back.
 */
function checkArrived(h: StreamHarness, reader: StreamRecorder, written: number): void {
  const isSlow = (h.options.scale ?? 1) < 1;
  check(reader.received > 0, 'nothing was read of what had arrived before the reset');
  reader.checkPattern(isSlow ? Math.min(reader.received, written) : written);
}

async function errorWaitsForResume(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  b.pause();
  const reader = h.record(b);
  equal(await h.written(a, patternBytes(h.unread(5000))), null, 'done');
  a.abort();
  await h.quiet();
  equalList(reader.log, [], 'events while paused');
  b.resume();
  checkError(await reader.untilClose(), { name: 'BrokenError' }, 'close after resume');
  equalList(reader.log, ['data', 'close'], 'events after resume');
  checkArrived(h, reader, h.unread(5000));
}

async function errorBeforeStart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  equal(await h.written(a, patternBytes(h.unread(1000))), null, 'done');
  a.abort();
  await h.quiet();
  const reader = h.record(b);
  checkError(await reader.untilClose(), { name: 'BrokenError' }, 'close after start');
  checkArrived(h, reader, h.unread(1000));
}

async function closeWhilePaused(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const peer = h.record(a);
  b.pause();
  const reader = h.record(b);
  equal(await h.written(a, patternBytes(100)), null, 'done');
  await b.close();
  equal(await reader.untilClose(), null, 'close of a paused stream');
  equalList(reader.log, ['close'], 'events of a paused stream that was closed');
  await peer.until(() => peer.isEnded || peer.isClosed, 'the end');
}

export const PAUSE_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'pause inside data is the last of the chunks',
    promises: ['pressure.bound', 'read.pause'],
    run: pauseInsideData,
  },
  {
    name: 'pause from outside stops after at most the chunk in hand',
    promises: ['pressure.bound'],
    run: pauseFromOutside,
  },
  { name: 'pause before start holds', promises: ['read.pause-first'], run: pauseBeforeStart },
  {
    name: 'resume before start reads nothing yet',
    promises: ['read.start', 'read.pause-first'],
    run: pauseThenResumeBeforeStart,
  },
  {
    name: 'tells the end only after resume, behind the data',
    promises: ['read.resume', 'order.bytes'],
    run: endWaitsForResume,
  },
  {
    name: 'tells a bare end only after resume',
    promises: ['read.resume', 'read.pause'],
    run: endAloneWaitsForResume,
  },
  {
    name: 'pause in the last chunk holds back the end',
    promises: ['read.resume', 'read.pause'],
    run: pauseInLastChunk,
  },
  {
    name: 'tells an error only after resume, behind the data',
    promises: ['read.resume', 'failure.reset', 'order.bytes'],
    when: onTcp,
    run: errorWaitsForResume,
  },
  {
    name: 'tells an error from before start, behind the data',
    promises: ['failure.reset', 'read.start'],
    when: onTcp,
    run: errorBeforeStart,
  },
  {
    name: 'close of a paused stream is told at once',
    promises: ['sink.close', 'once'],
    run: closeWhilePaused,
  },
];
