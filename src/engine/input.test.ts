/** What programs hand to the native engine: buffers that change, paths of any bytes, options that bite (F38-F50). */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestContext } from 'node:test';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

import type { ConnectOptions, ListenOptions } from '../base/provider.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { connected, portOf, record, recordListener } from '../testing/node/pairs.ts';
import { node, python } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { asciiBytes, patternBytes } from '../testing/pattern.ts';
import type { LocalProvider } from './local-provider.ts';
import { localProvider } from './local-provider.ts';

function makeProvider(t: TestContext): LocalProvider {
  const provider = localProvider({ withFaults: true });
  t.after(() => provider.close());
  return provider;
}

interface Resizable {
  resize(length: number): void;
}
interface Growable {
  grow(length: number): void;
}
type Maker<B> = new (length: number, options: { maxByteLength: number }) => B;
const ResizableBuffer = ArrayBuffer as unknown as Maker<ArrayBuffer & Resizable>;
const GrowableBuffer = SharedArrayBuffer as unknown as Maker<SharedArrayBuffer & Growable>;

/** What becomes of a buffer right after `write` has returned: name, buffer of `length`, what is done to it. */
const AFTER_WRITE: readonly (readonly [
  string,
  (length: number) => ArrayBufferLike,
  (buffer: never) => void,
])[] = [
  [
    'overwritten',
    (length) => new ArrayBuffer(length),
    (buffer: ArrayBuffer) => {
      new Uint8Array(buffer).fill(255);
    },
  ],
  [
    'transferred (F44)',
    (length) => new ArrayBuffer(length),
    (buffer: ArrayBuffer) => {
      new Uint8Array(structuredClone(buffer, { transfer: [buffer] })).fill(255);
    },
  ],
  [
    'shrunk to nothing (F45)',
    (length) => new ResizableBuffer(length, { maxByteLength: length }),
    (buffer: Resizable) => {
      buffer.resize(0);
    },
  ],
  [
    'overwritten and shared (F46)',
    (length) => new SharedArrayBuffer(length),
    (buffer: SharedArrayBuffer) => {
      new Uint8Array(buffer).fill(255);
    },
  ],
  [
    'shared and grown (F46)',
    (length) => new GrowableBuffer(length, { maxByteLength: 2 * length }),
    (buffer: SharedArrayBuffer & Growable) => {
      buffer.grow(2 * buffer.byteLength);
      new Uint8Array(buffer).fill(255);
    },
  ],
];

for (const [what, make, change] of AFTER_WRITE) {
  test(`write has taken the bytes of a buffer that is then ${what}`, async (t) => {
    const provider = makeProvider(t);
    const { client, server } = await connected(t, provider);
    const recorder = record(t, server);
    let sent = 0;
    // Small ones are gathered, large ones sent at once, and the largest are kept because the kernel takes no more.
    for (const size of [1, 100, 3000, 70_000, 8_000_000, 10]) {
      const buffer = make(size);
      const bytes = new Uint8Array(buffer);
      bytes.set(patternBytes(size, sent));
      client.write(bytes);
      change(buffer as never);
      sent += size;
    }
    await recorder.untilBytes(sent);
    recorder.checkPattern(sent);
    assert.equal(client.bytesWritten, sent);
  });
}

