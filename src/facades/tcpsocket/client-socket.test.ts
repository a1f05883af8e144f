import assert from 'node:assert/strict';
import test from 'node:test';
import { runInNewContext } from 'node:vm';
import type { IOError } from '../../doors/tcpsocket.ts';
import type { SocketProvider } from '../../base/provider.ts';
import { reader } from '../../base/reader.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { READ_LIMIT } from './read-queue.ts';
import {
  World,
  bytes,
  clog,
  each,
  nextOf,
  nextTask,
  readAll,
  readBytes,
  readUntil,
  received,
  stateOf,
  text,
} from './test-kit.ts';

const CLOSED = { name: 'IOError', message: 'Socket is closed', code: 'ERR_SOCKET_CLOSED' };
const NOT_OPEN = { name: 'IOError', message: 'Socket is not open', code: 'ERR_SOCKET_CLOSED' };
const BROKEN = { name: 'IOError', message: 'NetworkInterruptError: Network', code: 'ECONNRESET' };

each('ClientSocket.read is answered in the order of the calls', async (world) => {
  const { client, peer } = await world.pair();
  const reads = [peer.read(), peer.read(), peer.read()];
  for (const [index, read] of reads.entries()) {
    await client.write(bytes(String(index)));
    assert.equal(text(await read), String(index));
  }
});

each('ClientSocket.read loses nothing that came before it was called', async (world) => {
  const { client, peer } = await world.pair();
  const sent = new Uint8Array(200_000).map((_, i) => i % 253);
  const written = client.write(sent);
  for (let turn = 0; turn < 20; turn++) await nextTask();
  assert.deepEqual(await readBytes(peer, sent.length), sent);
  await written;
});

each('ClientSocket.read has a tight ArrayBuffer of its own for each chunk', async (world) => {
  const { client, peer } = await world.pair();
  void client.write(bytes('one'));
  const first = await peer.read();
  assert.ok(first instanceof ArrayBuffer);
  assert.equal(first.byteLength, 3);
  new Uint8Array(first).fill(0);
  void client.write(bytes('two'));
  assert.equal(text(await peer.read()), 'two');
});

each('ClientSocket at the end: closed, and a task later one empty buffer, then IOError', async (world) => {
  const { client, peer } = await world.pair();
  const order: string[] = [];
  const told = (name: string) => (value: unknown) => {
    order.push(value instanceof ArrayBuffer ? `${name} ${String(value.byteLength)}` : name);
    // What the end of the stream makes a program do runs before any read is told of it.
    if (name === 'closed') void Promise.resolve().then(() => order.push('microtask'));
  };
  void peer.closed.then(told('closed'));
  const reads = [peer.read(), peer.read(), peer.read()];
  const outcomes = reads.map((read, i) => read.then(told(`read ${String(i)}`), told(`no read ${String(i)}`)));
  void client.close();
  await Promise.all(outcomes);
  assert.deepEqual(order, ['closed', 'microtask', 'read 0 0', 'no read 1', 'no read 2']);
  await assert.rejects(peer.read(), CLOSED);
  await assert.rejects(peer.read(), CLOSED);
});

each('ClientSocket.read first called after the end: one empty buffer, then IOError', async (world) => {
  const { client, peer } = await world.pair();
  void client.close();
  await peer.closed;
  assert.equal((await peer.read()).byteLength, 0);
  await assert.rejects(peer.read(), CLOSED);
});

each('ClientSocket.closed waits for what is unread, and is told before the empty buffer', async (world) => {
  const { client, peer } = await world.pair();
  void client.write(bytes('unread'));
  await client.close();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  assert.equal(await stateOf(peer.closed), 'pending');
  assert.equal(text(await peer.read()), 'unread');
  const end = peer.read();
  await peer.closed;
  assert.equal(await stateOf(end), 'pending');
  assert.equal((await end).byteLength, 0);
});

