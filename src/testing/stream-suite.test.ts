/** The suite of streams itself: each kind of broken stream must fail it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Stream, StreamSink, WriteDone } from '../base/provider.ts';
import { ManualSignal } from './manual-signal.ts';
import { memoryWorld, type MemoryWorld } from './memory-world.ts';
import { altered, caughtBy, type Overrides } from './node/mutations.ts';
import { pairMaker } from './pair-maker.ts';
import { streamSuite } from './stream-suite.ts';
import type { SuiteCase } from './suite.ts';

/** What is wrong with a stream, the part of a case's name that must catch it, and how it is made wrong. */
const BROKEN_STREAMS: readonly (readonly [
  what: string,
  caught: string,
  (stream: Stream) => Overrides<Stream>,
])[] = [
  [
    'calls done twice',
    'carries 1 MiB',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) =>
        s.write(
          bytes,
          done &&
            ((error) => {
              done(error);
              done(error);
            }),
        ),
    }),
  ],
  [
    'takes empty writes without end',
    'empty writes with a done',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) => {
        if (bytes.length > 0) return s.write(bytes, done);
        void Promise.resolve().then(() => done?.(null));
        return true;
      },
    }),
  ],
  ['never calls done', 'empty write', (s) => ({ write: (bytes: Uint8Array) => s.write(bytes) })],
  [
    'calls done inside write',
    'carries 1 MiB',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) => {
        const result = s.write(bytes);
        done?.(null);
        return result;
      },
    }),
  ],
  [
    'loses a byte',
    'carries 1 MiB',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) =>
        s.write(bytes.length > 1000 ? bytes.subarray(1) : bytes, done),
    }),
  ],
  [
    'swaps bytes',
    'carries 1 MiB',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) =>
        s.write(
          bytes.map((byte) => byte ^ 1),
          done,
        ),
    }),
  ],
  [
    'takes the bytes after write has returned',
    'has taken the bytes',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) => {
        void Promise.resolve().then(() => s.write(bytes, done));
        return true;
      },
    }),
  ],
  ['delivers after pause', 'pause inside data', () => ({ pause: () => undefined, isPaused: true })],
  ['does not say that it is paused', 'pause before start', () => ({ isPaused: false })],
  [
    'answers true above the high-water mark',
    'period of false',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) => {
        s.write(bytes, done);
        return true;
      },
    }),
  ],
  [
    'never drains',
    'period of false',
    (s) => withSink(s, (sink) => ({ drain: () => undefined, ...bound(sink, 'data', 'end', 'close') })),
  ],
  [
    'drains twice',
    'period of false',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'data', 'end', 'close'),
        drain: () => {
          sink.drain?.();
          sink.drain?.();
        },
      })),
  ],
  [
    'swallows the end',
    'carries 1 MiB',
    (s) => withSink(s, (sink) => ({ ...bound(sink, 'data', 'drain', 'close') })),
  ],
  [
    'ends twice',
    'carries 1 MiB',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'data', 'drain', 'close'),
        end: () => {
          sink.end?.();
          sink.end?.();
        },
      })),
  ],
  [
    'closes twice',
    'close sends what was written, then FIN',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'data', 'end', 'drain'),
        close: (error) => {
          sink.close(error);
          sink.close(error);
        },
      })),
  ],
  [
    'hands over chunks of a larger buffer',
    'carries 1 MiB',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'end', 'drain', 'close'),
        data: (chunk) => {
          const large = new Uint8Array(chunk.length + 1);
          large.set(chunk);
          sink.data(large.subarray(0, chunk.length));
        },
      })),
  ],
  [
    'tells empty chunks',
    'carries 1 MiB',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'end', 'drain', 'close'),
        data: (chunk) => {
          sink.data(chunk);
          sink.data(new Uint8Array(0));
        },
      })),
  ],
  [
    'swallows exceptions',
    'an exception inside data',
    (s) =>
      withSink(s, (sink) => ({
        ...bound(sink, 'end', 'drain', 'close'),
        data: (chunk) => {
          try {
            sink.data(chunk);
          } catch {
            /* this is the mistake */
          }
        },
      })),
  ],
  [
    'ignores readSize',
    'never exceeds readSize',
    (s) => ({
      start: (sink: StreamSink) => {
        s.start(sink);
      },
    }),
  ],
  [
    'ends politely instead of a reset',
    'abort is a reset',
    (s) => ({
      abort: () => {
        void s.close();
      },
    }),
  ],
  [
    'drops what is unsent on close',
    'close sends what was written, then FIN',
    (s) => ({
      close: () => {
        s.abort();
        return s.close();
      },
    }),
  ],
  [
    'makes a new promise for each close',
    'after close every other call',
    (s) => ({
      close: async () => {
        await s.close();
      },
    }),
  ],
  [
    'throws from close instead of rejecting',
    'close refuses deadlines',
    (s) => ({
      close: (deadline?: { timeout?: unknown }) => {
        if (deadline?.timeout === -1) throw new RangeError('no');
        return s.close(deadline as never);
      },
    }),
  ],
  ['ignores the deadline of close', 'close aborts when its time', (s) => ({ close: () => s.close() })],
  [
    'writes quietly after close',
    'after close every other call',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) => {
        try {
          return s.write(bytes, done);
        } catch {
          return false;
        }
      },
    }),
  ],
  [
    'takes everything for bytes',
    'write refuses what is no Uint8Array',
    (s) => ({
      write: (bytes: Uint8Array, done?: WriteDone) =>
        s.write(typeof bytes === 'string' ? new Uint8Array(1) : bytes, done),
    }),
  ],
  [
    'ends both halves at once',
    'answers after the peer has ended',
    (s) => ({
      closeWrite: () => {
        void s.close();
      },
    }),
  ],
  ['forgets its options', 'noDelay', () => ({ get: () => false })],
  ['forgets its tag', 'keeps its tag', () => ({ tag: undefined })],
  ['counts nothing', 'carries 1 MiB', () => ({ bytesRead: 0, bytesWritten: 0 })],
  ['hides what is unsent', 'write answers whether', () => ({ bufferedAmount: 0 })],
];

