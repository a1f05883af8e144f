/** The table itself: order, completeness, and that every part of it can be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { optionCodec } from './option-codecs.ts';
import { KIND_FORMS, LATER, STRUCTS, STRUCT_NOTES } from './option-structs.ts';
import { LEVEL_ALIASES, NAME_ALIASES, OPTION_ROWS, VALUE_FORMS } from './options.ts';

/** The options of ucode's socket module, by level. */
const UCODE: readonly (readonly [level: string, names: string])[] = [
  [
    'SOL_SOCKET',
    `SO_ACCEPTCONN SO_ATTACH_BPF SO_ATTACH_FILTER SO_ATTACH_REUSEPORT_CBPF SO_ATTACH_REUSEPORT_EBPF
     SO_BINDTODEVICE SO_BROADCAST SO_BUSY_POLL SO_DEBUG SO_DETACH_BPF SO_DETACH_FILTER SO_DOMAIN
     SO_DONTROUTE SO_ERROR SO_INCOMING_CPU SO_INCOMING_NAPI_ID SO_KEEPALIVE SO_LINGER SO_LOCK_FILTER
     SO_MARK SO_OOBINLINE SO_PASSCRED SO_PASSSEC SO_PEEK_OFF SO_PEERCRED SO_PEERSEC SO_PRIORITY
     SO_PROTOCOL SO_RCVBUF SO_RCVBUFFORCE SO_RCVLOWAT SO_RCVTIMEO SO_REUSEADDR SO_REUSEPORT
     SO_RXQ_OVFL SO_SNDBUF SO_SNDBUFFORCE SO_SNDLOWAT SO_SNDTIMEO SO_TIMESTAMP SO_TIMESTAMPNS
     SO_TYPE`,
  ],
  [
    'IPPROTO_IP',
    `IP_ADD_MEMBERSHIP IP_ADD_SOURCE_MEMBERSHIP IP_BIND_ADDRESS_NO_PORT IP_BLOCK_SOURCE
     IP_DROP_MEMBERSHIP IP_DROP_SOURCE_MEMBERSHIP IP_FREEBIND IP_HDRINCL IP_MSFILTER IP_MTU
     IP_MTU_DISCOVER IP_MULTICAST_ALL IP_MULTICAST_IF IP_MULTICAST_LOOP IP_MULTICAST_TTL IP_NODEFRAG
     IP_OPTIONS IP_PASSSEC IP_PKTINFO IP_RECVERR IP_RECVOPTS IP_RECVORIGDSTADDR IP_RECVTOS
     IP_RECVTTL IP_RETOPTS IP_ROUTER_ALERT IP_TOS IP_TRANSPARENT IP_TTL IP_UNBLOCK_SOURCE`,
  ],
  [
    'IPPROTO_IPV6',
    `IPV6_ADDRFORM IPV6_ADDR_PREFERENCES IPV6_ADD_MEMBERSHIP IPV6_AUTHHDR IPV6_AUTOFLOWLABEL
     IPV6_DONTFRAG IPV6_DROP_MEMBERSHIP IPV6_DSTOPTS IPV6_FLOWINFO IPV6_FLOWINFO_SEND
     IPV6_FLOWLABEL_MGR IPV6_FREEBIND IPV6_HOPLIMIT IPV6_HOPOPTS IPV6_JOIN_ANYCAST
     IPV6_LEAVE_ANYCAST IPV6_MINHOPCOUNT IPV6_MTU IPV6_MTU_DISCOVER IPV6_MULTICAST_ALL
     IPV6_MULTICAST_HOPS IPV6_MULTICAST_IF IPV6_MULTICAST_LOOP IPV6_PKTINFO IPV6_RECVDSTOPTS
     IPV6_RECVERR IPV6_RECVFRAGSIZE IPV6_RECVHOPLIMIT IPV6_RECVHOPOPTS IPV6_RECVORIGDSTADDR
     IPV6_RECVPATHMTU IPV6_RECVPKTINFO IPV6_RECVRTHDR IPV6_RECVTCLASS IPV6_ROUTER_ALERT
     IPV6_ROUTER_ALERT_ISOLATE IPV6_RTHDR IPV6_RTHDRDSTOPTS IPV6_TCLASS IPV6_TRANSPARENT
     IPV6_UNICAST_HOPS IPV6_UNICAST_IF IPV6_V6ONLY`,
  ],
  [
    'IPPROTO_TCP',
    `TCP_CONGESTION TCP_CORK TCP_DEFER_ACCEPT TCP_FASTOPEN TCP_FASTOPEN_CONNECT TCP_INFO TCP_KEEPCNT
     TCP_KEEPIDLE TCP_KEEPINTVL TCP_LINGER2 TCP_MAXSEG TCP_NODELAY TCP_QUICKACK TCP_SYNCNT
     TCP_USER_TIMEOUT TCP_WINDOW_CLAMP`,
  ],
  ['IPPROTO_UDP', `UDP_CORK`],
  [
    'SOL_PACKET',
    `PACKET_ADD_MEMBERSHIP PACKET_AUXDATA PACKET_DROP_MEMBERSHIP PACKET_FANOUT PACKET_LOSS
     PACKET_QDISC_BYPASS PACKET_RESERVE PACKET_RX_RING PACKET_STATISTICS PACKET_TIMESTAMP
     PACKET_TX_RING PACKET_VERSION`,
  ],
];

