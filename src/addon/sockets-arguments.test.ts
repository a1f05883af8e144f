/** The functions of native sockets with arguments of every kind (F41, F42, F43, F45, F46, F47, F50). */
/* eslint-disable @typescript-eslint/unbound-method -- that they need no `this` is what is tested */
import assert from 'node:assert/strict';
import test from 'node:test';

import type { BadValue } from '../testing/node/bad-values.ts';
import { NOTHING_USEFUL, NO_BYTES, NO_INTEGER, resizedView } from '../testing/node/bad-values.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { NativeSockets } from './native-sockets.ts';
import {
  MAX_MESSAGES,
  NAME_SIZE,
  RECORD,
  RECORD_SIZE,
  RECORD_WORDS,
  SLAB,
  SLAB_SIZE,
} from './native-sockets.ts';

type Call = (...args: unknown[]) => unknown;
type Name = keyof NativeSockets;

const native = loadNative();
const { AF_INET, AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_ATTACH_FILTER, SO_TYPE } =
  native.constants;
const { EBADF } = native.errorNumbers;

const MAX_INT32 = 2 ** 31 - 1;
const ROOM = SLAB_SIZE - SLAB.data;
const MOST_INSTRUCTIONS = 4096;
/** An id that is nobody's. */
const NOBODY = 2 ** 45;

function makeSockets(): NativeSockets {
  const made = native.createSockets(() => undefined, false);
  if (typeof made === 'number') throw new Error(`createSockets answered ${String(made)}`);
  return made;
}

function call(sockets: NativeSockets, name: Name, args: readonly unknown[]): unknown {
  return (sockets[name] as Call)(...args);
}

/** Runs `use` with sockets, which must not leave a descriptor behind. */
function withSockets(use: (sockets: NativeSockets) => void): void {
  const before = countDescriptors();
  const sockets = makeSockets();
  try {
    use(sockets);
  } finally {
    sockets.dispose();
  }
  assert.equal(countDescriptors(), before);
}

/** A whole number from `low` to `high`. */
const whole = (low: number, high: number): readonly BadValue[] => [
  ...NOTHING_USEFUL,
  ['true', true],
  ...NO_INTEGER,
  ['one less than the least', low - 1],
  ['one more than the most', high + 1],
];

/** What a parameter may be, by its bad values. */
const BAD = {
  /** A flag or a number of the system's. */
  signed: whole(-(2 ** 31), MAX_INT32),
  natural: whole(0, MAX_INT32),
  id: whole(0, 2 ** 52 - 1),
  length: whole(0, ROOM),
  nameLength: whole(0, NAME_SIZE),
  messages: whole(1, MAX_MESSAGES),
  instructions: whole(0, MOST_INSTRUCTIONS),
  items: whole(0, Math.floor(ROOM / 12)),
  which: whole(0, 2),
  events: whole(0, 32767),
  timeout: whole(-1, MAX_INT32),
  interest: whole(1, 3),
  bool: [...NOTHING_USEFUL, ['0', 0], ['1', 1], ['a Boolean object', Object(true)]],
  bytes: NO_BYTES,
} as const satisfies Readonly<Record<string, readonly BadValue[]>>;

type Parameter = readonly [name: string, kind: keyof typeof BAD, good: unknown];

const ID = ['id', 'id', NOBODY] as const;
const FLAGS = ['flags', 'signed', MSG_DONTWAIT] as const;
const LENGTH = ['length', 'length', 4] as const;
const BYTES = ['bytes', 'bytes', new Uint8Array(4)] as const;
const NAME_LENGTH = ['nameLength', 'nameLength', 16] as const;
const COUNT = ['count', 'messages', 1] as const;
const KIND = [
  ['family', 'natural', AF_UNIX],
  ['type', 'natural', SOCK_STREAM],
  ['protocol', 'natural', 0],
] as const;
const OPTION = [
  ['level', 'natural', SOL_SOCKET],
  ['name', 'natural', SO_TYPE],
] as const;

