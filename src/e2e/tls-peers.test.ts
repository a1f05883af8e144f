/** TLS with other people's programs at the other end: `openssl s_client` and `s_server`, and CPython's `ssl`. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { spawnSync } from 'node:child_process';
import type { SocketError, TlsFailure } from '../base/errors.ts';
import { TlsError } from '../base/errors.ts';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import type { TlsClientOptions, TlsServerOptions } from '../base/tls.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import type { RowName } from '../testing/node/certificates.ts';
import { certificates } from '../testing/node/certificates.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { Peer, python, runProgram } from '../testing/node/peer.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const hasPython = spawnSync('python3', ['-c', 'import ssl']).status === 0;
const skip = hasOpenssl && hasPython ? false : 'openssl or python3 is not there';
const made = hasOpenssl ? certificates() : undefined;
const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
};

function material(): NonNullable<typeof made> {
  assert.ok(made !== undefined);
  return made;
}

/** Declares one test for each provider. At its end no descriptor is left. */
function each(name: string, body: (provider: SocketProvider, t: TestContext) => Promise<void>): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    test(`tls ${name}, ${kind}`, { skip }, async (t) => {
      const leaks = leakCheck();
      const provider = make();
      try {
        await body(provider, t);
      } finally {
        // After those that the body has of its peers.
        t.after(async () => {
          await provider.close();
          leaks.check();
        });
      }
    });
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All that a stream has to say, until its end. */
async function allOf(stream: Stream): Promise<string> {
  const pull = reader(stream);
  let all = '';
  for (let chunk = await pull.read(); chunk !== null; chunk = await pull.read())
    all += new TextDecoder().decode(chunk);
  return all;
}

async function failureOf(work: Promise<unknown>): Promise<TlsFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof TlsError, String(error));
    return error.failure;
  }
  throw new Error('it was not refused');
}

/** `openssl s_server`, which sends each line back in reverse. */
async function sServer(
  t: TestContext,
  certificate: RowName,
  ...args: readonly string[]
): Promise<{ host: string; port: number }> {
  const { folder } = material();
  const certFile = join(folder, `${certificate}.chain.pem`);
  const keyFile = join(folder, `${certificate}.key`);
  const peer = new Peer(t, 'openssl', [
    's_server',
    '-accept',
    '127.0.0.1:0',
    '-cert',
    certFile,
    '-cert_chain',
    certFile,
    '-key',
    keyFile,
    '-rev',
    ...args,
  ]);
  for (;;) {
    const port = /^ACCEPT .*:(\d+)$/.exec(await peer.line())?.[1];
    if (port !== undefined) return { host: 'localhost', port: Number(port) };
  }
}

each('connect and s_server reverse a line', async (provider, t) => {
  const where = await sServer(t, 'chained', '-alpn', 'x,y');
  const tls = { ca: material().authority, alpn: ['y'] };
  const stream = await provider.connect({ ...where, host: '127.0.0.1', tls });
  assert.equal(stream.tls?.alpn, 'y');
  const pull = reader(stream);
  stream.write(bytes('stressed\n'));
  assert.equal(new TextDecoder().decode((await pull.read()) ?? undefined), 'desserts\n');
  await stream.close();
});

/** What `s_server` is refused for. */
const REFUSED: readonly (readonly [RowName, readonly string[], TlsClientOptions, TlsFailure])[] = [
  ['expired', [], {}, 'certificate-expired'],
  ['wrongName', [], {}, 'certificate-name'],
  ['untrusted', [], {}, 'certificate-untrusted'],
  ['good', ['-tls1_2'], { minVersion: 'TLSv1.3' }, 'version'],
  ['good', ['-tls1_3'], { maxVersion: 'TLSv1.2' }, 'version'],
  ['good', ['-tls1_2', '-Verify', '1', '-verify_return_error'], {}, 'version'],
];
for (const [certificate, args, options, failure] of REFUSED) {
  each(`connect refuses s_server ${[certificate, ...args].join(' ')}: ${failure}`, async (provider, t) => {
    const where = await sServer(t, certificate, ...args);
    const tls = { ca: material().authority, ...options };
    assert.equal(await failureOf(provider.connect({ ...where, host: '127.0.0.1', tls })), failure);
  });
}

interface Told {
  readonly port: number;
  readonly stream: Promise<Stream>;
  readonly error: Promise<SocketError>;
}

