/** Cases of `datagramSuite`: sockets of sequenced packets, and the listeners that accept them. */
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  numbered,
  numberOf,
  onPackets,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { ManualSignal } from './manual-signal.ts';
import { check, equal, equalList, rejects, settle, SuiteFailure, throws } from './suite.ts';

async function addresses(h: DatagramHarness): Promise<void> {
  const { listener, atListener } = await h.servePackets();
  equal(listener.transport, 'unix', 'transport of the listener');
  const a = await h.connectPackets(listener);
  const b = await atListener.stream();
  for (const socket of [a, b]) {
    equal(socket.type, 'seqpacket', 'type');
    equal(socket.transport, 'unix', 'transport');
  }
  equal(JSON.stringify(a.remote), JSON.stringify(listener.local), 'remote of the one that connected');
  equal(JSON.stringify(b.local), JSON.stringify(listener.local), 'local of the one that was accepted');
  equal(JSON.stringify(b.remote), JSON.stringify({ family: 'unix', path: '' }), 'remote without a name');
  const [shown] = [...h.provider.sockets()].filter(({ id }) => id === listener.id);
  equal(shown?.kind, 'listener', 'kind of the listener');
}

async function waitsInTheBacklog(h: DatagramHarness): Promise<void> {
  const listener = await h.listenPackets();
  const clients = [await h.connectPackets(listener), await h.connectPackets(listener)];
  for (const [i, client] of clients.entries()) {
    h.recordDatagram(client);
    await h.mustSend(client, { bytes: numbered(i, 10) });
  }
  await h.quiet();
  const atListener = h.recordListener<Datagram>(listener);
  for (const i of clients.keys()) {
    const accepted = await atListener.stream(i);
    equal(accepted.received, 0, 'received before start');
    equal(numberOf((await h.recordDatagram(accepted).datagram()).bytes), i, 'order of the backlog');
  }
}

async function pausedListener(h: DatagramHarness): Promise<void> {
  const { listener, atListener } = await h.servePackets();
  listener.pause();
  equal(listener.isPaused, true, 'isPaused');
  await h.connectPackets(listener);
  await h.quiet();
  equal(atListener.streams.length, 0, 'accepted while paused');
  listener.resume();
  await atListener.stream();
}

async function closedListener(h: DatagramHarness): Promise<void> {
  const { listener, atListener } = await h.servePackets();
  const { local } = listener;
  const path = local.family === 'unix' ? String(local.path) : '';
  const a = await h.connectPackets(listener);
  const b = await atListener.stream();
  await listener.close();
  equal(await atListener.untilClose(), null, 'close');
  equal(await h.files.exists(path), false, 'the file when the listener is closed');
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  await h.mustSend(a, { bytes: numbered(1, 10) }, 'done after the listener was closed');
  await atB.untilCount(1);
  const shape = { name: 'SystemError', code: ['ENOENT', 'ECONNREFUSED'] };
  await rejects(() => h.provider.bind({ type: 'seqpacket', remotePath: path }), shape, 'bind');
  throws(
    () => {
      listener.pause();
    },
    { name: 'ClosedError' },
    'pause of a closed listener',
  );
}

async function neverAccepted(h: DatagramHarness): Promise<void> {
  const listener = await h.listenPackets();
  const a = await h.connectPackets(listener);
  const atA = h.recordDatagram(a);
  await listener.close();
  await atA.untilClose();
  check(a.received === 0, 'a datagram from nobody');
}

async function allBeforeTheEnd(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.recordDatagram(a);
  b.pause();
  const atB = h.recordDatagram(b);
  for (let i = 0; i < 8; i++) await h.mustSend(a, { bytes: numbered(i, 100) });
  await a.close();
  await h.quiet();
  check(!atB.isClosed, 'closed while paused although datagrams wait');
  b.resume();
  equal(await atB.untilClose(), null, 'close');
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [0, 1, 2, 3, 4, 5, 6, 7],
    'datagrams before the end',
  );
  equalList(atB.log, ['receive', 'close'], 'events');
}

