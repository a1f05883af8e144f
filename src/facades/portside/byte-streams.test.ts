import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenError, ClosedError } from '../../base/errors.ts';
import { pair, text, world } from './test-kit.ts';

test('readable answers with chunks, and ends with the peer', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('one');
  const reader = peer.readable.getReader();
  assert.equal(text((await reader.read()).value ?? null), 'one');
  await client.write('two');
  await client.closeWrite();
  assert.equal(text((await reader.read()).value ?? null), 'two');
  assert.deepEqual(await reader.read(), { done: true, value: undefined });
  assert.equal(peer.readable, peer.readable);
  await peer.write('still open');
  assert.equal(text(await client.readExactly(10)), 'still open');
});

test('readable fills buffers that its reader brings, cuts what is too long, and gives them back at the end', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('abcdefgh');
  await client.closeWrite();
  const reader = peer.readable.getReader({ mode: 'byob' });
  const buffer = new ArrayBuffer(16);
  const first = await reader.read(new Uint8Array(buffer, 4, 5));
  assert.equal(text(first.value ?? null), 'abcde');
  assert.deepEqual([first.value?.byteOffset, first.value?.buffer.byteLength], [4, 16]);
  const second = await reader.read(new Uint16Array(8));
  assert.deepEqual(new Uint8Array(second.value?.buffer ?? []).subarray(0, 2), Uint8Array.of(102, 103));
  const third = await reader.read(new Uint8Array(10));
  assert.equal(third.done, false);
  const end = await reader.read(new Uint8Array(new ArrayBuffer(7)));
  assert.deepEqual([end.done, end.value?.byteLength, end.value?.buffer.byteLength], [true, 0, 7]);
});

test('readable reads nothing that its reader has not asked for (F13)', async (t) => {
  const { front, provider } = world(t, { bufferSize: 500 });
  const { client, peer } = await pair(front, { readAhead: 100 });
  void client.write(new Uint8Array(10_000)).catch(() => undefined);
  const reader = peer.readable.getReader();
  await provider.idle();
  const before: number = peer.bytesRead;
  assert.equal(before, 0);
  const { value } = await reader.read();
  await provider.idle();
  assert.ok(peer.bytesRead <= (value?.length ?? 0) + 100, String(peer.bytesRead));
});

test('readable errors with what broke the connection, after what came before', async (t) => {
  const { front, provider } = world(t);
  const { client, peer } = await pair(front);
  await client.write('last');
  await provider.idle();
  client.abort();
  const reader = peer.readable.getReader();
  assert.equal(text((await reader.read()).value ?? null), 'last');
  await assert.rejects(reader.read(), BrokenError);
  await assert.rejects(reader.closed, BrokenError);
});

test('readable errors when the owner closes the connection', async (t) => {
  const { front } = world(t);
  const { peer } = await pair(front);
  const reading = assert.rejects(peer.readable.getReader().read(), ClosedError);
  await peer.close();
  await reading;
});

test('readable that is cancelled leaves writing open, and the connection closes with it', async (t) => {
  const { front, network } = world(t);
  const { server, client, peer } = await pair(front);
  const reader = peer.readable.getReader();
  const pending = reader.read();
  await reader.cancel();
  assert.equal((await pending).done, true);
  const writer = peer.writable.getWriter();
  await writer.write('after the cancel');
  assert.equal(text(await client.readExactly(16)), 'after the cancel');
  await writer.close();
  await Promise.all([client.close(), server.close()]);
  assert.equal(network.openCount, 0);
});

test('readable that is cancelled after writing has ended closes the connection, with all that was written', async (t) => {
  const { front, network } = world(t);
  const { server, client, peer } = await pair(front);
  await peer.writable.getWriter().close();
  await peer.readable.cancel();
  assert.equal(await client.read(), null);
  await Promise.all([client.close(), server.close()]);
  assert.equal(network.openCount, 0);
});

