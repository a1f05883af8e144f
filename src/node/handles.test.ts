/** Sockets on their way to another process: to CPython and back, and within this one. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import test from 'node:test';
import type { DatagramSocket, NodeStreams } from '../doors/portside.ts';
import { Socket } from '../posix/socket.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { python, runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import type { HandleChannel } from './handles.ts';
import { handleChannel } from './handles.ts';
import type { World } from './test-kit.ts';
import { bytes, pair, text, world } from './test-kit.ts';

type Channel = HandleChannel<NodeStreams>;

async function channels(context: World): Promise<readonly [Channel, Channel]> {
  const { client, peer } = await pair(context, `unix:${tempPath()}`);
  const both = [handleChannel(context, client), handleChannel(context, peer)] as const;
  context.later(() => {
    for (const each of both) each.close();
  });
  return both;
}

/** A channel to the other end as it is: bytes and descriptors without a form. */
async function rawPeer(context: World): Promise<readonly [Channel, Socket]> {
  const { client, peer } = await pair(context, `unix:${tempPath()}`);
  const { fd } = context.provider.detach(peer.detach().stream) ?? { fd: -1 };
  const raw = Socket.fromFd(fd, 'take');
  const channel = handleChannel(context, client);
  context.later(() => {
    channel.close();
    raw.close();
  });
  return [channel, raw];
}

test('a channel hands a listening socket over, and connections reach it there', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const server = await context.front.listen();
  await here.send(bytes('a listener'), [server]);
  const message = await there.receive();
  assert.equal(text(message?.bytes ?? null), 'a listener');
  const handle = message?.handles[0];
  assert.equal(handle?.kind, 'socket');
  await server.close();
  const made = handle.open();
  if (made.kind !== 'server') throw new Error('no server');
  const [client, peer] = await Promise.all([
    context.front.connect({ to: made.socket.local }),
    made.socket.accept(),
  ]);
  await client.write('hello');
  assert.equal(text(await peer.read()), 'hello');
});

test('a channel hands an accepted connection over, and nothing that its peer has sent is lost', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const { client, peer } = await pair(context);
  await client.write('before');
  await here.send(new Uint8Array(0), [peer]);
  await assert.rejects(peer.read(), { code: 'ERR_SOCKET_CLOSED' });
  const made = (await there.receive())?.handles[0]?.open();
  if (made?.kind !== 'connection') throw new Error('no connection');
  assert.equal(text(await made.socket.readExactly(6)), 'before');
  await made.socket.write('after');
  assert.equal(text(await client.readExactly(5)), 'after');
});

test('a channel hands sockets of messages over, and a listener for packets', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const udp = await context.front.bind({ on: '127.0.0.1:0' });
  const client = await context.front.bind({ to: udp.local });
  const server = await context.front.listenPackets({ on: `unix:@portside-handles-${String(process.pid)}` });
  const [packets, peer] = await Promise.all([
    context.front.bind({ to: server.local, type: 'seqpacket' }),
    server.accept(),
  ]);
  await client.send('waits');
  await packets.send('waits too');
  await here.send(bytes('three'), [udp, server, peer]);
  await assert.rejects(peer.receive(), { code: 'ERR_SOCKET_CLOSED' });
  await Promise.all([udp.close(), server.close()]);
  const handles = (await there.receive())?.handles ?? [];
  const made = handles.map((each) => each.open({ meta: ['timestamp'] }));
  assert.deepEqual(
    made.map(({ kind }) => kind),
    ['datagram', 'packet-server', 'datagram'],
  );
  const [first, second, third] = made;
  if (first?.kind !== 'datagram' || second?.kind !== 'packet-server' || third?.kind !== 'datagram') return;
  assert.equal(text((await first.socket.receive()).bytes), 'waits');
  assert.deepEqual(first.socket.local, udp.local);
  const [late] = await Promise.all([
    second.socket.accept(),
    context.front.bind({ to: second.socket.local, type: 'seqpacket' }),
  ]);
  assert.equal(late.type, 'seqpacket');
  assert.equal(text((await third.socket.receive()).bytes), 'waits too');
});

test('send refuses a socket of packets that has been received from, or on which somebody waits', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const server = await context.front.listenPackets({ on: { path: tempPath() } });
  const [client, peer] = await Promise.all([
    context.front.bind({ to: server.local, type: 'seqpacket' }),
    server.accept(),
  ]);
  const waiting = peer.receive();
  await assert.rejects(here.send(bytes('busy'), [peer]), { code: 'ERR_SOCKET_BUSY' });
  await client.send('');
  await waiting;
  await assert.rejects(here.send(bytes('read'), [peer]), { code: 'ERR_SOCKET_BUSY' });
  await here.send(bytes('other'), [client]);
  const message = await there.receive();
  assert.equal(text(message?.bytes ?? null), 'other');
  message?.handles[0]?.close();
});

test('a handle that cannot be opened is still to be closed, and closing it hurts nobody else (F54)', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const udp = await context.front.bind();
  await here.send(bytes(''), [udp]);
  const handle = (await there.receive())?.handles[0];
  assert.throws(() => handle?.open({ maxQueued: 0 }), RangeError);
  assert.throws(() => handle?.open({ options: { noDelay: true } }), { code: 'ERR_UNSUPPORTED' });
  const made = handle?.open();
  assert.equal(made?.kind, 'datagram');
});

