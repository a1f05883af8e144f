/** Options by their names: what is found, what is refused, and what the system is asked. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ClosedError, SystemError } from '../base/errors.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { getOption, optionByNumber, setOption } from './option-calls.ts';
import { getSpace } from './space.ts';
import type { SocketState } from './waiting.ts';

const space = getSpace();
const { constants } = space.module;
const leaks = leakCheck();

/** A socket without a class around it, and what is to be closed. */
const open: SocketState[] = [];

function makeSocket(family: number, type: number, protocol = 0): SocketState {
  const id = space.native.socket(family, type, protocol);
  assert.ok(id >= 0);
  const state = { space, id, family, type, protocol, isClosed: false, mayBlock: false };
  open.push(state);
  return state;
}

const tcp = (): SocketState => makeSocket(constants.AF_INET, constants.SOCK_STREAM);
const udp = (): SocketState => makeSocket(constants.AF_INET, constants.SOCK_DGRAM);

after(() => {
  for (const { id } of open) space.native.close(id);
  leaks.check();
});

test('getOption reads what setOption set', () => {
  const socket = tcp();
  assert.equal(getOption(socket, 'SOL_SOCKET', 'SO_REUSEADDR'), false);
  setOption(socket, 'SOL_SOCKET', 'SO_REUSEADDR', true);
  assert.equal(getOption(socket, 'SOL_SOCKET', 'SO_REUSEADDR'), true);
  setOption(socket, 'SOL_SOCKET', 'SO_LINGER', { onoff: 1, linger: 7 });
  assert.deepEqual(getOption(socket, 'SOL_SOCKET', 'SO_LINGER'), { onoff: 1, linger: 7 });
});

test('levels and options go by their other names, too', () => {
  const socket = tcp();
  setOption(socket, 'SOL_TCP', 'TCP_NODELAY', true);
  assert.equal(getOption(socket, 'IPPROTO_TCP', 'TCP_NODELAY'), true);
  setOption(socket, 'SOL_IP', 'IP_RECVRETOPTS', true);
  assert.equal(getOption(socket, 'IPPROTO_IP', 'IP_RETOPTS'), true);
});

test('unsigned options keep their highest bit', () => {
  const socket = tcp();
  setOption(socket, 'IPPROTO_TCP', 'TCP_NOTSENT_LOWAT', 0xffff_fffe);
  assert.equal(getOption(socket, 'IPPROTO_TCP', 'TCP_NOTSENT_LOWAT'), 0xffff_fffe);
});

/** Names that nobody has, and the message. */
const UNKNOWN: readonly (readonly [level: unknown, name: unknown, message: string])[] = [
  [
    'SOL_SOCKET',
    'SO_REUSEADR',
    'RangeError: SO_REUSEADR: no such option of SOL_SOCKET; did you mean SO_REUSEADDR?',
  ],
  ['SOL_SOCKET', 'so_linger', 'RangeError: so_linger: no such option of SOL_SOCKET; did you mean SO_LINGER?'],
  ['SOL_SOCKET', 'FOO', 'RangeError: FOO: no such option of SOL_SOCKET'],
  [
    'SOL_SOCKET',
    'TCP_NODELAY',
    'RangeError: TCP_NODELAY: no such option of SOL_SOCKET; it is one of IPPROTO_TCP',
  ],
  ['SOL_SOKET', 'SO_LINGER', 'RangeError: SOL_SOKET: no such level of options; did you mean SOL_SOCKET?'],
  ['toString', 'constructor', 'RangeError: toString: no such level of options'],
  ['SOL_SOCKET', '__proto__', 'RangeError: __proto__: no such option of SOL_SOCKET'],
  [1, 'SO_LINGER', 'TypeError: level: expected the name of a level, such as "SOL_SOCKET", got 1'],
  ['SOL_SOCKET', 13, 'TypeError: name: expected the name of an option, such as "SO_REUSEADDR", got 13'],
  [
    undefined,
    undefined,
    'TypeError: level: expected the name of a level, such as "SOL_SOCKET", got undefined',
  ],
  ['SOL_SOCKET', null, 'TypeError: name: expected the name of an option, such as "SO_REUSEADDR", got null'],
];

