import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSignature, TCP_SERVER_SIGNATURES, TCP_SIGNATURES } from './signatures.ts';
import { StubApp } from './test-kit.ts';

type Call = (...args: unknown[]) => unknown;
const cb = (): undefined => undefined;
const NO_MATCH = 'No matching signature.';

/** Function, arguments, what the message says after the signature. */
const BAD: readonly (readonly [
  name: keyof typeof TCP_SIGNATURES,
  args: readonly unknown[],
  detail: string,
])[] = [
  ['create', [], NO_MATCH],
  ['create', [{}], NO_MATCH],
  ['create', ['x', cb], NO_MATCH],
  ['create', [[], cb], NO_MATCH],
  ['create', [{}, cb, 1], NO_MATCH],
  ['create', [{}, 'x'], NO_MATCH],
  ['create', [{ nme: 'x' }, cb], "Error at parameter 'properties': Unexpected property: 'nme'."],
  [
    'create',
    [{ name: 7 }, cb],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found integer.",
  ],
  [
    'create',
    [{ persistent: 'yes' }, cb],
    "Error at parameter 'properties': Error at property 'persistent': Invalid type: expected boolean, found string.",
  ],
  [
    'create',
    [{ bufferSize: 1.5 }, cb],
    "Error at parameter 'properties': Error at property 'bufferSize': Invalid type: expected integer, found number.",
  ],
  [
    'create',
    [{ bufferSize: 2 ** 31 }, cb],
    "Error at parameter 'properties': Error at property 'bufferSize': Invalid type: expected integer, found number.",
  ],
  [
    'create',
    [{ bufferSize: NaN }, cb],
    "Error at parameter 'properties': Error at property 'bufferSize': Invalid type: expected integer, found number.",
  ],
  [
    'create',
    [{ name: [] }, cb],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found array.",
  ],
  [
    'create',
    [{ name: cb }, cb],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found function.",
  ],
  [
    'create',
    [{ name: {} }, cb],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found object.",
  ],
  [
    'create',
    [{ name: new ArrayBuffer(1) }, cb],
    "Error at parameter 'properties': Error at property 'name': Invalid type: expected string, found binary.",
  ],
  ['update', [1], NO_MATCH],
  ['update', [1, null], NO_MATCH],
  ['update', [1, cb], NO_MATCH],
  ['update', ['1', {}], NO_MATCH],
  ['update', [1.5, {}], NO_MATCH],
  ['update', [2 ** 31, {}], NO_MATCH],
  ['update', [NaN, {}], NO_MATCH],
  ['update', [Infinity, {}], NO_MATCH],
  ['update', [null, {}], NO_MATCH],
  ['update', [1n, {}], NO_MATCH],
  ['update', [{ valueOf: () => 1 }, {}], NO_MATCH],
  ['update', [1, { port: 1 }], "Error at parameter 'properties': Unexpected property: 'port'."],
  ['setPaused', [1, 1], NO_MATCH],
  ['setPaused', [1, true, {}], NO_MATCH],
  ['setKeepAlive', [1, true], NO_MATCH],
  ['setKeepAlive', [1, true, '5', cb], NO_MATCH],
  ['setKeepAlive', [1, true, 1.5, cb], NO_MATCH],
  ['setNoDelay', [1, true, null], NO_MATCH],
  ['connect', [1, 'a', 80], NO_MATCH],
  ['connect', [1, 'a', '80', cb], NO_MATCH],
  ['connect', [1, 7, 80, cb], NO_MATCH],
  ['connect', [1, 'a', 80, 'any', cb, null], NO_MATCH],
  [
    'connect',
    [1, 'a', 80, 'IPv4', cb],
    "Error at parameter 'dnsQueryType': Value must be one of any, ipv4, ipv6.",
  ],
  ['connect', [1, 'a', 80, 4, cb], NO_MATCH],
  ['disconnect', [], NO_MATCH],
  ['secure', [1], NO_MATCH],
  ['secure', [1, { tls: 1 }, cb], "Error at parameter 'options': Unexpected property: 'tls'."],
  [
    'secure',
    [1, { tlsVersion: 1 }, cb],
    "Error at parameter 'options': Error at property 'tlsVersion': Invalid type: expected object, found integer.",
  ],
  [
    'secure',
    [1, { tlsVersion: { min: 1 } }, cb],
    "Error at parameter 'options': Error at property 'tlsVersion': Error at property 'min': Invalid type: expected string, found integer.",
  ],
  ['send', [], NO_MATCH],
  ['send', [1, new ArrayBuffer(1)], NO_MATCH],
  ['send', [1, 'text', cb], NO_MATCH],
  ['send', [1, [1, 2], cb], NO_MATCH],
  ['send', [1, null, cb], NO_MATCH],
  ['send', [1, new SharedArrayBuffer(1), cb], NO_MATCH],
  ['send', [1, { byteLength: 4 }, cb], NO_MATCH],
  ['send', [1.5, new ArrayBuffer(1), cb], NO_MATCH],
  ['send', [1, new ArrayBuffer(1), cb, undefined], NO_MATCH],
  ['send', [1, new ArrayBuffer(1), null], NO_MATCH],
  ['close', ['1'], NO_MATCH],
  ['close', [1, cb, cb], NO_MATCH],
  ['getInfo', [1], NO_MATCH],
  ['getInfo', [1, null], NO_MATCH],
  ['getSockets', [], NO_MATCH],
  ['getSockets', [cb, cb], NO_MATCH],
];

