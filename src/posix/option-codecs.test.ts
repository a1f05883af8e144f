/** Values of options to bytes and back, without a socket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Codec, CodecContext } from './codec.ts';
import { optionCodec } from './option-codecs.ts';
import type { StructName } from './option-kinds.ts';
import { structCodec } from './option-kinds.ts';
import { LATER, STRUCTS } from './option-structs.ts';
import { VALUE_FORMS } from './options.ts';

type AnyCodec = Codec<unknown, unknown>;

const LO = 7;
const CONTEXT: CodecContext = {
  interfaceIndex: (name) => {
    if (name !== 'lo') throw new Error(`no interface ${name}`);
    return LO;
  },
};

const codecOf = (name: string): AnyCodec => optionCodec(name);
const encode = (codec: string, value: unknown): Uint8Array => codecOf(codec).encode(value, 'SO_X', CONTEXT);

// --- arbitrary values ---------------------------------------------------------------------------

const whole = (bits: number): fc.Arbitrary<number> => fc.nat(2 ** bits - 1);
const ipv4 = fc.ipV4();
const ipv6 = fc
  .array(whole(16), { minLength: 8, maxLength: 8 })
  // Without runs of zeros there is one way to write an address, apart from its case.
  .map((groups) => groups.map((group) => (group | 0x1000).toString(16)).join(':'));
const bytesTo = (max: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: max });
const count = fc.maxSafeNat();

/** What a member of each kind may be. */
const KINDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ao_key: bytesTo(80),
  be32: whole(32),
  bit0: fc.boolean(),
  bit0_of_byte: fc.boolean(),
  bit1: fc.boolean(),
  bit1_of_4: fc.boolean(),
  bit2: fc.boolean(),
  bit2_of_4: fc.boolean(),
  bit3: fc.boolean(),
  bit4_of_4: fc.boolean(),
  bits1_2: whole(2),
  count,
  hardware_address: bytesTo(8),
  high4: whole(4),
  i32: fc.integer(),
  i64: fc.maxSafeInteger(),
  interface: whole(31),
  ip: fc.oneof(ipv4, ipv6),
  ipv4,
  ipv6,
  low4: whole(4),
  md5_key: bytesTo(80),
  rate: fc.oneof(count, fc.constant(Infinity)),
  text64: fc.string({ unit: fc.constantFrom('a', 'é', '('), maxLength: 31 }),
  u16: whole(16),
  u32: whole(32),
  u64: fc.bigInt(0n, 2n ** 64n - 1n),
  u8: whole(8),
};

function rowArbitrary(row: Readonly<Record<string, string>>): fc.Arbitrary<Record<string, unknown>> {
  const members = Object.entries(row).filter(([, kind]) => !kind.startsWith('pad'));
  const shape = members.map(([name, kind]) => {
    const arbitrary = KINDS[kind.replace('?', '')];
    if (arbitrary === undefined) throw new Error(`no values for ${kind}`);
    return [name, arbitrary] as const;
  });
  return fc.record(Object.fromEntries(shape), { noNullPrototype: true });
}

/** Whole structs, with all that newer systems have. */
function structArbitrary(name: StructName): fc.Arbitrary<Record<string, unknown>> {
  const later: Readonly<Partial<Record<string, Readonly<Record<string, string>>>>> = LATER;
  return rowArbitrary({ ...STRUCTS[name], ...later[name] });
}

/** Addresses of sockets are only read. */
const READ_ONLY: readonly string[] = ['mptcp_subflow_addrs'];
const WRITTEN = (Object.keys(STRUCTS) as StructName[]).filter((name) => !READ_ONLY.includes(name));

test('every struct reads what it wrote', () => {
  for (const name of WRITTEN) {
    const codec = structCodec(name) as AnyCodec;
    fc.assert(
      fc.property(structArbitrary(name), (value) => {
        const bytes = codec.encode(value, name, CONTEXT);
        assert.deepEqual(codec.decode(bytes), value, name);
        assert.equal(bytes.length, codec.size, name);
      }),
      { numRuns: 50 },
    );
  }
});

test('every struct reads any bytes of its size', () => {
  for (const name of WRITTEN) {
    const codec = structCodec(name) as AnyCodec;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: codec.size, maxLength: codec.size }), (bytes) => {
        const value = codec.decode(bytes);
        assert.ok(typeof value === 'object' && value !== null, name);
      }),
      { numRuns: 50 },
    );
  }
});