test('a name that nobody has is an error that says which was meant (F50)', () => {
  const socket = tcp();
  for (const [level, name, message] of UNKNOWN) {
    const thrown = (error: unknown): boolean => {
      assert.equal(String(error), message);
      return true;
    };
    assert.throws(() => getOption(socket, level as string, name as string), thrown);
    assert.throws(() => {
      setOption(socket, level as string, name as string, 1);
    }, thrown);
  }
});

test('what can only be read is not set, and what can only be set is not read', () => {
  const socket = tcp();
  assert.throws(() => {
    setOption(socket, 'SOL_SOCKET', 'SO_TYPE', 1);
  }, /^RangeError: SO_TYPE: it can only be read$/);
  assert.throws(
    () => getOption(socket, 'SOL_SOCKET', 'SO_ATTACH_FILTER'),
    /^RangeError: SO_ATTACH_FILTER: it can only be set$/,
  );
});

test('a value that cannot be is refused before the system is asked (F41)', () => {
  const socket = tcp();
  // The socket is closed: if the system were asked, this would be a ClosedError.
  const closed = { ...socket, id: 2 ** 40, isClosed: true };
  const wrong: readonly (readonly [level: string, name: string, value: unknown, message: RegExp])[] = [
    ['SOL_SOCKET', 'SO_REUSEADDR', 1, /^TypeError: SO_REUSEADDR: expected true or false, got 1$/],
    ['SOL_SOCKET', 'SO_RCVBUF', 2 ** 31, /^RangeError: SO_RCVBUF: expected a whole number from/],
    ['SOL_SOCKET', 'SO_MARK', -1, /^RangeError: SO_MARK: expected a whole number from 0 to 4294967295/],
    ['SOL_SOCKET', 'SO_RCVBUF', '4096', /^TypeError: SO_RCVBUF: /],
    ['SOL_SOCKET', 'SO_RCVTIMEO', 5, /^TypeError: SO_RCVTIMEO: expected an object, got 5$/],
    ['SOL_SOCKET', 'SO_LINGER', { onoff: 1 }, /^TypeError: SO_LINGER\.linger: /],
    ['SOL_SOCKET', 'SO_LINGER', { onoff: 1, lingre: 1 }, /SO_LINGER\.lingre: .* did you mean linger\?$/],
    ['SOL_SOCKET', 'SO_DETACH_FILTER', 1, /^TypeError: SO_DETACH_FILTER: expected no value, got 1$/],
    ['IPPROTO_IP', 'IP_TOS', 300, /^RangeError: IP_TOS: expected a whole number from 0 to 255, got 300$/],
    ['IPPROTO_TCP', 'TCP_CONGESTION', 5, /^TypeError: TCP_CONGESTION: expected text/],
  ];
  for (const [level, name, value, message] of wrong) {
    assert.throws(() => {
      setOption(closed, level, name, value);
    }, message);
  }
});

test('an interface that does not exist is ENODEV, before the system is asked', () => {
  const value = { multiaddr: '224.0.0.5', ifindex: 'no-such-device' };
  assert.throws(
    () => {
      setOption(udp(), 'IPPROTO_IP', 'IP_ADD_MEMBERSHIP', value);
    },
    (error) => error instanceof SystemError && error.code === 'ENODEV',
  );
});

test('what the system does not have is its own error, which names the option', () => {
  const refusal = (code: string, message: string) => (error: unknown) => {
    assert.ok(error instanceof SystemError);
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    return true;
  };
  assert.throws(
    () => getOption(udp(), 'IPPROTO_TCP', 'TCP_NODELAY'),
    refusal('EOPNOTSUPP', 'getOption IPPROTO_TCP TCP_NODELAY: operation not supported (EOPNOTSUPP)'),
  );
  assert.throws(
    () => {
      setOption(tcp(), 'SOL_SOCKET', 'SO_PASSCRED', true);
    },
    refusal('EOPNOTSUPP', 'setOption SOL_SOCKET SO_PASSCRED: operation not supported (EOPNOTSUPP)'),
  );
});

