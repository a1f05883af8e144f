import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketError } from '../../base/errors.ts';
import { ClosedError } from '../../base/errors.ts';
import type { DatagramSocket, Portside } from '../../doors/portside.ts';
import { text, world } from './test-kit.ts';

/** Two sockets of UDP, and the address of the second. */
async function two(front: Portside): Promise<{ a: DatagramSocket; b: DatagramSocket }> {
  return { a: await front.bind({ on: '127.0.0.1:0' }), b: await front.bind({ on: '127.0.0.1:0' }) };
}

test('bind takes addresses as text and as objects, of UDP and of Unix', async (t) => {
  const { front } = world(t);
  const rows: readonly (readonly [object | undefined, object])[] = [
    [undefined, { transport: 'udp', type: 'datagram', remote: undefined }],
    [{ on: '127.0.0.1:0' }, { transport: 'udp', remote: undefined }],
    [{ on: { port: 0 } }, { transport: 'udp' }],
    [{ to: 'localhost:5000', family: 'ipv4' }, { remote: { family: 'ipv4', host: '127.0.0.1', port: 5000 } }],
    [{ on: '[::1]:0', to: '[::1]:5000' }, { remote: { family: 'ipv6', host: '::1', port: 5000 } }],
    [{ on: 'unix:@named' }, { transport: 'unix', local: { family: 'unix', path: '\0named' } }],
    [{ to: 'unix:@named' }, { transport: 'unix', remote: { family: 'unix', path: '\0named' } }],
    [{ type: 'datagram' }, { transport: 'unix', local: { family: 'unix', path: '' } }],
  ];
  for (const [options, expected] of rows) {
    const socket = await front.bind(options);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(Reflect.get(socket, key), value);
  }
});

test('bind refuses addresses that are none, or do not go together, and opens nothing', async (t) => {
  const { front, network } = world(t);
  for (const options of [{ on: 'localhost:1' }, { to: 'x' }, { on: '/x' }, { maxQueued: 0 }, { maxSize: 0 }])
    await assert.rejects(front.bind(options), RangeError, JSON.stringify(options));
  for (const options of [
    { on: '127.0.0.1:0', to: 'unix:@x' },
    { on: 'unix:@x', to: '127.0.0.1:1' },
    { remote: { host: '::1', port: 1 } },
    { onError: 1 },
    { type: 'seqpacket' },
    null,
  ])
    await assert.rejects(front.bind(options as never), TypeError, JSON.stringify(options));
  assert.equal(network.openCount, 0);
});

test('datagram socket sends to text and to objects, and answers to whom it came from', async (t) => {
  const { front } = world(t);
  const { a, b } = await two(front);
  const { port } = b.local as { port: number };
  await a.send('text', `127.0.0.1:${String(port)}`);
  await a.send(Uint8Array.of(98), { host: '127.0.0.1', port });
  await a.send('', b.local);
  const got = [await b.receive(), await b.receive(), await b.receive()];
  assert.deepEqual(
    got.map(({ bytes }) => text(bytes)),
    ['text', 'b', ''],
  );
  assert.deepEqual(got[0]?.remote, a.local);
  await b.send('back', got[0].remote);
  assert.equal(text((await a.receive()).bytes), 'back');
  assert.deepEqual([a.sent, a.received, b.received], [3, 1, 3]);
  const row = front.sockets().find(({ id }) => id === a.id);
  assert.deepEqual([row?.sent, row?.received, row?.drops, row?.age], [3, 1, 0, 0]);
});

test('datagram socket refuses what cannot be sent', async (t) => {
  const { front } = world(t);
  const { a, b } = await two(front);
  await assert.rejects(a.send('x', 'localhost:53'), /numeric address/);
  await assert.rejects(a.send('x', '127.0.0.1:0'), RangeError);
  await assert.rejects(a.send('x'), TypeError);
  await assert.rejects(a.send(5 as never, b.local), TypeError);
  const connected = await front.bind({ to: b.local });
  await assert.rejects(connected.send('x', b.local), TypeError);
  await assert.rejects(a.send(new Uint8Array(70_000), b.local), { code: 'EMSGSIZE' });
  await connected.send('fine');
  assert.equal(text((await b.receive()).bytes), 'fine');
});

