/** How failures are told: whose they are, how long they stay, and what is said of arguments. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { getSystemErrorMap } from 'node:util';
import * as socket from '../doors/ucode.ts';
import { Socket } from './socket.ts';
import { checkLeaks, must, portOf, using, usingPair } from './test-kit.ts';

checkLeaks();

const { EAGAIN, EBADF, EINVAL, ERANGE, MSG_DONTWAIT } = socket;

test('error of a socket is its own, and that of the module the last of all', () => {
  const [a, b] = usingPair();
  assert.equal(a.recv(1, MSG_DONTWAIT), null);
  assert.equal(b.shutdown(99), null);
  assert.equal(a.error(), 'recv(): Resource temporarily unavailable');
  assert.equal(b.error(), 'shutdown(): Invalid argument');
  assert.equal(socket.error(), b.error());
  assert.equal(socket.error(true), EINVAL);
  assert.equal(socket.sockaddr('junk'), null);
  assert.equal(socket.error(), 'Unable to parse IP address: Invalid argument');
  assert.deepEqual([a.error(true), b.error(true)], [EAGAIN, EINVAL]);
});

test('error stays until what failed succeeds, whatever others do', () => {
  const [a, b] = usingPair();
  assert.equal(a.recv(1, MSG_DONTWAIT), null);
  b.send('x');
  assert.equal(a.error(true), EAGAIN);
  assert.equal(socket.error(true), EAGAIN);
  // To ask takes nothing away.
  a.fileno();
  socket.strerror(EAGAIN);
  assert.equal(a.error(true), EAGAIN);
  assert.equal(String(a.recv()), 'x');
  assert.deepEqual([a.error(), a.error(true), socket.error(), socket.error(true)], [null, null, null, null]);
});

test('error tells the end of a stream from a failure', () => {
  const [a, b] = usingPair();
  assert.equal(a.recv(1, MSG_DONTWAIT), null);
  b.close();
  assert.equal(must(a.recv(1)).length, 0);
  assert.equal(a.error(), null);
});

test('every method of a closed socket fails, but for error', () => {
  const closed = must(socket.create());
  assert.equal(closed.close(), true);
  const calls: readonly (readonly [name: string, ...args: unknown[]])[] = [
    ['accept'],
    ['bind'],
    ['close'],
    ['connect', '127.0.0.1', 1],
    ['getopt', 1, 1],
    ['listen'],
    ['peercred'],
    ['peername'],
    ['recv'],
    ['recvmsg'],
    ['send', 'x'],
    ['sendmsg', 'x'],
    ['setopt', 1, 1, 1],
    ['shutdown'],
    ['sockname'],
  ];
  for (const [name, ...args] of calls) {
    const method = Reflect.get(closed, name) as (...args: unknown[]) => unknown;
    assert.equal(Reflect.apply(method, closed, args), null, name);
    assert.equal(closed.error(), 'Invalid socket context: Bad file descriptor', name);
  }
  assert.equal(closed.fileno(), -1);
  assert.equal(closed.error(true), EBADF);
  assert.equal(String(closed), '<socket 0xffffffff>');
});

test('methods refuse a this that is no socket (F50)', () => {
  const methods = Object.getOwnPropertyNames(Socket.prototype).filter((name) => name !== 'constructor');
  const told = new Set(['error', 'fileno', 'toString']);
  assert.equal(Reflect.apply(Reflect.get(Socket.prototype, 'toString'), {}, []), '<socket 0xffffffff>');
  for (const self of [undefined, null, 5, {}, Object.create(Socket.prototype)] as unknown[]) {
    for (const name of methods.filter((each) => !told.has(each))) {
      const method = Reflect.get(Socket.prototype, name) as (...args: unknown[]) => unknown;
      assert.equal(Reflect.apply(method, self, []), null, name);
      assert.equal(socket.error(), 'Invalid socket context: Bad file descriptor');
    }
    const { error, fileno } = Socket.prototype as unknown as Record<string, () => unknown>;
    assert.equal(Reflect.apply(must(fileno), self, []), -1);
    assert.equal(Reflect.apply(must(error), self, []), 'Invalid socket context: Bad file descriptor');
  }
});

test('arguments are judged from left to right, by their exact type', () => {
  const sock = using(socket.create());
  const any = sock as unknown as Record<string, (...args: unknown[]) => unknown>;
  const rows: readonly (readonly [name: string, args: unknown[], message: string, code?: number])[] = [
    ['accept', ['x'], 'Argument address is not an object'],
    ['accept', [[]], 'Argument address is not an object'],
    ['accept', [null, 'x'], 'Argument flags is not an integer value'],
    ['accept', [null, 1], 'accept4()'],
    ['bind', [5], 'Invalid address value'],
    ['connect', [], 'Argument address is required'],
    ['connect', ['127.0.0.1', '80'], 'Argument port is not an integer value'],
    ['connect', ['127.0.0.1', 80.5], 'Argument port is not an integer value'],
    ['connect', ['127.0.0.1', 70000], 'Invalid port number', ERANGE],
    ['connect', ['127.0.0.1', -1], 'Invalid port number', ERANGE],
    ['connect', ['/x', 80], 'Port argument is only valid for IPv4 and IPv6 addresses'],
    ['getopt', [], 'Argument level is required'],
    ['getopt', [1], 'Argument option is required'],
    ['getopt', ['1', 2], 'Argument level is not an integer value'],
    ['getopt', [1, 9999], 'Unknown socket level or option'],
    ['getopt', [9999, 1], 'Unknown socket level or option'],
    ['getopt', [2 ** 40, 1], 'Argument level is out of range', ERANGE],
    ['getopt', [NaN, 1], 'Argument level is not an integer value'],
    ['listen', ['5'], 'Argument backlog is not an integer value'],
    ['recv', ['x'], 'Argument length is not an integer value'],
    ['recv', [0], 'Invalid length argument'],
    ['recv', [-1], 'Invalid length argument'],
    ['recv', [1, {}], 'Argument flags is not an integer value'],
    ['recv', [1, 0, 'x'], 'Argument address is not an object'],
    ['recvmsg', [-1], 'Invalid length value', ERANGE],
    ['recvmsg', ['x'], 'Invalid length value'],
    ['recvmsg', [[1, {}]], 'Invalid length value'],
    ['recvmsg', [1, 'x'], 'Argument ancillary length is not an integer value'],
    ['recvmsg', [1, -1], 'Invalid ancillary data length', ERANGE],
    ['recvmsg', [1, 1, 'x'], 'Argument flags is not an integer value'],
    ['send', [], 'Argument data is required'],
    ['send', [null], 'Argument data is required'],
    ['send', ['x', 'y'], 'Argument flags is not an integer value'],
    ['send', ['x', 0, 5], 'Invalid address value'],
    ['sendmsg', ['x', 5], 'Ancillary data must be string or array value'],
    ['sendmsg', ['x', [5]], 'Ancillary data item is not an object'],
    ['sendmsg', ['x', [{}]], 'Argument level is required'],
    ['sendmsg', ['x', null, '127.0.0.1'], 'Argument address is not an object'],
    ['sendmsg', ['x', null, null, 'x'], 'Argument flags is not an integer value'],
    ['setopt', [1, 2], 'Argument value is required'],
    ['setopt', [1, 2, null], 'Argument value is required'],
    ['setopt', [1, socket.SO_ERROR, 1], 'Socket option is read only', socket.EOPNOTSUPP],
    ['getopt', [1, socket.SO_DETACH_FILTER], 'Socket option is write only', socket.EOPNOTSUPP],
    ['setopt', [socket.IPPROTO_IP, socket.IP_TTL, 'x'], 'Unable to convert value to integer'],
    ['setopt', [1, socket.SO_REUSEADDR, -1], 'Unable to convert value to boolean', ERANGE],
    ['shutdown', [7], 'shutdown()'],
  ];
  for (const [name, args, message, code = EINVAL] of rows) {
    assert.equal(any[name]?.(...args), null, `${name} ${String(args)}`);
    assert.deepEqual(
      [sock.error(), sock.error(true)],
      [`${message}: ${String(socket.strerror(code))}`, code],
    );
  }
});

test('functions of the module judge their arguments, too', () => {
  const any = socket as unknown as Record<string, (...args: unknown[]) => unknown>;
  const rows: readonly (readonly [name: string, args: unknown[], message: string, code?: number])[] = [
    ['addrinfo', [], 'Argument hostname is required'],
    ['addrinfo', [5], 'Argument hostname is not a string value'],
    ['addrinfo', ['127.0.0.1', 70000], 'Invalid port number', ERANGE],
    ['addrinfo', ['127.0.0.1', 80, 5], 'Argument hints is not an object'],
    ['addrinfo', ['127.0.0.1', 80, { socktype: 'x' }], 'Unable to convert field socktype to integer'],
    ['addrinfo', ['127.0.0.1', 'nope'], 'getaddrinfo()', socket.EAI_SERVICE],
    ['addrinfo', ['with blank'], 'getaddrinfo()', socket.EAI_NONAME],
    ['connect', [], 'Argument host is required'],
    ['connect', ['127.0.0.1', 1, 5], 'Argument hints is not an object'],
    ['connect', ['127.0.0.1', 1, null, '5'], 'Argument timeout is not an integer value'],
    ['connect', [{ address: '127.0.0.1' }, 'http'], 'Invalid port number'],
    ['connect', [{ address: '127.0.0.1' }, 70000], 'Invalid port number', ERANGE],
    ['create', ['x'], 'Argument domain is not an integer value'],
    ['create', [2, 'x'], 'Argument type is not an integer value'],
    ['create', [2, 1, 'x'], 'Argument protocol is not an integer value'],
    ['create', [9999], 'socket()', socket.EAFNOSUPPORT],
    ['create', [2, 77], 'socket()'],
    ['listen', ['127.0.0.1', 0, null, 'x'], 'Argument backlog is not an integer value'],
    ['listen', ['127.0.0.1', 0, null, null, 1], 'Argument reuseaddr is not a boolean value'],
    ['nameinfo', [], 'Argument address is required'],
    ['nameinfo', ['127.0.0.1', 'x'], 'Argument flags is not an integer value'],
    ['nameinfo', [{ family: socket.AF_PACKET }], 'getnameinfo()', socket.EAI_FAMILY],
    ['open', [], 'Argument fd is required'],
    ['open', ['1'], 'Argument fd is not an integer value'],
    ['open', [0, 77], 'Invalid flags'],
    ['pair', ['x'], 'Argument type is not an integer value'],
    ['pair', [77], 'socketpair()'],
    ['poll', [], 'Argument timeout is required'],
    ['poll', [null], 'Argument timeout is required'],
    ['poll', [1.5], 'Argument timeout is not an integer value'],
    ['poll', [2 ** 40], 'Argument timeout is out of range', ERANGE],
    ['sockaddr', [], 'Argument address is required'],
    ['strerror', [], 'Argument code is required'],
    ['strerror', ['1'], 'Argument code is not an integer value'],
  ];
  for (const [name, args, message, code = EINVAL] of rows) {
    assert.equal(any[name]?.(...args), null, `${name} ${String(args)}`);
    assert.deepEqual(
      [socket.error(), socket.error(true)],
      [`${message}: ${String(socket.strerror(code))}`, code],
      name,
    );
  }
});

test('strerror gives the words of the C library, for errno and EAI numbers', () => {
  assert.equal(socket.strerror(0), 'Success');
  assert.equal(socket.strerror(98), 'Address already in use');
  assert.equal(socket.strerror(9999), 'Unknown error 9999');
  assert.equal(socket.strerror(-2), 'Name or service not known');
  assert.equal(socket.strerror(-9999), 'Unknown error');
  for (const [negative, [, words]] of getSystemErrorMap())
    if (negative > -4000) assert.ok(socket.strerror(-negative) !== null, words);
});

test('what the code of the caller throws passes, and leaves nothing open', () => {
  const mine = new Error('mine');
  const thrower = (): never => {
    throw mine;
  };
  const [a] = usingPair();
  assert.throws(() => socket.poll(0, { fileno: thrower }), mine);
  assert.throws(
    () =>
      a.send({
        get member(): never {
          return thrower();
        },
      }),
    mine,
  );
  assert.throws(
    () =>
      socket.sockaddr({
        get port(): never {
          return thrower();
        },
      }),
    mine,
  );
  const server = using(socket.listen('127.0.0.1', 0));
  using(socket.connect('127.0.0.1', portOf(server)));
  assert.throws(
    () =>
      server.accept({
        set address(_value: unknown) {
          thrower();
        },
      }),
    mine,
  );
});
