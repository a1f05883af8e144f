/** Cases of `datagramSuite`: closing, aborting, and what a socket refuses afterwards. */
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onUdp,
  onUnixMessages,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { ManualSignal } from './manual-signal.ts';
import { check, checkError, equal, equalList, settle, throws } from './suite.ts';

async function closeFlushes(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  for (let i = 0; i < 20; i++) a.send({ bytes: numbered(i, 100), to: toB }, h.done(`done ${String(i)}`));
  await a.close();
  equalList(
    h.answers.map((answer) => answer.error),
    Array.from({ length: 20 }, () => null),
    'dones when close() fulfils',
  );
  equal(await atA.untilClose(), null, 'close');
  equalList(atA.log, ['close'], 'events');
  await atB.untilCount(20);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: 20 }, (_, i) => i),
    'datagrams',
  );
}

async function closeWaits(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const closing = a.close();
  equal(a.close(), closing, 'close() while it is under way');
  await h.quiet();
  check(!atA.isClosed, 'closed before what was taken was sent');
  b.resume();
  await atB.untilCount(count);
  await closing;
  equal(await atA.untilClose(), null, 'close');
}

async function closeLate(
  h: DatagramHarness,
  deadline: { timeout: number } | { signal: ManualSignal },
  fire: () => void | Promise<void>,
): Promise<unknown> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const last = h.sent(a, { bytes: numbered(count, 10), to: toB });
  const closing = settle(() => a.close(deadline), 'close with a deadline');
  await h.quiet();
  await fire();
  const outcome = await closing;
  equal(outcome.status, 'rejected', 'close() whose deadline passed');
  equal(await atA.untilClose(), null, 'close');
  checkError(await last, { name: 'ClosedError' }, 'done of what was not sent');
  return outcome.status === 'rejected' ? outcome.reason : undefined;
}

async function closeTimeout(h: DatagramHarness): Promise<void> {
  const error = await closeLate(h, { timeout: 20 }, () => h.options.clock?.advance(20));
  checkError(error, { code: 'ETIMEDOUT' }, 'close() whose time ran out');
}

