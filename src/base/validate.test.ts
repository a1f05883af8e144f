import assert from 'node:assert/strict';
import test from 'node:test';
import { runInNewContext } from 'node:vm';
import { requireBytes } from './bytes.ts';
import {
  requireDone,
  requireListenerSink,
  requireStreamSink,
  validateConnect,
  validateDeadline,
  validateListen,
  validateReadOptions,
  validateResolve,
  validateSocketOption,
} from './validate.ts';

const TCP = { host: 'example.com', port: 80 };
const LONG = 'p'.repeat(108);
const WHOLE = ['80', null, true, 80n, [], {}, new Number(80), Symbol('port'), () => 80];
const NOT_IN_RANGE = [NaN, -1, 0.5, 2 ** 32, 2 ** 53, Infinity, -Infinity];

/** What is judged, the option that is wrong, values of the wrong type, values of the right type that cannot be. */
const REFUSED: readonly (readonly [
  (options: object) => unknown,
  string,
  readonly unknown[],
  readonly unknown[],
])[] = [
  [connectWith, 'port', [...WHOLE, undefined], [...NOT_IN_RANGE, 65536]],
  [
    connectWith,
    'host',
    [undefined, null, 1, {}, ['a'], new String('a')],
    ['', 'a\0b', 'a b', 'a\n', 'a\ud800', '\udc00b', 'h'.repeat(256)],
  ],
  [connectWith, 'family', [4, null, 6], ['ipv5', 'IPv4', '']],
  [connectWith, 'attemptDelay', ['250', null], [...NOT_IN_RANGE, 0, 9]],
  [connectWith, 'timeout', ['1', null, {}], [...NOT_IN_RANGE, 2 ** 31]],
  [connectWith, 'signal', [true, 'abort', null, {}, { aborted: false }, () => undefined], []],
  [connectWith, 'localAddress', [1, null], ['localhost', '', '127.1', '[::1]', '010.0.0.1', '1.2.3.4:80']],
  [connectWith, 'localPort', ['1', null], [...NOT_IN_RANGE, 65536]],
  [connectWith, 'highWaterMark', ['1', null], [...NOT_IN_RANGE, 0]],
  [connectWith, 'writeLimit', ['1', null], [...NOT_IN_RANGE, 0]],
  [connectWith, 'options', [1, null, 'noDelay'], []],
  [connectWith, 'addresses', ['127.0.0.1', null, {}, { length: 1 }, new Set()], []],
  [
    connectWith,
    'path',
    [1, null, {}, [47], new Uint16Array(2), new ArrayBuffer(4)],
    ['', '\0', '/a\0b', '\ud800', LONG],
  ],
  [listenWith, 'host', [1, null], ['localhost', '', '*', '127.1']],
  [listenWith, 'port', WHOLE, [...NOT_IN_RANGE, 65536]],
  [listenWith, 'backlog', ['5', null], [...NOT_IN_RANGE, 2 ** 31]],
  [listenWith, 'reusePort', [0, 1, 'true', null], []],
  [listenWith, 'ipv6Only', [0, 1, 'true', null], []],
  [listenUnixWith, 'stale', [true, null], ['', 'unlink']],
  [listenUnixWith, 'mode', ['660', null], [...NOT_IN_RANGE, 0o1000]],
  [validateReadOptions, 'readSize', ['1', null], [...NOT_IN_RANGE, 0, 262_145]],
  [validateReadOptions, 'chunks', [1, null], ['', 'copy']],
  [(options) => validateResolve('a', options), 'family', [4], ['inet']],
  [(options) => validateDeadline(options), 'timeout', ['1', null], [...NOT_IN_RANGE, 2 ** 31]],
];

function connectWith(options: object): unknown {
  return validateConnect({ ...TCP, ...options });
}

function listenWith(options: object): unknown {
  return validateListen({ host: '127.0.0.1', port: 0, ...options });
}

function listenUnixWith(options: object): unknown {
  return validateListen({ path: '/tmp/x', ...options });
}

for (const [judge, name, wrongTypes, outOfRange] of REFUSED) {
  test(`${judge.name || 'validate'} refuses ${name} by type and by range`, () => {
    for (const value of wrongTypes)
      assert.throws(() => judge({ [name]: value }), {
        name: 'TypeError',
        message: new RegExp(`^${name}: expected .*, got `),
      });
    for (const value of outOfRange)
      assert.throws(() => judge({ [name]: value }), {
        name: 'RangeError',
        message: new RegExp(`^${name}: expected .*, got `),
      });
  });
}

