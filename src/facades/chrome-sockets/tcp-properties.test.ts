import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StubApp, StubListener, StubStream } from './test-kit.ts';

test('sockets.tcp.create counts ids from 1 and never uses one again', async () => {
  const app = new StubApp();
  assert.equal(await app.createTcp(), 1);
  assert.equal(await app.createTcp(), 2);
  app.tcp.close(2);
  assert.equal(await app.createTcp(), 3);
  assert.equal(await app.createServer(), 1);
});

test('sockets.tcp.getInfo of a fresh socket has no optional fields', async () => {
  const app = new StubApp();
  assert.deepEqual(await app.tcpInfo(await app.createTcp()), {
    socketId: 1,
    persistent: false,
    paused: false,
    connected: false,
  });
});

test('sockets.tcp.getInfo tells properties, addresses and state', async () => {
  const app = new StubApp();
  const id = await app.connected(new StubStream('::ffff:127.0.0.1', '2001:db8::1'), {
    name: 'test',
    persistent: true,
    bufferSize: 104,
  });
  assert.deepEqual(await app.tcpInfo(id), {
    socketId: 1,
    persistent: true,
    name: 'test',
    bufferSize: 104,
    paused: false,
    connected: true,
    localAddress: '::ffff:7f00:1',
    localPort: 40001,
    peerAddress: '2001:db8::1',
    peerPort: 7,
  });
});

test('sockets.tcp.update changes only what is given', async () => {
  const app = new StubApp();
  const id = await app.createTcp({ name: 'test', persistent: true, bufferSize: 104 });
  app.tcp.update(id, { name: 'test2' });
  assert.deepEqual(await app.tcpInfo(id), {
    socketId: 1,
    persistent: true,
    name: 'test2',
    bufferSize: 104,
    paused: false,
    connected: false,
  });
  app.tcp.update(id, { name: '', persistent: false, bufferSize: -1 });
  assert.deepEqual(await app.tcpInfo(id), {
    socketId: 1,
    persistent: false,
    paused: false,
    connected: false,
  });
});

test('sockets.tcp.getSockets lists own sockets, accepted ones too', async () => {
  const app = new StubApp();
  const listener = new StubListener();
  await app.createTcp({ name: 'mine' });
  await app.listening(listener);
  listener.sink?.accept(new StubStream());
  const { args } = await app.answer((callback) => {
    app.tcp.getSockets(callback);
  });
  const infos = args[0] as { socketId: number; connected: boolean }[];
  assert.deepEqual(
    infos.map(({ socketId, connected }) => [socketId, connected]),
    [
      [1, false],
      [2, true],
    ],
  );
});

test('sockets.tcp.disconnect leaves the properties and paused as they were', async () => {
  const app = new StubApp();
  const id = await app.connected(new StubStream(), { name: 'x' });
  await app.answer((callback) => {
    app.tcp.disconnect(id, callback);
  });
  assert.deepEqual(await app.tcpInfo(id), {
    socketId: 1,
    persistent: false,
    name: 'x',
    paused: false,
    connected: false,
  });
  const again = new StubStream();
  await app.connected(again, {}, id);
  assert.notEqual(again.sink, undefined);
});

test('sockets.tcp.close makes the id unknown at once', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  stream.holdsClose = true;
  app.tcp.close(id);
  const answer = await app.answer((callback) => {
    app.tcp.getInfo(id, callback);
  });
  assert.deepEqual(answer, { args: [], error: 'Socket not found' });
});

test('sockets.tcp.secure of a connected socket closes it and gives up the id', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  await app.answer((callback) => {
    app.tcp.secure(id, callback);
  });
  assert.ok(stream.isClosed);
  const answer = await app.answer((callback) => {
    app.tcp.getInfo(id, callback);
  });
  assert.equal(answer.error, 'Socket not found');
});

test('sockets.tcp.setKeepAlive and setNoDelay set what they say', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.setKeepAlive(id, true, app.recorder());
  app.tcp.setKeepAlive(id, true, 1000, app.recorder());
  app.tcp.setKeepAlive(id, false, 1000, app.recorder());
  app.tcp.setKeepAlive(id, false, -1, app.recorder());
  app.tcp.setNoDelay(id, false, app.recorder());
  assert.deepEqual(stream.setCalls, [
    ['keepAlive', true],
    ['keepAlive', { idle: 1000, interval: 1000 }],
    ['keepAlive', false],
    ['keepAlive', false],
    ['noDelay', false],
  ]);
});