const constants: Readonly<Record<string, number>> = loadNative().constants;
const sorted = (names: readonly string[]): string[] => [...names].sort();

test('OPTION_ROWS is sorted by level, then name, and has no row twice', () => {
  const keys = OPTION_ROWS.map(([level, name]) => `${level} ${name}`);
  assert.deepEqual(keys, [...new Set(sorted(keys))]);
});

test('OPTION_ROWS names levels and options that have a number', () => {
  const missing = OPTION_ROWS.flatMap(([level, name]) => [level, name]).filter(
    (name) => constants[name] === undefined,
  );
  assert.deepEqual(missing, []);
});

test('OPTION_ROWS has a codec, a page and a sentence in each row', () => {
  for (const [level, name, codec, access, platform, since, socket, page, note] of OPTION_ROWS) {
    const where = `${level} ${name}`;
    assert.equal(typeof optionCodec(codec).size, 'number', where);
    assert.match(access, /^(r|w|rw)$/, where);
    assert.match(platform, /^(all|linux)$/, where);
    assert.match(since, /^(|[4-9]\.\d+)$/, where);
    assert.match(socket, /^[a-z0-9]+$/, where);
    assert.match(page, /^[a-z0-9]+\([78]\)$|^RFC \d+$|^Documentation\/.*\.rst$|^[a-z_0-9/-]+\.h$/, where);
    assert.match(note, /^[A-Z0-9].*\.$/, where);
  }
});

test('OPTION_ROWS names no number twice in a level, but where reading and setting have names of their own', () => {
  const byNumber = new Map<string, string[]>();
  for (const [level, name] of OPTION_ROWS) {
    const key = `${String(constants[level])} ${String(constants[name])}`;
    byNumber.set(key, [...(byNumber.get(key) ?? []), name]);
  }
  const shared = [...byNumber.values()].filter((names) => names.length > 1);
  assert.deepEqual(shared, [['SO_ATTACH_FILTER', 'SO_GET_FILTER']]);
});

test("OPTION_ROWS has all of ucode's options", () => {
  const known = new Set<string>(OPTION_ROWS.map(([level, name]) => `${level} ${name}`));
  for (const [alias, name] of Object.entries(NAME_ALIASES)) {
    for (const [level] of OPTION_ROWS.filter((row) => row[1] === name)) known.add(`${level} ${alias}`);
  }
  const wanted = UCODE.flatMap(([level, names]) => names.split(/\s+/).map((name) => `${level} ${name}`));
  assert.equal(wanted.length, 144);
  assert.deepEqual(
    wanted.filter((row) => !known.has(row)),
    [],
  );
});

test('aliases stand for the numbers that they had', () => {
  const levels = new Set<string>(OPTION_ROWS.map(([level]) => level));
  const names = new Set<string>(OPTION_ROWS.map((row) => row[1]));
  for (const [alias, level] of Object.entries(LEVEL_ALIASES)) {
    assert.ok(levels.has(level), alias);
    // SOL_UDPLITE is in no header of the C library.
    if (alias in constants) assert.equal(constants[alias], constants[level], alias);
  }
  for (const [alias, name] of Object.entries(NAME_ALIASES)) {
    assert.ok(names.has(name), alias);
    assert.equal(constants[alias], constants[name], alias);
  }
});

test('every codec of the table is described', () => {
  const described = new Set<string>([...VALUE_FORMS.map(([name]) => name), ...Object.keys(STRUCTS)]);
  const used: readonly string[] = OPTION_ROWS.map((row) => row[2].replace('[]', ''));
  assert.deepEqual(
    used.filter((codec) => !described.has(codec)),
    [],
  );
  assert.deepEqual(
    VALUE_FORMS.map(([name]) => name).filter((name) => !used.includes(name)),
    [],
  );
  const structs: readonly string[] = Object.keys(STRUCTS);
  assert.deepEqual(
    [...Object.keys(LATER), ...Object.keys(STRUCT_NOTES)].filter((name) => !structs.includes(name)),
    [],
  );
});

test('every kind of member is described, and every description is of one', () => {
  const rows: readonly object[] = [...Object.values(STRUCTS), ...Object.values(LATER)];
  const kinds = new Set(
    rows.flatMap((row) => Object.values(row).map((kind) => String(kind).replace('?', ''))),
  );
  const shown = [...kinds].filter((kind) => !kind.startsWith('pad'));
  assert.deepEqual(sorted(KIND_FORMS.map(([kind]) => kind)), sorted(shown));
});
