/** Streams of the native engine at the edges of TCP and of Unix sockets, a row of the fault list each (F09-F20, F32). */
import assert from 'node:assert/strict';
import test from 'node:test';

import type { TestContext } from 'node:test';
import { isSocketError } from '../base/errors.ts';
import type { SocketError } from '../base/errors.ts';
import type { Stream } from '../base/provider.ts';
import { deferred } from '../testing/deferred.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { connected, portOf, record, recordListener, whereIs, written } from '../testing/node/pairs.ts';
import { node, python } from '../testing/node/peer.ts';
import type { Peer } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { turnsInWindow } from '../testing/node/turns.ts';
import { asciiBytes, patternBytes } from '../testing/pattern.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

const POLLERS = ['epoll', 'poll'] as const;

function makeProvider(t: TestContext, poller: 'epoll' | 'poll' = 'epoll'): LocalProvider {
  const provider = localProvider({ poller, withFaults: true });
  t.after(() => provider.close());
  return provider;
}

async function dialPeer(provider: LocalProvider, peer: Peer): Promise<Stream> {
  return provider.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
}

/** The system's own word for how a connection broke. */
function causeOf(error: SocketError | null): string {
  assert.ok(error !== null, 'a clean close');
  assert.equal(error.code, 'ERR_SOCKET_BROKEN');
  assert.ok(isSocketError(error.cause));
  return error.cause.code;
}

