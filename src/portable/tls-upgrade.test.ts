/** Upgrades in mid-stream, and what goes wrong: TLS between two ends of one provider, over every provider. */
import assert from 'node:assert/strict';
import { TlsError } from '../base/errors.ts';
import type { Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import { ManualSignal } from '../testing/manual-signal.ts';
import { acceptOne, connectOptions, connectPair } from '../testing/pair-maker.ts';
import { authority, each, portOf, infoOf, failureOf, bytes, text, written, good } from './test-kit.ts';

each('upgrade takes both ends from the clear to TLS (STARTTLS)', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  a.tag = 'mine';
  const pull = reader(b);
  await written(a, 'STARTTLS');
  assert.equal(text(await pull.read()), 'STARTTLS');
  b.pause();
  const closed: unknown[] = [];
  a.start({ data: () => undefined, close: (error) => closed.push(error) });
  a.pause();
  const [client, server] = await Promise.all([
    a.upgrade({ ca: authority, servername: 'localhost' }),
    b.upgrade({ role: 'server', ...good }),
  ]);
  assert.deepEqual(closed, [null]);
  assert.deepEqual([client.id, client.tag, client.local], [a.id, 'mine', a.local]);
  assert.deepEqual([client.bytesRead, client.bytesWritten], [0, 0]);
  assert.throws(() => a.write(bytes('x')), { name: 'ClosedError' });
  await a.close();
  a.abort();
  await assert.rejects(a.upgrade({ servername: 'x' }), { name: 'ClosedError' });
  await assert.rejects(client.upgrade({ servername: 'x' }), { name: 'UnsupportedError' });
  const shown = [...provider.sockets()].filter(({ kind }) => kind === 'stream');
  assert.deepEqual(
    shown.map(({ id, tls }) => [id, tls]).sort(),
    [
      [a.id, true],
      [b.id, true],
    ].sort(),
  );
  const answer = reader(client);
  server.write(bytes('protected'));
  assert.equal(text(await answer.read()), 'protected');
  assert.equal(client.bytesRead, 9);
});

each('upgrade refuses a stream that is busy, and leaves it as it was', async (provider) => {
  const { a, b } = await connectPair(provider, {}, { isSmall: true });
  const options = { ca: authority, servername: 'localhost' };
  a.start({ data: () => undefined, close: () => undefined });
  await assert.rejects(a.upgrade(options), { name: 'BusyError', message: /reading/ });
  a.pause();
  let sent = 0;
  const chunk = new Uint8Array(1 << 20);
  do sent += chunk.length;
  while (a.write(chunk));
  await assert.rejects(a.upgrade(options), { name: 'BusyError', message: /unsent/ });
  let received = 0;
  const pull = reader(b);
  while (received < sent) received += (await pull.read())?.length ?? 0;
  assert.equal(received, sent);
  a.closeWrite();
  await assert.rejects(a.upgrade(options), { name: 'ClosedError' });
});

each('upgrade judges its arguments before it touches the stream', async (provider) => {
  const { a } = await connectPair(provider, {});
  const bad = (options: object): Promise<unknown> => a.upgrade(options);
  await assert.rejects(bad({ servername: 'x', ca: 'nothing' }), RangeError);
  await assert.rejects(bad({ servername: 1 }), TypeError);
  await assert.rejects(bad({ role: 'server' }), TypeError);
  await assert.rejects(bad({ servername: 'x', signal: aborted() }), { message: 'mine' });
  assert.equal(await written(a, 'still here'), null);
});

function aborted(): ManualSignal {
  const signal = new ManualSignal();
  signal.abort(new Error('mine'));
  return signal;
}

each('upgrade knows the host that was connected to', async (provider) => {
  const listener = await provider.listen({});
  const accepted = acceptOne(listener);
  const a = await provider.connect({ host: 'localhost', port: portOf(listener) });
  const b = await accepted;
  const [client] = await Promise.all([a.upgrade({ ca: authority }), b.upgrade({ role: 'server', ...good })]);
  assert.equal(infoOf(client).servername, 'localhost');
});

each('upgrade never delivers what came in the clear behind STARTTLS (F65)', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  const pull = reader(b);
  // An attacker has put a command behind the client's own.
  await written(a, 'STARTTLS\r\n');
  assert.equal(text(await pull.read()), 'STARTTLS\r\n');
  b.pause();
  await written(a, 'RCPT TO:<everybody>\r\n');
  const upgraded = b.upgrade({ role: 'server', ...good });
  const client = a.upgrade({ ca: authority, servername: 'localhost' });
  assert.equal(await failureOf(upgraded), 'protocol');
  await assert.rejects(client, { name: 'TlsError' });
  await assert.rejects(pull.read(), { name: 'ClosedError' });
});

