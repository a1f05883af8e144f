/** The duplex over streams of every provider: what Node promises of a `Duplex`, and what we promise of a stream. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { finished, pipeline } from 'node:stream/promises';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip } from 'node:zlib';
import { reader } from '../base/reader.ts';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { connectPair } from '../testing/pair-maker.ts';
import { patternBytes } from '../testing/pattern.ts';
import { portableProvider } from './portable-provider.ts';
import type { StreamDuplexOptions } from './stream-duplex.ts';
import { StreamDuplex } from './stream-duplex.ts';

const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  memory: () => memoryProvider(),
  local: () => localProvider(),
  portable: () => portableProvider(),
};

interface Pair {
  readonly near: StreamDuplex;
  /** The peer of `near`, bare. */
  readonly far: Stream;
  readonly provider: SocketProvider;
}

/** Declares one test for each provider. At its end nothing is open. */
function each(name: string, body: (pair: Pair) => Promise<void>, options?: StreamDuplexOptions): void {
  for (const [kind, make] of Object.entries(PROVIDERS)) {
    test(`StreamDuplex ${name}, ${kind}`, async () => {
      const before = countDescriptors();
      const provider = make();
      const { a, b } = await connectPair(provider, {}, { isSmall: true });
      await body({ near: new StreamDuplex(a, options), far: b, provider });
      await provider.close();
      assert.equal(countDescriptors(), before);
    });
  }
}

/** All that a duplex gives, until it ends. */
async function allOf(duplex: StreamDuplex): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of duplex.iterator({ destroyOnReturn: false })) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** How often each of the events that come once at most has come. */
function counted(duplex: StreamDuplex): Record<string, number> {
  const counts: Record<string, number> = { end: 0, finish: 0, error: 0, close: 0 };
  for (const name of Object.keys(counts)) {
    duplex.on(name, () => {
      counts[name] = (counts[name] ?? 0) + 1;
    });
  }
  return counts;
}

/** Reads a stream to its end, and answers with the same. */
async function echo(stream: Stream): Promise<void> {
  const duplex = new StreamDuplex(stream);
  await pipeline(duplex, duplex);
}

async function closed(duplex: StreamDuplex): Promise<void> {
  if (!duplex.closed) await once(duplex, 'close');
}

/** How often a stream's sink hears what, from now on. */
function listen(stream: Stream): { bytes: number; ends: number; closed: Promise<string | undefined> } {
  const heard = { bytes: 0, ends: 0, closed: Promise.resolve<string | undefined>(undefined) };
  heard.closed = new Promise((resolve) => {
    stream.start({
      data: (chunk) => (heard.bytes += chunk.length),
      end: () => (heard.ends += 1),
      close: (error) => {
        resolve(error?.name);
      },
    });
  });
  return heard;
}

const MEGABYTE = Buffer.from(patternBytes(1 << 20));
const BIG_FILE = fileURLToPath(import.meta.resolve('typescript'));

each('carries a megabyte there and back', async ({ near, far }) => {
  const counts = counted(near);
  const echoed = echo(far);
  near.end(MEGABYTE);
  assert.ok((await allOf(near)).equals(MEGABYTE));
  await Promise.all([closed(near), echoed]);
  assert.deepEqual(counts, { end: 1, finish: 1, error: 0, close: 1 });
});

each('carries many small writes in order', async ({ near, far }) => {
  const echoed = echo(far);
  near.cork();
  for (let i = 0; i < 2000; i++) near.write(MEGABYTE.subarray(i * 100, i * 100 + 100));
  near.uncork();
  near.end();
  assert.ok((await allOf(near)).equals(MEGABYTE.subarray(0, 200_000)));
  await Promise.all([closed(near), echoed]);
});

each('answers a write only when the peer has made room for it', async ({ near, far }) => {
  let answered = 0;
  let hasRoom = true;
  for (let i = 0; i < 64; i++) hasRoom = near.write(MEGABYTE, () => (answered += 1));
  assert.equal(hasRoom, false);
  assert.equal(answered, 0);
  const heard = listen(far);
  near.end();
  await finished(near, { readable: false });
  assert.equal(answered, 64);
  far.closeWrite();
  near.resume();
  assert.equal(await heard.closed, undefined);
  assert.equal(heard.bytes, 64 * MEGABYTE.length);
  await closed(near);
});

/** Most bytes that a stream reads at once. */
const CHUNK = 256 * 1024;