each('ClientSocket whose peer has sent its last can still answer what it has read', async (world) => {
  const server = await world.tcp.listen();
  const raw = await world.provider.connect({ host: '127.0.0.1', port: server.localPort });
  const pull = reader(raw);
  const peer = await nextOf(server);
  raw.write(bytes('question'));
  raw.closeWrite();
  const question = text(await peer.read());
  assert.equal(peer.readyState, 'open');
  await peer.write(bytes(`${question}, answered`));
  assert.equal((await peer.read()).byteLength, 0);
  assert.equal(new TextDecoder().decode((await pull.read()) ?? undefined), 'question, answered');
  assert.equal(await pull.read(), null, 'there are no half-closed connections');
  await peer.closed;
});

each('ClientSocket.close after the end drops what is unread, and closed settles', async (world) => {
  const { client, peer } = await world.pair();
  void client.write(bytes('never read'));
  await client.close();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  await peer.close();
  await peer.closed;
  assert.equal(peer.readyState, 'closed');
  assert.equal((await peer.read()).byteLength, 0);
  await assert.rejects(peer.read(), CLOSED);
});

each('ClientSocket.closed does not wait for what is unread after its own close', async (world) => {
  for (const how of ['close', 'closeImmediately'] as const) {
    const { client, peer } = await world.pair();
    await client.write(bytes('unread'));
    for (let turn = 0; turn < 20; turn++) await nextTask();
    const pending = peer.read();
    assert.equal(text(await pending), 'unread');
    await client.write(bytes('unread again'));
    for (let turn = 0; turn < 20; turn++) await nextTask();
    await peer[how]();
    await peer.closed;
    assert.equal((await peer.read()).byteLength, 0);
    await assert.rejects(peer.read(), CLOSED);
  }
});

each('ClientSocket keeps at most a bound unread, however fast its peer is', async (world) => {
  const { client, peer } = await world.pair();
  await clog(client);
  const count = (): number => received(world, peer.localPort, peer.remotePort);
  // One more chunk may be in hand when it stops.
  assert.ok(count() >= READ_LIMIT, `${String(count())} bytes were read`);
  assert.ok(count() < READ_LIMIT * 2, `${String(count())} bytes were read`);
  const before = count();
  for (let round = 0; round < 100; round++) {
    peer.suspend();
    peer.resume();
    await nextTask();
  }
  assert.equal(count(), before, 'resume does not go beyond the bound');
});

each('ClientSocket.suspend holds back what comes, and its end, until as many resumes', async (world) => {
  const { client, peer } = await world.pair();
  await client.write(bytes('before'));
  assert.equal(text(await peer.read()), 'before');
  peer.suspend();
  peer.suspend();
  await client.write(bytes('held'));
  await client.close();
  const held = peer.read();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  peer.resume();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  assert.equal(await stateOf(held), 'pending');
  assert.equal(peer.readyState, 'open');
  peer.resume();
  peer.resume();
  assert.equal(text(await held), 'held');
  assert.equal((await peer.read()).byteLength, 0);
  // A resume too many was not kept: one suspend is still one.
  const again = await world.pair();
  again.peer.resume();
  again.peer.suspend();
  await again.client.write(bytes('held'));
  const read = again.peer.read();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  assert.equal(await stateOf(read), 'pending');
  again.peer.resume();
  assert.equal(text(await read), 'held');
});

each('ClientSocket.suspend before the connection is there counts', async (world) => {
  const server = await world.tcp.listen();
  const client = await world.tcp.connect({ host: '127.0.0.1', port: server.localPort });
  client.suspend();
  const [peer] = await Promise.all([server.connections.next(), client.opened]);
  assert.ok(peer.value !== undefined);
  await peer.value.write(bytes('early'));
  const read = client.read();
  for (let turn = 0; turn < 20; turn++) await nextTask();
  assert.equal(await stateOf(read), 'pending');
  client.resume();
  assert.equal(text(await read), 'early');
});

