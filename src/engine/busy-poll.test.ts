/** Busy polling: it is bounded, ends with what it is for, and keeps nothing else from its turn. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { countDescriptors } from '../testing/node/leak-check.ts';
import { connected } from '../testing/node/pairs.ts';
import { node } from '../testing/node/peer.ts';
import { countCalls, traceCalls, whyNoTrace } from '../testing/node/system-calls.ts';
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

const PULSES = 20;
const LOOKING = ['epoll_wait', 'epoll_pwait', 'poll', 'ppoll'];

/** Receives bytes that come one by one, further apart than any engine looks for the next one. Between two umask(2) for each. */
const PULSED = (poller: 'epoll' | 'poll'): string => `
import { localProvider } from '${new URL('local-provider.js', import.meta.url).href}';
for (const busyPoll of [0, 1, 1000]) {
  const provider = localProvider({ poller: '${poller}', busyPoll });
  const listener = await provider.listen({});
  const accepted = new Promise((resolve) => listener.start({ accept: resolve, close() {} }));
  const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
  const server = await accepted;
  let received = () => {};
  server.start({ data: () => received(), close() {} });
  process.umask();
  for (let i = 0; i < ${String(PULSES)}; i++) {
    const pulse = new Promise((resolve) => (received = resolve));
    client.write(Uint8Array.of(1));
    await pulse;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  process.umask();
  await provider.close();
}`;

/** How often each of those engines looked for events. */
async function countLooks(poller: 'epoll' | 'poll'): Promise<readonly number[]> {
  const command = [process.execPath, '--input-type=module', '-e', PULSED(poller)];
  const { calls } = await traceCalls(command, [...LOOKING, 'umask']);
  const marks = calls.flatMap(({ name }, i) => (name === 'umask' ? [i] : [])).slice(-12);
  return [0, 4, 8].map((at) => countCalls(calls.slice(marks[at], marks[at + 2]), LOOKING));
}

for (const poller of POLLERS) {
  const skip = whyNoTrace();
  test(
    `busyPoll looks for events for that long after each, and not longer (${poller})`,
    { skip },
    async () => {
      const [none = 0, short = 0, long = 0] = await countLooks(poller);
      const counts = `${String(none)} times without, ${String(short)} for 1 µs, ${String(long)} for 1000`;
      assert.ok(long - none > 2 * PULSES, counts);
      assert.ok(short - none < (long - none) / 2, counts);
    },
  );

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
