import assert from 'node:assert/strict';
import test from 'node:test';
import type { SocketAddress } from './address.ts';
import { EAI_TEXT, ERRNO_TEXT } from './errno.ts';
import type { SocketError } from './errors.ts';
import {
  BrokenError,
  BusyError,
  ClosedError,
  ConnectError,
  DeniedError,
  isSocketError,
  OverflowError,
  ProtocolError,
  ResolveError,
  SocketError as Parent,
  SystemError,
  UnsupportedError,
} from './errors.ts';

const LOCAL: SocketAddress = { family: 'ipv4', host: '10.0.0.5', port: 41022 };
const REMOTE: SocketAddress = { family: 'ipv6', host: '2001:db8::9', port: 80 };
const ROUTE = { transport: 'tcp', local: LOCAL, remote: REMOTE } as const;

/** Class, an error of it, its code, its whole message. */
const ROWS: readonly (readonly [string, SocketError, string, string])[] = [
  [
    'SystemError',
    new SystemError('ECONNREFUSED', { op: 'connect', ...ROUTE, errno: 111, syscall: 'connect' }),
    'ECONNREFUSED',
    'connect tcp 10.0.0.5:41022 -> [2001:db8::9]:80: connection refused (ECONNREFUSED)',
  ],
  ['SystemError', new SystemError('ENEW'), 'ENEW', 'system error (ENEW)'],
  [
    'SystemError',
    new SystemError('EADDRINUSE', { op: 'listen', transport: 'tcp', local: LOCAL }),
    'EADDRINUSE',
    'listen tcp on 10.0.0.5:41022: address already in use (EADDRINUSE)',
  ],
  ['SystemError', new SystemError('EIO', { reason: 'odd' }), 'EIO', 'odd (EIO)'],
  [
    'ResolveError',
    new ResolveError('EAI_NONAME', 'a"b'),
    'EAI_NONAME',
    'resolve: no such host: "a\\"b" (EAI_NONAME)',
  ],
  [
    'ResolveError',
    new ResolveError('EAI_SYSTEM', 'x', { cause: new SystemError('EMFILE') }),
    'EAI_SYSTEM',
    'resolve: too many open files in this process (EMFILE): "x" (EAI_SYSTEM)',
  ],
  [
    'ResolveError',
    new ResolveError('EAI_NEW', 'x'),
    'EAI_NEW',
    'resolve: name resolution failed: "x" (EAI_NEW)',
  ],
  [
    'ResolveError',
    new ResolveError('EAI_SERVICE', 'x', { service: 'y' }),
    'EAI_SERVICE',
    'resolve: no such service: "x", service "y" (EAI_SERVICE)',
  ],
  [
    'BusyError',
    new BusyError({ op: 'resolve', reason: 'too many' }),
    'ERR_SOCKET_BUSY',
    'resolve: too many (ERR_SOCKET_BUSY)',
  ],
  [
    'ClosedError',
    new ClosedError({ op: 'write' }),
    'ERR_SOCKET_CLOSED',
    'write: the socket is closed (ERR_SOCKET_CLOSED)',
  ],
  [
    'BrokenError',
    new BrokenError({ op: 'read', cause: new SystemError('ECONNRESET') }),
    'ERR_SOCKET_BROKEN',
    'read: connection reset by peer (ERR_SOCKET_BROKEN)',
  ],
  ['BrokenError', new BrokenError(), 'ERR_SOCKET_BROKEN', 'broken (ERR_SOCKET_BROKEN)'],
  [
    'BusyError',
    new BusyError(),
    'ERR_SOCKET_BUSY',
    'another operation of this kind is under way (ERR_SOCKET_BUSY)',
  ],
  [
    'OverflowError',
    new OverflowError(7),
    'ERR_SOCKET_OVERFLOW',
    'more than 7 bytes are waiting to be sent; heed drain (ERR_SOCKET_OVERFLOW)',
  ],
  [
    'ConnectError',
    new ConnectError([new SystemError('ETIMEDOUT', { remote: REMOTE }), new SystemError('EMFILE')], {
      target: 'a:80',
    }),
    'ERR_CONNECT_FAILED',
    'connect: a:80: [2001:db8::9]:80 ETIMEDOUT, EMFILE (ERR_CONNECT_FAILED)',
  ],
  [
    'ConnectError',
    new ConnectError([new SystemError('ECONNREFUSED', { remote: REMOTE })], { target: '[2001:db8::9]:80' }),
    'ERR_CONNECT_FAILED',
    'connect: [2001:db8::9]:80: ECONNREFUSED (ERR_CONNECT_FAILED)',
  ],
  [
    'ConnectError',
    new ConnectError([]),
    'ERR_CONNECT_FAILED',
    'connect: no address to try (ERR_CONNECT_FAILED)',
  ],
  [
    'DeniedError',
    new DeniedError({}, 'not asked for', { rule: 'r' }),
    'ERR_DENIED',
    'not asked for (ERR_DENIED)',
  ],
  [
    'UnsupportedError',
    new UnsupportedError('no such thing'),
    'ERR_UNSUPPORTED',
    'no such thing (ERR_UNSUPPORTED)',
  ],
  [
    'ProtocolError',
    new ProtocolError('ERR_PROTOCOL_FRAME', 'bad'),
    'ERR_PROTOCOL_FRAME',
    'bad (ERR_PROTOCOL_FRAME)',
  ],
  ['SocketError', new Parent('ERR_X', 'reason'), 'ERR_X', 'reason (ERR_X)'],
];