test('messages keep their order, their bounds and their handles, also large and empty ones', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const file = openSync('/dev/null', 'r');
  const sizes = [0, 1, 300_000, 0, 70_000];
  const sent = Promise.all(
    sizes.map((size, index) =>
      here.send(
        new Uint8Array(size).fill(index),
        Array.from({ length: index }, () => file),
      ),
    ),
  );
  for (const [index, size] of sizes.entries()) {
    const message = await there.receive();
    assert.deepEqual(message?.bytes, new Uint8Array(size).fill(index));
    assert.equal(message.handles.length, index);
    for (const handle of message.handles) {
      assert.equal(handle.kind, 'character');
      handle.close();
    }
  }
  await sent;
  closeSync(file);
  here.close();
  assert.equal(await there.receive(), null);
});

test('close closes handles that came and were not told', async (t) => {
  const context = world(t);
  const [channel, raw] = await rawPeer(context);
  const before = countDescriptors();
  await raw.sendMsgAsync({
    data: Uint8Array.of(0, 0, 0, 9),
    control: [{ level: 'SOL_SOCKET', type: 'SCM_RIGHTS', data: [raw.fd, raw.fd] }],
  });
  await assert.rejects(channel.receive({ timeout: 20 }), { code: 'ETIMEDOUT' });
  assert.equal(countDescriptors(), before + 2);
  channel.close();
  assert.equal(countDescriptors(), before - 1);
});

test('receive goes on after a time limit, with what has come', async (t) => {
  const context = world(t);
  const [channel, raw] = await rawPeer(context);
  await raw.sendAsync(Uint8Array.of(0, 0));
  await assert.rejects(channel.receive({ timeout: 20 }), { code: 'ETIMEDOUT' });
  await raw.sendAsync(Uint8Array.of(0, 2, 65, 66));
  assert.equal(text((await channel.receive())?.bytes ?? null), 'AB');
});

test('receive tells what is no message, and an end in the middle of one', async (t) => {
  const context = world(t);
  const [channel, raw] = await rawPeer(context);
  await raw.sendAsync(Uint8Array.of(255, 255, 255, 255));
  await assert.rejects(channel.receive(), { code: 'ERR_PROTOCOL_LENGTH' });
  const [second, other] = await rawPeer(context);
  await other.sendAsync(Uint8Array.of(0, 0, 0, 5, 65));
  other.close();
  await assert.rejects(second.receive(), { code: 'ERR_SOCKET_ENDED', received: 5 });
});

test('send refuses connections that have been read from, wrong arguments and descriptors that are closed', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const { client, peer } = await pair(context);
  await client.write('x');
  await peer.read();
  await assert.rejects(here.send(bytes(''), [peer]), { code: 'ERR_SOCKET_BUSY' });
  await assert.rejects(here.send('text' as never), TypeError);
  await assert.rejects(here.send(bytes(''), 5 as never), TypeError);
  await assert.rejects(here.send(bytes(''), [-1]), RangeError);
  await assert.rejects(here.send(bytes(''), new Array<number>(254).fill(0)), RangeError);
  await assert.rejects(here.send(bytes(''), [99_999]), { code: 'EBADF' });
  await client.close();
  await assert.rejects(here.send(bytes(''), [client]), { code: 'ERR_SOCKET_CLOSED' });
  await here.send(bytes('still works'));
  assert.equal(text((await there.receive())?.bytes ?? null), 'still works');
});

test('send refuses a connection on which a read or a write waits, and sends nothing', async (t) => {
  const context = world(t);
  const [here, there] = await channels(context);
  const { client, peer } = await pair(context);
  const reading = peer.read();
  await assert.rejects(here.send(bytes('busy'), [peer]), { code: 'ERR_SOCKET_BUSY' });
  await client.write('x');
  assert.equal(text(await reading), 'x');
  const second = await pair(context);
  await here.send(bytes('twice'), [second.peer, second.peer]);
  await assert.rejects(second.peer.read(), { code: 'ERR_SOCKET_CLOSED' });
  const message = await there.receive();
  assert.equal(text(message?.bytes ?? null), 'twice');
  assert.equal(message?.handles.length, 2);
  for (const handle of message.handles) handle.close();
  assert.equal(await second.client.read(), null);
});

/** Has room for one descriptor when three come, and for all when three come again. */
const STARVED = `
import { closeSync, openSync } from 'node:fs';
import { connect, handleChannel, listen } from '${new URL('../doors/portside.js', import.meta.url).href}';
const server = await listen({ on: { path: process.argv[1] } });
const [one, two] = await Promise.all([connect({ to: server.local }), server.accept()]);
const [here, there] = [handleChannel(one), handleChannel(two)];
for (const text of ['lost', 'whole']) await here.send(new TextEncoder().encode(text), [0, 1, 2]);
const files = [];
try { for (;;) files.push(openSync('/dev/null', 'r')); } catch ({ code }) { if (code !== 'EMFILE') throw code; }
closeSync(files.pop());
const told = [await there.receive().then(() => 'told', ({ code }) => code)];
// What came of the first is closed again: there is room for one, as before.
files.push(openSync('/dev/null', 'r'));
for (const file of files) closeSync(file);
const { bytes, handles } = await there.receive();
console.log(JSON.stringify([...told, new TextDecoder().decode(bytes), handles.length]));
for (const handle of handles) handle.close();
for (const each of [here, there]) each.close();
await server.close();
`;