each('ClientSocket.write: each promise is about its own bytes', async (world) => {
  const { client, peer } = await world.pair();
  peer.suspend();
  await clog(client);
  const order: number[] = [];
  const writes = [0, 1, 2, 3].map((i) =>
    client.write(new Uint8Array(100_000)).then(() => {
      order.push(i);
    }),
  );
  assert.deepEqual(order, []);
  peer.resume();
  await readUntil(peer, Promise.all(writes));
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.equal(client.bufferedAmount, 0);
});

each('ClientSocket.write of more than may wait is taken whole, and a further one refused', async (world) => {
  const { client, peer } = await world.pair();
  peer.suspend();
  await clog(client);
  const most = client.write(new Uint8Array(64 * 1024 * 1024));
  assert.equal(await stateOf(most), 'pending');
  await assert.rejects(client.write(new Uint8Array(1)), { name: 'IOError', code: 'ERR_SOCKET_OVERFLOW' });
  await client.closeImmediately();
  await assert.rejects(most, CLOSED);
});

each('ClientSocket.write rejects all that waits when the connection breaks', async (world) => {
  const { client, peer } = await world.pair();
  peer.suspend();
  await clog(client);
  const writes = [client.write(new Uint8Array(100_000)), client.write(bytes('x'))];
  const settled = Promise.allSettled(writes);
  void peer.closeImmediately();
  for (const outcome of await settled) {
    assert.equal(outcome.status, 'rejected');
    assert.equal((outcome.reason as IOError).name, 'IOError');
    assert.equal((outcome.reason as IOError).reason, 'NetworkInterruptError');
  }
  await assert.rejects(client.closed, { name: 'IOError', reason: 'NetworkInterruptError' });
  await assert.rejects(client.read(), { name: 'IOError', reason: 'NetworkInterruptError' });
  assert.equal(client.bufferedAmount, 0);
});

each('ClientSocket that is reset: what came is read, then closed rejects, then reads do', async (world) => {
  const { client, peer } = await world.pair();
  await client.write(bytes('last words'));
  const first = await peer.read();
  assert.equal(text(first), 'last words');
  const reads = [peer.read(), peer.read()];
  const outcomes = Promise.allSettled(reads);
  await client.closeImmediately();
  await assert.rejects(peer.closed, BROKEN);
  assert.equal(await stateOf(reads[0] ?? peer.closed), 'pending', 'a task later');
  for (const outcome of await outcomes) assert.equal(outcome.status, 'rejected');
  await client.closed;
});

each(
  'ClientSocket.closed resolves whatever broke where that is asked for',
  async (world) => {
    const { client, peer } = await world.pair();
    await client.closeImmediately();
    await peer.closed;
    const refused = await world.tcp.connect({ host: '127.0.0.1', port: 1 });
    await assert.rejects(refused.opened, { name: 'IOError' });
    await refused.closed;
  },
  { options: { closedRejects: false } },
);

each('ClientSocket: its promises are the same objects each time', async (world) => {
  const { client, peer, server } = await world.pair();
  for (const socket of [client, peer]) {
    assert.equal(socket.opened, socket.opened);
    assert.equal(socket.closed, socket.closed);
  }
  assert.equal(server.closed, server.closed);
  assert.equal(server.connections, server.connections);
  assert.equal(server.connections[Symbol.asyncIterator](), server.connections);
});

each('ClientSocket.close again, in every state, does nothing more', async (world) => {
  const { client, peer } = await world.pair();
  const all = [client.close(), client.close(), client.closeImmediately(), client.close()];
  await Promise.all(all);
  await Promise.all([client.close(), client.closeImmediately(), client.closed]);
  await Promise.allSettled([peer.closed]);
  await Promise.all([peer.closeImmediately(), peer.close()]);
  await client[Symbol.asyncDispose]();
});