for (const poller of POLLERS) {
  test(`a reset while writing breaks the stream once, and every pending write (${poller}, F09)`, async (t) => {
    const provider = makeProvider(t, poller);
    const peer = python(t, `s = serve(); c, _ = s.accept(); say('in'); wait(); reset(c); wait()`);
    const stream = await dialPeer(provider, peer);
    const recorder = record(t, stream);
    await peer.line();
    const answers: (string | null)[] = [];
    while (stream.write(new Uint8Array(65536), (error) => answers.push(error?.code ?? null)));
    stream.write(new Uint8Array(65536), (error) => answers.push(error?.code ?? null));
    const count = answers.length;
    peer.say('reset');
    assert.match(causeOf(await recorder.untilClose()), /^(ECONNRESET|EPIPE)$/);
    assert.ok(answers.length > count);
    assert.equal(answers.at(-1), 'ERR_SOCKET_BROKEN');
    assert.equal(answers.indexOf('ERR_SOCKET_BROKEN'), answers.lastIndexOf(null) + 1);
  });

  test(`a reset behind unread data: the data, then the error (${poller}, F10)`, async (t) => {
    const provider = makeProvider(t, poller);
    const peer = python(
      t,
      `s = serve(); c, _ = s.accept(); c.sendall(b'x' * 50000); wait(); reset(c); say('reset'); wait()`,
    );
    const stream = await dialPeer(provider, peer);
    const recorder = record(t, stream, { data: () => undefined });
    await recorder.untilBytes(1);
    peer.say('reset');
    assert.equal(causeOf(await recorder.untilClose()), 'ECONNRESET');
    assert.equal(recorder.received, 50_000);
    assert.deepEqual(recorder.log, ['data', 'close']);
  });

  test(`FIN, then a reset with writes queued: told once, and no spinning (${poller}, F12)`, async (t) => {
    const provider = makeProvider(t, poller);
    const peer = python(
      t,
      `s = serve(); c, _ = s.accept(); c.shutdown(socket.SHUT_WR); wait(); reset(c); wait()`,
    );
    const stream = await dialPeer(provider, peer);
    const recorder = record(t, stream);
    while (stream.write(new Uint8Array(262_144)));
    await recorder.untilEnd();
    const before = await turnsInWindow();
    assert.ok(before < 50, `${String(before)} turns before the reset`);
    peer.say('reset');
    await recorder.untilClose();
    assert.match(causeOf(recorder.error ?? null), /^(ECONNRESET|EPIPE)$/);
    const afterwards = await turnsInWindow();
    assert.ok(afterwards < 50, `${String(afterwards)} turns after it had closed`);
  });

  test(`an out-of-band byte leaves the stream intact (${poller}, F20)`, { timeout: 10_000 }, async (t) => {
    const provider = makeProvider(t, poller);
    const listener = await provider.listen({});
    const accepted = recordListener(t, listener);
    const peer = python(
      t,
      `s = dial(sys.argv[1])
for i in range(3): s.sendall(b'abc'); s.send(b'X', socket.MSG_OOB); s.sendall(b'def')
say('sent'); wait()
for i in range(3): s.sendall(b'ghi'); s.send(b'Y', socket.MSG_OOB); s.sendall(b'jkl'); say('more'); wait()
s.close()`,
      String(portOf(listener)),
    );
    const stream = await accepted.stream();
    // Everything is there before the first read, so that nothing else can wake the reader.
    await peer.line();
    const recorder = record(t, stream);
    // An urgent byte that a newer one overtakes becomes ordinary data (tcp(7)).
    await recorder.until(() => recorder.text().replaceAll('X', '').length >= 18, 'all before the pause');
    peer.say('go on');
    for (let i = 1; i <= 3; i++) {
      await peer.line();
      await recorder.until(() => recorder.text().replaceAll(/[XY]/g, '').length >= 18 + 6 * i, 'the next');
      peer.say('go on');
    }
    await recorder.untilEnd();
    assert.equal(recorder.text().replaceAll(/[XY]/g, ''), 'abcdef'.repeat(3) + 'ghijkl'.repeat(3));
  });

  test(
    `descriptors that nobody asked for are closed, and the bytes all come (${poller}, F32)`,
    { timeout: 10_000 },
    async (t) => {
      const provider = makeProvider(t, poller);
      const listener = await provider.listen({ path: tempPath() });
      const accepted = recordListener(t, listener);
      const peer = python(
        t,
        `s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
for word in (b'abc', b'def', b'ghi'): s.sendmsg([word], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))])
say('sent'); wait()`,
        listener.local.family === 'unix' ? String(listener.local.path) : '',
      );
      const stream = await accepted.stream();
      await peer.line();
      const before = countDescriptors();
      const recorder = record(t, stream);
      await recorder.untilBytes(9);
      assert.equal(recorder.text(), 'abcdefghi');
      assert.equal(countDescriptors(), before);
    },
  );

  test(`connections that were reset before they were accepted end, and no other (${poller}, F17)`, async (t) => {
    const provider = makeProvider(t, poller);
    const listener = await provider.listen({});
    const peer = python(
      t,
      `for i in range(100):
    s = dial(sys.argv[1])
    if i % 3 == 1: s.sendall(b'x' * 100)
    reset(s) if i % 3 else s.close()
say('gone'); s = dial(sys.argv[1]); s.sendall(b'alive'); wait()`,
      String(portOf(listener)),
    );
    await peer.line();
    const before = countDescriptors();
    provider.faults.fail('accept', 'ECONNABORTED', { times: 10, skip: 20 });
    const closed: (string | null)[] = [];
    let text = '';
    const all = deferred<undefined>();
    await new Promise<void>((resolve) => {
      listener.start({
        accept: (stream) => {
          assert.equal(stream.local.family, 'ipv4');
          stream.start({
            data: (chunk) => {
              text += String.fromCharCode(...chunk);
              if (text.endsWith('alive')) resolve();
            },
            end: () => {
              stream.closeWrite();
            },
            close: (error) => {
              if (closed.push(error?.code ?? null) >= 90) all.resolve(undefined);
            },
          });
        },
        close: () => undefined,
      });
    });
    await all.promise;
    assert.equal(closed.length, 90);
    assert.equal(countDescriptors(), before + 1);
  });
}

test('write tells whoever writes until then to stop, also when the connection has just failed (F09)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const recorder = record(t, client);
  provider.faults.fail('send', 'EPIPE');
  let writes = 0;
  while (client.write(new Uint8Array(16_384)) && writes < 100) writes++;
  assert.ok(writes < 5, `${String(writes)} writes went well`);
  // What the peer sent is read first, so the failure waits for its end.
  await server.close();
  assert.equal(causeOf(await recorder.untilClose()), 'EPIPE');
});

test('every length of short write and short read keeps every byte (F14)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const recorder = record(t, server);
  let sent = 0;
  for (let limit = 1; limit <= 70; limit++) {
    provider.faults.limit({ read: 71 - limit, write: limit });
    for (const size of [1, limit, limit + 1, 2 * limit, 137]) {
      client.write(patternBytes(size, sent));
      sent += size;
    }
    await recorder.untilBytes(sent);
  }
  recorder.checkPattern(sent);
  assert.equal(client.bytesWritten, sent);
  assert.equal(server.bytesRead, sent);
});

