/** Values of options as the bytes that the system wants, and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Codec, CodecContext } from './codec.ts';
import { optionCodec } from './option-codecs.ts';
import { LATER, STRUCTS } from './option-structs.ts';

type AnyCodec = Codec<unknown, unknown>;

const CONTEXT: CodecContext = {
  interfaceIndex: (name) => {
    if (name !== 'lo') throw new Error(`no interface ${name}`);
    return 7;
  },
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const codecOf = (name: string): AnyCodec => optionCodec(name);
const encode = (codec: string, value: unknown): Uint8Array => codecOf(codec).encode(value, 'SO_X', CONTEXT);

/** Sizes of structs on 64-bit Linux, measured with sizeof. */
const SIZES: readonly (readonly [codec: string, size: number])[] = [
  ['bpf_instruction', 8],
  ['can_filter', 8],
  ['can_isotp_fc_options', 3],
  ['can_isotp_ll_options', 3],
  ['can_isotp_options', 12],
  ['can_raw_vcid_options', 4],
  ['fanout_args', 8],
  ['group_req', 136],
  ['group_source_req', 264],
  ['in6_flowlabel_req', 32],
  ['in6_pktinfo', 20],
  ['ip6_mtuinfo', 32],
  ['ip_mreq_source', 12],
  ['ip_mreqn', 12],
  ['ipv6_mreq', 20],
  ['j1939_filter', 32],
  ['linger', 8],
  ['mptcp_info', 96],
  ['packet_mreq', 16],
  ['so_timestamping', 8],
  ['sock_txtime', 8],
  ['tcp_ao_add', 288],
  ['tcp_ao_del', 144],
  ['tcp_ao_info', 48],
  ['tcp_ao_repair', 16],
  ['tcp_info', 280],
  ['tcp_md5sig', 216],
  ['tcp_repair_opt', 8],
  ['tcp_repair_window', 20],
  ['timeval', 16],
  ['tpacket_req', 28],
  ['tpacket_rollover_stats', 24],
  ['tpacket_stats', 12],
  ['ucred', 12],
];

test('structs have the sizes that C gives them', () => {
  assert.deepEqual(
    SIZES.map(([name]) => [name, codecOf(name).size]),
    SIZES,
  );
});

const ZEROS = (length: number): string => '00'.repeat(length);