test('readable loses nothing to a cancelled read', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const reader = peer.readable.getReader();
  const pending = reader.read();
  await reader.cancel();
  await pending;
  await client.write('kept');
  assert.equal(text(await peer.read()), 'kept');
});

test('readable iterates, and pipes through what decodes text', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write([Uint8Array.of(0xc3), 'x'.slice(1), Uint8Array.of(0xbc)]);
  await client.closeWrite();
  let whole = '';
  for await (const part of peer.readable.pipeThrough(new TextDecoderStream())) whole += part;
  assert.equal(whole, 'ü');
});

test('writable takes text, bytes, buffers and views, and its close ends writing alone', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const writer = client.writable.getWriter();
  await writer.write('a');
  await writer.write(Uint8Array.of(98));
  await writer.write(Uint8Array.of(99).buffer);
  await writer.write(new DataView(Uint8Array.of(0, 100, 0).buffer, 1, 1));
  await writer.close();
  assert.equal(text(await peer.readExactly(4)), 'abcd');
  assert.equal(await peer.read(), null);
  await peer.write('back');
  assert.equal(text(await client.read()), 'back');
});

test('writable refuses what is no bytes, and is broken then', async (t) => {
  const { front } = world(t);
  const { client } = await pair(front);
  const writer = client.writable.getWriter();
  await assert.rejects(writer.write(5 as never), TypeError);
  await assert.rejects(writer.closed, TypeError);
});

test('writable is not ready while the kernel takes nothing (F13)', async (t) => {
  const { front, provider } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front, { highWaterMark: 1000 });
  const writer = client.writable.getWriter();
  let written = 0;
  const source = (async () => {
    for (let i = 0; i < 100; i++) {
      await writer.ready;
      void writer.write(new Uint8Array(1000)).catch(() => undefined);
      written += 1000;
    }
    await writer.close();
  })();
  await provider.idle();
  assert.ok(written <= 5000, String(written));
  for await (const chunk of peer) assert.ok(chunk.length > 0);
  await source;
  assert.equal(written, 100_000);
});

test('writable that is aborted resets the connection', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.writable.getWriter().abort(new Error('no more'));
  await assert.rejects(peer.read(), BrokenError);
});

test('writable fails as soon as the connection has broken, also while nothing is written', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const writer = client.writable.getWriter();
  const closed = assert.rejects(writer.closed, BrokenError);
  peer.abort();
  await closed;
  await assert.rejects(client.read(), BrokenError);
});

test('writable fails when the connection breaks after bytes were put back (F09)', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const writer = client.writable.getWriter();
  client.unread(Uint8Array.of(97));
  const closed = assert.rejects(writer.closed, BrokenError);
  peer.abort();
  await closed;
  assert.equal(text(await client.read()), 'a');
});

test('writable of a connection that is closed, or has been given away, fails at once', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const before = client.writable.getWriter();
  client.detach().stream.abort();
  await assert.rejects(before.closed, ClosedError);
  peer.abort();
  await assert.rejects(peer.writable.getWriter().closed, ClosedError);
});

test('writable reads ahead no more than readAhead', async (t) => {
  const { front, provider } = world(t, { bufferSize: 500 });
  const { client, peer } = await pair(front, { readAhead: 100 });
  void client.write(new Uint8Array(10_000)).catch(() => undefined);
  peer.writable.getWriter();
  await provider.idle();
  assert.ok(peer.bytesRead <= 100, String(peer.bytesRead));
  assert.equal((await peer.readExactly(10_000)).length, 10_000);
});

test('readable and writable carry a megabyte through a pipe of both', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const echo = peer.readable.pipeTo(peer.writable);
  const sent = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 253);
  const sending = (async () => {
    const writer = client.writable.getWriter();
    for (let at = 0; at < sent.length; at += 70_000) await writer.write(sent.slice(at, at + 70_000));
    await writer.close();
  })();
  const received: Uint8Array[] = [];
  for await (const chunk of client.readable) received.push(chunk);
  assert.deepEqual(Buffer.concat(received), Buffer.from(sent));
  await Promise.all([sending, echo]);
});