test('datagram socket keeps so many datagrams and bytes, and the kernel the rest', async (t) => {
  const { front, provider } = world(t);
  const a = await front.bind({ on: '127.0.0.1:0' });
  for (const [limits, expected] of [
    [{ maxQueued: 4 }, 4],
    [{ maxQueuedBytes: 250 }, 3],
  ] as const) {
    const b = await front.bind({ on: '127.0.0.1:0', ...limits });
    for (let i = 0; i < 20; i++) await a.send(new Uint8Array(100).fill(i), b.local);
    await provider.idle();
    const before: number = b.received;
    assert.equal(before, 0, 'nothing is received before somebody asks');
    assert.equal((await b.receive()).bytes[0], 0);
    await provider.idle();
    // The one that was asked for, those that are kept, and perhaps the one that was in hand.
    assert.ok(b.received >= expected + 1 && b.received <= expected + 2, String(b.received));
    for (let i = 1; i < 20; i++) assert.equal((await b.receive()).bytes[0], i);
    await b.close();
  }
});

test('datagram socket tells how many were dropped while nobody received', async (t) => {
  const { front, provider } = world(t, { bufferSize: 4000 });
  const a = await front.bind({ on: '127.0.0.1:0' });
  const b = await front.bind({ on: '127.0.0.1:0', maxQueued: 2 });
  const first = b.receive();
  for (let i = 0; i < 100; i++) await a.send(new Uint8Array(1000), b.local);
  await first;
  await provider.idle();
  let rest = 0;
  for (; b.received < 100 - b.drops; rest++) await b.receive();
  assert.ok(b.drops > 0, String(b.drops));
  assert.ok(rest < 99);
});

test('datagram socket answers receives in order, and gives up by signal and timeout without losing one', async (t) => {
  const { front, clock, provider } = world(t);
  const { a, b } = await two(front);
  const controller = new AbortController();
  const late = assert.rejects(b.receive({ timeout: 5 }), { code: 'ETIMEDOUT', op: 'receive' });
  const aborted = assert.rejects(b.receive({ signal: controller.signal }), /enough/);
  const waiting = [b.receive(), b.receive()];
  await provider.idle();
  clock.advance(5);
  controller.abort(new Error('enough'));
  await Promise.all([late, aborted]);
  await a.send('1', b.local);
  await a.send('2', b.local);
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ bytes }) => text(bytes)),
    ['1', '2'],
  );
});

test('datagram socket iterates until it is closed, and drops what nobody received', async (t) => {
  const { front, provider } = world(t);
  const { a, b } = await two(front);
  for (const each of ['1', '2', '3', '4']) await a.send(each, b.local);
  const seen: (string | null)[] = [];
  for await (const { bytes } of b) {
    seen.push(text(bytes));
    if (seen.length === 1) break;
  }
  for await (const { bytes } of b) {
    seen.push(text(bytes));
    await provider.idle();
    if (seen.length === 3) await b.close();
  }
  assert.deepEqual(seen, ['1', '2', '3']);
  await assert.rejects(b.receive(), ClosedError);
  await assert.rejects(b.send('x', a.local), ClosedError);
  const waiting = assert.rejects(a.receive(), ClosedError);
  a.abort();
  await waiting;
  assert.deepEqual(front.sockets(), []);
});

