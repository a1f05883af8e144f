import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SystemError } from '../base/errors.ts';
import { formatIpv6 } from '../base/address.ts';
import type { SocketAddress } from './address.ts';
import type { CodecContext } from './codec.ts';
import { UNSPECIFIED, decodeSockaddr, encodeSockaddr, readSockaddr, writeSockaddr } from './sockaddr.ts';

const CONTEXT: CodecContext = {
  interfaceIndex: (name) => {
    if (name === 'eth0') return 7;
    throw new SystemError('ENODEV', { op: `interface ${name}` });
  },
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const zeros = (count: number): string => '00'.repeat(count);

/** Addresses, and what the kernel has for them (the headers named in `address.ts`). */
const VECTORS: readonly (readonly [SocketAddress, string])[] = [
  [{ family: 'ipv4', host: '192.0.2.1', port: 80 }, `0200 0050 c0000201 ${zeros(8)}`],
  [{ family: 'ipv4', host: '255.255.255.255', port: 65535 }, `0200 ffff ffffffff ${zeros(8)}`],
  [{ family: 'ipv6', host: '::1', port: 443 }, `0a00 01bb 00000000 ${zeros(15)}01 00000000`],
  [
    { family: 'ipv6', host: 'fe80::1', port: 1, scope: '2', flowInfo: 0x12345 },
    `0a00 0001 00012345 fe80 ${zeros(13)} 01 02000000`,
  ],
  [
    { family: 'ipv6', host: '::ffff:1.2.3.4', port: 0, scope: '4294967295' },
    `0a00 0000 00000000 ${zeros(10)} ffff 01020304 ffffffff`,
  ],
  [{ family: 'unix', path: '' }, '0100'],
  [{ family: 'unix', path: '/a' }, '0100 2f61 00'],
  [{ family: 'unix', path: '\0a\0b' }, '0100 00 61 00 62'],
  [{ family: 'unix', path: '\0' }, '0100 00'],
  [{ family: 'unix', path: Uint8Array.of(0, 0xff) }, '0100 00 ff'],
  [{ family: 'unix', path: Uint8Array.of(0x2f, 0xff) }, '0100 2f ff 00'],
  [{ family: 'unix', path: 'p'.repeat(107) }, `0100 ${'70'.repeat(107)} 00`],
  [{ family: 'unix', path: `\0${'p'.repeat(107)}` }, `0100 00 ${'70'.repeat(107)}`],
  [
    {
      family: 'packet',
      protocol: 0x0806,
      interface: 3,
      hardwareType: 1,
      packetType: 4,
      address: Uint8Array.of(1, 2, 3, 4, 5, 6),
    },
    '1100 0806 03000000 0100 04 06 010203040506 0000',
  ],
  [
    {
      family: 'packet',
      protocol: 3,
      interface: 0,
      hardwareType: 32,
      packetType: 0,
      address: new Uint8Array(20).fill(0xaa),
    },
    `1100 0003 00000000 2000 00 14 ${'aa'.repeat(20)}`,
  ],
  [{ family: 'netlink', port: 4242, groups: 0x80000001 }, '1000 0000 92100000 01000080'],
  [{ family: 'vsock', cid: 3, port: 0xffffffff }, '2800 0000 ffffffff 03000000 00000000'],
  [{ family: 'can', interface: 5 }, `1d00 0000 05000000 ${zeros(8)}`],
  [
    { family: 'can', interface: 5, isotp: { rxId: 0x123, txId: 0x80000456 } },
    '1d00 0000 05000000 23010000 56040080',
  ],
  [
    { family: 'can', interface: 5, j1939: { name: 0x0102030405060708n, pgn: 0x1fe00, address: 0x20 } },
    '1d00 0000 05000000 0807060504030201 00fe0100 20 000000',
  ],
  [{ family: 'other', number: 31, bytes: Uint8Array.of(1, 2, 3) }, '1f00 010203'],
  [{ family: 'other', number: 0xffff, bytes: new Uint8Array() }, 'ffff'],
];

for (const [address, expected] of VECTORS) {
  const bytes = unhex(expected);
  test(`encodeSockaddr of ${address.family} is ${hex(bytes)}`, () => {
    assert.equal(hex(encodeSockaddr(address, CONTEXT)), hex(bytes));
    assert.deepEqual(decodeSockaddr(bytes), address);
  });
}

/** What need not be given, and what it is then. */
const SHORT: readonly (readonly [object, string])[] = [
  [{ family: 'packet', protocol: 3, interface: 'eth0' }, `1100 0003 07000000 ${zeros(12)}`],
  [{ family: 'ipv6', host: '::', port: 0, scope: 'eth0' }, `0a00 0000 00000000 ${zeros(16)} 07000000`],
  [{ family: 'ipv6', host: '::', port: 0, scope: '0' }, `0a00 ${zeros(26)}`],
  [
    { family: 'ipv6', host: '2001:DB8:0::1', port: 0 },
    `0a00 0000 00000000 20010db8 ${zeros(11)} 01 00000000`,
  ],
  [{ family: 'can', interface: 'eth0' }, `1d00 0000 07000000 ${zeros(8)}`],
  [{ family: 'unix', path: new Uint8Array() }, '0100'],
  [UNSPECIFIED, zeros(16)],
];

for (const [address, expected] of SHORT) {
  test(`encodeSockaddr takes ${JSON.stringify(address)}`, () => {
    assert.equal(hex(encodeSockaddr(address as SocketAddress, CONTEXT)), hex(unhex(expected)));
  });
}

const IP4 = { family: 'ipv4', host: '127.0.0.1', port: 80 };
const IP6 = { family: 'ipv6', host: '::1', port: 80 };
const PACKET = { family: 'packet', protocol: 3, interface: 1 };
const NUMBERS = [-1, 0.5, NaN, Infinity, 2 ** 53];
const NO_NUMBERS = ['80', null, 80n, true, {}, [80]];

/** An address, a field of it, values of the wrong type, values of the right type that cannot be. */
const REFUSED: readonly (readonly [object, string, readonly unknown[], readonly unknown[]])[] = [
  [
    IP4,
    'family',
    [undefined, null, 2, 4n, {}, ['ipv4']],
    ['', 'inet', 'IPv4', 'ipv5', '__proto__', 'constructor'],
  ],
  [
    IP4,
    'host',
    [undefined, null, 1, {}, [127, 0, 0, 1]],
    ['', '127.1', '127.0.0.1 ', '::1', 'localhost', '1.2.3.4\0'],
  ],
  [IP4, 'port', [undefined, ...NO_NUMBERS], [...NUMBERS, 65536]],
  [IP4, 'scope', ['eth0', '', null, 0], []],
  [IP4, 'flowInfo', [0, null], []],
  [IP6, 'host', [undefined, null, 1], ['', '127.0.0.1', '[::1]', '::1%eth0', '::1\0', '1::2::3']],
  [IP6, 'port', [undefined, ...NO_NUMBERS], [...NUMBERS, 65536]],
  [IP6, 'flowInfo', NO_NUMBERS, [...NUMBERS, 2 ** 32]],
  [IP6, 'scope', [1, null, {}], ['', 'a b', 'a%b', 'sixteencharacter', '4294967296', '99999999999']],
  [
    { family: 'unix' },
    'path',
    [undefined, null, 1, {}, ['/a']],
    ['/a\0b', 'p'.repeat(108), '\0'.repeat(109), '\ud800'],
  ],
  [PACKET, 'protocol', [undefined, ...NO_NUMBERS], [...NUMBERS, 65536]],
  [PACKET, 'interface', [undefined, null, 1n, {}], [...NUMBERS, '', 'a/b', 'x'.repeat(16)]],
  [PACKET, 'hardwareType', NO_NUMBERS, [...NUMBERS, 65536]],
  [PACKET, 'packetType', NO_NUMBERS, [...NUMBERS, 256]],
  [PACKET, 'address', [null, '01:02:03', [1, 2], new Uint16Array(2)], []],
  [PACKET, 'address.length', [], [new Uint8Array(33)]],
  [{ family: 'netlink', groups: 0, port: 0 }, 'port', [undefined, ...NO_NUMBERS], [...NUMBERS, 2 ** 32]],
  [{ family: 'netlink', groups: 0, port: 0 }, 'groups', [undefined, ...NO_NUMBERS], [...NUMBERS, 2 ** 32]],
  [{ family: 'vsock', cid: 1, port: 1 }, 'cid', [undefined, ...NO_NUMBERS], [...NUMBERS, 2 ** 32]],
  [{ family: 'vsock', cid: 1, port: 1 }, 'port', [undefined, ...NO_NUMBERS], [...NUMBERS, 2 ** 32]],
  [{ family: 'can', interface: 1 }, 'interface', [undefined, null, {}], [...NUMBERS]],
  [{ family: 'can', interface: 1 }, 'isotp', [null, 1, 'x'], []],
  [{ family: 'can', interface: 1, isotp: {} }, 'isotp.rxId', [undefined], []],
  [
    { family: 'can', interface: 1, j1939: { name: 1n, pgn: 1, address: 1 } },
    'isotp',
    [{ rxId: 1, txId: 2 }],
    [],
  ],
  [{ family: 'can', interface: 1 }, 'j1939', [null, 1, 'x'], []],
  [{ family: 'can', interface: 1, j1939: { name: 1 } }, 'j1939.name', [1], []],
  [{ family: 'other', bytes: new Uint8Array() }, 'number', [undefined, ...NO_NUMBERS], [...NUMBERS, 65536]],
  [
    { family: 'other', number: 31 },
    'bytes',
    [undefined, null, 'abc', [1], new DataView(new ArrayBuffer(2))],
    [],
  ],
  [{ family: 'other', number: 31 }, 'bytes.length', [], [new Uint8Array(127)]],
];

function assertRefused(value: unknown, type: typeof TypeError | typeof RangeError, name: string): void {
  const bytes = new Uint8Array(300).fill(0xee);
  assert.throws(
    () => writeSockaddr(bytes, 0, value as SocketAddress, CONTEXT, 'to'),
    (error) => error instanceof type && error.message.startsWith(`${name}: expected `),
    `${name} of ${String(value)}`,
  );
  assert.ok(
    bytes.every((byte) => byte === 0xee),
    'something was written',
  );
}

for (const [address, field, types, ranges] of REFUSED) {
  // The last part of `isotp.rxId` and `bytes.length` is not given by itself.
  const [key = ''] = field.split('.');
  const family = String(Reflect.get(address, 'family'));
  const make = (value: unknown): object =>
    field.includes('.') && !field.endsWith('length') ? address : { ...address, [key]: value };
  test(`writeSockaddr refuses a wrong ${field} of ${family} (F38, F39, F40, F41)`, () => {
    for (const value of types) assertRefused(make(value), TypeError, `to.${field}`);
    for (const value of ranges) assertRefused(make(value), RangeError, `to.${field}`);
  });
}

test('writeSockaddr refuses what is no object (F50)', () => {
  for (const value of [undefined, null, '127.0.0.1:80', 1, () => IP4]) assertRefused(value, TypeError, 'to');
});

test('writeSockaddr names the longest path there can be (F39)', () => {
  const path = 'p'.repeat(120);
  assert.throws(
    () => encodeSockaddr({ family: 'unix', path }, CONTEXT),
    /address\.path: .* at most 107 bytes \(this has 120\)/,
  );
});

test('writeSockaddr passes on that there is no such interface', () => {
  const gone: readonly SocketAddress[] = [
    { family: 'ipv6', host: 'fe80::1', port: 1, scope: 'none0' },
    { family: 'packet', protocol: 3, interface: 'none0' },
    { family: 'can', interface: 'none0' },
  ];
  for (const address of gone) assert.throws(() => encodeSockaddr(address, CONTEXT), { code: 'ENODEV' });
});

test('writeSockaddr reads each property once (F48)', () => {
  const given: Record<string, unknown> = {
    ...{ family: 'ipv6', host: '::1', port: 1, scope: '1', flowInfo: 1, path: '/a', isotp: undefined },
    ...{ j1939: { name: 1n, pgn: 1, address: 1 }, interface: 1, protocol: 1, hardwareType: 1, packetType: 1 },
    ...{ address: new Uint8Array(6), cid: 1, groups: 1, number: 9, bytes: new Uint8Array(3) },
  };
  for (const family of ['ipv4', 'ipv6', 'unix', 'packet', 'netlink', 'vsock', 'can', 'other']) {
    const reads = new Map<string | symbol, number>();
    const source = family === 'ipv4' ? IP4 : { ...given, family };
    const watched = new Proxy(source, {
      get: (target, key) => {
        reads.set(key, (reads.get(key) ?? 0) + 1);
        return Reflect.get(target, key) as unknown;
      },
    });
    encodeSockaddr(watched as SocketAddress, CONTEXT);
    assert.deepEqual(
      [...reads].filter(([, count]) => count !== 1),
      [],
      family,
    );
  }
});

test('writeSockaddr does not fit where there is no room (F42)', () => {
  const fourteen = new Uint8Array(14);
  assert.throws(
    () => writeSockaddr(fourteen, 0, IP4 as SocketAddress, CONTEXT),
    /16 bytes at 0 does not fit in 14/,
  );
  assert.throws(() => writeSockaddr(new Uint8Array(30), 3, IP6 as SocketAddress, CONTEXT), RangeError);
  assert.throws(() => writeSockaddr(new Uint8Array(30), -1, IP6 as SocketAddress, CONTEXT), RangeError);
  assert.throws(() => writeSockaddr(new Uint8Array(30), NaN, IP6 as SocketAddress, CONTEXT), RangeError);
});

// --- properties ---------------------------------------------------------------------------------

const uint = (bits: number): fc.Arbitrary<number> => fc.nat(2 ** bits - 1);
const bytesOf = (least: number, most: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: least, maxLength: most });
const OWN = { noNullPrototype: true } as const;
const constant = <const T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);

