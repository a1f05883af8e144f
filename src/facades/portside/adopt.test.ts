/** Streams and listeners that are there already, and bytes that are put back. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { portOf } from '../../testing/node/pairs.ts';
import { asciiBytes } from '../../testing/pattern.ts';
import { pair, text, world } from './test-kit.ts';

test('unread puts bytes back in front of what comes, and again in front of those', async (t) => {
  const { client, peer } = await pair(world(t).front);
  await client.write('hello');
  const first = await peer.readExactly(2);
  peer.unread(first);
  peer.unread(asciiBytes('>>'));
  await client.write(' world');
  await client.closeWrite();
  assert.equal(text(await peer.readExactly(7)), '>>hello');
  assert.equal(text(await peer.read()), ' world');
  assert.equal(await peer.read(), null);
});

test('unread after the end is read before the end is told again', async (t) => {
  const { client, peer } = await pair(world(t).front);
  await client.write('x');
  await client.closeWrite();
  const only = await peer.read();
  assert.equal(await peer.read(), null);
  assert.ok(only);
  peer.unread(only);
  assert.equal(text(await peer.read()), 'x');
  assert.equal(await peer.read(), null);
});

test('unread keeps a copy', async (t) => {
  const { client, peer } = await pair(world(t).front);
  const bytes = asciiBytes('mine');
  peer.unread(bytes);
  bytes.fill(0);
  await client.closeWrite();
  assert.equal(text(await peer.read()), 'mine');
});

test('unread refuses while a read waits, after close, and what is no bytes', async (t) => {
  const { client, peer } = await pair(world(t).front);
  const waiting = peer.read();
  assert.throws(
    () => {
      peer.unread(asciiBytes('x'));
    },
    { code: 'ERR_SOCKET_BUSY' },
  );
  await client.write('y');
  assert.equal(text(await waiting), 'y');
  assert.throws(() => {
    peer.unread('text' as never);
  }, TypeError);
  const { stream } = peer.detach();
  assert.throws(
    () => {
      peer.unread(asciiBytes('x'));
    },
    { code: 'ERR_SOCKET_CLOSED' },
  );
  stream.abort();
});

test('adoptStream reads head first, and knows an end that was told before', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('abc');
  await client.closeWrite();
  assert.equal(text(await peer.readExactly(1)), 'a');
  const { stream, head, isEnded } = peer.detach();
  const again = front.adoptStream(stream, { head, isEnded });
  assert.equal(again.id, peer.id);
  let all = '';
  for await (const chunk of again) all += text(chunk) ?? '';
  assert.equal(all, 'bc');
  assert.equal(front.sockets().filter(({ id }) => id === again.id).length, 1);
});

test('adoptStream refuses options that cannot be', async (t) => {
  const { front, provider } = world(t);
  const listener = await provider.listen({});
  const stream = await provider.connect({ host: '127.0.0.1', port: portOf(listener) });
  for (const options of [null, { head: 'x' }, { isEnded: 1 }, { readAhead: '1' }])
    assert.throws(() => front.adoptStream(stream, options as never), TypeError);
  assert.throws(() => front.adoptStream(stream, { readAhead: 0 }), RangeError);
});

test('adoptListener makes a server of a listener of the provider', async (t) => {
  const { front, provider } = world(t);
  const server = front.adoptListener(await provider.listen({}), { acceptAhead: 1 });
  const [client, peer] = await Promise.all([front.connect({ to: server.local }), server.accept()]);
  await client.write('hi');
  assert.equal(text(await peer.read()), 'hi');
  await server.close();
});

test('adopting refuses what is no socket of a provider', (t) => {
  const { front } = world(t);
  const { adoptStream, adoptListener, adoptPacketListener, adoptDatagram } = front;
  for (const adopt of [adoptStream, adoptListener, adoptPacketListener, adoptDatagram])
    for (const value of [undefined, null, 7, {}, { start: true }])
      assert.throws(() => adopt(value as never), TypeError);
  assert.deepEqual(front.sockets(), []);
});
