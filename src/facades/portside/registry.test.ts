import assert from 'node:assert/strict';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { assertNoOpenSockets } from '../../doors/open-sockets.ts';
import { leakReport, recordStacks } from '../../doors/portside.ts';
import { pair, world } from './test-kit.ts';

test('sockets lists what is open, with its age and its counters', async (t) => {
  const { front, clock, provider } = world(t);
  const { server, client, peer } = await pair(front);
  await client.write('four');
  await peer.read();
  clock.advance(250);
  const rows = front.sockets();
  assert.deepEqual(rows.map(({ kind, age }) => [kind, age]).sort(), [
    ['listener', 250],
    ['stream', 250],
    ['stream', 250],
  ]);
  assert.equal(rows.find(({ id }) => id === client.id)?.bytesWritten, 4);
  assert.equal(rows.find(({ id }) => id === peer.id)?.bytesRead, 4);
  const other = await provider.listen({});
  assert.equal(front.sockets().find(({ id }) => id === other.id)?.age, undefined);
  await Promise.all([client.close(), peer.close(), server.close(), other.close()]);
  assert.deepEqual(front.sockets(), []);
});

test('sockets says where each was opened, if stacks are recorded', async (t) => {
  const { front } = world(t);
  recordStacks();
  t.after(() => {
    recordStacks(false);
  });
  const { server, client, peer } = await pair(front);
  for (const row of front.sockets()) {
    assert.match(row.openedAt ?? '', /^at .*registry\.test\./);
    assert.doesNotMatch(row.openedAt ?? '', /create-portside|registry\.(js|ts)/);
  }
  recordStacks(false);
  const silent = await front.listen();
  assert.equal(front.sockets().find(({ id }) => id === silent.id)?.openedAt, undefined);
  await Promise.all([client.close(), peer.close(), server.close(), silent.close()]);
});

test('leakReport has a line for each socket, and is empty if nothing is open', async (t) => {
  const { front } = world(t);
  assert.equal(leakReport(front), '');
  const { server, client, peer } = await pair(front);
  const lines = leakReport(front).split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /^#1 tcp listener 127\.0\.0\.1:\d+ \(open, 0 bytes in, 0 out, 0 ms old\)$/);
  assert.match(lines.join('\n'), /tcp stream 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+ \(open/);
  await Promise.all([client.close(), peer.close(), server.close()]);
});

/** Hears one channel for a test. */
function hear(t: { after: (f: () => void) => void }, name: string): Record<string, unknown>[] {
  const messages: Record<string, unknown>[] = [];
  const listener = (message: unknown): void => {
    messages.push({ ...(message as object) });
  };
  subscribe(name, listener);
  t.after(() => {
    unsubscribe(name, listener);
  });
  return messages;
}

test('diagnostics tell of each socket that is opened, and once of its end', async (t) => {
  const { front } = world(t);
  const opened = hear(t, 'portside:socket:open');
  const closed = hear(t, 'portside:socket:close');
  const { server, client, peer } = await pair(front);
  assert.deepEqual(opened.map(({ kind }) => kind).sort(), ['listener', 'stream', 'stream']);
  assert.deepEqual(
    opened.find(({ id }) => id === client.id),
    { id: client.id, kind: 'stream', transport: 'tcp', local: client.local, remote: client.remote },
  );
  await client.write('xyz');
  await peer.read();
  peer.abort();
  await assert.rejects(client.read());
  await Promise.all([client.close(), peer.close(), server.close()]);
  assert.equal(closed.length, 3);
  const end = closed.find(({ id }) => id === client.id);
  assert.deepEqual([end?.['bytesWritten'], (end?.['error'] as Error).name], [3, 'BrokenError']);
  assert.equal(closed.find(({ id }) => id === peer.id)?.['error'], null);
});

test('diagnostics trace calls, with what they come to', async (t) => {
  const { front } = world(t);
  const names = ['start', 'asyncEnd', 'error'] as const;
  const heard = Object.fromEntries(names.map((name) => [name, hear(t, `tracing:portside:connect:${name}`)]));
  const { server, client, peer } = await pair(front, { on: 'unix:/traced' });
  await assert.rejects(front.connect({ to: '[::1]:1' }));
  assert.deepEqual(
    heard['start']?.map(({ to }) => to),
    ['unix:/traced', '[::1]:1'],
  );
  assert.equal(heard['asyncEnd']?.[0]?.['result'], client);
  assert.equal((heard['error']?.[0]?.['error'] as Error).name, 'ConnectError');
  await Promise.all([client.close(), peer.close(), server.close()]);
});

test('diagnostics can be heard as tracing channels', async (t) => {
  const { front } = world(t);
  const channels = tracingChannel('portside:resolve');
  const told: string[] = [];
  const handlers = {
    start: () => told.push('start'),
    end: () => told.push('end'),
    asyncStart: () => told.push('asyncStart'),
    asyncEnd: () => told.push('asyncEnd'),
    error: () => told.push('error'),
  };
  channels.subscribe(handlers);
  t.after(() => {
    channels.unsubscribe(handlers);
  });
  assert.ok((await front.resolve('localhost')).length > 0);
  assert.deepEqual(told, ['start', 'end', 'asyncStart', 'asyncEnd']);
  assert.ok((await front.interfaces()).length > 0);
});

test('assertNoOpenSockets names what is open, and is silent if nothing is', async (t) => {
  const { front } = world(t);
  assertNoOpenSockets(front);
  const server = await front.listen({ on: 'unix:/left.sock' });
  assert.throws(
    () => {
      assertNoOpenSockets(front);
    },
    { message: '1 socket is open:\n#1 unix listener unix:/left.sock (open, 0 bytes in, 0 out, 0 ms old)' },
  );
  await server.close();
  assertNoOpenSockets(front);
  assertNoOpenSockets();
});
