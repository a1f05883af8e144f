/** Objects that fight back: getters that throw, change their answers or close the socket, and a foreign `this`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketAddress } from './address.ts';
import { Descriptor, OWN } from './descriptor.ts';
import { ReceivedMessage } from './message.ts';
import { poll } from './poll.ts';
import { encodeSockaddr } from './sockaddr.ts';
import { Socket } from './socket.ts';
import { getSpace } from './space.ts';
import type { Loose } from './test-kit.ts';
import { BYTES, LOOPBACK, loose, open, pairOf, refusal, settledLeakCheck, udp } from './test-kit.ts';

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

// --- getters ------------------------------------------------------------------------------------

/** A call with an object of ours in it. Its properties are wrapped, one at a time. */
type Call = readonly [what: string, run: (socket: Loose, given: never) => unknown, given: object];

const IPV6 = { family: 'ipv6', host: '::1', port: 9, scope: '1', flowInfo: 0 };
const PACKET = {
  family: 'packet',
  protocol: 3,
  interface: 1,
  hardwareType: 1,
  packetType: 0,
  address: BYTES,
};
const CALL_OPTIONS = { flags: 0, timeout: 1000 };
const signal = new AbortController().signal;

const CALLS: readonly Call[] = [
  ['send options', (s, given) => s.send(BYTES, given), CALL_OPTIONS],
  ['sendAsync options', (s, given) => s.sendAsync(BYTES, given), { ...CALL_OPTIONS, signal }],
  ['recv options', (s, given) => s.recv(1, given), CALL_OPTIONS],
  ['recvInto options', (s, given) => s.recvInto(new Uint8Array(9), given), CALL_OPTIONS],
  ['recvFrom options', (s, given) => s.recvFrom(1, given), CALL_OPTIONS],
  ['recvMsg options', (s, given) => s.recvMsg({}, given), CALL_OPTIONS],
  ['recvMsg room', (s, given) => s.recvMsg(given), { size: 9, controlSize: 0 }],
  ['recvMany room', (s, given) => s.recvMany(given), { count: 1, size: 9, controlSize: 0 }],
  ['recvAsync options', (s, given) => s.recvAsync(1, given), { ...CALL_OPTIONS, signal }],
  ['sendMsg', (s, given) => s.sendMsg(given), { data: BYTES, control: [], address: undefined }],
  ['sendMsgAsync', (s, given) => s.sendMsgAsync(given), { data: BYTES, control: [] }],
  ['sendMany', (s, given) => s.sendMany(given), [{ data: BYTES }]],
  ['sendMany message', (s, given) => s.sendMany([given]), { data: BYTES, control: [] }],
  ['sendMsg parts', (s, given) => s.sendMsg({ data: given }), [BYTES]],
  ['setOption value', (s, given) => s.setOption('SOL_SOCKET', 'SO_LINGER', given), { onoff: 0, linger: 0 }],
  ['readable options', (s, given) => s.readable(given), { timeout: 1000, signal }],
];

const ADDRESSES: readonly SocketAddress[] = [LOOPBACK, IPV6, PACKET] as readonly SocketAddress[];
const NAMED: readonly Call[] = [
  ...ADDRESSES,
  { family: 'unix', path: '\0portside-none' },
  { family: 'netlink', port: 0, groups: 0 },
  { family: 'vsock', port: 1, cid: 1 },
  { family: 'can', interface: 1, isotp: { rxId: 1, txId: 2 } },
  { family: 'other', number: 1, bytes: BYTES },
].flatMap((given): Call[] => [
  [`sendTo ${given.family}`, (s, address) => s.sendTo(BYTES, address), given],
  [`encodeSockaddr ${given.family}`, (_, address) => encodeSockaddr(address, getSpace().codecs), given],
]);

/** The object, with `answer` in the place of one property; what is read is counted by name. */
function wrapped(given: object, seen: Map<string, number>, key?: string, answer?: () => unknown): object {
  return new Proxy(given, {
    get: (target, name, receiver): unknown => {
      if (typeof name === 'string' && Object.hasOwn(target, name)) seen.set(name, (seen.get(name) ?? 0) + 1);
      return name === key ? answer?.() : Reflect.get(target, name, receiver);
    },
  });
}

/** Runs to its end: what the system says of these values is no matter here. */
const settled = (call: () => Promise<unknown>): Promise<unknown> => Promise.allSettled([call()]);

for (const [what, run, given] of [...CALLS, ...NAMED]) {
  test(`${what}: a getter that throws ends the call, and nothing was done (F48)`, async (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
    for (const key of Object.keys(given)) {
      const own = new Error(`my ${key}`);
      const thrower = wrapped(given, new Map(), key, () => {
        throw own;
      });
      assert.equal(await refusal(() => run(loose(socket), thrower as never)), own, key);
      assert.equal(peer.recv(), null);
    }
  });

  test(`${what}: each property is read once (F48)`, async (t) => {
    const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
    for (let i = 0; i < 3; i++) peer.send(BYTES);
    const seen = new Map<string, number>();
    await settled(async () => run(loose(socket), wrapped(given, seen) as never));
    assert.deepEqual(
      [...seen.values()].filter((count) => count !== 1),
      [],
      [...seen.keys()].join(),
    );
    assert.ok(seen.size > 0);
  });

  test(`${what}: a getter that closes the socket makes it a ClosedError, and nothing worse (F48, F51)`, async () => {
    for (const key of Object.keys(given)) {
      const [socket, peer] = Socket.pair('AF_UNIX', 'SOCK_DGRAM');
      const [, successor] = [socket.fd, peer.fd];
      const closer = wrapped(given, new Map(), key, () => {
        socket.close();
        return Reflect.get(given, key) as unknown;
      });
      let error: unknown;
      try {
        await run(loose(socket), closer as never);
      } catch (caught) {
        error = caught;
      }
      const { name } = (error ?? {}) as Error;
      assert.ok(what.startsWith('encode') || name === 'ClosedError', `${key}: ${String(error)}`);
      assert.equal(peer.fd, successor);
      peer.close();
    }
  });
}

