/** Listening with TLS: TLS between two ends of one provider, over every provider. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { reader } from '../base/reader.ts';
import type { TlsServerOptions } from '../base/tls.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { LOCKED_WITH } from '../testing/node/certificates.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { acceptOne, connectOptions, connectPair } from '../testing/pair-maker.ts';
import { made, good, authority, each, serve, nextStream, nextError, infoOf, written } from './test-kit.ts';
import { tlsSessions } from './tls-sessions.ts';

each('listen: one that says nothing holds nobody up, until its time is over', async (provider) => {
  const told = await serve(provider, { ...good, handshakeTimeout: 300 });
  const where = connectOptions(told.listener);
  const silent = await provider.connect(where);
  const stream = await provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  assert.equal((await nextStream(told)).remote.family, stream.local.family);
  if ('clock' in provider) {
    const { clock } = provider as { clock: { advance?: (ms: number) => void } };
    clock.advance?.(300);
  }
  const error = await nextError(told);
  assert.deepEqual([error.failure, error.code], ['timeout', 'ETIMEDOUT']);
  silent.abort();
});

each('listen: no more handshakes at once than it may have', async (provider) => {
  const told = await serve(provider, { ...good, maxHandshakes: 2 });
  const where = connectOptions(told.listener);
  const silent = await Promise.all([provider.connect(where), provider.connect(where)]);
  const third = provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  // Long enough for whoever would be accepted to be so.
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told.streams.length, 0);
  silent[0].abort();
  await third;
  await nextError(told);
  assert.ok(!infoOf(await nextStream(told)).isAuthorized);
  silent[1].abort();
});

each('listen: who does not speak TLS is told as an error, and nothing else happens', async (provider) => {
  const told = await serve(provider, good);
  const where = connectOptions(told.listener);
  const plain = await provider.connect(where);
  await written(plain, 'GET / HTTP/1.1\r\n\r\n');
  const error = await nextError(told);
  assert.equal(error.failure, 'protocol');
  assert.match(error.message, /http request/);
  const gone = await provider.connect(where);
  gone.abort();
  assert.match((await nextError(told)).failure, /closed|reset/);
  await provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  await nextStream(told);
});

each('listen: paused, it keeps who has shaken hands', async (provider) => {
  const told = await serve(provider, good);
  const where = connectOptions(told.listener);
  const first = provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  await first;
  await nextStream(told);
  told.listener.pause();
  assert.equal(told.listener.isPaused, true);
  const second = provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told.streams.length, 1);
  told.listener.resume();
  await second;
  await nextStream(told);
});

each('the end of the provider ends handshakes and streams', async (provider) => {
  const told = await serve(provider, good);
  const where = connectOptions(told.listener);
  await provider.connect(where);
  const stream = await provider.connect({ ...where, tls: { ca: authority, servername: 'localhost' } });
  const server = await nextStream(told);
  const closed: unknown[] = [];
  for (const each of [stream, server])
    each.start({ data: () => undefined, close: (error) => closed.push(error) });
  await provider.close();
  assert.deepEqual(closed, [null, null]);
  assert.deepEqual(told.errors, []);
});

each('connect keeps its time over the handshake', async (provider) => {
  const listener = await provider.listen({});
  const accepted = acceptOne(listener);
  const tls = { ca: authority, servername: 'localhost' };
  const connecting = provider.connect({ ...connectOptions(listener), timeout: 300, tls });
  const peer = reader(await accepted);
  assert.ok((await peer.read()) !== null);
  if ('clock' in provider) {
    const { clock } = provider as { clock: { advance?: (ms: number) => void } };
    clock.advance?.(300);
  }
  await assert.rejects(connecting, { name: 'ConnectError', code: 'ERR_CONNECT_FAILED' });
});

/** Material that is no good, and what is said of it. */
const BAD: readonly (readonly [object, RegExp])[] = [
  [{ cert: 'no PEM', key: good.key }, /cert: expected certificates/],
  [
    { cert: good.cert.replace(/\n[\w+/]{10}/, '\nAAAAAAAAAA'), key: good.key },
    /cert: a certificate cannot be read/,
  ],
  [{ cert: good.cert, key: 'no PEM' }, /key: it cannot be read/],
  [{ cert: good.cert, key: made.client.key }, /not the key of the certificate/],
  [{ cert: good.cert, key: made.lockedKey }, /it is locked, and there is no passphrase/],
  [{ cert: good.cert, key: made.lockedKey, passphrase: 'wrong' }, /cannot be read with this passphrase/],
  [{ ...good, ca: 'no PEM' }, /ca: expected certificates/],
  [{ ...good, names: { 'x.test': { cert: good.cert, key: made.client.key } } }, /names\["x.test"\].key/],
];
for (const [options, message] of BAD) {
  each(`listen refuses bad material before anything is opened: ${String(message)}`, async (provider) => {
    const before = countDescriptors();
    await assert.rejects(provider.listen({ tls: options as TlsServerOptions }), (error: Error) => {
      assert.ok(error instanceof RangeError, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.equal(countDescriptors(), before);
  });
}

each('listen opens a locked key', async (provider) => {
  const { cert } = good;
  const told = await serve(provider, { cert, key: made.lockedKey, passphrase: LOCKED_WITH });
  await provider.connect({
    ...connectOptions(told.listener),
    tls: { ca: authority, servername: 'localhost' },
  });
  await nextStream(told);
});

each('keeps options, ref and unref of the connection', async (provider) => {
  const told = await serve(provider, good);
  const stream = await provider.connect({
    ...connectOptions(told.listener),
    tls: { ca: authority, servername: 'localhost' },
    options: { noDelay: true },
  });
  assert.equal(stream.get('noDelay'), true);
  stream.set('keepAlive', true);
  assert.notEqual(stream.get('keepAlive'), false);
  stream.unref();
  stream.ref();
});

test('memoryProvider without an upgrader has no TLS, and says so', async (t) => {
  const provider = memoryProvider();
  t.after(() => provider.close());
  assert.equal(provider.capabilities.has('tls'), false);
  await assert.rejects(provider.listen({ tls: good }), { name: 'UnsupportedError' });
  await assert.rejects(provider.connect({ host: '127.0.0.1', port: 1, tls: true }), {
    name: 'UnsupportedError',
  });
  const { a } = await connectPair(provider, {});
  await assert.rejects(a.upgrade({ servername: 'x' }), { name: 'UnsupportedError' });
});

test('tlsSessions keeps the latest, and judges max', () => {
  const sessions = tlsSessions({ max: 2 });
  sessions.set('a', Uint8Array.of(1));
  sessions.set('b', Uint8Array.of(2));
  assert.deepEqual(sessions.get('a'), Uint8Array.of(1));
  sessions.set('c', Uint8Array.of(3));
  assert.equal(sessions.get('b'), undefined);
  assert.deepEqual([sessions.get('a'), sessions.get('c')], [Uint8Array.of(1), Uint8Array.of(3)]);
  sessions.delete('a');
  assert.equal(sessions.get('a'), undefined);
  assert.throws(() => tlsSessions({ max: 0 }), RangeError);
  assert.throws(() => tlsSessions({ max: '1' as never }), TypeError);
});
