/** Cases of `datagramSuite`: snapshots, numbers, tags, signals, and the end of the provider. */
import type { CaseRow } from './case-table.ts';
import {
  notPackets,
  numbered,
  onUnixMessages,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { ManualSignal } from './manual-signal.ts';
import { check, checkError, equal, rejects, settle, throws } from './suite.ts';

function shownOf(h: DatagramHarness, socket: { readonly id: number }): unknown[] {
  return [...h.provider.sockets()].filter(({ id }) => id === socket.id);
}

async function snapshots(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.connectedPair();
  a.tag = ['mine'];
  equal(JSON.stringify(a.tag), '["mine"]', 'tag');
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  await h.mustSend(a, { bytes: numbered(1, 123), to: toB });
  await atB.untilCount(1);
  const [shown, ...others] = [...h.provider.sockets()].filter(({ id }) => id === a.id);
  check(shown !== undefined && others.length === 0, 'an open socket must have one snapshot');
  equal(shown.kind, 'datagram', 'kind');
  equal(shown.state, 'open', 'state');
  equal(shown.transport, a.transport, 'transport');
  equal(shown.bytesWritten, 123, 'bytesWritten');
  equal(shown.bufferedAmount, 0, 'bufferedAmount');
  equal(
    JSON.stringify([shown.local, shown.remote, shown.tag]),
    JSON.stringify([a.local, a.remote, ['mine']]),
    'addresses and tag',
  );
  await a.close();
  equal(shownOf(h, a).length, 0, 'snapshots of a closed socket');
  b.abort();
  await b.close();
  equal(shownOf(h, b).length, 0, 'snapshots of an aborted socket');
}

async function idsAreNeverUsedTwice(h: DatagramHarness): Promise<void> {
  const seen = new Set<number>();
  for (let i = 0; i < h.size(20, 3); i++) {
    const { a, b } = await h.pair();
    for (const { id } of [a, b]) {
      check(Number.isSafeInteger(id) && !seen.has(id), `id ${String(id)}`);
      seen.add(id);
    }
    await Promise.all([a.close(), b.close()]);
  }
}

async function refs(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  equal(a.tag, undefined, 'tag of a new socket');
  for (const socket of [a, b]) {
    socket.unref();
    socket.unref();
    socket.ref();
  }
  await h.mustSend(a, { bytes: numbered(1, 10), to: toB });
  await atB.untilCount(1);
}

async function providerCloses(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 4096 });
  const atA = h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  const count = await h.clogWith(a, toB, atA, 1000);
  const unsent = h.sent(a, { bytes: numbered(count, 10), to: toB });
  const closing = settle(() => a.close(), 'close of a socket');
  const unstarted = await h.pair();
  await h.provider.close();
  await closing;
  checkError(await unsent, { name: 'ClosedError' }, 'done of what was not sent');
  equal(await atA.untilClose(), null, 'close of a socket that was closing');
  equal(await atB.untilClose(), null, 'close of a socket');
  throws(
    () => {
      unstarted.a.pause();
    },
    { name: 'ClosedError' },
    'pause when the provider is closed',
  );
  equal([...h.provider.sockets()].length, 0, 'snapshots when the provider is closed');
  await rejects(() => h.provider.bind(h.address()), { name: 'ClosedError' }, 'bind');
  await rejects(() => h.provider.listenPackets({ path: h.files.fresh() }), {}, 'listenPackets');
}

async function providerClosesInsideReceive(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b, { receive: () => void h.provider.close() });
  for (let i = 0; i < 5; i++) a.send({ bytes: numbered(i, 50), to: toB }, () => undefined);
  equal(await atB.untilClose(), null, 'close');
  equal(await atA.untilClose(), null, 'close of the other');
  equal(atB.datagrams.length, 1, 'datagrams told');
  await h.provider.close();
}

/** What of a socket that could not be made must not be left. */
async function leavesNothing(h: DatagramHarness, body: () => Promise<void>): Promise<void> {
  await h.quiet();
  const before = await h.options.resources?.();
  const snapshotsBefore = [...h.provider.sockets()].length;
  await body();
  equal(await h.options.resources?.(), before, 'descriptors left open');
  equal([...h.provider.sockets()].length, snapshotsBefore, 'snapshots');
}

async function abortedBefore(h: DatagramHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('enough');
  signal.abort(reason);
  await leavesNothing(h, async () => {
    const given = await rejects(() => h.provider.bind({ ...h.address(), signal }), {}, 'bind');
    equal(given, reason, 'reason');
  });
}

async function abortedMeanwhile(h: DatagramHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('enough');
  await leavesNothing(h, async () => {
    const binding = settle(() => h.provider.bind({ ...h.address(), signal }), 'bind');
    signal.abort(reason);
    const outcome = await binding;
    if (outcome.status === 'rejected') equal(outcome.reason, reason, 'reason');
    else await outcome.value.close();
    equal(signal.listenerCount, 0, 'listeners left on the signal');
  });
}

async function inTime(h: DatagramHarness): Promise<void> {
  const signal = new ManualSignal();
  const socket = await h.bind({ signal, timeout: 60_000 });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  signal.abort();
  const atSocket = h.recordDatagram(socket);
  await h.mustSend(socket, { bytes: numbered(1, 10), to: socket.local });
  await atSocket.untilCount(1);
}

async function closedInTheSameTurn(h: DatagramHarness): Promise<void> {
  const binding = settle(() => h.provider.bind(h.address()), 'bind');
  await h.provider.close();
  const outcome = await binding;
  if (outcome.status === 'rejected') checkError(outcome.reason, { name: 'ClosedError' }, 'bind');
  equal([...h.provider.sockets()].length, 0, 'snapshots when the provider is closed');
}

export const DATAGRAM_LIFE_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'sockets lists it while it is open',
    promises: ['provider.sockets', 'socket.tag', 'socket.id'],
    run: snapshots,
  },
  { name: 'ids are never used twice', promises: ['socket.id'], run: idsAreNeverUsedTwice },
  { name: 'works when it is unref’ed and ref’ed again', promises: ['socket.tag'], run: refs },
  {
    name: 'the end of the provider settles everything that is under way',
    promises: ['provider.close', 'life.end', 'once'],
    when: onUnixMessages,
    run: providerCloses,
  },
  {
    name: 'the end of the provider inside receive',
    promises: ['once', 'closed.silent', 'life.end'],
    run: providerClosesInsideReceive,
  },
  {
    name: 'bind rejects with the reason of a signal that has aborted',
    promises: ['deadline.signal', 'failure.clean'],
    when: notPackets,
    run: abortedBefore,
  },
  {
    name: 'bind leaves nothing when its signal aborts meanwhile',
    promises: ['deadline.signal', 'failure.clean'],
    when: notPackets,
    run: abortedMeanwhile,
  },
  {
    name: 'bind in time leaves its deadline behind',
    promises: ['deadline.signal', 'deadline.timeout'],
    when: notPackets,
    run: inTime,
  },
  {
    name: 'bind settles when the provider is closed in the same turn',
    promises: ['provider.close', 'once'],
    when: notPackets,
    run: closedInTheSameTurn,
  },
];
