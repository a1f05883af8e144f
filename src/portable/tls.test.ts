/** TLS between two ends of one provider, over every provider. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { TlsError } from '../base/errors.ts';
import type { SocketError, TlsFailure } from '../base/errors.ts';
import type { Listener, SocketProvider, Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import type { TlsClientOptions, TlsInfo, TlsServerOptions } from '../base/tls.ts';
import { localProvider } from '../engine/local-provider.ts';
import { ManualSignal } from '../testing/manual-signal.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { certificates, LOCKED_WITH } from '../testing/node/certificates.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { acceptOne, connectOptions, connectPair } from '../testing/pair-maker.ts';
import { portableProvider } from './portable-provider.ts';
import { nodeTls } from './tls-handshake.ts';
import { tlsSessions } from './tls-sessions.ts';

const made = certificates();
const { good, authority } = made;
const HOSTS = { localhost: ['127.0.0.1'], 'example.test': ['127.0.0.1'] };
const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
  memory: () => memoryProvider({ tls: nodeTls, hosts: HOSTS }),
};

/** Declares one test for each provider. At its end nothing is open. */
function each(name: string, body: (provider: SocketProvider, t: TestContext) => Promise<void>): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    test(`tls ${name}, ${kind}`, async (t) => {
      const before = countDescriptors();
      const provider = make();
      await body(provider, t);
      await provider.close();
      assert.deepEqual([...provider.sockets()], []);
      assert.equal(countDescriptors(), before);
    });
  }
}

interface Told {
  readonly listener: Listener;
  readonly streams: Stream[];
  readonly errors: SocketError[];
  /** The next of either. */
  next(): Promise<Stream | SocketError>;
}