/** The methods of a sink, free of it. */
function bound(sink: StreamSink, ...names: readonly (keyof StreamSink)[]): StreamSink {
  const parts = names.map((name) => [
    name,
    (...args: never[]) => {
      (sink[name] as ((...args: never[]) => void) | undefined)?.(...args);
    },
  ]);
  return { data: () => undefined, close: () => undefined, ...Object.fromEntries(parts) } as StreamSink;
}

function withSink(stream: Stream, wrap: (sink: StreamSink) => Partial<StreamSink>): Overrides<Stream> {
  return {
    start: (sink: StreamSink, options?: never) => {
      // What is no sink must stay none, or another mistake would be made as well.
      const isSink = typeof (sink as StreamSink | null)?.data === 'function';
      stream.start(isSink ? { ...bound(sink, 'data', 'close'), ...wrap(sink) } : sink, options);
    },
  };
}

function streamCases(world: MemoryWorld, mutate: (stream: Stream) => Overrides<Stream>): SuiteCase[] {
  const make = pairMaker(world.make, 'ipv4', world.files);
  const broken: typeof make = async (options) => {
    const { a, b, stop } = await make(options);
    return { a: altered(a, mutate(a)), b: altered(b, mutate(b)), stop };
  };
  return streamSuite(broken, { ...world.options, transport: 'ipv4', scale: 1 / 8 });
}

test('streamSuite passes when nothing is altered', async () => {
  assert.deepEqual(await caughtBy(streamCases(memoryWorld(), () => ({}))), []);
});

for (const [what, caught, mutate] of BROKEN_STREAMS) {
  test(`streamSuite catches a stream that ${what}`, async () => {
    const cases = streamCases(memoryWorld(), mutate).filter((each) => each.name.includes(caught));
    assert.ok(cases.length > 0, `no case is called ${caught}`);
    assert.notDeepEqual(await caughtBy(cases), []);
  });
}

test('streamSuite catches streams that are left open', async () => {
  const world = memoryWorld();
  const make = pairMaker(world.make, 'ipv4', world.files);
  const leaky: typeof make = async (options) => {
    const { a, b } = await make(options);
    const mistake = { abort: (): void => undefined };
    return { a: altered(a, mistake), b: altered(b, mistake), stop: () => Promise.resolve() };
  };
  const cases = streamSuite(leaky, { ...world.options, transport: 'ipv4' });
  assert.equal((await caughtBy(cases.filter((each) => each.name.includes('keeps its tag')))).length, 1);
});

test('a case that hangs is given up, and says so', async () => {
  const world = memoryWorld();
  const cases = streamCases(world, (stream) =>
    withSink(stream, (sink) => bound(sink, 'data', 'drain', 'close')),
  );
  const each = cases.find(({ name }) => name.includes('carries 1 MiB'));
  assert.ok(each !== undefined);
  const signal = new ManualSignal();
  const running = assert.rejects(each.run(signal), /gave the case up/);
  await setImmediate();
  signal.abort();
  await running;
});
