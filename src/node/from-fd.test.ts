/** Descriptors as sockets of the promise API, and back (F53, F54, F71). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import test from 'node:test';
import { createPortside } from '../doors/portside.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { Socket } from '../posix/socket.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { fileDescriptor } from './file-descriptor.ts';
import { fromFd } from './from-fd.ts';
import { bytes, pair, text, world } from './test-kit.ts';

const TAKE = { ownership: 'take' } as const;

test('fromFd makes a connection of a connected socket, with what was unread, and reads head first', async (t) => {
  const context = world(t);
  const [near, far] = Socket.pair();
  far.send(bytes('unread'));
  const made = fromFd(context, near.detach(), { ...TAKE, head: bytes('head ') });
  if (made.kind !== 'connection') throw new Error(made.kind);
  assert.equal(text(await made.socket.readExactly(11)), 'head unread');
  await made.socket.write('answer');
  assert.equal(text(await far.recvAsync()), 'answer');
  await made.socket.close();
  assert.equal((await far.recvAsync()).length, 0);
  far.close();
});

test('fromFd makes a server of a listening socket', async (t) => {
  const context = world(t);
  const raw = Socket.socket('AF_INET', 'SOCK_STREAM');
  raw.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  raw.listen();
  const made = fromFd(context, raw.detach(), TAKE);
  if (made.kind !== 'server') throw new Error(made.kind);
  const [client, peer] = await Promise.all([
    context.front.connect({ to: made.socket.local }),
    made.socket.accept(),
  ]);
  await client.write('hi');
  assert.equal(text(await peer.read()), 'hi');
});

test('fromFd makes a datagram socket of a UDP socket, with what was unread and the meta asked for', async (t) => {
  const context = world(t);
  const near = Socket.socket('AF_INET', 'SOCK_DGRAM');
  using far = Socket.socket('AF_INET', 'SOCK_DGRAM');
  for (const each of [near, far]) each.bind({ family: 'ipv4', host: '127.0.0.1', port: 0 });
  far.sendTo(bytes('unread, and too long'), near.localAddress());
  const made = fromFd(context, near.detach(), { ...TAKE, maxSize: 6, meta: ['ttl'], maxQueued: 1 });
  if (made.kind !== 'datagram') throw new Error(made.kind);
  far.sendTo(bytes('second'), made.socket.local);
  const first = await made.socket.receive();
  assert.deepEqual([text(first.bytes), first.truncated, first.remote], ['unread', true, far.localAddress()]);
  const second = await made.socket.receive();
  // What was in the kernel before was not asked for then.
  assert.equal(second.ttl, 64);
  await made.socket.send('answer', second.remote);
  assert.equal(text(await far.recvAsync()), 'answer');
  assert.equal(fileDescriptor(context, made.socket) > 2, true);
  assert.equal(context.front.sockets()[0]?.kind, 'datagram');
  await made.socket.close();
});

test('fromFd makes a server of packets of one that listens for them', async (t) => {
  const context = world(t);
  const path = tempPath();
  const raw = Socket.socket('AF_UNIX', 'SOCK_SEQPACKET');
  raw.bind({ family: 'unix', path });
  raw.listen();
  const made = fromFd(context, raw.detach(), TAKE);
  if (made.kind !== 'packet-server') throw new Error(made.kind);
  const [client, peer] = await Promise.all([
    context.front.bind({ to: { path }, type: 'seqpacket' }),
    made.socket.accept(),
  ]);
  await client.send('one');
  await client.send('two');
  assert.deepEqual([text((await peer.receive()).bytes), text((await peer.receive()).bytes)], ['one', 'two']);
});

const IMPOSSIBLE: readonly (readonly [object, new () => Error])[] = [
  [{ readAhead: 0 }, RangeError],
  [{ acceptAhead: -1 }, RangeError],
  [{ onError: 1 }, TypeError],
  [{ maxQueued: 0 }, RangeError],
  [{ maxQueuedBytes: '1' }, TypeError],
  [{ maxSize: 0 }, RangeError],
  [{ meta: ['tll'] }, RangeError],
  [{ icmpErrors: 1 }, TypeError],
  [{ head: 'text' }, TypeError],
  [{ highWaterMark: -1 }, RangeError],
  [{ options: { noDelya: true } }, TypeError],
  [{ maxQueed: 1 }, TypeError],
];

test('fromFd leaves the descriptor to its owner when any option cannot be, also what it would have taken (F54)', (t) => {
  const context = world(t);
  using near = Socket.socket('AF_INET', 'SOCK_DGRAM');
  for (const [options, expected] of IMPOSSIBLE)
    for (const ownership of ['take', 'borrow'] as const) {
      assert.throws(
        () => fromFd(context, near.fd, { ...options, ownership }),
        expected,
        JSON.stringify(options),
      );
      assert.ok(fstatSync(near.fd).isSocket());
    }
  assert.deepEqual([...context.provider.sockets()], []);
});

test('fromFd says what is to be said of a descriptor', (t) => {
  assert.throws(() => fromFd(world(t), 0, undefined as never), {
    name: 'TypeError',
    message: "options: expected an object, such as { ownership: 'take' }, got undefined",
  });
});

test('fromFd refuses a file and a closed descriptor, and leaves the file to its owner (F54)', (t) => {
  const context = world(t);
  const file = openSync('/dev/null', 'r');
  assert.throws(() => fromFd(context, file, TAKE), { code: 'ENOTSOCK' });
  assert.ok(fstatSync(file));
  closeSync(file);
  assert.throws(() => fromFd(context, file, TAKE), { code: 'EBADF' });
});

test('fromFd refuses a pipe', (t) => {
  const context = world(t);
  const path = tempPath('fifo');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  for (const ownership of ['take', 'borrow'] as const)
    assert.throws(() => fromFd(context, fd, { ownership }), { code: 'ENOTSOCK' });
  closeSync(fd);
});

test('fromFd needs the native engine, so that a guard lets nothing pass by (F71)', async () => {
  const provider = portableProvider();
  const front = createPortside({ provider });
  assert.throws(() => fromFd({ front, provider }, 0, TAKE), { code: 'ERR_UNSUPPORTED' });
  await provider.close();
});

test('fromFd leaves no socket behind when its own options are refused', (t) => {
  const context = world(t);
  const [near, far] = Socket.pair();
  assert.throws(() => fromFd(context, near.fd, { ownership: 'borrow', readAhead: 0 }), RangeError);
  assert.deepEqual([...context.provider.sockets()], []);
  near.close();
  far.close();
});

test('fileDescriptor lends the descriptor of connections, servers and streams, and none of what is closed', async (t) => {
  const context = world(t);
  const { server, client, peer } = await pair(context);
  for (const socket of [server, client, peer])
    assert.ok(fstatSync(fileDescriptor(context, socket)).isSocket());
  using borrowed = Socket.fromFd(fileDescriptor(context, client), 'borrow');
  assert.equal(borrowed.getOption('SOL_SOCKET', 'SO_ACCEPTCONN'), false);
  await client.close();
  assert.throws(() => fileDescriptor(context, client), { code: 'ERR_SOCKET_CLOSED' });
  const { stream } = peer.detach();
  assert.throws(() => fileDescriptor(context, peer), { code: 'ERR_UNSUPPORTED' });
  assert.ok(fstatSync(fileDescriptor(context, stream)).isSocket());
  assert.throws(() => fileDescriptor(context, null as never), TypeError);
});

test('a connection whose descriptor somebody closes tells it by its next write, and hurts no other (F53)', async (t) => {
  const context = world(t);
  const { client } = await pair(context);
  const other = await pair(context, `unix:${tempPath()}`);
  const fd = fileDescriptor(context, client);
  closeSync(fd);
  await assert.rejects(
    async () => {
      for (;;) await client.write('x');
    },
    { code: 'ERR_SOCKET_BROKEN' },
  );
  await other.client.write('unhurt');
  assert.equal(text(await other.peer.read()), 'unhurt');
});