const OPTION_VALUES: readonly (readonly [
  string,
  readonly unknown[],
  readonly unknown[],
  readonly unknown[],
])[] = [
  ['noDelay', [true, false], [0, 'true', null, undefined, {}], []],
  [
    'keepAlive',
    [true, false, {}, { idle: 1 }, { idle: 32767, interval: 1, count: 127 }],
    [1, null, undefined, 'on', { idle: '1' }],
    [{ idle: 0 }, { idle: 32768 }, { interval: NaN }, { count: 128 }, { count: 1.5 }],
  ],
  ['userTimeout', [0, 2 ** 31 - 1], ['1', null, undefined], NOT_IN_RANGE],
  ['receiveBufferSize', [1, 65536], ['1', null, undefined], [...NOT_IN_RANGE, 0]],
  ['sendBufferSize', [1, 65536], ['1', null, undefined], [...NOT_IN_RANGE, 0]],
];
for (const [name, good, wrongTypes, outOfRange] of OPTION_VALUES) {
  test(`validateSocketOption judges ${name}, alone and inside options`, () => {
    const set = (value: unknown): unknown => validateSocketOption(name as 'noDelay', value);
    for (const value of good) {
      assert.deepEqual(set(value), value);
      assert.deepEqual(validateConnect({ ...TCP, options: { [name]: value } }).options, { [name]: value });
    }
    for (const value of wrongTypes) assert.throws(() => set(value), TypeError);
    for (const value of outOfRange) {
      assert.throws(() => set(value), RangeError);
      assert.throws(() => validateListen({ options: { [name]: value } }), {
        name: 'RangeError',
        message: new RegExp(`^options.${name}`),
      });
    }
  });
}

test('validateSocketOption refuses names that are none, also those that every object has', () => {
  for (const name of ['linger', '', 'constructor', '__proto__', 'toString']) {
    assert.throws(() => validateSocketOption(name as 'noDelay', true), RangeError);
  }
  assert.throws(() => validateSocketOption(1 as never, true), TypeError);
});

test('validateConnect fills in every default', () => {
  assert.deepEqual(validateConnect(TCP), {
    transport: 'tcp',
    ...TCP,
    addresses: undefined,
    family: undefined,
    attemptDelay: 250,
    localAddress: undefined,
    localPort: 0,
    signal: undefined,
    timeout: undefined,
    highWaterMark: 65536,
    writeLimit: 67108864,
    options: {},
    tls: undefined,
  });
});

test('validateListen fills in every default', () => {
  const common = {
    signal: undefined,
    timeout: undefined,
    highWaterMark: 65536,
    writeLimit: 67108864,
    options: {},
    backlog: 2 ** 31 - 1,
    tls: undefined,
  };
  const host = { family: 'ipv4', host: '127.0.0.1' };
  assert.deepEqual(validateListen({}), {
    transport: 'tcp',
    host,
    port: 0,
    reusePort: false,
    ipv6Only: undefined,
    ...common,
  });
  assert.deepEqual(validateListen({ path: '/x' }), {
    transport: 'unix',
    path: '/x',
    stale: 'fail',
    mode: undefined,
    ...common,
  });
});

test('validateConnect takes the family of localAddress, and refuses two that differ', () => {
  const plan = validateConnect({ ...TCP, localAddress: '::1' });
  assert.equal(plan.transport === 'tcp' && plan.family, 'ipv6');
  assert.throws(() => validateConnect({ ...TCP, localAddress: '::1', family: 'ipv4' }), {
    name: 'RangeError',
    message: /localAddress/,
  });
});

test('validateConnect makes addresses canonical, and names the one that is none', () => {
  const addresses = [
    { family: 'ipv6', host: 'FE80:0::1', scope: 'lo' },
    { family: 'ipv4', host: '127.0.0.1' },
  ];
  const plan = validateConnect({ ...TCP, addresses });
  assert.deepEqual(plan.transport === 'tcp' && plan.addresses, [
    { family: 'ipv6', host: 'fe80::1', scope: 'lo' },
    { family: 'ipv4', host: '127.0.0.1' },
  ]);
  for (const [bad, type] of [
    [{ family: 'ipv4', host: '::1' }, 'RangeError'],
    [{ family: 'ipv4', host: 'localhost' }, 'RangeError'],
    [{ family: 'ipv4', host: '127.0.0.1', scope: 'lo' }, 'RangeError'],
    [{ family: 'ipv4' }, 'TypeError'],
    [{ family: 'unix', host: '/x' }, 'RangeError'],
    [null, 'TypeError'],
    ['127.0.0.1', 'TypeError'],
  ] as const) {
    assert.throws(() => validateConnect({ ...TCP, addresses: [...addresses, bad] }), {
      name: type,
      message: /^addresses\[2\]/,
    });
  }
});

