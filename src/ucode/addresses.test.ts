import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import test from 'node:test';
import { constants, errorNumbers } from '../posix/constants.ts';
import { decodeSockaddr, encodeSockaddr } from '../posix/sockaddr.ts';
import type { SocketAddress } from './addresses.ts';
import { fillAddress, formatAddress, hardwareAddress, parseAddress } from './addresses.ts';
import { Failure } from './failure.ts';

const { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, ETH_P_ALL, PACKET_OTHERHOST } = constants;
const { EINVAL, ENODEV } = errorNumbers;

const LOOPBACK = Object.keys(networkInterfaces()).includes('lo') ? 'lo' : undefined;
const noInterface = (): number => 0;

/** What a program sees of what the system makes of an address. */
function throughSystem(value: unknown): SocketAddress {
  const bytes = encodeSockaddr(parseAddress(value), { interfaceIndex: noInterface });
  const address = decodeSockaddr(bytes);
  assert.ok(address !== null);
  return formatAddress(address);
}

/** As in a template string. */
const shown = (value: unknown): string => String(value);

const inet = (address: string, port = 0): SocketAddress => ({ family: AF_INET, address, port });
const inet6 = (address: string, port = 0, flowinfo = 0): SocketAddress => ({
  family: AF_INET6,
  address,
  port,
  flowinfo,
});
const unix = (path: string | Buffer): SocketAddress => ({ family: AF_UNIX, path });

test('parseAddress reads text, and formatAddress gives members in a fixed order', () => {
  const rows: readonly (readonly [text: string, address: SocketAddress])[] = [
    ['127.0.0.1', inet('127.0.0.1')],
    ['127.0.0.1:80', inet('127.0.0.1', 80)],
    ['127.0.0.1:0080', inet('127.0.0.1', 80)],
    ['255.255.255.255:9000', inet('255.255.255.255', 9000)],
    ['::', inet6('::')],
    ['2001:DB8::1', inet6('2001:db8::1')],
    ['[::1]', inet6('::1')],
    ['[::1]:443', inet6('::1', 443)],
    ['::ffff:1.2.3.4', inet6('::ffff:1.2.3.4')],
    ['fe80::1%999999', { ...inet6('fe80::1'), interface: 999999 }],
    ['/tmp/socket', unix('/tmp/socket')],
    ['1.2.3.4/24', unix('1.2.3.4/24')],
    ['http://x', unix('http://x')],
    ['./relative', unix('./relative')],
    ['\0abstract', unix('\0abstract')],
    ['\0with/slash', unix('\0with/slash')],
  ];
  for (const [text, address] of rows) {
    assert.deepEqual(throughSystem(text), address, text);
    assert.deepEqual(throughSystem(Buffer.from(text)), address, text);
    assert.equal(JSON.stringify(throughSystem(text)), JSON.stringify(address));
  }
});

test('parseAddress refuses other text', () => {
  const texts = [
    '',
    'localhost',
    'localhost:80',
    ':80',
    '*:80',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:8o',
    '127.0.0.1:-1',
    '127.1',
    '0x7f.0.0.1',
    '127.0.0.01',
    '127.0.0.1%lo',
    '[::1',
    '[::1]443',
    '[::1]:',
    '[::1]:99999',
    '[127.0.0.1]:80',
    '::1::',
    'fe80::1%4294967296',
    'rel',
    'a\0b',
  ];
  for (const text of texts) assert.throws(() => parseAddress(text), Failure, text);
});

test('parseAddress names an interface that there is none of', () => {
  const expected = { code: ENODEV, message: 'Unable to resolve interface nope0' };
  assert.throws(() => parseAddress('fe80::1%nope0'), expected);
  assert.throws(() => parseAddress({ address: '::', interface: 'nope0' }), expected);
  assert.throws(() => parseAddress({ family: AF_PACKET, interface: 'nope0' }), expected);
});

test('formatAddress names interfaces', { skip: LOOPBACK === undefined }, () => {
  assert.deepEqual(formatAddress(parseAddress('fe80::1%lo')), { ...inet6('fe80::1'), interface: 'lo' });
  assert.deepEqual(formatAddress(parseAddress({ family: AF_PACKET, interface: 'lo' })).interface, 'lo');
});

test('parseAddress reads arrays of an address', () => {
  assert.deepEqual(throughSystem([192, 168, 1, 10]), inet('192.168.1.10'));
  const sixteen = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  assert.deepEqual(throughSystem(sixteen), inet6('2001:db8::1'));
  for (const array of [
    [],
    [1, 2, 3],
    [1, 2, 3, 256],
    [1, 2, 3, -1],
    [1, 2, 3, '4'],
    [1, 2, 3, 4.5],
    Array(16),
  ])
    assert.throws(() => parseAddress(array), { code: EINVAL, message: 'Invalid IP address array' });
});