/** A row for each function that has parameters: good arguments, but for the socket, which is nobody's. */
const CALLS: Readonly<Partial<Record<Name, readonly Parameter[]>>> = {
  accept: [ID],
  adopt: [
    ['fd', 'natural', MAX_INT32],
    ['owned', 'bool', true],
  ],
  attachFilter: [
    ID,
    ['level', 'natural', SOL_SOCKET],
    ['name', 'natural', SO_ATTACH_FILTER],
    ['count', 'instructions', 1],
  ],
  bind: [ID, NAME_LENGTH],
  close: [ID],
  connect: [ID, NAME_LENGTH],
  count: [ID, ['which', 'which', 0]],
  descriptor: [ID],
  duplicate: [ID],
  getOption: [ID, ...OPTION, LENGTH],
  idAt: [['slot', 'natural', 2 ** 20]],
  listen: [ID, ['backlog', 'signed', -1]],
  localAddress: [ID],
  pair: KIND,
  poll: [
    ['count', 'items', 0],
    ['timeout', 'timeout', 0],
  ],
  readFilter: [ID],
  recv: [ID, LENGTH, FLAGS],
  recvBytes: [ID, BYTES, FLAGS],
  recvFrom: [ID, LENGTH, FLAGS],
  recvMessage: [ID, FLAGS],
  recvMessages: [ID, COUNT, FLAGS],
  reference: [['isOn', 'bool', false]],
  release: [ID],
  remoteAddress: [ID],
  send: [ID, LENGTH, FLAGS],
  sendBytes: [ID, BYTES, FLAGS],
  sendMessage: [ID, FLAGS],
  sendMessages: [ID, COUNT, FLAGS],
  sendTo: [ID, LENGTH, FLAGS, NAME_LENGTH],
  closeOnExec: [ID],
  setBlocking: [ID, ['isBlocking', 'bool', false]],
  setOption: [ID, ...OPTION, LENGTH],
  shutdown: [ID, ['how', 'signed', 0]],
  socket: KIND,
  unwatch: [ID],
  wait: [ID, ['events', 'events', 1], ['timeout', 'timeout', 0]],
  watch: [ID, ['interest', 'interest', 1]],
};
const WITHOUT: readonly Name[] = ['dispose', 'live', 'slab'];

const ROWS = Object.entries(CALLS) as [Name, readonly Parameter[]][];
const goodArguments = (parameters: readonly Parameter[]): unknown[] => parameters.map(([, , good]) => good);
const hasId = ([, parameters]: (typeof ROWS)[number]): boolean => parameters[0] === ID;

/** Checks that `error` says which argument of which function is wrong. */
function isAbout(name: Name, parameter: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.equal(
      (error as { code?: unknown }).code,
      error instanceof TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE',
    );
    assert.ok(error.message.startsWith(`${name}: ${parameter} `), error.message);
    return true;
  };
}

for (const [name, parameters] of ROWS) {
  test(`${name} refuses every bad argument by its name (F41, F43, F45-F47, F50)`, () => {
    withSockets((sockets) => {
      const good = goodArguments(parameters);
      for (const [at, [parameter, kind]] of parameters.entries()) {
        for (const [what, value] of BAD[kind]) {
          assert.throws(
            () => call(sockets, name, good.with(at, value)),
            isAbout(name, parameter),
            `${parameter}: ${what}`,
          );
        }
        assert.throws(() => call(sockets, name, good.slice(0, at)), TypeError, `${String(at)} arguments`);
      }
      assert.equal(sockets.live(), 0);
    });
  });
}

test('every function of the sockets is in the table of arguments, or has none', () => {
  withSockets((sockets) => {
    const functions = Object.entries(sockets).filter(([, value]) => typeof value === 'function');
    assert.deepEqual(functions.map(([name]) => name).sort(), [...Object.keys(CALLS), ...WITHOUT].sort());
  });
});

test('every function takes no more than its parameters, with any `this` (F50)', () => {
  withSockets((sockets) => {
    for (const row of ROWS) {
      const [name, parameters] = row;
      for (const self of [undefined, null, {}, 7, new Proxy({}, {}), makeSockets]) {
        const answer: unknown = Reflect.apply(sockets[name] as Call, self, [
          ...goodArguments(parameters),
          {},
          Symbol('more'),
        ]);
        if (hasId(row)) assert.equal(answer, -EBADF, name);
      }
    }
  });
});