each('ClientSocket.close while connecting: opened rejects, closed resolves', async (world) => {
  for (const how of ['close', 'closeImmediately'] as const) {
    const server = await world.tcp.listen();
    const client = await world.tcp.connect({ host: '127.0.0.1', port: server.localPort });
    const [first, second] = [client.read(), client.read()];
    const outcome = Promise.allSettled([first, second]);
    const closing = client[how]();
    assert.notEqual(client.readyState, 'open');
    await assert.rejects(client.opened, { name: 'IOError', message: 'closed before it was opened' });
    await Promise.all([closing, client.closed]);
    assert.equal(client.readyState, 'closed');
    const [empty, rejected] = await outcome;
    assert.deepEqual(empty, { status: 'fulfilled', value: new ArrayBuffer(0) });
    assert.equal(rejected.status, 'rejected');
    await server.close();
  }
});

each('ClientSocket: a signal gives the attempt up, and not the connection', async (world) => {
  const server = await world.tcp.listen();
  const aborted = AbortSignal.abort(new Error('too late'));
  const to = { host: '127.0.0.1', port: server.localPort };
  const given = await world.tcp.connect({ ...to, signal: aborted });
  await assert.rejects(given.opened, { message: 'closed before it was opened' });
  await given.closed;
  const control = new AbortController();
  const client = await world.tcp.connect({ ...to, signal: control.signal, awaitOpen: true });
  assert.equal(client.readyState, 'open');
  control.abort();
  await nextTask();
  assert.equal(client.readyState, 'open');
});

each('TCPSocket.connect waits for the connection where awaitOpen asks for it', async (world) => {
  const server = await world.tcp.listen();
  const port = server.localPort;
  const client = await world.tcp.connect({ host: '127.0.0.1', port, awaitOpen: true });
  assert.equal(client.readyState, 'open');
  await server.close();
  const refused = { message: 'ConnectionRefusedError: Network' };
  await assert.rejects(world.tcp.connect({ host: '127.0.0.1', port, awaitOpen: true }), refused);
});

each('ClientSocket getters answer in every state', async (world) => {
  const server = await world.tcp.listen();
  const client = await world.tcp.connect({ host: 'localhost', port: server.localPort });
  assert.deepEqual(
    [client.localAddress, client.localPort, client.remoteAddress, client.remotePort, client.bufferedAmount],
    [undefined, undefined, undefined, undefined, 0],
  );
  await client.opened;
  const { localPort } = client;
  assert.equal(client.localAddress, '127.0.0.1');
  assert.equal(client.remoteAddress, '127.0.0.1');
  assert.ok(localPort !== undefined && localPort > 0);
  await client.close();
  assert.equal(client.localPort, localPort);
  assert.equal(client.host, 'localhost');
  assert.equal(client.port, server.localPort);
  assert.equal(client.remoteAddress, '127.0.0.1');
  assert.equal(client.tls, undefined);
  assert.equal(client.bufferedAmount, 0);
  assert.equal(client.readyState, 'closed');
  client.suspend();
  client.resume();
  assert.throws(() => {
    client.setNoDelay(true);
  }, NOT_OPEN);
});

each('ClientSocket.setNoDelay and setKeepAlive', async (world) => {
  const { client, peer } = await world.pair();
  for (const socket of [client, peer]) {
    socket.setNoDelay(false);
    socket.setNoDelay(true);
    socket.setKeepAlive({ idle: 30 });
    assert.throws(() => {
      socket.setNoDelay('yes' as never);
    }, TypeError);
  }
});

/** Writes down the options of sockets that are asked for. */
function watched(inner: SocketProvider, asked: unknown[]): SocketProvider {
  return new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      return (...args: readonly [{ readonly options?: object }]): unknown => {
        if (key === 'connect' || key === 'listen') asked.push(args[0].options);
        return Reflect.apply(value as () => unknown, target, args);
      };
    },
  });
}

