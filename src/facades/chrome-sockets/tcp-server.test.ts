import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenError, DeniedError, SystemError } from '../../base/errors.ts';
import type { ListenOptions } from '../../base/provider.ts';
import type { Answer, Recorder } from './test-kit.ts';
import { StubApp, StubListener, StubStream } from './test-kit.ts';

const UNKNOWN = 999;

interface Row {
  readonly title: string;
  readonly call: (app: StubApp, callback: Recorder) => Promise<void> | void;
  readonly args: readonly unknown[];
  readonly error?: string;
}

function listenFailing(error: unknown): Row['call'] {
  return async (app, callback) => {
    app.tcpServer.listen(await app.createServer(), '127.0.0.1', 8080, callback);
    app.provider.listens.at(-1)?.reject(error);
  };
}

function listenAt(address: string, backlog?: number): Row['call'] {
  return async (app, callback) => {
    app.tcpServer.listen(await app.createServer(), address, 8080, backlog, callback);
    app.provider.listens.at(-1)?.resolve(new StubListener());
  };
}

/** Every row of the table of answers in `docs/reference/chrome.md`. */
const ROWS: readonly Row[] = [
  {
    title: 'create answers the id',
    call: (app, cb) => {
      app.tcpServer.create(cb);
    },
    args: [{ socketId: 1 }],
  },
  {
    title: 'update: unknown id',
    call: (app, cb) => {
      app.tcpServer.update(UNKNOWN, {}, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'update',
    call: async (app, cb) => {
      app.tcpServer.update(await app.createServer(), {}, cb);
    },
    args: [],
  },
  {
    title: 'setPaused: unknown id',
    call: (app, cb) => {
      app.tcpServer.setPaused(UNKNOWN, true, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'setPaused',
    call: async (app, cb) => {
      app.tcpServer.setPaused(await app.createServer(), true, cb);
    },
    args: [],
  },
  {
    title: 'listen: unknown id',
    call: (app, cb) => {
      app.tcpServer.listen(UNKNOWN, '127.0.0.1', 0, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'disconnect: unknown id',
    call: (app, cb) => {
      app.tcpServer.disconnect(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'close: unknown id',
    call: (app, cb) => {
      app.tcpServer.close(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'getInfo: unknown id',
    call: (app, cb) => {
      app.tcpServer.getInfo(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  { title: 'listen', call: listenAt('127.0.0.1'), args: [0] },
  { title: 'listen: IPv6', call: listenAt('::', 5), args: [0] },
  {
    title: 'listen: the guard says no',
    call: listenFailing(new DeniedError({}, 'no')),
    args: [],
    error: 'Does not have permission',
  },
  { title: 'listen: a name', call: listenAt('localhost'), args: [-4], error: 'net::ERR_INVALID_ARGUMENT' },
  { title: 'listen: an empty address', call: listenAt(''), args: [-4], error: 'net::ERR_INVALID_ARGUMENT' },
  { title: 'listen: a zone', call: listenAt('fe80::1%eth0'), args: [-4], error: 'net::ERR_INVALID_ARGUMENT' },
  { title: 'listen: brackets', call: listenAt('[::1]'), args: [-4], error: 'net::ERR_INVALID_ARGUMENT' },
  {
    title: 'listen: no backlog',
    call: listenAt('127.0.0.1', 0),
    args: [-4],
    error: 'net::ERR_INVALID_ARGUMENT',
  },
  {
    title: 'listen: in use',
    call: listenFailing(new SystemError('EADDRINUSE')),
    args: [-147],
    error: 'net::ERR_ADDRESS_IN_USE',
  },
  {
    title: 'listen: privileged port',
    call: listenFailing(new SystemError('EACCES')),
    args: [-10],
    error: 'net::ERR_ACCESS_DENIED',
  },
  {
    title: 'listen: not of this machine',
    call: listenFailing(new SystemError('EADDRNOTAVAIL')),
    args: [-108],
    error: 'net::ERR_ADDRESS_INVALID',
  },
  {
    title: 'disconnect: not listening',
    call: async (app, cb) => {
      app.tcpServer.disconnect(await app.createServer(), cb);
    },
    args: [],
  },
  {
    title: 'disconnect',
    call: async (app, cb) => {
      app.tcpServer.disconnect(await app.listening(new StubListener()), cb);
    },
    args: [],
  },
  {
    title: 'close',
    call: async (app, cb) => {
      app.tcpServer.close(await app.listening(new StubListener()), cb);
    },
    args: [],
  },
  {
    title: 'getSockets: none',
    call: (app, cb) => {
      app.tcpServer.getSockets(cb);
    },
    args: [[]],
  },
];

for (const { title, call, args, error } of ROWS) {
  test(`sockets.tcpServer.${title}`, async () => {
    const app = new StubApp();
    const recorder = app.recorder();
    await call(app, recorder);
    await app.flush();
    assert.deepEqual(recorder.answers, [{ args, error }] satisfies Answer[]);
    assert.deepEqual(app.warnings, []);
    assert.deepEqual(app.reports, []);
  });
}

test('sockets.tcpServer.getInfo tells properties, and addresses only while listening', async () => {
  const app = new StubApp();
  const id = await app.createServer({ name: 'web', persistent: true });
  const idle = { socketId: 1, persistent: true, name: 'web', paused: false };
  assert.deepEqual(await app.serverInfo(id), idle);
  await app.listening(new StubListener(), id);
  assert.deepEqual(await app.serverInfo(id), { ...idle, localAddress: '127.0.0.1', localPort: 8080 });
  const { args } = await app.answer((callback) => {
    app.tcpServer.getSockets(callback);
  });
  assert.deepEqual(args, [[{ ...idle, localAddress: '127.0.0.1', localPort: 8080 }]]);
  await app.answer((callback) => {
    app.tcpServer.disconnect(id, callback);
  });
  assert.deepEqual(await app.serverInfo(id), idle);
  app.tcpServer.update(id, { name: '' });
  assert.deepEqual(await app.serverInfo(id), { socketId: 1, persistent: true, paused: false });
});

test('sockets.tcpServer.listen passes the port in 16 bits and the backlog', async () => {
  const app = new StubApp();
  const id = await app.createServer();
  app.tcpServer.listen(id, '::1', 65616, 7, app.recorder());
  app.tcpServer.listen(id, '0.0.0.0', 0, app.recorder());
  app.tcpServer.listen(id, '0.0.0.0', 0, -1, app.recorder());
  const writeLimit = 200 * 1024 * 1024;
  assert.deepEqual(
    app.provider.listens.map(({ options }) => options),
    [
      { host: '::1', port: 80, backlog: 7, writeLimit },
      { host: '0.0.0.0', port: 0, backlog: undefined, writeLimit },
      { host: '0.0.0.0', port: 0, backlog: undefined, writeLimit },
    ] satisfies ListenOptions[],
  );
});

test('sockets.tcpServer.listen asks permits before it looks at the address', async () => {
  const app = new StubApp({ permits: () => false });
  const id = await app.createServer();
  const answer = await app.answer((callback) => {
    app.tcpServer.listen(id, 'localhost', 80, 0, callback);
  });
  assert.deepEqual(answer, { args: [], error: 'Does not have permission' });
});

for (const cut of ['close', 'disconnect'] as const) {
  test(`sockets.tcpServer.listen is never answered after ${cut}, and its listener is closed`, async () => {
    const app = new StubApp();
    const id = await app.createServer();
    const never = app.recorder('listen');
    app.tcpServer.listen(id, '127.0.0.1', 0, never);
    app.tcpServer[cut](id);
    const late = new StubListener();
    app.provider.listens[0]?.resolve(late);
    await app.flush();
    assert.equal(never.answers.length, 0);
    assert.ok(late.isClosed);
  });

  test(`sockets.tcpServer.listen that fails after ${cut} is not answered`, async () => {
    const app = new StubApp();
    const id = await app.createServer();
    const never = app.recorder('listen');
    app.tcpServer.listen(id, '127.0.0.1', 0, never);
    app.tcpServer[cut](id);
    app.provider.listens[0]?.reject(new SystemError('EADDRINUSE'));
    await app.flush();
    assert.equal(never.answers.length, 0);
  });

  test(`sockets.tcpServer.${cut} closes the listener without an event, and leaves accepted sockets`, async () => {
    const app = new StubApp();
    const listener = new StubListener();
    const id = await app.listening(listener);
    const stream = new StubStream();
    listener.sink?.accept(stream);
    app.tcpServer.onAcceptError.addListener(app.recorder('onAcceptError'));
    await app.answer((callback) => {
      app.tcpServer[cut](id, callback);
    });
    assert.ok(listener.isClosed);
    listener.sink?.close(null);
    const late = new StubStream();
    listener.sink?.accept(late);
    assert.ok(late.isAborted);
    assert.ok(!app.log.includes('onAcceptError'));
    assert.equal((await app.tcpInfo(1))['connected'], true);
  });
}

test('sockets.tcpServer.listen again after disconnect', async () => {
  const app = new StubApp();
  const id = await app.listening(new StubListener());
  app.tcpServer.disconnect(id);
  const second = new StubListener();
  await app.listening(second, id);
  assert.notEqual(second.sink, undefined);
});

test('sockets.tcpServer.listen on a listening server goes over to the new address if that can be had', async () => {
  const app = new StubApp();
  const first = new StubListener();
  const id = await app.listening(first);
  const failed = await app.answer((callback) => {
    app.tcpServer.listen(id, '127.0.0.1', 1, callback);
    app.provider.listens.at(-1)?.reject(new SystemError('EADDRINUSE'));
  });
  assert.deepEqual(failed.args, [-147]);
  assert.ok(!first.isClosed);
  const second = new StubListener();
  await app.listening(second, id);
  assert.ok(first.isClosed);
  assert.ok(!second.isClosed);
});

test('sockets.tcpServer.listen answers before it accepts', async () => {
  const app = new StubApp();
  const id = await app.createServer();
  const listener = new StubListener();
  let wasAccepting: boolean | undefined;
  app.tcpServer.listen(id, '127.0.0.1', 0, () => {
    wasAccepting = listener.sink !== undefined;
  });
  app.provider.listens[0]?.resolve(listener);
  await app.flush();
  assert.equal(wasAccepting, false);
  assert.notEqual(listener.sink, undefined);
});

test('sockets.tcpServer.close inside the callback of listen leaves nothing that accepts', async () => {
  const app = new StubApp();
  const id = await app.createServer();
  const listener = new StubListener();
  app.tcpServer.listen(id, '127.0.0.1', 0, () => {
    app.tcpServer.close(id);
  });
  app.provider.listens[0]?.resolve(listener);
  await app.flush();
  assert.equal(listener.sink, undefined);
  assert.ok(listener.isClosed);
});

test('sockets.tcpServer.onAccept gives a paused, connected tcp socket with both addresses', async () => {
  const app = new StubApp();
  await app.createTcp();
  const listener = new StubListener();
  const id = await app.listening(listener);
  const infos: unknown[] = [];
  app.tcpServer.onAccept.addListener((info) => infos.push(info));
  const stream = new StubStream();
  listener.sink?.accept(stream);
  assert.deepEqual(infos, [{ socketId: id, clientSocketId: 2 }]);
  assert.deepEqual(await app.tcpInfo(2), {
    socketId: 2,
    persistent: false,
    paused: true,
    connected: true,
    localAddress: '127.0.0.1',
    localPort: 40001,
    peerAddress: '127.0.0.1',
    peerPort: 7,
  });
  assert.equal(stream.sink, undefined, 'reads although paused');
  assert.deepEqual(stream.setCalls, [], 'accepted sockets keep the options of the system');
  app.tcp.setPaused(2, false);
  assert.deepEqual(stream.readOptions, { readSize: 4096 });
});

test('sockets.tcpServer.setPaused before listen: nothing is accepted until it is taken back', async () => {
  const app = new StubApp();
  const id = await app.createServer();
  app.tcpServer.setPaused(id, true);
  const listener = new StubListener();
  await app.listening(listener, id);
  assert.ok(listener.isPaused);
  const callback = app.recorder();
  app.tcpServer.setPaused(id, false, () => {
    assert.ok(listener.isPaused, 'accepts before the answer');
    callback();
  });
  await app.flush();
  assert.equal(callback.answers.length, 1);
  assert.ok(!listener.isPaused);
});

test('sockets.tcpServer.setPaused stops and resumes accepting', async () => {
  const app = new StubApp();
  const listener = new StubListener();
  const id = await app.listening(listener);
  app.tcpServer.setPaused(id, true);
  assert.ok(listener.isPaused);
  assert.equal((await app.serverInfo(id))['paused'], true);
  app.tcpServer.setPaused(id, false);
  await app.flush();
  assert.ok(!listener.isPaused);
  app.tcpServer.setPaused(id, false, app.recorder());
  app.tcpServer.setPaused(id, true, app.recorder());
  await app.flush();
  assert.ok(listener.isPaused, 'taken back before its answer');
});

test('sockets.tcpServer.onAcceptError pauses the server, which can be resumed', async () => {
  const app = new StubApp();
  const listener = new StubListener();
  const id = await app.listening(listener);
  const infos: unknown[] = [];
  app.tcpServer.onAcceptError.addListener((info) => infos.push(info));
  listener.sink?.error?.(new SystemError('EMFILE'));
  assert.deepEqual(infos, [{ socketId: id, resultCode: -12 }]);
  assert.equal((await app.serverInfo(id))['paused'], true);
  assert.ok(listener.isPaused);
  app.tcpServer.setPaused(id, false);
  await app.flush();
  assert.ok(!listener.isPaused);
});

test('sockets.tcpServer.onAcceptError tells of a listener that ended by itself', async () => {
  const app = new StubApp();
  const listener = new StubListener();
  const id = await app.listening(listener);
  const infos: unknown[] = [];
  app.tcpServer.onAcceptError.addListener((info) => infos.push(info));
  listener.isClosed = true;
  listener.sink?.close(new BrokenError({ cause: new SystemError('ENETDOWN') }));
  assert.deepEqual(infos, [{ socketId: id, resultCode: -106 }]);
  assert.deepEqual(await app.serverInfo(id), { socketId: id, persistent: false, paused: true });
  app.tcpServer.setPaused(id, false);
  await app.answer((callback) => {
    app.tcpServer.close(id, callback);
  });
});

test('sockets.tcpServer.setPaused of a listener that its provider has closed throws nothing at the app', async () => {
  const app = new StubApp();
  const listener = new StubListener();
  const id = await app.listening(listener);
  listener.isClosed = true;
  app.tcpServer.setPaused(id, true);
  app.tcpServer.setPaused(id, false);
  await app.answer((callback) => {
    app.tcpServer.disconnect(id, callback);
  });
});
