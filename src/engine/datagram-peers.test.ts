/** Datagrams of the native engine against other people's programs: CPython and socat. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import test from 'node:test';

import type { Datagram } from '../base/provider.ts';
import { DatagramRecorder } from '../testing/datagram-recorder.ts';
import { portOf } from '../testing/node/pairs.ts';
import { Peer, python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { patternBytes } from '../testing/pattern.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

/** Empty, tiny, more than one packet takes, and the longest that UDP over IPv4 has room for. */
const SIZES = [0, 1, 1200, 0, 9001, 65_507, 3] as const;

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const messages = (): Uint8Array[] => SIZES.map((size, i) => patternBytes(size, i));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function makeProvider(t: TestContext, poller: 'epoll' | 'poll'): LocalProvider {
  const provider = localProvider({ poller });
  t.after(() => provider.close());
  return provider;
}

function record(t: TestContext, socket: Datagram): DatagramRecorder {
  const problems: string[] = [];
  t.after(() => {
    assert.deepEqual(problems, []);
  });
  const recorder = new DatagramRecorder((problem) => problems.push(problem));
  socket.start(recorder);
  return recorder;
}

/** Fulfils when the kernel has taken it. */
function send(socket: Datagram, bytes: Uint8Array, to?: Datagram['local']): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send({ bytes, to }, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

const HASHES = `
def echo(s, n, connected=False):
    told = []
    for i in range(n):
        data, who = s.recvfrom(70000)
        told.append([len(data), hashlib.sha256(data).hexdigest()])
        s.send(data[::-1]) if connected else s.sendto(data[::-1], who)
    say(json.dumps(told))
`;

/** Sends each message when the one before has been answered, and compares both ways byte for byte. */
async function converse(
  socket: Datagram,
  { recorder, peer, to }: { recorder: DatagramRecorder; peer: Peer; to?: Datagram['local'] },
): Promise<void> {
  const all = messages();
  for (const [i, bytes] of all.entries()) {
    await send(socket, bytes, to);
    const { bytes: answer, truncated } = await recorder.datagram(i);
    assert.equal(truncated, false);
    assert.equal(sha(answer), sha(bytes.toReversed()));
  }
  assert.deepEqual(
    await peer.json(),
    all.map((bytes) => [bytes.length, sha(bytes)]),
  );
  assert.deepEqual([socket.sent, socket.received, recorder.datagrams.length], Array(3).fill(all.length));
}

for (const poller of ['epoll', 'poll'] as const) {
  for (const [family, host] of [
    ['AF_INET', '127.0.0.1'],
    ['AF_INET6', '::1'],
  ] as const) {
    test(`${poller}: UDP with CPython over ${host}, empty and large, byte for byte (F23)`, async (t) => {
      const provider = makeProvider(t, poller);
      const code = `${HASHES}
s = socket.socket(socket.${family}, socket.SOCK_DGRAM); s.bind((sys.argv[1], 0)); say(s.getsockname()[1])
echo(s, ${String(SIZES.length)})`;
      const peer = python(t, code, host);
      const port = Number(await peer.line());
      const socket = await provider.bind({ host });
      const recorder = record(t, socket);
      const to = { family: host === '::1' ? 'ipv6' : 'ipv4', host, port } as const;
      await converse(socket, { recorder, peer, to });
      for (const { remote } of recorder.datagrams) assert.deepEqual(remote, to);
    });
  }

  test(`${poller}: connected UDP with CPython, empty and large, byte for byte (F23)`, async (t) => {
    const provider = makeProvider(t, poller);
    const code = `${HASHES}
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); say(s.getsockname()[1])
echo(s, ${String(SIZES.length)})`;
    const peer = python(t, code);
    const remote = { host: '127.0.0.1', port: Number(await peer.line()) };
    const socket = await provider.bind({ host: '127.0.0.1', remote });
    await converse(socket, { recorder: record(t, socket), peer });
  });

  test(`${poller}: Unix datagrams with CPython, at a path and without a name (F23)`, async (t) => {
    const provider = makeProvider(t, poller);
    const code = `${HASHES}
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); say('bound')
echo(s, ${String(SIZES.length)})
wait(); d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.sendto(b'nameless', sys.argv[2])`;
    const [theirs, ours] = [tempPath(), tempPath()];
    const peer = python(t, code, theirs, ours);
    assert.equal(await peer.line(), 'bound');
    const socket = await provider.bind({ path: ours });
    const recorder = record(t, socket);
    const to = { family: 'unix', path: theirs } as const;
    await converse(socket, { recorder, peer, to });
    peer.say('go');
    const nameless = await recorder.datagram(SIZES.length);
    assert.equal(text(nameless.bytes), 'nameless');
    assert.deepEqual(nameless.remote, { family: 'unix', path: '' });
  });

  test(`${poller}: sequenced packets to CPython, empty ones and the end apart (F23)`, async (t) => {
    const provider = makeProvider(t, poller);
    const code = `${HASHES}
l = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); l.bind(sys.argv[1]); l.listen(); say('bound')
s, _ = l.accept(); echo(s, ${String(SIZES.length)}, True); s.close(); wait()`;
    const remotePath = tempPath();
    const peer = python(t, code, remotePath);
    assert.equal(await peer.line(), 'bound');
    const socket = await provider.bind({ type: 'seqpacket', remotePath });
    const recorder = record(t, socket);
    await converse(socket, { recorder, peer });
    assert.equal(await recorder.untilClose(), null);
  });

  test(`${poller}: sequenced packets from CPython to listenPackets, and our end (F23)`, async (t) => {
    const provider = makeProvider(t, poller);
    const path = tempPath();
    const listener = await provider.listenPackets({ path });
    const accepted = new Promise<Datagram>((resolve) => {
      listener.start({ accept: resolve, close: () => undefined });
    });
    const code = `${HASHES}
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])
echo(s, ${String(SIZES.length)}, True); say(len(s.recv(10)))`;
    const peer = python(t, code, path);
    const socket = await accepted;
    await converse(socket, { recorder: record(t, socket), peer });
    await socket.close();
    assert.equal(await peer.line(), '0');
    assert.equal((await peer.ended).status, 0);
  });
}

test('100 datagrams in one turn arrive at CPython in their order, also as trains (F29)', async (t) => {
  const provider = makeProvider(t, 'epoll');
  const peer = python(
    t,
    `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.1', 0)); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4000000); say(s.getsockname()[1])
say(json.dumps([s.recv(1000).hex() for i in range(100)]))`,
  );
  const to = { family: 'ipv4', host: '127.0.0.1', port: Number(await peer.line()) } as const;
  const socket = await provider.bind({ host: '127.0.0.1' });
  const all = Array.from({ length: 100 }, (_, i) => patternBytes(i === 99 ? 7 : 300, i));
  assert.equal(socket.sendMany(all.map((bytes) => ({ bytes, to }))), all.length);
  assert.deepEqual(
    await peer.json(),
    all.map((bytes) => Buffer.from(bytes).toString('hex')),
  );
});

/** Whether there is socat; if not, the test is passed over. */
async function hasSocat(t: TestContext): Promise<boolean> {
  const { status } = await runProgram('socat', ['-V']).catch(() => ({ status: 'missing' }));
  if (status !== 0) t.skip('no socat');
  return status === 0;
}

test('socat over UDP4-SENDTO sends a datagram, and prints the answer', async (t) => {
  if (!(await hasSocat(t))) return;
  const provider = makeProvider(t, 'epoll');
  const socket = await provider.bind({ host: '127.0.0.1' });
  const recorder = record(t, socket);
  const socat = new Peer(t, 'socat', ['-', `UDP4-SENDTO:127.0.0.1:${String(portOf(socket))}`]);
  socat.say('ask');
  const { bytes, remote } = await recorder.datagram();
  assert.equal(text(bytes), 'ask\n');
  await send(socket, new TextEncoder().encode('answer\n'), remote);
  assert.equal(await socat.line(), 'answer');
});

test('socat over UDP4-LISTEN takes us for its peer, and echoes', async (t) => {
  if (!(await hasSocat(t))) return;
  const provider = makeProvider(t, 'epoll');
  const socat = new Peer(t, 'socat', ['-d', '-d', 'UDP4-LISTEN:0,bind=127.0.0.1', 'PIPE']);
  const port = await new Promise<number>((resolve) => {
    socat.child.stderr.on('data', (line: string) => {
      const found = /listening on .*:(\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
  });
  const socket = await provider.bind({ remote: { host: '127.0.0.1', port } });
  const recorder = record(t, socket);
  for (const [i, bytes] of [patternBytes(5, 1), patternBytes(4000, 2)].entries()) {
    await send(socket, bytes);
    assert.deepEqual((await recorder.datagram(i)).bytes, bytes);
  }
});

test('socat over UNIX-SENDTO and UNIX-RECV speaks with us by paths', async (t) => {
  if (!(await hasSocat(t))) return;
  const provider = makeProvider(t, 'epoll');
  const [ours, theirs, receiver] = [tempPath(), tempPath(), tempPath()];
  const socket = await provider.bind({ path: ours });
  const recorder = record(t, socket);
  const sender = new Peer(t, 'socat', ['-', `UNIX-SENDTO:${ours},bind=${theirs}`]);
  sender.say('ask');
  const { bytes, remote } = await recorder.datagram();
  assert.equal(text(bytes), 'ask\n');
  assert.deepEqual(remote, { family: 'unix', path: theirs });
  await send(socket, new TextEncoder().encode('answer\n'), remote);
  assert.equal(await sender.line(), 'answer');
  const listener = new Peer(t, 'socat', ['-d', '-d', '-u', `UNIX-RECV:${receiver}`, '-']);
  await new Promise<void>((resolve) => {
    listener.child.stderr.on('data', (line: string) => {
      if (line.includes('starting data transfer loop')) resolve();
    });
  });
  await send(socket, new TextEncoder().encode('one way\n'), { family: 'unix', path: receiver });
  assert.equal(await listener.line(), 'one way');
});
