/** The portable provider against other programs: CPython's sockets, and processes of its own. */
import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import test, { after } from 'node:test';
import type { SocketError } from '../base/errors.ts';
import { ConnectError } from '../base/errors.ts';
import type { Listener, SocketProvider, Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import { portableProvider } from './portable-provider.ts';

const folder = mkdtempSync(join(tmpdir(), 'peers-'));
after(() => {
  rmSync(folder, { recursive: true });
});
let paths = 0;

function freshPath(): string {
  return join(folder, `${String(++paths)}.sock`);
}

/** Another program, talked to in lines. It is killed when the test is over. */
class Peer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly exited: Promise<number | null>;

  constructor(t: TestContext, command: string, args: readonly string[]) {
    const child = spawn(command, [...args]);
    child.stderr.pipe(process.stderr);
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.exited = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    t.after(async () => {
      child.kill('SIGKILL');
      await this.exited;
    });
  }

  /** The next line that it prints; `null` at its end. */
  async line(): Promise<string | null> {
    const next = await this.#lines.next();
    return next.done === true ? null : next.value;
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }
}

const PRELUDE = `
import os, socket, struct, sys
def say(*words): print(*words, flush=True)
def wait(): return sys.stdin.readline()
def reset(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()
def serve(): s = socket.create_server(('127.0.0.1', 0)); say(s.getsockname()[1]); return s
def read_all(s):
    data = b''
    while True:
        try: part = s.recv(65536)
        except OSError as error: return data, type(error).__name__
        if not part: return data, 'end'
        data += part
`;

function python(t: TestContext, code: string, ...args: string[]): Peer {
  return new Peer(t, 'python3', ['-c', `${PRELUDE}${code}`, ...args]);
}

function makeProvider(t: TestContext): SocketProvider {
  const provider = portableProvider();
  t.after(() => provider.close());
  return provider;
}

async function connectTo(provider: SocketProvider, peer: Peer): Promise<Stream> {
  return provider.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
}

function portOf(socket: { local: Listener['local'] }): string {
  assert.ok(socket.local.family !== 'unix');
  return String(socket.local.port);
}

function firstOf(listener: Listener): Promise<Stream> {
  return new Promise((resolve) => {
    listener.start({ accept: resolve, close: () => undefined });
  });
}

/** All that a stream tells, until its close. */
function drain(stream: Stream): Promise<{ bytes: number; events: string[]; error: SocketError | null }> {
  return new Promise((resolve) => {
    const events: string[] = [];
    let bytes = 0;
    stream.start({
      data: (chunk) => {
        bytes += chunk.length;
        if (events.at(-1) !== 'data') events.push('data');
      },
      end: () => events.push('end'),
      close: (error) => {
        resolve({ bytes, events, error });
      },
    });
  });
}

function written(stream: Stream, bytes: Uint8Array): Promise<SocketError | null> {
  return new Promise((resolve) => {
    stream.write(bytes, resolve);
  });
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('portableProvider half-closes with CPython, each way', async (t) => {
  const provider = makeProvider(t);
  const listener = await provider.listen({});
  const accepted = firstOf(listener);
  const peer = python(
    t,
    `s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'q' * 300000); s.shutdown(socket.SHUT_WR)
data, how = read_all(s); say(len(data), how)`,
    portOf(listener),
  );
  const stream = await accepted;
  let received = 0;
  for await (const chunk of reader(stream)) received += chunk.length;
  assert.equal(received, 300_000);
  stream.write(new Uint8Array(400_000));
  stream.closeWrite();
  assert.equal(await peer.line(), '400000 end');
});

test("portableProvider gives the data before CPython's reset, then the broken connection", async (t) => {
  const peer = python(
    t,
    `s = serve(); c, _ = s.accept(); c.sendall(b'x' * 50000); wait(); reset(c); say('reset'); wait()`,
  );
  const stream = await connectTo(makeProvider(t), peer);
  peer.say('reset');
  assert.equal(await peer.line(), 'reset');
  const { bytes, events, error } = await drain(stream);
  assert.equal(bytes, 50_000);
  assert.deepEqual(events, ['data']);
  assert.equal(error?.name, 'BrokenError');
  assert.ok(error.cause instanceof Error && 'code' in error.cause);
  assert.equal(error.cause.code, 'ECONNRESET');
});

/** What was written, and whether the half was closed, when `abort` comes. */
const ABORTS: readonly (readonly [string, (stream: Stream) => void])[] = [
  ['idle', () => undefined],
  ['with megabytes unsent', (stream) => void stream.write(new Uint8Array(8 << 20))],
  [
    'with megabytes unsent and its half ending',
    (stream) => {
      stream.write(new Uint8Array(8 << 20));
      stream.closeWrite();
    },
  ],
  [
    'while it closes',
    (stream) => {
      stream.write(new Uint8Array(8 << 20));
      stream.close().catch(() => undefined);
    },
  ],
];
for (const [name, prepare] of ABORTS) {
  test(`abort of a stream ${name} is a reset to CPython`, async (t) => {
    const peer = python(
      t,
      `s = serve(); c, _ = s.accept(); say('go'); wait(); data, how = read_all(c); say(how)`,
    );
    const stream = await connectTo(makeProvider(t), peer);
    await peer.line();
    prepare(stream);
    stream.abort();
    await stream.close().catch(() => undefined);
    peer.say('read');
    assert.equal(await peer.line(), 'ConnectionResetError');
  });
}

test('abort right after closeWrite leaves no descriptor', async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, `s = serve(); c, _ = s.accept(); say('go'); wait(); say(read_all(c)[1])`);
  const before = openDescriptors();
  const stream = await connectTo(provider, peer);
  await peer.line();
  stream.closeWrite();
  stream.abort();
  await stream.close();
  assert.equal(openDescriptors(), before);
  peer.say('read');
  assert.ok(['end', 'ConnectionResetError'].includes((await peer.line()) ?? ''));
});