const scalars: readonly (readonly [codec: string, values: fc.Arbitrary<unknown>])[] = [
  ['bool', fc.boolean()],
  ['byte', whole(8)],
  ['bytes', bytesTo(300)],
  ['count', count],
  ['fd', whole(31)],
  ['gids', fc.array(whole(32))],
  ['id', fc.bigInt(0n, 2n ** 64n - 1n)],
  ['ifindex', whole(31)],
  ['ifindex_be', whole(31)],
  ['int', fc.integer()],
  ['name', fc.string({ unit: fc.constantFrom('a', '-', 'é'), maxLength: 7 })],
  ['rate', fc.oneof(count, fc.constant(Infinity))],
  ['uint', whole(32)],
  ['bpf_instruction[]', fc.array(structArbitrary('bpf_instruction'))],
  ['can_filter[]', fc.array(structArbitrary('can_filter'))],
  ['j1939_filter[]', fc.array(structArbitrary('j1939_filter'))],
  [
    'ip_msfilter',
    fc.tuple(structArbitrary('ip_msfilter'), fc.array(ipv4)).map(([filter, slist]) => ({ ...filter, slist })),
  ],
  [
    'group_filter',
    fc
      .tuple(structArbitrary('group_filter'), fc.array(fc.oneof(ipv4, ipv6)))
      .map(([filter, slist]) => ({ ...filter, slist })),
  ],
  ['icmp_filter', fc.uniqueArray(whole(5)).map((types) => ({ pass: types.sort((a, b) => a - b) }))],
  ['icmpv6_filter', fc.uniqueArray(whole(8)).map((types) => ({ pass: types.sort((a, b) => a - b) }))],
];

test('every other codec reads what it wrote', () => {
  for (const [name, values] of scalars) {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepEqual(codecOf(name).decode(encode(name, value)), value, name);
      }),
      { numRuns: 50 },
    );
  }
});

/** Codecs that only read, or that are tested by their bytes below. */
const BY_BYTES: readonly string[] = [
  'address',
  'icmp_filter',
  'label',
  'mptcp_subflow_addrs',
  'mptcp_tcpinfo',
  'netlink_groups',
  'none',
  'packet_hdrlen',
  'tcp_cc_info',
];

test('no codec is forgotten here', () => {
  const tested: readonly string[] = [...scalars.map(([name]) => name), ...BY_BYTES];
  assert.deepEqual(
    VALUE_FORMS.map(([name]) => name).filter((name) => !tested.includes(name)),
    [],
  );
});

// --- what is refused ----------------------------------------------------------------------------

const LONG = 'x'.repeat(16);

