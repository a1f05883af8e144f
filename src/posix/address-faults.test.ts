/** Addresses that cannot be, given to every method that takes one, and what the system says of those that only it can judge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import type { BadValue } from '../testing/node/bad-values.ts';
import { NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { SocketAddress } from './address.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { getSpace } from './space.ts';
import { BAD_NUMBERS, but, BYTES, DEADLINE, open, refuses, settledLeakCheck, udp } from './test-kit.ts';

const { constants } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const other = (number: unknown, bytes: unknown): unknown => ({ family: 'other', number, bytes });
const ipv4 = (port: unknown, host: unknown = '127.0.0.1'): unknown => ({ family: 'ipv4', host, port });
const ipv6 = (more: object): unknown => ({ family: 'ipv6', host: '::1', port: 1, ...more });
const unix = (path: unknown): unknown => ({ family: 'unix', path });

const NO_ADDRESS: readonly BadValue[] = [
  ...but(NOTHING_USEFUL, 'undefined'),
  ['an unknown family', { family: 'ipx' }],
  ['the number of a family', { family: 2, host: '127.0.0.1', port: 1 }],
  ...[...BAD_NUMBERS, ['-1', -1], ['65536', 65536], ['undefined', undefined], ['80x', '80x']].map(
    ([what, port]): BadValue => [`the port ${String(what)}`, ipv4(port)],
  ),
  ['a name as a host', ipv4(1, 'localhost')],
  ['an octal host', ipv4(1, '0177.0.0.1')],
  ['a host with a NUL', ipv4(1, '127.0.0.1\0')],
  ['a scope of IPv4', { family: 'ipv4', host: '127.0.0.1', port: 1, scope: '1' }],
  ['a zone in the host', ipv6({ host: 'fe80::1%1' })],
  ['a scope as a number', ipv6({ scope: 1 })],
  ['a scope with a NUL', ipv6({ scope: 'lo\0' })],
  ['a scope of 2^32', ipv6({ scope: '4294967296' })],
  ['a negative flow', ipv6({ flowInfo: -1 })],
  ['a NUL in a path', unix('/tmp/a\0b')],
  ['a NUL at the end of a path', unix('/tmp/a\0')],
  ['a NUL in a path of bytes', unix(Uint8Array.of(47, 0, 47))],
  ['a path of 108 bytes', unix(`/${'x'.repeat(107)}`)],
  ['a path of 200 bytes', unix(`/${'x'.repeat(199)}`)],
  ['an abstract name of 108 bytes', unix(`\0${'x'.repeat(107)}z`)],
  ['a path of half a character', unix('/\ud800')],
  ['a path that is a number', unix(8080)],
  ['raw bytes that are none', other(1, [1, 2])],
  ['127 raw bytes', other(1, new Uint8Array(127))],
  ['a raw family of 2^16', other(65536, new Uint8Array(2))],
  ['a raw family of -1', other(-1, new Uint8Array(2))],
];

refuses(
  'address',
  'F38, F39, F40, F41, F49',
  [
    ['bind', (s, bad) => s.bind(bad)],
    ['connect', (s, bad) => s.connect(bad)],
    ['connect with a deadline', (s, bad) => s.connect(bad, DEADLINE)],
    ['connectAsync', (s, bad) => s.connectAsync(bad)],
    ['sendTo', (s, bad) => s.sendTo(BYTES, bad)],
    ['sendTo with a deadline', (s, bad) => s.sendTo(BYTES, bad, DEADLINE)],
    ['sendToAsync', (s, bad) => s.sendToAsync(BYTES, bad)],
    ['sendMsg', (s, bad) => s.sendMsg({ data: BYTES, address: bad })],
    ['sendMany', (s, bad) => s.sendMany([{ data: BYTES, address: bad }])],
    ['encodeSockaddr', (_, bad) => encodeSockaddr(bad as SocketAddress, getSpace().codecs)],
  ],
  NO_ADDRESS,
);

// --- what only the system can judge -------------------------------------------------------------

const { AF_INET, AF_INET6, AF_UNIX } = constants;

/** Raw addresses, too short or of another family than the socket. */
const MALFORMED: readonly (readonly [
  what: string,
  number: number,
  bytes: Uint8Array,
  codes: readonly string[],
])[] = [
  ['of nothing but a family', AF_INET, new Uint8Array(0), ['EINVAL']],
  ['short of a byte', AF_INET, new Uint8Array(5), ['EINVAL']],
  ['of another family', AF_UNIX, new Uint8Array(14), ['EAFNOSUPPORT', 'EINVAL']],
  ['of a family that needs more bytes', AF_INET6, new Uint8Array(14), ['EAFNOSUPPORT', 'EINVAL']],
  ['of a family that is none', 65535, new Uint8Array(14), ['EAFNOSUPPORT', 'EINVAL']],
];

