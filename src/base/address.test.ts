import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import test from 'node:test';
import type { SocketAddress } from './address.ts';
import {
  formatAddress,
  formatIpv6,
  ipBytes,
  ipv4Bits,
  parseAddress,
  parseIp,
  parseIpv4,
  parseIpv6,
} from './address.ts';

/** Text, and what it is in canonical form; `null` where it is no address. */
const ADDRESSES: readonly (readonly [string, string | null])[] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['192.0.2.1', '192.0.2.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  // RFC 5952: the longest run, the first of equals, no single group (4.2.1 to 4.2.3).
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::FFFF:c000:201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::192.0.2.1', '::c000:201'],
  ['fe80::1%eth0', 'fe80::1'],
  ['fe80::1%2', 'fe80::1'],
  // What getaddrinfo and inet_aton would take, and this does not.
  ['127.1', null],
  ['127.0.1', null],
  ['2130706433', null],
  ['0x7f.0.0.1', null],
  ['0177.0.0.1', null],
  ['192.0.2.01', null],
  ['1.2.3.4.', null],
  ['.1.2.3', null],
  ['1.2.3.256', null],
  ['1.2.3.4.5', null],
  ['1.2.3', null],
  ['1.2.3.4 ', null],
  [' 1.2.3.4', null],
  ['1.2.3.4\n', null],
  ['１.2.3.4', null],
  ['-1.2.3.4', null],
  ['1.2.3.4/24', null],
  ['1.2.3.4:80', null],
  ['', null],
  [':', null],
  [':::', null],
  ['::1::', null],
  ['1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:8:9', null],
  ['1:2:3:4:5:6:7:8::', null],
  [':1:2:3:4:5:6:7', null],
  ['1:2:3:4:5:6:7:', null],
  ['12345::', null],
  ['g::', null],
  ['[::1]', null],
  ['::1.2.3', null],
  ['::1.2.3.4:5', null],
  ['1.2.3.4::', null],
  ['::ffff:192.0.2.256', null],
  ['::ffff:192.0.02.1', null],
  ['1:2:3:4:5:6:7:1.2.3.4', null],
  ['fe80::1%', null],
  ['fe80::1%a b', null],
  ['fe80::1%a%b', null],
  ['fe80::1%sixteencharacter', null],
  ['1.2.3.4%eth0', null],
  ['localhost', null],
  [`${'0'.repeat(100)}::`, null],
];

for (const [text, canonical] of ADDRESSES) {
  test(`parseIp ${JSON.stringify(text)} is ${canonical ?? 'no address'}`, () => {
    assert.equal(parseIp(text)?.host ?? null, canonical);
  });
}

test('parseIp tells family and zone', () => {
  assert.deepEqual(parseIp('1.2.3.4'), { family: 'ipv4', host: '1.2.3.4' });
  assert.deepEqual(parseIp('FE80::1%eth0'), { family: 'ipv6', host: 'fe80::1', scope: 'eth0' });
});

/** A small generator with a fixed seed (mulberry32), so that a failure can be met again. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('formatIpv6 is read back as the same bytes, and is its own canonical form', () => {
  const next = random(1);
  for (let i = 0; i < 5000; i++) {
    // Few different groups, so that runs of zeros of all kinds come up.
    const bytes = Uint8Array.from({ length: 16 }, () => (next() < 0.7 ? 0 : Math.floor(next() * 256)));
    const text = formatIpv6(bytes);
    assert.deepEqual(parseIpv6(text), bytes, text);
    assert.equal(parseIp(text)?.host, text);
    // What an independent reader, the URL parser's, makes of it: it writes mapped addresses in hexadecimal.
    if (!text.includes('.')) assert.equal(new URL(`http://[${text}]/`).hostname, `[${text}]`);
  }
});

test('parseIpv4 gives the four bytes', () => {
  assert.deepEqual(parseIpv4('1.20.255.0'), Uint8Array.of(1, 20, 255, 0));
});

test('ipv4Bits agrees with Node on what is one', () => {
  const next = random(2);
  let found = 0;
  for (let i = 0; i < 20_000; i++) {
    const parts = Array.from({ length: 3 + Math.floor(next() * 2.2) }, () => {
      const digits = String(Math.floor(next() * 300));
      return next() < 0.05 ? `0${digits}` : digits;
    });
    const text = parts.join('.');
    const bits = ipv4Bits(text);
    assert.equal(bits >= 0, isIPv4(text), text);
    if (bits < 0) continue;
    found++;
    assert.equal(
      bits,
      parts.reduce((sum, part) => sum * 256 + Number(part), 0),
    );
  }
  assert.ok(found > 1000, `only ${String(found)} were addresses`);
});

test('ipBytes gives 4 or 16 bytes, and refuses what is not numeric', () => {
  assert.equal(ipBytes({ family: 'ipv4', host: '1.2.3.4' }).length, 4);
  assert.equal(ipBytes({ family: 'ipv6', host: '::' }).length, 16);
  assert.throws(() => ipBytes({ family: 'ipv4', host: '::1' }), TypeError);
  assert.throws(() => ipBytes({ family: 'ipv6', host: 'localhost' }), TypeError);
});

const FORMATTED: readonly (readonly [SocketAddress, string])[] = [
  [{ family: 'ipv4', host: '192.0.2.1', port: 80 }, '192.0.2.1:80'],
  [{ family: 'ipv6', host: '::1', port: 0 }, '[::1]:0'],
  [{ family: 'ipv6', host: 'fe80::1', scope: 'eth0', port: 65535 }, '[fe80::1%eth0]:65535'],
  [{ family: 'unix', path: '/run/x.sock' }, 'unix:/run/x.sock'],
  [{ family: 'unix', path: '' }, 'unix:(unnamed)'],
  [{ family: 'unix', path: '\0name' }, 'unix:@name'],
];
for (const [address, text] of FORMATTED) {
  test(`formatAddress and parseAddress agree on ${text}`, () => {
    assert.equal(formatAddress(address), text);
    assert.deepEqual(parseAddress(text), address);
  });
}

test('formatAddress writes bytes that are no text in hexadecimal', () => {
  assert.equal(formatAddress({ family: 'unix', path: Uint8Array.of(47, 97, 255, 0) }), 'unix:/a\\xff\\x00');
});

for (const text of [
  '',
  ':',
  '1.2.3.4',
  '1.2.3.4:',
  '1.2.3.4:65536',
  '1.2.3.4:080',
  '1.2.3.4:-1',
  '1.2.3.4:1.0',
  '1.2.3.4: 1',
]) {
  test(`parseAddress refuses ${JSON.stringify(text)}`, () => {
    assert.equal(parseAddress(text), null);
  });
}

for (const text of [
  '::1:80',
  '[::1]',
  '[::1]:',
  '[1.2.3.4]:80',
  '[localhost]:80',
  'localhost:80',
  '[::1]:80x',
  'x[::1]:80',
  '[[::1]]:80',
]) {
  test(`parseAddress refuses ${text}`, () => {
    assert.equal(parseAddress(text), null);
  });
}