test('every function answers EBADF to an id that is gone, or never was (F50, F52)', () => {
  withSockets((sockets) => {
    const gone = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    const open = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    assert.equal(sockets.close(gone), 0);
    // The slot's next life, and the descriptor's.
    const next = sockets.socket(AF_INET, SOCK_DGRAM, 0);
    assert.equal(next, gone + 2 ** 20);
    const nobody = [
      0,
      -0,
      gone,
      gone % 2 ** 20,
      next + 2 ** 20,
      open - 2 ** 20,
      open + 1,
      open + 2 ** 51,
      2 ** 20 - 1,
      2 ** 52 - 1,
    ];
    for (const row of ROWS.filter(hasId)) {
      const [name, parameters] = row;
      const good = goodArguments(parameters);
      for (const id of nobody)
        assert.equal(call(sockets, name, good.with(0, id)), -EBADF, `${name} ${String(id)}`);
    }
    assert.equal(sockets.live(), 2);
    assert.equal(sockets.idAt(open % 2 ** 20), open);
    assert.equal(sockets.idAt(next % 2 ** 20), next);
  });
});

test('every function but dispose throws when the sockets are disposed of', () => {
  withSockets((sockets) => {
    sockets.pair(AF_UNIX, SOCK_STREAM, 0);
    sockets.dispose();
    sockets.dispose();
    for (const [name, parameters] of ROWS)
      assert.throws(() => call(sockets, name, goodArguments(parameters)), { code: 'ERR_DISPOSED' }, name);
    for (const name of ['live', 'slab'] as const)
      assert.throws(() => sockets[name](), { code: 'ERR_DISPOSED' });
  });
});

test('createSockets refuses what is no handler, and leaves no descriptor (F07)', () => {
  const before = countDescriptors();
  const create = native.createSockets as Call;
  const handler = (): undefined => undefined;
  for (const [what, value] of NOTHING_USEFUL) {
    if (typeof value !== 'function') assert.throws(() => create(value, false), TypeError, what);
    assert.throws(() => create(handler, value), TypeError, what);
  }
  assert.throws(() => create(), TypeError);
  assert.equal(countDescriptors(), before);
});

/** A record whose places are far from each other and from every edge. */
const ORDINARY = [40000, 100, SLAB.name, NAME_SIZE, 48000, 256, 0, 0] as const;

/** A word of a record, and values that lead out of the slab, or among the records themselves. */
const BAD_RECORDS: readonly (readonly [keyof typeof RECORD, readonly number[]])[] = [
  ['dataOffset', [-1, 0, RECORD_SIZE - 1, SLAB_SIZE, SLAB_SIZE - 99, MAX_INT32, -(2 ** 31)]],
  ['dataLength', [-1, SLAB_SIZE, SLAB_SIZE - 39999, MAX_INT32, -(2 ** 31)]],
  ['nameOffset', [-1, 0, RECORD_SIZE - 1, SLAB_SIZE, SLAB_SIZE - 127, MAX_INT32, -(2 ** 31)]],
  ['nameLength', [-1, NAME_SIZE + 1, MAX_INT32, -(2 ** 31)]],
  ['controlOffset', [-8, 0, 48001, 48004, SLAB_SIZE, SLAB_SIZE - 248, MAX_INT32 - 7, -(2 ** 31)]],
  ['controlLength', [-1, SLAB_SIZE, SLAB_SIZE - 47999, MAX_INT32, -(2 ** 31)]],
];

const MESSAGE_CALLS = [
  ['sendMessage', (id: number): unknown[] => [id, MSG_DONTWAIT], 1],
  ['recvMessage', (id: number): unknown[] => [id, MSG_DONTWAIT], 1],
  ['sendMessages', (id: number): unknown[] => [id, 3, MSG_DONTWAIT], 3],
  ['recvMessages', (id: number): unknown[] => [id, 3, MSG_DONTWAIT], 3],
] as const;

for (const [name, argumentsFor, count] of MESSAGE_CALLS) {
  test(`${name} refuses records that lead out of the slab, and moves nothing (F42)`, () => {
    withSockets((sockets) => {
      const near = sockets.pair(AF_UNIX, SOCK_DGRAM, 0);
      const words = new Int32Array(sockets.slab().buffer);
      const far = sockets.idAt(words[0] ?? 0);
      assert.equal(sockets.sendBytes(far, Uint8Array.of(1), MSG_DONTWAIT), 1);
      for (const [field, values] of BAD_RECORDS) {
        for (const value of values) {
          for (let i = 0; i < count; i++) words.set(ORDINARY, i * RECORD_WORDS);
          // Also the last one is judged.
          words[(count - 1) * RECORD_WORDS + RECORD[field]] = value;
          assert.throws(
            () => call(sockets, name, argumentsFor(near)),
            RangeError,
            `${field} ${String(value)}`,
          );
        }
      }
      assert.equal(sockets.recv(near, 100, MSG_DONTWAIT), 1);
      assert.equal(sockets.recv(far, 100, MSG_DONTWAIT), -native.errorNumbers.EAGAIN);
    });
  });
}