async function serve(provider: SocketProvider, tls: TlsServerOptions): Promise<Told> {
  const listener = await provider.listen({ tls });
  assert.ok(listener.local.family !== 'unix');
  const { port } = listener.local;
  let accept: (stream: Stream) => void = () => undefined;
  let fail: (error: SocketError) => void = () => undefined;
  const stream = new Promise<Stream>((resolve) => (accept = resolve));
  const error = new Promise<SocketError>((resolve) => (fail = resolve));
  listener.start({ accept, error: fail, close: () => undefined });
  return { port, stream, error };
}

each('s_client and listen talk, and end as TLS ends', async (provider) => {
  const { good, authorityFile } = material();
  const { port, stream } = await serve(provider, good);
  const running = runProgram('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${String(port)}`,
    '-CAfile',
    authorityFile,
    '-verify_return_error',
    '-verify_hostname',
    'example.test',
    '-servername',
    'example.test',
    '-quiet',
  ]);
  const server = await stream;
  assert.equal(server.tls?.servername, 'example.test');
  server.write(bytes('from ours\n'));
  await server.close();
  const { stdout } = await running;
  assert.match(stdout, /from ours/);
});

/** What `s_client` is refused for, and what it says. */
const TURNED_AWAY: readonly (readonly [
  TlsServerOptions | (() => TlsServerOptions),
  readonly string[],
  TlsFailure,
  RegExp,
])[] = [
  [() => ({ ...material().good, minVersion: 'TLSv1.3' }), ['-tls1_2'], 'version', /alert protocol version/],
  [() => ({ ...material().good, alpn: ['a'] }), ['-alpn', 'b'], 'version', /no application protocol/],
  [
    () => ({
      ...material().good,
      ca: material().authority,
      clientCertificate: 'require',
      maxVersion: 'TLSv1.2',
    }),
    [],
    'certificate-invalid',
    /handshake failure/,
  ],
];
for (const [options, args, failure, words] of TURNED_AWAY) {
  each(`listen turns s_client ${args.join(' ')} away: ${failure}`, async (provider) => {
    const { port, error } = await serve(provider, typeof options === 'function' ? options() : options);
    const running = runProgram('openssl', ['s_client', '-connect', `127.0.0.1:${String(port)}`, ...args]);
    const told = await error;
    assert.ok(told instanceof TlsError);
    assert.equal(told.failure, failure);
    const { stderr, stdout } = await running;
    assert.match(stderr + stdout, words);
  });
}

