import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadNative } from '../addon/load.ts';
import { SystemError } from '../base/errors.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { CodecContext } from './codec.ts';
import { CONTROL_CODECS } from './control-codecs.ts';
import type { ControlInput, ControlMessage } from './control-messages.ts';
import { controlRoom, decodeControl, encodeControl } from './control-messages.ts';
import type { ControlDirection } from './control-rows.ts';
import { CONTROL_FORMS, CONTROL_ROWS } from './control-rows.ts';
import { Descriptor, OWN } from './descriptor.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { getSpace } from './space.ts';

const { constants } = loadNative();
const CONTEXT: CodecContext = {
  interfaceIndex: (name) => {
    if (name === 'eth0') return 7;
    throw new SystemError('ENODEV', { op: `interface ${name}` });
  },
};

const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const zeros = (count: number): string => '00'.repeat(count);

function noDescriptor(): never {
  throw new Error('there is no descriptor here');
}

type RowName = `${(typeof CONTROL_ROWS)[number][0]}/${(typeof CONTROL_ROWS)[number][1]}`;

/** What the kernel has for values, by the layouts of its headers; the codecs of all rows but those of descriptors. */
const VECTORS: readonly (readonly [RowName, unknown, string])[] = [
  ['IPPROTO_IP/IP_CHECKSUM', 0xfedcba98, '98badcfe'],
  [
    'IPPROTO_IP/IP_ORIGDSTADDR',
    { family: 'ipv4', host: '192.0.2.1', port: 80 },
    `0200 0050 c0000201 ${zeros(8)}`,
  ],
  [
    'IPPROTO_IP/IP_PKTINFO',
    { interface: 7, source: '192.0.2.1', destination: '224.0.0.1' },
    '07000000 c0000201 e0000001',
  ],
  ['IPPROTO_IP/IP_PROTOCOL', 89, '59000000'],
  [
    'IPPROTO_IP/IP_RECVERR',
    {
      ...{ errno: 111, name: 'ECONNREFUSED', origin: 2, type: 3, code: 3, info: 0, data: 0 },
      offender: { family: 'ipv4', host: '127.0.0.1', port: 0 },
    },
    `6f000000 02 03 03 00 00000000 00000000 0200 0000 7f000001 ${zeros(8)}`,
  ],
  ['IPPROTO_IP/IP_RECVFRAGSIZE', 1500, 'dc050000'],
  ['IPPROTO_IP/IP_RECVOPTS', unhex('07 03 04 00'), '07030400'],
  ['IPPROTO_IP/IP_RETOPTS', unhex('94 04 00 00'), '94040000'],
  ['IPPROTO_IP/IP_TOS', 0xb8, 'b8000000'],
  ['IPPROTO_IP/IP_TTL', 64, '40000000'],
  ['IPPROTO_IP/SCM_SECURITY', 'system_u:r', '73797374 656d5f75 3a7200'],
  ['IPPROTO_IPV6/IPV6_DONTFRAG', 1, '01000000'],
  ['IPPROTO_IPV6/IPV6_DSTOPTS', unhex('00 00 01 04 00000000'), '0000010400000000'],
  ['IPPROTO_IPV6/IPV6_FLOWINFO', 0x0abcdef0, '0abcdef0'],
  ['IPPROTO_IPV6/IPV6_HOPLIMIT', -1, 'ffffffff'],
  ['IPPROTO_IPV6/IPV6_HOPOPTS', unhex('00 00 05 02 00000100'), '0000050200000100'],
  [
    'IPPROTO_IPV6/IPV6_ORIGDSTADDR',
    { family: 'ipv6', host: '::1', port: 443 },
    `0a00 01bb 00000000 ${zeros(15)}01 00000000`,
  ],
  [
    'IPPROTO_IPV6/IPV6_PATHMTU',
    { address: { family: 'ipv6', host: '2001:db8::1', port: 0 }, mtu: 1280 },
    `0a00 0000 00000000 20010db8${zeros(11)}01 00000000 00050000`,
  ],
  ['IPPROTO_IPV6/IPV6_PKTINFO', { address: '2001:db8::1', interface: 7 }, `20010db8${zeros(11)}01 07000000`],
  [
    'IPPROTO_IPV6/IPV6_RECVERR',
    {
      ...{ errno: 90, name: 'EMSGSIZE', origin: 3, type: 2, code: 0, info: 1280, data: 0xffffffff },
      offender: { family: 'ipv6', host: 'fe80::1', port: 0, scope: '2' },
    },
    `5a000000 03 02 00 00 00050000 ffffffff 0a00 0000 00000000 fe80${zeros(13)}01 02000000`,
  ],
  ['IPPROTO_IPV6/IPV6_RECVFRAGSIZE', 1280, '00050000'],
  ['IPPROTO_IPV6/IPV6_RTHDR', unhex('11 02 04 01 00000000'), '1102040100000000'],
  ['IPPROTO_IPV6/IPV6_RTHDRDSTOPTS', unhex('00 00 01 04 00000000'), '0000010400000000'],
  ['IPPROTO_IPV6/IPV6_TCLASS', 0x2e, '2e000000'],
  ['IPPROTO_TCP/TCP_CM_INQ', 5, '05000000'],
  ['IPPROTO_UDP/UDP_GRO', 1200, 'b0040000'],
  ['IPPROTO_UDP/UDP_SEGMENT', 1200, 'b004'],
  ['SOL_CAN_J1939/SCM_J1939_DEST_ADDR', 0x20, '20'],
  ['SOL_CAN_J1939/SCM_J1939_DEST_NAME', 0x0102030405060708n, '0807060504030201'],
  ['SOL_CAN_J1939/SCM_J1939_ERRQUEUE', unhex('0800010005000000'), '0800010005000000'],
  ['SOL_CAN_J1939/SCM_J1939_PRIO', 6, '06'],
  ['SOL_NETLINK/NETLINK_LISTEN_ALL_NSID', -1, 'ffffffff'],
  ['SOL_NETLINK/NETLINK_PKTINFO', { group: 5 }, '05000000'],
  [
    'SOL_PACKET/PACKET_AUXDATA',
    { status: 0x91, length: 1514, captured: 96, mac: 0, network: 14, vlanTag: 0x64, vlanProtocol: 0x8100 },
    '91000000 ea050000 60000000 0000 0e00 6400 0081',
  ],
  [
    'SOL_PACKET/PACKET_TX_TIMESTAMP',
    { errno: 42, name: 'ENOMSG', origin: 4, type: 0, code: 0, info: 1, data: 9, offender: null },
    '2a000000 04 00 00 00 01000000 09000000',
  ],
  ['SOL_SOCKET/SCM_CREDENTIALS', { pid: 1, uid: 0xfffffffe, gid: 2 }, '01000000 feffffff 02000000'],
  ['SOL_SOCKET/SCM_INQ', 77, '4d000000'],
  ['SOL_SOCKET/SCM_SECURITY', 'unconfined', '756e636f6e66696e6564'],
  ['SOL_SOCKET/SCM_TIMESTAMPING_OPT_STATS', unhex('0c00 0100 0000000000000000'), '0c0001000000000000000000'],
  ['SOL_SOCKET/SCM_TIMESTAMPING_PKTINFO', { interface: 2, length: 60 }, `02000000 3c000000 ${zeros(8)}`],
  ['SOL_SOCKET/SCM_TS_OPT_ID', 0xfffffffe, 'feffffff'],
  ['SOL_SOCKET/SCM_TXTIME', 0x0102030405060708n, '0807060504030201'],
  ['SOL_SOCKET/SCM_WIFI_STATUS', 1, '01000000'],
  ['SOL_SOCKET/SO_MARK', 0xdeadbeef, 'efbeadde'],
  ['SOL_SOCKET/SO_PRIORITY', 6, '06000000'],
  ['SOL_SOCKET/SO_RXQ_OVFL', 0x80000000, '00000080'],
  ['SOL_SOCKET/SO_TIMESTAMP', { sec: 0x01_0000_0000, usec: 5 }, '0000000001000000 0500000000000000'],
  [
    'SOL_SOCKET/SO_TIMESTAMPING',
    { software: { sec: 1, nsec: 2 }, transformed: null, hardware: { sec: 3, nsec: 4 } },
    `0100000000000000 0200000000000000 ${zeros(16)} 0300000000000000 0400000000000000`,
  ],
  [
    'SOL_SOCKET/SO_TIMESTAMPING_NEW',
    { software: { sec: 0, nsec: 1 }, transformed: null, hardware: null },
    `0000000000000000 0100000000000000 ${zeros(32)}`,
  ],
  ['SOL_SOCKET/SO_TIMESTAMPNS', { sec: 1, nsec: 999999999 }, '0100000000000000 ffc99a3b00000000'],
  ['SOL_SOCKET/SO_TIMESTAMPNS_NEW', { sec: 1, nsec: 0 }, '0100000000000000 0000000000000000'],
  ['SOL_SOCKET/SO_TIMESTAMP_NEW', { sec: 1, usec: 999999 }, '0100000000000000 3f420f0000000000'],
  ['SOL_TLS/TLS_GET_RECORD_TYPE', 23, '17'],
  ['SOL_TLS/TLS_SET_RECORD_TYPE', 21, '15'],
  [
    'SOL_VSOCK/VSOCK_RECVERR',
    { errno: 0, name: null, origin: 5, type: 0, code: 1, info: 0, data: 3, offender: null },
    '00000000 05 00 01 00 00000000 03000000',
  ],
];

