import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BrokenError,
  BusyError,
  ClosedError,
  ConnectError,
  DeniedError,
  ResolveError,
} from '../../base/errors.ts';
import { denyAll, guard } from '../../doors/permissions.ts';
import { createPortside } from '../../doors/portside.ts';
import { nodeTls } from '../../portable/tls-handshake.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { pair, text, world } from './test-kit.ts';

test('connect and listen take the same addresses, as text and as objects', async (t) => {
  const { front } = world(t);
  const rows: readonly (readonly [object | string, (local: never) => object | string])[] = [
    ['127.0.0.1:0', ({ port }: { port: number }) => `127.0.0.1:${String(port)}`],
    ['[::1]:0', ({ port }: { port: number }) => `[::1]:${String(port)}`],
    [{ port: 0 }, ({ port }: { port: number }) => ({ host: '127.0.0.1', port })],
    [{ host: '::1' }, (local) => local],
    ['127.0.0.1:0', ({ port }: { port: number }) => `localhost:${String(port)}`],
    ['unix:/front.sock', () => 'unix:/front.sock'],
    ['unix:@front', () => ({ path: '\0front' })],
    [{ path: '/other.sock' }, (local) => local],
  ];
  for (const [on, to] of rows) {
    const server = await front.listen({ on: on as string });
    const client = await front.connect({ to: to(server.local as never) as string });
    const peer = await server.accept();
    await client.write('hi');
    assert.equal(text(await peer.read()), 'hi');
    assert.deepEqual(client.remote, server.local);
    assert.equal(client.transport, server.transport);
    await Promise.all([client.close(), peer.close(), server.close()]);
  }
});

test('connect refuses addresses that are none, and options of another name, and opens nothing', async (t) => {
  const { front, network } = world(t);
  for (const to of ['example.com', '/run/x', '', '::1:80', 'http://x:80']) {
    await assert.rejects(front.connect({ to }), { name: 'RangeError', message: /^to: expected/ });
  }
  await assert.rejects(front.connect({} as never), { name: 'TypeError', message: /^to: expected/ });
  await assert.rejects(front.connect({ host: 'localhost', port: 80 } as never), {
    name: 'TypeError',
    message: /^host: expected nothing: addresses are given as `to`/,
  });
  await assert.rejects(front.connect(undefined as never), TypeError);
  await assert.rejects(front.connect({ to: 'localhost:80', readAhead: 0 }), RangeError);
  await assert.rejects(front.connect({ to: 'localhost:80', timeout: -1 }), RangeError);
  await assert.rejects(front.listen({ on: 'localhost:80' }), RangeError);
  await assert.rejects(front.listen({ acceptAhead: -1 }), RangeError);
  await assert.rejects(front.listen({ port: 80 } as never), TypeError);
  // Each call has names of its own: another's would be an option that does nothing.
  const strangers: readonly (readonly [call: () => Promise<unknown>, name: string])[] = [
    [() => front.connect({ to: 'localhost:80', on: '127.0.0.1:0' } as never), 'on'],
    [() => front.connect({ to: 'localhost:80', acceptAhead: 1 } as never), 'acceptAhead'],
    [() => front.listen({ to: '127.0.0.1:80' } as never), 'to'],
    [() => front.listen({ maxQueued: 1 } as never), 'maxQueued'],
    [() => front.bind({ readAhead: 1 } as never), 'readAhead'],
    [() => front.listenPackets({ on: 'unix:@x', to: 'unix:@y' } as never), 'to'],
  ];
  for (const [call, name] of strangers)
    await assert.rejects(call(), {
      name: 'TypeError',
      message: new RegExp(`^${name}: there is no such option`),
    });
  assert.equal(network.openCount, 0);
});

test('connect fails with the errors of the provider', async (t) => {
  const { front } = world(t);
  await assert.rejects(front.connect({ to: 'nowhere.test:80' }), ResolveError);
  await assert.rejects(front.connect({ to: '127.0.0.1:1' }), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.errors[0]?.code, 'ECONNREFUSED');
    return true;
  });
});