test('close sends all to a CPython that reads late, and that has sent what nobody read', async (t) => {
  const peer = python(
    t,
    `s = serve(); c, _ = s.accept(); c.sendall(b'unread' * 10000); say('sent'); wait()
data, how = read_all(c); say(len(data), how)`,
  );
  const stream = await connectTo(makeProvider(t), peer);
  await peer.line();
  stream.write(new Uint8Array(2 << 20));
  const closed = stream.close();
  peer.say('read');
  assert.equal(await peer.line(), `${String(2 << 20)} end`);
  await closed;
});

test('connect goes past a black hole, and leaves no descriptor of it', async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, BLACK_HOLE);
  const port = Number(await peer.line());
  const good = await provider.listen({ host: '127.0.0.2', port });
  const accepted = firstOf(good);
  const before = openDescriptors();
  const addresses = ['127.0.0.1', '127.0.0.2'].map((host) => ({ family: 'ipv4', host }) as const);
  const stream = await provider.connect({ host: 'both.test', port, addresses, attemptDelay: 10 });
  assert.deepEqual(stream.remote, { family: 'ipv4', host: '127.0.0.2', port });
  await accepted;
  assert.equal(openDescriptors(), before + 2);
});

/** A listener whose backlog is full: Linux drops every further SYN, so connecting neither succeeds nor fails. */
const BLACK_HOLE = `
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(0)
held = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)
say(s.getsockname()[1]); wait()`;

test('connect into a black hole ends with its time, and with its signal', async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, BLACK_HOLE);
  const port = Number(await peer.line());
  const before = openDescriptors();
  await assert.rejects(provider.connect({ host: '127.0.0.1', port, timeout: 30 }), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.deepEqual(
      error.errors.map(({ code, remote }) => [code, remote]),
      [['ETIMEDOUT', { family: 'ipv4', host: '127.0.0.1', port }]],
    );
    return true;
  });
  const controller = new AbortController();
  const reason = new Error('enough');
  const waiting = provider.connect({ host: '127.0.0.1', port, signal: controller.signal });
  setImmediate(() => {
    controller.abort(reason);
  });
  await assert.rejects(waiting, reason);
  assert.equal(openDescriptors(), before);
});

test('the end of a provider settles a connect into a black hole', async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, BLACK_HOLE);
  const waiting = provider.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
  const rejected = assert.rejects(waiting, { name: 'ClosedError', op: 'connect' });
  await provider.close();
  await rejected;
});

test('a listener keeps connections up to its limit, and resets the rest', async (t) => {
  const provider = makeProvider(t);
  const listener = await provider.listen({ backlog: 3 });
  const peer = python(
    t,
    `address = ('127.0.0.1', int(sys.argv[1]))
cs = [socket.create_connection(address) for _ in range(3)]
for _ in range(2):
    # The reset may come while connect is still waiting to be told of its success.
    try: say(read_all(socket.create_connection(address))[1])
    except ConnectionResetError as error: say(type(error).__name__)
for c in cs[:3]: c.sendall(b'kept'); c.shutdown(socket.SHUT_WR)
wait()`,
    portOf(listener),
  );
  assert.deepEqual([await peer.line(), await peer.line()], ['ConnectionResetError', 'ConnectionResetError']);
  const told = await new Promise<Promise<{ bytes: number }>[]>((resolve) => {
    const streams: Promise<{ bytes: number }>[] = [];
    const accept = (stream: Stream): void => {
      if (streams.push(drainEnd(stream)) === 3) resolve(streams);
    };
    listener.start({ accept, close: () => undefined });
  });
  assert.deepEqual(
    (await Promise.all(told)).map(({ bytes }) => bytes),
    [4, 4, 4],
  );
});

