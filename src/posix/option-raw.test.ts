/** Options as bytes. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { ClosedError, SystemError } from '../base/errors.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { Socket } from './socket.ts';

const { constants: c } = loadNative();
const leaks = leakCheck();
const open: Socket[] = [];

function udp(): Socket {
  const socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
  open.push(socket);
  return socket;
}

after(() => {
  for (const socket of open) socket.close();
  leaks.check();
});

test('getRaw reads the bytes that setRaw set, by names and by numbers', () => {
  const socket = udp();
  const linger = Uint8Array.of(1, 0, 0, 0, 9, 0, 0, 0);
  socket.setRaw('SOL_SOCKET', 'SO_LINGER', linger);
  assert.deepEqual(socket.getRaw('SOL_SOCKET', 'SO_LINGER', 64), linger);
  assert.deepEqual(socket.getRaw(c.SOL_SOCKET, c.SO_LINGER, 64), linger);
  assert.deepEqual(socket.getOption('SOL_SOCKET', 'SO_LINGER'), { onoff: 1, linger: 9 });
  assert.deepEqual(socket.getRaw('SOL_SOCKET', 'SO_LINGER', 4), linger.subarray(0, 4));
});

test('getRaw answers memory of its own', () => {
  const socket = udp();
  const first = socket.getRaw('SOL_SOCKET', 'SO_TYPE', 4);
  socket.getRaw('SOL_SOCKET', 'SO_LINGER', 8);
  assert.deepEqual(first, Uint8Array.of(c.SOCK_DGRAM, 0, 0, 0));
});

test('getRaw gives the system what is asked, and zeros behind it', () => {
  const socket = udp();
  socket.setOption('IPPROTO_IP', 'IP_ADD_MEMBERSHIP', { multiaddr: '239.255.7.8', address: '127.0.0.1' });
  // struct ip_msfilter: group, interface, mode, and room for so many sources.
  const question = Uint8Array.of(239, 255, 7, 8, 127, 0, 0, 1, 9, 9, 9, 9, 4, 0, 0, 0);
  const answer = Uint8Array.of(239, 255, 7, 8, 127, 0, 0, 1, c.MCAST_EXCLUDE, 0, 0, 0, 0, 0, 0, 0);
  assert.deepEqual(socket.getRaw('IPPROTO_IP', 'IP_MSFILTER', 32, question), answer);
});

/** Options whose value the system would follow into memory. */
const HOLDING: readonly (readonly [level: number, name: number])[] = [
  [c.SOL_SOCKET, c.SO_ATTACH_FILTER],
  [c.SOL_SOCKET, c.SO_ATTACH_REUSEPORT_CBPF],
  [c.SOL_PACKET, c.PACKET_FANOUT_DATA],
  [c.IPPROTO_IP, c.IPT_SO_SET_REPLACE],
  [c.IPPROTO_IPV6, c.IP6T_SO_SET_REPLACE],
  [c.IPPROTO_TCP, c.TCP_ZEROCOPY_RECEIVE],
  [c.SOL_XDP, c.XDP_UMEM_REG],
  [c.SOL_MPTCP, c.MPTCP_FULL_INFO],
];

test('values that hold addresses of memory have no raw form', () => {
  const socket = udp();
  for (const [level, name] of HOLDING) {
    const message = new RegExp(`^RangeError: ${String(name)}: its value holds an address of memory`);
    assert.throws(() => {
      socket.setRaw(level, name, new Uint8Array(64));
    }, message);
    assert.throws(() => socket.getRaw(level, name, 64), message);
  }
});

test('raw calls refuse what cannot be, naming it (F41, F42, F50)', () => {
  const socket = udp();
  const get = (...args: readonly unknown[]): unknown =>
    (socket as unknown as { getRaw(...args: readonly unknown[]): unknown }).getRaw(...args);
  const set = (...args: readonly unknown[]): unknown =>
    (socket as unknown as { setRaw(...args: readonly unknown[]): unknown }).setRaw(...args);
  const four = new Uint8Array(4);
  assert.throws(() => get('SO_TYPE', 'SO_TYPE', 4), /^RangeError: level: /);
  assert.throws(() => get('SOL_SOCKET', 'SO_TIPE', 4), /^RangeError: name: /);
  assert.throws(() => get(null, 'SO_TYPE', 4), /^TypeError: level: /);
  assert.throws(() => get('SOL_SOCKET', 0.5, 4), /^RangeError: name: /);
  for (const size of [-1, 0.5, NaN, 2 ** 40])
    assert.throws(() => get('SOL_SOCKET', 'SO_TYPE', size), /^RangeError: size: /);
  assert.throws(() => get('SOL_SOCKET', 'SO_TYPE', '4'), /^TypeError: size: /);
  assert.throws(() => get('SOL_SOCKET', 'SO_TYPE', 3, four), /^RangeError: input: /);
  assert.throws(() => get('SOL_SOCKET', 'SO_TYPE', 4, 'abcd'), /^TypeError: input: /);
  assert.throws(() => set('SOL_SOCKET', 'SO_DEBUG', 'abcd'), /^TypeError: bytes: /);
  assert.throws(() => set('SOL_SOCKET', 'SO_DEBUG', new Uint8Array(2 ** 23)), /^RangeError: bytes: /);
});

test('what the system refuses names the call and the option', () => {
  const socket = udp();
  assert.throws(
    () => socket.getRaw('SOL_SOCKET', 9999, 4),
    (error) => error instanceof SystemError && error.message.startsWith('getRaw SOL_SOCKET 9999: '),
  );
  assert.throws(
    () => {
      socket.setRaw('SOL_SOCKET', 'SO_TYPE', new Uint8Array(4));
    },
    (error) => error instanceof SystemError && error.message.startsWith('setRaw SOL_SOCKET SO_TYPE: '),
  );
  socket.close();
  assert.throws(() => socket.getRaw('SOL_SOCKET', 'SO_TYPE', 4), ClosedError);
  assert.throws(() => {
    socket.setRaw('SOL_SOCKET', 'SO_DEBUG', new Uint8Array(4));
  }, ClosedError);
});