test('pauses and resumes at every moment lose and double nothing (F19)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const size = 8 * 1024 * 1024;
  let chunks = 0;
  let isOver = false;
  const sink = {
    data: (): void => {
      chunks++;
      if (chunks % 2 === 0) server.pause();
      if (chunks % 4 === 0) server.resume();
      else if (chunks % 3 === 0) queueMicrotask(resume);
      else setImmediate(resume);
      if (chunks % 5 === 0) server.start(recorder, { readSize: (chunks % 7) * 1000 + 1 });
    },
  };
  const resume = (): void => {
    if (isOver) return;
    server.pause();
    server.pause();
    server.resume();
    server.resume();
  };
  const recorder = record(t, server, sink);
  for (let at = 0; at < size;) {
    const part = Math.min(size - at, 60_000 + (at % 777));
    const wantsMore = client.write(patternBytes(part, at));
    at += part;
    if (!wantsMore) await written(client, new Uint8Array(0));
  }
  client.closeWrite();
  await recorder.untilEnd();
  isOver = true;
  recorder.checkPattern(size);
});

test('a stream may be connected to itself when that is asked for (F16)', async (t) => {
  const provider = makeProvider(t);
  const probe = await provider.listen({});
  const port = portOf(probe);
  await probe.close();
  const stream = await provider.connect({
    host: '127.0.0.1',
    port,
    localAddress: '127.0.0.1',
    localPort: port,
  });
  const recorder = record(t, stream);
  stream.write(asciiBytes('to myself'));
  await recorder.untilBytes(9);
  assert.equal(recorder.text(), 'to myself');
  assert.deepEqual(stream.local, stream.remote);
  stream.closeWrite();
  await recorder.untilEnd();
  assert.equal(await recorder.untilClose(), null);
});

const UNSHARED = [
  'sh',
  '-c',
  `exec unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"`,
  'sh',
] as const;

/** Why there can be no network of one's own here. */
async function whyNoNetwork(): Promise<string | false> {
  const { spawnSync } = await import('node:child_process');
  const [command, ...args] = UNSHARED;
  const { status, stderr } = spawnSync(command, [...args, 'true'], { encoding: 'utf8' });
  return status === 0 ? false : `no network namespace: ${stderr.trim()}`;
}

test('a port nobody listens on refuses, also when the kernel would connect the socket to itself (F16)', async (t) => {
  const skip = await whyNoNetwork();
  if (skip !== false) {
    t.skip(skip);
    return;
  }
  const peer = node(
    t,
    `import { writeFileSync } from 'node:fs';
    writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '45000 45000');
    const provider = localProvider();
    const before = count();
    const outcomes = new Set();
    for (let i = 0; i < 20; i++) {
      const error = await provider.connect({ host: '127.0.0.1', port: 45000 }).then(() => 'connected', (e) => e);
      outcomes.add(error.errors?.[0]?.code ?? String(error));
    }
    say([[...outcomes], count() - before]);
    await provider.close();`,
    { under: UNSHARED },
  );
  assert.deepEqual(await peer.json(), [['ECONNREFUSED'], 0]);
});

test('no port left is told as EADDRNOTAVAIL, and leaves nothing (F04)', async (t) => {
  const skip = await whyNoNetwork();
  if (skip !== false) {
    t.skip(skip);
    return;
  }
  const peer = node(
    t,
    `import { writeFileSync } from 'node:fs';
    writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', '45000 45003');
    const provider = localProvider();
    const listener = await provider.listen({ port: 7000 });
    const streams = [];
    listener.start({ accept: (stream) => streams.push(stream), close() {} });
    const codes = [];
    const open = [];
    const before = count();
    for (let i = 0; i < 8; i++)
      await provider.connect({ host: '127.0.0.1', port: 7000 }).then((s) => open.push(s), (e) => codes.push(e.errors[0].code, e.errors[0].message));
    for (const stream of open) stream.abort();
    say([open.length, codes]);
    await provider.close();`,
    { under: UNSHARED },
  );
  const [open, codes] = await peer.json<[number, string[]]>();
  assert.ok(open >= 2 && open <= 4, `${String(open)} connections`);
  assert.deepEqual(new Set(codes.filter((_, i) => i % 2 === 0)), new Set(['EADDRNOTAVAIL']));
  assert.match(codes[1] ?? '', /127\.0\.0\.1:7000/);
});

