import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenError, ClosedError, SystemError } from '../../base/errors.ts';
import { StubApp, StubStream, TextBytes } from './test-kit.ts';

test('sockets.tcp.onReceive gives id and an ArrayBuffer of the chunk', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const infos: unknown[] = [];
  app.tcp.onReceive.addListener((info) => infos.push(info));
  stream.receive('hello');
  assert.deepEqual(infos, [{ socketId: id, data: new TextBytes('hello').bytes.buffer }]);
  assert.ok((infos[0] as { data: unknown }).data instanceof ArrayBuffer);
});

for (const [bufferSize, readSize] of [
  [100, 100],
  [0, 4096],
  [-5, 4096],
  [1 << 20, 262_144],
] as const) {
  test(`sockets.tcp.onReceive with bufferSize ${String(bufferSize)} reads at most ${String(readSize)}`, async () => {
    const app = new StubApp();
    const stream = new StubStream();
    await app.connected(stream, { bufferSize });
    assert.deepEqual(stream.readOptions, { readSize });
  });
}

test('sockets.tcp.update of bufferSize holds from the next chunk on', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.update(id, { bufferSize: 7 });
  assert.deepEqual(stream.readOptions, { readSize: 7 });
});

test('sockets.tcp.setPaused before connect keeps the socket from reading until it is taken back', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  app.tcp.setPaused(id, true);
  const stream = new StubStream();
  await app.connected(stream, {}, id);
  assert.equal(stream.sink, undefined);
  const callback = app.recorder();
  app.tcp.setPaused(id, false, () => {
    assert.equal(stream.sink, undefined, 'reads before the answer');
    callback();
  });
  await app.flush();
  assert.equal(callback.answers.length, 1);
  assert.notEqual(stream.sink, undefined);
});

test('sockets.tcp.setPaused holds back the chunk in hand, and gives it first', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const texts: string[] = [];
  app.tcp.onReceive.addListener(({ data }) => texts.push(String.fromCharCode(...new Uint8Array(data))));
  app.tcp.setPaused(id, true);
  assert.ok(stream.isPaused);
  stream.receive('one');
  await app.flush();
  assert.deepEqual(texts, []);
  app.tcp.setPaused(id, false);
  assert.deepEqual(texts, [], 'an event inside the call');
  await app.flush();
  assert.deepEqual(texts, ['one']);
  assert.ok(!stream.isPaused);
});

test('sockets.tcp.setPaused by the listener of a chunk that was held leaves the stream paused', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.setPaused(id, true);
  stream.receive('one');
  app.tcp.onReceive.addListener(() => {
    app.tcp.setPaused(id, true);
  });
  app.tcp.setPaused(id, false);
  await app.flush();
  assert.ok(stream.isPaused);
  assert.equal((await app.tcpInfo(id))['paused'], true);
});

test('sockets.tcp.setPaused taken back and forth before its answer leaves the socket paused', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.setPaused(id, true);
  app.tcp.setPaused(id, false, app.recorder());
  app.tcp.setPaused(id, true, app.recorder());
  await app.flush();
  assert.ok(stream.isPaused);
});

for (const ending of ['end', 'reset'] as const) {
  test(`sockets.tcp.onReceiveError tells of the peer's ${ending} with -100, and the connection is gone`, async () => {
    const app = new StubApp();
    const stream = new StubStream();
    const id = await app.connected(stream);
    const infos: unknown[] = [];
    app.tcp.onReceiveError.addListener((info) => infos.push(info));
    if (ending === 'end') stream.sink?.end?.();
    else stream.sink?.close(new BrokenError({ cause: new SystemError('ECONNRESET') }));
    stream.sink?.close(null);
    assert.deepEqual(infos, [{ socketId: id, resultCode: -100 }]);
    assert.deepEqual(await app.tcpInfo(id), {
      socketId: 1,
      persistent: false,
      paused: true,
      connected: false,
    });
    assert.equal(stream.isClosed, ending === 'end');
    const again = new StubStream();
    await app.connected(again, {}, id);
    assert.equal(again.sink, undefined, 'reads although paused');
    app.tcp.setPaused(id, false);
    assert.notEqual(again.sink, undefined);
  });
}

test('sockets.tcp.setPaused(false) on a socket that has died only flips the flag', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const events: unknown[] = [];
  stream.sink?.end?.();
  app.tcp.onReceiveError.addListener((info) => events.push(info));
  app.tcp.onReceive.addListener((info) => events.push(info));
  app.tcp.setPaused(id, false);
  await app.flush();
  assert.deepEqual(events, []);
  assert.equal((await app.tcpInfo(id))['paused'], false);
});

for (const how of ['close', 'disconnect'] as const) {
  test(`sockets.tcp.${how} raises no event at the app itself`, async () => {
    const app = new StubApp();
    const stream = new StubStream();
    const id = await app.connected(stream);
    const sink = stream.sink;
    app.tcp.onReceiveError.addListener(app.recorder('onReceiveError'));
    app.tcp.onReceive.addListener(app.recorder('onReceive'));
    stream.holdsClose = true;
    app.tcp[how](id, app.recorder('callback'));
    await app.flush();
    assert.deepEqual(app.log.slice(2), [], 'answered before the socket is closed');
    stream.receive('late');
    assert.notEqual(stream.sink, sink);
    stream.closed();
    await app.flush();
    assert.deepEqual(app.log.slice(2), ['callback']);
  });
}

test('sockets.tcp hears of the end of its provider', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream, {});
  app.tcp.setPaused(id, true);
  await app.flush();
  stream.isClosed = true;
  app.tcp.setPaused(id, false);
  app.tcp.onReceiveError.addListener(app.recorder('onReceiveError'));
  stream.sink?.close(new ClosedError());
  assert.ok(app.log.includes('onReceiveError'));
});
