/** Sockets of messages that are there already: UDP, Unix datagrams, packets, and listeners for these (F53, F54). */
import assert from 'node:assert/strict';
import { existsSync, fstatSync } from 'node:fs';
import test from 'node:test';

import type { Datagram } from '../base/provider.ts';
import { Socket } from '../posix/socket.ts';
import { portOf } from '../testing/node/pairs.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { asciiBytes } from '../testing/pattern.ts';
import {
  adoptDatagram,
  adoptPackets,
  BORROW,
  makeProvider,
  plainUdp,
  recordMessages,
  sendMessage,
  TAKE,
  whereIsPlain,
} from './test-kit.ts';

const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

for (const poller of ['epoll', 'poll'] as const) {
  for (const family of ['ipv4', 'ipv6'] as const)
    test(`adopt makes a datagram socket of a bound one, with what was unread (UDP over ${family}, ${poller})`, async (t) => {
      const provider = makeProvider(t, { poller });
      if (!provider.capabilities.has(family === 'ipv6' ? 'ipv6' : 'udp')) {
        t.skip('no IPv6');
        return;
      }
      const near = plainUdp(family);
      using far = plainUdp(family);
      const [here, there] = [whereIsPlain(near), whereIsPlain(far)];
      far.sendTo(asciiBytes('early'), here);
      const taken = adoptDatagram(provider, near.detach(), TAKE);
      assert.deepEqual(
        [taken.transport, taken.type, taken.local, taken.remote],
        ['udp', 'datagram', here, undefined],
      );
      const recorder = recordMessages(t, taken);
      far.sendTo(asciiBytes('late'), here);
      await recorder.untilCount(2);
      assert.deepEqual(
        recorder.datagrams.map(({ bytes, remote }) => [text(bytes), remote]),
        [
          ['early', there],
          ['late', there],
        ],
      );
      assert.throws(() => taken.send({ bytes: asciiBytes('to whom') }), TypeError);
      await sendMessage(taken, asciiBytes('answer'), there);
      assert.equal(text(await far.recvAsync()), 'answer');
      await taken.close();
    });

  test(`adopt makes a datagram socket of a connected one, which sends to its peer (UDP, ${poller})`, async (t) => {
    const provider = makeProvider(t, { poller });
    const near = plainUdp();
    using far = plainUdp();
    using stranger = plainUdp();
    const there = whereIsPlain(far);
    near.connect(there);
    const taken = adoptDatagram(provider, near.detach(), TAKE);
    assert.deepEqual(taken.remote, there);
    await sendMessage(taken, asciiBytes('question'));
    const { data, address } = await far.recvFromAsync();
    assert.deepEqual([text(data), address], ['question', taken.local]);
    const recorder = recordMessages(t, taken);
    stranger.sendTo(asciiBytes('not this'), taken.local);
    far.sendTo(asciiBytes('this'), taken.local);
    assert.equal(text((await recorder.datagram()).bytes), 'this');
    assert.throws(() => taken.send({ bytes: asciiBytes('x'), to: taken.local }), TypeError);
  });

  test(`adopt makes a packet socket of a connected one, and hears its end (${poller})`, async (t) => {
    const provider = makeProvider(t, { poller });
    const [near, far] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET');
    far.send(asciiBytes('early'));
    const taken = adoptDatagram(provider, near.detach(), TAKE);
    assert.deepEqual(
      [taken.transport, taken.type, taken.remote],
      ['unix', 'seqpacket', { family: 'unix', path: '' }],
    );
    const recorder = recordMessages(t, taken);
    for (const each of ['', 'late']) far.send(asciiBytes(each));
    await recorder.untilCount(3);
    assert.deepEqual(
      recorder.datagrams.map(({ bytes }) => text(bytes)),
      ['early', '', 'late'],
    );
    await sendMessage(taken, asciiBytes('answer'));
    assert.equal(text(await far.recvAsync()), 'answer');
    far.close();
    assert.equal(await recorder.untilClose(), null);
  });

  test(`adopt makes a listener of one that listens for packets, and its options are theirs (${poller})`, async (t) => {
    const provider = makeProvider(t, { poller });
    const path = tempPath();
    const raw = Socket.socket('AF_UNIX', 'SOCK_SEQPACKET');
    raw.bind({ family: 'unix', path });
    raw.listen();
    const limits = { highWaterMark: 10, options: { sendBufferSize: 5000 } };
    const listener = adoptPackets(provider, raw.detach(), { ...TAKE, ...limits });
    assert.deepEqual(listener.local, { family: 'unix', path });
    const accepted = new Promise<Datagram>((resolve) => {
      listener.start({ accept: resolve, close: () => undefined });
    });
    const client = await provider.bind({ type: 'seqpacket', remotePath: path });
    const server = await accepted;
    assert.equal(server.type, 'seqpacket');
    assert.equal(server.get('sendBufferSize'), 10_000);
    const recorder = recordMessages(t, client);
    await sendMessage(server, asciiBytes('welcome'));
    assert.equal(text((await recorder.datagram()).bytes), 'welcome');
    await listener.close();
    assert.ok(existsSync(path), 'its file is its maker’s');
  });
}

