/** The portable provider before the conformance suite, over every transport, and what is its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { SocketOptions } from '../base/options.ts';
import { reader } from '../base/reader.ts';
import { datagramSuite } from '../testing/datagram-suite.ts';
import { listenerSuite } from '../testing/listener-suite.ts';
import { nodeHooks } from '../testing/node/hooks.ts';
import { lifetimeSuite } from '../testing/node/lifetime-suite.ts';
import { runSuite } from '../testing/node/run-suite.ts';
import { acceptOne, connectPair, pairMaker } from '../testing/pair-maker.ts';
import { providerSuite } from '../testing/provider-suite.ts';
import { streamSuite } from '../testing/stream-suite.ts';
import type { ProviderMaker, SuiteFiles } from '../testing/suite.ts';
import { portableProvider } from './portable-provider.ts';

const folder = mkdtempSync(join(tmpdir(), 'portable-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;
const files: SuiteFiles = {
  fresh: () => join(folder, `${String(++count)}.sock`),
  makeFile: (path) => {
    writeFileSync(path, '');
  },
  makeStaleSocket: (path) => {
    const code = 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
    const { status, stderr } = spawnSync('python3', ['-c', code, path], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  },
  exists: existsSync,
  mode: (path) => statSync(path).mode & 0o777,
};

const make: ProviderMaker = () => {
  const provider = portableProvider();
  return Promise.resolve({ provider, stop: () => provider.close() });
};
const { capabilities } = portableProvider();
const common = { ...nodeHooks(), files, resources: () => readdirSync('/proc/self/fd').length };
for (const transport of ['ipv4', 'ipv6', 'unix', 'unix-abstract'] as const) {
  const options = { ...common, transport };
  runSuite(streamSuite(pairMaker(make, transport, files), options), capabilities);
  runSuite(listenerSuite(make, options), capabilities);
  runSuite(providerSuite(make, options), capabilities);
}
for (const transport of ['ipv4', 'ipv6', 'unix', 'seqpacket'] as const)
  runSuite(datagramSuite(make, { ...common, transport }), capabilities);

const MAKER = `import { portableProvider } from ${JSON.stringify(new URL('portable-provider.js', import.meta.url).href)};
export const makeProvider = () => portableProvider();`;
runSuite(lifetimeSuite(new URL(`data:text/javascript,${encodeURIComponent(MAKER)}`)), capabilities);

/** What `node:net` cannot do, and says so before there is a socket. */
const UNSUPPORTED: readonly Partial<SocketOptions>[] = [
  { userTimeout: 1 },
  { receiveBufferSize: 4096 },
  { sendBufferSize: 4096 },
  { keepAlive: { interval: 1 } },
  { keepAlive: { idle: 1, count: 1 } },
];
for (const options of UNSUPPORTED) {
  test(`portableProvider refuses ${JSON.stringify(options)}`, async (t) => {
    const provider = portableProvider();
    t.after(() => provider.close());
    const listener = await provider.listen({});
    assert.ok(listener.local.family !== 'unix');
    const { host, port } = listener.local;
    const before = readdirSync('/proc/self/fd').length;
    await assert.rejects(provider.connect({ host, port, options }), { name: 'UnsupportedError' });
    await assert.rejects(provider.listen({ options }), { name: 'UnsupportedError' });
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
}

test('portableProvider refuses what node:dgram has not, and shared ports', async (t) => {
  const provider = portableProvider();
  t.after(() => provider.close());
  const refused = { name: 'UnsupportedError', op: 'bind' };
  await assert.rejects(provider.bind({ icmpErrors: true }), refused);
  await assert.rejects(provider.bind({ reusePort: true }), refused);
  await assert.rejects(provider.bind({ type: 'datagram' }), refused);
  await assert.rejects(provider.bind({ type: 'seqpacket', remotePath: '/nowhere' }), refused);
  await assert.rejects(provider.bind({ options: { trafficClass: 8 } }), { name: 'UnsupportedError' });
  await assert.rejects(provider.listenPackets({ path: '/nowhere' }), { name: 'UnsupportedError' });
  await assert.rejects(provider.listen({ reusePort: true }), { name: 'UnsupportedError', op: 'listen' });
  await assert.rejects(provider.listen({ path: Uint8Array.of(47, 255) }), { name: 'UnsupportedError' });
  await assert.rejects(provider.connect({ path: Uint8Array.of(47, 255) }), { name: 'UnsupportedError' });
});

test('get and set of a listener are refused, bad values first', async (t) => {
  const provider = portableProvider();
  t.after(() => provider.close());
  const listener = await provider.listen({});
  assert.throws(() => listener.get('noDelay'), { name: 'UnsupportedError' });
  assert.throws(
    () => {
      listener.set('noDelay', true);
    },
    { name: 'UnsupportedError' },
  );
  assert.throws(() => {
    listener.set('noDelay', 1 as never);
  }, TypeError);
});

test('a stream that breaks while paused gives the chunk that Node holds', async (t) => {
  const provider = portableProvider();
  t.after(() => provider.close());
  const { a, b } = await connectPair(provider, {});
  const chunks: number[] = [];
  const closed = new Promise<string | undefined>((resolve) => {
    b.start({
      data: (chunk) => {
        chunks.push(chunk.length);
        b.pause();
      },
      close: (error) => {
        resolve(error?.name);
      },
    });
  });
  const sent = (size: number): Promise<unknown> =>
    new Promise((resolve) => a.write(new Uint8Array(size), resolve));
  await sent(1);
  await new Promise((resolve) => setImmediate(resolve));
  await sent(2);
  // Another pair's round trip: by then Node has read the second chunk.
  const other = await connectPair(provider, {});
  const round = reader(other.b).read();
  other.a.start({ data: () => undefined, close: () => undefined });
  other.a.write(Uint8Array.of(1));
  await round;
  a.abort();
  await a.close();
  let error: unknown = null;
  while (error === null) error = await new Promise((resolve) => b.write(Uint8Array.of(1), resolve));
  assert.deepEqual(chunks, [1]);
  b.resume();
  await new Promise((resolve) => setImmediate(resolve));
  b.resume();
  assert.equal(await closed, 'BrokenError');
  assert.deepEqual(chunks, [1, 2]);
});

test('reader over two streams of one provider reads a megabyte through a small mark', async (t) => {
  const provider = portableProvider();
  t.after(() => provider.close());
  const listener = await provider.listen({});
  const accepted = acceptOne(listener);
  assert.ok(listener.local.family !== 'unix');
  const { host, port } = listener.local;
  const a = await provider.connect({ host, port });
  const pull = reader(await accepted, { highWaterMark: 5000 });
  a.write(Uint8Array.from({ length: 1 << 20 }, (_, i) => i % 251));
  a.closeWrite();
  let received = 0;
  for (let chunk = await pull.read(1234); chunk !== null; chunk = await pull.read(1234)) {
    assert.ok(chunk.length <= 1234 && pull.bufferedAmount <= 5000);
    for (const byte of chunk) assert.equal(byte, received++ % 251);
  }
  assert.equal(received, 1 << 20);
});
