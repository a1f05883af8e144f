import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from './address.ts';
import { ownEndpoint, parseEndpoint, peerAddress, peerEndpoint } from './endpoint.ts';

const long = 'a'.repeat(63);

const ACCEPTED: readonly (readonly [text: string, expected: object])[] = [
  ['example.com:80', { host: 'example.com', port: 80 }],
  ['example.com.:80', { host: 'example.com.', port: 80 }],
  ['localhost:65535', { host: 'localhost', port: 65535 }],
  ['LocalHost:1', { host: 'LocalHost', port: 1 }],
  ['a_b-c.d1:8', { host: 'a_b-c.d1', port: 8 }],
  ['1a:8', { host: '1a', port: 8 }],
  [`${long}.x:8`, { host: `${long}.x`, port: 8 }],
  ['unix:80', { path: '80' }],
  ['192.0.2.1:80', { host: '192.0.2.1', port: 80 }],
  ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ['[::1]:80', { host: '::1', port: 80 }],
  ['[2001:DB8::0:1]:80', { host: '2001:db8::1', port: 80 }],
  ['[fe80::1%eth0]:80', { host: 'fe80::1%eth0', port: 80 }],
  ['[::ffff:192.0.2.1]:80', { host: '::ffff:192.0.2.1', port: 80 }],
  ['unix:/run/x.sock', { path: '/run/x.sock' }],
  ['unix:x.sock', { path: 'x.sock' }],
  ['unix:./@x', { path: './@x' }],
  ['unix:/with:colon:80', { path: '/with:colon:80' }],
  ['unix:@name', { path: '\0name' }],
  ['unix:@@', { path: '\0@' }],
];