test('connect gives up at its timeout and by its signal, and leaves nothing open', async (t) => {
  const { front, clock, network, provider } = world(t, {
    scenario: [{ address: '192.0.2.1', outcome: 'blackhole' }],
  });
  const late = assert.rejects(front.connect({ to: '192.0.2.1:80', timeout: 500 }), ConnectError);
  await provider.idle();
  clock.advance(500);
  await late;
  const controller = new AbortController();
  const reason = new Error('no more');
  const aborted = assert.rejects(front.connect({ to: '192.0.2.1:80', signal: controller.signal }), reason);
  await provider.idle();
  controller.abort(reason);
  await aborted;
  assert.equal(network.openCount, 0);
});

test('connection answers reads in the order in which they were made', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const reads = [peer.read(1), peer.readExactly(3), peer.readUntil(';'), peer.read()];
  await client.write('abcde;f');
  assert.deepEqual((await Promise.all(reads)).map(text), ['a', 'bcd', 'e;', 'f']);
});

test('connection writes bytes, text, and several of them', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write(Uint8Array.of(97));
  await client.write('é');
  await client.write(['x', Uint8Array.of(121), '']);
  await client.write([]);
  await client.closeWrite();
  assert.equal(text(await peer.readExactly(5)), 'aéxy');
  assert.equal(await peer.read(), null);
  await assert.rejects(client.write(1 as never), TypeError);
  await assert.rejects(client.write(['a', 1] as never), TypeError);
  await assert.rejects(client.write('after the end'), ClosedError);
});

test('connection writes nothing of a list of which one part is wrong', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await assert.rejects(client.write(['a', null] as never), TypeError);
  await client.write('b');
  assert.equal(text(await peer.read()), 'b');
});

test('connection reads to the end, and the other direction goes on', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.closeWrite();
  await client.closeWrite();
  assert.equal(await peer.read(), null);
  assert.equal(await peer.read(), null);
  await peer.write('late');
  assert.equal(text(await client.read()), 'late');
});

test('connection has closed by itself when both directions have ended', async (t) => {
  const { front, network } = world(t);
  const { server, client, peer } = await pair(front);
  await Promise.all([client.closeWrite(), peer.closeWrite()]);
  assert.deepEqual([await client.read(), await peer.read()], [null, null]);
  await Promise.all([client.close(), peer.close(), server.close()]);
  assert.equal(network.openCount, 0);
  assert.deepEqual(front.sockets(), []);
});

test('connection close sends what was written, and later calls are refused', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const waiting = assert.rejects(client.read(), ClosedError);
  await client.write('last');
  const closing = client.close();
  assert.equal(client.close(), closing);
  await closing;
  await waiting;
  assert.equal(text(await peer.readExactly(4)), 'last');
  assert.equal(await peer.read(), null);
  await assert.rejects(client.read(), ClosedError);
  await assert.rejects(client.write('x'), ClosedError);
  await assert.rejects(client.closeWrite(), ClosedError);
  await assert.rejects(client.readUntil('x'), ClosedError);
  assert.throws(() => client.detach(), ClosedError);
  assert.throws(() => client.get('noDelay'), ClosedError);
  client.abort();
});

test('connection close with a bad deadline closes nothing', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await assert.rejects(client.close({ timeout: -1 }), RangeError);
  await client.write('x');
  assert.equal(text(await peer.read()), 'x');
});

test('connection close gives up at its deadline, and the peer sees a reset (F13)', async (t) => {
  const { front, clock, provider } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front);
  void client.write(new Uint8Array(100_000)).catch(() => undefined);
  const late = assert.rejects(client.close({ timeout: 50 }), { code: 'ETIMEDOUT' });
  await provider.idle();
  clock.advance(50);
  await late;
  await assert.rejects(async () => {
    for await (const chunk of peer) assert.ok(chunk.length > 0);
  }, BrokenError);
});

