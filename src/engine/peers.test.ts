/** The native engine against other people's programs: CPython and socat. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import test from 'node:test';

import type { Stream } from '../base/provider.ts';
import { portOf, record, recordListener } from '../testing/node/pairs.ts';
import { Peer, python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { patternBytes } from '../testing/pattern.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

const SIZE = 16 * 1024 * 1024;

function makeProvider(t: TestContext, poller: 'epoll' | 'poll'): LocalProvider {
  const provider = localProvider({ poller });
  t.after(() => provider.close());
  return provider;
}

/** Sends all of `bytes` in pieces of odd sizes, heeding `drain`, and then FIN. */
function sendAll(stream: Stream, bytes: Uint8Array): () => void {
  let at = 0;
  let turn = 0;
  const more = (): void => {
    while (at < bytes.length) {
      const size = [1, 7, 1021, 65_537, 12_345, 300_007][turn++ % 6] ?? 1;
      const chunk = bytes.subarray(at, at + size);
      at += chunk.length;
      if (!stream.write(chunk)) return;
    }
    stream.closeWrite();
  };
  return more;
}

const SHA_PEER = `
import threading
def talk(s):
    data = bytes(range(251)) * (int(sys.argv[2]) // 251)
    def send():
        at = 0; turn = 0
        while at < len(data):
            n = (1, 13, 4099, 99991, 262147)[turn % 5]; turn += 1
            s.sendall(data[at:at + n]); at += n
        s.shutdown(socket.SHUT_WR)
    thread = threading.Thread(target=send); thread.start()
    got, how = read_all(s); thread.join()
    say(json.dumps([hashlib.sha256(data).hexdigest(), hashlib.sha256(got).hexdigest(), len(got), how]))
`;

const ROWS = [
  ['epoll', 'owned'],
  ['epoll', 'view'],
  ['poll', 'owned'],
] as const;

for (const [poller, chunks] of ROWS) {
  test(`16 MiB both ways at once with CPython, in odd chunks, byte for byte (${poller}, ${chunks}, F11, F14)`, async (t) => {
    const provider = makeProvider(t, poller);
    const listener = await provider.listen({});
    const peer = python(t, `${SHA_PEER}\ntalk(dial(sys.argv[1]))`, String(portOf(listener)), String(SIZE));
    const stream = await recordListener(t, listener).stream();
    const bytes = patternBytes(SIZE);
    const send = sendAll(stream, bytes);
    const hash = createHash('sha256');
    await new Promise<void>((resolve, reject) => {
      stream.start(
        {
          data: (chunk) => {
            hash.update(chunk);
          },
          drain: send,
          close: (error) => {
            if (error === null) resolve();
            else reject(error);
          },
        },
        { chunks },
      );
      send();
    });
    const [theirs, ours, length, how] = await peer.json<[string, string, number, string]>();
    assert.equal(how, 'end');
    assert.equal(length, SIZE);
    assert.equal(ours, createHash('sha256').update(bytes).digest('hex'));
    assert.equal(hash.digest('hex'), theirs);
    assert.deepEqual([stream.bytesWritten, stream.bytesRead], [SIZE, 251 * Math.floor(SIZE / 251)]);
  });
}

test('CPython ends its half, is answered, and sees the end (F11)', async (t) => {
  const provider = makeProvider(t, 'epoll');
  const listener = await provider.listen({});
  const peer = python(
    t,
    `s = dial(sys.argv[1]); s.sendall(b'q' * 300000); s.shutdown(socket.SHUT_WR)
data, how = read_all(s); say(len(data), how)`,
    String(portOf(listener)),
  );
  const stream = await recordListener(t, listener).stream();
  const recorder = record(t, stream);
  await recorder.untilEnd();
  assert.equal(recorder.received, 300_000);
  stream.write(new Uint8Array(400_000));
  stream.closeWrite();
  assert.equal(await peer.line(), '400000 end');
  assert.equal(await recorder.untilClose(), null);
});