test('an address whose getter sends to another address is laid out as it says (F48)', (t) => {
  const codecs = getSpace().codecs;
  const socket = udp(t);
  const inner = (): void => {
    encodeSockaddr({ family: 'ipv6', host: 'ff02::99', port: 99, flowInfo: 99, scope: '99' }, codecs);
    socket.sendTo(BYTES, socket.localAddress());
    socket.recvFrom();
  };
  for (const address of ADDRESSES) {
    for (const key of Object.keys(address)) {
      const given = wrapped(address, new Map(), key, () => {
        inner();
        return Reflect.get(address, key) as unknown;
      });
      assert.deepEqual(encodeSockaddr(given as SocketAddress, codecs), encodeSockaddr(address, codecs), key);
    }
  }
});

test('poll judges the items that there were when it was called (F48)', (t) => {
  const [socket] = pairOf(t);
  const items = [{ on: socket, events: 1 }];
  const growing = {
    get on(): Socket {
      for (let i = 0; i < 100; i++) items.push({ on: socket, events: 4 });
      return socket;
    },
    events: 4,
  };
  items[0] = growing;
  assert.deepEqual(poll(items, 0), [4]);
  const shrinking = [growing, { on: socket, events: 4 }];
  shrinking[0] = {
    get on(): Socket {
      shrinking.length = 1;
      return socket;
    },
    events: 4,
  };
  assert.throws(() => poll(shrinking, 0), /^TypeError: items\[1\]: expected an object/);
});

test('a message of an array whose methods are not its own is read as it is (F48)', (t) => {
  const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
  const no = (): never => {
    throw new Error('a method was called');
  };
  const odd = <T>(...list: readonly T[]): T[] =>
    Object.assign([...list], { map: no, slice: no, reduce: no, entries: no, [Symbol.iterator]: no });
  socket.sendMany(odd({ data: odd(BYTES, BYTES), control: odd<never>() }, { data: BYTES }));
  assert.deepEqual([peer.recv()?.length, peer.recv()?.length, peer.recv()], [6, 3, null]);
});

test('an address that waits is the one that was given (F48)', async (t) => {
  const receiver = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  receiver.bind({ family: 'unix', path: '' });
  const sender = open(t, 'AF_UNIX', 'SOCK_DGRAM');
  const address = receiver.localAddress();
  while (sender.sendTo(BYTES, address) !== null);
  const given = { ...address };
  const sent = sender.sendToAsync(Uint8Array.of(7), given, { timeout: 20_000 });
  Object.assign(given, { family: 'unix', path: '/nowhere' });
  while (receiver.recv() !== null);
  assert.equal(await sent, 1);
  assert.deepEqual(receiver.recv(), Uint8Array.of(7));
});

// --- a foreign this -----------------------------------------------------------------------------

/** Every method and getter of a class and of its parents, by name. */
function functionsOf(start: object): readonly (readonly [string, (...args: unknown[]) => unknown])[] {
  const found: (readonly [string, (...args: unknown[]) => unknown])[] = [];
  for (
    let at: object | null = start;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      const each: unknown = Reflect.get(descriptor, 'value') ?? Reflect.get(descriptor, 'get');
      if (typeof each === 'function' && name !== 'constructor') found.push([name, each as () => unknown]);
    }
  }
  return found;
}

const STRANGERS: readonly unknown[] = [undefined, null, 1, 'x', {}, [], () => 1, new Proxy({}, {})];

for (const type of [Socket, Descriptor, ReceivedMessage]) {
  const prototype = type.prototype as object;
  test(`every method of ${type.name} refuses a foreign this (F50)`, async () => {
    const functions = functionsOf(prototype);
    assert.ok(functions.length > 0);
    for (const [name, each] of functions) {
      for (const stranger of [...STRANGERS, Object.create(prototype), prototype]) {
        const error = await refusal(() => Reflect.apply(each, stranger, [BYTES, LOOPBACK]));
        assert.equal(error.name, 'TypeError', `${name}: ${error.message}`);
      }
    }
  });
}

test('the classes refuse to be made of anything but an id (F50)', () => {
  for (const bad of [...STRANGERS.filter((each) => each !== 1), -1, 1.5, NaN, 2 ** 60]) {
    assert.throws(() => new Descriptor(bad as number, OWN), /^(Type|Range)Error: id: expected/);
    const make = Socket as unknown as new (...args: readonly unknown[]) => unknown;
    assert.throws(() => new make(bad, true), TypeError);
    assert.throws(() => new make({ id: bad }, true), /^(Type|Range)Error: id: expected/);
  }
});