for (const [what, number, bytes, codes] of MALFORMED) {
  test(`bind, connect and sendTo leave a raw address ${what} to the system (F49)`, (t) => {
    const address: SocketAddress = { family: 'other', number, bytes };
    const socket = open(t, 'AF_INET', 'SOCK_DGRAM');
    const told = (error: unknown): boolean => codes.includes((error as { code?: string }).code ?? '');
    assert.throws(() => {
      socket.bind(address);
    }, told);
    assert.throws(() => socket.connect(address), told);
    assert.throws(() => socket.sendTo(BYTES, address), told);
    assert.throws(() => socket.sendMsg({ data: BYTES, address }), told);
  });
}

test('a raw address may be longer than its family needs, and as long as fits (F49)', (t) => {
  const receiver = udp(t);
  const sender = udp(t);
  const name = encodeSockaddr(receiver.localAddress(), getSpace().codecs);
  for (const more of [0, 1, 8, 112]) {
    const bytes = new Uint8Array(name.length - 2 + more).fill(0xff);
    bytes.set(name.subarray(2));
    assert.equal(sender.sendTo(BYTES, { family: 'other', number: AF_INET, bytes }), 3);
    assert.deepEqual(receiver.recv(10, DEADLINE), BYTES);
  }
});

test('an IPv6 scope that no interface has is told of by the system (F49)', (t) => {
  const socket = open(t, 'AF_INET6', 'SOCK_DGRAM');
  const address: SocketAddress = { family: 'ipv6', host: 'fe80::1', port: 9, scope: '4294967295' };
  assert.throws(() => socket.sendTo(BYTES, address), { name: 'SystemError', op: 'sendTo' });
  assert.throws(() => socket.sendTo(BYTES, { ...address, scope: 'nosuch0' }), { code: 'ENODEV' });
});

test('the longest path is bound whole, and one byte more is refused by its limit (F39)', (t) => {
  const folder = tempPath('').replace(/[^/]*$/, '');
  const path = `${folder}${'p'.repeat(107 - folder.length)}`;
  const socket = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  assert.throws(() => {
    socket.bind({ family: 'unix', path: `${path}q` });
  }, /^RangeError: address\.path.* 107 bytes/);
  socket.bind({ family: 'unix', path });
  assert.deepEqual(socket.localAddress(), { family: 'unix', path });
});

test('an abstract name may have NULs anywhere (F38)', (t) => {
  const [one, two] = [open(t, 'AF_UNIX', 'SOCK_DGRAM'), open(t, 'AF_UNIX', 'SOCK_DGRAM')];
  const name = `\0portside\0${String(process.pid)}`;
  one.bind({ family: 'unix', path: `${name}\0` });
  two.bind({ family: 'unix', path: name });
  assert.equal(one.sendTo(BYTES, { family: 'unix', path: name }), 3);
  assert.deepEqual(two.recvFrom(), {
    data: BYTES,
    address: { family: 'unix', path: `${name}\0` },
    length: 3,
    truncated: false,
  });
});
