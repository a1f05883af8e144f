/** Every call that waits, given up at every moment of its life: nothing may be left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deadline } from '../../base/provider.ts';
import type { World } from './test-kit.ts';
import { pair, world } from './test-kit.ts';

/** A call with a deadline, and how what it makes is closed. */
type Call = (
  world: World,
  deadline: Deadline,
) => Promise<{ abort(): void } | { close(): Promise<void> } | undefined>;

const CALLS: Readonly<Record<string, Call>> = {
  'connect to a name': async ({ front }, deadline) => {
    await using server = await front.listen();
    const port = 'port' in server.local ? server.local.port : 0;
    return await front.connect({ to: `localhost:${String(port)}`, ...deadline });
  },
  'connect to a path': async ({ front }, deadline) => {
    await using server = await front.listen({ on: 'unix:@aborted' });
    return await front.connect({ to: server.local, ...deadline });
  },
  'connect to a black hole': ({ front }, deadline) => front.connect({ to: '192.0.2.1:80', ...deadline }),
  listen: ({ front }, deadline) => front.listen(deadline),
  listenPackets: ({ front }, deadline) => front.listenPackets({ on: 'unix:/aborted', ...deadline }),
  bind: ({ front }, deadline) => front.bind(deadline),
  'bind to a name': ({ front }, deadline) => front.bind({ to: 'localhost:53', ...deadline }),
  resolve: async ({ front }, deadline) => {
    await front.resolve('localhost', deadline);
    return undefined;
  },
  'accept, read, write and close': async ({ front }, deadline) => {
    const { server, client, peer } = await pair(front);
    try {
      const accepting = server.accept(deadline);
      const other = await front.connect({ to: server.local, ...deadline }).catch(() => undefined);
      (await accepting).abort();
      other?.abort();
      await client.write('abc\n', deadline);
      await peer.readUntil('\n', deadline);
      await peer.write(new Uint8Array(100_000), deadline);
      await client.readExactly(100_000, deadline);
      await client.closeWrite(deadline);
      await client.close(deadline);
    } finally {
      for (const socket of [client, peer]) socket.abort();
      await server.close();
    }
    return undefined;
  },
};

/** More promise jobs than any of these calls takes. */
const MOMENTS = 60;

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} given up at any moment leaves nothing open (F07)`, async (t) => {
    let given = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const made = world(t, { bufferSize: 1000, scenario: [{ address: '192.0.2.1', outcome: 'blackhole' }] });
      const controller = new AbortController();
      const reason = new Error('given up');
      const result = call(made, { signal: controller.signal }).then(
        (socket) => ({ socket }),
        (error: unknown) => ({ error }),
      );
      for (let i = 0; i < moment; i++) await Promise.resolve();
      controller.abort(reason);
      const end = await result;
      if ('error' in end) {
        assert.equal(end.error, reason);
        given++;
      } else if (end.socket !== undefined && 'abort' in end.socket) {
        end.socket.abort();
      } else {
        await end.socket?.close();
      }
      await made.provider.idle();
      assert.equal(made.network.openCount, 0, `at moment ${String(moment)}`);
      assert.equal(made.clock.pending, 0, `a timer is left at moment ${String(moment)}`);
      assert.deepEqual(made.warnings, []);
    }
    assert.ok(given > 0, 'it was given up at least once');
  });
}
