/** The suites of listeners and of providers themselves: each kind of broken provider must fail them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Listener, ListenerSink, SocketProvider, Stream } from '../base/provider.ts';
import { listenerSuite } from './listener-suite.ts';
import { memoryProvider } from './memory-provider.ts';
import { memoryWorld, type MemoryWorld } from './memory-world.ts';
import { altered, caughtBy, type Overrides } from './node/mutations.ts';
import { providerSuite } from './provider-suite.ts';
import type { SuiteCase } from './suite.ts';

/** What is wrong with a provider, the part of a case's name that must catch it, and how it is made wrong. */
const BROKEN_PROVIDERS: readonly (readonly [
  what: string,
  caught: string,
  (provider: SocketProvider) => Overrides<SocketProvider>,
])[] = [
  [
    'connects where nobody listens',
    'connect where nobody listens',
    (p) => ({
      connect: async (options: never) => {
        try {
          return await p.connect(options);
        } catch {
          const l = await p.listen({});
          return p.connect({ host: '127.0.0.1', port: (l.local as { port: number }).port });
        }
      },
    }),
  ],
  [
    'ignores timeouts',
    'connect times out',
    (p) => ({ connect: (options: object) => p.connect({ ...options, timeout: undefined } as never) }),
  ],
  [
    'ignores signals',
    'aborts meanwhile',
    (p) => ({ connect: (options: object) => p.connect({ ...options, signal: undefined } as never) }),
  ],
  [
    'gives another reason',
    'reason of a signal',
    (p) => ({
      connect: (options: never) =>
        p.connect(options).catch(() => {
          throw new Error('other');
        }),
    }),
  ],
  [
    'throws for bad arguments',
    'connect refuses arguments',
    (p) => ({
      connect: (options: { port?: unknown } | null) => {
        if (options?.port === -1) throw new RangeError('no');
        return p.connect(options as never);
      },
    }),
  ],
  [
    'takes ports as text',
    'connect refuses arguments',
    (p) => ({
      connect: (options: { port?: unknown } | null) =>
        options?.port === '80' ? new Promise(() => undefined) : p.connect(options as never),
    }),
  ],
  [
    'resolves given addresses',
    'takes the second address',
    (p) => ({ connect: (options: object) => p.connect({ ...options, addresses: undefined } as never) }),
  ],
  [
    'ignores the family',
    'only addresses of the family',
    (p) => ({ connect: (options: object) => p.connect({ ...options, family: undefined } as never) }),
  ],
  ['lists nothing', 'sockets lists a stream', () => ({ sockets: () => [] })],
  ['does not close', 'close settles everything', () => ({ close: () => Promise.resolve() })],
  [
    'makes a new promise for each close',
    'close settles everything',
    (p) => ({
      close: async () => {
        await p.close();
      },
    }),
  ],
  [
    'shares every port',
    'EADDRINUSE',
    (p) => ({ listen: (options: object) => p.listen({ ...options, reusePort: true }) }),
  ],
  [
    'replaces every path',
    'leaves a stale path alone',
    (p) => ({ listen: (options: object) => p.listen({ ...options, stale: 'replace' } as never) }),
  ],
  [
    'gives no limits to accepted streams',
    'limits to accepted',
    (p) => ({ listen: (options: object) => p.listen({ ...options, highWaterMark: undefined }) }),
  ],
  [
    'accepts while paused',
    'accepts nothing while paused',
    (p) => ({
      listen: async (options: never) => {
        const l = await p.listen(options);
        return altered(l, { pause: () => undefined, isPaused: true });
      },
    }),
  ],
  [
    'accepts before start',
    'keeps connections waiting',
    (p) => ({
      listen: async (options: never) => {
        const l = await p.listen(options);
        return altered(l, eager(l));
      },
    }),
  ],
  [
    'closes accepted streams with the listener',
    'leaves accepted streams open',
    (p) => ({
      listen: async (options: never) => {
        const l = await p.listen(options);
        return altered(l, greedy(l));
      },
    }),
  ],
  [
    'hides that descriptors ran out',
    'out of descriptors, tells',
    (p) => ({
      listen: async (options: never) => {
        const l = await p.listen(options);
        return altered(l, {
          start: (sink: ListenerSink) => {
            l.start({
              accept: (s) => {
                sink.accept(s);
              },
              close: (e) => {
                sink.close(e);
              },
            });
          },
        });
      },
    }),
  ],
];

/** Reads at once what it accepts. */
function eager(listener: Listener): Overrides<Listener> {
  return {
    start: (sink: ListenerSink) => {
      listener.start({
        accept: (stream) => {
          stream.start({ data: () => undefined, close: () => undefined });
          sink.accept(stream);
        },
        close: (error) => {
          sink.close(error);
        },
      });
    },
  };
}

/** Takes its streams with it when it closes. */
function greedy(listener: Listener): Overrides<Listener> {
  const streams: Stream[] = [];
  return {
    start: (sink: ListenerSink) => {
      listener.start({
        accept: (stream) => {
          streams.push(stream);
          sink.accept(stream);
        },
        close: (error) => {
          sink.close(error);
        },
      });
    },
    close: () => {
      for (const stream of streams) stream.abort();
      return listener.close();
    },
  };
}

function providerCasesOf(
  world: MemoryWorld,
  mutate: (provider: SocketProvider) => Overrides<SocketProvider>,
): SuiteCase[] {
  const make = (): Promise<{ provider: SocketProvider; stop: () => Promise<void> }> => {
    const provider = memoryProvider({ network: world.network });
    return Promise.resolve({
      provider: altered<SocketProvider>(provider, mutate(provider)),
      stop: () => provider.close(),
    });
  };
  return (['ipv4', 'unix'] as const).flatMap((transport) => {
    const options = { ...world.options, transport, scale: 1 / 8 };
    return [...listenerSuite(make, options), ...providerSuite(make, options)];
  });
}

test('listenerSuite and providerSuite pass when nothing is altered', async () => {
  assert.deepEqual(await caughtBy(providerCasesOf(memoryWorld(), () => ({}))), []);
});

for (const [what, caught, mutate] of BROKEN_PROVIDERS) {
  test(`the suites catch a provider that ${what}`, async () => {
    const cases = providerCasesOf(memoryWorld(), mutate).filter((each) => each.name.includes(caught));
    assert.ok(cases.length > 0, `no case is called ${caught}`);
    assert.notDeepEqual(await caughtBy(cases), []);
  });
}