async function closeSignal(h: DatagramHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('enough');
  const error = await closeLate(h, { signal }, () => {
    signal.abort(reason);
  });
  equal(error, reason, 'reason of close()');
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

async function closeInTime(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const signal = new ManualSignal();
  const atB = h.recordDatagram(b);
  a.send({ bytes: numbered(1, 10), to: toB }, h.done('done'));
  await a.close({ signal, timeout: 60_000 });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  signal.abort();
  await atB.untilCount(1);
}

async function closeWithAFailure(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const bytes = new Uint8Array(h.isUdp ? 65_536 : 16 * 1024 * 1024);
  const failed = h.sent(a, { bytes, to: toB });
  a.send({ bytes: numbered(1, 10), to: toB }, h.done('done'));
  await a.close();
  checkError(await failed, { name: 'SystemError', code: 'EMSGSIZE' }, 'done of one that is too large');
  await atB.untilCount(1);
}

async function abortDropsUnsent(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const unsent = [0, 1, 2].map((i) => h.sent(a, { bytes: numbered(count + i, 10), to: toB }));
  a.abort();
  a.abort();
  equal(await atA.untilClose(), null, 'close');
  for (const error of await Promise.all(unsent)) checkError(error, { name: 'ClosedError' }, 'done');
  equal(a.bufferedAmount, 0, 'bufferedAmount');
  await a.close();
}

async function abortWhileClosing(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const last = h.sent(a, { bytes: numbered(count, 10), to: toB });
  const closing = settle(() => a.close(), 'close');
  a.abort();
  checkError(await last, { name: 'ClosedError' }, 'done of what was not sent');
  await closing;
  equal(await atA.untilClose(), null, 'close');
}

async function closeBeforeStart(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atB = h.recordDatagram(b);
  a.send({ bytes: numbered(1, 10), to: toB }, h.done('done'));
  await a.close();
  await atB.untilCount(1);
}

async function dispose(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atB = h.recordDatagram(b);
  a.send({ bytes: numbered(1, 10), to: toB }, h.done('done'));
  await a[Symbol.asyncDispose]();
  await atB.untilCount(1);
}

type Ending = (socket: Datagram) => Promise<void>;

const closing: Ending = (socket) => socket.close();
const aborting: Ending = (socket) => {
  socket.abort();
  return Promise.resolve();
};

async function callsAfter(h: DatagramHarness, end: Ending): Promise<void> {
  const { a, b } = await h.pair();
  h.recordDatagram(a);
  h.recordDatagram(b);
  const addresses = JSON.stringify([a.local, a.remote]);
  const pending = end(a);
  checkClosedCalls(h, a);
  await pending;
  checkClosedCalls(h, a);
  equal(a.close(), a.close(), 'close() again');
  a.abort();
  a.abort();
  await a[Symbol.asyncDispose]();
  equal(JSON.stringify([a.local, a.remote]), addresses, 'addresses after the end');
  equal(a.received + a.sent + a.bytesRead + a.bytesWritten + a.drops, 0, 'counters after the end');
}

/** Each call that a closed socket must refuse. */
const REFUSED: Readonly<Record<string, (socket: Datagram, h: DatagramHarness) => unknown>> = {
  get: (socket) => socket.get('receiveBufferSize'),
  pause: (socket) => {
    socket.pause();
  },
  ref: (socket) => {
    socket.ref();
  },
  resume: (socket) => {
    socket.resume();
  },
  send: (socket, h) => {
    const to = h.transport === 'seqpacket' ? undefined : socket.local;
    return socket.send({ bytes: numbered(1, 10), to }, h.calls.never('done of a send after close'));
  },
  sendMany: (socket, h) => {
    const to = h.transport === 'seqpacket' ? undefined : socket.local;
    return socket.sendMany([{ bytes: numbered(1, 10), to }]);
  },
  set: (socket) => {
    socket.set('receiveBufferSize', 8192);
  },
  start: (socket, h) => {
    socket.start(h.datagramRecorder());
  },
  unref: (socket) => {
    socket.unref();
  },
};

function checkClosedCalls(h: DatagramHarness, socket: Datagram): void {
  for (const [name, call] of Object.entries(REFUSED))
    throws(() => call(socket, h), { name: 'ClosedError', code: 'ERR_SOCKET_CLOSED' }, name);
}

async function groupsAfterClose(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  const group = { family: 'ipv4', host: '239.255.1.2' } as const;
  await a.close();
  const shape = { name: 'ClosedError' };
  throws(
    () => {
      a.join({ group });
    },
    shape,
    'join',
  );
  throws(
    () => {
      a.leave({ group });
    },
    shape,
    'leave',
  );
}

export const DATAGRAM_CLOSE_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'close sends what was taken',
    promises: ['datagram.close-flush', 'datagram.close'],
    run: closeFlushes,
  },
  {
    name: 'close waits for a slow reader',
    promises: ['datagram.close-flush', 'closed.calls'],
    when: onUnixMessages,
    run: closeWaits,
  },
  {
    name: 'close aborts when its time runs out',
    promises: ['datagram.close-flush', 'deadline.timeout'],
    when: onUnixMessages,
    run: closeTimeout,
  },
  {
    name: 'close aborts when its signal does',
    promises: ['datagram.close-flush', 'deadline.signal'],
    when: onUnixMessages,
    run: closeSignal,
  },
  {
    name: 'close in time leaves its deadline behind',
    promises: ['datagram.close-flush', 'deadline.signal'],
    run: closeInTime,
  },
  {
    name: 'close fulfils although a datagram could not be sent',
    promises: ['datagram.close-flush', 'once'],
    run: closeWithAFailure,
  },
  {
    name: 'abort drops what is unsent and says so',
    promises: ['socket.abort', 'once'],
    when: onUnixMessages,
    run: abortDropsUnsent,
  },
  {
    name: 'abort during close settles both',
    promises: ['once', 'socket.abort'],
    when: onUnixMessages,
    run: abortWhileClosing,
  },
  { name: 'close before start', promises: ['datagram.close-flush', 'once'], run: closeBeforeStart },
  { name: 'asyncDispose closes', promises: ['datagram.close-flush'], run: dispose },
  {
    name: 'after close every other call throws ClosedError',
    promises: ['closed.calls', 'socket.local'],
    run: (h) => callsAfter(h, closing),
  },
  {
    name: 'after abort every other call throws ClosedError',
    promises: ['closed.calls', 'socket.local'],
    run: (h) => callsAfter(h, aborting),
  },
  {
    name: 'after close join and leave throw ClosedError',
    promises: ['closed.calls'],
    needs: ['multicast'],
    when: onUdp,
    run: groupsAfterClose,
  },
];
