/** The promise API over this machine's sockets, with programs of other people's at the other end. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { SocketProvider } from '../base/provider.ts';
import type { Connection, Portside } from '../doors/portside.ts';
import { BrokenError, ClosedError, ConnectError, createPortside, formatAddress } from '../doors/portside.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { portOf } from '../testing/node/pairs.ts';
import { python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';

const PROVIDERS: readonly (readonly [name: string, make: () => SocketProvider])[] = [
  ['local', () => localProvider()],
  ['portable', () => portableProvider()],
];

function capabilitiesOf(make: () => SocketProvider): SocketProvider['capabilities'] {
  const provider = make();
  void provider.close();
  return provider.capabilities;
}

/** The API for one test, after which as many descriptors are open as before. */
function begin(t: TestContext, make: () => SocketProvider): Portside {
  const provider = make();
  const leaks = leakCheck();
  t.after(async () => {
    await provider.close();
    leaks.check();
  });
  return createPortside({ provider, warn: (text) => assert.fail(text) });
}

/** Runs a program that reads `input`, and answers what it wrote. */
async function pipe(command: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [status] = (await once(child, 'close')) as [number | null];
  assert.equal(status, 0, `${command} failed`);
  return output;
}

const decode = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();

async function shout(connection: Connection): Promise<void> {
  for await (const line of connection.lines()) await connection.write(`${line.toUpperCase()}\n`);
}

for (const [name, make] of PROVIDERS) {
  test(`portside over ${name}: a service by lines, for socat`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const serving = server.serve(shout);
    const port = String(portOf(server));
    const outputs = await Promise.all(
      ['one\ntwo', 'three\r\n', ''].map((input) =>
        pipe('socat', ['-t5', '-', `TCP:127.0.0.1:${port}`], input),
      ),
    );
    assert.deepEqual(outputs, ['ONE\nTWO\n', 'THREE\n', '']);
    await server.close();
    await serving;
  });

  test(`portside over ${name}: a Unix path, for socat`, async (t) => {
    const front = begin(t, make);
    const path = tempPath();
    const server = await front.listen({ on: `unix:${path}` });
    const serving = server.serve(shout);
    assert.equal(await pipe('socat', ['-t5', '-', `UNIX-CONNECT:${path}`], 'unix\n'), 'UNIX\n');
    await server.close();
    await serving;
  });

  test(`portside over ${name}: HTTP for curl, by readUntil and readExactly`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const serving = server.serve(async (connection) => {
      const head = decode(await connection.readUntil('\r\n\r\n')) ?? '';
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      const body = await connection.readExactly(length);
      await connection.write([
        `HTTP/1.0 200 OK\r\nContent-Length: ${String(length)}\r\n\r\n`,
        body.reverse(),
      ]);
    });
    const url = `http://127.0.0.1:${String(portOf(server))}/`;
    const { status, stdout } = await runProgram('curl', ['-sS', '--noproxy', '*', '-d', 'abcdef', url]);
    assert.deepEqual([status, stdout], [0, 'fedcba']);
    await server.close();
    await serving;
  });

  test(`portside over ${name}: connects to CPython, and both ends end by themselves`, async (t) => {
    const front = begin(t, make);
    const peer = python(
      t,
      `
s = serve()
c, _ = s.accept()
data, how = read_all(c)
c.sendall(data[::-1]); c.shutdown(socket.SHUT_WR)
say(how, len(data)); c.close()
`,
    );
    const connection = await front.connect({ to: `localhost:${await peer.line()}`, family: 'ipv4' });
    const bytes = Buffer.alloc(1_000_000, 'abcdefg');
    for (let at = 0; at < bytes.length; at += 50_000) await connection.write(bytes.subarray(at, at + 50_000));
    await connection.closeWrite();
    const answer = await connection.readExactly(bytes.length);
    assert.ok(Buffer.from(answer).equals(bytes.reverse()));
    assert.equal(await connection.read(), null);
    assert.equal(await peer.line(), 'end 1000000');
    await connection.close();
    await peer.ended;
  });

  test(`portside over ${name}: a reset of CPython's is told after what came before (F10)`, async (t) => {
    const front = begin(t, make);
    const peer = python(
      t,
      `s = serve(); c, _ = s.accept(); c.sendall(b'last words'); wait(); reset(c); say('done')`,
    );
    const connection = await front.connect({ to: `127.0.0.1:${await peer.line()}` });
    assert.equal(decode(await connection.readExactly(10)), 'last words');
    peer.say('now');
    await assert.rejects(connection.read(), BrokenError);
    await connection.close();
    await peer.ended;
  });

  test(`portside over ${name}: a reader that is slow holds the sender back (F13)`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const client = await front.connect({ to: server.local, readAhead: 4096 });
    const peer = await server.accept();
    let sent = 0;
    const controller = new AbortController();
    const sending = (async () => {
      for (;;) {
        await peer.write(new Uint8Array(65_536), { signal: controller.signal });
        sent += 65_536;
      }
    })();
    const stopped = assert.rejects(sending, /enough/);
    assert.equal((await client.readExactly(1000)).length, 1000);
    // What the kernel holds in between is its own business; the API itself holds no more than it says.
    assert.ok(client.bytesRead <= 1000 + 4096 + 65_536, String(client.bytesRead));
    controller.abort(new Error('enough'));
    await stopped;
    assert.ok(peer.bufferedAmount <= 3 * 65_536, `${String(sent)} ${String(peer.bufferedAmount)}`);
    client.abort();
    peer.abort();
    await server.close();
  });

  test(`portside over ${name}: aborting at any point leaves nothing open (F07)`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    for (const steps of [0, 1, 2, 3, 5, 8]) {
      const controller = new AbortController();
      const { signal } = controller;
      const call = front.connect({ to: server.local, signal }).then(async (connection) => {
        await using socket = connection;
        await socket.write('x', { signal });
        await socket.readUntil('\n', { signal });
      });
      for (let i = 0; i < steps; i++) await Promise.resolve();
      controller.abort(new Error('stop'));
      await assert.rejects(call, /stop/);
    }
    await server.close();
    await assert.rejects(front.connect({ to: formatAddress(server.local) }), ConnectError);
    await assert.rejects(server.accept(), ClosedError);
  });

  test(`portside over ${name}: the asynchronous context of a caller is kept`, async (t) => {
    const front = begin(t, make);
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const server = await front.listen();
    const serving = storage.run('serve', () =>
      server.serve(async (connection) => {
        for await (const line of connection.lines()) {
          seen.push(`${String(storage.getStore())} ${line}`);
          await connection.write('ok\n');
        }
      }),
    );
    await storage.run('client', async () => {
      const connection = await front.connect({ to: server.local });
      for (const line of ['1', '2']) {
        await connection.write(`${line}\n`);
        await connection.readUntil('\n');
        seen.push(storage.getStore());
      }
      await connection.close();
    });
    await server.close();
    await serving;
    assert.deepEqual(seen, ['serve 1', 'client', 'serve 2', 'client']);
  });

  test(`portside over ${name}: a writer hears of a reset although nobody reads (F09)`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const [client, peer] = await Promise.all([front.connect({ to: server.local }), server.accept()]);
    await peer.write('unread');
    const { closed } = client.writable.getWriter();
    peer.abort();
    await assert.rejects(closed, BrokenError);
    assert.equal(decode(await client.readExactly(6)), 'unread');
    await assert.rejects(client.read(), BrokenError);
    await server.close();
  });

  test(`portside over ${name}: WHATWG streams, echoed by socat`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const child = spawn('socat', [`TCP:127.0.0.1:${String(portOf(server))}`, 'EXEC:cat'], {
      stdio: 'inherit',
    });
    const ended = once(child, 'close');
    const connection = await server.accept();
    const writing = (async () => {
      const writer = connection.writable.getWriter();
      for (let i = 0; i < 100; i++) await writer.write(new Uint8Array(10_000).fill(i));
      await writer.close();
    })();
    const reader = connection.readable.getReader({ mode: 'byob' });
    let buffer = new ArrayBuffer(30_000);
    let total = 0;
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) break;
      for (const byte of value) assert.equal(byte, Math.floor(total++ / 10_000));
      buffer = value.buffer;
    }
    assert.equal(total, 1_000_000);
    await Promise.all([writing, ended, server.close()]);
    await connection.close();
  });
}