for (const [name, error, code, message] of ROWS) {
  test(`${name} with ${code} says ${JSON.stringify(message)}`, () => {
    assert.equal(error.name, name);
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    assert.equal(String(error), `${name}: ${message}`);
    assert.ok(error instanceof Error && error instanceof Parent && isSocketError(error));
    assert.match(error.stack ?? '', new RegExp(`^${name}: `));
  });
}

test('SystemError keeps errno and syscall, and the circumstances', () => {
  const error = new SystemError('EPIPE', { op: 'write', ...ROUTE, errno: 32, syscall: 'sendmsg' });
  assert.deepEqual(
    [error.errno, error.syscall, error.op, error.transport, error.local, error.remote],
    [32, 'sendmsg', 'write', 'tcp', LOCAL, REMOTE],
  );
  assert.equal(new SystemError('EPIPE').errno, 0);
});

test('ResolveError keeps host and service', () => {
  const { host, service } = new ResolveError('EAI_SERVICE', 'x', { service: 'y' });
  assert.deepEqual([host, service, new ResolveError('EAI_NONAME', 'x').service], ['x', 'y', undefined]);
});

test('cause is there only where there is one', () => {
  assert.equal('cause' in new SystemError('EIO'), false);
  const cause = new Error('why');
  assert.equal(new SystemError('EIO', { cause }).cause, cause);
});

test('ConnectError has its first error as cause, and all in errors', () => {
  const errors = [new SystemError('ECONNREFUSED'), new SystemError('ETIMEDOUT')];
  const error = new ConnectError(errors);
  assert.equal(error.cause, errors[0]);
  assert.deepEqual(error.errors, errors);
});

test('DeniedError keeps the request and the rule', () => {
  const request = { host: 'x' };
  const error = new DeniedError(request, 'no', { rule: 'tcp-connect:*' });
  assert.deepEqual(
    [error.request, error.rule, new DeniedError(1, 'no').rule],
    [request, 'tcp-connect:*', undefined],
  );
});

test('isSocketError knows an error of another copy of the package, and nothing else', () => {
  const foreign = Object.defineProperty(new Error('x'), Symbol.for('portside.SocketError'), { value: true });
  assert.equal(isSocketError(foreign), true);
  for (const other of [new Error('x'), null, undefined, 'ECONNREFUSED', {}, { code: 'ECONNREFUSED' }]) {
    assert.equal(isSocketError(other), false);
  }
});

for (const [name, table] of Object.entries({ ERRNO_TEXT, EAI_TEXT })) {
  test(`${name} is sorted by name`, () => {
    const names = Object.keys(table);
    assert.deepEqual(names, [...names].sort());
  });
}
