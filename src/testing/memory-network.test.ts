import assert from 'node:assert/strict';
import test from 'node:test';
import { ConnectError } from '../base/errors.ts';
import type { Listener, Stream } from '../base/provider.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryNetwork } from './memory-network.ts';
import { memoryProvider, type MemoryProvider, type MemoryProviderOptions } from './memory-provider.ts';
import type { ScenarioRow } from './memory-scenario.ts';

const EXAMPLE = { 'example.test': ['2001:db8::1', '192.0.2.1'] };
const INTERFACES = [
  { name: 'eth0', address: { family: 'ipv4', host: '192.0.2.1' }, prefixLength: 24, internal: false },
  { name: 'eth0', address: { family: 'ipv6', host: '2001:db8::1' }, prefixLength: 64, internal: false },
] as const;

function world(options: MemoryProviderOptions): { clock: ManualClock; provider: MemoryProvider } {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, hosts: EXAMPLE, interfaces: INTERFACES, ...options });
  return { clock, provider: memoryProvider({ network }) };
}

/** Listens on port 80 of an address, and accepts for ever. */
async function serve(provider: MemoryProvider, host: string): Promise<Listener> {
  const listener = await provider.listen({ host, port: 80 });
  listener.start({
    accept: (stream) => {
      stream.abort();
    },
    close: () => undefined,
  });
  return listener;
}

/** What became of a connect to example.test, and when. */
async function race(scenario: readonly ScenarioRow[], listens: readonly string[]): Promise<string> {
  const { clock, provider } = world({ scenario });
  for (const host of listens) await serve(provider, host);
  const open = provider.network.openCount;
  let outcome = '';
  const note = (text: string): void => {
    outcome = `${text} after ${String(clock.now())} ms`;
  };
  provider.connect({ host: 'example.test', port: 80, timeout: 2000 }).then(
    (stream: Stream) => {
      note(stream.remote.family);
      stream.abort();
    },
    (error: unknown) => {
      assert.ok(error instanceof ConnectError);
      note(error.errors.map(({ code }) => code).join(' '));
    },
  );
  await provider.idle();
  while (outcome === '' && clock.next !== null) {
    clock.advance(clock.next - clock.now());
    await provider.idle();
  }
  await provider.idle();
  assert.equal(provider.network.openCount, open, 'attempts left open');
  assert.equal(clock.pending, 0, 'timers left');
  await provider.close();
  assert.equal(provider.network.openCount, 0);
  return outcome;
}

const [V6, V4] = ['2001:db8::1', '192.0.2.1'];
const RACES: readonly (readonly [string, readonly ScenarioRow[], readonly string[], string])[] = [
  ['takes the first address when it answers', [], [V6, V4], 'ipv6 after 0 ms'],
  [
    'takes the second at once when the first refuses',
    [{ address: V6, outcome: 'refused' }],
    [V4],
    'ipv4 after 0 ms',
  ],
  [
    'tries the second after 250 ms of silence',
    [{ address: V6, outcome: 'blackhole' }],
    [V4],
    'ipv4 after 250 ms',
  ],
  [
    'keeps a slow first in the race',
    [
      { address: V6, delay: 300 },
      { address: V4, delay: 300 },
    ],
    [V6, V4],
    'ipv6 after 300 ms',
  ],
  [
    'tells the error of each',
    [
      { address: V6, outcome: 'unreachable' },
      { address: V4, outcome: 'denied', delay: 40 },
    ],
    [],
    'EHOSTUNREACH EACCES after 40 ms',
  ],
  [
    'times out',
    [
      { address: V6, outcome: 'blackhole' },
      { address: V4, outcome: 'reset', delay: 20 },
    ],
    [],
    'ETIMEDOUT ECONNRESET after 2000 ms',
  ],
  ['is refused where nobody listens', [], [], 'ECONNREFUSED ECONNREFUSED after 0 ms'],
];
for (const [name, scenario, listens, expected] of RACES) {
  test(`connect in a scenario ${name}`, async () => {
    assert.equal(await race(scenario, listens), expected);
  });
}