test('adopt takes Unix datagram sockets, with a name, connected, or with neither', async (t) => {
  const provider = makeProvider(t);
  const path = tempPath();
  const raw = Socket.socket('AF_UNIX', 'SOCK_DGRAM');
  raw.bind({ family: 'unix', path });
  const named = adoptDatagram(provider, raw.detach(), TAKE);
  assert.deepEqual([named.local, named.remote], [{ family: 'unix', path }, undefined]);
  const nameless = adoptDatagram(provider, Socket.socket('AF_UNIX', 'SOCK_DGRAM').detach(), TAKE);
  const recorder = recordMessages(t, named, { meta: ['timestamp'] });
  await sendMessage(nameless, asciiBytes('by name'), named.local);
  const got = await recorder.datagram();
  assert.deepEqual(
    [text(got.bytes), got.remote, typeof got.timestamp],
    ['by name', nameless.local, 'bigint'],
  );
  const [near, far] = Socket.pair('AF_UNIX', 'SOCK_DGRAM');
  const connected = adoptDatagram(provider, near.detach(), TAKE);
  await sendMessage(connected, asciiBytes('to its peer'));
  assert.equal(text(await far.recvAsync()), 'to its peer');
  far.close();
  await assert.rejects(sendMessage(connected, asciiBytes('gone')), { code: 'ECONNREFUSED' });
  await named.close();
  assert.ok(existsSync(path));
});

test('adopt takes a UDP socket that is not bound, and its first send tells where it is', async (t) => {
  const provider = makeProvider(t);
  using far = plainUdp();
  const taken = adoptDatagram(provider, Socket.socket('AF_INET', 'SOCK_DGRAM').detach(), TAKE);
  assert.deepEqual(taken.local, { family: 'ipv4', host: '0.0.0.0', port: 0 });
  const recorder = recordMessages(t, taken);
  await sendMessage(taken, asciiBytes('question'), whereIsPlain(far));
  const { address } = await far.recvFromAsync();
  assert.ok(address?.family === 'ipv4');
  assert.equal(portOf(taken), address.port);
  far.sendTo(asciiBytes('answer'), address);
  assert.equal(text((await recorder.datagram()).bytes), 'answer');
  await taken.close();
  assert.equal(portOf(taken), address.port);
});

test('limits and options of an adopted datagram socket are its own', async (t) => {
  const provider = makeProvider(t);
  const taken = adoptDatagram(provider, plainUdp().detach(), {
    ...TAKE,
    highWaterMark: 1,
    options: { receiveBufferSize: 10_000, ttl: 9 },
  });
  assert.deepEqual([taken.get('receiveBufferSize'), taken.get('ttl')], [20_000, 9]);
  const before = { sent: taken.sent, drops: taken.drops, bufferedAmount: taken.bufferedAmount };
  assert.deepEqual(before, { sent: 0, drops: 0, bufferedAmount: 0 });
  assert.deepEqual(
    [...provider.sockets()].map(({ kind, transport, local }) => [kind, transport, local]),
    [['datagram', 'udp', taken.local]],
  );
});

const BORROWED = ['close', 'abort'] as const;

for (const how of BORROWED) {
  test(`${how} of a borrowed packet socket ends nothing for its owner, and leaves what is unread`, async (t) => {
    const provider = makeProvider(t);
    const [near, far] = Socket.pair('AF_UNIX', 'SOCK_SEQPACKET');
    far.send(asciiBytes('unread'));
    const borrowed = adoptDatagram(provider, near.fd, BORROW);
    await borrowed[how]();
    assert.equal(text(await near.recvAsync()), 'unread');
    near.send(asciiBytes('still open'));
    assert.equal(text(await far.recvAsync()), 'still open');
    near.close();
    far.close();
  });

  test(`${how} of a borrowed stream ends nothing for its owner, and leaves what is unread`, async (t) => {
    const provider = makeProvider(t);
    const listener = Socket.socket('AF_INET', 'SOCK_STREAM');
    listener.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
    listener.listen();
    const near = Socket.socket('AF_INET', 'SOCK_STREAM');
    await near.connectAsync(listener.localAddress());
    const { socket: far } = await listener.acceptAsync();
    far.send(asciiBytes('unread'));
    const adopted = provider.adopt(near.fd, BORROW);
    assert.equal(adopted.kind, 'stream');
    await (adopted as { stream: { close(): Promise<void>; abort(): void } }).stream[how]();
    assert.equal(text(await near.recvAsync()), 'unread');
    near.send(asciiBytes('still open'));
    assert.equal(text(await far.recvAsync()), 'still open');
    near.close();
    assert.equal((await far.recvAsync()).length, 0, 'no reset has been arranged for');
    for (const each of [far, listener]) each.close();
  });
}

test('a borrowed UDP socket stays its owner’s when it was closed, and both hear while it is open', async (t) => {
  const provider = makeProvider(t);
  using near = plainUdp();
  using far = plainUdp();
  const borrowed = adoptDatagram(provider, near.fd, BORROW);
  const recorder = recordMessages(t, borrowed);
  far.sendTo(asciiBytes('one'), near.localAddress());
  assert.equal(text((await recorder.datagram()).bytes), 'one');
  await borrowed.close();
  far.sendTo(asciiBytes('two'), near.localAddress());
  assert.equal(text(await near.recvAsync()), 'two');
});

test('adopt refuses a socket of messages that it owns already, and its listeners (F54)', async (t) => {
  const provider = makeProvider(t);
  const bound = await provider.bind({});
  const listener = await provider.listenPackets({ path: tempPath() });
  for (const each of [bound, listener]) {
    const fd = provider.descriptor(each) ?? -1;
    assert.throws(() => provider.adopt(fd, TAKE), { code: 'EEXIST' });
    assert.ok(fstatSync(fd).isSocket());
  }
});
