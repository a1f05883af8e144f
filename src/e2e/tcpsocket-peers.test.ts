/** `TCPSocket` with other people's programs at the other end, and with the programs of its own that were written for it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { SocketProvider } from '../base/provider.ts';
import type { BrowserHost, ClientSocket, ServerSocket, TcpNamespace } from '../doors/tcpsocket.ts';
import { createBrowserHost } from '../doors/tcpsocket.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { certificates } from '../testing/node/certificates.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { Peer, python } from '../testing/node/peer.ts';

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const hasPython = has('python3', '-c', 'import ssl');
const hasSocat = has('socat', '-V');
const hasOpenssl = has('openssl', 'version');
const made = hasOpenssl ? certificates() : undefined;

const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
};

interface World {
  readonly tcp: TcpNamespace;
  readonly host: BrowserHost;
  readonly t: TestContext;
}

/** One test for each provider, at whose end no descriptor is left. */
function each(name: string, isThere: boolean, body: (world: World) => Promise<void>): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    const skip = isThere ? false : 'the program is not there';
    test(`TCPSocket ${name}, ${kind}`, { skip }, async (t) => {
      const leaks = leakCheck();
      const provider = make();
      const manifest = { permissions: ['tcp-connect:*:*', 'tcp-listen:*'] };
      const host = createBrowserHost({ manifest, provider });
      try {
        await body({ tcp: host.browser.TCPSocket as TcpNamespace, host, t });
      } finally {
        await host.close();
        await provider.close();
        t.after(async () => {
          await leaks.settled();
        });
      }
    });
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: ArrayBuffer): string => new TextDecoder().decode(data);

async function nextOf(server: ServerSocket): Promise<ClientSocket> {
  const { value } = await server.connections.next();
  assert.ok(value !== undefined);
  return value;
}

/** The loop in which most programs read, which ends by an exception. */
async function naiveLoop(socket: ClientSocket, onChunk: (chunk: ArrayBuffer) => unknown): Promise<unknown> {
  try {
    for (;;) await onChunk(await socket.read());
  } catch (error) {
    return error;
  }
}

each('echoes to CPython, which ends its side first', hasPython, async ({ tcp, t }) => {
  const server = await tcp.listen();
  const size = 1_000_000;
  const peer = python(
    t,
    `
import threading
data = bytes(i * 7 % 256 for i in range(${String(size)}))
s = dial(sys.argv[1])
def send(): s.sendall(data); s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
back, how = read_all(s)
say(back == data, how)
`,
    String(server.localPort),
  );
  const socket = await nextOf(server);
  let count = 0;
  const end = await naiveLoop(socket, async (chunk) => {
    count += chunk.byteLength;
    await socket.write(chunk);
  });
  assert.equal(count, size);
  assert.match(String(end), /Socket is not open/, 'the empty chunk that is the end cannot be echoed');
  assert.equal(await peer.line(), 'True end', 'all of the echo came, also what was read last');
});