const DESCRIPTOR_ROWS: readonly RowName[] = ['SOL_SOCKET/SCM_PIDFD', 'SOL_SOCKET/SCM_RIGHTS'];
/** What is sent in another form than it comes in. */
const ONE_WAY: readonly string[] = ['SO_TIMESTAMPING', 'SO_TIMESTAMPING_NEW'];

const rowOf = (name: RowName): (typeof CONTROL_ROWS)[number] => {
  const row = CONTROL_ROWS.find(([level, type]) => `${level}/${type}` === name);
  assert.ok(row !== undefined, name);
  return row;
};

for (const [name, value, expected] of VECTORS) {
  const [level, type, , direction] = rowOf(name);
  const numbers = [constants[level], constants[type]] as const;
  const way: ControlDirection = ONE_WAY.includes(type) ? 'receive' : direction;
  if (way !== 'receive') {
    test(`encodeControl of ${name} is as in the kernel's header`, () => {
      const encoded = encodeControl({ level, type, data: value } as ControlInput, 'control[0]', CONTEXT);
      assert.deepEqual([encoded.level, encoded.type, hex(encoded.data)], [...numbers, hex(unhex(expected))]);
    });
  }
  if (way !== 'send') {
    test(`decodeControl of ${name} reads what the kernel's header has`, () => {
      const payload = unhex(expected);
      // Type of service comes as one byte.
      const given = type === 'IP_TOS' ? payload.subarray(0, 1) : payload;
      assert.deepEqual(decodeControl(given, ...numbers, noDescriptor), { level, type, data: value });
    });
  }
}