test('receive tells no message of whose handles some are missing, and goes on with the next (F01)', async () => {
  const line = 'ulimit -n 120; exec "$0" --input-type=module -e "$1" -- "$2"';
  const ran = await runProgram('bash', ['-c', line, process.execPath, STARVED, tempPath()]);
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(JSON.parse(ran.stdout), ['EMFILE', 'whole', 3]);
});

test('handleChannel refuses TCP, and a Unix connection that has been read from', async (t) => {
  const context = world(t);
  const tcp = await pair(context);
  assert.throws(() => handleChannel(context, tcp.client), TypeError);
  const { client, peer } = await pair(context, `unix:${tempPath()}`);
  await client.write('x');
  await peer.read();
  assert.throws(() => handleChannel(context, peer), { code: 'ERR_SOCKET_BUSY' });
});

test('CPython takes a listener from a channel, and hands back what it has accepted', async (t) => {
  const context = world(t);
  const path = tempPath();
  const control = await context.front.listen({ on: { path } });
  const peer = python(
    t,
    `
import struct
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
data, fds, flags, address = socket.recv_fds(c, 4, 8)
body = c.recv(struct.unpack('>I', data)[0], socket.MSG_WAITALL)
listener = socket.socket(fileno=fds[0])
accepted, address = listener.accept()
accepted.sendall(b'from python')
socket.send_fds(c, [struct.pack('>I', 4) + b'back'], [accepted.fileno()])
say(body.decode())
wait()
`,
    path,
  );
  const channel = handleChannel(context, await control.accept());
  context.later(() => {
    channel.close();
  });
  const server = await context.front.listen();
  const client = await context.front.connect({ to: server.local });
  await channel.send(bytes('yours'), [server]);
  const message = await channel.receive();
  assert.equal(text(message?.bytes ?? null), 'back');
  assert.equal(await peer.line(), 'yours');
  const made = message?.handles[0]?.open();
  if (made?.kind !== 'connection') throw new Error('no connection');
  assert.deepEqual(made.socket.remote, client.local);
  assert.equal(text(await client.readExactly(11)), 'from python');
  peer.say('end');
  assert.deepEqual(await peer.ended, { status: 0, stderr: '' });
});

test('CPython hands over what it has bound: UDP, connected and not, Unix datagrams, packets', async (t) => {
  const context = world(t);
  const path = tempPath();
  const control = await context.front.listen({ on: { path } });
  const far = await context.front.bind({ on: '127.0.0.1:0' });
  const peer = python(
    t,
    `
import struct
path, port = sys.argv[1], int(sys.argv[2])
c = socket.socket(socket.AF_UNIX); c.connect(path)
bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); bound.bind(('127.0.0.1', 0))
connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); connected.connect(('127.0.0.1', port))
unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); unix.bind(path + '.d')
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); listener.bind(path + '.l'); listener.listen()
near, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
raw = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM)
for s in (bound, connected, unix, listener, near): s.settimeout(5)
other.send(b'from python')
sent = [bound, connected, unix, listener, near, raw]
socket.send_fds(c, [struct.pack('>I', 0)], [s.fileno() for s in sent])
say(json.dumps([bound.getsockname()[1], connected.getsockname()[1]]))
for s in sent: s.close()
other.settimeout(5)
say(other.recv(100).decode())
`,
    path,
    String((far.local as { port: number }).port),
  );
  const channel = handleChannel(context, await control.accept());
  context.later(() => {
    channel.close();
  });
  const handles = (await channel.receive())?.handles ?? [];
  assert.throws(() => handles[5]?.open(), { code: 'EAFNOSUPPORT' });
  handles[5]?.close();
  const made = handles.slice(0, 5).map((each) => each.open());
  assert.deepEqual(
    made.map(({ kind }) => kind),
    ['datagram', 'datagram', 'datagram', 'packet-server', 'datagram'],
  );
  const [bound, connected, unix, , near] = made.map(({ socket }) => socket as DatagramSocket);
  const ports = [bound, connected].map((each) => (each?.local as { port: number }).port);
  assert.deepEqual(ports, await peer.json());
  assert.deepEqual(
    [bound?.remote, connected?.remote, unix?.local],
    [undefined, far.local, { family: 'unix', path: `${path}.d` }],
  );
  await connected?.send('to the peer');
  assert.equal(text((await far.receive()).bytes), 'to the peer');
  assert.equal(text((await near?.receive())?.bytes ?? null), 'from python');
  await near?.send('back');
  assert.equal(await peer.line(), 'back');
  assert.deepEqual(await peer.ended, { status: 0, stderr: '' });
});