/** A listener, and all that it tells. */
async function serve(provider: SocketProvider, tls: TlsServerOptions): Promise<Told> {
  const listener = await provider.listen({ tls });
  const streams: Stream[] = [];
  const errors: SocketError[] = [];
  const told: (Stream | SocketError)[] = [];
  let wake: () => void = () => undefined;
  const tell = (what: Stream | SocketError): void => {
    told.push(what);
    wake();
  };
  listener.start({
    accept: (stream) => {
      streams.push(stream);
      tell(stream);
    },
    error: (error) => {
      errors.push(error);
      tell(error);
    },
    close: () => undefined,
  });
  const next = async (): Promise<Stream | SocketError> => {
    while (told.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const first = told.shift();
    assert.ok(first !== undefined);
    return first;
  };
  return { listener, streams, errors, next };
}

function portOf({ local }: Listener): number {
  assert.ok(local.family !== 'unix');
  return local.port;
}

async function nextStream(told: Told): Promise<Stream> {
  const next = await told.next();
  assert.ok('upgrade' in next, next instanceof Error ? next.message : 'no stream');
  return next;
}

async function nextError(told: Told): Promise<TlsError> {
  const next = await told.next();
  assert.ok(next instanceof TlsError);
  return next;
}

function infoOf(stream: Stream): TlsInfo {
  assert.ok(stream.tls !== undefined);
  return stream.tls;
}

async function failureOf(connecting: Promise<unknown>): Promise<TlsFailure> {
  try {
    await connecting;
  } catch (error) {
    assert.ok(error instanceof TlsError, String(error));
    return error.failure;
  }
  throw new Error('it was not refused');
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunk: Uint8Array | null): string => new TextDecoder().decode(chunk ?? new Uint8Array(0));
const written = (stream: Stream, what: string): Promise<SocketError | null> =>
  new Promise((resolve) => stream.write(bytes(what), resolve));

/** What a client is refused for, and by what. */
const REFUSED: readonly (readonly [
  what: string,
  server: TlsServerOptions,
  client: TlsClientOptions,
  failure: TlsFailure,
])[] = [
  ['a certificate that has expired', made.expired, { ca: authority }, 'certificate-expired'],
  ['a certificate that is not valid yet', made.early, { ca: authority }, 'certificate-expired'],
  ['a certificate of another name', made.wrongName, { ca: authority }, 'certificate-name'],
  ['another name than it asks for', good, { ca: authority, servername: 'other.test' }, 'certificate-name'],
  [
    'an address that is not in the certificate',
    good,
    { ca: authority, servername: '192.0.2.9' },
    'certificate-name',
  ],
  [
    'more labels than a wildcard stands for',
    good,
    { ca: authority, servername: 'a.b.wild.test' },
    'certificate-name',
  ],
  ['a certificate by a stranger', made.untrusted, { ca: authority }, 'certificate-untrusted'],
  ['every certificate, where it trusts nobody', good, { ca: [] }, 'certificate-untrusted'],
  ['a private authority, by default', good, {}, 'certificate-untrusted'],
  [
    'an older version',
    { ...good, maxVersion: 'TLSv1.2' },
    { ca: authority, minVersion: 'TLSv1.3' },
    'version',
  ],
  [
    'a newer version',
    { ...good, minVersion: 'TLSv1.3' },
    { ca: authority, maxVersion: 'TLSv1.2' },
    'version',
  ],
  ['no protocol in common', { ...good, alpn: ['a'] }, { ca: authority, alpn: ['b'] }, 'version'],
];
for (const [what, server, client, failure] of REFUSED) {
  each(`connect refuses ${what}`, async (provider) => {
    const told = await serve(provider, server);
    const port = portOf(told.listener);
    assert.equal(await failureOf(provider.connect({ host: 'localhost', port, tls: client })), failure);
    await told.listener.close();
  });
}

/** What is accepted, and what the client knows of it. */
const ACCEPTED: readonly (readonly [
  what: string,
  server: TlsServerOptions,
  client: TlsClientOptions,
  Partial<TlsInfo>,
])[] = [
  ['its host by default', good, { ca: authority }, { servername: 'localhost', isAuthorized: true }],
  [
    'one label for a wildcard',
    good,
    { ca: authority, servername: 'a.wild.test' },
    { servername: 'a.wild.test' },
  ],
  [
    'a name with the dot of the root',
    good,
    { ca: authority, servername: 'example.test.' },
    { servername: 'example.test' },
  ],
  [
    'an address of the certificate, which it does not tell',
    good,
    { ca: authority, servername: '::1' },
    { servername: undefined, isAuthorized: true },
  ],
  ['a chain', made.chained, { ca: authority }, { isAuthorized: true }],
  ['TLS 1.2', { ...good, maxVersion: 'TLSv1.2' }, { ca: authority }, { version: 'TLSv1.2' }],
  [
    'the first protocol of the server that it knows',
    { ...good, alpn: ['c', 'b', 'a'] },
    { ca: authority, alpn: ['a', 'b'] },
    { alpn: 'b' },
  ],
  ['no protocol, where the server has none', good, { ca: authority, alpn: ['a'] }, { alpn: undefined }],
  [
    'any name, where it says so',
    made.wrongName,
    { ca: authority, dangerouslyAcceptAnyName: true },
    { isAuthorized: true },
  ],
  [
    'any certificate, where it says so',
    made.expired,
    { dangerouslyAcceptAnyCertificate: true },
    { isAuthorized: false },
  ],
  ['an authority in DER', good, { ca: der(authority) }, { isAuthorized: true }],
];
for (const [what, server, client, expected] of ACCEPTED) {
  each(`connect accepts ${what}`, async (provider) => {
    const told = await serve(provider, server);
    const port = portOf(told.listener);
    const stream = await provider.connect({ host: 'localhost', port, tls: client });
    const info = infoOf(stream);
    for (const [name, value] of Object.entries(expected)) assert.equal(Reflect.get(info, name), value, name);
    assert.equal(info.role, 'client');
    assert.equal(infoOf(await nextStream(told)).role, 'server');
  });
}

function der(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}

each('tells the certificates of the peer', async (provider) => {
  const told = await serve(provider, made.chained);
  const stream = await provider.connect({
    host: 'localhost',
    port: portOf(told.listener),
    tls: { ca: authority },
  });
  const [first, second] = infoOf(stream).peerCertificates;
  assert.equal(first?.subject, 'CN=chained.test');
  assert.deepEqual(first.alternativeNames.slice(0, 2), ['DNS:localhost', 'DNS:example.test']);
  assert.equal(first.issuer, 'CN=Portside Test Intermediate');
  assert.equal(second?.subject, 'CN=Portside Test Intermediate');
  assert.match(first.fingerprint, /^[0-9a-f]{64}$/);
  assert.ok(first.validFrom < new Date() && first.validTo > new Date());
  assert.deepEqual(
    Buffer.from(first.bytes),
    der(made.chained.cert.slice(0, made.chained.cert.indexOf('-----END'))),
  );
  assert.deepEqual(infoOf(await nextStream(told)).peerCertificates, []);
});

test('tls is checked whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (t) => {
  const provider = localProvider();
  t.after(() => provider.close());
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  });
  const told = await serve(provider, made.untrusted);
  const connecting = provider.connect({ host: 'localhost', port: portOf(told.listener), tls: true });
  assert.equal(await failureOf(connecting), 'certificate-untrusted');
});