test('VECTORS have every row that is no descriptor', () => {
  const all = CONTROL_ROWS.map(([level, type]): RowName => `${level}/${type}`);
  const tested = new Set([...VECTORS.map(([name]) => name), ...DESCRIPTOR_ROWS]);
  assert.deepEqual(
    all.filter((name) => !tested.has(name)),
    [],
  );
  assert.equal(tested.size, all.length);
});

test('CONTROL_ROWS are sorted, and each pair of numbers stands once', () => {
  const names = CONTROL_ROWS.map(([level, type]) => `${level}/${type}`);
  assert.deepEqual(names, names.toSorted());
  const numbers = new Set(
    CONTROL_ROWS.map(([level, type]) => `${String(constants[level])}/${String(constants[type])}`),
  );
  assert.equal(numbers.size, names.length);
});

test('CONTROL_FORMS describe each codec that the table uses, and no other', () => {
  const described = CONTROL_FORMS.map(([name]) => name);
  assert.deepEqual(described, described.toSorted());
  assert.deepEqual(described, Object.keys(CONTROL_CODECS).toSorted());
  assert.deepEqual(new Set(CONTROL_ROWS.map((row) => row[2])), new Set(described));
});

test('encodeControl takes flags for time stamps', () => {
  const { data } = encodeControl({ level: 'SOL_SOCKET', type: 'SO_TIMESTAMPING', data: 0x102 }, 'c', CONTEXT);
  assert.equal(hex(data), '02010000');
});