for (const [text, expected] of ACCEPTED) {
  test(`parseEndpoint reads ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseEndpoint(text, 'to'), expected);
  });
}

const REFUSED: readonly (readonly [text: string, hint?: RegExp])[] = [
  [''],
  [':'],
  [':80'],
  ['80'],
  ['example.com', /the port is missing/],
  ['192.0.2.1', /the port is missing/],
  ['example.com:'],
  ['example.com:http'],
  ['example.com:-1'],
  ['example.com:65536'],
  ['example.com:080'],
  ['example.com:8 0'],
  ['example.com: 80'],
  ['example.com:80 '],
  ['example.com:80\n'],
  ['example.com\n:80'],
  [' example.com:80'],
  ['example.com:80:80'],
  ['exa mple.com:80'],
  ['example..com:80'],
  ['.example.com:80'],
  ['user@example.com:80'],
  [`${long}a.x:8`],
  [`${Array(5).fill(long).join('.')}:8`],
  ['http://example.com:80', /this is a URL/],
  ['tcp://127.0.0.1:80', /this is a URL/],
  ['::1', /in brackets/],
  ['::1:80', /in brackets/],
  ['2001:db8::1:80', /in brackets/],
  ['[::1]', /the port is missing/],
  ['[::1]80'],
  ['[::1]:'],
  ['[::1:80'],
  ['[127.0.0.1]:80'],
  ['[example.com]:80'],
  ['[]:80'],
  ['[::1]]:80'],
  ['127.1:80'],
  ['1:80'],
  ['192.0.2.256:80'],
  ['192.0.2.01:80'],
  ['0x7f.0.0.0x1:80'],
  ['1.2.3.4.5:80'],
  ['/run/x.sock', /begins with "unix:"/],
  ['./x.sock', /begins with "unix:"/],
  ['@name', /begins with "unix:"/],
  ['x.sock'],
  ['unix:'],
  ['unix:@'],
  ['unix:/a\0b'],
  [`unix:/${'x'.repeat(107)}`],
  ['UNIX:/run/x.sock'],
  ['*:80'],
  ['\0name'],
  ['\u{d800}:80'],
  ['bücher.example:80'],
];

for (const [text, hint] of REFUSED) {
  test(`parseEndpoint refuses ${JSON.stringify(text)}, and says what it wants`, () => {
    assert.throws(
      () => parseEndpoint(text, 'to'),
      (error) => {
        assert.ok(error instanceof RangeError);
        assert.match(error.message, /^to: expected .*(unix:|path)/);
        if (hint !== undefined) assert.match(error.message, hint);
        return true;
      },
    );
  });
}

test('peerEndpoint reads objects, and addresses as sockets tell them', () => {
  const rows: readonly (readonly [unknown, object])[] = [
    [
      { host: 'example.com', port: 80 },
      { host: 'example.com', port: 80 },
    ],
    [
      { family: 'ipv4', host: '127.0.0.1', port: 80 },
      { host: '127.0.0.1', port: 80 },
    ],
    [
      { family: 'ipv6', host: '::1', port: 80 },
      { host: '::1', port: 80 },
    ],
    [
      { family: 'ipv6', host: 'fe80::1', scope: 'eth0', port: 80 },
      { host: 'fe80::1%eth0', port: 80 },
    ],
    [{ path: '/x' }, { path: '/x' }],
    [{ family: 'unix', path: '\0x' }, { path: '\0x' }],
    [{ path: Uint8Array.of(47, 255) }, { path: Uint8Array.of(47, 255) }],
  ];
  for (const [value, expected] of rows) assert.deepEqual(peerEndpoint(value, 'to'), expected);
});

test('peerEndpoint refuses what is no endpoint', () => {
  const types: readonly unknown[] = [
    undefined,
    null,
    80,
    true,
    Uint8Array.of(1),
    {},
    [],
    { host: 1, port: 80 },
    { port: 80 },
    { host: 'x' },
    { host: 'x', port: '80' },
    { path: '/x', port: 80 },
    { path: '/x', host: 'x' },
    { path: 1 },
  ];
  for (const value of types) assert.throws(() => peerEndpoint(value, 'to'), TypeError, JSON.stringify(value));
  const ranges: readonly unknown[] = [
    { host: '', port: 80 },
    { host: 'x', port: 0 },
    { host: 'x', port: 65536 },
    { host: 'x', port: 1.5 },
    { path: '' },
    { family: 'unix', path: '' },
    { family: 'ipv6', host: 'name', scope: 'eth0', port: 80 },
    'localhost:0',
  ];
  for (const value of ranges)
    assert.throws(() => peerEndpoint(value, 'to'), RangeError, JSON.stringify(value));
});

test('ownEndpoint has defaults, and takes no names', () => {
  assert.deepEqual(ownEndpoint({ port: 80 }, 'on'), { host: undefined, port: 80 });
  assert.deepEqual(ownEndpoint({ host: '::' }, 'on'), { host: '::', port: 0 });
  assert.deepEqual(ownEndpoint('127.0.0.1:0', 'on'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(ownEndpoint('unix:@x', 'on'), { path: '\0x' });
  assert.throws(() => ownEndpoint('localhost:80', 'on'), /^RangeError: on: expected a numeric address/);
  assert.throws(() => ownEndpoint({}, 'on'), TypeError);
});

test('peerAddress takes no names', () => {
  assert.deepEqual(peerAddress('[::1]:53', 'to'), { family: 'ipv6', host: '::1', port: 53 });
  assert.deepEqual(peerAddress('unix:/x', 'to'), { family: 'unix', path: '/x' });
  assert.throws(() => peerAddress('localhost:53', 'to'), /numeric address .*resolve/);
  assert.throws(() => peerAddress('127.0.0.1:0', 'to'), RangeError);
});

/** With its family, as `formatAddress` takes it. */
function withFamily(text: string): object {
  const read = parseEndpoint(text, 'to');
  return { family: 'path' in read ? 'unix' : 'ipv4', ...read };
}

test('parseEndpoint reads what formatAddress writes', () => {
  const port = fc.integer({ min: 0, max: 65535 });
  const ipv4 = fc
    .tuple(fc.ipV4(), port)
    .map(([host, number]) => ({ family: 'ipv4', host, port: number }) as const);
  const path = fc
    .stringMatching(/^[a-z/@.:]{1,40}$/)
    .filter((text) => !text.startsWith('@'))
    .map((text) => ({ family: 'unix', path: text }) as const);
  fc.assert(
    fc.property(fc.oneof(ipv4, path), (address) => {
      assert.deepEqual(withFamily(formatAddress(address)), address);
    }),
  );
});

test('parseEndpoint answers any text with an endpoint or a RangeError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      try {
        const read = parseEndpoint(text, 'to');
        assert.equal('path' in read, text.startsWith('unix:'));
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});
