import assert from 'node:assert/strict';
import test from 'node:test';
import { validateConnect, validateListen } from './validate.ts';
import { validateTlsClient, validateTlsServer, validateUpgrade } from './validate-tls.ts';

const client = (options: object): unknown =>
  validateTlsClient({ servername: 'example.org', ...options }, undefined);
const server = (options: object): unknown => validateTlsServer({ cert: 'c', key: 'k', ...options });
const upgrade = (options: object): unknown =>
  validateUpgrade({ servername: 'example.org', ...options }, undefined);
const named = (name: string): object => ({ [name]: { cert: 'c', key: 'k' } });

/** What is judged, the option that is wrong, values of the wrong type, values of the right type that cannot be. */
const REFUSED: readonly (readonly [
  (options: object) => unknown,
  string,
  readonly unknown[],
  readonly unknown[],
])[] = [
  [client, 'servername', [1, null, {}, ['a']], ['', '.', 'a b', 'a\0b', '..', '.a', 'a\ud800']],
  [client, 'minVersion', [1.2, null], ['TLSv1', 'TLSv1.1', 'tlsv1.2', 'SSLv3', '']],
  [client, 'maxVersion', [1.3, null], ['TLSv1.1', 'TLSv1.4']],
  [client, 'alpn', ['h2', null, { 0: 'h2', length: 1 }, [1], [null]], [[''], ['h2', 'é'], ['a'.repeat(256)]]],
  [client, 'ca', [1, null, {}, [1], new ArrayBuffer(1)], ['', new Uint8Array(0), ['']]],
  [client, 'sessions', [true, null, {}, { get() {}, set() {} }, new WeakSet()], []],
  [client, 'dangerouslyAcceptAnyName', ['true', 1, null, {}], []],
  [client, 'dangerouslyAcceptAnyCertificate', ['true', 1, null, {}], []],
  [server, 'cert', [undefined, null, 1, {}, ['c']], ['', new Uint8Array(0)]],
  [server, 'key', [undefined, null, 1, {}, ['k']], ['']],
  [server, 'passphrase', [1, null, new Uint8Array(1)], []],
  [server, 'clientCertificate', [true, null], ['', 'required']],
  [server, 'handshakeTimeout', ['1', null], [0, -1, 0.5, NaN, 2 ** 31]],
  [server, 'maxHandshakes', ['1', null], [0, -1, 0.5, Infinity]],
  [
    server,
    'names',
    [1, null, 'a', { 'a.test': null }, { 'a.test': { cert: 'c' } }],
    [
      named(''),
      named('*'),
      named('*.'),
      named('a.*.b'),
      named('**.a'),
      named('a b'),
      named('é.test'),
      named('127.0.0.1'),
    ],
  ],
  [upgrade, 'role', [1, null], ['', 'both']],
  [upgrade, 'head', ['x', null, [1], new Uint16Array(1)], []],
  [upgrade, 'timeout', ['1', null], [-1, 0.5]],
  [upgrade, 'signal', [true, null, {}], []],
];

for (const [judge, option, wrongTypes, impossible] of REFUSED) {
  test(`${option} of TLS: of the wrong type is a TypeError, one that cannot be a RangeError`, () => {
    for (const value of wrongTypes) assert.throws(() => judge({ [option]: value }), TypeError, typeof value);
    for (const value of impossible)
      assert.throws(() => judge({ [option]: value }), RangeError, JSON.stringify(value));
  });
}

test('validateTlsClient fills in every default', () => {
  assert.deepEqual(validateTlsClient({}, 'example.org'), {
    role: 'client',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    alpn: [],
    ca: undefined,
    identity: undefined,
    servername: 'example.org',
    sessions: undefined,
    checksCertificate: true,
    checksName: true,
  });
});

test('validateTlsServer fills in every default', () => {
  assert.deepEqual(validateTlsServer({ cert: 'c', key: 'k' }), {
    role: 'server',
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    alpn: [],
    ca: undefined,
    identity: { cert: 'c', key: 'k', passphrase: undefined },
    names: new Map(),
    clientCertificate: 'none',
    handshakeTimeout: 10_000,
    maxHandshakes: 256,
  });
});

test('validateTlsClient wants a name to check, unless names are not checked', () => {
  assert.throws(() => validateTlsClient({}, undefined), TypeError);
  assert.throws(() => validateConnect({ path: '/x', tls: true }), TypeError);
  assert.throws(() => validateConnect({ path: '/x', tls: {} }), TypeError);
  assert.equal(validateTlsClient({ dangerouslyAcceptAnyName: true }, undefined).servername, undefined);
  assert.equal(validateConnect({ path: '/x', tls: { servername: 'a.test' } }).tls?.servername, 'a.test');
  assert.equal(validateConnect({ host: 'a.test', port: 1, tls: true }).tls?.servername, 'a.test');
  assert.equal(validateConnect({ host: 'a.test.', port: 1, tls: true }).tls?.servername, 'a.test');
});

test('validateTlsClient wants a certificate with its key, and no passphrase alone', () => {
  for (const options of [{ cert: 'c' }, { key: 'k' }, { passphrase: 'p' }, { key: 'k', passphrase: 'p' }])
    assert.throws(() => client(options), TypeError);
});

test('validateTlsServer wants authorities where it requires certificates', () => {
  assert.throws(() => server({ clientCertificate: 'require' }), TypeError);
  assert.doesNotThrow(() => server({ clientCertificate: 'require', ca: 'a' }));
});

test('no least version is later than the greatest', () => {
  assert.throws(() => client({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }), RangeError);
  assert.throws(() => server({ minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }), RangeError);
});

test('tls of connect is true or an object, of listen an object', () => {
  const where = { host: 'a.test', port: 1 };
  for (const tls of [false, null, 'yes', 1])
    assert.throws(() => validateConnect({ ...where, tls }), TypeError);
  for (const tls of [true, false, null, 'yes', {}]) assert.throws(() => validateListen({ tls }), TypeError);
});

test('what is given is cut loose from the caller', () => {
  const key = Uint8Array.of(1);
  const names = { 'A.test.': { cert: 'c', key } };
  const plan = validateTlsServer({ cert: 'c', key, names });
  key[0] = 2;
  assert.deepEqual(plan.identity.key, Uint8Array.of(1));
  assert.deepEqual([...plan.names.keys()], ['a.test']);
  assert.deepEqual(plan.names.get('a.test')?.key, Uint8Array.of(1));
});