test('shared memory that another thread writes to all the while is sent whole (F46)', async (t) => {
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { workerData: [bytes, stop], parentPort } = require('worker_threads');
     parentPort.postMessage('on');
     for (let i = 0; Atomics.load(stop, 0) === 0; i++) bytes.fill(i & 1 ? 65 : 66);`,
    { eval: true, workerData: [shared, stop] },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  const recorder = record(t, server);
  for (let i = 0; i < 100; i++) client.write(shared);
  await recorder.untilBytes(10_000_000);
  Atomics.store(stop, 0, 1);
  await worker.terminate();
  for (const chunk of recorder.chunks)
    assert.ok(chunk.every((byte) => byte === 65 || byte === 66 || byte === 0));
  assert.equal(recorder.received, 10_000_000);
  assert.equal(client.bytesWritten, 10_000_000);
});

function lost(): Uint8Array {
  const buffer = new ResizableBuffer(64, { maxByteLength: 64 });
  const view = new Uint8Array(buffer, 32, 16);
  buffer.resize(8);
  return view;
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

/** What is no bytes to write. */
const NO_BYTES: readonly (readonly [string, unknown])[] = [
  ['a detached view (F43)', detached()],
  ['a view past the end of its buffer (F45)', lost()],
  ['a DataView (F47)', new DataView(new ArrayBuffer(8))],
  ['an ArrayBuffer (F47)', new ArrayBuffer(8)],
  ['a SharedArrayBuffer (F47)', new SharedArrayBuffer(8)],
  ['a Uint8ClampedArray (F47)', new Uint8ClampedArray(8)],
  ['a Uint32Array (F47)', new Uint32Array(8)],
  ['an array of numbers', [1, 2, 3]],
  ['a string', 'text'],
  ['nothing', undefined],
  ['null', null],
  ['a proxy of bytes (F48)', new Proxy(new Uint8Array(8), {})],
  ['an heir of Uint8Array.prototype (F50)', Object.create(Uint8Array.prototype)],
  ['an object with a length (F42)', { length: 8, 0: 1 }],
];

for (const [what, value] of NO_BYTES) {
  test(`write refuses ${what} with a TypeError, and takes nothing`, async (t) => {
    const provider = makeProvider(t);
    const { client, server } = await connected(t, provider);
    const never = (): never => assert.fail('done was called');
    assert.throws(() => client.write(value as Uint8Array, never), TypeError);
    assert.deepEqual([client.bytesWritten, client.bufferedAmount], [0, 0]);
    const recorder = record(t, server);
    client.write(asciiBytes('ok'));
    await recorder.untilBytes(2);
    assert.equal(recorder.text(), 'ok');
  });
}

/** Bytes whose `length` is not what they say. */
const LIARS: readonly (readonly [string, () => Uint8Array])[] = [
  ['shorter', () => Object.defineProperty(patternBytes(1000), 'length', { value: 10 })],
  ['longer', () => Object.defineProperty(patternBytes(1000), 'length', { value: 2 ** 40 })],
  ['not a number', () => Object.defineProperty(patternBytes(1000), 'length', { value: 'many' })],
];

for (const [what, make] of LIARS) {
  test(`write counts the bytes that are there, though their length says ${what} (F42)`, async (t) => {
    const provider = makeProvider(t);
    const { client, server } = await connected(t, provider);
    const recorder = record(t, server);
    const done = new Promise((resolve) => client.write(make(), resolve));
    await recorder.untilBytes(1000);
    recorder.checkPattern(1000);
    assert.equal(await done, null);
    assert.equal(client.bytesWritten, 1000);
  });
}

test('bytes of another realm can be written (F47)', async (t) => {
  const { runInNewContext } = await import('node:vm');
  const provider = makeProvider(t);
  const { client, server } = await connected(t, provider);
  const recorder = record(t, server);
  client.write(runInNewContext('Uint8Array.of(111, 107)') as Uint8Array);
  await recorder.untilBytes(2);
  assert.equal(recorder.text(), 'ok');
});

test('a view that its receiver transfers away hurts nobody', { timeout: 5000 }, async (t) => {
  const provider = makeProvider(t);
  const { client, server, listener } = await connected(t, provider);
  let taken = 0;
  const recorder = record(
    t,
    server,
    {
      data: (chunk) => {
        const { buffer } = chunk;
        try {
          // What a program does that means to pass the chunk on to a worker.
          if (taken++ === 0) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
        } catch {
          // That it is refused is as good.
        }
      },
    },
    { chunks: 'view' },
  );
  client.write(asciiBytes('one'));
  await recorder.untilBytes(1);
  const accepted = recordListener(t, listener);
  const other = await provider.connect({ host: '127.0.0.1', port: portOf(listener) });
  const second = await accepted.stream();
  const atSecond = record(t, second);
  for (let i = 0; i < 10; i++) {
    other.write(patternBytes(100_000, 100_000 * i));
    await atSecond.untilBytes(100_000 * (i + 1));
  }
  atSecond.checkPattern(1_000_000);
  const before = taken;
  client.write(asciiBytes('two'));
  await recorder.until(() => taken > before, 'a chunk after the first');
  assert.equal(recorder.text().slice(-3), 'two');
});

/** Paths that no socket can have, and the words of the error. */
const BAD_PATHS: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ['with a NUL inside (F38)', '/tmp/portside-a\0b', /path/],
  ['with a NUL at its end (F38)', '/tmp/portside-a\0', /path/],
  ['of bytes with a NUL inside (F38)', asciiBytes('/tmp/portside-a\0b'), /path/],
  ['too long (F39)', `/tmp/${'x'.repeat(103)}`, /107|ENAMETOOLONG/],
  ['far too long (F39)', `/tmp/${'x'.repeat(100_000)}`, /107|ENAMETOOLONG/],
  ['too long in UTF-8 only (F39)', `/tmp/${'\u20ac'.repeat(40)}`, /107|ENAMETOOLONG/],
  ['empty', '', /path|EINVAL/],
];

for (const [what, path, words] of BAD_PATHS) {
  test(`listen and connect refuse a path ${what}, and make nothing`, async (t) => {
    const provider = makeProvider(t);
    const before = countDescriptors();
    await assert.rejects(provider.listen({ path }), words);
    await assert.rejects(provider.connect({ path }), words);
    assert.equal(existsSync('/tmp/portside-a'), false);
    assert.equal(countDescriptors(), before);
  });
}

test('a path of any bytes is kept byte for byte (F38)', async (t) => {
  const provider = makeProvider(t);
  const base = tempPath('x');
  const path = Buffer.concat([Buffer.from(base), Buffer.from([0xff, 0xfe, 0x80, 0x2e, 0xc3])]);
  const given = Uint8Array.from(path);
  const listening = provider.listen({ path: given });
  // What was given is the caller's again.
  given.fill(0);
  const listener = await listening;
  assert.deepEqual(listener.local, { family: 'unix', path: Uint8Array.from(path) });
  const names = readdirSync(dirname(base), { encoding: 'buffer' });
  assert.ok(names.some((name) => path.subarray(-name.length).equals(name)));
  const peer = python(
    t,
    `s = socket.socket(socket.AF_UNIX); s.bind(bytes.fromhex(sys.argv[2])); s.connect(bytes.fromhex(sys.argv[1]))
say('in'); wait()`,
    path.toString('hex'),
    Buffer.concat([path, Buffer.from([0xfd])]).toString('hex'),
  );
  const stream = await recordListener(t, listener).stream();
  await peer.line();
  assert.deepEqual(stream.remote, {
    family: 'unix',
    path: Uint8Array.from([...path, 0xfd]),
  });
  await listener.close();
  assert.ok(
    !readdirSync(dirname(base), { encoding: 'buffer' }).some((name) =>
      path.subarray(-name.length).equals(name),
    ),
  );
});

/** Ports that are none: never are they taken for a path (F40, F41). */
const BAD_PORTS: readonly unknown[] = [
  '80',
  '80x',
  '/tmp/portside-a',
  80n,
  -1,
  65536,
  1.5,
  NaN,
  Infinity,
  2 ** 32 + 80,
  null,
  true,
  [80],
  { valueOf: () => 80 },
  Symbol('80'),
];

test('no port is anything but a whole number (F40, F41)', async (t) => {
  const provider = makeProvider(t);
  const before = countDescriptors();
  for (const port of BAD_PORTS) {
    for (const work of [
      () => provider.connect({ host: '127.0.0.1', port } as ConnectOptions),
      () => provider.listen({ port } as ListenOptions),
      () => provider.connect({ host: '127.0.0.1', port: 80, localPort: port } as ConnectOptions),
    ]) {
      await assert.rejects(work, (error) => {
        assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
        return /^(localP|p)ort/.test(error.message);
      });
    }
  }
  assert.equal(countDescriptors(), before);
});

/** Options whose every property counts how often it is read. */
function counting(options: object): { options: never; reads: Map<string, number> } {
  const reads = new Map<string, number>();
  const proxy = new Proxy(options, {
    get: (target, name) => {
      reads.set(String(name), (reads.get(String(name)) ?? 0) + 1);
      return Reflect.get(target, name) as unknown;
    },
  });
  return { options: proxy as never, reads };
}

test('each option is read once, before anything is done (F48)', async (t) => {
  const provider = makeProvider(t);
  const listen = counting({ host: '127.0.0.1', port: 0, backlog: 5, options: { noDelay: true } });
  const listener = await provider.listen(listen.options);
  const connect = counting({ host: '127.0.0.1', port: portOf(listener), timeout: 10_000 });
  const stream = await provider.connect(connect.options);
  const unix = counting({ path: tempPath(), mode: 0o600, stale: 'replace' });
  await provider.listen(unix.options);
  const start = counting({ readSize: 10, chunks: 'owned' });
  stream.start({ data: () => undefined, close: () => undefined }, start.options);
  for (const { reads } of [listen, connect, unix, start]) {
    for (const [name, times] of reads) assert.ok(times === 1, `${name} was read ${String(times)} times`);
  }
});

const NAMES = [
  'host',
  'port',
  'path',
  'signal',
  'timeout',
  'options',
  'backlog',
  'highWaterMark',
  'mode',
  'stale',
];

for (const name of NAMES) {
  test(`an option ${name} that throws is a rejection, and leaves nothing (F48)`, async (t) => {
    const provider = makeProvider(t);
    const before = countDescriptors();
    const mine = new Error('mine');
    const options = Object.defineProperty(
      ['mode', 'stale'].includes(name) ? { path: tempPath() } : { host: '127.0.0.1', port: 1 },
      name,
      {
        get: () => {
          throw mine;
        },
      },
    );
    await assert.rejects(provider.listen(options), mine);
    if (!['mode', 'stale', 'backlog'].includes(name)) await assert.rejects(provider.connect(options), mine);
    assert.equal(countDescriptors(), before);
    assert.deepEqual([...provider.sockets()], []);
  });
}

test('options that close the provider while they are read make nothing (F48)', async (t) => {
  const before = countDescriptors();
  const provider = makeProvider(t);
  const options = {
    host: '127.0.0.1',
    get port(): number {
      void provider.close();
      return 0;
    },
  };
  await assert.rejects(provider.listen(options), { code: 'ERR_SOCKET_CLOSED' });
  const other = makeProvider(t);
  await assert.rejects(
    other.connect({
      host: '127.0.0.1',
      get port(): number {
        void other.close();
        return 9;
      },
    }),
    { code: 'ERR_SOCKET_CLOSED' },
  );
  assert.equal(countDescriptors(), before);
});

test('a Unix listener refuses options that only TCP has', async (t) => {
  const provider = makeProvider(t);
  await assert.rejects(provider.listen({ path: tempPath(), options: { noDelay: true } }), {
    code: 'ERR_UNSUPPORTED',
  });
});

test('methods taken off their objects throw a TypeError, and the process lives (F50)', async (t) => {
  const provider = makeProvider(t);
  const { client, listener } = await connected(t, provider);
  for (const object of [client, listener]) {
    const methods = ['start', 'pause', 'resume', 'write', 'closeWrite', 'close', 'abort', 'ref', 'unref'];
    for (const name of methods) {
      const method: unknown = Reflect.get(object, name);
      if (typeof method !== 'function') continue;
      for (const receiver of [undefined, {}, Object.create(object), new Proxy(object, {})])
        assert.throws(() => Reflect.apply(method, receiver, [new Uint8Array(1)]) as unknown, TypeError, name);
    }
  }
});

test(
  'a view that is transferred away and collected is not written to any more',
  { timeout: 10_000 },
  async (t) => {
    const peer = node(
      t,
      `
    const provider = localProvider();
    const listener = await provider.listen({});
    let good = 0;
    const take = (chunk) => { try { structuredClone(chunk.buffer, { transfer: [chunk.buffer] }); } catch {} gc(); };
    let round = 0;
    listener.start({ accept: (stream) => stream.start({ data: take, close() {} }, { chunks: 'view' }), close() {} });
    for (let i = 0; i < 20; i++) {
      const stream = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
      await new Promise((resolve) => stream.write(new Uint8Array(1000), resolve));
      stream.close();
      // Memory that the slab may have given back.
      const fresh = new Uint8Array(4 * 1024 * 1024);
      await new Promise((resolve) => setImmediate(resolve));
      if (fresh.every((byte) => byte === 0)) good++;
    }
    say(good);
    await provider.close();`,
      { flags: ['--expose-gc'] },
    );
    assert.equal(await peer.json(), 20);
    assert.equal((await peer.ended).status, 0);
  },
);