/** Bytes as they are read: text where they are UTF-8. */
function asPath(bytes: Uint8Array): string | Uint8Array {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : bytes;
}

const unixPaths = fc.oneof(
  bytesOf(0, 107).map((bytes) => bytes.filter((byte) => byte !== 0)),
  bytesOf(0, 107).map((bytes) => Uint8Array.of(0, ...bytes)),
  fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((text) => new TextEncoder().encode(text.replaceAll('\0', ''))),
);

const ADDRESSES: Readonly<Record<SocketAddress['family'], fc.Arbitrary<SocketAddress>>> = {
  ipv4: fc.record({ family: constant('ipv4'), host: fc.ipV4(), port: uint(16) }, OWN),
  ipv6: fc
    .record({ host: bytesOf(16, 16), port: uint(16), scope: uint(32), flowInfo: uint(32) })
    .map(({ host, port, scope, flowInfo }) => ({
      ...{ family: 'ipv6', host: formatIpv6(host), port },
      ...(scope === 0 ? {} : { scope: String(scope) }),
      ...(flowInfo === 0 ? {} : { flowInfo }),
    })),
  unix: unixPaths.map((path) => ({ family: 'unix', path: asPath(path) })),
  packet: fc.record(
    {
      family: constant('packet'),
      protocol: uint(16),
      interface: uint(31),
      hardwareType: uint(16),
      packetType: uint(8),
      address: bytesOf(0, 32),
    },
    OWN,
  ),
  netlink: fc.record({ family: constant('netlink'), port: uint(32), groups: uint(32) }, OWN),
  vsock: fc.record({ family: constant('vsock'), port: uint(32), cid: uint(32) }, OWN),
  can: fc.oneof(
    fc.record({ family: constant('can'), interface: uint(31) }, OWN),
    fc.record(
      {
        family: constant('can'),
        interface: uint(31),
        isotp: fc.record({ rxId: uint(32), txId: fc.integer({ min: 1, max: 2 ** 32 - 1 }) }, OWN),
      },
      OWN,
    ),
    fc.record(
      {
        family: constant('can'),
        interface: uint(31),
        j1939: fc.record({ name: fc.bigInt(0n, 2n ** 64n - 1n), pgn: uint(32), address: uint(8) }, OWN),
      },
      OWN,
    ),
  ),
  // Numbers of families that have no form of their own.
  other: fc.record(
    {
      family: constant('other'),
      number: fc.integer({ min: 100, max: 65535 }),
      bytes: bytesOf(0, 126),
    },
    OWN,
  ),
};

