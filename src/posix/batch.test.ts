/** `sendMany` and `recvMany` move many datagrams with one system call: the system's own account of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECEIVING, SENDING, traceCalls, whyNoTrace } from '../testing/node/system-calls.ts';

const ROUNDS = 3;

/** A program that exchanges `count` datagrams several times, and prints what the calls answered. */
function exchange(count: number): readonly string[] {
  const door = new URL('../doors/posix.js', import.meta.url).href;
  const code = `
    import { Socket } from ${JSON.stringify(door)};
    const [left, right] = [0, 1].map(() => {
      const socket = Socket.socket('AF_INET', 'SOCK_DGRAM');
      socket.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
      return socket;
    });
    left.connect(right.localAddress());
    const messages = Array.from({ length: ${String(count)} }, (_, i) => ({ data: Uint8Array.of(i, i >> 8) }));
    for (let round = 0; round < ${String(ROUNDS)}; round++) {
      const sent = left.sendMany(messages);
      const got = right.recvMany({ count: ${String(count)}, size: 64, controlSize: 0 });
      const isWhole = got.every(({ data }, i) => data.length === 2 && data[0] + (data[1] << 8) === i);
      console.log([sent, got.length, isWhole].join());
    }`;
  return [process.execPath, '--input-type=module', '-e', code];
}

for (const count of [32, 200]) {
  test(`sendMany and recvMany make one system call for ${String(count)} datagrams`, async (t) => {
    const skip = whyNoTrace();
    if (skip !== false) {
      t.skip(skip);
      return;
    }
    const { calls, output } = await traceCalls(exchange(count), [...SENDING, ...RECEIVING]);
    const told = Array.from({ length: ROUNDS }, () => `${String(count)},${String(count)},true`);
    assert.deepEqual(output.trim().split('\n'), told);
    const each = [
      { name: 'sendmmsg', result: count },
      { name: 'recvmmsg', result: count },
    ];
    assert.deepEqual(calls, Array.from({ length: ROUNDS }, () => each).flat());
  });
}