/** Values, and the bytes that the system wants for them. */
const WRITTEN_AS: readonly (readonly [codec: string, value: unknown, bytes: string])[] = [
  ['linger', { onoff: 1, linger: 5 }, '01000000 05000000'],
  ['timeval', { sec: 2, usec: 50_000 }, '0200000000000000 50c3000000000000'],
  ['int', -1, 'ffffffff'],
  ['uint', 0xffffffff, 'ffffffff'],
  ['bool', true, '01000000'],
  ['byte', 0xb8, 'b8000000'],
  ['rate', Infinity, 'ffffffffffffffff'],
  ['rate', 1e6, '40420f0000000000'],
  ['count', 2 ** 40, '0000000000010000'],
  ['name', 'cubic', '6375626963'],
  ['name', '', ''],
  ['none', undefined, '00000000'],
  ['ifindex', 'lo', '07000000'],
  ['ifindex', 300, '2c010000'],
  ['ifindex_be', 'lo', '00000007'],
  ['ifindex_be', 300, '0000012c'],
  ['ip_mreqn', { multiaddr: '224.0.0.5', ifindex: 'lo' }, 'e0000005 00000000 07000000'],
  ['ip_mreqn', { multiaddr: '224.0.0.5', address: '127.0.0.1' }, 'e0000005 7f000001 00000000'],
  [
    'ip_mreq_source',
    { multiaddr: '232.0.0.1', interface: '127.0.0.1', sourceaddr: '10.0.0.9' },
    // Linux has the interface before the source; others do not.
    'e8000001 7f000001 0a000009',
  ],
  ['multicast_if', { ifindex: 'lo' }, '00000000 00000000 07000000'],
  ['multicast_if', { address: '127.0.0.1' }, '00000000 7f000001 00000000'],
  ['port_range', { low: 40000, high: 40100 }, '409c a49c'],
  ['ipv6_mreq', { multiaddr: 'ff02::5', interface: 'lo' }, `ff02${ZEROS(12)}0005 07000000`],
  ['in6_pktinfo', { addr: '::1' }, `${ZEROS(15)}01 00000000`],
  [
    'in6_flowlabel_req',
    { dst: '::1', label: 0x12345, action: 0, flags: 1, share: 3, expires: 4, linger: 6 },
    `${ZEROS(15)}01 00012345 00 03 0100 0400 0600 00000000`,
  ],
  ['group_req', { interface: 'lo', group: '224.0.0.5' }, `07000000 00000000 02000000e0000005${ZEROS(120)}`],
  [
    'group_source_req',
    { interface: 2, group: 'ff02::5', source: 'fe80::9' },
    `02000000 00000000 0a00000000000000ff02${ZEROS(12)}0005${ZEROS(104)}` +
      `0a00000000000000fe80${ZEROS(12)}0009${ZEROS(104)}`,
  ],
  [
    'ip_msfilter',
    { multiaddr: '224.0.0.5', interface: '127.0.0.1', fmode: 1, slist: ['10.0.0.1', '10.0.0.2'] },
    'e0000005 7f000001 01000000 02000000 0a000001 0a000002',
  ],
  [
    'group_filter',
    { interface: 'lo', group: '224.0.0.5', fmode: 0, slist: ['10.0.0.1'] },
    `07000000 00000000 02000000e0000005${ZEROS(120)} 00000000 01000000 020000000a000001${ZEROS(120)}`,
  ],
  [
    'packet_mreq',
    { interface: 'lo', type: 0, address: Uint8Array.of(1, 2, 3, 4, 5, 6) },
    '07000000 0000 0600 0102030405060000',
  ],
  ['packet_mreq', { interface: 2, type: 1 }, `02000000 0100 0000 ${ZEROS(8)}`],
  ['fanout_args', { id: 1, type_flags: 0x8002 }, '0100 0280'],
  ['fanout_args', { id: 1, type_flags: 2, max_num_members: 16 }, '0100 0200 10000000'],
  [
    'tpacket_req',
    { block_size: 4096, block_nr: 1, frame_size: 2048, frame_nr: 2, retire_blk_tov: 60 },
    `00100000 01000000 00080000 02000000 3c000000 ${ZEROS(8)}`,
  ],
  ['so_timestamping', { flags: 0x10 }, '10000000 00000000'],
  ['sock_txtime', { clockid: 11, flags: 2 }, '0b000000 02000000'],
  [
    'tcp_md5sig',
    { addr: '192.0.2.1', key: Uint8Array.of(0x61, 0x62) },
    `02000000c0000201${ZEROS(120)} 00 00 0200 00000000 6162${ZEROS(78)}`,
  ],
  [
    'tcp_md5sig',
    { addr: '192.0.2.0', flags: 3, prefixlen: 24, ifindex: 'lo', key: new Uint8Array(80).fill(1) },
    `02000000c0000200${ZEROS(120)} 03 18 5000 07000000 ${'01'.repeat(80)}`,
  ],
  [
    'tcp_ao_add',
    {
      addr: '192.0.2.1',
      alg_name: 'hmac(sha1)',
      set_rnext: true,
      prefix: 32,
      sndid: 100,
      rcvid: 101,
      key: Uint8Array.of(9),
    },
    `02000000c0000201${ZEROS(120)} 686d6163287368613129${ZEROS(54)} 00000000 02000000 0000` +
      `20 64 65 00 00 01 09${ZEROS(79)}`,
  ],
  ['tcp_ao_info', { ao_required: true, accept_icmps: true, rnext: 5 }, `14000000 0000 00 05 ${ZEROS(40)}`],
  ['tcp_repair_opt[]', [{ code: 2, val: 1460 }], '02000000 b4050000'],
  [
    'can_filter[]',
    [
      { can_id: 0x123, can_mask: 0x7ff },
      { can_id: 0x80000001, can_mask: 0xffffffff },
    ],
    '23010000 ff070000 01000080 ffffffff',
  ],
  [
    'j1939_filter[]',
    [{ name: 1n, name_mask: 2n, pgn: 3, pgn_mask: 4, addr: 5, addr_mask: 6 }],
    '0100000000000000 0200000000000000 03000000 04000000 05 06 000000000000',
  ],
  ['can_filter[]', [], ''],
  [
    'bpf_instruction[]',
    [
      { code: 0x28, k: 12 },
      { code: 0x15, jt: 0, jf: 1, k: 0x800 },
      { code: 6, k: 0xffffffff },
    ],
    '2800 00 00 0c000000 1500 00 01 00080000 0600 00 00 ffffffff',
  ],
  // What is kept out is what the system has bits for.
  ['icmp_filter', { pass: [0] }, 'feffffff'],
  ['icmp_filter', { block: [0, 8] }, '01010000'],
  ['icmpv6_filter', { pass: [134] }, `${'ff'.repeat(16)}bf${'ff'.repeat(15)}`],
  ['icmpv6_filter', { block: [] }, ZEROS(32)],
];