test('validateConnect does not walk an array of four billion', () => {
  assert.throws(() => validateConnect({ ...TCP, addresses: new Array(2 ** 32 - 1) }), {
    name: 'RangeError',
    message: /^addresses\.length/,
  });
});

const PATHS: readonly (readonly [string, string | Uint8Array, boolean])[] = [
  ['a file', '/run/x.sock', true],
  ['a relative file', 'x', true],
  ['107 bytes', 'p'.repeat(107), true],
  ['107 bytes in 53 characters', `p${'é'.repeat(53)}`, true],
  ['108 bytes in 54 characters', 'é'.repeat(54), false],
  ['108 bytes in 27 characters', '😀'.repeat(27), false],
  ['an abstract name', '\0name', true],
  ['an abstract name with NULs', '\0a\0b\0', true],
  ['an abstract name of 107 bytes', `\0${'p'.repeat(107)}`, true],
  ['an abstract name of 108 bytes', `\0${'p'.repeat(108)}`, false],
  ['bytes that are no UTF-8', Uint8Array.of(47, 255, 254), true],
  ['bytes of an abstract name', Uint8Array.of(0, 255, 0), true],
  ['bytes with NUL', Uint8Array.of(47, 0, 47), false],
  ['no bytes', new Uint8Array(0), false],
  ['108 bytes of bytes', new Uint8Array(108).fill(65), false],
];
for (const [name, path, isGood] of PATHS) {
  test(`validateConnect ${isGood ? 'takes' : 'refuses'} a path: ${name}`, () => {
    if (isGood) assert.deepEqual(validateConnect({ path }), { ...validateConnect({ path: '/' }), path });
    else assert.throws(() => validateListen({ path }), { name: 'RangeError', message: /^path: / });
  });
}

test('validateListen names the limit of a path', () => {
  assert.throws(() => validateListen({ path: LONG }), /at most 107 bytes \(this has 108\)/);
});

test('validateConnect keeps its own copy of a path', () => {
  const path = Uint8Array.of(47, 97);
  const plan = validateConnect({ path });
  path.fill(0);
  assert.deepEqual(plan.transport === 'unix' && plan.path, Uint8Array.of(47, 97));
});

test('validateConnect reads each option once, and uses what it read', () => {
  const reads = new Map<string | symbol, number>();
  const answers: Record<string, unknown[]> = { host: ['a', '\0'], port: [80, 'x'], timeout: [5, NaN] };
  const options = new Proxy(
    {},
    {
      get(_target, key) {
        const count = reads.get(key) ?? 0;
        reads.set(key, count + 1);
        return answers[String(key)]?.[count];
      },
    },
  );
  const plan = validateConnect(options);
  assert.deepEqual(
    [...reads.values()].filter((count) => count !== 1),
    [],
  );
  assert.deepEqual(plan.transport === 'tcp' && [plan.host, plan.port, plan.timeout], ['a', 80, 5]);
});

test('validateConnect reads the options of options once', () => {
  let reads = 0;
  const idle = {
    get idle(): unknown {
      return ++reads === 1 ? 7 : 'x';
    },
  };
  const options = { keepAlive: idle };
  const plan = validateConnect({ ...TCP, options });
  options.keepAlive = { idle: 8 };
  assert.deepEqual(plan.options, { keepAlive: { idle: 7 } });
  assert.equal(reads, 1);
});

test('validateConnect lets what a getter throws pass', () => {
  const thrown = new Error('mine');
  assert.throws(
    () =>
      validateConnect({
        get host() {
          throw thrown;
        },
      }),
    (error) => error === thrown,
  );
});

test('validateConnect never runs the code of a value to describe it', () => {
  const odd = {
    toString: () => assert.fail('ran'),
    valueOf: () => assert.fail('ran'),
    toJSON: () => assert.fail('ran'),
    [Symbol.toPrimitive]: () => assert.fail('ran'),
  };
  for (const name of ['host', 'port', 'family', 'path', 'localAddress'])
    assert.throws(() => validateConnect({ ...TCP, [name]: odd }), TypeError);
});

test('validateConnect shortens what it shows', () => {
  assert.throws(
    () => validateConnect({ host: 'h'.repeat(1e6), port: 1 }),
    (error: Error) => error.message.length < 200,
  );
});

for (const value of [undefined, null, 1, 'x', true, Symbol('s'), () => undefined]) {
  test(`validateConnect and validateListen refuse options that are ${String(value)}`, () => {
    assert.throws(() => validateConnect(value), {
      name: 'TypeError',
      message: /^options: expected an object/,
    });
    assert.throws(() => validateListen(value), {
      name: 'TypeError',
      message: /^options: expected an object/,
    });
  });
}