test('parseAddress reads objects, with numbers converted loosely', () => {
  const rows: readonly (readonly [object: object, address: SocketAddress])[] = [
    [{}, inet('0.0.0.0')],
    [{ port: 80 }, inet('0.0.0.0', 80)],
    [{ port: '80' }, inet('0.0.0.0', 80)],
    [{ port: 80.9 }, inet('0.0.0.0', 80)],
    [{ port: true }, inet('0.0.0.0', 1)],
    [{ address: '1.2.3.4', port: null }, inet('1.2.3.4')],
    [{ address: Buffer.from('1.2.3.4') }, inet('1.2.3.4')],
    [{ address: '' }, inet('0.0.0.0')],
    [{ family: String(AF_INET), address: '1.2.3.4' }, inet('1.2.3.4')],
    [{ family: AF_INET6, port: 1 }, inet6('::', 1)],
    [{ address: '::1', flowinfo: 0x12345 }, inet6('::1', 0, 0x12345)],
    [
      { address: '::1', interface: 999999 },
      { ...inet6('::1'), interface: 999999 },
    ],
    [
      { address: 'fe80::1%999999', interface: 7 },
      { ...inet6('fe80::1'), interface: 999999 },
    ],
    [{ path: '/x' }, unix('/x')],
    [{ path: 'without-slash' }, unix('without-slash')],
    [{ family: AF_UNIX, path: Buffer.from('/x') }, unix('/x')],
    [{ path: Buffer.from([0x2f, 0xff]) }, unix(Buffer.from([0x2f, 0xff]))],
    [{ path: '/x', address: '::1', port: 5 }, unix('/x')],
    [{ family: AF_INET, path: '/x', port: 5 }, inet('0.0.0.0', 5)],
    [{ unknown: 'members', port: 5 }, inet('0.0.0.0', 5)],
  ];
  for (const [object, address] of rows) assert.deepEqual(throughSystem(object), address);
});

test('parseAddress reads addresses of packet sockets', () => {
  const address = throughSystem({
    family: AF_PACKET,
    protocol: ETH_P_ALL,
    interface: 999999,
    hardware_type: 1,
    packet_type: PACKET_OTHERHOST,
    address: '52:54:0:ab:Cd:ef',
  });
  assert.equal(
    JSON.stringify(address),
    JSON.stringify({
      family: AF_PACKET,
      protocol: ETH_P_ALL,
      interface: 999999,
      hardware_type: 1,
      packet_type: PACKET_OTHERHOST,
      address: '52:54:00:AB:CD:EF',
    }),
  );
  assert.deepEqual(throughSystem({ family: AF_PACKET }), {
    family: AF_PACKET,
    protocol: 0,
    hardware_type: 0,
    packet_type: 0,
    address: '',
  });
});

test('hardwareAddress reads octets with any separator, or none', () => {
  const bytes = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x5);
  for (const text of ['52:54:00:12:34:05', '52-54-0-12-34-5', '5254.0012.3405', '525400123405'])
    assert.deepEqual(hardwareAddress(text), bytes, text);
  assert.deepEqual(hardwareAddress(null), new Uint8Array(0));
  for (const value of ['x', '::', '52::54', '1:2:3:4:5:6:7:8:9', 52, `${'a'.repeat(100_000)}!`])
    assert.throws(() => hardwareAddress(value), { code: EINVAL, message: 'Invalid hardware address' });
});

test('parseAddress refuses objects with members that cannot be (F41)', () => {
  const rows: readonly (readonly [object: object, message: string])[] = [
    [{ port: 65536 }, 'Invalid port number'],
    [{ port: -1 }, 'Invalid port number'],
    [{ port: 'http' }, 'Invalid port number'],
    [{ address: 'localhost' }, 'Unable to parse IP address'],
    [{ family: AF_INET, address: '::1' }, 'Unable to parse IP address'],
    [{ family: AF_INET6, address: '1.2.3.4' }, 'Unable to parse IP address'],
    [{ address: '::1', flowinfo: -1 }, 'Invalid flow information'],
    [{ family: AF_UNIX }, 'Invalid path value'],
    [{ family: AF_UNIX, path: '' }, 'Invalid path value'],
    [{ path: 'x'.repeat(108) }, 'Invalid path value'],
    [{ path: '/a\0b' }, 'Invalid path value'],
    [{ path: 5 }, 'Invalid path value'],
    [{ address: 5 }, 'Invalid IP address'],
    [{ family: AF_NETLINK }, 'Invalid address value'],
    [{ family: 'x' }, 'Invalid address value'],
    [{ family: AF_PACKET, protocol: 65536 }, 'Invalid protocol number'],
    [{ family: AF_PACKET, packet_type: 256 }, 'Invalid packet type'],
    [{ family: AF_PACKET, hardware_type: 'x' }, 'Invalid hardware type'],
  ];
  for (const [object, message] of rows) assert.throws(() => parseAddress(object), { code: EINVAL, message });
});

test('parseAddress refuses what is no address at all', () => {
  for (const value of [5, true, Symbol('x'), 5n, () => 1])
    assert.throws(() => parseAddress(value), { code: EINVAL, message: 'Invalid address value' });
});

test('formatAddress shows other families by their number alone', () => {
  assert.deepEqual(formatAddress({ family: 'netlink', port: 5, groups: 1 }), { family: AF_NETLINK });
  assert.deepEqual(formatAddress({ family: 'other', number: 77, bytes: new Uint8Array(4) }), { family: 77 });
});

test('formatAddress has addresses shown by their members', () => {
  assert.equal(
    String(formatAddress(parseAddress('127.0.0.1:80'))),
    '{ "family": 2, "address": "127.0.0.1", "port": 80 }',
  );
});

test('fillAddress leaves what else an object has', () => {
  const target = { mine: 1, port: 5 };
  fillAddress(target, parseAddress('/x'));
  assert.deepEqual(target, { mine: 1, port: 5, family: AF_UNIX, path: '/x' });
  assert.equal(shown(target), '{ "mine": 1, "port": 5, "family": 1, "path": "/x" }');
  const named = { toString: () => 'my own' };
  fillAddress(named, null);
  assert.equal(String(named), 'my own');
  assert.equal(Reflect.get(named, 'family'), 0);
});

test('fillAddress refuses an object that is frozen', () => {
  assert.throws(
    () => {
      fillAddress(Object.freeze({}), parseAddress('/x'));
    },
    { code: EINVAL },
  );
});