test('connection abort rejects what waits, and resets', async (t) => {
  const { front, provider } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front);
  const waiting = [client.read(), client.write(new Uint8Array(200_000))].map((each) =>
    assert.rejects(each, ClosedError),
  );
  await provider.idle();
  client.abort();
  client.abort();
  await Promise.all(waiting);
  await assert.rejects(async () => {
    for (;;) await peer.readExactly(1);
  }, BrokenError);
});

test('connection write waits until there is room, and no longer (F13)', async (t) => {
  const { front, provider } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front, { highWaterMark: 5000 });
  await client.write(new Uint8Array(4000));
  let isDone = false;
  const writing = client.write(new Uint8Array(4000)).then(() => {
    isDone = true;
  });
  await provider.idle();
  assert.equal(isDone, false);
  assert.ok(client.bufferedAmount >= 5000);
  assert.equal((await peer.readExactly(8000)).length, 8000);
  await writing;
  assert.equal(client.bufferedAmount, 0);
});

test('connection write that ends by its deadline has been taken all the same', async (t) => {
  const { front, clock, provider } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front, { highWaterMark: 100 });
  const late = assert.rejects(client.write(new Uint8Array(5000).fill(1), { timeout: 10 }), {
    code: 'ETIMEDOUT',
  });
  await provider.idle();
  clock.advance(10);
  await late;
  const controller = new AbortController();
  controller.abort(new Error('before'));
  await assert.rejects(client.write('never', { signal: controller.signal }), /before/);
  await Promise.all([client.closeWrite(), peer.readExactly(5000)]);
  assert.equal(await peer.read(), null);
});

test('connection write past the limit is refused, and nothing of it taken', async (t) => {
  const { front } = world(t, { bufferSize: 1000 });
  const { client, peer } = await pair(front, { writeLimit: 1000, highWaterMark: 100 });
  const first = client.write(new Uint8Array(5000));
  await assert.rejects(client.write('more'), { name: 'OverflowError', limit: 1000 });
  await Promise.all([first, peer.readExactly(5000)]);
});

test('connection write to a peer that has reset is rejected with what happened (F09)', async (t) => {
  const { front, provider } = world(t);
  const { client, peer } = await pair(front);
  peer.abort();
  await provider.idle();
  await assert.rejects(async () => {
    for (;;) await client.write('x');
  }, BrokenError);
  client.abort();
});

test('connection reads nothing ahead before the first read, and little after it (F13)', async (t) => {
  const { front, provider } = world(t, { bufferSize: 500 });
  const { client, peer } = await pair(front, { readAhead: 2000 });
  void client.write(new Uint8Array(50_000)).catch(() => undefined);
  await provider.idle();
  const before: number = peer.bytesRead;
  assert.equal(before, 0);
  await peer.read(1);
  await provider.idle();
  assert.ok(peer.bytesRead <= 2001, String(peer.bytesRead));
  let read = 1;
  while (read < 50_000) {
    read += (await peer.read(100))?.length ?? assert.fail('ended');
    assert.ok(peer.bytesRead - read <= 2000);
  }
});

test('connection iterates chunks to the end, goes on after a loop that was left, and throws when it is closed', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('ab');
  for await (const chunk of peer) {
    assert.equal(text(chunk), 'ab');
    break;
  }
  await client.write('cd');
  await client.closeWrite();
  const rest: (string | null)[] = [];
  for await (const chunk of peer.chunks()) rest.push(text(chunk));
  assert.deepEqual(rest, ['cd']);
  const closed = assert.rejects(async () => {
    for await (const chunk of client) assert.fail(String(chunk.length));
  }, ClosedError);
  await client.close();
  await closed;
});