test('datagram socket sendMany sends all, in order, and tells the first failure at the end', async (t) => {
  const { front } = world(t);
  const { a, b } = await two(front);
  const to = b.local;
  await a.sendMany(Array.from({ length: 50 }, (_, i) => ({ data: String(i), to })));
  for (let i = 0; i < 50; i++) assert.equal(text((await b.receive()).bytes), String(i));
  await a.sendMany([]);
  const failing = [
    { data: 'x', to },
    { data: new Uint8Array(70_000), to },
    { data: 'y', to },
  ];
  await assert.rejects(a.sendMany(failing), { code: 'EMSGSIZE' });
  assert.deepEqual([text((await b.receive()).bytes), text((await b.receive()).bytes)], ['x', 'y']);
  await assert.rejects(a.sendMany([{ data: 'z' }]), TypeError);
  const controller = new AbortController();
  controller.abort(new Error('before'));
  await assert.rejects(a.sendMany([{ data: 'z', to }], { signal: controller.signal }), /before/);
});

test('datagram socket joins and leaves groups, by text and by object', async (t) => {
  const { front } = world(t);
  const { a } = await two(front);
  a.join('239.1.2.3');
  a.join({ group: '239.1.2.4', interfaceAddress: '127.0.0.1' });
  assert.deepEqual(
    a.memberships().map(({ group }) => group.host),
    ['239.1.2.3', '239.1.2.4'],
  );
  a.leave('239.1.2.3');
  assert.equal(a.memberships().length, 1);
  assert.throws(() => {
    a.join('not a group');
  }, RangeError);
  assert.throws(() => {
    a.join(undefined as never);
  }, TypeError);
});

test('datagram socket tells meta data that was asked for', async (t) => {
  const { front } = world(t);
  const a = await front.bind({ on: '127.0.0.1:0' });
  const b = await front.bind({ on: '127.0.0.1:0', meta: ['local', 'ttl'], maxSize: 3 });
  await a.send('longer', b.local, { ttl: 9 });
  const got = await b.receive();
  assert.deepEqual([text(got.bytes), got.truncated, got.length, got.ttl], ['lon', true, 6, 9]);
  assert.equal(got.local?.host, '127.0.0.1');
});

test('datagram sockets of sequenced packets come from a server, and end with the peer', async (t) => {
  const { front } = world(t);
  const server = await front.listenPackets({ on: 'unix:/packets' });
  const client = await front.bind({ type: 'seqpacket', to: 'unix:/packets' });
  const peer = await server.accept();
  await client.send('one');
  await client.send('two');
  assert.equal(text((await peer.receive()).bytes), 'one');
  await client.close();
  const rest: (string | null)[] = [];
  for await (const { bytes } of peer) rest.push(text(bytes));
  assert.deepEqual(rest, ['two']);
  await assert.rejects(peer.receive(), ClosedError);
  await Promise.all([peer.close(), server.close()]);
  await assert.rejects(front.listenPackets({ on: '127.0.0.1:0' }), /a Unix path/);
});

test('serve runs a handler for each socket of sequenced packets', async (t) => {
  const { front } = world(t);
  const server = await front.listenPackets({ on: 'unix:@served' });
  const serving = server.serve(async (socket) => {
    for await (const { bytes } of socket) await socket.send(bytes);
  });
  const client = await front.bind({ type: 'seqpacket', to: 'unix:@served' });
  await client.send('echo');
  assert.equal(text((await client.receive()).bytes), 'echo');
  await client.close();
  await server.close();
  await serving;
});

test('datagram socket tells errors that end nothing to onError', async (t) => {
  const { front, provider } = world(t);
  const told: SocketError[] = [];
  const socket = await front.bind({
    on: '127.0.0.1:0',
    icmpErrors: true,
    onError: (error) => told.push(error),
  });
  const waiting = assert.rejects(socket.receive(), ClosedError);
  await socket.send('to nobody', '127.0.0.1:9');
  await provider.idle();
  assert.deepEqual(
    told.map(({ code }) => code),
    ['ECONNREFUSED'],
  );
  await socket.close();
  await waiting;
});
