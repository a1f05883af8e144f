/** Cases of `datagramSuite`: what is sent arrives whole and in order, and is counted. */
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  notPackets,
  numbered,
  numberOf,
  onUdp,
  type DatagramHarness,
  type DatagramPair,
  type DatagramSetting,
} from './datagram-harness.ts';
import { patternBytes, patternMismatch } from './pattern.ts';
import { check, checkError, equal, equalList } from './suite.ts';

async function inOrder(h: DatagramHarness, pair: DatagramPair): Promise<void> {
  const { a, b, toB } = pair;
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const sizes = [2, 3, 100, 1472, 1473, 9000, 2, 4096, 8, 1400];
  let bytes = 0;
  for (const [number, size] of sizes.entries()) {
    a.send({ bytes: numbered(number, size), to: toB }, h.done(`done ${String(number)}`));
    bytes += size;
  }
  await atB.untilCount(sizes.length);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [...sizes.keys()],
    'datagrams received',
  );
  equalList(
    atB.datagrams.map((each) => each.length),
    sizes,
    'their lengths',
  );
  equal(b.received, sizes.length, 'received');
  equal(b.bytesRead, bytes, 'bytesRead');
  await h.quiet();
  equal(a.sent, sizes.length, 'sent');
  equal(a.bytesWritten, bytes, 'bytesWritten');
  equal(a.bufferedAmount, 0, 'bufferedAmount when all is sent');
  equal(b.drops, 0, 'drops');
  equalList(
    h.answers.map((answer) => answer.error),
    sizes.map(() => null),
    'dones',
  );
}

async function bothWays(h: DatagramHarness): Promise<void> {
  const { a, b, toA, toB } = await h.pair();
  const atA = h.recordDatagram(a);
  const atB = h.recordDatagram(b, {
    receive: ({ bytes }) => {
      b.send({ bytes, to: toA }, h.done('echo'));
    },
  });
  const rounds = h.size(200, 10);
  for (let i = 0; i < rounds; i++) {
    a.send({ bytes: numbered(i, 64), to: toB }, h.done(`done ${String(i)}`));
    await atA.untilCount(i + 1);
  }
  equalList(
    atA.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: rounds }, (_, i) => i),
    'echoes',
  );
  equal(atB.datagrams.length, rounds, 'datagrams that were echoed');
}

async function answersTheSender(h: DatagramHarness): Promise<void> {
  const server = await h.bind();
  const atServer = h.recordDatagram(server, {
    receive: ({ bytes, remote }) => {
      server.send({ bytes, to: remote }, h.done('answer'));
    },
  });
  const clients = [await h.bind(), await h.bind(), await h.bindWithPeer(server)];
  for (const [number, client] of clients.entries()) {
    const atClient = h.recordDatagram(client);
    const to = client.remote === undefined ? server.local : undefined;
    await h.mustSend(client, { bytes: numbered(number, 20), to });
    equal(numberOf((await atClient.datagram()).bytes), number, 'number of the answer');
    const { remote } = atClient.datagrams[0] ?? {};
    equal(JSON.stringify(remote), JSON.stringify(server.local), 'sender of the answer');
    const from = atServer.datagrams[number]?.remote;
    equal(JSON.stringify(from), JSON.stringify(client.local), 'sender of the question');
  }
}

async function empty(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  for (const size of [0, 5, 0, 0, 2]) {
    a.send({ bytes: patternBytes(size), to: toB }, h.done(`done of ${String(size)}`));
  }
  await atB.untilCount(5);
  equalList(
    atB.datagrams.map((each) => each.bytes.length),
    [0, 5, 0, 0, 2],
    'sizes',
  );
  check(!atB.isClosed, 'an empty datagram was taken for the end');
  equalList(
    atB.datagrams.map((each) => each.truncated),
    [false, false, false, false, false],
    'truncated',
  );
}

async function truncated(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { maxSize: 100 });
  const sizes = [99, 100, 101, 5000, 1, 100];
  for (const size of sizes) await h.mustSend(a, { bytes: patternBytes(size), to: toB });
  await atB.untilCount(sizes.length);
  for (const [i, size] of sizes.entries()) {
    const { bytes, length, truncated: isCut } = await atB.datagram(i);
    equal(length, size, 'length');
    equal(bytes.length, Math.min(size, 100), 'bytes');
    equal(isCut, size > 100, `truncated at ${String(size)} bytes`);
    equal(patternMismatch(bytes, 0), -1, 'first wrong byte');
  }
}

async function largest(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  // The most that fits behind the headers of IPv4 and UDP; all the other transports carry it too.
  const most = 65_507;
  if (h.provider.capabilities.has('buffer-sizes')) b.set('receiveBufferSize', 4 * most);
  await h.mustSend(a, { bytes: numbered(7, most), to: toB });
  const { bytes, truncated: isCut } = await atB.datagram();
  equal(bytes.length, most, 'bytes');
  equal(numberOf(bytes), 7, 'number');
  equal(isCut, false, 'truncated');
}

async function nothingBeforeStart(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  for (let i = 0; i < 5; i++) await h.mustSend(a, { bytes: numbered(i, 10), to: toB });
  await h.quiet();
  equal(b.received, 0, 'received before start');
  const atB = h.recordDatagram(b);
  await atB.untilCount(5);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [0, 1, 2, 3, 4],
    'datagrams that came before start',
  );
}