test('encodeControl takes what was received for the reply', () => {
  const pktinfo = decodeControl(unhex('07000000 c0000201 e0000001'), 0, constants.IP_PKTINFO, noDescriptor);
  assert.equal(hex(encodeControl(pktinfo as ControlInput, 'c', CONTEXT).data), '07000000c0000201e0000001');
  const six = decodeControl(unhex(`${zeros(15)}01 07000000`), 41, constants.IPV6_PKTINFO, noDescriptor);
  assert.equal(hex(encodeControl(six as ControlInput, 'c', CONTEXT).data), `${zeros(15)}0107000000`);
});

test('encodeControl takes names of interfaces, and leaves out what is not given', () => {
  const four = { level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: { interface: 'eth0' } } as const;
  assert.equal(hex(encodeControl(four, 'c', CONTEXT).data), `07000000${zeros(8)}`);
  const six = { level: 'IPPROTO_IPV6', type: 'IPV6_PKTINFO', data: { interface: 'none' } } as const;
  assert.throws(() => encodeControl(six, 'c', CONTEXT), { code: 'ENODEV' });
});

test('encodeControl takes numbers, and bytes for any message', () => {
  const byNumbers = { level: constants.SOL_SOCKET, type: constants.SO_MARK, data: 7 as never };
  assert.equal(hex(encodeControl(byNumbers, 'c', CONTEXT).data), '07000000');
  const raw = { level: 12345, type: -3, data: Uint8Array.of(1, 2) };
  assert.deepEqual(encodeControl(raw, 'c', CONTEXT), raw);
  const odd = { level: 'IPPROTO_IP', type: 'IP_TTL', data: Uint8Array.of(1) } as const;
  assert.deepEqual(encodeControl(odd, 'c', CONTEXT), {
    level: 0,
    type: constants.IP_TTL,
    data: Uint8Array.of(1),
  });
});

test('encodeControl copies bytes', () => {
  const data = Uint8Array.of(1, 2);
  const encoded = encodeControl({ level: 1, type: 2, data }, 'c', CONTEXT);
  data.fill(9);
  assert.deepEqual(encoded.data, Uint8Array.of(1, 2));
});