test('two providers of one network reach each other, and each closes only its own', async () => {
  const network = new MemoryNetwork();
  const [one, two] = [memoryProvider({ network }), memoryProvider({ network })];
  const listener = await one.listen({});
  assert.ok(listener.local.family === 'ipv4');
  const accepted = new Promise<Stream>((resolve) => {
    listener.start({ accept: resolve, close: () => undefined });
  });
  await two.connect({ host: '127.0.0.1', port: listener.local.port });
  const stream = await accepted;
  assert.deepEqual([[...one.sockets()].length, [...two.sockets()].length], [2, 1]);
  await two.close();
  assert.deepEqual([[...one.sockets()].length, [...two.sockets()].length], [2, 0]);
  const log: string[] = [];
  stream.start({ data: () => log.push('data'), close: (error) => log.push(String(error?.name)) });
  await one.idle();
  assert.deepEqual(log, ['BrokenError']);
  await one.close();
});

test('connect to an address of nobody is unreachable', async () => {
  const provider = memoryProvider();
  await assert.rejects(provider.connect({ host: '198.51.100.7', port: 1 }), /EHOSTUNREACH/);
});

test('faults fail the call they are planted for, after and as often as asked', async () => {
  const provider = memoryProvider();
  provider.faults.fail('resolve', 'EAI_AGAIN');
  await assert.rejects(provider.resolve('localhost'), { code: 'EAI_AGAIN' });
  assert.equal((await provider.resolve('localhost')).length, 2);
  provider.faults.fail('listen', 'EMFILE', { after: 1, times: 2 });
  await provider.listen({});
  for (let i = 0; i < 2; i++) await assert.rejects(provider.listen({}), { code: 'EMFILE' });
  await provider.listen({});
  provider.faults.fail('connect', 'ENETUNREACH');
  await assert.rejects(provider.connect({ host: '127.0.0.1', port: 1 }), /ENETUNREACH/);
  assert.equal(provider.faults.met, 4);
  await provider.close();
  assert.equal(provider.network.openCount, 0);
});

async function pair(provider: MemoryProvider): Promise<{ a: Stream; b: Stream }> {
  const listener = await provider.listen({});
  assert.ok(listener.local.family === 'ipv4');
  const accepted = new Promise<Stream>((resolve) => {
    listener.start({ accept: resolve, close: () => undefined });
  });
  const a = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
  const b = await accepted;
  await listener.close();
  return { a, b };
}

for (const call of ['read', 'write'] as const) {
  test(`a ${call} that fails breaks the stream, and tells it once`, async () => {
    const provider = memoryProvider();
    const { a } = await pair(provider);
    const log: string[] = [];
    a.start({ data: () => log.push('data'), close: (error) => log.push(`close ${String(error?.name)}`) });
    await provider.idle();
    provider.faults.fail(call, 'EIO');
    a.write(Uint8Array.of(1), (error) => log.push(`done ${String(error?.name ?? null)}`));
    a.pause();
    a.resume();
    await provider.idle();
    assert.equal(log.at(-1), 'close BrokenError');
    assert.equal(log.filter((line) => line.startsWith('close')).length, 1);
    assert.equal(log.filter((line) => line.startsWith('done')).length, 1);
    await provider.close();
    assert.equal(provider.network.openCount, 0);
  });
}

test('accept that meets ECONNABORTED goes on with the next connection', async () => {
  const provider = memoryProvider();
  const listener = await provider.listen({});
  assert.ok(listener.local.family === 'ipv4');
  const where = { host: '127.0.0.1', port: listener.local.port };
  const clients = [await provider.connect(where), await provider.connect(where)];
  provider.faults.fail('accept', 'ECONNABORTED');
  const log: string[] = [];
  listener.start({
    accept: () => log.push('accept'),
    error: (error) => log.push(error.code),
    close: () => log.push('close'),
  });
  await provider.idle();
  assert.deepEqual(log, ['accept']);
  assert.equal(clients.length, 2);
  await provider.close();
});

test('a pair holds no more than both buffers while nobody reads', async () => {
  const provider = memoryProvider();
  const { a } = await pair(provider);
  a.set('sendBufferSize', 1000);
  a.write(new Uint8Array(200_000));
  await provider.idle();
  assert.equal(a.bytesWritten, 1000 + 64 * 1024);
  assert.equal(a.bufferedAmount, 200_000 - a.bytesWritten);
  await provider.close();
});
