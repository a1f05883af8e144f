/** Cases of `streamSuite`: orderly close, abort, and what the peer sees of either. */
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { deferred } from './deferred.ts';
import { ManualSignal } from './manual-signal.ts';
import { check, checkError, equal, equalList, settle, throws } from './suite.ts';

async function closeFlushes(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const atA = h.record(a);
  const atB = h.record(b);
  const total = h.size(1024 * 1024);
  a.write(patternBytes(total), h.done('done'));
  await a.close();
  equalList(
    h.answers.map((answer) => answer.error),
    [null],
    'dones when close() fulfils',
  );
  await atB.untilEnd();
  atB.checkPattern(total);
  equal(await atA.untilClose(), null, 'close');
  equalList(atA.log, ['close'], 'events of the stream that was closed');
}

async function closeWithUnreadBytes(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  b.pause();
  const atB = h.record(b);
  equal(await h.written(a, patternBytes(h.unread(1000))), null, 'done');
  await h.quiet();
  const total = h.size(400_000);
  b.write(patternBytes(total), h.done('last words'));
  const closed = b.close();
  await atA.untilEnd();
  atA.checkPattern(total);
  await closed;
  equalList(
    atB.log.filter((event) => event !== 'close'),
    [],
    'unread bytes after close()',
  );
}

async function closeBeforeStart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atB = h.record(b);
  a.write(patternBytes(10), h.done('done'));
  await a.close();
  await atB.untilEnd();
  atB.checkPattern(10);
}

/**
 * Clogs a stream with more than all buffers of the kernel could still take: TCP holds back what the peer's window has
 * little room for until a timer of its own sends it, for which no quiet moment waits (RFC 9293, 3.8.6.1).
 */
async function overfill(
  h: StreamHarness,
  from: Stream,
  recorder: { readonly drains: number },
): Promise<number> {
  const written = await h.clog(from, recorder);
  const more = h.size(512 * 1024);
  from.write(patternBytes(more, written), h.done('what no buffer has room for'));
  return written + more;
}

async function closeWhileClogged(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const atA = h.record(a);
  b.pause();
  const reader = h.record(b);
  const written = await overfill(h, a, atA);
  const closed = a.close();
  equal(a.close(), closed, 'close() while it is under way');
  await h.quiet();
  check(!atA.isClosed, 'closed before what was written was sent');
  b.resume();
  await reader.untilEnd();
  reader.checkPattern(written);
  await closed;
  equal(await atA.untilClose(), null, 'close');
}

async function closeDeadline(
  h: StreamHarness,
  deadline: { timeout: number } | { signal: ManualSignal },
  fire: () => void | Promise<void>,
): Promise<unknown> {
  const { a, b } = await h.pair({ isSmall: true });
  const atA = h.record(a);
  b.pause();
  h.record(b);
  const written = await overfill(h, a, atA);
  a.write(patternBytes(10, written), h.done('last'));
  const closing = settle(() => a.close(deadline), 'close with a deadline');
  await h.quiet();
  await fire();
  const outcome = await closing;
  equal(outcome.status, 'rejected', 'close() whose deadline passed');
  equal(await atA.untilClose(), null, 'close');
  checkError(h.answers.at(-1)?.error, { name: 'ClosedError' }, 'done of what was not sent');
  return outcome.status === 'rejected' ? outcome.reason : undefined;
}

async function closeTimeout(h: StreamHarness): Promise<void> {
  const error = await closeDeadline(h, { timeout: 20 }, () => h.options.clock?.advance(20));
  checkError(error, { code: 'ETIMEDOUT' }, 'close() whose time ran out');
}

