/** Arguments that cannot be, of each kind, given to every method that takes the kind: refused, and nothing has happened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import type { BadValue } from '../testing/node/bad-values.ts';
import { NO_BYTES, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { poll } from './poll.ts';
import type { BadRow, Loose } from './test-kit.ts';
import { BAD_NUMBERS, but, BYTES, DEADLINE, NOBODY, pairOf, refuses, settledLeakCheck } from './test-kit.ts';

const { constants } = loadNative();

const leaks = await settledLeakCheck();
test.after(() => {
  leaks.check();
});

const RIGHTS = { level: constants.SOL_SOCKET, type: constants.SCM_RIGHTS };

// --- bytes --------------------------------------------------------------------------------------

/** Shared memory will do: it is copied. */
const BAD_BYTES = but(NO_BYTES, 'a view of shared memory');

refuses(
  'bytes',
  'F43, F45, F47, F50',
  [
    ['send', (s, bad) => s.send(bad)],
    ['send with a deadline', (s, bad) => s.send(bad, DEADLINE)],
    ['sendAsync', (s, bad) => s.sendAsync(bad)],
    ['sendTo', (s, bad) => s.sendTo(bad, NOBODY)],
    ['sendToAsync', (s, bad) => s.sendToAsync(bad, NOBODY)],
    ['recvInto', (s, bad) => s.recvInto(bad)],
    ['recvInto with a deadline', (s, bad) => s.recvInto(bad, DEADLINE)],
    ['recvIntoAsync', (s, bad) => s.recvIntoAsync(bad)],
    ['sendMsg in a part', (s, bad) => s.sendMsg({ data: [BYTES, bad] })],
    ['sendMany in a part', (s, bad) => s.sendMany([{ data: BYTES }, { data: [bad] }])],
    ['setRaw', (s, bad) => s.setRaw('SOL_SOCKET', 'SO_RCVBUF', bad)],
  ],
  BAD_BYTES,
  ['TypeError'],
);

/** Where there need not be any. */
refuses(
  'bytes',
  'F43, F45, F47, F50',
  [
    ['sendMsg', (s, bad) => s.sendMsg({ data: bad })],
    ['sendMsgAsync', (s, bad) => s.sendMsgAsync({ data: bad })],
    ['sendMany', (s, bad) => s.sendMany([{ data: BYTES }, { data: bad }])],
    ['sendManyAsync', (s, bad) => s.sendManyAsync([{ data: bad }])],
    ['getRaw as input', (s, bad) => s.getRaw('SOL_SOCKET', 'SO_RCVBUF', 64, bad)],
    ['sendMsg in control', (s, bad) => s.sendMsg({ control: [{ level: 7, type: 7, data: bad ?? null }] })],
  ],
  but(BAD_BYTES, 'undefined'),
  ['TypeError'],
);

// --- numbers ------------------------------------------------------------------------------------

const NO_SIZE: readonly BadValue[] = [...BAD_NUMBERS, ['-1', -1], ['2^31', 2 ** 31]];
const INTO = (): Uint8Array => new Uint8Array(4);

const CALLS: readonly (readonly [string, (socket: Loose, options: unknown) => unknown])[] = [
  ['send', (s, options) => s.send(BYTES, options)],
  ['sendAsync', (s, options) => s.sendAsync(BYTES, options)],
  ['sendTo', (s, options) => s.sendTo(BYTES, NOBODY, options)],
  ['sendToAsync', (s, options) => s.sendToAsync(BYTES, NOBODY, options)],
  ['sendMsg', (s, options) => s.sendMsg({ data: BYTES }, options)],
  ['sendMsgAsync', (s, options) => s.sendMsgAsync({ data: BYTES }, options)],
  ['sendMany', (s, options) => s.sendMany([{ data: BYTES }], options)],
  ['sendManyAsync', (s, options) => s.sendManyAsync([{ data: BYTES }], options)],
  ['recv', (s, options) => s.recv(1, options)],
  ['recvAsync', (s, options) => s.recvAsync(1, options)],
  ['recvInto', (s, options) => s.recvInto(INTO(), options)],
  ['recvIntoAsync', (s, options) => s.recvIntoAsync(INTO(), options)],
  ['recvFrom', (s, options) => s.recvFrom(1, options)],
  ['recvFromAsync', (s, options) => s.recvFromAsync(1, options)],
  ['recvMsg', (s, options) => s.recvMsg({}, options)],
  ['recvMsgAsync', (s, options) => s.recvMsgAsync({}, options)],
  ['recvMany', (s, options) => s.recvMany({}, options)],
  ['recvManyAsync', (s, options) => s.recvManyAsync({}, options)],
  ['accept', (s, options) => s.accept(options)],
  ['acceptAsync', (s, options) => s.acceptAsync(options)],
];
const ASYNC = CALLS.filter(([name]) => name.endsWith('Async'));
const CONNECTS: typeof CALLS = [
  ['connect', (s, options) => s.connect(NOBODY, options)],
  ['connectAsync', (s, options) => s.connectAsync(NOBODY, options)],
];
const READIES: typeof CALLS = [
  ['readable', (s, options) => s.readable(options)],
  ['writable', (s, options) => s.writable(options)],
];

/** Rows that put the value into a property of their options. */
const within = (calls: typeof CALLS, key: string): readonly BadRow[] =>
  calls.map(([what, call]) => [`${what} ${key}`, (s, bad): unknown => call(s, { [key]: bad })]);

const accepts = CALLS.filter(([name]) => !name.startsWith('accept'));
refuses('whole number', 'F41', within(accepts, 'flags'), BAD_NUMBERS);