test('recvMessage wants room for entries behind control data, sendMessage does not (F42)', () => {
  withSockets((sockets) => {
    const near = sockets.pair(AF_UNIX, SOCK_DGRAM, 0);
    const words = new Int32Array(sockets.slab().buffer);
    // 64 bytes may be 5 messages of 16 bytes each, the last one cut.
    const last = SLAB_SIZE - 64 - 5 * 16;
    const put = (offset: number): void => {
      words.set([40000, 1, 0, 0, offset, 64, 0, 0]);
    };
    put(last);
    assert.equal(sockets.recvMessage(near, MSG_DONTWAIT), -native.errorNumbers.EAGAIN);
    put(last + 8);
    assert.throws(() => sockets.recvMessage(near, MSG_DONTWAIT), RangeError);
    put(SLAB_SIZE - 64);
    assert.ok(sockets.sendMessage(near, MSG_DONTWAIT) !== 0);
  });
});

test('sendBytes and recvBytes take views of every good kind (F45, F47)', () => {
  withSockets((sockets) => {
    const near = sockets.pair(AF_UNIX, SOCK_STREAM, 0);
    const far = sockets.idAt(new Int32Array(sockets.slab().buffer)[0] ?? 0);
    const views: readonly (readonly [string, Uint8Array])[] = [
      ['bytes', new Uint8Array(8)],
      ['a part', new Uint8Array(64).subarray(3, 11)],
      ['a Buffer of the pool', Buffer.from('12345678')],
      ['an heir', new (class extends Uint8Array {})(8)],
      ['a view of a resizable buffer', resizedView(32, 8, 8)],
      ['a tracking view of one that has shrunk', resizedView(16, 8)],
      ['a view of the slab', sockets.slab().subarray(SLAB.data, SLAB.data + 8)],
    ];
    for (const [what, view] of views) {
      view.set([1, 2, 3, 4, 5, 6, 7, 8]);
      assert.equal(sockets.sendBytes(near, view, MSG_DONTWAIT), 8, what);
      view.fill(0);
      assert.equal(sockets.recvBytes(far, view, MSG_DONTWAIT), 8, what);
      assert.deepEqual([...view], [1, 2, 3, 4, 5, 6, 7, 8], what);
    }
    const empty = new Uint8Array(0);
    assert.equal(sockets.sendBytes(near, empty, MSG_DONTWAIT), 0);
    assert.equal(sockets.recvBytes(far, empty, MSG_DONTWAIT), -native.errorNumbers.EAGAIN);
  });
});

test('bytes whose getter closes, releases or disposes are judged before the socket is (F48, F51)', () => {
  withSockets((sockets) => {
    const near = sockets.pair(AF_UNIX, SOCK_STREAM, 0);
    const far = sockets.idAt(new Int32Array(sockets.slab().buffer)[0] ?? 0);
    const trap = (get: () => unknown): Uint8Array => {
      const bytes = new Uint8Array(0);
      Object.defineProperty(bytes.buffer, 'resizable', { get });
      return bytes;
    };
    const mine = (): never => {
      throw new Error('mine');
    };
    assert.throws(() => sockets.sendBytes(near, trap(mine), 0), /^Error: mine$/);
    assert.throws(() => sockets.recvBytes(near, trap(mine), 0), /^Error: mine$/);
    assert.equal(
      sockets.sendBytes(
        near,
        trap(() => sockets.close(near) !== 0),
        MSG_DONTWAIT,
      ),
      -EBADF,
    );
    const closing = trap(() => sockets.close(far) !== 0);
    assert.equal(sockets.recvBytes(far, closing, MSG_DONTWAIT), -EBADF);
    const disposing = trap(() => {
      sockets.dispose();
      return false;
    });
    assert.throws(() => sockets.sendBytes(1, disposing, 0), { code: 'ERR_DISPOSED' });
  });
});