each('shows the certificate for the name that is asked for', async (provider) => {
  const { cert, key } = made.second;
  const told = await serve(provider, {
    ...good,
    names: { 'second.test': { cert, key }, '*.Second.test': { cert, key } },
  });
  const port = portOf(told.listener);
  for (const [servername, subject] of [
    ['second.test', 'CN=second.test'],
    ['WWW.second.test', 'CN=second.test'],
    ['example.test', 'CN=example.test'],
  ] as const) {
    const stream = await provider.connect({ host: 'localhost', port, tls: { ca: authority, servername } });
    assert.equal(infoOf(stream).peerCertificates[0]?.subject, subject);
    assert.equal(infoOf(await nextStream(told)).servername?.toLowerCase(), servername.toLowerCase());
  }
  const deep = provider.connect({
    host: 'localhost',
    port,
    tls: { ca: authority, servername: 'a.b.second.test' },
  });
  assert.equal(await failureOf(deep), 'certificate-name');
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  each(`asks for the certificates of clients, ${maxVersion}`, async (provider) => {
    const told = await serve(provider, { ...good, ca: authority, clientCertificate: 'require', maxVersion });
    const port = portOf(told.listener);
    const connect = (tls: TlsClientOptions): Promise<Stream> =>
      provider.connect({ host: 'localhost', port, tls: { ca: authority, ...tls } });
    const known = await connect(made.client);
    const accepted = infoOf(await nextStream(told));
    assert.equal(accepted.isAuthorized, true);
    assert.equal(accepted.peerCertificates[0]?.subject, 'CN=a client');
    known.abort();
    for (const [identity, failure] of [
      [{}, 'certificate-invalid'],
      [made.expiredClient, 'certificate-expired'],
      [made.strangeClient, 'certificate-untrusted'],
    ] as const) {
      // With TLS 1.3 a client is done before the server has seen its certificate, and reading tells.
      const refused = connect(identity).then(
        (stream) => reader(stream).read(),
        (error: unknown) => Promise.reject(error as Error),
      );
      await Promise.all([
        assert.rejects(refused),
        nextError(told).then((error) => { assert.equal(error.failure, failure); }),
      ]);
    }
  });
}

test('tls tells a client that its certificate is demanded (F65)', async (t) => {
  const provider = localProvider();
  t.after(() => provider.close());
  const told = await serve(provider, { ...good, ca: authority, clientCertificate: 'require' });
  const stream = await provider.connect({
    host: 'localhost',
    port: portOf(told.listener),
    tls: { ca: authority },
  });
  await assert.rejects(reader(stream).read(), (error: Error) => {
    assert.equal(error.name, 'BrokenError');
    assert.ok(error.cause instanceof TlsError);
    assert.equal(error.cause.failure, 'client-certificate');
    assert.match(error.message, /certificate required/);
    return true;
  });
});

each('lets clients in whose certificates are asked for and not good', async (provider) => {
  const told = await serve(provider, { ...good, ca: authority, clientCertificate: 'request' });
  const port = portOf(told.listener);
  for (const [identity, error] of [
    [made.client, undefined],
    [made.expiredClient, 'CERT_HAS_EXPIRED'],
    [{}, /./],
  ] as const) {
    await provider.connect({ host: 'localhost', port, tls: { ca: authority, ...identity } });
    const info = infoOf(await nextStream(told));
    assert.equal(info.isAuthorized, error === undefined);
    if (error instanceof RegExp) assert.match(info.authorizationError ?? '', error);
    else assert.equal(info.authorizationError, error);
  }
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  each(`resumes sessions, ${maxVersion}`, async (provider) => {
    const told = await serve(provider, { ...good, maxVersion });
    const port = portOf(told.listener);
    const sessions = tlsSessions();
    const connect = async (tls: TlsClientOptions): Promise<boolean> => {
      const stream = await provider.connect({
        host: 'localhost',
        port,
        tls: { ca: authority, sessions, ...tls },
      });
      const server = await nextStream(told);
      const pull = reader(stream);
      await written(server, 'x');
      assert.equal(text(await pull.read()), 'x');
      assert.equal(infoOf(server).isResumed, infoOf(stream).isResumed);
      return infoOf(stream).isResumed;
    };
    assert.deepEqual([await connect({}), await connect({})], [false, true]);
    // Whoever would check more, or says that he is another, does not go by what was checked for somebody else.
    assert.equal(await connect({ servername: 'example.test' }), false);
    assert.equal(await connect({ dangerouslyAcceptAnyName: true }), false);
    assert.equal(await connect(made.client), false);
    assert.equal(await connect({ sessions: tlsSessions() }), false);
    assert.equal(await connect({}), true);
  });
}

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
