/** Connecting with TLS: TLS between two ends of one provider, over every provider. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { TlsFailure } from '../base/errors.ts';
import { TlsError } from '../base/errors.ts';
import type { Stream } from '../base/provider.ts';
import { reader } from '../base/reader.ts';
import type { TlsClientOptions, TlsInfo, TlsServerOptions, TlsSessions } from '../base/tls.ts';
import { localProvider } from '../engine/local-provider.ts';
import {
  made,
  good,
  authority,
  each,
  serve,
  portOf,
  nextStream,
  nextError,
  infoOf,
  failureOf,
  text,
  written,
  der,
} from './test-kit.ts';
import { tlsSessions } from './tls-sessions.ts';

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
        nextError(told).then((error) => {
          assert.equal(error.failure, failure);
        }),
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

each('connect tells what a store of sessions has thrown, and nothing else breaks', async (provider) => {
  const told = await serve(provider, good);
  const thrown = new Error('the store is gone');
  const sessions: TlsSessions = {
    get: () => {
      throw thrown;
    },
    set: () => undefined,
    delete: () => undefined,
  };
  const host = 'localhost';
  const port = portOf(told.listener);
  await assert.rejects(provider.connect({ host, port, tls: { ca: authority, sessions } }), thrown);
  assert.match((await nextError(told)).failure, /^(closed|reset)$/);
  await provider.connect({ host, port, tls: { ca: authority } });
  await nextStream(told);
});
