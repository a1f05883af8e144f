/** Cases of `streamSuite`: callbacks come later, once, in order, and may do anything to the stream. */
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import type { StreamHooks } from './stream-recorder.ts';
import { check, checkError, equal, equalList, SuiteFailure } from './suite.ts';

type Ending = (stream: Stream) => void;
/** Where inside the life of a stream it is ended. */
type Place = 'data' | 'end' | 'drain' | 'done' | 'close';

/**
 * Ends stream `b` inside one of its callbacks, with bytes of it unsent and bytes for it unread, and checks that all
 * settles. The checks of once, order and silence are those of the scope.
 */
async function endInside(h: StreamHarness, place: Place, ending: Ending): Promise<void> {
  const { a, b } = await h.pair({ highWaterMark: 1000 });
  let ended = 0;
  const end = (): void => {
    ended += 1;
    ending(b);
  };
  const hooks: StreamHooks = place === 'done' ? {} : { [place]: end };
  const atA = h.record(a);
  const atB = h.record(b, hooks);
  for (let i = 0; i < 3; i++)
    b.write(
      patternBytes(700, i * 700),
      h.done(`done ${String(i)}`, place === 'done' && i === 0 ? end : undefined),
    );
  a.write(patternBytes(3000), h.done('unread'));
  if (place === 'end') a.closeWrite();
  if (place === 'close') await b.close();
  if (place === 'drain') await forceDrain(h, b, () => ended > 0);
  await atB.untilClose();
  check(ended > 0, `${place} was never called`);
  await atA.until(() => atA.isEnded || atA.isClosed, 'the end');
  await h.quiet();
}

/** Writes until `write` has answered `false`, for providers that send at once what they can. */
async function forceDrain(h: StreamHarness, stream: Stream, isDrained: () => boolean): Promise<void> {
  for (let i = 0; i < 5000 && !isDrained(); i++) {
    if (!stream.write(patternBytes(4096), h.done(`filler ${String(i)}`))) return;
    if (i % 16 === 15) await h.quiet();
  }
}

async function startInsideClose(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const seen: unknown[] = [];
  const unused = h.recorder();
  const attempts: (() => unknown)[] = [
    () => {
      b.start(unused);
    },
    () => b.write(patternBytes(1), h.calls.never('done of a write inside close')),
    () => {
      b.closeWrite();
    },
  ];
  const atB = h.record(b, {
    close: () => {
      for (const attempt of attempts) {
        try {
          seen.push(attempt());
        } catch (error) {
          seen.push(error);
        }
      }
    },
  });
  await b.close();
  await atB.untilClose();
  for (const error of seen) checkError(error, { name: 'ClosedError' }, 'call inside close');
  equal(seen.length, attempts.length, 'calls inside close');
}

async function doneBeforeEcho(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const order: string[] = [];
  h.record(b, { data: (chunk) => void b.write(chunk) });
  const atA = h.record(a, { data: () => order.push('data') });
  for (let i = 1; i <= 20; i++) {
    a.write(
      patternBytes(1, i - 1),
      h.done(`done ${String(i)}`, () => order.push('done')),
    );
    await atA.untilBytes(i);
  }
  equalList(
    order,
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'done' : 'data')),
    'answers and the events that they cause',
  );
}

async function callsAreNeverAnsweredInside(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  a.write(patternBytes(10), h.done('a'));
  a.closeWrite();
  await h.quiet();
  // Everything that `start` and `resume` could tell is there before they are called; the scope watches the calls.
  const atB = h.record(b);
  b.pause();
  b.resume();
  await atB.untilEnd();
  b.write(patternBytes(10), h.done('b'));
  b.closeWrite();
  await atA.untilClose();
}

async function doneOfBrokenIsLater(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  b.pause();
  const atB = h.record(b);
  a.abort();
  await h.quiet();
  let last: unknown = null;
  for (let i = 0; i < 100 && last === null; i++) {
    try {
      last = await h.written(b, patternBytes(1));
    } catch (error) {
      last = error;
    }
  }
  checkError(last, { name: 'BrokenError' }, 'write after a reset');
  b.resume();
  checkError(await atB.untilClose(), { name: 'BrokenError' }, 'close');
}

async function throwInside(h: StreamHarness, place: Place): Promise<void> {
  const { captureUncaught } = h.options;
  if (captureUncaught === undefined) throw new SuiteFailure('this case needs captureUncaught');
  const { a, b } = await h.pair({ highWaterMark: 1000 });
  const other = await h.pair();
  const capture = captureUncaught();
  try {
    const mistake = new Error(`thrown inside ${place}`);
    let isThrown = false;
    const fail = (): void => {
      if (isThrown) return;
      isThrown = true;
      throw mistake;
    };
    h.record(a);
    h.record(b, place === 'done' ? {} : { [place]: fail });
    h.record(other.a);
    const beside = h.record(other.b);
    b.write(patternBytes(2000), h.done('done', place === 'done' ? fail : undefined));
    a.write(patternBytes(10), h.done('data'));
    other.a.write(patternBytes(10), h.done('beside'));
    if (place === 'end') a.closeWrite();
    if (place === 'close') void b.close();
    if (place === 'drain') await forceDrain(h, b, () => isThrown);
    equal(await capture.next(), mistake, 'what was reported as uncaught');
    other.a.write(patternBytes(500, 10), h.done('beside again'));
    await beside.untilBytes(510);
    beside.checkPattern(510);
  } finally {
    capture.stop();
  }
}

const close: Ending = (stream) => void stream.close();
const abort: Ending = (stream) => {
  stream.abort();
};
const PLACES: readonly Place[] = ['data', 'end', 'drain', 'done', 'close'];

export const CALLBACK_CASES: readonly CaseRow<StreamHarness>[] = [
  ...PLACES.map((place): CaseRow<StreamHarness> => ({
    name: `close inside ${place} settles everything once`,
    promises: ['once', 'closed.silent'],
    run: (h) => endInside(h, place, close),
  })),
  ...PLACES.map((place): CaseRow<StreamHarness> => ({
    name: `abort inside ${place} settles everything once`,
    promises: ['once', 'closed.silent'],
    run: (h) => endInside(h, place, abort),
  })),
  { name: 'other calls inside close throw ClosedError', promises: ['closed.calls'], run: startInsideClose },
  {
    name: 'tells done before the echo of what was written',
    promises: ['order.answer', 'write.done'],
    run: doneBeforeEcho,
  },
  {
    name: 'calls back after start, resume and write have returned',
    promises: ['order.later', 'write.done'],
    run: callsAreNeverAnsweredInside,
  },
  {
    name: 'tells the done of a broken stream later, or throws',
    promises: ['order.later', 'write.broken'],
    when: onTcp,
    run: doneOfBrokenIsLater,
  },
  ...PLACES.map((place): CaseRow<StreamHarness> => ({
    name: `an exception inside ${place} is uncaught and hurts no other`,
    promises: ['sink.throw'],
    when: (about) => about.options.captureUncaught !== undefined,
    run: (h) => throwInside(h, place),
  })),
];