each('a client that trusts nobody of ours tells why (alert)', async (provider) => {
  const { untrusted, authorityFile } = material();
  const { port, error } = await serve(provider, untrusted);
  const running = runProgram('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${String(port)}`,
    '-CAfile',
    authorityFile,
    '-verify_return_error',
  ]);
  const told = await error;
  assert.ok(told instanceof TlsError);
  assert.deepEqual([told.failure, told.code], ['alert', 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA']);
  await running;
});

const PYTHON = `
import ssl
folder, = sys.argv[1:2]
def server_context(name='good', ca=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(f'{folder}/{name}.chain.pem', f'{folder}/{name}.key')
    if ca: c.load_verify_locations(f'{folder}/{ca}.pem'); c.verify_mode = ssl.CERT_REQUIRED
    return c
def client_context(name=None):
    c = ssl.create_default_context(cafile=f'{folder}/authority.pem')
    if name: c.load_cert_chain(f'{folder}/{name}.chain.pem', f'{folder}/{name}.key')
    return c
`;

function cpython(t: TestContext, code: string, ...args: readonly string[]): Peer {
  return python(t, PYTHON + code, material().folder, ...args);
}

each('STARTTLS with CPython for a server', async (provider, t) => {
  const peer = cpython(
    t,
    `
s = serve(); c, _ = s.accept()
assert c.recv(100) == b'STARTTLS\\n'
c.sendall(b'go\\n')
c = server_context().wrap_socket(c, server_side=True)
c.sendall(c.recv(100)[::-1])
c.unwrap()
say('done')
`,
  );
  const port = Number(await peer.line());
  const plain = await provider.connect({ host: '127.0.0.1', port });
  const pull = reader(plain);
  plain.write(bytes('STARTTLS\n'));
  assert.equal(new TextDecoder().decode((await pull.read()) ?? undefined), 'go\n');
  plain.pause();
  const stream = await plain.upgrade({ ca: material().authority });
  stream.write(bytes('stressed'));
  assert.equal(await allOf(stream), 'desserts');
  await stream.close();
  assert.equal(await peer.line(), 'done');
});

each('STARTTLS with CPython for a client', async (provider, t) => {
  const listener = await provider.listen({});
  assert.ok(listener.local.family !== 'unix');
  const accepted = new Promise<Stream>((resolve) => {
    listener.start({ accept: resolve, close: () => undefined });
  });
  const peer = cpython(
    t,
    `
c = dial(sys.argv[2]); c.sendall(b'STARTTLS\\n')
assert c.recv(100) == b'go\\n'
c = client_context('client').wrap_socket(c, server_hostname='example.test')
c.sendall(b'stressed'); say(c.recv(100).decode(), c.version())
`,
    String(listener.local.port),
  );
  const plain = await accepted;
  const pull = reader(plain);
  assert.equal(new TextDecoder().decode((await pull.read()) ?? undefined), 'STARTTLS\n');
  await new Promise((resolve) => plain.write(bytes('go\n'), resolve));
  plain.pause();
  const { good, authority } = material();
  const stream = await plain.upgrade({
    role: 'server',
    ...good,
    ca: authority,
    clientCertificate: 'require',
  });
  assert.equal(stream.tls?.peerCertificates[0]?.subject, 'CN=a client');
  const secret = reader(stream);
  assert.equal(new TextDecoder().decode((await secret.read()) ?? undefined), 'stressed');
  stream.write(bytes('desserts'));
  assert.equal(await peer.line(), 'desserts TLSv1.3');
});

/** What peers do in the midst of a handshake, and what is told of it. */
const RUDE: readonly (readonly [what: string, code: string, failure: RegExp])[] = [
  ['closes', 'c.recv(4096); c.close()', /^closed$/],
  ['closes its half only', 'c.recv(4096); c.shutdown(socket.SHUT_WR); wait()', /^closed$/],
  ['resets', 'c.recv(4096); reset(c)', /^reset$/],
  ['closes at once', 'c.close()', /^(closed|reset)$/],
  ['answers in the clear', "c.sendall(b'220 hello, this is mail\\r\\n'); wait()", /^protocol$/],
  ['sends garbage', 'c.recv(4096); c.sendall(os.urandom(4096)); wait()', /^(protocol|alert|version)$/],
  [
    'sends half a record',
    "c.recv(4096); c.sendall(b'\\x16\\x03\\x03\\x40\\x00\\x02'); c.close()",
    /^(closed|reset|protocol)$/,
  ],
];
for (const [what, code, failure] of RUDE) {
  each(`connect to a peer that ${what} in mid-handshake (F65)`, async (provider, t) => {
    const peer = cpython(t, `\ns = serve(); c, _ = s.accept()\n${code}\n`);
    const port = Number(await peer.line());
    const leaks = leakCheck();
    const tls = { ca: material().authority };
    assert.match(await failureOf(provider.connect({ host: '127.0.0.1', port, tls })), failure);
    // A farewell may still be on its way out.
    await leaks.settled();
  });
}

each('an end of CPython without close_notify is no end (F65)', async (provider, t) => {
  const peer = cpython(
    t,
    `
s = serve(); c, _ = s.accept()
c = server_context().wrap_socket(c, server_side=True)
c.sendall(b'half of it'); c.shutdown(socket.SHUT_WR); wait()
`,
  );
  const port = Number(await peer.line());
  const stream = await provider.connect({ host: '127.0.0.1', port, tls: { ca: material().authority } });
  const pull = reader(stream);
  assert.equal(new TextDecoder().decode((await pull.read()) ?? undefined), 'half of it');
  await assert.rejects(pull.read(), { name: 'BrokenError', message: /close_notify/ });
});

each('two hundred connections come and go, and leave nothing', async (provider) => {
  const { good, authority } = material();
  const listener = await provider.listen({ tls: good });
  assert.ok(listener.local.family !== 'unix');
  listener.start({
    accept: (stream) => {
      stream.start({
        data: (chunk) => stream.write(chunk),
        end: () => void stream.close().catch(() => undefined),
        close: () => undefined,
      });
    },
    close: () => undefined,
  });
  const { port } = listener.local;
  const leaks = leakCheck();
  const one = async (): Promise<void> => {
    const stream = await provider.connect({ host: '127.0.0.1', port, tls: { ca: authority } });
    stream.write(bytes('round'));
    stream.closeWrite();
    assert.equal(await allOf(stream), 'round');
    await stream.close();
  };
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 20 }, one));
  await leaks.settled();
});
