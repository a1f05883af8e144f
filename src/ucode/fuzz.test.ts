/** Whatever is given, nothing is thrown, nothing hangs, and nothing is left open (F41, F48, F50). */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { isBytes } from '../base/bytes.ts';
import * as socket from '../doors/ucode.ts';
import { enterTempFolder } from '../testing/node/temp-path.ts';
import { Socket } from './socket.ts';
import { checkLeaks, must, using } from './test-kit.ts';

checkLeaks();
// Text may be the path of a Unix socket, and binding makes a file of it.
enterTempFolder();

/** The same, but for a path that would lead out of the folder. */
function inside(text: string): string {
  const relative = text.startsWith('/') ? `.${text}` : text;
  return relative.replaceAll('..', '--');
}

const { AF_INET, AF_UNIX, NI_NUMERICHOST, NI_NUMERICSERV, SOCK_DGRAM, SOCK_NONBLOCK, SOL_SOCKET } = socket;

/** Of a path that is not in the current folder. */
const SLASH = 0x2f;

/** Numbers that mean something, and such as cannot be. */
const number = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 1.5, NaN, Infinity, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 1e300),
  fc.constantFrom(...Object.values(socket).filter((value) => typeof value === 'number')),
  fc.integer(),
  fc.bigInt(),
);

const text = fc.string().map(inside);

const anything = fc.oneof(
  number,
  fc
    .anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
    })
    .map((value) => (typeof value === 'string' ? inside(value) : value))
    .filter((value) => !isBytes(value) || value[0] !== SLASH),
  fc.constantFrom('', '\0', './x', '0', '0x10', '127.0.0.1', '[::1]:80', '\ud800', 'x'.repeat(200)),
  fc.uint8Array({ maxLength: 40 }).filter(([first]) => first !== SLASH),
  fc.dictionary(
    fc.constantFrom('family', 'address', 'port', 'path', 'level', 'type', 'data', 'sec', 'linger', 'filter'),
    fc.oneof(number, text, fc.constant(null), fc.array(number, { maxLength: 5 })),
  ),
);

/** Closes what a call has brought. */
function closeAll(result: unknown): void {
  if (result instanceof Socket) result.close();
  else if (Array.isArray(result)) result.forEach(closeAll);
}

type Call = (...args: unknown[]) => unknown;

/** Does what is to be done to anything. */
function tryAll(name: string, call: Call, args: fc.Arbitrary<unknown[]>): void {
  fc.assert(
    fc.property(args, (values) => {
      const result = call(...values);
      // What error answers is no failure of its own.
      if (result === null && name !== 'error') assert.equal(typeof socket.error(true), 'number');
      closeAll(result);
    }),
    { numRuns: 200 },
  );
}

const several = fc.array(anything, { maxLength: 5 });

for (const name of Object.getOwnPropertyNames(Socket.prototype)) {
  if (name === 'constructor' || name === 'error') continue;
  test(`${name} of a socket takes anything`, () => {
    // The last one is closed when the next is made, or at the end: that it succeeds would take the error away.
    let sock = using(socket.create(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK));
    tryAll(
      name,
      (...args) => {
        sock[Symbol.dispose]();
        sock = using(socket.create(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK));
        return Reflect.apply(Reflect.get(sock, name) as Call, sock, args);
      },
      several,
    );
  });
}