for (const [family, addresses] of Object.entries(ADDRESSES)) {
  test(`readSockaddr reads what writeSockaddr wrote: ${family}`, () => {
    fc.assert(
      fc.property(addresses, fc.nat(50), (address, offset) => {
        const memory = new Uint8Array(256).fill(0xee);
        const length = writeSockaddr(memory, offset, address, CONTEXT);
        assert.deepEqual(readSockaddr(memory, offset, length), address);
        assert.ok(memory.subarray(0, offset).every((byte) => byte === 0xee));
        assert.ok(memory.subarray(offset + length).every((byte) => byte === 0xee));
      }),
    );
  });
}

/** Bytes that begin with a family that is known, or with any. */
const names = fc
  .tuple(fc.oneof(fc.constantFrom(0, 1, 2, 10, 16, 17, 29, 40), uint(16)), bytesOf(0, 150), fc.boolean())
  .map(([family, rest, isShort]) => {
    const all = Uint8Array.of(family & 255, family >> 8, ...rest);
    return isShort ? all.subarray(0, rest.length % 30) : all;
  });

test('readSockaddr answers for any bytes, and looks at none behind them (F49)', () => {
  fc.assert(
    fc.property(names, fc.nat(9), uint(8), (bytes, offset, filler) => {
      const memory = new Uint8Array(200).fill(filler);
      memory.set(bytes, offset);
      const address = readSockaddr(memory, offset, bytes.length);
      assert.equal(address === null, bytes.length < 2);
      const other = new Uint8Array(200).fill(filler ^ 0xff);
      other.set(bytes, offset);
      assert.deepEqual(readSockaddr(other, offset, bytes.length), address);
      assert.deepEqual(decodeSockaddr(bytes), address);
    }),
    { numRuns: 2000 },
  );
});

