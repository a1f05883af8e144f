/** Cases of `datagramSuite`: datagrams that cannot be sent, or do not arrive, and that this ends nothing. */
import type { SocketAddress } from '../base/address.ts';
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  numbered,
  numberOf,
  onIpv4,
  onPackets,
  onUdp,
  onUnixDatagrams,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { check, checkError, equal, equalList, type ErrorShape } from './suite.ts';

async function tooLargeByDone(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const large = h.tooLarge();
  const dones = [
    h.sent(a, { bytes: numbered(1, 10), to: toB }),
    h.sent(a, { bytes: large, to: toB }),
    h.sent(a, { bytes: numbered(2, 10), to: toB }),
  ];
  const [before, error, behind] = await Promise.all(dones);
  equal(before, null, 'done of the one before');
  checkError(error, { name: 'SystemError', code: 'EMSGSIZE' }, 'done of one that is too large');
  equal(behind, null, 'done of the one behind');
  await atB.untilCount(2);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [1, 2],
    'datagrams',
  );
  equal(a.bufferedAmount, 0, 'bufferedAmount');
  equal(a.sent, 2, 'sent');
  equal(a.bytesWritten, 20, 'bytesWritten');
  equal(atA.errors.length, 0, 'errors told to the sink although done was');
}

async function tooLargeBySink(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  a.send({ bytes: h.tooLarge(), to: toB });
  checkError(await atA.untilError(), { name: 'SystemError', code: 'EMSGSIZE' }, 'error of send');
  equal(
    a.sendMany([
      { bytes: numbered(1, 10), to: toB },
      { bytes: h.tooLarge(), to: toB },
    ]),
    2,
    'taken',
  );
  checkError(await atA.untilError(1), { name: 'SystemError', code: 'EMSGSIZE' }, 'error of sendMany');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(2);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [1, 2],
    'datagrams',
  );
  check(!atA.isClosed, 'an error that ends nothing closed the socket');
}

/** One in the middle of many fails: those before and behind it are sent once each. */
async function tooLargeAmongMany(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair({ highWaterMark: 64 * 1024 * 1024 });
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const numbers = Array.from({ length: 30 }, (_, i) => i);
  const bad: ReadonlySet<number> = new Set([0, 12, 13, 29]);
  const messages = numbers.map((i) => ({ bytes: bad.has(i) ? h.tooLarge() : numbered(i, 100), to: toB }));
  equal(a.sendMany(messages), messages.length, 'datagrams taken');
  const good = numbers.filter((i) => !bad.has(i));
  await atB.untilCount(good.length);
  await atA.untilError(bad.size - 1);
  await h.untilStill(atB);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    good,
    'datagrams',
  );
  equalList(
    atA.errors.map(({ code }) => code),
    Array.from(bad, () => 'EMSGSIZE'),
    'errors',
  );
  equal(a.sent, good.length, 'sent');
  equal(a.bufferedAmount, 0, 'bufferedAmount');
}

/** An address of the transport at which a socket was a moment ago. */
async function deserted(h: DatagramHarness): Promise<SocketAddress> {
  const gone = await h.bind();
  const { local } = gone;
  await gone.close();
  return local;
}

/** Sends to nobody, and makes sure that its answer, if there is one, has come. */
async function sendToNobody(
  h: DatagramHarness,
  socket: Datagram,
  to: SocketAddress | undefined,
): Promise<void> {
  await h.mustSend(socket, { bytes: numbered(1, 10), to }, 'done of a datagram to nobody');
  await h.quiet();
}

async function unconnectedIgnoresIcmp(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const nobody = await deserted(h);
  for (let i = 0; i < 3; i++) await sendToNobody(h, a, nobody);
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB }, 'done of the next send');
  await atB.untilCount(1);
  equal(atA.log.length, 0, 'events of the sender');
}

async function connectedIgnoresIcmp(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.connectedPair();
  const atA = h.recordDatagram(a);
  const { local } = b;
  await b.close();
  for (let i = 0; i < 3; i++) await sendToNobody(h, a, undefined);
  equalList(atA.log, [], 'events of the sender');
  const again = await h.bindTo(endpointOptions(local));
  const atAgain = h.recordDatagram(again);
  await h.mustSend(a, { bytes: numbered(5, 10) }, 'done of the next send');
  equal(numberOf((await atAgain.datagram()).bytes), 5, 'number');
  await h.mustSend(again, { bytes: numbered(6, 10), to: a.local });
  await atA.untilCount(1);
}

function endpointOptions(local: SocketAddress): { host: string; port: number } {
  const { host, port } = endpointOf({ local });
  return { host, port };
}

async function pausedIgnoresIcmp(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.connectedPair();
  a.pause();
  const atA = h.recordDatagram(a);
  await b.close();
  for (let i = 0; i < 3; i++) await sendToNobody(h, a, undefined);
  a.resume();
  await h.quiet();
  equalList(atA.log, [], 'events of the sender');
}

