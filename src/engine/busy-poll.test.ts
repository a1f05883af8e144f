/** Busy polling: it is bounded, ends with what it is for, and keeps nothing else from its turn. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import test from 'node:test';

import { countDescriptors } from '../testing/node/leak-check.ts';
import { connected, record } from '../testing/node/pairs.ts';
import { node, python } from '../testing/node/peer.ts';
import { localProvider } from './local-provider.ts';

const POLLERS = ['epoll', 'poll'] as const;

test('busyPoll must be a whole number of microseconds up to 1000, and leaves no descriptor if it is not', () => {
  const before = countDescriptors();
  for (const busyPoll of [-1, 1001, 0.5, Number.NaN, Infinity])
    assert.throws(() => localProvider({ busyPoll }), RangeError, String(busyPoll));
  for (const busyPoll of ['50', null, true, {}])
    assert.throws(() => localProvider({ busyPoll: busyPoll as number }), TypeError, typeof busyPoll);
  assert.equal(countDescriptors(), before);
});

/** Microseconds of CPU that this process uses while a peer sends 100 bytes, 2 ms or more apart. */
async function cpuOfTrickle(t: TestContext, poller: 'epoll' | 'poll', busyPoll: number): Promise<number> {
  const provider = localProvider({ poller, busyPoll });
  const peer = python(
    t,
    `import time
s = serve(); c, _ = s.accept(); wait()
for _ in range(100): c.sendall(b'x'); time.sleep(0.002)
c.close(); wait()`,
  );
  const stream = await provider.connect({ host: '127.0.0.1', port: Number(await peer.line()) });
  const recorder = record(t, stream);
  const before = process.cpuUsage();
  peer.say('go');
  await recorder.untilEnd();
  const { user, system } = process.cpuUsage(before);
  assert.equal(recorder.received, 100);
  await provider.close();
  return user + system;
}

for (const poller of POLLERS) {
  test(`busyPoll looks for events for that long after each, and not longer (${poller})`, async (t) => {
    const idle = await cpuOfTrickle(t, poller, 0);
    const short = await cpuOfTrickle(t, poller, 1);
    const long = await cpuOfTrickle(t, poller, 1000);
    // A whole millisecond each time, of which another process may take a part.
    assert.ok(long > idle + 20_000, `${String(long)} µs, and ${String(idle)} without`);
    assert.ok(short < long / 2, `${String(short)} µs for 1, and ${String(long)} for 1000`);
  });

  test(`busyPoll keeps neither timers nor immediates nor other descriptors from their turn (${poller})`, async (t) => {
    const peer = node(
      t,
      `const provider = localProvider({ poller: '${poller}', busyPoll: 1000 });
       const listener = await provider.listen({});
       listener.start({ accept: (s) => s.start({ data: (b) => s.write(b), close() {} }), close() {} });
       const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
       const met = new Set();
       const meet = (what) => {
         met.add(what);
         if (met.size === 3) say('met');
       };
       client.start({ data: (b) => client.write(b), close() {} });
       client.write(Uint8Array.of(1));
       setTimeout(meet, 5, 'timer');
       setImmediate(meet, 'immediate');
       (await import('node:fs/promises')).stat('/').then(() => meet('file'));
       await lines().next();
       await provider.close();
       process.stdin.destroy();`,
    );
    assert.equal(await peer.json(), 'met');
    peer.say('end');
    assert.equal((await peer.ended).status, 0);
  });

  test(`busyPoll does not keep a process whose sockets do not (${poller})`, async (t) => {
    const peer = node(
      t,
      `const provider = localProvider({ poller: '${poller}', busyPoll: 1000 });
       const listener = await provider.listen({});
       const accepted = new Promise((resolve) => listener.start({ accept: resolve, close() {} }));
       const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
       const server = await accepted;
       const data = () => {
         for (const socket of [listener, client, server]) socket.unref();
         say('data');
       };
       client.start({ data, close() {} });
       server.write(Uint8Array.of(1));`,
    );
    assert.equal(await peer.json(), 'data');
    assert.equal((await peer.ended).status, 0);
  });
}

test('busyPoll: a provider that is closed in the midst of it leaves nothing', async (t) => {
  const before = countDescriptors();
  const provider = localProvider({ busyPoll: 1000 });
  const { client, server } = await connected(t, provider);
  const closed = new Promise<void>((resolve) => {
    client.start({
      data: () => {
        void provider.close();
        resolve();
      },
      close: () => undefined,
    });
  });
  server.write(Uint8Array.of(1));
  await closed;
  // libuv closes its handles at the end of its turn.
  await new Promise(setImmediate);
  assert.equal(countDescriptors(), before);
});