async function closeSignal(h: StreamHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('enough');
  equal(
    await closeDeadline(h, { signal }, () => {
      signal.abort(reason);
    }),
    reason,
    'reason of close()',
  );
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

async function closeDeadlineInTime(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const signal = new ManualSignal();
  const atB = h.record(b);
  a.write(patternBytes(100), h.done('done'));
  await a.close({ signal, timeout: 60_000 });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  signal.abort();
  await atB.untilEnd();
  atB.checkPattern(100);
}

async function abortWhileClosing(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const atA = h.record(a);
  b.pause();
  h.record(b);
  await overfill(h, a, atA);
  const last = deferred<unknown>();
  a.write(patternBytes(1), h.done('last', last.resolve));
  const closing = settle(() => a.close(), 'close');
  a.abort();
  checkError(await last.promise, { name: 'ClosedError' }, 'done of what was not sent');
  await closing;
  equal(await atA.untilClose(), null, 'close');
}

async function abortDropsUnsent(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const atA = h.record(a);
  b.pause();
  h.record(b);
  await overfill(h, a, atA);
  const first = h.answers.length;
  for (let i = 0; i < 5; i++) a.write(patternBytes(10), h.done(`unsent ${String(i)}`));
  a.abort();
  a.abort();
  equal(await atA.untilClose(), null, 'close');
  await h.quiet();
  const unsent = h.answers.slice(first).filter((answer) => answer.label.startsWith('unsent'));
  equalList(
    unsent.map((answer) => answer.label),
    [0, 1, 2, 3, 4].map((i) => `unsent ${String(i)}`),
    'order of the dones',
  );
  for (const answer of unsent) checkError(answer.error, { name: 'ClosedError' }, `done of ${answer.label}`);
  equal(a.bufferedAmount, 0, 'bufferedAmount after abort');
  await a.close();
}

async function abortIsAReset(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const atB = h.record(b);
  a.abort();
  const error = await atB.untilClose();
  checkError(error, { name: 'BrokenError', code: 'ERR_SOCKET_BROKEN' }, 'close of the peer');
  checkError(error.cause, { name: 'SystemError', code: ['ECONNRESET', 'EPIPE'] }, 'cause');
  equalList(atB.log, ['close'], 'events of the peer');
}

async function abortKeepsWhatWasSent(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const atB = h.record(b);
  equal(await h.written(a, patternBytes(100)), null, 'done');
  a.abort();
  await atB.until(() => atB.isEnded || atB.isClosed, 'end or close');
  atB.checkPattern(100);
}

async function writeToThePeerThatLeft(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  h.record(b);
  await b.close();
  await atA.untilEnd();
  for (let i = 0; ; i++) {
    check(i < 10_000, 'writes to a peer that closed go on for ever');
    const outcome = await settle(() => h.written(a, patternBytes(100)), 'write');
    if (outcome.status === 'fulfilled' && outcome.value === null) continue;
    const error: unknown = outcome.status === 'rejected' ? outcome.reason : outcome.value;
    checkError(error, { name: 'BrokenError' }, 'write to a peer that is gone');
    break;
  }
  checkError(await atA.untilClose(), { name: 'BrokenError' }, 'close');
  throws(
    () => a.write(patternBytes(1), h.calls.never('done')),
    { name: ['BrokenError', 'ClosedError'] },
    'write when the connection is gone',
  );
  throws(
    () => a.write(patternBytes(1), h.calls.never('done')),
    { name: ['BrokenError', 'ClosedError'] },
    'write again',
  );
  await settle(() => a.close(), 'close() of a broken stream');
}

async function bothCloseAtOnce(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  await Promise.all([a.close(), b.close()]);
  equal(await atA.untilClose(), null, 'close');
  equal(await atB.untilClose(), null, 'close');
}

async function closeAfterBroken(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const atB = h.record(b);
  a.abort();
  checkError(await atB.untilClose(), { name: 'BrokenError' }, 'close');
  equal(b.close(), b.close(), 'close() again');
  await settle(() => b.close(), 'close() of a broken stream');
  b.abort();
}

async function dispose(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atB = h.record(b);
  a.write(patternBytes(10), h.done('done'));
  await a[Symbol.asyncDispose]();
  await atB.untilEnd();
  atB.checkPattern(10);
}

export const CLOSE_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'close sends what was written, then FIN',
    promises: ['close.flush', 'close.settles'],
    run: closeFlushes,
  },
  {
    name: 'close sends what was written although bytes are unread',
    promises: ['close.flush'],
    run: closeWithUnreadBytes,
  },
  { name: 'close before start', promises: ['close.flush', 'once'], run: closeBeforeStart },
  {
    name: 'close waits for a slow reader',
    promises: ['close.flush', 'closed.calls'],
    run: closeWhileClogged,
  },
  {
    name: 'close aborts when its time runs out',
    promises: ['close.settles', 'deadline.timeout'],
    run: closeTimeout,
  },
  {
    name: 'close aborts when its signal does',
    promises: ['close.settles', 'deadline.signal'],
    run: closeSignal,
  },
  {
    name: 'close in time leaves its deadline behind',
    promises: ['close.settles', 'deadline.signal'],
    run: closeDeadlineInTime,
  },
  { name: 'abort during close settles both', promises: ['once', 'socket.abort'], run: abortWhileClosing },
  {
    name: 'abort drops what is unsent and says so',
    promises: ['socket.abort', 'closed.calls', 'once'],
    run: abortDropsUnsent,
  },
  { name: 'abort is a reset for the peer', promises: ['socket.abort'], when: onTcp, run: abortIsAReset },
  { name: 'abort does not take back what was sent', promises: ['order.bytes'], run: abortKeepsWhatWasSent },
  {
    name: 'write to a peer that closed breaks and stays broken',
    promises: ['write.broken', 'once'],
    run: writeToThePeerThatLeft,
  },
  { name: 'closes at both ends at once', promises: ['once', 'close.settles'], run: bothCloseAtOnce },
  {
    name: 'close after a reset settles',
    promises: ['once', 'closed.calls'],
    when: onTcp,
    run: closeAfterBroken,
  },
  { name: 'asyncDispose closes', promises: ['close.flush'], run: dispose },
];