async function tellsIcmp(h: DatagramHarness, isConnected: boolean): Promise<void> {
  const b = await h.bind();
  const { local } = b;
  const a = isConnected ? await h.bindWithPeer(b, { icmpErrors: true }) : await h.bind({ icmpErrors: true });
  const atA = h.recordDatagram(a);
  await b.close();
  const to = isConnected ? undefined : local;
  for (let i = 0; i < 2; i++) {
    await h.mustSend(a, { bytes: numbered(1, 10), to }, 'done of a datagram to nobody');
    const error = await atA.untilError(i);
    checkError(error, { name: 'SystemError', code: 'ECONNREFUSED' }, 'error');
    equal(JSON.stringify(error.remote), JSON.stringify(local), 'whom the error tells of');
  }
  const again = await h.bindTo(endpointOptions(local));
  const atAgain = h.recordDatagram(again);
  await h.mustSend(a, { bytes: numbered(3, 10), to }, 'done of the next send');
  await atAgain.untilCount(1);
  await h.quiet();
  equalList(atA.log, ['error', 'error'], 'events');
}

async function otherFamily(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const to = { family: 'ipv6', host: '::1', port: endpointOf(b).port } as const;
  const codes = ['EAFNOSUPPORT', 'EINVAL', 'ENETUNREACH', 'EADDRNOTAVAIL'];
  const error = await h.sent(a, { bytes: numbered(1, 10), to });
  checkError(error, { name: 'SystemError', code: codes }, 'done');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(1);
}

async function toNoPath(h: DatagramHarness, to: SocketAddress, shape: ErrorShape): Promise<void> {
  const { a, b, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  checkError(await h.sent(a, { bytes: numbered(1, 10), to }), shape, 'done');
  a.send({ bytes: numbered(1, 10), to });
  checkError(await atA.untilError(), shape, 'error');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB }, 'done of the next send');
  equal(numberOf((await atB.datagram()).bytes), 2, 'number');
}

async function toAFreePath(h: DatagramHarness): Promise<void> {
  const to: SocketAddress = { family: 'unix', path: h.freshPath() };
  await toNoPath(h, to, { name: 'SystemError', code: ['ENOENT', 'ECONNREFUSED'] });
}

async function toALeftPath(h: DatagramHarness): Promise<void> {
  const path = h.files.fresh();
  await h.files.makeStaleSocket(path);
  await toNoPath(h, { family: 'unix', path }, { name: 'SystemError', code: ['ECONNREFUSED', 'EPROTOTYPE'] });
}

async function peerHasGone(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.connectedPair();
  const atA = h.recordDatagram(a);
  h.recordDatagram(b);
  await b.close();
  for (let i = 0; i < 3; i++) {
    const error = await h.sent(a, { bytes: numbered(i, 10) });
    // The system tells it once, and lets go of the peer.
    const code = i === 0 ? 'ECONNREFUSED' : ['ECONNREFUSED', 'ENOTCONN'];
    checkError(error, { name: 'SystemError', code }, 'done');
  }
  equalList(atA.log, [], 'events');
}

async function packetsToOneWhoHasGone(h: DatagramHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.recordDatagram(a);
  h.recordDatagram(b);
  await b.close();
  equal(await atA.untilClose(), null, 'close when the peer of a seqpacket has closed');
  equalList(atA.log, ['close'], 'events');
  await a.close();
}

export const DATAGRAM_ERROR_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'tells done of a datagram that is too large (F21)',
    promises: ['send.done', 'datagram.whole', 'datagram.counters'],
    run: tooLargeByDone,
  },
  {
    name: 'tells the sink of a datagram without done that is too large (F21)',
    promises: ['datagram.error', 'datagram.whole'],
    run: tooLargeBySink,
  },
  {
    name: 'tells of each of many that is too large, and sends the others once (F26)',
    promises: ['send.many', 'datagram.error', 'datagram.counters'],
    run: tooLargeAmongMany,
  },
  {
    name: 'a port that nobody has is not told, and ends nothing (F24)',
    promises: ['datagram.icmp'],
    when: onUdp,
    run: unconnectedIgnoresIcmp,
  },
  {
    name: 'a port that nobody has is not told to a connected socket, and poisons nothing (F24)',
    promises: ['datagram.icmp'],
    when: onUdp,
    run: connectedIgnoresIcmp,
  },
  {
    name: 'a port that nobody has is not told to a paused socket (F24)',
    promises: ['datagram.icmp'],
    when: onUdp,
    run: pausedIgnoresIcmp,
  },
  {
    name: 'icmpErrors tells of a port that nobody has (F24)',
    promises: ['datagram.icmp', 'bind.icmp', 'datagram.error'],
    needs: ['icmp-errors'],
    when: onUdp,
    run: (h) => tellsIcmp(h, false),
  },
  {
    name: 'icmpErrors tells a connected socket of a port that nobody has (F24)',
    promises: ['datagram.icmp', 'bind.icmp', 'datagram.error'],
    needs: ['icmp-errors'],
    when: onUdp,
    run: (h) => tellsIcmp(h, true),
  },
  {
    name: 'tells done of an address of another family',
    promises: ['send.done'],
    needs: ['ipv6'],
    when: onIpv4,
    run: otherFamily,
  },
  {
    name: 'tells of a path where nobody is, and goes on (F28)',
    promises: ['send.done', 'datagram.error'],
    when: onUnixDatagrams,
    run: toAFreePath,
  },
  {
    name: 'tells of a path that its socket has left, and goes on (F28)',
    promises: ['send.done', 'datagram.error'],
    when: ({ transport }) => transport === 'unix',
    run: toALeftPath,
  },
  {
    name: 'tells done when the peer has gone, and stays open (F28)',
    promises: ['send.done', 'datagram.error'],
    when: onUnixDatagrams,
    run: peerHasGone,
  },
  {
    name: 'closes when its peer has closed',
    promises: ['datagram.close'],
    when: onPackets,
    run: packetsToOneWhoHasGone,
  },
];