test('values are written as the bytes that the system wants', () => {
  for (const [name, value, bytes] of WRITTEN_AS) {
    assert.equal(
      hex(encode(name, value)),
      bytes.replaceAll(' ', ''),
      `${name} ${JSON.stringify(value, show)}`,
    );
  }
});

function show(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

const MAPPED = '0a00 0050 00000000 00000000000000000000ffff0a000001 00000000';

/** What the system writes, and what is read. */
const READ_AS: readonly (readonly [codec: string, bytes: string, value: unknown])[] = [
  ['address', '0200 0050 0a000001 0000000000000000', { family: 'ipv4', host: '10.0.0.1', port: 80 }],
  ['address', MAPPED, { family: 'ipv6', host: '::ffff:10.0.0.1', port: 80 }],
  ['bool', '02000000', true],
  ['name', '63756269630000000000000000000000', 'cubic'],
  ['name', '', ''],
  ['label', '756e636f6e66696e656400', 'unconfined'],
  ['label', '756e', 'un'],
  ['uint', 'ffffffff', 2 ** 32 - 1],
  // Kernels before 4.20 write 32 bits.
  ['rate', 'ffffffff', Infinity],
  ['rate', '40420f00', 1e6],
  ['multicast_if', '7f000001', { address: '127.0.0.1' }],
  ['fanout_args', '0100 0280', { id: 1, type_flags: 0x8002 }],
  ['so_timestamping', '10000000', { flags: 16 }],
  ['so_timestamping', '10000000 03000000', { flags: 16, bind_phc: 3 }],
  ['tpacket_stats', '05000000 01000000', { packets: 5, drops: 1 }],
  ['netlink_groups', '05000000 01000000', [1, 3, 33]],
  ['netlink_groups', '', []],
  ['gids', '00000000 e8030000', [0, 1000]],
  ['none', '', undefined],
  ['packet_hdrlen', '30000000', 48],
  ['tcp_cc_info', '', { bbr: null, bytes: new Uint8Array(0) }],
  [
    'tcp_cc_info',
    '00000000 01000000 90010000 e4020000 00020000',
    {
      bbr: { bw: 2 ** 32, min_rtt: 400, pacing_gain: 740 / 256, cwnd_gain: 2 },
      bytes: unhex('00000000 01000000 90010000 e4020000 00020000'),
    },
  ],
  [
    'mptcp_subflow_addrs',
    `10000000 01000000 00010000 00010000 02000050 0a000001${ZEROS(120)} 02000051 0a000002${ZEROS(120)}`,
    [
      {
        local: { family: 'ipv4', host: '10.0.0.1', port: 80 },
        remote: { family: 'ipv4', host: '10.0.0.2', port: 81 },
      },
    ],
  ],
  // More subflows than there was room for.
  ['mptcp_subflow_addrs', '10000000 02000000 00010000 00010000', []],
  ['mptcp_tcpinfo', '10000000 00000000 18010000 18010000', []],
];

test('what the system writes is read as values', () => {
  for (const [name, bytes, value] of READ_AS)
    assert.deepEqual(codecOf(name).decode(unhex(bytes)), value, `${name} ${bytes}`);
});

test('what is read does not change with the memory that it was read from', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const values = ['bytes', 'tcp_cc_info'].map((name) => codecOf(name).decode(bytes));
  bytes.fill(9);
  assert.deepEqual(values, [Uint8Array.of(1, 2, 3, 4), { bbr: null, bytes: Uint8Array.of(1, 2, 3, 4) }]);
});