test('readSockaddr gives addresses that can be written again', () => {
  fc.assert(
    fc.property(names, (bytes) => {
      const address = decodeSockaddr(bytes);
      // A path may fill its room without a NUL when the kernel reads it, and not when Portside writes it; and interfaces
      // are numbered from 1 to 2 ** 31 - 1.
      fc.pre(address !== null && !(address.family === 'unix' && bytes.length > 109));
      fc.pre(!('interface' in address) || Number(address.interface) < 2 ** 31);
      assert.deepEqual(decodeSockaddr(encodeSockaddr(address, CONTEXT)), address);
    }),
    { numRuns: 2000 },
  );
});

test('readSockaddr refuses a length beyond the memory (F42)', () => {
  for (const [offset, length] of [
    [0, 17],
    [1, 16],
    [-1, 4],
    [0, -1],
    [NaN, 2],
    [0, NaN],
  ] as const)
    assert.throws(() => readSockaddr(new Uint8Array(16), offset, length), RangeError);
});

test('readSockaddr takes a family with too few bytes for one of another kind (F49)', () => {
  assert.deepEqual(decodeSockaddr(unhex('0200 0050 7f00')), {
    family: 'other',
    number: 2,
    bytes: unhex('00507f00'),
  });
  assert.deepEqual(decodeSockaddr(unhex(`0a00 ${zeros(22)}`)), {
    family: 'other',
    number: 10,
    bytes: new Uint8Array(22),
  });
  assert.equal(decodeSockaddr(unhex('02')), null);
  assert.equal(decodeSockaddr(new Uint8Array()), null);
});

test('readSockaddr reads a path that fills its room', () => {
  const full = unhex(`0100 ${'70'.repeat(108)}`);
  assert.deepEqual(decodeSockaddr(full), { family: 'unix', path: 'p'.repeat(108) });
});

test('readSockaddr gives memory of its own', () => {
  const memory = unhex('1f00 010203');
  const address = decodeSockaddr(memory);
  memory.fill(0);
  assert.deepEqual(address, { family: 'other', number: 31, bytes: Uint8Array.of(1, 2, 3) });
});