test('ClientSocket sends small writes at once unless told otherwise, on both sides', async () => {
  const asked: unknown[] = [];
  const world = new World('watched', watched(memoryProvider(), asked));
  await world.pair();
  assert.deepEqual(asked, [{ noDelay: true }, { noDelay: true }]);
  await world.host.close();
  await world.provider.close();
});

each('ClientSocket.write takes bytes of all kinds, as they are at the call', async (world) => {
  const { client, peer } = await world.pair();
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set(bytes('shar'));
  const foreign = runInNewContext('new Uint8Array([102, 111, 114]).buffer') as ArrayBuffer;
  const foreignView = runInNewContext('new Uint16Array([0x6261, 0x6463])') as Uint16Array;
  const own = bytes('own!');
  const cases: readonly (readonly [unknown, string])[] = [
    [bytes('abcdef').buffer, 'abcdef'],
    [bytes('abcdef').subarray(2, 5), 'cde'],
    [new DataView(bytes('abcdef').buffer, 1, 2), 'bc'],
    [new Uint16Array([0x6261]), 'ab'],
    [Buffer.from('pooled'), 'pooled'],
    [shared, 'shar'],
    [shared.buffer, 'shar'],
    [foreign, 'for'],
    [foreignView, 'abcd'],
    [own, 'own!'],
  ];
  for (const [data, expected] of cases) {
    const written = client.write(data as ArrayBuffer);
    if (data === own) own.fill(0);
    await written;
    const read = await readBytes(peer, expected.length);
    assert.equal(text(read.buffer as ArrayBuffer), expected);
  }
});

each('ClientSocket.write refuses what is no bytes, and stays as it was', async (world) => {
  const { client, peer } = await world.pair();
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const none = ['text', 5, null, undefined, {}, [1], { [Symbol.toStringTag]: 'ArrayBuffer' }, detached];
  const fake = Object.create(ArrayBuffer.prototype) as ArrayBuffer;
  for (const value of [...none, detached.buffer, fake])
    await assert.rejects(client.write(value as ArrayBuffer), TypeError);
  const four = bytes('four');
  for (const [offset, length, error] of [
    [5, undefined, RangeError],
    [-1, undefined, RangeError],
    [0, 5, RangeError],
    [2, 3, RangeError],
    [0.5, undefined, RangeError],
    [NaN, undefined, RangeError],
    [0, -1, RangeError],
    ['0', undefined, TypeError],
    [0, '1', TypeError],
  ] as const)
    await assert.rejects(client.write(four, offset as number, length as number), error);
  await client.write(four, 4);
  await client.write(four, 0, 0);
  await client.write(four, undefined, 2);
  void client.close();
  assert.equal(await readAll(peer), 'fo');
});

each('ClientSocket.write rejects, and does not throw, where it is not open', async (world) => {
  const server = await world.tcp.listen();
  const client = await world.tcp.connect({ host: '127.0.0.1', port: server.localPort });
  await assert.rejects(client.write(bytes('early')), NOT_OPEN);
  await client.opened;
  const closing = client.close();
  await assert.rejects(client.write(bytes('late')), NOT_OPEN);
  await closing;
  await assert.rejects(client.write(bytes('later')), NOT_OPEN);
});

each('ClientSocket and ServerSocket cannot be constructed', async (world) => {
  const { client, server } = await world.pair();
  for (const socket of [client, server]) {
    const made = socket.constructor as new () => unknown;
    assert.throws(() => new made(), { name: 'TypeError', message: 'Illegal constructor' });
  }
});

each('ClientSocket whose provider ends rejects what waits', async (world) => {
  const { client } = await world.pair();
  const read = client.read();
  await world.provider.close();
  await Promise.allSettled([client.closed]);
  assert.equal(client.readyState, 'closed');
  await Promise.allSettled([read]);
  client.suspend();
  client.resume();
});