test('options of a closed socket are a ClosedError', () => {
  const socket = tcp();
  space.native.close(socket.id);
  socket.isClosed = true;
  assert.throws(() => getOption(socket, 'SOL_SOCKET', 'SO_REUSEADDR'), ClosedError);
  assert.throws(() => getOption(socket, 'SOL_SOCKET', 'SO_LINGER'), ClosedError);
  assert.throws(() => getOption(socket, 'SOL_SOCKET', 'SO_GET_FILTER'), ClosedError);
  assert.throws(() => {
    setOption(socket, 'SOL_SOCKET', 'SO_REUSEADDR', true);
  }, ClosedError);
});

test('a filter is attached, read and taken off again', () => {
  const socket = udp();
  const program = [
    { code: constants.BPF_LD | constants.BPF_W | constants.BPF_LEN, jt: 0, jf: 0, k: 0 },
    { code: constants.BPF_JMP | constants.BPF_JGT | constants.BPF_K, jt: 0, jf: 1, k: 100 },
    { code: constants.BPF_RET | constants.BPF_K, jt: 0, jf: 0, k: 0 },
    { code: constants.BPF_RET | constants.BPF_K, jt: 0, jf: 0, k: 0xffffffff },
  ];
  assert.deepEqual(getOption(socket, 'SOL_SOCKET', 'SO_GET_FILTER'), []);
  setOption(socket, 'SOL_SOCKET', 'SO_ATTACH_FILTER', program);
  assert.deepEqual(getOption(socket, 'SOL_SOCKET', 'SO_GET_FILTER'), program);
  setOption(socket, 'SOL_SOCKET', 'SO_DETACH_BPF', undefined);
  assert.deepEqual(getOption(socket, 'SOL_SOCKET', 'SO_GET_FILTER'), []);
  assert.throws(
    () => {
      setOption(socket, 'SOL_SOCKET', 'SO_ATTACH_FILTER', [{ code: 0xffff }]);
    },
    (error) => error instanceof SystemError && error.code === 'EINVAL',
  );
});

test('reading takes nothing from what was read before', () => {
  const socket = udp();
  setOption(socket, 'SOL_SOCKET', 'SO_BINDTODEVICE', 'lo');
  assert.equal(getOption(socket, 'SOL_SOCKET', 'SO_BINDTODEVICE'), 'lo');
  const options = getOption(socket, 'IPPROTO_IP', 'IP_OPTIONS') as Uint8Array;
  assert.equal(options.length, 0);
  const before = getOption(socket, 'SOL_SOCKET', 'SO_MEMINFO');
  getOption(socket, 'SOL_SOCKET', 'SO_LINGER');
  assert.deepEqual(getOption(socket, 'SOL_SOCKET', 'SO_MEMINFO'), before);
});

test('optionByNumber finds a row by its numbers', () => {
  const { SOL_SOCKET, SO_LINGER, IPPROTO_TCP, TCP_INFO, SO_ATTACH_FILTER } = constants;
  assert.deepEqual(optionByNumber(SOL_SOCKET, SO_LINGER, 'r'), {
    level: 'SOL_SOCKET',
    name: 'SO_LINGER',
    codec: 'linger',
    access: 'rw',
  });
  assert.equal(optionByNumber(IPPROTO_TCP, TCP_INFO, 'r')?.name, 'TCP_INFO');
  assert.equal(optionByNumber(IPPROTO_TCP, TCP_INFO, 'w')?.name, 'TCP_INFO');
  // They have the same number.
  assert.equal(optionByNumber(SOL_SOCKET, SO_ATTACH_FILTER, 'w')?.name, 'SO_ATTACH_FILTER');
  assert.equal(optionByNumber(SOL_SOCKET, SO_ATTACH_FILTER, 'r')?.name, 'SO_GET_FILTER');
  assert.equal(optionByNumber(SOL_SOCKET, 9999, 'r'), undefined);
});

test('options are found by names that a program put together', () => {
  const socket = tcp();
  const level = ['SOL', 'SOCKET'].join('_');
  assert.equal(getOption(socket, level, ['SO', 'TYPE'].join('_')), constants.SOCK_STREAM);
});
