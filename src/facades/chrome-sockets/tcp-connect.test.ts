import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedError, ConnectError, SystemError } from '../../base/errors.ts';
import type { ConnectOptions } from '../../base/provider.ts';
import { StubApp, StubStream } from './test-kit.ts';

function refused(code: string): ConnectError {
  return new ConnectError([new SystemError(code)]);
}

test('sockets.tcp.connect asks with the options that Chromium sets', async () => {
  const app = new StubApp();
  app.tcp.connect(await app.createTcp(), 'peer.example', 65616, 'ipv6', app.recorder());
  const { signal, ...options } = app.provider.connects[0]?.options as ConnectOptions & { host: string };
  assert.deepEqual(options, {
    host: 'peer.example',
    port: 80,
    family: 'ipv6',
    options: { noDelay: true, keepAlive: { idle: 45, interval: 45 } },
    writeLimit: 200 * 1024 * 1024,
  });
  assert.equal(signal?.aborted, false);
});

for (const [given, port] of [
  [80, 80],
  [-1, 65535],
  [65536, 0],
  [65616, 80],
  [-65456, 80],
] as const) {
  test(`sockets.tcp.connect takes port ${String(given)} for ${String(port)}`, async () => {
    const app = new StubApp();
    app.tcp.connect(await app.createTcp(), 'a', given, app.recorder());
    assert.equal((app.provider.connects[0]?.options as { port: number }).port, port);
  });
}

test('sockets.tcp.connect asks permits first, with the literal host', async () => {
  const asked: unknown[] = [];
  const app = new StubApp({
    permits: (...request) => {
      asked.push(request);
      return false;
    },
  });
  const answer = await app.answer((callback) => {
    app.tcp.connect(1, 'nobody', 1, callback);
  });
  assert.deepEqual(answer, { args: [], error: 'Socket not found' });
  const id = await app.createTcp();
  assert.deepEqual(
    await app.answer((callback) => {
      app.tcp.connect(id, '[::1]', 65616, callback);
    }),
    {
      args: [],
      error: 'Does not have permission',
    },
  );
  assert.deepEqual(asked, [['tcp-connect', '[::1]', 80]]);
  assert.equal(app.provider.connects.length, 0);
});

test('sockets.tcp.connect reports what is no error of a provider', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const fault = new TypeError('a bug');
  const answer = await app.answer((callback) => {
    app.tcp.connect(id, 'a', 1, callback);
    app.provider.connects[0]?.reject(fault);
  });
  assert.deepEqual(answer, { args: [-104], error: 'net::ERR_CONNECTION_FAILED' });
  assert.deepEqual(app.reports, [fault]);
});

test('sockets.tcp.connect may be tried again after it failed', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  await app.answer((callback) => {
    app.tcp.connect(id, 'a', 1, callback);
    app.provider.connects[0]?.reject(refused('ECONNREFUSED'));
  });
  await app.connected(new StubStream(), {}, id);
  assert.equal((await app.tcpInfo(id))['connected'], true);
});

for (const cut of ['close', 'disconnect'] as const) {
  test(`sockets.tcp.connect is never answered after ${cut}, and its stream is let go`, async () => {
    const app = new StubApp();
    const id = await app.createTcp();
    const never = app.recorder('connect');
    app.tcp.connect(id, 'a', 1, never);
    const [pending] = app.provider.connects;
    assert.deepEqual(
      await app.answer((callback) => {
        app.tcp[cut](id, callback);
      }),
      { args: [], error: undefined },
    );
    assert.equal((pending?.options as ConnectOptions).signal?.aborted, true);
    const late = new StubStream();
    pending?.resolve(late);
    await app.flush();
    assert.equal(never.answers.length, 0);
    assert.ok(late.isAborted);
  });

  test(`sockets.tcp.connect that fails after ${cut} is not answered`, async () => {
    const app = new StubApp();
    const id = await app.createTcp();
    const never = app.recorder('connect');
    app.tcp.connect(id, 'a', 1, never);
    app.tcp[cut](id);
    app.provider.connects[0]?.reject(new ClosedError());
    await app.flush();
    assert.equal(never.answers.length, 0);
    assert.deepEqual(app.warnings, []);
  });
}

test('sockets.tcp.connect may follow a disconnect that cut one', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const first = app.recorder('first');
  app.tcp.connect(id, 'a', 1, first);
  app.tcp.disconnect(id);
  const stream = new StubStream();
  await app.connected(stream, {}, id);
  app.provider.connects[0]?.resolve(new StubStream());
  await app.flush();
  assert.equal(first.answers.length, 0);
  assert.equal((await app.tcpInfo(id))['connected'], true);
  assert.ok(!stream.isAborted);
});

test('sockets.tcp.connect answers before it reads', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const stream = new StubStream();
  let wasReading: boolean | undefined;
  app.tcp.connect(id, 'a', 1, () => {
    wasReading = stream.sink !== undefined;
  });
  app.provider.connects[0]?.resolve(stream);
  await app.flush();
  assert.equal(wasReading, false);
  assert.deepEqual(stream.readOptions, { readSize: 4096 });
});

for (const undo of ['close', 'disconnect'] as const) {
  test(`sockets.tcp.${undo} inside the callback of connect leaves nothing that reads`, async () => {
    const app = new StubApp();
    const id = await app.createTcp();
    const stream = new StubStream();
    app.tcp.connect(id, 'a', 1, () => {
      app.tcp[undo](id);
    });
    app.provider.connects[0]?.resolve(stream);
    await app.flush();
    assert.equal(stream.sink, undefined);
    assert.ok(stream.isClosed);
  });
}