async function restart(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const second = h.datagramRecorder();
  const first = h.recordDatagram(b, {
    receive: () => {
      b.start(second, { maxSize: 3 });
    },
  });
  for (let i = 0; i < 4; i++) a.send({ bytes: numbered(i, 10), to: toB }, h.done(`done ${String(i)}`));
  await second.untilCount(3);
  equal(first.datagrams.length, 1, 'datagrams of the first sink');
  equalList(
    second.datagrams.map((each) => [each.bytes[1], each.bytes.length, each.length].join(' ')),
    ['1 3 10', '2 3 10', '3 3 10'],
    'datagrams of the second sink',
  );
}

/** What of a batch was cut before it was asked for whole cannot be made whole; but it must say so. */
async function restartForMore(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const second = h.datagramRecorder();
  const receive = (): void => {
    b.start(second, { maxSize: 200 });
  };
  h.recordDatagram(b, { receive }, { maxSize: 10 });
  for (let i = 0; i < 8; i++) a.send({ bytes: numbered(i, 100), to: toB }, h.done(`done ${String(i)}`));
  await second.untilCount(7);
  for (const [i, { bytes, length, truncated }] of second.datagrams.entries()) {
    equal(bytes[1], i + 1, 'number');
    equal(length, 100, 'length');
    equal(bytes.length, truncated ? 10 : 100, `bytes of one with truncated ${String(truncated)}`);
  }
  // Nothing is received by now that was not told.
  await h.mustSend(a, { bytes: numbered(8, 100), to: toB });
  const last = await second.datagram(7);
  equal(last.bytes.length, 100, 'bytes of one that came after the call');
  equal(numberOf(last.bytes), 8, 'its number');
}

async function onlyItsPeer(h: DatagramHarness): Promise<void> {
  const { a, b, toA } = await h.connectedPair();
  const stranger = await h.bind();
  const atA = h.recordDatagram(a);
  h.recordDatagram(stranger);
  equal(JSON.stringify(a.remote), JSON.stringify(b.local), 'remote');
  // UDP drops what a stranger sends; a Unix socket refuses it.
  const refusal = await h.sent(stranger, { bytes: numbered(1, 10), to: toA });
  if (refusal !== null) checkError(refusal, { name: 'SystemError' }, 'done of the stranger');
  await h.mustSend(b, { bytes: numbered(2, 10), to: toA });
  await atA.untilCount(1);
  await h.quiet();
  equalList(
    atA.datagrams.map((each) => numberOf(each.bytes)),
    [2],
    'datagrams that a connected socket hears',
  );
}

async function toMany(h: DatagramHarness): Promise<void> {
  const from = await h.bind();
  h.recordDatagram(from);
  const others = [await h.bind(), await h.bind(), await h.bind()];
  const heard = others.map((other) => h.recordDatagram(other));
  for (let i = 0; i < 9; i++) {
    const to = others[i % 3]?.local;
    from.send({ bytes: numbered(i, 16), to }, h.done(`done ${String(i)}`));
  }
  for (const [i, recorder] of heard.entries()) {
    await recorder.untilCount(3);
    equalList(
      recorder.datagrams.map((each) => numberOf(each.bytes)),
      [i, i + 3, i + 6],
      `datagrams of socket ${String(i)}`,
    );
  }
}

async function portsAreTold(h: DatagramHarness): Promise<void> {
  const [a, b] = [await h.bind(), await h.bind()];
  check(endpointOf(a).port > 0, 'a free port is 0');
  check(endpointOf(a).port !== endpointOf(b).port, 'two sockets have one port');
  equal(endpointOf(a).host, h.loopback, 'host');
  equal(a.remote, undefined, 'remote of a socket that is not connected');
  equal(a.transport, 'udp', 'transport');
  equal(a.type, 'datagram', 'type');
}

export const DATAGRAM_TRANSFER_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'delivers whole messages in the order in which they were sent, and counts them',
    promises: ['datagram.order', 'datagram.whole', 'datagram.counters', 'send.order', 'send.done'],
    run: async (h) => inOrder(h, await h.pair()),
  },
  {
    name: 'delivers over a connected socket what it delivers over others',
    promises: ['bind.remote', 'datagram.to', 'datagram.order'],
    when: notPackets,
    run: async (h) => inOrder(h, await h.connectedPair()),
  },
  { name: 'plays ping-pong 200 times', promises: ['datagram.order', 'once'], run: bothWays },
  {
    name: 'tells the sender, who can be answered',
    promises: ['datagram.sender', 'bind.peer'],
    when: notPackets,
    run: answersTheSender,
  },
  { name: 'delivers empty datagrams (F23)', promises: ['datagram.empty'], run: empty },
  {
    name: 'cuts what is longer than maxSize and tells its length (F22)',
    promises: ['datagram.truncated', 'datagram.max-size'],
    run: truncated,
  },
  { name: 'carries 65,507 bytes at once', promises: ['datagram.whole', 'datagram.max-size'], run: largest },
  {
    name: 'receives nothing before start, and then what had come',
    promises: ['datagram.start'],
    run: nothingBeforeStart,
  },
  {
    name: 'start again replaces sink and options from the next datagram on',
    promises: ['datagram.restart'],
    run: restart,
  },
  {
    name: 'start again for more than was asked for tells what is cut (F22)',
    promises: ['datagram.restart', 'datagram.restart-cut', 'datagram.truncated'],
    run: restartForMore,
  },
  {
    name: 'hears only its peer when it is connected',
    promises: ['bind.peer', 'bind.remote'],
    when: notPackets,
    run: onlyItsPeer,
  },
  { name: 'sends to many by turns', promises: ['send.order'], when: notPackets, run: toMany },
  {
    name: 'has a free port if none was asked for',
    promises: ['bind.port', 'provider.bind'],
    when: onUdp,
    run: portsAreTold,
  },
];