test('listen removes what a dead CPython left, only when asked to', async (t) => {
  const provider = makeProvider(t);
  const path = freshPath();
  const dead = python(t, `s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])`, path);
  await dead.exited;
  await assert.rejects(provider.listen({ path }), { name: 'SystemError', code: 'EADDRINUSE', op: 'listen' });
  assert.ok(lstatSync(path).isSocket());
  const listener = await provider.listen({ path, stale: 'replace', mode: 0o640 });
  assert.equal(statSync(path).mode & 0o777, 0o640);
  const peer = python(
    t,
    `s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'hi'); s.shutdown(1); wait()`,
    path,
  );
  const { bytes } = await drainEnd(await firstOf(listener));
  assert.equal(bytes, 2);
  peer.say('bye');
  await assert.rejects(provider.listen({ path, stale: 'replace' }), { code: 'EADDRINUSE' });
  assert.ok(lstatSync(path).isSocket());
  await listener.close();
  assert.equal(existsSync(path), false);
});

/** Answers the peer's end with one's own, so that the stream closes itself. */
async function drainEnd(stream: Stream): Promise<{ bytes: number }> {
  const told = drain(stream);
  stream.closeWrite();
  return told;
}

const hasAbstract = portableProvider().capabilities.has('unix-abstract');

for (const suffix of ['', '\0x']) {
  const what = suffix === '' ? 'an abstract name' : 'an abstract name with a NUL inside';
  test(`${what} is the same to CPython, or refused`, async (t) => {
    const provider = makeProvider(t);
    const name = `peers-${String(process.pid)}${suffix}`;
    if (!hasAbstract) {
      for (const call of [provider.listen({ path: `\0${name}` }), provider.connect({ path: `\0${name}` })]) {
        await assert.rejects(call, { name: 'UnsupportedError' });
      }
      return;
    }
    const listener = await provider.listen({ path: `\0${name}` });
    const accepted = firstOf(listener);
    const peer = python(
      t,
      `s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + sys.argv[1].replace('/', chr(0)))
s.sendall(b'abc'); s.shutdown(1); say('sent'); wait()`,
      name.replace('\0', '/'),
    );
    assert.equal(await peer.line(), 'sent');
    assert.equal((await drainEnd(await accepted)).bytes, 3);
  });
}

test('keepAlive reaches the kernel', { skip: process.platform !== 'linux' }, async (t) => {
  const provider = makeProvider(t);
  const peer = python(t, `s = serve(); c, _ = s.accept(); say('go'); wait()`);
  const port = Number(await peer.line());
  const stream = await provider.connect({
    host: '127.0.0.1',
    port,
    options: { keepAlive: { idle: 600 } },
  });
  await peer.line();
  const timer = (): string | undefined => {
    const hex = (port: number): string => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    return rows.find(
      ([, local, remote]) => local === hex(Number(portOf(stream))) && remote === hex(port),
    )?.[5];
  };
  // proc_net_tcp.txt: the timer's kind, 02 for keep-alive, and when it fires in ticks of 10 ms.
  const [kind, ticks] = (timer() ?? '').split(':');
  assert.equal(kind, '02');
  assert.ok(Math.abs(Number.parseInt(ticks ?? '', 16) - 60_000) < 6000, ticks);
  stream.set('keepAlive', false);
  assert.match(timer() ?? '', /^00:/);
});

const PROVIDER = JSON.stringify(new URL('./portable-provider.js', import.meta.url).href);

/** A process of our own that connects to the port it is given, and then does `code`. */
function ownProcess(t: TestContext, port: string, code: string): Peer {
  const script = `import { portableProvider } from ${PROVIDER};
const provider = portableProvider();
const stream = await provider.connect({ host: '127.0.0.1', port: ${port} });
${code}`;
  return new Peer(t, process.execPath, ['--input-type=module', '-e', script]);
}

test('a paused stream keeps its process alive', async (t) => {
  const listener = await makeProvider(t).listen({});
  const accepted = firstOf(listener);
  // The timer does not keep the process alive: it fires only if the stream does.
  const peer = ownProcess(
    t,
    portOf(listener),
    `stream.pause();
stream.start({ data: () => { console.log('read'); stream.abort(); }, close: () => undefined });
setTimeout(() => stream.resume(), 50).unref();`,
  );
  const stream = await accepted;
  await written(stream, Uint8Array.of(1));
  assert.equal(await peer.line(), 'read');
  assert.equal(await peer.exited, 0);
});

test('a stream and a listener that are unrefed let their process end', async (t) => {
  const listener = await makeProvider(t).listen({});
  const peer = ownProcess(
    t,
    portOf(listener),
    `stream.start({ data: () => undefined, close: () => undefined });
const listener = await provider.listen({});
listener.start({ accept: () => undefined, close: () => undefined });
stream.unref(); listener.unref();
process.on('exit', () => console.log('over'));`,
  );
  assert.equal(await peer.line(), 'over');
  assert.equal(await peer.exited, 0);
});