each('reads slowly what CPython sends fast, in bounded memory', hasPython, async ({ tcp, t }) => {
  const total = 160 * 1024 * 1024;
  const server = await tcp.listen();
  const peer = python(
    t,
    `
s = dial(sys.argv[1])
block = bytes(i % 256 for i in range(65536))
h = hashlib.sha256()
say('ready')
for _ in range(${String(total / 65_536)}): s.sendall(block); h.update(block)
s.close()
say(h.hexdigest())
`,
    String(server.localPort),
  );
  const socket = await nextOf(server);
  await peer.line();
  const before = process.memoryUsage();
  const hash = createHash('sha256');
  let most = 0;
  let count = 0;
  for (;;) {
    const chunk = await socket.read();
    if (chunk.byteLength === 0) break;
    count += chunk.byteLength;
    hash.update(new Uint8Array(chunk));
    most = Math.max(most, process.memoryUsage().external - before.external);
    // Slower than the peer: one chunk for each turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(count, total);
  assert.equal(hash.digest('hex'), await peer.line());
  assert.ok(most < total / 2, `${String(most)} bytes were held`);
});

each('does not read at all what nobody asks for', hasPython, async ({ tcp, t }) => {
  const server = await tcp.listen();
  const peer = python(
    t,
    `
s = dial(sys.argv[1])
s.setblocking(False)
sent = 0
import select
while True:
    if not select.select([], [s], [], 0.3)[1]: break
    try: sent += s.send(bytes(65536))
    except BlockingIOError: pass
say(sent)
wait()
`,
    String(server.localPort),
  );
  const socket = await nextOf(server);
  const sent = Number(await peer.line());
  assert.ok(sent > 64 * 1024 && sent < 64 * 1024 * 1024, `the peer is held back after ${String(sent)} bytes`);
  let count = 0;
  while (count < sent) count += (await socket.read()).byteLength;
  assert.equal(count, sent);
  peer.say('end');
});

each('is told of a reset by CPython', hasPython, async ({ tcp, t }) => {
  const server = await tcp.listen();
  const peer = python(t, `s = dial(sys.argv[1])\nwait()\nreset(s)\nwait()`, String(server.localPort));
  const socket = await nextOf(server);
  const read = socket.read();
  const outcome = Promise.allSettled([read]);
  peer.say('reset');
  const reset = { name: 'IOError', message: 'NetworkInterruptError: Network', code: 'ECONNRESET' };
  await assert.rejects(socket.closed, reset);
  await outcome;
  await assert.rejects(read, reset);
  peer.say('end');
});

each('closes without waiting for a peer that does not', hasPython, async ({ tcp, t }) => {
  const peer = python(t, `s = serve()\nc, _ = s.accept()\nsay(c.recv(100))\nwait()\nsay(read_all(c))`);
  const port = Number(await peer.line());
  const socket = await tcp.connect({ host: 'localhost', port });
  await socket.opened;
  void socket.write(bytes('last'));
  await socket.close();
  assert.equal(socket.readyState, 'closed');
  await socket.closed;
  assert.equal(await peer.line(), "b'last'");
  peer.say('go on');
  assert.equal(await peer.line(), "(b'', 'end')");
});

each('speaks TLS with CPython, both ways', hasPython && hasOpenssl, async ({ tcp, t }) => {
  assert.ok(made !== undefined);
  const { cert, key } = made.good;
  const server = await tcp.listen({ useSecureTransport: true, tls: { cert, key } });
  const client = python(
    t,
    `
import ssl
context = ssl.create_default_context(cafile=sys.argv[2])
with context.wrap_socket(dial(sys.argv[1]), server_hostname='localhost') as s:
    s.sendall(b'question'); say(s.recv(100))
`,
    String(server.localPort),
    made.authorityFile,
  );
  const peer = await nextOf(server);
  assert.equal(peer.ssl, true);
  assert.equal(text(await peer.read()), 'question');
  await peer.write(bytes('answer'));
  assert.equal(await client.line(), "b'answer'");
});

each('is upgraded in the middle by CPython (STARTTLS)', hasPython && hasOpenssl, async ({ tcp, t }) => {
  assert.ok(made !== undefined);
  const peer = python(
    t,
    `
import ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[1], sys.argv[2])
s = serve(); c, _ = s.accept()
c.sendall(b'220 ready'); assert c.recv(100) == b'STARTTLS'; c.sendall(b'220 go')
c = context.wrap_socket(c, server_side=True)
c.sendall(c.recv(100).upper()); say(read_all(c))
`,
    join(made.folder, 'good.chain.pem'),
    join(made.folder, 'good.key'),
  );
  const socket = await tcp.connect({ host: 'localhost', port: Number(await peer.line()) });
  assert.equal(text(await socket.read()), '220 ready');
  await socket.write(bytes('STARTTLS'));
  assert.equal(text(await socket.read()), '220 go');
  await socket.upgradeToSecure({ ca: made.authority });
  assert.equal(socket.ssl, true);
  await socket.write(bytes('in secret'));
  assert.equal(text(await socket.read()), 'IN SECRET');
  await socket.close();
  assert.equal(await peer.line(), "(b'', 'end')");
});

each('answers openssl s_client', hasOpenssl, async ({ tcp, t }) => {
  assert.ok(made !== undefined);
  const { cert, key } = made.good;
  const server = await tcp.listen({ tls: { cert, key } });
  const at = `localhost:${String(server.localPort)}`;
  const args = ['s_client', '-quiet', '-no_ign_eof', '-verify_return_error', '-CAfile', made.authorityFile];
  const client = new Peer(t, 'openssl', [...args, '-connect', at]);
  const peer = await nextOf(server);
  client.say('hello');
  assert.equal(text(await peer.read()), 'hello\n');
  await peer.write(bytes('welcome\n'));
  assert.equal(await client.line(), 'welcome');
  await peer.close();
  await client.ended;
});

each('echoes to socat, whose input ends at once', hasSocat, async ({ tcp, t }) => {
  const server = await tcp.listen({ host: '127.0.0.1' });
  const client = new Peer(t, 'socat', ['-t', '30', '-', `TCP:127.0.0.1:${String(server.localPort)}`]);
  client.child.stdin.end('hello\n');
  const peer = await nextOf(server);
  await naiveLoop(peer, (chunk) => peer.write(chunk));
  assert.equal(await client.line(), 'hello');
  assert.equal((await client.ended).status, 0);
});

/** A stream over a socket, as the libraries that run on `TCPSocket` make theirs. */
class Shim extends Duplex {
  readonly #socket: ClientSocket;

  constructor(socket: ClientSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    socket.closed.then(
      () => this.push(null),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  override _read(): void {
    this.#socket.read().then(
      (data) => this.push(Buffer.from(data)),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk).then(() => {
      done();
    }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.close().then(() => {
      done();
    }, done);
  }
}

each('carries a Duplex to its end, fast and slow', hasPython, async ({ tcp, t }) => {
  for (const isSlow of [false, true]) {
    const peer = python(t, `s = serve()\nc, _ = s.accept()\nc.sendall(bytes(100000))\nc.close()\nwait()`);
    const socket = await tcp.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
    const shim = new Shim(socket);
    const events: string[] = [];
    const closed = once(shim, 'close');
    for (const name of ['end', 'error', 'close']) shim.on(name, () => events.push(name));
    await socket.opened;
    let size = 0;
    if (!isSlow) size = (await buffer(shim)).length;
    else {
      for await (const chunk of shim) {
        size += (chunk as Buffer).length;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    assert.equal(size, 100_000);
    await closed;
    assert.deepEqual(events, ['end', 'close']);
    peer.say('end');
  }
});

each('carries a Duplex that writes, and closes behind the last byte', hasPython, async ({ tcp, t }) => {
  const peer = python(t, `s = serve()\nc, _ = s.accept()\ndata, how = read_all(c)\nsay(len(data), how)`);
  const socket = await tcp.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
  await socket.opened;
  const shim = new Shim(socket);
  shim.resume();
  await pipeline(function* () {
    for (let i = 0; i < 100; i++) yield Buffer.alloc(10_000, i);
  }, shim);
  assert.equal(await peer.line(), '1000000 end');
});

each(
  'ends a loop that reads without looking: one empty chunk, then an exception',
  hasPython,
  async ({ tcp, t }) => {
    const peer = python(t, `s = serve()\nc, _ = s.accept()\nc.sendall(b'all')\nc.close()\nwait()`);
    const socket = await tcp.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
    const chunks: string[] = [];
    const end = await naiveLoop(socket, (chunk) => chunks.push(text(chunk)));
    assert.deepEqual(chunks, ['all', '']);
    assert.equal(String(end), 'IOError: Socket is closed');
    peer.say('end');
  },
);