each('reads no more than is taken from it', async ({ near, far }) => {
  for (let i = 0; i < 16; i++) far.write(MEGABYTE);
  far.closeWrite();
  await once(near, 'readable');
  // A second look, after as many turns as it takes the peer to fill what can be filled.
  for (let amount = -1; amount !== far.bufferedAmount;) {
    amount = far.bufferedAmount;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(near.readableLength <= near.readableHighWaterMark + CHUNK);
  assert.ok(far.bufferedAmount > 0);
  let size = 0;
  for await (const part of near.iterator({ destroyOnReturn: false })) size += (part as Buffer).length;
  assert.equal(size, 16 * MEGABYTE.length);
  near.end();
  await closed(near);
});

each('ends each half alone', async ({ near, far }) => {
  const pull = reader(far);
  near.end('first');
  assert.equal(Buffer.from((await pull.read()) ?? []).toString(), 'first');
  assert.equal(await pull.read(), null);
  far.write(Buffer.from('second'));
  far.closeWrite();
  assert.equal((await allOf(near)).toString(), 'second');
  await closed(near);
  assert.equal(near.errored, null);
});

each('goes on writing after the peer has ended', async ({ near, far }) => {
  far.closeWrite();
  near.resume();
  await once(near, 'end');
  assert.equal(near.writable, true);
  const pull = reader(far);
  near.end('late');
  assert.equal(Buffer.from((await pull.read()) ?? []).toString(), 'late');
  assert.equal(await pull.read(), null);
  await closed(near);
});

each(
  'ends its own half with the peer where it must not stay half open',
  async ({ near, far }) => {
    const pull = reader(far);
    far.closeWrite();
    near.resume();
    assert.equal(await pull.read(), null);
    await closed(near);
    assert.equal(near.errored, null);
  },
  { allowHalfOpen: false },
);

each('tells a reset behind the bytes that came before it', async ({ near, far }) => {
  const counts = counted(near);
  await new Promise((resolve) => far.write(patternBytes(1000), resolve));
  await once(near, 'readable');
  far.abort();
  // The stream is broken now, and the duplex is read only then.
  let failed = false;
  while (!failed) {
    const error = await new Promise((resolve) => near.stream.write(Uint8Array.of(1), resolve)).catch(() => 1);
    failed = error !== null;
  }
  const parts: Buffer[] = [];
  near.on('data', (part: Buffer) => parts.push(part));
  const [error] = (await once(near, 'error')) as [Error];
  assert.equal(error.name, 'BrokenError');
  assert.equal(Buffer.concat(parts).length, 1000);
  await closed(near);
  assert.deepEqual(counts, { end: 0, finish: 0, error: 1, close: 1 });
});

each('aborts the stream when destroyed', async ({ near, far }) => {
  const heard = listen(far);
  near.write(MEGABYTE, () => undefined);
  near.destroy();
  assert.equal(await heard.closed, 'BrokenError');
  await closed(near);
  assert.throws(() => near.stream.write(MEGABYTE), { name: 'ClosedError' });
});

each('destroyed after its end still delivers what it sent', async ({ near, far }) => {
  near.end(MEGABYTE.subarray(0, 100_000));
  const heard = listen(far);
  await finished(near, { readable: false });
  near.destroy();
  far.closeWrite();
  assert.equal(await heard.closed, undefined);
  assert.deepEqual([heard.bytes, heard.ends], [100_000, 1]);
  await closed(near);
});

each('destroyed with an error tells that error alone', async ({ near, far }) => {
  const counts = counted(near);
  const reason = new Error('mine');
  far.write(patternBytes(10));
  near.once('data', () => near.destroy(reason));
  const [error] = (await once(near, 'error')) as [Error];
  assert.equal(error, reason);
  await closed(near);
  assert.deepEqual(counts, { end: 0, finish: 0, error: 1, close: 1 });
  assert.equal(await listen(far).closed, 'BrokenError');
});

for (const event of ['data', 'end', 'finish', 'drain'] as const) {
  each(`destroyed inside ${event} says nothing more but close`, async ({ near, far }) => {
    const told: string[] = [];
    void echo(far).catch(() => undefined);
    near.on(event, () => {
      told.length = 0;
      near.destroy();
    });
    for (const name of ['data', 'end', 'finish', 'error', 'close']) near.on(name, () => told.push(name));
    near.resume();
    near.write(MEGABYTE.subarray(0, 300_000));
    // A stream that is to end has no need of a drain.
    if (event !== 'drain') near.end();
    await closed(near);
    assert.deepEqual(
      told.filter((name) => name !== event),
      ['close'],
    );
  });
}

each('is told of the end of its provider', async ({ near, provider }) => {
  const error = once(near, 'error');
  await provider.close();
  assert.equal(((await error)[0] as Error).name, 'ClosedError');
  await closed(near);
});

each('carries a file through gzip by pipeline', async ({ near, far }) => {
  const counts = counted(near);
  const echoed = echo(far);
  const parts: Buffer[] = [];
  await Promise.all([
    pipeline(createReadStream(BIG_FILE), createGzip({ level: 1 }), near),
    pipeline(near, createGunzip(), async (source: AsyncIterable<Buffer>) => {
      for await (const part of source) parts.push(part);
    }),
  ]);
  assert.ok(Buffer.concat(parts).equals(readFileSync(BIG_FILE)));
  await Promise.all([closed(near), echoed]);
  assert.deepEqual(counts, { end: 1, finish: 1, error: 0, close: 1 });
});

each('tells a write that its connection is gone', async ({ near, far }) => {
  far.abort();
  near.on('error', () => undefined);
  const write = (): Promise<Error | null | undefined> =>
    new Promise((resolve) => near.write(patternBytes(10), resolve));
  let error = await write();
  while (error === null || error === undefined) error = await write();
  assert.match(error.name, /BrokenError|Error/);
  await closed(near);
});

test('StreamDuplex refuses a stream that is closed', async (t) => {
  const provider = memoryProvider();
  t.after(() => provider.close());
  const { a } = await connectPair(provider, {});
  await a.close();
  assert.throws(() => new StreamDuplex(a), { name: 'ClosedError' });
});

test('StreamDuplex tells the addresses of its stream', async (t) => {
  const provider = memoryProvider();
  t.after(() => provider.close());
  const { a, b } = await connectPair(provider, {});
  const [near, far] = [new StreamDuplex(a), new StreamDuplex(b)];
  assert.equal(near.remoteAddress, '127.0.0.1');
  assert.equal(near.remotePort, far.localPort);
  assert.equal(near.localAddress, far.remoteAddress);
  assert.equal(near.ref(), near);
  assert.equal(near.unref(), near);
  near.destroy();
  far.destroy();
});
