/** What is the portable provider's own about datagrams; the rest is said by the suite. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { IpEndpoint, SocketAddress } from '../base/address.ts';
import type { Datagram, ReceivedDatagram, SocketProvider } from '../base/provider.ts';
import { MESSAGE_OVERHEAD } from '../base/provider.ts';
import { MAX_KEPT_BYTES } from './datagram-inbox.ts';
import { portableProvider } from './portable-provider.ts';

function made(t: TestContext): SocketProvider {
  const provider = portableProvider();
  t.after(() => provider.close());
  return provider;
}

function endpoint(address: SocketAddress): IpEndpoint {
  assert.ok(address.family !== 'unix');
  return address;
}

/** Sends, and waits until the datagram is with the kernel. */
function sent(socket: Datagram, bytes: Uint8Array, to?: SocketAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send({ bytes, to }, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** Starts a socket, and answers what it hears; `until` fulfils when so many have come. */
function heard(socket: Datagram): { all: ReceivedDatagram[]; until(count: number): Promise<void> } {
  const all: ReceivedDatagram[] = [];
  let wake = (): void => undefined;
  socket.start({
    receive: (datagram) => {
      all.push(datagram);
      wake();
    },
    close: () => undefined,
  });
  const until = async (count: number): Promise<void> => {
    while (all.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { all, until };
}

test('PortableDatagram keeps a bounded number of bytes while it is paused, and counts what it drops', async (t) => {
  const provider = made(t);
  const b = await provider.bind({ host: '127.0.0.1' });
  const a = await provider.bind({ host: '127.0.0.1' });
  b.pause();
  const atB = heard(b);
  const size = 8192;
  const count = 4 * Math.ceil(MAX_KEPT_BYTES / size);
  for (let i = 0; i < count; i++) {
    await sent(a, new Uint8Array(size).fill(i & 255), b.local);
    // The loop's turn, so that the kernel's own buffer drops nothing.
    await setImmediate();
    await setImmediate();
  }
  assert.equal(b.received, 0);
  assert.ok(b.drops > 0 && b.drops < count);
  const kept = count - b.drops;
  assert.ok(kept * size <= MAX_KEPT_BYTES + size);
  b.resume();
  await atB.until(kept);
  assert.deepEqual(
    atB.all.map(({ bytes }) => bytes[0]),
    Array.from({ length: kept }, (_, i) => i & 255),
  );
  await sent(a, new Uint8Array([7]), b.local);
  await atB.until(kept + 1);
  assert.equal(b.received, kept + 1);
});

test('PortableDatagram.send of nothing is bounded as any other, and so is sendMany (F23)', async (t) => {
  const provider = made(t);
  const b = await provider.bind({ host: '127.0.0.1' });
  const a = await provider.bind({ host: '127.0.0.1', highWaterMark: 4096, writeLimit: 16_384 });
  const message = { bytes: new Uint8Array(0), to: b.local };
  assert.equal(a.sendMany(Array<typeof message>(1_000_000).fill(message)), 4096 / MESSAGE_OVERHEAD);
  const answers: (string | null)[] = [];
  const overflow = { name: 'OverflowError', code: 'ERR_SOCKET_OVERFLOW' };
  assert.throws(() => {
    for (let i = 0; i < 1_000_000; i++)
      assert.equal(
        a.send(message, (e) => answers.push(e?.code ?? null)),
        false,
      );
  }, overflow);
  assert.equal(a.bufferedAmount, 16_384 + MESSAGE_OVERHEAD);
  assert.throws(() => a.sendMany([message]), overflow);
  await a.close();
  assert.deepEqual(answers, Array<null>((16_384 - 4096) / MESSAGE_OVERHEAD + 1).fill(null));
});

test('PortableDatagram lets the loop turn while done sends again and again', async (t) => {
  const provider = made(t);
  const a = await provider.bind({ host: '127.0.0.1' });
  let sends = 0;
  let isOver = false;
  const again = (): void => {
    sends += 1;
    if (!isOver) a.send({ bytes: new Uint8Array(1), to: a.local }, again);
  };
  again();
  for (let i = 0; i < 5; i++) await setImmediate();
  isOver = true;
  assert.ok(sends > 5);
});

test('PortableDatagram sends in order again after a report that nobody listens (F24)', async (t) => {
  const provider = made(t);
  const b = await provider.bind({ host: '127.0.0.1' });
  const { port } = endpoint(b.local);
  const a = await provider.bind({ remote: { host: '127.0.0.1', port } });
  await b.close();
  // The kernel has the report of the first, and answers it to the next call.
  await sent(a, Uint8Array.of(1));
  const again = await provider.bind({ host: '127.0.0.1', port });
  const atAgain = heard(again);
  await Promise.all([2, 3, 4].map((i) => sent(a, Uint8Array.of(i))));
  await atAgain.until(3);
  assert.deepEqual(
    atAgain.all.map(({ bytes }) => bytes[0]),
    [2, 3, 4],
  );
});

test('PortableDatagram of IPv6 sends to IPv4 addresses in their mapped form', async (t) => {
  const provider = made(t);
  const b = await provider.bind({ host: '127.0.0.1' });
  let a: Datagram;
  try {
    a = await provider.bind({ host: '::' });
  } catch (error) {
    t.skip(`no IPv6 here: ${String(error)}`);
    return;
  }
  const atB = heard(b);
  await sent(a, Uint8Array.of(1), b.local);
  await atB.until(1);
  assert.equal(endpoint(atB.all[0]?.remote ?? a.local).port, endpoint(a.local).port);
});

test('PortableDatagram.join refuses interfaces that Node does not tell, and those of nobody', async (t) => {
  const provider = made(t);
  const group = { family: 'ipv4', host: '239.255.9.9' } as const;
  const a = await provider.bind({ host: '127.0.0.1' });
  assert.throws(
    () => {
      a.join({ group, interfaceIndex: 2 ** 30 });
    },
    { name: 'UnsupportedError', code: 'ERR_UNSUPPORTED' },
  );
  assert.throws(
    () => {
      a.join({ group, interfaceAddress: { family: 'ipv4', host: '192.0.2.1' } });
    },
    { name: 'SystemError', code: 'ENODEV', op: 'join' },
  );
  assert.deepEqual(a.memberships(), []);
});

test('PortableDatagram.join joins where the scope of the group says, and leave leaves there', async (t) => {
  const table = '/proc/net/igmp6';
  if (!existsSync(table)) {
    t.skip(`no ${table} here`);
    return;
  }
  const a = await made(t).bind({ host: '::' });
  const joinedAt = (): (string | undefined)[] =>
    readFileSync(table, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[2] === 'ff020000000000000000000000007702')
      .map((words) => words[1]);
  const group = { family: 'ipv6', host: 'ff02::7702' } as const;
  const membership = { group: { ...group, scope: 'lo' } };
  a.join(membership);
  assert.deepEqual(joinedAt(), ['lo']);
  a.leave(membership);
  assert.deepEqual(joinedAt(), []);
  assert.throws(
    () => {
      a.join({ group: { ...group, scope: String(2 ** 30) } });
    },
    { name: 'UnsupportedError' },
  );
});

test('PortableDatagram refuses a bind whose options cannot be set, and leaves nothing', async (t) => {
  const provider = made(t);
  const options = { multicastInterface: 2 ** 30 };
  await assert.rejects(provider.bind({ host: '127.0.0.1', options }), { name: 'UnsupportedError' });
  assert.deepEqual([...provider.sockets()], []);
});