each('upgrade gives a client up that says nothing, by handshakeTimeout', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  const handshake = { role: 'server', ...good, handshakeTimeout: 300 } as const;
  const upgrading = b.upgrade({ ...handshake, timeout: 60_000 });
  if ('clock' in provider) {
    const { clock } = provider as { clock: { advance?: (ms: number) => void } };
    clock.advance?.(300);
  }
  await assert.rejects(upgrading, { code: 'ETIMEDOUT' });
  a.abort();
});

each('upgrade refuses what is of listeners alone', async (provider) => {
  const { a } = await connectPair(provider, {});
  const options = { role: 'server', ...good, maxHandshakes: 1 } as const;
  await assert.rejects(a.upgrade(options), {
    name: 'TypeError',
    message: /^maxHandshakes: there is no such/,
  });
});

each('upgrade takes head for the beginning of the handshake', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  const failed = b.upgrade({ role: 'server', ...good, head: bytes('NOOP\r\n') });
  assert.equal(await failureOf(failed), 'protocol');
  const pull = reader(a);
  await assert.rejects(
    (async () => {
      // The alert, then the end.
      while ((await pull.read()) !== null);
      throw new Error('ended');
    })(),
  );
});

each('upgrade that is aborted closes the connection', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  const signal = new ManualSignal();
  const upgrading = a.upgrade({ ca: authority, servername: 'localhost', signal });
  signal.abort(new Error('enough'));
  await assert.rejects(upgrading, { message: 'enough' });
  assert.equal(signal.listenerCount, 0);
  const read = reader(b);
  await assert.rejects(async () => {
    while ((await read.read()) !== null);
    throw new Error('ended');
  });
});

each('handshake fails when the peer closes or resets in its midst (F65)', async (provider) => {
  for (const [end, failure] of [
    ['close', 'closed'],
    ['abort', 'reset'],
  ] as const) {
    const { a, b } = await connectPair(provider, {});
    const upgrading = a.upgrade({ ca: authority, servername: 'localhost' });
    const pull = reader(b);
    assert.ok((await pull.read()) !== null);
    void b[end]();
    assert.equal(await failureOf(upgrading), failure);
  }
});

each('an end without close_notify is no end (F65)', async (provider) => {
  const listener = await provider.listen({});
  const accepted = acceptOne(listener);
  const connecting = provider.connect({
    ...connectOptions(listener),
    tls: { ca: authority, servername: 'localhost' },
  });
  const raw = await accepted;
  // A man in the middle: he passes records on, and leaves out the last.
  const inner = await connectPair(provider, {});
  const server = inner.b.upgrade({ role: 'server', ...good });
  pass(raw, inner.a);
  const stopPassing = pass(inner.a, raw);
  const client = await connecting;
  const pull = reader(client);
  await written(await server, 'all but the end');
  assert.equal(text(await pull.read()), 'all but the end');
  stopPassing();
  raw.closeWrite();
  await assert.rejects(pull.read(), (error: Error) => {
    assert.equal(error.name, 'BrokenError');
    assert.ok(error.cause instanceof TlsError);
    assert.equal(error.cause.code, 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING');
    return true;
  });
});

function pass(from: Stream, to: Stream): () => void {
  let isPassing = true;
  from.start({
    data: (chunk) => {
      if (isPassing) to.write(chunk);
    },
    close: () => undefined,
  });
  return () => {
    isPassing = false;
  };
}

each('a record that was changed breaks the stream (F65)', async (provider) => {
  const { a, b } = await connectPair(provider, {});
  const inner = await connectPair(provider, {});
  const client = a.upgrade({ ca: authority, servername: 'localhost' });
  const server = inner.b.upgrade({ role: 'server', ...good });
  pass(b, inner.a);
  let isChanging = false;
  inner.a.start({
    data: (chunk) => {
      if (isChanging) chunk[chunk.length - 1] = (chunk.at(-1) ?? 0) ^ 1;
      b.write(chunk);
    },
    close: () => undefined,
  });
  const pull = reader(await client);
  const sender = await server;
  await written(sender, 'one');
  assert.equal(text(await pull.read()), 'one');
  isChanging = true;
  await written(sender, 'two');
  await assert.rejects(pull.read(), (error: Error) => {
    assert.equal(error.name, 'BrokenError');
    assert.ok(error.cause instanceof TlsError);
    assert.match(error.cause.code, /BAD_RECORD_MAC|DECRYPTION_FAILED/);
    return true;
  });
});