test('tcp_info has the properties that were written in full', () => {
  const codec = codecOf('tcp_info');
  const keys = (length: number): readonly string[] =>
    Object.keys(codec.decode(new Uint8Array(length)) as object);
  const all = [...Object.keys(STRUCTS.tcp_info), ...Object.keys(LATER.tcp_info)];
  assert.deepEqual(keys(280), all);
  // The kernels 6.10 and 6.1, and a struct that is longer than the one known here.
  assert.equal(keys(248).at(-1), 'total_rto_time');
  assert.equal(keys(240).at(-1), 'rehash');
  assert.deepEqual(keys(400), all);
  assert.deepEqual(keys(192), Object.keys(STRUCTS.tcp_info));
  assert.throws(() => keys(191), /^RangeError: expected 192 bytes or more, got 191$/);
});

test('bit-fields of tcp_info are taken apart', () => {
  const bytes = new Uint8Array(280);
  bytes[6] = 0xa7;
  bytes[7] = 0b101;
  const { snd_wscale, rcv_wscale, delivery_rate_app_limited, fastopen_client_fail } =
    optionCodec('tcp_info').decode(bytes);
  assert.deepEqual(
    [snd_wscale, rcv_wscale, delivery_rate_app_limited, fastopen_client_fail],
    [7, 10, true, 2],
  );
});

test('questions are laid out where the answer comes', () => {
  const sources = optionCodec('ip_msfilter');
  assert.equal(
    hex(sources.query({ multiaddr: '224.0.0.5', interface: '0.0.0.0' }, 'q', CONTEXT)),
    'e0000005' + '00000000' + '00000000' + '00040000',
  );
  const group = optionCodec('group_filter').query({ interface: 'lo', group: '224.0.0.5' }, 'q', CONTEXT);
  assert.equal(hex(group), `07000000${ZEROS(4)}02000000e0000005${ZEROS(120)}${ZEROS(4)}00040000`);
  assert.equal(hex(optionCodec('packet_hdrlen').query(2, 'q', CONTEXT)), '02000000');
  assert.equal(
    hex(optionCodec('mptcp_tcpinfo').query(undefined, 'q', CONTEXT)),
    '10000000' + '00000000' + '00000000' + '18010000',
  );
  assert.throws(
    () => sources.query({ multiaddr: '224.0.0.5' } as never, 'q', CONTEXT),
    /^TypeError: q\.interface: /,
  );
});

test('too few bytes are an error, and never read past the end', () => {
  for (const [name, size] of SIZES) {
    const later: Readonly<Partial<Record<string, unknown>>> = LATER;
    if (name in later) continue;
    assert.throws(() => codecOf(name).decode(new Uint8Array(size >> 1)), RangeError, name);
  }
  for (const name of ['int', 'uint', 'bool', 'id', 'count', 'ifindex', 'mptcp_tcpinfo', 'ip_msfilter'])
    assert.throws(() => codecOf(name).decode(new Uint8Array(3)), RangeError, name);
  assert.throws(() => codecOf('address').decode(new Uint8Array(8)), /expected an IP address, got other/);
});
