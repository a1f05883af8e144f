/** Every row of the answers of `sockets.tcp` in `docs/reference/chrome.md`. */
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
import type { Answer } from './test-kit.ts';
import { StubApp, StubStream } from './test-kit.ts';

/** An id that no socket has. */
const UNKNOWN = 999;
const NOT_FOUND = 'Socket not found';
const FAILED = 'net::ERR_FAILED';

/** Which socket a call is about: none, a new one, or one that is connected. */
type On = 'unknown' | 'fresh' | 'connected';
type Method = Exclude<keyof StubApp['tcp'], 'onReceive' | 'onReceiveError'>;

/** Function, socket, arguments behind the id, arguments of the callback, lastError. */
const ROWS: readonly (readonly [Method, On, readonly unknown[], readonly unknown[], string?])[] = [
  ['update', 'unknown', [{}], [], NOT_FOUND],
  ['setPaused', 'unknown', [true], [], NOT_FOUND],
  ['connect', 'unknown', ['a', 1], [], NOT_FOUND],
  ['disconnect', 'unknown', [], [], NOT_FOUND],
  ['send', 'unknown', [new ArrayBuffer(1)], [], NOT_FOUND],
  ['close', 'unknown', [], [], NOT_FOUND],
  ['getInfo', 'unknown', [], [], NOT_FOUND],
  ['setKeepAlive', 'unknown', [true], [-2], NOT_FOUND],
  ['setNoDelay', 'unknown', [true], [-2], NOT_FOUND],
  ['secure', 'unknown', [], [-4], NOT_FOUND],
  ['update', 'fresh', [{}], []],
  ['setPaused', 'fresh', [true], []],
  ['disconnect', 'fresh', [], []],
  ['close', 'fresh', [], []],
  ['connect', 'fresh', ['127.0.0.1', 1, 'ipv6'], [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  ['connect', 'fresh', ['::1', 1, 'ipv4'], [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  ['send', 'fresh', [new ArrayBuffer(1)], [{ resultCode: -15 }], 'net::ERR_SOCKET_NOT_CONNECTED'],
  ['send', 'fresh', [new ArrayBuffer(0)], [{ resultCode: -15 }], 'net::ERR_SOCKET_NOT_CONNECTED'],
  ['setKeepAlive', 'fresh', [true], [-2], FAILED],
  ['setNoDelay', 'fresh', [true], [-2], FAILED],
  ['secure', 'fresh', [{}], [-4], 'Socket not connected'],
  ['disconnect', 'connected', [], []],
  ['close', 'connected', [], []],
  ['connect', 'connected', ['a', 1], [-23], 'net::ERR_SOCKET_IS_CONNECTED'],
  ['setKeepAlive', 'connected', [true, 10], [0]],
  ['setKeepAlive', 'connected', [true, 0], [0]],
  ['setKeepAlive', 'connected', [true, 32_767], [0]],
  ['setKeepAlive', 'connected', [true, 32_768], [-2], FAILED],
  ['setKeepAlive', 'connected', [true, -1], [-2], FAILED],
  ['setKeepAlive', 'connected', [false, -1], [0]],
  ['setNoDelay', 'connected', [false], [0]],
  ['secure', 'connected', [null], [-2], FAILED],
];

async function socketOf(app: StubApp, on: On): Promise<number> {
  if (on === 'unknown') return UNKNOWN;
  return on === 'fresh' ? app.createTcp() : app.connected(new StubStream());
}

/** What must hold after every case. */
function checkSilence(app: StubApp): void {
  assert.equal(app.host.runtime.lastError, undefined);
  assert.deepEqual(app.warnings, []);
  assert.deepEqual(app.reports, []);
}

for (const [method, on, args, expected, error] of ROWS) {
  test(`sockets.tcp.${method}(${on}, ${JSON.stringify(args).slice(1, -1)})`, async () => {
    const app = new StubApp();
    const id = await socketOf(app, on);
    const answer = await app.answer((callback) => {
      (app.tcp[method] as (...given: unknown[]) => void)(id, ...args, callback);
    });
    assert.deepEqual(answer, { args: expected, error } satisfies Answer);
    checkSilence(app);
  });
}

function refused(code: string): ConnectError {
  return new ConnectError([new SystemError('EHOSTUNREACH'), new SystemError(code)]);
}

/** What the provider says, arguments of the callback, lastError. */
const CONNECT_FAILURES: readonly (readonly [unknown, readonly unknown[], string])[] = [
  [new DeniedError({}, 'no'), [], 'Does not have permission'],
  [new ResolveError('EAI_NONAME', 'x'), [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  [new ResolveError('EAI_AGAIN', 'x'), [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  [new ConnectError([]), [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  [new RangeError('host'), [-105], 'net::ERR_NAME_NOT_RESOLVED'],
  [refused('ECONNREFUSED'), [-102], 'net::ERR_CONNECTION_REFUSED'],
  [refused('ETIMEDOUT'), [-118], 'net::ERR_CONNECTION_TIMED_OUT'],
  [refused('EACCES'), [-138], 'net::ERR_NETWORK_ACCESS_DENIED'],
  [refused('ENETUNREACH'), [-109], 'net::ERR_ADDRESS_UNREACHABLE'],
  [refused('ECONNRESET'), [-101], 'net::ERR_CONNECTION_RESET'],
  [refused('EMFILE'), [-12], 'net::ERR_INSUFFICIENT_RESOURCES'],
  [refused('EWEIRD'), [-104], 'net::ERR_CONNECTION_FAILED'],
  [new ClosedError(), [-3], 'net::ERR_ABORTED'],
  [new UnsupportedError('tcp'), [-11], 'net::ERR_NOT_IMPLEMENTED'],
];

for (const [failure, args, error] of CONNECT_FAILURES) {
  test(`sockets.tcp.connect that fails with ${String(failure)}`, async () => {
    const app = new StubApp();
    const id = await app.createTcp();
    const answer = await app.answer((callback) => {
      app.tcp.connect(id, 'peer.example', 7, callback);
      app.provider.connects.at(-1)?.reject(failure);
    });
    assert.deepEqual(answer, { args, error } satisfies Answer);
    checkSilence(app);
    assert.equal((await app.tcpInfo(id))['connected'], false);
  });
}

test('sockets.tcp.connect that succeeds', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const answer = await app.answer((callback) => {
    app.tcp.connect(id, 'peer.example', 7, callback);
    app.provider.connects.at(-1)?.resolve(new StubStream());
  });
  assert.deepEqual(answer, { args: [0], error: undefined });
  checkSilence(app);
});

test('sockets.tcp.connect while one is under way', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  app.tcp.connect(id, 'a', 1, app.recorder('first'));
  const answer = await app.answer((callback) => {
    app.tcp.connect(id, 'a', 1, callback);
  });
  assert.deepEqual(answer, { args: [-104], error: 'net::ERR_CONNECTION_FAILED' });
  checkSilence(app);
});

/** Bytes, what the provider says when they were to be sent, arguments of the callback, lastError. */
const SENDS: readonly (readonly [number, BrokenError | ClosedError | null, unknown, string?])[] = [
  [5, null, { resultCode: 0, bytesSent: 5 }],
  [0, null, { resultCode: 0, bytesSent: 0 }],
  [5, new BrokenError(), { resultCode: -2 }, FAILED],
  [5, new ClosedError(), { resultCode: -15 }, 'net::ERR_SOCKET_NOT_CONNECTED'],
];

for (const [size, failure, info, error] of SENDS) {
  test(`sockets.tcp.send of ${String(size)} bytes, answered with ${String(failure)}`, async () => {
    const app = new StubApp();
    const stream = new StubStream();
    const id = await app.connected(stream);
    const answer = await app.answer((callback) => {
      app.tcp.send(id, new ArrayBuffer(size), callback);
      stream.settle(failure);
    });
    assert.deepEqual(answer, { args: [info], error } satisfies Answer);
    checkSilence(app);
  });
}

test('sockets.tcp.send to a connection that is known to be broken', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  stream.writeError = new BrokenError();
  const answer = await app.answer((callback) => {
    app.tcp.send(id, new ArrayBuffer(1), callback);
  });
  assert.deepEqual(answer, { args: [{ resultCode: -2 }], error: FAILED });
  checkSilence(app);
});

test('sockets.tcp.setNoDelay that the system refuses', async () => {
  const app = new StubApp();
  const stream = new StubStream();
  const id = await app.connected(stream);
  stream.optionError = new SystemError('EINVAL');
  const answer = await app.answer((callback) => {
    app.tcp.setNoDelay(id, true, callback);
  });
  assert.deepEqual(answer, { args: [-2], error: FAILED });
  checkSilence(app);
});

test('sockets.tcp.create and getSockets', async () => {
  const app = new StubApp();
  const none = await app.answer((callback) => {
    app.tcp.getSockets(callback);
  });
  assert.deepEqual(none, { args: [[]], error: undefined });
  const created = await app.answer((callback) => {
    app.tcp.create({}, callback);
  });
  assert.deepEqual(created, { args: [{ socketId: 1 }], error: undefined });
  checkSilence(app);
});

test('sockets.tcp never answers inside the call', async () => {
  const app = new StubApp();
  const id = await app.createTcp();
  const callback = app.recorder();
  app.tcp.create(callback);
  app.tcp.update(id, {}, callback);
  app.tcp.setPaused(id, true, callback);
  app.tcp.setKeepAlive(id, true, callback);
  app.tcp.setNoDelay(id, true, callback);
  app.tcp.send(id, new ArrayBuffer(1), callback);
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
