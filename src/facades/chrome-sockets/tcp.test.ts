import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BrokenError,
  ClosedError,
  ConnectError,
  DeniedError,
  ResolveError,
  SystemError,
  UnsupportedError,
} from '../../base/errors.ts';
import type { ConnectOptions } from '../../base/provider.ts';
import type { Answer, Recorder } from './test-kit.ts';
import { StubApp, StubListener, StubStream, TextBytes } from './test-kit.ts';

const UNKNOWN = 999;
const { bytes } = new TextBytes('hello');

function refused(code: string): ConnectError {
  return new ConnectError([new SystemError('EHOSTUNREACH'), new SystemError(code)]);
}

interface Row {
  readonly title: string;
  /** Makes the call; may first make the socket that it is about. */
  readonly call: (app: StubApp, callback: Recorder) => Promise<void> | void;
  readonly args: readonly unknown[];
  readonly error?: string;
}

/** Connects with `settle` deciding what comes of it. */
function connecting(settle: (app: StubApp) => void): Row['call'] {
  return async (app, callback) => {
    app.tcp.connect(await app.createTcp(), 'peer.example', 7, callback);
    settle(app);
  };
}

function connectFailing(error: unknown): Row['call'] {
  return connecting((app) => app.provider.connects.at(-1)?.reject(error));
}

