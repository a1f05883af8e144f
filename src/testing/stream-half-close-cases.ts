/** Cases of `streamSuite`: each direction ends alone, and the stream when both have. */
import type { CaseRow } from './case-table.ts';
import { asciiBytes, patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { check, equal, equalList, throws } from './suite.ts';

async function answerAfterPeersFin(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  a.write(asciiBytes('question'), h.done('question'));
  a.closeWrite();
  await atB.untilEnd();
  equal(atB.text(), 'question', 'what came before the end');
  equalList(atB.log, ['data', 'end'], 'events of the peer');
  const total = h.size(300_000);
  b.write(patternBytes(total), h.done('answer'));
  await atA.untilBytes(total);
  check(!atA.isEnded && !atA.isClosed, 'one half ended, and the other with it');
  b.closeWrite();
  equal(await atA.untilClose(), null, 'close when both have ended');
  equal(await atB.untilClose(), null, 'close when both have ended');
  atA.checkPattern(total);
  equalList(
    atA.log.filter((event) => event !== 'drain'),
    ['data', 'end', 'close'],
    'events',
  );
  equalList(
    atB.log.filter((event) => event !== 'drain'),
    ['data', 'end', 'close'],
    'events of the peer',
  );
}

async function bothAtOnce(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  a.write(patternBytes(5000), h.done('a'));
  b.write(patternBytes(6000), h.done('b'));
  a.closeWrite();
  b.closeWrite();
  equal(await atA.untilClose(), null, 'close');
  equal(await atB.untilClose(), null, 'close');
  atA.checkPattern(6000);
  atB.checkPattern(5000);
  equalList(atA.log, ['data', 'end', 'close'], 'events');
  equalList(atB.log, ['data', 'end', 'close'], 'events of the peer');
}

async function twice(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  a.closeWrite();
  a.closeWrite();
  throws(
    () => a.write(patternBytes(1), h.calls.never('done of a write after closeWrite')),
    { name: 'ClosedError' },
    'write after closeWrite',
  );
  throws(
    () => a.write(new Uint8Array(0), h.calls.never('done of an empty write')),
    { name: 'ClosedError' },
    'empty write after closeWrite',
  );
  await atB.untilEnd();
  a.closeWrite();
  await h.quiet();
  equalList(atB.log, ['end'], 'events of the peer');
  b.closeWrite();
  equal(await atA.untilClose(), null, 'close');
}

async function finBehindBigWrite(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  h.record(a);
  b.pause();
  const reader = h.record(b);
  const total = h.size(1024 * 1024);
  const done = h.written(a, patternBytes(total));
  a.closeWrite();
  await h.quiet();
  b.resume();
  await reader.untilEnd();
  reader.checkPattern(total);
  equal(await done, null, 'done of what was written before closeWrite');
}

async function closeWriteInsideData(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  const atB = h.record(b, {
    data: (chunk) => {
      b.write(chunk, h.done('echo'));
      if (atB.received === 100) b.closeWrite();
    },
  });
  a.write(patternBytes(100), h.done('one'));
  await atA.untilEnd();
  atA.checkPattern(100);
  a.closeWrite();
  equal(await atB.untilClose(), null, 'close');
  equal(await atA.untilClose(), null, 'close');
}

async function closeWriteInsideEnd(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  const atB = h.record(b, {
    end: () => {
      b.write(asciiBytes('last'), h.done('last'));
      b.closeWrite();
    },
  });
  a.closeWrite();
  equal(await atA.untilClose(), null, 'close');
  equal(await atB.untilClose(), null, 'close');
  equal(atA.text(), 'last', 'what was written in end');
}

async function closedByItself(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  a.closeWrite();
  b.closeWrite();
  await Promise.all([atA.untilClose(), atB.untilClose()]);
  const again = a.close();
  equal(a.close(), again, 'close() a second time');
  await again;
  a.abort();
  throws(
    () => a.write(patternBytes(1), h.calls.never('done')),
    { name: 'ClosedError' },
    'write after the stream closed itself',
  );
  await h.quiet();
}

async function neverReadDoesNotClose(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  b.pause();
  const atB = h.record(b);
  a.write(patternBytes(10), h.done('done'));
  a.closeWrite();
  b.closeWrite();
  await atA.untilEnd();
  await h.quiet();
  equalList(atB.log, [], 'events of a stream that has not read its end yet');
  b.resume();
  equal(await atB.untilClose(), null, 'close');
  atB.checkPattern(10);
  equalList(atB.log, ['data', 'end', 'close'], 'events');
}

export const HALF_CLOSE_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'answers after the peer has ended its half',
    promises: ['half.alone', 'half.both', 'order.bytes', 'sink.end'],
    run: answerAfterPeersFin,
  },
  { name: 'ends both halves at once', promises: ['half.both', 'sink.close'], run: bothAtOnce },
  { name: 'closeWrite again does nothing, and write throws', promises: ['close.write'], run: twice },
  {
    name: 'closeWrite sends its FIN behind all that was written',
    promises: ['close.write', 'half.alone'],
    run: finBehindBigWrite,
  },
  { name: 'closeWrite inside data', promises: ['half.alone', 'once'], run: closeWriteInsideData },
  { name: 'closeWrite inside end', promises: ['half.both', 'once'], run: closeWriteInsideEnd },
  { name: 'closes itself when both halves have ended', promises: ['half.both', 'once'], run: closedByItself },
  {
    name: 'does not close itself before the end was read',
    promises: ['half.both', 'order.bytes'],
    run: neverReadDoesNotClose,
  },
];
