import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { ManualClock } from '../../testing/manual-clock.ts';
import { StubApp, StubListener, StubStream } from './test-kit.ts';

test('runtime.lastError that nobody looks at is told as unchecked', async () => {
  const app = new StubApp();
  app.tcp.close(9);
  app.tcp.close(9, () => undefined);
  await app.flush();
  assert.deepEqual(app.warnings, [
    'Unchecked runtime.lastError: Socket not found',
    'Unchecked runtime.lastError: Socket not found',
  ]);
});

test('runtime.lastError is there during the callback alone', async () => {
  const app = new StubApp();
  const seen: unknown[] = [];
  app.tcp.close(9, () => seen.push(app.host.runtime.lastError));
  app.tcp.getSockets(() => seen.push(app.host.runtime.lastError));
  await app.flush();
  assert.deepEqual(seen, [{ message: 'Socket not found' }, undefined]);
  assert.equal(app.host.runtime.lastError, undefined);
});

test('runtime.lastError goes when the callback throws, and the exception is reported', async () => {
  const app = new StubApp();
  const fault = new Error('from the app');
  app.tcp.close(9, () => {
    throw fault;
  });
  await app.flush();
  assert.deepEqual(app.reports, [fault]);
  assert.equal(app.host.runtime.lastError, undefined);
  assert.deepEqual(app.warnings, ['Unchecked runtime.lastError: Socket not found']);
});

test('runtime.getManifest gives a copy', () => {
  const app = new StubApp({ manifest: { name: 'app', sockets: {} } });
  const copy = app.host.runtime.getManifest();
  assert.deepEqual(copy, { name: 'app', sockets: {} });
  copy['name'] = 'changed';
  assert.equal(app.host.runtime.getManifest()['name'], 'app');
});

test('runtime.id has the form of an app id', () => {
  assert.match(new StubApp().host.runtime.id, /^[a-p]{32}$/);
  assert.equal(new StubApp({ id: 'b'.repeat(32) }).host.runtime.id, 'b'.repeat(32));
});

test('events call each listener once, in order, and survive those that throw or leave', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  await app.connected(stream);
  const log: string[] = [];
  const { onReceive } = app.tcp;
  const fault = new Error('listener');
  const first = (): void => {
    log.push('first');
    onReceive.removeListener(second);
    throw fault;
  };
  const second = (): void => {
    log.push('second');
  };
  onReceive.addListener(first);
  onReceive.addListener(second);
  onReceive.addListener(first);
  assert.deepEqual([onReceive.hasListener(first), onReceive.hasListener(() => undefined)], [true, false]);
  stream.receive('x');
  assert.deepEqual(log, ['first', 'second']);
  stream.receive('x');
  assert.deepEqual(log, ['first', 'second', 'first']);
  assert.deepEqual(app.reports, [fault, fault]);
  onReceive.removeListener(first);
  assert.equal(onReceive.hasListeners(), false);
});

test('events refuse a listener that is no function', () => {
  const { onAccept } = new StubApp().tcpServer;
  assert.throws(
    () => {
      onAccept.addListener('x' as never);
    },
    {
      name: 'TypeError',
      message:
        'Error in invocation of sockets.tcpServer.onAccept.addListener(function callback): No matching signature.',
    },
  );
});

test('events reach all listeners although one closes the socket', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  app.tcp.onReceive.addListener(() => {
    app.tcp.close(id);
  });
  app.tcp.onReceive.addListener(app.recorder('second'));
  stream.receive('x');
  assert.ok(app.log.includes('second'));
});

test('rows tells of every socket', async () => {
  const app = new StubApp();
  await app.listening(new StubListener());
  await app.connected(new StubStream('::ffff:127.0.0.1', '::1'), { name: 'mine' });
  await app.createTcp();
  assert.deepEqual(
    [...app.host.rows()],
    [
      {
        socketId: 1,
        kind: 'tcpServer',
        state: 'listening',
        local: '127.0.0.1:8080',
        bytesIn: 0,
        bytesOut: 0,
        paused: false,
        name: '',
      },
      {
        socketId: 1,
        kind: 'tcp',
        state: 'connected',
        local: '[::ffff:127.0.0.1]:40001',
        peer: '[::1]:7',
        bytesIn: 0,
        bytesOut: 0,
        paused: false,
        name: 'mine',
      },
      { socketId: 2, kind: 'tcp', state: 'idle', bytesIn: 0, bytesOut: 0, paused: false, name: '' },
    ],
  );
});