async function emptyIsNotTheEnd(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  await h.mustSend(a, { bytes: new Uint8Array(0) });
  await h.mustSend(a, { bytes: numbered(1, 5) });
  await h.mustSend(a, { bytes: new Uint8Array(0) });
  await a.close();
  equal(await atB.untilClose(), null, 'close');
  equalList(
    atB.datagrams.map(({ length }) => length),
    [0, 5, 0],
    'lengths',
  );
}

async function noListener(h: DatagramHarness): Promise<void> {
  await h.quiet();
  const before = await h.options.resources?.();
  const remotePath = h.files.fresh();
  const shape = { name: 'SystemError', code: 'ENOENT' };
  await rejects(() => h.provider.bind({ type: 'seqpacket', remotePath }), shape, 'bind to no path');
  await h.files.makeStaleSocket(remotePath);
  const stale = { name: 'SystemError', code: ['ECONNREFUSED', 'EPROTOTYPE'] };
  await rejects(() => h.provider.bind({ type: 'seqpacket', remotePath }), stale, 'bind to a stale path');
  equal(await h.options.resources?.(), before, 'descriptors left open');
}

async function listenerOfStreams(h: DatagramHarness): Promise<void> {
  const path = h.files.fresh();
  const listener = h.watch(await h.provider.listen({ path }));
  const shape = { name: 'SystemError', code: 'EPROTOTYPE' };
  await rejects(() => h.provider.bind({ type: 'seqpacket', remotePath: path }), shape, 'bind');
  await listener.close();
}

async function fullBacklog(h: DatagramHarness): Promise<void> {
  const listener = await h.listenPackets({ backlog: 1 });
  const signal = new ManualSignal();
  const reason = new Error('enough');
  const { local } = listener;
  const remotePath = local.family === 'unix' ? local.path : '';
  for (let i = 0; ; i++) {
    if (i === 64) throw new SuiteFailure('a listener that accepts nothing took 64 connections');
    const attempt = settle(() => h.provider.bind({ type: 'seqpacket', remotePath, signal }), 'bind');
    const first = await Promise.race([attempt, h.quiet()]);
    if (first !== undefined) {
      const outcome = first;
      if (outcome.status === 'rejected') throw outcome.reason;
      h.watch(outcome.value);
      continue;
    }
    signal.abort(reason);
    const outcome = await attempt;
    equal(outcome.status === 'rejected' && outcome.reason, reason, 'reason of a bind that waited');
    return;
  }
}

export const DATAGRAM_PACKET_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'addresses of both ends agree',
    promises: ['provider.packets', 'socket.local', 'provider.sockets'],
    when: onPackets,
    run: addresses,
  },
  {
    name: 'connections wait in the backlog, and what they sent too',
    promises: ['listen.waits', 'accept.stream'],
    when: onPackets,
    run: waitsInTheBacklog,
  },
  {
    name: 'a paused listener accepts nothing',
    promises: ['accept.pause'],
    when: onPackets,
    run: pausedListener,
  },
  {
    name: 'a closed listener leaves what it accepted, and no file',
    promises: ['accept.close', 'closed.calls'],
    when: onPackets,
    run: closedListener,
  },
  {
    name: 'a closed listener ends what it did not accept',
    promises: ['accept.close', 'once'],
    when: onPackets,
    run: neverAccepted,
  },
  {
    name: 'delivers all that came before the end',
    promises: ['order.bytes', 'datagram.close'],
    when: onPackets,
    run: allBeforeTheEnd,
  },
  {
    name: 'an empty packet is not the end (F23)',
    promises: ['datagram.empty', 'datagram.close'],
    when: onPackets,
    run: emptyIsNotTheEnd,
  },
  {
    name: 'bind to a path where nobody listens leaves nothing',
    promises: ['failure.clean'],
    when: onPackets,
    run: noListener,
  },
  {
    name: 'bind to a listener of streams is EPROTOTYPE',
    promises: ['failure.clean', 'provider.packets'],
    needs: ['unix'],
    when: onPackets,
    run: listenerOfStreams,
  },
  {
    name: 'bind waits for a full backlog until its signal aborts',
    promises: ['listen.backlog', 'deadline.signal'],
    when: onPackets,
    run: fullBacklog,
  },
];