test('validateConnect takes any signal that works like one', () => {
  const signal = {
    aborted: false,
    reason: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  };
  assert.equal(validateConnect({ ...TCP, signal }).signal, signal);
});

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function shrunk(): Uint8Array {
  const buffer = resizable(16);
  const bytes = new Uint8Array(buffer, 8, 8);
  (buffer as unknown as { resize(size: number): void }).resize(4);
  return bytes;
}

/** ES2024, which Node 20 has and our `lib` has not. */
function resizable(size: number): ArrayBuffer {
  return Reflect.construct(ArrayBuffer, [size, { maxByteLength: size }]) as ArrayBuffer;
}

const GOOD_BYTES: readonly (readonly [string, () => unknown])[] = [
  ['a Uint8Array', () => new Uint8Array(3)],
  ['an empty one', () => new Uint8Array(0)],
  ['a Buffer', () => Buffer.from('abc')],
  ['one of another realm', () => runInNewContext('new Uint8Array(3)') as unknown],
  ['a view of a shared buffer', () => new Uint8Array(new SharedArrayBuffer(4))],
  ['a view of a resizable buffer', () => new Uint8Array(resizable(8))],
];
for (const [name, make] of GOOD_BYTES) {
  test(`requireBytes takes ${name}`, () => {
    const bytes = make();
    assert.equal(requireBytes(bytes), bytes);
  });
}

const BAD_BYTES: readonly (readonly [string, () => unknown])[] = [
  ['nothing', () => undefined],
  ['null', () => null],
  ['text', () => 'abc'],
  ['an array', () => [1, 2]],
  ['an ArrayBuffer', () => new ArrayBuffer(4)],
  ['a DataView', () => new DataView(new ArrayBuffer(4))],
  ['an Int8Array', () => new Int8Array(4)],
  ['a Uint8ClampedArray', () => new Uint8ClampedArray(4)],
  ['a look-alike', () => ({ __proto__: Uint8Array.prototype, length: 4, byteLength: 4 })],
  ['a proxy of one', () => new Proxy(new Uint8Array(4), {})],
  ['a detached one', detached],
  ['one whose buffer has shrunk', shrunk],
  ['a detached one that lies', () => Object.defineProperty(detached(), 'byteLength', { value: 8 })],
];
for (const [name, make] of BAD_BYTES) {
  test(`requireBytes refuses ${name}`, () => {
    assert.throws(() => requireBytes(make(), 'chunk'), {
      name: 'TypeError',
      message: /^chunk: expected a Uint8Array/,
    });
  });
}

test('sinks and done must have what is going to be called', () => {
  const nothing = (): void => undefined;
  requireStreamSink({ data: nothing, close: nothing });
  requireListenerSink({ accept: nothing, close: nothing });
  requireDone(undefined);
  requireDone(nothing);
  for (const sink of [
    undefined,
    null,
    1,
    {},
    { data: nothing },
    { close: nothing },
    { data: 1, close: nothing },
  ]) {
    assert.throws(() => {
      requireStreamSink(sink as never);
    }, TypeError);
    assert.throws(() => {
      requireListenerSink(sink as never);
    }, TypeError);
  }
  for (const done of [null, 1, {}])
    assert.throws(() => {
      requireDone(done as never);
    }, TypeError);
});

for (const [what, judge] of [
  ['a host beside a path', () => validateConnect({ path: '/s', host: 'example.com', port: 1 })],
  ['a port beside a path', () => validateListen({ path: '/s', port: 1 })],
  ['reusePort beside a path', () => validateListen({ path: '/x', reusePort: true })],
  ['ipv6Only beside a path', () => validateListen({ path: '/x', ipv6Only: false })],
  ['a family beside a path', () => validateConnect({ path: '/x', family: 'ipv4' })],
  ['addresses beside a path', () => validateConnect({ path: '/x', addresses: [] })],
  ['attemptDelay beside a path', () => validateConnect({ path: '/x', attemptDelay: 250 })],
  ['a local port beside a path', () => validateConnect({ path: '/x', localPort: 0 })],
  ['a mode without a path', () => validateListen({ mode: 0o600 })],
  ['stale without a path', () => validateListen({ stale: 'replace' })],
] as const) {
  test(`validate refuses ${what}`, () => {
    assert.throws(judge, TypeError);
  });
}

test('validate refuses an option that no socket has', () => {
  assert.throws(() => validateConnect({ ...TCP, options: { noDelays: true } }), /noDelays/);
  assert.throws(() => validateListen({ options: { tll: 1 } }), /tll/);
});
