/** What is made of values: of memory that is sent, and of options whose kind here is another than in posix. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as numbers from './constants.ts';
import { create } from './module.ts';
import { optionFromPosix } from './option-values.ts';
import { checkLeaks, must, using, usingPair } from './test-kit.ts';

const { SOCK_DGRAM, SOL_SOCKET } = numbers;

checkLeaks();

test('send and sendmsg take any memory as bytes', () => {
  const [a, b] = usingPair(SOCK_DGRAM);
  const memory = Uint8Array.from([1, 2, 3, 4, 5, 6]).buffer;
  for (const [data, bytes] of [
    [memory, [1, 2, 3, 4, 5, 6]],
    [new DataView(memory, 1, 3), [2, 3, 4]],
    [new Uint16Array(memory, 2, 2), [3, 4, 5, 6]],
    [new Uint8ClampedArray(memory, 5), [6]],
    [new SharedArrayBuffer(2), [0, 0]],
  ] as const) {
    assert.equal(a.send(data), bytes.length);
    assert.deepEqual([...must(b.recv())], bytes);
    assert.equal(a.sendmsg(['x', data]), bytes.length + 1);
    assert.deepEqual([...must(b.recv())], [0x78, ...bytes]);
  }
  const views = [memory, new DataView(memory), new Uint16Array(memory)];
  structuredClone(memory, { transfer: [memory] });
  for (const gone of views) {
    assert.equal(a.send(gone), null);
    assert.equal(a.error(true), numbers.EINVAL);
  }
});

test('getopt and setopt have SO_LOCK_FILTER and TCP_FASTOPEN_CONNECT as numbers', () => {
  const { IPPROTO_TCP, SO_LOCK_FILTER, TCP_FASTOPEN_CONNECT } = numbers;
  for (const [level, option] of [
    [SOL_SOCKET, SO_LOCK_FILTER],
    [IPPROTO_TCP, TCP_FASTOPEN_CONNECT],
  ] as const) {
    const sock = using(create());
    assert.equal(sock.getopt(level, option), 0);
    assert.equal(sock.setopt(level, option, '0'), true);
    assert.equal(sock.getopt(level, option), 0);
    assert.equal(sock.setopt(level, option, '0x1'), true);
    assert.equal(sock.getopt(level, option), 1);
    assert.equal(sock.setopt(level, option, 'much'), null);
    assert.equal(sock.error(true), numbers.EINVAL);
  }
});

test('getopt of PACKET_FANOUT has every member', () => {
  const members = { id: 1, type_flags: 2 };
  assert.deepEqual(optionFromPosix('fanout_args', members), { ...members, max_num_members: 0 });
  const whole = { ...members, max_num_members: 3 };
  assert.deepEqual(optionFromPosix('fanout_args', whole), whole);
});