test('connection chunks and lines take a timeout for each, and a signal', async (t) => {
  const { front, clock, provider } = world(t);
  const { client, peer } = await pair(front);
  const chunks = peer.chunks({ timeout: 100 });
  await client.write('a\nb');
  assert.equal(text((await chunks.next()).value ?? null), 'a\nb');
  const late = assert.rejects(chunks.next(), { code: 'ETIMEDOUT', op: 'read' });
  await provider.idle();
  clock.advance(100);
  await late;
  const controller = new AbortController();
  const lines = peer.lines({ signal: controller.signal });
  await client.write('c\n');
  assert.deepEqual(await lines.next(), { done: false, value: 'c' });
  const aborted = assert.rejects(lines.next(), /enough/);
  controller.abort(new Error('enough'));
  await aborted;
  assert.throws(() => peer.chunks({ timeout: -1 }), RangeError);
  assert.throws(() => peer.lines({ limit: 0 }), RangeError);
  assert.throws(() => peer.lines({ encoding: 'ucs-2' as never }), RangeError);
});

test('connection lines end with LF or CRLF, and the last one with the connection', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('one\ntwo\r\n\r\n\n\rthree\r\r\nfour\r');
  await client.closeWrite();
  const lines: string[] = [];
  for await (const line of peer.lines()) lines.push(line);
  assert.deepEqual(lines, ['one', 'two', '', '', '\rthree\r', 'four\r']);
});

test('connection lines have a limit, and nothing is lost at it', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write('short\nlonger than ten\n');
  const lines = peer.lines({ limit: 10 });
  assert.equal((await lines.next()).value, 'short');
  await assert.rejects(lines.next(), { name: 'LimitError', limit: 10 });
  assert.equal(text(await peer.readUntil('\n')), 'longer than ten\n');
});

test('connection lines are UTF-8, or an error, or replaced, or bytes', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.write(['ü\n', Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 10), Uint8Array.of(0x61, 0xff, 10)]);
  await client.write([Uint8Array.of(0x62, 0xff, 10), Uint8Array.of(0x63, 0xff, 10), 'after\n']);
  const strict = peer.lines();
  assert.equal((await strict.next()).value, 'ü');
  assert.equal((await strict.next()).value, '\u{feff}a');
  await assert.rejects(strict.next(), { name: 'ProtocolError', code: 'ERR_PROTOCOL_TEXT' });
  assert.equal((await peer.lines({ invalid: 'replace' }).next()).value, 'b\u{fffd}');
  assert.equal((await peer.lines({ encoding: 'latin1' }).next()).value, 'cÿ');
  assert.equal((await peer.lines().next()).value, 'after');
});

test('connection lines are the same whatever the chunks', async (t) => {
  const { front } = world(t);
  const server = await front.listen();
  const chunk = fc.stringMatching(/^[a\r\n]{1,8}$/);
  await fc.assert(
    fc.asyncProperty(fc.array(chunk, { maxLength: 10 }), async (chunks) => {
      const [client, peer] = await Promise.all([front.connect({ to: server.local }), server.accept()]);
      const got = (async () => {
        const lines: string[] = [];
        for await (const line of peer.lines()) lines.push(line);
        return lines;
      })();
      for (const each of chunks) await client.write(each);
      await client.closeWrite();
      const expected = chunks.join('').split('\n');
      const last = expected.pop();
      const whole = expected.map((line) => line.replace(/\r$/, ''));
      assert.deepEqual(await got, last === '' ? whole : [...whole, last]);
      await Promise.all([client.close(), peer.close()]);
    }),
  );
});

test('connection a read that is aborted at any point takes nothing', async (t) => {
  const { front, provider } = world(t);
  const { client, peer } = await pair(front);
  const calls = [
    (signal: AbortSignal) => peer.read(undefined, { signal }),
    (signal: AbortSignal) => peer.readExactly(10, { signal }),
    (signal: AbortSignal) => peer.readUntil('\n', { signal }),
    (signal: AbortSignal) => peer.lines({ signal }).next(),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    const aborted = assert.rejects(call(controller.signal), /stop/);
    await provider.idle();
    controller.abort(new Error('stop'));
    await aborted;
    await assert.rejects(call(controller.signal), /stop/);
  }
  await client.write('all of it\n');
  assert.equal(text(await peer.readUntil('\n')), 'all of it\n');
});