/** Every row of the table of answers in `docs/reference/chrome.md`. */
const ROWS: readonly Row[] = [
  {
    title: 'create answers the id',
    call: (app, cb) => {
      app.tcp.create({}, cb);
    },
    args: [{ socketId: 1 }],
  },
  {
    title: 'update: unknown id',
    call: (app, cb) => {
      app.tcp.update(UNKNOWN, {}, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'update',
    call: async (app, cb) => {
      app.tcp.update(await app.createTcp(), {}, cb);
    },
    args: [],
  },
  {
    title: 'setPaused: unknown id',
    call: (app, cb) => {
      app.tcp.setPaused(UNKNOWN, true, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'setPaused',
    call: async (app, cb) => {
      app.tcp.setPaused(await app.createTcp(), true, cb);
    },
    args: [],
  },
  {
    title: 'connect: unknown id',
    call: (app, cb) => {
      app.tcp.connect(UNKNOWN, 'a', 1, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'disconnect: unknown id',
    call: (app, cb) => {
      app.tcp.disconnect(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'send: unknown id',
    call: (app, cb) => {
      app.tcp.send(UNKNOWN, bytes, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'close: unknown id',
    call: (app, cb) => {
      app.tcp.close(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'getInfo: unknown id',
    call: (app, cb) => {
      app.tcp.getInfo(UNKNOWN, cb);
    },
    args: [],
    error: 'Socket not found',
  },
  {
    title: 'setKeepAlive: unknown id',
    call: (app, cb) => {
      app.tcp.setKeepAlive(UNKNOWN, true, cb);
    },
    args: [-2],
    error: 'Socket not found',
  },
  {
    title: 'setNoDelay: unknown id',
    call: (app, cb) => {
      app.tcp.setNoDelay(UNKNOWN, true, cb);
    },
    args: [-2],
    error: 'Socket not found',
  },
  {
    title: 'setKeepAlive: not connected',
    call: async (app, cb) => {
      app.tcp.setKeepAlive(await app.createTcp(), true, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'setNoDelay: not connected',
    call: async (app, cb) => {
      app.tcp.setNoDelay(await app.createTcp(), true, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'setKeepAlive',
    call: async (app, cb) => {
      app.tcp.setKeepAlive(await app.connected(new StubStream()), true, 10, cb);
    },
    args: [0],
  },
  {
    title: 'setKeepAlive: a delay below zero',
    call: async (app, cb) => {
      app.tcp.setKeepAlive(await app.connected(new StubStream()), true, -1, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'setKeepAlive: a delay over 32767',
    call: async (app, cb) => {
      app.tcp.setKeepAlive(await app.connected(new StubStream()), true, 32768, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'setNoDelay',
    call: async (app, cb) => {
      app.tcp.setNoDelay(await app.connected(new StubStream()), false, cb);
    },
    args: [0],
  },
  {
    title: 'setNoDelay: the system refuses',
    call: async (app, cb) => {
      const stream = new StubStream();
      stream.optionError = new SystemError('EINVAL');
      app.tcp.setNoDelay(await app.connected(stream), true, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'connect',
    call: connecting((app) => app.provider.connects.at(-1)?.resolve(new StubStream())),
    args: [0],
  },
  {
    title: 'connect: the guard says no',
    call: connectFailing(new DeniedError({}, 'no')),
    args: [],
    error: 'Does not have permission',
  },
  {
    title: 'connect: no such name',
    call: connectFailing(new ResolveError('EAI_NONAME', 'x')),
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'connect: resolver fails for now',
    call: connectFailing(new ResolveError('EAI_AGAIN', 'x')),
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'connect: no address of the family',
    call: connectFailing(new ConnectError([])),
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'connect: no host name at all',
    call: connectFailing(new RangeError('host')),
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'connect: refused',
    call: connectFailing(refused('ECONNREFUSED')),
    args: [-102],
    error: 'net::ERR_CONNECTION_REFUSED',
  },
  {
    title: 'connect: timed out',
    call: connectFailing(refused('ETIMEDOUT')),
    args: [-118],
    error: 'net::ERR_CONNECTION_TIMED_OUT',
  },
  {
    title: 'connect: not allowed by the system',
    call: connectFailing(refused('EACCES')),
    args: [-138],
    error: 'net::ERR_NETWORK_ACCESS_DENIED',
  },
  {
    title: 'connect: unreachable',
    call: connectFailing(refused('ENETUNREACH')),
    args: [-109],
    error: 'net::ERR_ADDRESS_UNREACHABLE',
  },
  {
    title: 'connect: reset',
    call: connectFailing(refused('ECONNRESET')),
    args: [-101],
    error: 'net::ERR_CONNECTION_RESET',
  },
  {
    title: 'connect: out of descriptors',
    call: connectFailing(refused('EMFILE')),
    args: [-12],
    error: 'net::ERR_INSUFFICIENT_RESOURCES',
  },
  {
    title: 'connect: an errno that is not known',
    call: connectFailing(refused('EWEIRD')),
    args: [-104],
    error: 'net::ERR_CONNECTION_FAILED',
  },
  {
    title: 'connect: the provider has ended',
    call: connectFailing(new ClosedError()),
    args: [-3],
    error: 'net::ERR_ABORTED',
  },
  {
    title: 'connect: no TCP here',
    call: connectFailing(new UnsupportedError('tcp')),
    args: [-11],
    error: 'net::ERR_NOT_IMPLEMENTED',
  },
  {
    title: 'connect: connected already',
    call: async (app, cb) => {
      app.tcp.connect(await app.connected(new StubStream()), 'a', 1, cb);
    },
    args: [-23],
    error: 'net::ERR_SOCKET_IS_CONNECTED',
  },
  {
    title: 'connect: connecting already',
    call: async (app, cb) => {
      const id = await app.createTcp();
      app.tcp.connect(id, 'a', 1, app.recorder('first'));
      app.tcp.connect(id, 'a', 1, cb);
    },
    args: [-104],
    error: 'net::ERR_CONNECTION_FAILED',
  },
  {
    title: 'connect: IPv4 address, IPv6 asked for',
    call: async (app, cb) => {
      app.tcp.connect(await app.createTcp(), '127.0.0.1', 1, 'ipv6', cb);
    },
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'connect: IPv6 address, IPv4 asked for',
    call: async (app, cb) => {
      app.tcp.connect(await app.createTcp(), '::1', 1, 'ipv4', cb);
    },
    args: [-105],
    error: 'net::ERR_NAME_NOT_RESOLVED',
  },
  {
    title: 'disconnect: not connected',
    call: async (app, cb) => {
      app.tcp.disconnect(await app.createTcp(), cb);
    },
    args: [],
  },
  {
    title: 'disconnect',
    call: async (app, cb) => {
      app.tcp.disconnect(await app.connected(new StubStream()), cb);
    },
    args: [],
  },
  {
    title: 'send: not connected',
    call: async (app, cb) => {
      app.tcp.send(await app.createTcp(), bytes, cb);
    },
    args: [{ resultCode: -15 }],
    error: 'net::ERR_SOCKET_NOT_CONNECTED',
  },
  {
    title: 'send',
    call: async (app, cb) => {
      const stream = new StubStream();
      app.tcp.send(await app.connected(stream), bytes, cb);
      stream.settle();
    },
    args: [{ resultCode: 0, bytesSent: 5 }],
  },
  {
    title: 'send: nothing',
    call: async (app, cb) => {
      const stream = new StubStream();
      app.tcp.send(await app.connected(stream), new ArrayBuffer(0), cb);
      stream.settle();
    },
    args: [{ resultCode: 0, bytesSent: 0 }],
  },
  {
    title: 'send: the peer is gone, known at once',
    call: async (app, cb) => {
      const stream = new StubStream();
      stream.writeError = new BrokenError();
      app.tcp.send(await app.connected(stream), bytes, cb);
    },
    args: [{ resultCode: -2 }],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'send: the peer is gone, known later',
    call: async (app, cb) => {
      const stream = new StubStream();
      app.tcp.send(await app.connected(stream), bytes, cb);
      stream.settle(new BrokenError());
    },
    args: [{ resultCode: -2 }],
    error: 'net::ERR_FAILED',
  },
  {
    title: 'send: given up by our own close',
    call: async (app, cb) => {
      const stream = new StubStream();
      app.tcp.send(await app.connected(stream), bytes, cb);
      stream.settle(new ClosedError());
    },
    args: [{ resultCode: -15 }],
    error: 'net::ERR_SOCKET_NOT_CONNECTED',
  },
  {
    title: 'close',
    call: async (app, cb) => {
      app.tcp.close(await app.createTcp(), cb);
    },
    args: [],
  },
  {
    title: 'getSockets: none',
    call: (app, cb) => {
      app.tcp.getSockets(cb);
    },
    args: [[]],
  },
  {
    title: 'secure: unknown id',
    call: (app, cb) => {
      app.tcp.secure(UNKNOWN, cb);
    },
    args: [-4],
    error: 'Socket not found',
  },
  {
    title: 'secure: not connected',
    call: async (app, cb) => {
      app.tcp.secure(await app.createTcp(), {}, cb);
    },
    args: [-4],
    error: 'Socket not connected',
  },
  {
    title: 'secure: no TLS yet',
    call: async (app, cb) => {
      app.tcp.secure(await app.connected(new StubStream()), null, cb);
    },
    args: [-2],
    error: 'net::ERR_FAILED',
  },
];

for (const { title, call, args, error } of ROWS) {
  test(`sockets.tcp.${title}`, async () => {
    const app = new StubApp();
    const recorder = app.recorder();
    await call(app, recorder);
    await app.flush();
    assert.deepEqual(recorder.answers, [{ args, error }] satisfies Answer[]);
    assert.equal(app.host.runtime.lastError, undefined);
    assert.deepEqual(app.warnings, []);
    assert.deepEqual(app.reports, []);
  });
}

test('sockets.tcp never answers inside the call', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const callback = app.recorder();
  app.tcp.create(callback);
  app.tcp.update(id, {}, callback);
  app.tcp.setPaused(id, true, callback);
  app.tcp.setKeepAlive(id, true, callback);
  app.tcp.setNoDelay(id, true, callback);
  app.tcp.send(id, bytes, callback);
  app.tcp.getInfo(id, callback);
  app.tcp.getSockets(callback);
  app.tcp.secure(id, callback);
  app.tcp.disconnect(id, callback);
  app.tcp.close(id, callback);
  app.tcp.connect(id, 'a', 1, callback);
  assert.equal(callback.answers.length, 0);
  await app.flush();
  assert.equal(callback.answers.length, 12);
});

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
  [1 << 20, 65536],
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