test('close ends everything: sockets closed in order, nothing told, calls throw', async () => {
  const app = new StubApp();
  const [listener, stream, other] = [new StubListener(), new StubStream(), new StubStream()];
  await app.listening(listener);
  const id = await app.connected(stream);
  await app.connected(other);
  const never = app.recorder('never');
  for (const event of [app.tcp.onReceive, app.tcp.onReceiveError, app.tcpServer.onAccept])
    event.addListener(never);
  const connecting = await app.createTcp();
  app.tcp.connect(connecting, 'a', 1, never);
  app.tcp.send(id, new ArrayBuffer(3), never);
  app.tcp.getInfo(id, never);
  stream.holdsClose = true;
  let isClosed = false;
  const closing = app.host.close().then(() => {
    isClosed = true;
  });
  await app.flush();
  assert.equal(isClosed, false);
  assert.deepEqual([listener.isClosed, stream.isClosed, other.isClosed], [true, true, true]);
  stream.receive('late');
  stream.settle();
  stream.closed();
  await closing;
  await app.flush();
  assert.equal(never.answers.length, 0);
  assert.deepEqual([...app.host.rows()], []);
  assert.throws(
    () => {
      app.tcp.getSockets(never);
    },
    { message: 'Extension context invalidated.' },
  );
  assert.throws(
    () => {
      app.tcp.send(id, new ArrayBuffer(1), never);
    },
    { message: 'Extension context invalidated.' },
  );
  assert.equal(app.host.close(), app.host.close());
});

test('close gives a second for what is still to be sent, also to sockets that were closed before', async () => {
  const clock = new ManualClock();
  const app = new StubApp({ clock });
  const [before, during] = [new StubStream(), new StubStream()];
  const id = await app.connected(before);
  await app.connected(during);
  for (const stream of [before, during]) stream.holdsClose = true;
  app.tcp.close(id);
  const closing = app.host.close();
  clock.advance(999);
  assert.deepEqual([before.isAborted, during.isAborted], [false, false]);
  clock.advance(1);
  assert.deepEqual([before.isAborted, during.isAborted], [true, true]);
  for (const stream of [before, during]) stream.closed();
  await closing;
});

test('close leaves no timer behind', async () => {
  const clock = new ManualClock();
  const app = new StubApp({ clock });
  await app.connected(new StubStream());
  await app.host.close();
  assert.equal(clock.pending, 0);
});

test('close does not wait for a connect that is under way, whose stream is let go', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  app.tcp.connect(id, 'a', 1, app.recorder('never'));
  await app.host.close();
  const late = new StubStream();
  app.provider.connects[0]?.resolve(late);
  await app.flush();
  assert.ok(late.isAborted);
});

type Call = (...args: unknown[]) => unknown;

test('manifest version 3: calls without a callback answer with a promise, where Chrome documents one', async () => {
  const app = new StubApp({ manifest: { manifest_version: 3 } });
  const create: Call = (...args) => (app.tcp.create as unknown as Call)(...args);
  const created = create({ name: 'x' }) as Promise<unknown>;
  await app.flush();
  assert.deepEqual(await created, { socketId: 1 });
  const failed = assert.rejects((app.tcp.close as Call)(9) as Promise<unknown>, {
    message: 'Socket not found',
  });
  await app.flush();
  await failed;
  assert.deepEqual(app.warnings, []);
  assert.equal(create(app.recorder()), undefined);
  assert.throws(() => (app.tcp.setNoDelay as Call)(1, true), TypeError);
});

test('manifest version 2: a required callback is required', () => {
  const app = new StubApp({ manifest: { manifest_version: 2 } });
  assert.throws(() => (app.tcp.create as unknown as Call)({}), {
    message:
      'Error in invocation of sockets.tcp.create(optional sockets.tcp.SocketProperties properties, function callback): ' +
      'No matching signature.',
  });
});

test('sockets.tcp.send takes buffers and views of another realm', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  const foreign = vm.runInNewContext(
    '[new Uint8Array([1, 2, 3]).buffer, new Uint8Array([0, 4, 5]).subarray(1)]',
  ) as [ArrayBuffer, Uint8Array];
  app.tcp.send(id, foreign[0], app.recorder());
  app.tcp.send(id, foreign[1], app.recorder());
  assert.deepEqual(
    stream.writes.map((write) => [...write]),
    [
      [1, 2, 3],
      [4, 5],
    ],
  );
  assert.ok(stream.writes.every((write) => write instanceof Uint8Array));
});