test('connect that is aborted while it is under way is over once, and leaves nothing (F16)', async (t) => {
  const provider = makeProvider(t);
  // A full backlog: nobody will ever answer.
  const peer = python(t, `s = serve(0); wait()`);
  const port = Number(await peer.line());
  const filler = await provider.connect({ host: '127.0.0.1', port });
  const before = countDescriptors();
  const abort = new AbortController();
  const attempts = Array.from({ length: 200 }, () =>
    provider.connect({ host: '127.0.0.1', port, signal: abort.signal }),
  );
  const settled = Promise.allSettled(attempts);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(countDescriptors(), before + 200);
  const reason = new Error('changed my mind');
  abort.abort(reason);
  for (const outcome of await settled) {
    assert.equal(outcome.status, 'rejected');
    assert.equal(outcome.reason, reason);
  }
  assert.equal(countDescriptors(), before);
  filler.abort();
});

test('connect that times out tells every address, and leaves nothing (F16)', async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, `s = serve(0); wait()`);
  const port = Number(await peer.line());
  const filler = await provider.connect({ host: '127.0.0.1', port });
  const before = countDescriptors();
  await assert.rejects(provider.connect({ host: '127.0.0.1', port, timeout: 30 }), (error) => {
    assert.ok(isSocketError(error));
    assert.equal(error.code, 'ERR_CONNECT_FAILED');
    assert.match(error.message, /ETIMEDOUT/);
    return true;
  });
  assert.equal(countDescriptors(), before);
  filler.abort();
});

test('bytes are counted exactly, both ways, whoever cuts them (bytes counters)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const atClient = record(t, client);
  const atServer = record(t, server, { data: (chunk) => server.write(chunk) });
  let sent = 0;
  for (const size of [0, 1, 2, 1023, 1024, 4096, 65535, 65536, 65537, 1_000_001]) {
    client.write(patternBytes(size, sent));
    sent += size;
  }
  client.closeWrite();
  await atServer.untilEnd();
  server.closeWrite();
  await atClient.untilEnd();
  assert.deepEqual(
    [client.bytesWritten, client.bytesRead, server.bytesWritten, server.bytesRead, client.bufferedAmount],
    [sent, sent, sent, sent, 0],
  );
  atClient.checkPattern(sent);
});

test('a broken stream counts as written only what the kernel took (bytes counters)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const recorder = record(t, client);
  provider.faults.fail('send', 'EPIPE', { skip: 2, times: 1 });
  const answers: (string | null | undefined)[] = [undefined, undefined, undefined, undefined, undefined];
  for (let i = 0; i < 5; i++) {
    try {
      client.write(new Uint8Array(10_000), (error) => (answers[i] = error?.code ?? null));
    } catch (error) {
      assert.ok(isSocketError(error));
      answers[i] = error.code;
    }
  }
  const got = record(t, server);
  await got.untilBytes(20_000);
  server.closeWrite();
  await recorder.untilClose();
  const broken = 'ERR_SOCKET_BROKEN';
  assert.deepEqual(
    { answers, written: client.bytesWritten, got: got.received },
    { answers: [null, null, broken, broken, broken], written: 20_000, got: 20_000 },
  );
});

test('thousands of connects and closes at once answer each exactly once (F51)', async (t) => {
  const provider = makeProvider(t);
  const listener = await provider.listen({});
  listener.start({
    accept: (stream) => {
      stream.abort();
    },
    close: () => undefined,
  });
  const before = countDescriptors();
  let closes = 0;
  for (let round = 0; round < 10; round++) {
    const streams = await Promise.all(
      Array.from({ length: 100 }, async () => provider.connect(whereIs(listener))),
    );
    for (const [i, stream] of streams.entries()) {
      stream.start({ data: () => undefined, close: () => closes++ });
      if (i % 3 === 0) stream.abort();
    }
    await Promise.all(streams.map((stream) => stream.close()));
  }
  assert.equal(closes, 1000);
  await listener.close();
  assert.equal(countDescriptors(), before - 1);
});