test('we end our half first, and CPython goes on (F11)', async (t) => {
  const provider = makeProvider(t, 'epoll');
  const peer = python(
    t,
    `s = serve(); c, _ = s.accept(); data, how = read_all(c); say(len(data), how)
for i in range(100): c.sendall(b'z' * 3001)
c.close(); wait()`,
  );
  const stream = await provider.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
  const recorder = record(t, stream);
  stream.write(new Uint8Array(5));
  stream.closeWrite();
  stream.closeWrite();
  assert.equal(await peer.line(), '5 end');
  assert.equal(await recorder.untilClose(), null);
  assert.equal(recorder.received, 300_100);
});

test('abort is a reset for CPython, close is not, though bytes were unread (F09)', async (t) => {
  const provider = makeProvider(t, 'epoll');
  const listener = await provider.listen({});
  const accepted = recordListener(t, listener);
  const code = `s = dial(sys.argv[1]); s.sendall(b'x' * 100000); say('sent'); data, how = read_all(s); say(len(data), how)`;
  const outcomes: string[] = [];
  for (const [i, end] of ['close', 'abort'].entries()) {
    const peer = python(t, code, String(portOf(listener)));
    const stream = await accepted.stream(i);
    await peer.line();
    stream.write(new Uint8Array(5000));
    if (end === 'close') await stream.close();
    else stream.abort();
    outcomes.push(await peer.line());
  }
  assert.equal(outcomes[0], '5000 end');
  assert.match(outcomes[1] ?? '', /^\d+ ConnectionResetError$/);
});

test('a reset by CPython with zero linger breaks every stream at once, each with its own error (F09)', async (t) => {
  const provider = makeProvider(t, 'epoll');
  const listener = await provider.listen({});
  const accepted = recordListener(t, listener);
  const peer = python(
    t,
    `all = [dial(sys.argv[1]) for i in range(50)]
wait()
for s in all: reset(s)
say('reset'); wait()`,
    String(portOf(listener)),
  );
  await accepted.until(() => accepted.streams.length === 50, '50 connections');
  const recorders = accepted.streams.map((stream) => record(t, stream));
  peer.say('go');
  const errors = await Promise.all(recorders.map((recorder) => recorder.untilClose()));
  assert.ok(errors.every((error) => error?.code === 'ERR_SOCKET_BROKEN'));
  const ports = errors.map((error) => (error?.remote?.family === 'ipv4' ? error.remote.port : 0));
  assert.equal(new Set(ports).size, 50);
  await peer.line();
});

/** Where socat connects to, by transport. */
const SOCAT = ['TCP4', 'UNIX-CONNECT', 'ABSTRACT-CONNECT'] as const;

for (const kind of SOCAT) {
  test(`socat over ${kind} echoes through us, with half-close (F11)`, async (t) => {
    const { status } = await runProgram('socat', ['-V']).catch(() => ({ status: 'missing' }));
    if (status !== 0) {
      t.skip('no socat');
      return;
    }
    const provider = makeProvider(t, 'epoll');
    const name = `portside-test-${String(process.pid)}`;
    const path = kind === 'UNIX-CONNECT' ? tempPath() : `\0${name}`;
    const listener = await provider.listen(kind === 'TCP4' ? {} : { path });
    listener.start({
      accept: (stream) => {
        stream.start({
          data: (chunk) => stream.write(chunk),
          end: () => {
            stream.closeWrite();
          },
          close: () => undefined,
        });
      },
      close: () => undefined,
    });
    const to = { TCP4: `127.0.0.1:${kind === 'TCP4' ? String(portOf(listener)) : ''}`, 'UNIX-CONNECT': path };
    const target = kind === 'ABSTRACT-CONNECT' ? name : to[kind];
    const socat = new Peer(t, 'socat', ['-t', '30', '-', `${kind}:${target}`]);
    const text = Array.from({ length: 5000 }, (_, i) => `line ${String(i)}`);
    socat.child.stdin.end(`${text.join('\n')}\n`);
    for (const line of text) assert.equal(await socat.line(), line);
    assert.equal((await socat.ended).status, 0);
  });
}