/** Codecs, values of the wrong type, values of the right type that cannot be, and the part that is named. */
const REFUSED: readonly (readonly [
  codec: string,
  part: string,
  wrongTypes: readonly unknown[],
  outOfRange: readonly unknown[],
])[] = [
  ['bool', '', [0, 1, 'true', null, undefined], []],
  ['int', '', ['5', null, 1n, [5], true, undefined], [2 ** 31, -(2 ** 31) - 1, 0.5, NaN, Infinity]],
  ['uint', '', ['5', null, 1n], [-1, 2 ** 32, 0.5, NaN]],
  ['byte', '', ['5', null], [-1, 256, 300, 0.5]],
  ['count', '', ['5', 1n], [-1, 2 ** 53, NaN, Infinity]],
  ['rate', '', ['5', 1n, null], [-1, 2 ** 53, NaN, -Infinity]],
  ['id', '', [5, '5', null], [-1n, 2n ** 64n]],
  ['bytes', '', ['ab', [1], new ArrayBuffer(1), new Uint16Array(1), null], []],
  ['bytes', '.length', [], [new Uint8Array(4097)]],
  ['name', '', [5, null, undefined, ['a']], [LONG, 'a\0', 'é'.repeat(8)]],
  ['none', '', [null, 0, true, {}], []],
  ['ifindex', '', [null, 1n, {}], [-1, 2 ** 31, 0.5, '', LONG, 'a b']],
  ['ifindex_be', '', [null, 1n, {}], [-1, 2 ** 31, 0.5, '', LONG, 'a/b']],
  // A number for a struct would silently become another value: {5} is no timeout (ucode's defect 20).
  ['timeval', '', [5, null, '5', true, undefined], []],
  ['timeval', '.usec', [{ sec: 5 }], [{ sec: 5, usec: 0.5 }]],
  ['linger', '.onoff', [{ linger: 3 }, { onoff: true, linger: 3 }], [{ onoff: 2 ** 31, linger: 3 }]],
  [
    'ip_mreqn',
    '.multiaddr',
    [{}, { multiaddr: 5 }],
    [{ multiaddr: '224.0.0.256' }, { multiaddr: 'ff02::1' }],
  ],
  [
    'ip_mreqn',
    '.ifindex',
    [{ multiaddr: '224.0.0.1', ifindex: null }],
    [{ multiaddr: '224.0.0.1', ifindex: -1 }],
  ],
  ['group_req', '.group', [{ interface: 1, group: 4 }], [{ interface: 1, group: 'ff02::1%lo' }]],
  ['port_range', '.high', [{ low: 1 }], [{ low: 1, high: 65536 }]],
  ['ip_msfilter', '.slist', [{ multiaddr: '224.0.0.1', interface: '0.0.0.0', fmode: 1 }], []],
  [
    'ip_msfilter',
    '.slist[0]',
    [{ multiaddr: '224.0.0.1', interface: '0.0.0.0', fmode: 1, slist: [1] }],
    [{ multiaddr: '224.0.0.1', interface: '0.0.0.0', fmode: 1, slist: ['::1'] }],
  ],
  ['can_filter[]', '', [5, null, 'ab', { length: 1 }], []],
  ['can_filter[]', '[1].can_mask', [[{ can_id: 1, can_mask: 1 }, { can_id: 1 }]], []],
  ['bpf_instruction[]', '.length', [], [Array(4097).fill({ code: 6 })]],
  ['bpf_instruction[]', '[0].jt', [], [[{ code: 6, jt: 256 }]]],
  ['icmp_filter', '.pass[0]', [{ pass: ['8'] }], [{ pass: [32] }, { pass: [-1] }]],
  ['icmpv6_filter', '.block', [{ block: 5 }], []],
  ['icmp_filter', '', [{}, 5, null, { pass: [], block: [] }, { pas: [] }, []], []],
  ['packet_mreq', '.address', [{ interface: 1, type: 0, address: '00:00' }], []],
  ['packet_mreq', '.address.length', [], [{ interface: 1, type: 0, address: new Uint8Array(9) }]],
  ['tcp_md5sig', '.key.length', [], [{ addr: '::1', key: new Uint8Array(81) }]],
  ['tcp_ao_info', '.ao_required', [{ ao_required: 1 }], []],
  ['tcp_ao_add', '.alg_name', [{ addr: '::1' }], [{ addr: '::1', alg_name: 'x'.repeat(64) }]],
];

test('values that cannot be are refused, by the name of the part that is wrong (F41, F50)', () => {
  for (const [name, part, wrongTypes, outOfRange] of REFUSED) {
    const cases = [
      ...wrongTypes.map((value) => [value, 'TypeError'] as const),
      ...outOfRange.map((value) => [value, 'RangeError'] as const),
    ];
    for (const [value, type] of cases) {
      assert.throws(
        () => encode(name, value),
        (error) => {
          const message = String(error);
          assert.ok(message.startsWith(`${type}: SO_X${part}: `), `${name} ${String(value)}: ${message}`);
          return true;
        },
        `${name} ${String(value)}`,
      );
    }
  }
});

test('codecs of what is only read refuse every value', () => {
  for (const name of ['address', 'label', 'mptcp_tcpinfo', 'netlink_groups', 'packet_hdrlen', 'tcp_cc_info'])
    assert.throws(() => encode(name, 5), /^TypeError: SO_X: expected nothing, for it can only be read$/);
});

test('each property and each element is looked at once (F48)', () => {
  let reads = 0;
  const once = (first: unknown): unknown => {
    reads++;
    return reads === 1 ? first : 'changed';
  };
  const cases: readonly (readonly [codec: string, value: unknown])[] = [
    [
      'ip_msfilter',
      {
        multiaddr: '224.0.0.1',
        interface: '0.0.0.0',
        fmode: 1,
        get slist() {
          return once([]);
        },
      },
    ],
    [
      'icmp_filter',
      {
        get pass() {
          return once([1]);
        },
      },
    ],
    [
      'can_filter[]',
      Object.defineProperty([], 0, { get: () => once({ can_id: 1, can_mask: 1 }), enumerable: true }),
    ],
  ];
  for (const [name, value] of cases) {
    reads = 0;
    encode(name, value);
    assert.equal(reads, 1, name);
  }
});