test('setopt and getopt take anything for every option there is', () => {
  const levels = ['SOL_SOCKET', 'IPPROTO_IP', 'IPPROTO_IPV6', 'IPPROTO_TCP', 'SOL_PACKET'] as const;
  const prefixes = {
    SOL_SOCKET: 'SO_',
    IPPROTO_IP: 'IP_',
    IPPROTO_IPV6: 'IPV6_',
    IPPROTO_TCP: 'TCP_',
  } as const;
  const pairs = levels.flatMap((level) => {
    const prefix = level === 'SOL_PACKET' ? 'PACKET_' : prefixes[level];
    return Object.entries(socket)
      .filter(([name]) => name.startsWith(prefix))
      .map(([, option]) => [socket[level], option as number] as const);
  });
  fc.assert(
    fc.property(fc.constantFrom(...pairs), anything, fc.boolean(), ([level, option], value, isInet) => {
      const sock = must(socket.create(isInet ? AF_INET : AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK));
      const isSet = sock.setopt(level, option, value);
      assert.ok(isSet === true || typeof sock.error(true) === 'number');
      const found = sock.getopt(level, option, value);
      assert.ok(found !== null || typeof sock.error(true) === 'number' || sock.error() === null);
      sock.close();
    }),
    { numRuns: 3000 },
  );
});

test('sendmsg takes anything as control messages, and recvmsg gives what comes of it', () => {
  const message = fc.record({
    level: fc.constantFrom(SOL_SOCKET, socket.IPPROTO_IP, socket.IPPROTO_IPV6, 99),
    type: fc.integer({ min: 0, max: 110 }),
    data: anything,
  });
  const [a, b] = must(socket.pair(SOCK_DGRAM | SOCK_NONBLOCK)).map(using);
  fc.assert(
    fc.property(fc.array(message, { maxLength: 3 }), fc.nat(300), (messages, room) => {
      must(a).sendmsg('x', messages);
      const { ancillary = [] } = must(b).recvmsg(10, room) ?? {};
      for (const { data } of ancillary)
        if (Array.isArray(data)) for (const each of data as readonly Socket[]) each.close();
    }),
    { numRuns: 500 },
  );
});

test('arrays of four billion holes are turned away before they are walked', () => {
  const holes = new Array<never>(2 ** 32 - 1);
  const [a] = must(socket.pair(SOCK_DGRAM | SOCK_NONBLOCK)).map(using);
  const sock = must(a);
  const results = [
    sock.send(holes),
    sock.send({ holes }),
    sock.sendmsg(holes),
    sock.sendmsg('x', holes),
    sock.sendmsg('x', [{ level: SOL_SOCKET, type: socket.SCM_RIGHTS, data: holes }]),
    sock.recvmsg(holes),
    sock.bind(holes),
    sock.setopt(SOL_SOCKET, socket.SO_ATTACH_FILTER, { filter: holes }),
    socket.poll(0, holes as never),
  ];
  assert.deepEqual(results, Array(results.length).fill(null));
});

/** Not a name, about which a name server would be asked. */
const noName = anything.filter((value) => typeof value !== 'string' && !isBytes(value));

/** Functions, with arguments that reach nobody else. */
const FUNCTIONS: Readonly<Record<string, fc.Arbitrary<unknown[]>>> = {
  addrinfo: fc.tuple(noName, anything, anything),
  connect: fc.tuple(
    noName.filter((value) => !Array.isArray(value)),
    anything,
    anything,
    fc.constant(0),
  ),
  create: several,
  error: several,
  listen: fc.tuple(
    noName.filter((value) => value !== null && value !== undefined),
    anything,
    anything,
    anything,
    anything,
  ),
  nameinfo: fc.tuple(anything, fc.constant(NI_NUMERICHOST | NI_NUMERICSERV)),
  open: fc.tuple(anything.filter((value) => typeof value !== 'number' || value < 0)),
  pair: several,
  poll: fc.tuple(fc.constant(0), anything, anything, anything),
  sockaddr: several,
  strerror: several,
};

for (const [name, args] of Object.entries(FUNCTIONS)) {
  test(`${name} takes anything`, () => {
    tryAll(name, Reflect.get(socket, name) as Call, args);
  });
}

test('every function of the module was tried', () => {
  const functions = Object.entries(socket).filter(([, value]) => typeof value === 'function');
  assert.deepEqual(functions.map(([name]) => name).sort(), Object.keys(FUNCTIONS).sort());
  assert.equal(functions.length, 11);
});