function show(args: readonly unknown[]): string {
  return args
    .map((arg) => (typeof arg === 'object' && arg !== null ? JSON.stringify(arg) : String(arg)))
    .join(', ');
}

for (const [name, args, detail] of BAD) {
  test(`sockets.tcp.${name}(${show(args)}) throws`, async () => {
    const app = new StubApp();
    assert.throws(() => (app.tcp[name] as Call)(...args), {
      name: 'TypeError',
      message: `Error in invocation of ${formatSignature(TCP_SIGNATURES[name])}: ${detail}`,
    });
    await app.flush();
    assert.deepEqual(app.warnings, [], 'the call was made all the same');
  });
}

/** Optional arguments left out in the middle, or standing as null or undefined. */
const GOOD: readonly (readonly [name: keyof typeof TCP_SIGNATURES, args: readonly unknown[]])[] = [
  ['create', [cb]],
  ['create', [null, cb]],
  ['create', [undefined, cb]],
  ['create', [{ name: undefined, bufferSize: null, persistent: undefined }, cb]],
  ['create', [Object.create({ inherited: 1 }), cb]],
  ['update', [1, {}]],
  ['update', [1, {}, null]],
  ['update', [1, {}, undefined]],
  ['setPaused', [1, true]],
  ['setPaused', [1, true, cb]],
  ['setKeepAlive', [1, true, cb]],
  ['setKeepAlive', [1, true, null, cb]],
  ['setKeepAlive', [1, true, undefined, cb]],
  ['setKeepAlive', [1, true, 5, cb]],
  ['connect', [1, 'a', 80, cb]],
  ['connect', [1, 'a', 80, null, cb]],
  ['connect', [1, 'a', 80, 'any', cb]],
  ['disconnect', [1]],
  ['disconnect', [1, undefined]],
  ['secure', [1, cb]],
  ['secure', [1, null, cb]],
  ['secure', [1, { tlsVersion: null }, cb]],
  ['secure', [1, { tlsVersion: { min: 'tls1.2', max: undefined } }, cb]],
  ['send', [1, new Uint8Array(1), cb]],
  ['send', [1, new DataView(new ArrayBuffer(1)), cb]],
  ['close', [1, null]],
];

for (const [name, args] of GOOD) {
  test(`sockets.tcp.${name}(${show(args)}) is a call`, () => {
    assert.equal((new StubApp().tcp[name] as Call)(...args), undefined);
  });
}

test('sockets.tcpServer.listen may do without backlog', () => {
  const { tcpServer } = new StubApp();
  const listen: Call = (...args) => (tcpServer.listen as Call)(...args);
  for (const args of [
    [1, '::', 0, cb],
    [1, '::', 0, null, cb],
    [1, '::', 0, undefined, cb],
    [1, '::', 0, 5, cb],
  ]) {
    assert.equal(listen(...args), undefined);
  }
  assert.throws(() => listen(1, '::', 0), {
    message: `Error in invocation of ${formatSignature(TCP_SERVER_SIGNATURES.listen)}: ${NO_MATCH}`,
  });
});

test('sockets.tcpServer.create knows no bufferSize', () => {
  assert.throws(
    () => {
      new StubApp().tcpServer.create({ bufferSize: 1 } as never, cb);
    },
    {
      message:
        'Error in invocation of sockets.tcpServer.create(optional sockets.tcpServer.SocketProperties properties, ' +
        "function callback): Error at parameter 'properties': Unexpected property: 'bufferSize'.",
    },
  );
});

test('formatSignature writes a function as Chrome does', () => {
  assert.equal(
    formatSignature(TCP_SIGNATURES.connect),
    'sockets.tcp.connect(integer socketId, string peerAddress, integer peerPort, ' +
      'optional sockets.tcp.DnsQueryType dnsQueryType, function callback)',
  );
  assert.equal(
    formatSignature(TCP_SIGNATURES.send),
    'sockets.tcp.send(integer socketId, binary data, function callback)',
  );
  assert.equal(
    formatSignature(TCP_SIGNATURES.close),
    'sockets.tcp.close(integer socketId, optional function callback)',
  );
});

test('properties are read once, when the call is made', async () => {
  const app = new StubApp();
  const properties = { name: 'before' };
  app.tcp.create(properties, () => undefined);
  properties.name = 'after';
  assert.equal((await app.tcpInfo(1))['name'], 'before');
});

test('a getter that throws throws at the caller, and no socket is made', async () => {
  const app = new StubApp();
  const properties = {
    get name(): string {
      throw new Error('mine');
    },
  };
  assert.throws(
    () => {
      app.tcp.create(properties, () => undefined);
    },
    { message: 'mine' },
  );
  assert.equal(await app.createTcp(), 1);
});
