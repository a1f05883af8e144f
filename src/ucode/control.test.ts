/** Control messages: what is sent of them, what is seen of them, and what becomes of descriptors. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { CONTROL_ROWS } from '../posix/control-rows.ts';
import { constants } from '../posix/constants.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import * as numbers from './constants.ts';
import { formatControl, readAncillary } from './control.ts';
import { create } from './module.ts';
import { ReceivedDescriptor } from './received-descriptor.ts';
import { Socket } from './socket.ts';
import { checkLeaks, dataOf, must, using, usingPair } from './test-kit.ts';

checkLeaks();

const { AF_INET, AF_INET6, EBADF, EINVAL, ERANGE, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_UDP } = numbers;
const { SCM_RIGHTS, SOCK_DGRAM, SOL_PACKET, SOL_SOCKET } = numbers;

const noDescriptor = (): never => {
  throw new Error('no descriptor was to come');
};

function udp(family = AF_INET): Socket {
  const socket = using(create(family, SOCK_DGRAM));
  must(socket.bind(family === AF_INET ? '127.0.0.1' : '::1'));
  return socket;
}

test('recvmsg decodes times, hop limits and traffic classes', () => {
  const receiver = udp(AF_INET6);
  for (const [level, option] of [
    [SOL_SOCKET, numbers.SO_TIMESTAMPNS],
    [IPPROTO_IPV6, numbers.IPV6_RECVHOPLIMIT],
    [IPPROTO_IPV6, numbers.IPV6_RECVTCLASS],
    [IPPROTO_IPV6, numbers.IPV6_RECVPKTINFO],
  ] as const)
    must(receiver.setopt(level, option, true));
  const sender = using(create(AF_INET6, SOCK_DGRAM));
  const address = must(receiver.sockname());
  must(
    sender.sendmsg(
      'x',
      [
        { level: IPPROTO_IPV6, type: numbers.IPV6_HOPLIMIT, data: '7' },
        { level: IPPROTO_IPV6, type: numbers.IPV6_TCLASS, data: 0xb8 },
        { level: IPPROTO_IPV6, type: numbers.IPV6_PKTINFO, data: { addr: '::1', interface: 'lo' } },
      ],
      address,
    ),
  );
  const before = Math.floor(Date.now() / 1000);
  const { ancillary } = must(receiver.recvmsg(10, 500));
  const time = dataOf(ancillary, SOL_SOCKET, numbers.SO_TIMESTAMPNS) as { sec: number; nsec: number };
  assert.ok(Math.abs(time.sec - before) < 60 && time.nsec < 1e9);
  assert.equal(dataOf(ancillary, IPPROTO_IPV6, numbers.IPV6_HOPLIMIT), 7);
  assert.equal(dataOf(ancillary, IPPROTO_IPV6, numbers.IPV6_TCLASS), 0xb8);
  assert.deepEqual(dataOf(ancillary, IPPROTO_IPV6, numbers.IPV6_PKTINFO), { addr: '::1', interface: 'lo' });
});

test('recvmsg decodes the original destination and the time to live', () => {
  const receiver = udp();
  must(receiver.setopt(IPPROTO_IP, numbers.IP_RECVORIGDSTADDR, true));
  must(receiver.setopt(IPPROTO_IP, numbers.IP_RECVTTL, true));
  must(receiver.setopt(SOL_SOCKET, numbers.SO_TIMESTAMP, true));
  const sender = using(create(AF_INET, SOCK_DGRAM));
  const address = must(receiver.sockname());
  must(sender.sendmsg('x', [{ level: IPPROTO_IP, type: numbers.IP_TTL, data: 9 }], address));
  const { ancillary } = must(receiver.recvmsg(10, 500));
  assert.deepEqual(dataOf(ancillary, IPPROTO_IP, numbers.IP_ORIGDSTADDR), address);
  assert.equal(dataOf(ancillary, IPPROTO_IP, numbers.IP_TTL), 9);
  assert.deepEqual(Object.keys(dataOf(ancillary, SOL_SOCKET, numbers.SO_TIMESTAMP) as object), [
    'sec',
    'usec',
  ]);
});

test('sendmsg sends a datagram in segments, and recvmsg receives them in one', () => {
  const receiver = udp();
  must(receiver.setopt(IPPROTO_UDP, numbers.UDP_GRO, 1));
  const sender = using(create(AF_INET, SOCK_DGRAM));
  const segments = [{ level: numbers.SOL_UDP, type: numbers.UDP_SEGMENT, data: 100 }];
  assert.equal(sender.sendmsg('x'.repeat(300), segments, must(receiver.sockname())), 300);
  const { data, ancillary } = must(receiver.recvmsg(1000, 100));
  // Whether they are put together again is up to the system.
  if (data.length === 300) assert.equal(dataOf(ancillary, IPPROTO_UDP, numbers.UDP_GRO), 100);
  else assert.equal(data.length, 100);
});

test('recvmsg gives no ancillary data where there is no room, or nothing came', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  a.send('x');
  assert.deepEqual(Object.keys(must(b.recvmsg(10, 100))), ['flags', 'length', 'data']);
  a.sendmsg('x', [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: [a] }]);
  const message = must(b.recvmsg(10));
  assert.equal('ancillary' in message, false);
  assert.equal(message.flags & numbers.MSG_CTRUNC, numbers.MSG_CTRUNC);
});

test('recvmsg gives as many descriptors as there is room for, and says that there were more (F32)', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  a.sendmsg('x', [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: [a, a, a, a] }]);
  const { ancillary, flags } = must(b.recvmsg(10, 24));
  assert.equal(flags & numbers.MSG_CTRUNC, numbers.MSG_CTRUNC);
  const sockets = dataOf(ancillary, SOL_SOCKET, SCM_RIGHTS) as Socket[];
  assert.equal(sockets.length, 2);
  for (const socket of sockets) using(socket);
});

test('recvmsg gives sockets as sockets, which wait, and all else as descriptors', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const path = tempPath('file');
  const file = openSync(path, 'w+');
  const folder = openSync('/', 'r');
  const inet = using(create(AF_INET, SOCK_DGRAM));
  must(inet.bind('127.0.0.1'));
  a.sendmsg('x', [
    { level: SOL_SOCKET, type: SCM_RIGHTS, data: [inet, { fd: file }, { fileno: () => folder }] },
  ]);
  closeSync(folder);
  const got = dataOf(must(b.recvmsg(10, 100)).ancillary, SOL_SOCKET, SCM_RIGHTS) as unknown[];
  const [socket, ...others] = got;
  assert.ok(socket instanceof Socket);
  assert.deepEqual(using(socket).sockname(), inet.sockname());
  for (const other of others) {
    assert.ok(other instanceof ReceivedDescriptor);
    assert.match(String(other), /^<descriptor 0x[0-9a-f]+>$/);
    assert.equal(other.close(), true);
    assert.equal(other.close(), null);
    assert.deepEqual(
      [other.error(), other.error(true)],
      ['Invalid socket context: Bad file descriptor', EBADF],
    );
    assert.equal(String(other), '<descriptor 0xffffffff>');
  }
  closeSync(file);
  assert.equal(readFileSync(path).length, 0);
});

test('sendmsg refuses descriptors that are none, and sends nothing', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const closed = must(create());
  closed.close();
  for (const [data, code] of [
    [[a, null], EBADF],
    [[closed], EBADF],
    [[-1], EBADF],
    [['1'], EBADF],
    [[1_000_000], EBADF],
    [5, EINVAL],
    [undefined, EINVAL],
  ] as const) {
    assert.equal(a.sendmsg('x', [{ level: SOL_SOCKET, type: SCM_RIGHTS, data }]), null);
    assert.equal(a.error(true), code, String(data));
  }
  assert.equal(b.recv(10, numbers.MSG_DONTWAIT), null);
});

test('sendmsg refuses data that cannot be (F41)', () => {
  const [a] = usingPair(SOCK_DGRAM);
  for (const [level, type, data, code] of [
    [IPPROTO_IP, numbers.IP_TTL, 'x', EINVAL],
    [IPPROTO_IP, numbers.IP_TTL, 2 ** 40, ERANGE],
    [IPPROTO_IP, numbers.IP_TOS, 256, ERANGE],
    [IPPROTO_IP, numbers.IP_PKTINFO, 5, EINVAL],
    [IPPROTO_IP, numbers.IP_PKTINFO, { spec_dst: 'x' }, EINVAL],
    [IPPROTO_IP, numbers.IP_PKTINFO, { interface: 'nope0' }, numbers.ENODEV],
    [IPPROTO_IP, numbers.IP_RECVERR, {}, EINVAL],
    [IPPROTO_IP, numbers.IP_RETOPTS, 5, EINVAL],
    [SOL_SOCKET, numbers.SCM_CREDENTIALS, { pid: -1 }, ERANGE],
    [SOL_SOCKET, 9999, {}, EINVAL],
    [SOL_SOCKET, 9999, 2 ** 40, ERANGE],
  ] as const) {
    assert.equal(a.sendmsg('x', [{ level, type, data }]), null);
    assert.equal(a.error(true), code, `${String(type)} ${String(a.error())}`);
  }
});

test('readAncillary encodes types that are not known by the kind of their data', () => {
  const bytes = (data: unknown): unknown => readAncillary([{ level: 99, type: 9, data }])[0]?.data;
  assert.deepEqual(bytes(true), Uint8Array.of(1, 0, 0, 0));
  assert.deepEqual(bytes(-2), Uint8Array.of(254, 255, 255, 255));
  assert.deepEqual(Buffer.from(bytes('text') as Uint8Array), Buffer.from('text'));
  assert.deepEqual(bytes(Buffer.from([1, 2])), Uint8Array.of(1, 2));
  assert.equal((bytes(null) as Uint8Array).length, 0);
  assert.deepEqual(readAncillary(null), []);
  assert.deepEqual(readAncillary([]), []);
  assert.deepEqual(readAncillary(''), []);
});

test('formatControl shows what has no row as bytes', () => {
  const message = formatControl({ level: 99, type: 9, data: Uint8Array.of(1, 2) }, noDescriptor);
  assert.equal(String(message), '{ "level": 99, "type": 9, "data": "\\u0001\\u0002" }');
  assert.deepEqual(message, { level: 99, type: 9, data: Buffer.from([1, 2]) });
});

test('formatControl shows members under the names of ucode', () => {
  const rows = [
    [
      { level: 'SOL_PACKET', type: 'PACKET_AUXDATA' },
      { status: 1, length: 2, captured: 3, mac: 4, network: 5, vlanTag: 6, vlanProtocol: 7 },
      { status: 1, len: 2, snaplen: 3, mac: 4, net: 5, vlan_tci: 6, vlan_tpid: 7 },
      SOL_PACKET,
    ],
    [
      { level: 'IPPROTO_IPV6', type: 'IPV6_PATHMTU' },
      { address: { family: 'ipv6', host: '::1', port: 0 }, mtu: 1280 },
      { addr: { family: AF_INET6, address: '::1', port: 0, flowinfo: 0 }, mtu: 1280 },
      IPPROTO_IPV6,
    ],
    [
      { level: 'IPPROTO_IPV6', type: 'IPV6_RECVERR' },
      {
        errno: 111,
        name: 'ECONNREFUSED',
        origin: 3,
        type: 1,
        code: 4,
        info: 5,
        data: 0x10006,
        offender: null,
      },
      { errno: 111, origin: 3, type: 1, code: 4, info: 5, data: 0x10006, len: 6, flags: 1, offender: null },
      IPPROTO_IPV6,
    ],
    [
      { level: 'SOL_SOCKET', type: 'SO_TIMESTAMPING' },
      { software: { sec: 1, nsec: 2 }, transformed: null, hardware: null },
      { software: { sec: 1, nsec: 2 }, transformed: null, hardware: null },
      SOL_SOCKET,
    ],
  ] as const;
  for (const [head, data, seen, level] of rows) {
    const type = constants[head.type];
    assert.deepEqual(formatControl({ ...head, data } as never, noDescriptor), { level, type, data: seen });
  }
});

test('every row of the table is known by its numbers, and gives bytes where the system does', () => {
  for (const [level, type] of CONTROL_ROWS) {
    const bytes = Uint8Array.of(1, 2, 3);
    const message = formatControl({ level, type, data: bytes } as never, noDescriptor);
    assert.deepEqual(message, { level: constants[level], type: constants[type], data: Buffer.from(bytes) });
  }
});