test('connection is disposed of by `await using`, with what was written', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  {
    await using socket = client;
    await socket.write('bye');
  }
  assert.equal(text(await peer.readExactly(3)), 'bye');
  assert.equal(await peer.read(), null);
});

test('connection detach gives the stream away, with what was read ahead', async (t) => {
  const { front, provider } = world(t);
  const { client, peer } = await pair(front);
  await client.write('abc');
  assert.equal(text(await peer.read(1)), 'a');
  const waiting = peer.readExactly(3);
  assert.throws(() => peer.detach(), BusyError);
  await client.write('de');
  assert.equal(text(await waiting), 'bcd');
  const { stream, head, isEnded } = peer.detach();
  assert.deepEqual([text(head), isEnded, stream.isPaused], ['e', false, true]);
  await assert.rejects(peer.read(), ClosedError);
  await peer.close();
  await client.write('f');
  const heard: string[] = [];
  stream.start({ data: (chunk) => heard.push(text(chunk) ?? ''), close: () => undefined });
  stream.resume();
  await provider.idle();
  assert.deepEqual(heard, ['f']);
  stream.abort();
});

test('connection detach says that the end has been told', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  await client.closeWrite();
  assert.equal(await peer.read(), null);
  const { stream, isEnded } = peer.detach();
  assert.equal(isEnded, true);
  stream.abort();
});

test('connection passes options, tags and counters on', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  client.set('noDelay', true);
  assert.equal(client.get('noDelay'), true);
  client.tag = { note: 1 };
  client.unref();
  client.ref();
  await client.write('four');
  await peer.read();
  assert.deepEqual([client.bytesWritten, peer.bytesRead], [4, 4]);
  const row = front.sockets().find(({ id }) => id === client.id);
  assert.deepEqual(row?.tag, { note: 1 });
});

test('connection upgrade is refused where there is no TLS, or a read waits, and nothing has changed', async (t) => {
  const { front } = world(t);
  const { client, peer } = await pair(front);
  const waiting = client.read();
  await assert.rejects(client.upgrade(), BusyError);
  await peer.write('x');
  assert.equal(text(await waiting), 'x');
  await assert.rejects(front.upgrade(client), { name: 'UnsupportedError' });
  await client.write('still here');
  assert.equal(text(await peer.read()), 'still here');
});

test('createPortside over a guard is told no, and opens nothing', async (t) => {
  const { provider, network, clock } = world(t);
  const front = createPortside({ provider: guard(provider, denyAll), clock });
  await assert.rejects(front.connect({ to: 'localhost:80' }), DeniedError);
  await assert.rejects(front.listen({ on: '127.0.0.1:0' }), DeniedError);
  await assert.rejects(front.bind({ on: '127.0.0.1:0' }), DeniedError);
  assert.equal(network.openCount, 0);
});

test('upgrade of a connection whose peer has ended is refused, and nothing has changed', async (t) => {
  const { network, clock } = world(t);
  const provider = memoryProvider({ network, tls: nodeTls });
  const front = createPortside({ provider, clock });
  const { client, peer } = await pair(front);
  await peer.write('220 ready\n');
  await peer.closeWrite();
  assert.equal(text(await client.readUntil('\n')), '220 ready\n');
  assert.equal(await client.read(), null);
  await assert.rejects(client.upgrade({ servername: 'example.test' }), BrokenError);
  assert.equal(await client.read(), null);
  await client.write('QUIT');
  assert.equal(text(await peer.read()), 'QUIT');
  await Promise.all([client.close(), peer.close()]);
  await provider.close();
});