const NO_TIME: readonly BadValue[] = [
  ...but(NOTHING_USEFUL, 'undefined'),
  ['NaN', NaN],
  ['-1', -1],
  ['-Infinity', -Infinity],
  ['2^31', 2 ** 31],
];
refuses('time', 'F41', within([...CALLS, ...CONNECTS, ...READIES], 'timeout'), NO_TIME);
refuses('time', 'F41', [['poll', (_, bad): unknown => poll([], bad as number)]], NO_TIME);

const NO_OPTIONS: readonly BadValue[] = [
  ...but(NOTHING_USEFUL, 'undefined', 'a Number object').filter(([, value]) => typeof value !== 'object'),
  ['null', null],
  ['a number', constants.MSG_PEEK],
  ['true', true],
];
refuses('object', 'F50', [...CALLS, ...CONNECTS, ...READIES], NO_OPTIONS, ['TypeError']);

const NO_SIGNAL: readonly BadValue[] = [
  ...but(NOTHING_USEFUL, 'undefined'),
  ['half of a signal', { aborted: false }],
  ['a signal that says aborted by a word', { aborted: 'no', addEventListener: () => undefined }],
];
refuses('signal', 'F50', within([...ASYNC, ...READIES, ...CONNECTS.slice(1)], 'signal'), NO_SIGNAL, [
  'TypeError',
]);

const SIZES: readonly BadRow[] = [
  ['recv size', (s, bad) => s.recv(bad)],
  ['recvAsync size', (s, bad) => s.recvAsync(bad)],
  ['recvFrom size', (s, bad) => s.recvFrom(bad)],
  ['recvFromAsync size', (s, bad) => s.recvFromAsync(bad)],
  ['recvMsg size', (s, bad) => s.recvMsg({ size: bad })],
  ['recvMsg controlSize', (s, bad) => s.recvMsg({ controlSize: bad })],
  ['recvMany count', (s, bad) => s.recvMany({ count: bad })],
  ['recvMany size', (s, bad) => s.recvMany({ size: bad })],
  ['recvManyAsync controlSize', (s, bad) => s.recvManyAsync({ controlSize: bad })],
  ['getRaw size', (s, bad) => s.getRaw('SOL_SOCKET', 'SO_TYPE', bad)],
  ['listen backlog', (s, bad) => s.listen(bad)],
];
refuses('size', 'F41, F42', SIZES, NO_SIZE);
refuses(
  'count',
  'F41',
  [['recvMany', (s, bad): unknown => s.recvMany({ count: bad })]],
  [
    ['0', 0],
    ['1025', 1025],
  ],
);

const NO_CONSTANT = [...NO_SIZE, ['undefined', undefined], ['another name', 'toString']] as const;
refuses(
  'constant',
  'F41, F50',
  [
    ['getRaw level', (s, bad) => s.getRaw(bad, 'SO_TYPE', 4)],
    ['getRaw name', (s, bad) => s.getRaw('SOL_SOCKET', bad, 4)],
    ['setRaw level', (s, bad) => s.setRaw(bad, 'SO_TYPE', BYTES)],
    ['setRaw name', (s, bad) => s.setRaw('SOL_SOCKET', bad, BYTES)],
    ['getOption level', (s, bad) => s.getOption(bad, 'SO_TYPE')],
    ['getOption name', (s, bad) => s.getOption('SOL_SOCKET', bad)],
    ['setOption name', (s, bad) => s.setOption('SOL_SOCKET', bad, 1)],
    ['shutdown', (s, bad) => s.shutdown(bad)],
  ],
  NO_CONSTANT,
);

refuses(
  'number',
  'F41',
  [['setOption', (s, bad): unknown => s.setOption('SOL_SOCKET', 'SO_PRIORITY', bad)]],
  [...BAD_NUMBERS, ['undefined', undefined]],
);

// --- objects ------------------------------------------------------------------------------------

const NO_OBJECT = NO_OPTIONS;
refuses(
  'object',
  'F50',
  [
    ['sendMsg', (s, bad) => s.sendMsg(bad)],
    ['sendMsgAsync', (s, bad) => s.sendMsgAsync(bad)],
    ['sendMany for a message', (s, bad) => s.sendMany([{ data: BYTES }, bad])],
    ['sendMany', (s, bad) => s.sendMany(bad)],
    ['sendManyAsync', (s, bad) => s.sendManyAsync(bad)],
    ['sendMsg for control', (s, bad) => s.sendMsg({ data: BYTES, control: bad })],
    ['sendMsg for a control message', (s, bad) => s.sendMsg({ data: BYTES, control: [bad] })],
    ['sendMsg for descriptors', (s, bad) => s.sendMsg({ control: [{ ...RIGHTS, data: bad }] })],
    ['recvMsg', (s, bad) => s.recvMsg(bad)],
    ['recvMany', (s, bad) => s.recvMany(bad)],
    ['poll', (_, bad) => poll(bad as never)],
    ['poll for an item', (_, bad) => poll([bad as never])],
    [
      'poll for what is polled',
      (_, bad) => poll([{ on: typeof bad === 'number' ? -1 : bad, events: 1 } as never]),
    ],
  ],
  NO_OBJECT,
);

test('sendMsg and sendMany refuse holes in arrays, by their place (F50)', (t) => {
  const [socket, peer] = pairOf(t, 'SOCK_DGRAM');
  const hole = Array<never>(2);
  assert.throws(() => socket.sendMany(hole), /^TypeError: messages\[0\]: expected an object/);
  assert.throws(
    () => socket.sendMsg({ data: hole }),
    /^TypeError: message\.data\[0\]: expected a Uint8Array/,
  );
  assert.throws(
    () => socket.sendMsg({ control: hole }),
    /^TypeError: message\.control\[0\]: expected an object/,
  );
  assert.equal(peer.recv(), null);
});