/** What is wrong, and what the error says. */
const REFUSED: readonly (readonly [unknown, typeof TypeError | typeof RangeError, RegExp])[] = [
  [undefined, TypeError, /^c: expected an object/],
  [[], TypeError, /^c\.level: expected the name of a level/],
  [
    { level: 'SOL_SOCKT', type: 'SCM_RIGHTS' },
    RangeError,
    /^c\.level: no such level .*SOL_SOCKT; did you mean SOL_SOCKET\?$/,
  ],
  [{ level: '__proto__', type: 'SCM_RIGHTS' }, RangeError, /^c\.level: no such level/],
  [{ level: 1.5, type: 1 }, RangeError, /^c\.level: expected a whole number/],
  [{ level: 1 }, TypeError, /^c\.type: expected the name of a control message/],
  [{ level: 'SOL_SOCKET', type: 'SCM_RIGHT' }, RangeError, /^c\.type: .*did you mean SCM_RIGHTS\?$/],
  [{ level: 'SOL_SOCKET', type: 'IP_TTL' }, RangeError, /^c\.type: .*IP_TTL; it is one of IPPROTO_IP$/],
  [
    { level: 'SOL_SOCKET', type: 'constructor' },
    RangeError,
    /^c\.type: no such control message: constructor$/,
  ],
  [{ level: 'SOL_SOCKET', type: 2 ** 31 }, RangeError, /^c\.type: expected a whole number/],
  [{ level: 9999, type: 1, data: 5 }, TypeError, /^c\.data: expected a Uint8Array, got 5$/],
  [{ level: 9999, type: 1 }, TypeError, /^c\.data: expected a Uint8Array, got undefined$/],
  [
    { level: 'IPPROTO_IP', type: 'IP_RECVERR', data: {} },
    TypeError,
    /^c\.type: IP_RECVERR is only received$/,
  ],
  [{ level: 'IPPROTO_IP', type: 'IP_TTL', data: '64' }, TypeError, /^c\.data: expected a whole number/],
  [{ level: 'IPPROTO_IP', type: 'IP_TTL', data: 0.5 }, RangeError, /^c\.data: expected a whole number/],
  [
    { level: 'IPPROTO_IP', type: 'IP_TOS', data: 256 },
    RangeError,
    /^c\.data: expected a whole number from 0 to 255/,
  ],
  [
    { level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: { source: '::1' } },
    RangeError,
    /^c\.data\.source: expected an IPv4/,
  ],
  [
    { level: 'IPPROTO_IP', type: 'IP_PKTINFO', data: { sorce: '1.2.3.4' } },
    TypeError,
    /^c\.data\.sorce: .*source/,
  ],
  [{ level: 'IPPROTO_IP', type: 'IP_RETOPTS', data: 'x' }, TypeError, /^c\.data: expected a Uint8Array/],
  [{ level: 'IPPROTO_UDP', type: 'UDP_SEGMENT', data: 65536 }, RangeError, /^c\.data: /],
  [{ level: 'SOL_SOCKET', type: 'SCM_TXTIME', data: 1 }, TypeError, /^c\.data: expected a bigint/],
  [{ level: 'SOL_SOCKET', type: 'SCM_TXTIME', data: -1n }, RangeError, /^c\.data: expected a bigint/],
  [{ level: 'SOL_SOCKET', type: 'SCM_CREDENTIALS', data: { pid: 1, uid: 0 } }, TypeError, /^c\.data\.gid: /],
  [{ level: 'SOL_SOCKET', type: 'SCM_CREDENTIALS', data: null }, TypeError, /^c\.data: expected an object/],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: 5 },
    TypeError,
    /^c\.data: expected an array of descriptors/,
  ],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [-1] },
    RangeError,
    /^c\.data\[0\]: expected a whole number/,
  ],
  [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [0, 2 ** 31] }, RangeError, /^c\.data\[1\]: /],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: ['0'] },
    TypeError,
    /^c\.data\[0\]: expected a descriptor/,
  ],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [null] },
    TypeError,
    /^c\.data\[0\]: expected a descriptor/,
  ],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [{}] },
    TypeError,
    /^c\.data\[0\]\.fd: expected a whole number/,
  ],
  [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [{ fd: 1e10 }] }, RangeError, /^c\.data\[0\]\.fd: /],
  [
    { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: Array(254).fill(0) },
    RangeError,
    /^c\.data\.length: .* 0 to 253/,
  ],
];

for (const [input, type, message] of REFUSED) {
  test(`encodeControl refuses: ${String(message)} (F35, F41)`, () => {
    assert.throws(
      () => encodeControl(input as ControlInput, 'c', CONTEXT),
      (error) => error instanceof type && message.test(error.message),
    );
  });
}

