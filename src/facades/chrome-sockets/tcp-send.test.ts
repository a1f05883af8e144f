import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenError } from '../../base/errors.ts';
import { StubApp, StubStream, TextBytes } from './test-kit.ts';

const UNKNOWN = 999;
const { bytes } = new TextBytes('hello');

test('sockets.tcp.close sends what was given before, and answers the sends first', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  stream.holdsClose = true;
  app.log.length = 0;
  app.tcp.send(id, bytes, app.recorder('send'));
  app.tcp.close(id, app.recorder('close'));
  assert.deepEqual(stream.closeDeadline, { timeout: 30_000 });
  assert.ok(!stream.isAborted);
  stream.settle();
  stream.closed();
  await app.flush();
  assert.deepEqual(app.log, ['send', 'close']);
});

test('sockets.tcp.send takes the bytes during the call, and only those that are viewed', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const { buffer } = new TextBytes('0123456789').bytes;
  const callback = app.recorder();
  app.tcp.send(id, buffer as ArrayBuffer, callback);
  app.tcp.send(id, new Uint8Array(buffer, 2, 3), callback);
  app.tcp.send(id, new DataView(buffer, 4, 2), callback);
  app.tcp.send(id, new Uint16Array(buffer, 6, 2), callback);
  new Uint8Array(buffer).fill(0);
  assert.deepEqual(
    stream.writes.map((write) => String.fromCharCode(...write)),
    ['0123456789', '234', '45', '6789'],
  );
  for (let i = 0; i < 4; i++) stream.settle();
  assert.deepEqual(
    callback.answers.map(({ args }) => (args[0] as { bytesSent: number }).bytesSent),
    [10, 3, 2, 4],
  );
});

test('sockets.tcp.send takes a detached buffer for an empty one', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const buffer = new ArrayBuffer(8);
  const view = new Uint8Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  app.tcp.send(id, buffer, app.recorder());
  app.tcp.send(id, new DataView(new ArrayBuffer(0)), app.recorder());
  app.tcp.send(id, view, app.recorder());
  assert.deepEqual(
    stream.writes.map((write) => write.length),
    [0, 0, 0],
  );
});

test('sockets.tcp.send answers in order, each with its own length', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const results: unknown[] = [];
  for (const size of [1, 2, 3, 4, 5]) {
    app.tcp.send(id, new ArrayBuffer(size), (info) => results.push([size, info.bytesSent]));
  }
  stream.settle();
  stream.settle();
  app.tcp.send(id, new ArrayBuffer(6), (info) => results.push([6, info.bytesSent]));
  for (let i = 0; i < 4; i++) stream.settle();
  assert.deepEqual(results, [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
    [6, 6],
  ]);
});

test('sockets.tcp.send again from inside its callback keeps the order', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const results: string[] = [];
  app.tcp.send(id, bytes, () => {
    results.push('one');
    app.tcp.send(id, bytes, () => results.push('three'));
  });
  app.tcp.send(id, bytes, () => results.push('two'));
  for (let i = 0; i < 3; i++) stream.settle();
  assert.deepEqual(results, ['one', 'two', 'three']);
});

test('sockets.tcp.send that finds the peer gone disconnects a socket that reads, which then hears the end', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.onReceiveError.addListener(app.recorder('onReceiveError'));
  app.tcp.onReceive.addListener(app.recorder('onReceive'));
  app.log.length = 0;
  app.tcp.send(id, bytes, app.recorder('send'));
  stream.settle(new BrokenError());
  assert.equal((await app.tcpInfo(id))['connected'], false);
  const next = await app.answer((callback) => {
    app.tcp.send(id, bytes, callback);
  });
  assert.deepEqual(next, { args: [{ resultCode: -15 }], error: 'net::ERR_SOCKET_NOT_CONNECTED' });
  stream.receive('last words');
  stream.sink?.close(new BrokenError());
  assert.deepEqual(
    app.log.filter((label) => label !== 'callback'),
    ['send', 'onReceive', 'onReceiveError'],
  );
});

test('sockets.tcp.send that finds the peer gone ends a paused socket without an event', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.setPaused(id, true);
  app.tcp.onReceiveError.addListener(app.recorder('onReceiveError'));
  app.tcp.send(id, bytes, app.recorder('send'));
  stream.settle(new BrokenError());
  assert.ok(stream.isAborted);
  app.tcp.setPaused(id, false);
  await app.flush();
  assert.ok(!app.log.includes('onReceiveError'));
  assert.equal((await app.tcpInfo(id))['connected'], false);
});

test('sockets.tcp.send that was cut by disconnect does not touch the next connection', async () => {
  const app = new StubApp();
  const old = new StubStream();
  const id = await app.connected(old);
  const cut = app.recorder('cut');
  app.tcp.send(id, bytes, cut);
  app.tcp.disconnect(id);
  const fresh = new StubStream();
  await app.connected(fresh, {}, id);
  old.settle(new BrokenError());
  assert.deepEqual(cut.answers, [{ args: [{ resultCode: -2 }], error: 'net::ERR_FAILED' }]);
  assert.equal((await app.tcpInfo(id))['connected'], true);
  const ok = app.recorder('ok');
  app.tcp.send(id, bytes, ok);
  fresh.settle();
  assert.deepEqual(ok.answers, [{ args: [{ resultCode: 0, bytesSent: 5 }], error: undefined }]);
});

test('sockets.tcp.send refuses what would pass the quota of the app, and takes it when there is room', async () => {
  const app = new StubApp();
  const [one, two] = [new StubStream(), new StubStream()];
  const [a, b] = [await app.connected(one), await app.connected(two)];
  const mebi = new ArrayBuffer(1024 * 1024);
  one.write = (_bytes, done) => {
    if (done !== undefined) one.dones.push(done);
    return true;
  };
  for (let i = 0; i < 200; i++) app.tcp.send(a, mebi, app.recorder());
  const over = { args: [], error: 'Exceeded write quota.' };
  assert.deepEqual(
    await app.answer((callback) => {
      app.tcp.send(b, new ArrayBuffer(1), callback);
    }),
    over,
  );
  assert.deepEqual(
    await app.answer((callback) => {
      app.tcp.send(UNKNOWN, new ArrayBuffer(1), callback);
    }),
    over,
  );
  one.settle();
  app.tcp.send(b, new ArrayBuffer(1), app.recorder());
  assert.equal(two.writes.length, 1);
});

test('sockets.tcp.send answers ten thousand waiting sends in order', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const count = 10_000;
  const results: (number | undefined)[] = [];
  for (let i = 0; i < count; i++)
    app.tcp.send(id, new ArrayBuffer(i % 7), (info) => results.push(info.bytesSent));
  while (results.length < count) stream.settle();
  assert.deepEqual(
    results,
    Array.from({ length: count }, (_, i) => i % 7),
  );
});