const PYTHON_ECHO = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); say(s.getsockname()[1])
while True:
    data, peer = s.recvfrom(70000)
    if data == b'stop': break
    s.sendto(data[::-1], peer)
`;

for (const [name, make] of PROVIDERS) {
  const skip = !capabilitiesOf(make).has('udp') && 'this provider has no UDP';

  test(`portside over ${name}: datagrams to and from CPython`, { skip }, async (t) => {
    const front = begin(t, make);
    const peer = python(t, PYTHON_ECHO);
    const to = `127.0.0.1:${await peer.line()}`;
    const socket = await front.bind({ on: '127.0.0.1:0' });
    await socket.send('abc', to);
    const answer = await socket.receive();
    assert.deepEqual([decode(answer.bytes), formatAddress(answer.remote)], ['cba', to]);
    const connected = await front.bind({ to });
    await connected.sendMany(Array.from({ length: 20 }, (_, i) => ({ data: String(i + 10) })));
    const got: (string | null)[] = [];
    for await (const { bytes } of connected) {
      got.push(decode(bytes));
      if (got.length === 20) break;
    }
    assert.deepEqual(
      got,
      Array.from({ length: 20 }, (_, i) =>
        String(i + 10)
          .split('')
          .reverse()
          .join(''),
      ),
    );
    await connected.send('stop');
    await Promise.all([socket.close(), connected.close(), peer.ended]);
  });

  test(`portside over ${name}: datagrams are received in the caller's context`, { skip }, async (t) => {
    const front = begin(t, make);
    const storage = new AsyncLocalStorage<string>();
    const socket = await front.bind({ on: '127.0.0.1:0' });
    const seen = storage.run('receiver', async () => {
      await socket.receive();
      return storage.getStore();
    });
    const other = await front.bind({ to: formatAddress(socket.local) });
    await storage.run('sender', () => other.send('x'));
    assert.equal(await seen, 'receiver');
    await Promise.all([socket.close(), other.close()]);
  });
}