test('encodeControl of SCM_RIGHTS takes numbers, and objects that have one (F35)', () => {
  const given = { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [0, { fd: 5 }, 2 ** 31 - 1, 0] } as const;
  assert.equal(
    hex(encodeControl(given, 'c', CONTEXT).data),
    '00000000 05000000 ffffff7f 00000000'.replaceAll(' ', ''),
  );
  assert.equal(encodeControl({ ...given, data: [] }, 'c', CONTEXT).data.length, 0);
  assert.equal(encodeControl({ ...given, data: Array<number>(253).fill(1) }, 'c', CONTEXT).data.length, 1012);
});

test('encodeControl refuses descriptors that are closed (F35)', () => {
  const { native } = getSpace();
  const made = new Descriptor(native.adopt(openSync('/dev/null', 'r'), true), OWN);
  const message = { level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [made] } as const;
  assert.equal(encodeControl(message, 'c', CONTEXT).data.length, 4);
  made.close();
  assert.throws(() => encodeControl(message, 'c', CONTEXT), { code: 'ERR_SOCKET_CLOSED' });
  const handle = { ...message, data: [{ fd: -1 }] };
  assert.throws(() => encodeControl(handle, 'c', CONTEXT), {
    code: 'EBADF',
    message: /c\.data\[0\]: it is closed/,
  });
});

// --- reading what may be anything ---------------------------------------------------------------

/** Slots with descriptors, as the native module leaves them in a payload. */
function received(...slots: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(slots).buffer);
}

test("decodeControl of SCM_RIGHTS makes each descriptor that came the caller's (F30)", () => {
  const leaks = leakCheck();
  const { native } = getSpace();
  const ids = Array.from({ length: 3 }, () => native.adopt(openSync('/dev/null', 'r'), true));
  const [first = 0, second = 0, third = 0] = ids.map((id) => id % 2 ** 20);
  const take = (slot: number): Descriptor => new Descriptor(native.idAt(slot), OWN);
  // One that was closed for lack of room, and half of another.
  const payload = Uint8Array.of(...received(first, -1, second, third), 1, 2);
  const message = decodeControl(payload, constants.SOL_SOCKET, constants.SCM_RIGHTS, take);
  assert.equal(message.type, 'SCM_RIGHTS');
  assert.deepEqual(
    message.data.map(({ fd }) => fd),
    ids.map((id) => native.descriptor(id)),
  );
  for (const each of message.data) each.close();
  leaks.check();
});

test('decodeControl of SCM_PIDFD has no descriptor where the system had none', () => {
  const message = decodeControl(received(-1), constants.SOL_SOCKET, constants.SCM_PIDFD, noDescriptor);
  assert.deepEqual(message, { level: 'SOL_SOCKET', type: 'SCM_PIDFD', data: null });
});

test('decodeControl gives bytes where the payload was cut short, or is of nobody (F36)', () => {
  const cut = decodeControl(unhex('07000000 c0'), 0, constants.IP_PKTINFO, noDescriptor);
  assert.deepEqual(cut, { level: 0, type: constants.IP_PKTINFO, data: unhex('07000000 c0') });
  const unknown = decodeControl(unhex('01'), 7777, -5, noDescriptor);
  assert.deepEqual(unknown, { level: 7777, type: -5, data: unhex('01') });
  const sent = decodeControl(unhex('0101'), constants.IPPROTO_UDP, constants.UDP_SEGMENT, noDescriptor);
  assert.deepEqual(sent, { level: constants.IPPROTO_UDP, type: constants.UDP_SEGMENT, data: unhex('0101') });
});

test('decodeControl reads an error as far as it is there (F36)', () => {
  const whole = unhex(`6f000000 02030300 00000000 00000000 0200 0000 7f000001 ${zeros(8)}`);
  const read = (length: number): ControlMessage =>
    decodeControl(whole.subarray(0, length), 0, constants.IP_RECVERR, noDescriptor);
  assert.equal(read(15).type, constants.IP_RECVERR);
  const error = read(16);
  assert.ok(error.type === 'IP_RECVERR');
  assert.equal(error.data.offender, null);
  assert.equal(error.data.name, 'ECONNREFUSED');
  const half = read(24);
  assert.ok(half.type === 'IP_RECVERR');
  assert.deepEqual(half.data.offender, { family: 'other', number: 2, bytes: unhex('0000 7f000001') });
});

const keys = fc.constantFrom(
  ...CONTROL_ROWS.map(([level, type]) => [constants[level], constants[type]] as const),
  [0, 0] as const,
  [-1, 2 ** 31 - 1] as const,
);

test('decodeControl answers for any bytes, and keeps none of them (F36)', () => {
  const slots: number[] = [];
  const made = new Descriptor(getSpace().native.adopt(openSync('/dev/null', 'r'), true), OWN);
  const take = (slot: number): Descriptor => {
    slots.push(slot);
    return made;
  };
  fc.assert(
    fc.property(keys, fc.uint8Array({ maxLength: 150 }), ([level, type], payload) => {
      const message = decodeControl(payload, level, type, take);
      const before = structuredClone(message);
      payload.fill(0xee);
      assert.deepEqual(structuredClone(message), before);
      assert.equal(typeof message.level, typeof message.type);
    }),
    { numRuns: 5000 },
  );
  made.close();
  assert.ok(slots.every((slot) => slot >= 0 && slot < 2 ** 31));
  assert.ok(slots.length > 20);
});

// --- room ---------------------------------------------------------------------------------------

const none = (): boolean => false;

test('controlRoom of a Unix socket is that of all the descriptors there can be', () => {
  assert.equal(controlRoom(constants.AF_UNIX, none), 16 + 253 * 4 + 4);
  assert.equal(controlRoom(constants.AF_INET, none), 0);
});

test('controlRoom adds what each option can bring (F37)', () => {
  const on = new Set<number>();
  const isEnabled = (level: number, name: number): boolean => level === constants.SOL_SOCKET && on.has(name);
  const room = (): number => controlRoom(constants.AF_INET, isEnabled);
  on.add(constants.SO_TIMESTAMP);
  assert.equal(room(), 32);
  on.add(constants.SO_RXQ_OVFL);
  assert.equal(room(), 32 + 24);
  on.add(constants.SO_TIMESTAMPING);
  // The stamps, the error that may come with them, statistics, and the interface.
  assert.equal(room(), 56 + (16 + 48) + (16 + 48) + (16 + 1024) + (16 + 16));
});

test('controlRoom counts only what the family can have', () => {
  const rooms = [constants.AF_UNIX, constants.AF_INET, constants.AF_INET6].map((family) =>
    controlRoom(family, () => true),
  );
  const [unix = 0, ipv4 = 0, ipv6 = 0] = rooms;
  assert.ok(ipv6 - ipv4 > 3 * 2048 && ipv4 > 40 && unix > 1024 + 4096, String(rooms));
});

test('CONTROL_ROWS say why each message comes', () => {
  for (const [level, type, , direction, causes] of CONTROL_ROWS) {
    const isReceived = direction !== 'send';
    assert.equal(causes.length > 0, isReceived, `${level}/${type}`);
    const odd = causes.filter((cause) => !/^(AF_\w+|\w+\/\w+)$/.test(cause));
    assert.deepEqual(odd, [], `${level}/${type}`);
  }
});

test('encodeSockaddr and ORIGDSTADDR agree', () => {
  const address = { family: 'ipv6', host: 'fe80::1', port: 9, scope: '3' } as const;
  const payload = encodeSockaddr(address, CONTEXT);
  const message = decodeControl(payload, constants.IPPROTO_IPV6, constants.IPV6_ORIGDSTADDR, noDescriptor);
  assert.deepEqual(message.data, address);
});
