/** The native module's names: arguments of every kind (F38, F41 to F43, F47, F49, F50), and answers that need no server. */
/* eslint-disable @typescript-eslint/unbound-method -- that they are bound is what is tested */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';

import type { BadValue } from '../testing/node/bad-values.ts';
import { NO_BYTES, NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { loadNative } from './load.ts';
import type { AddressQuestion, NativeAnswer } from './native-names.ts';

type Call = (...args: unknown[]) => unknown;

const native = loadNative();
const { AF_INET, AF_INET6, SOCK_STREAM, AI_NUMERICHOST, AI_NUMERICSERV, NI_NUMERICHOST, NI_NUMERICSERV } =
  native.constants;
const { EAI_FAMILY, EAI_NONAME } = native.resolveErrors;
/** 127.0.0.1, port 80. */
const SOCKADDR = Uint8Array.of(AF_INET, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
const NUMERIC: AddressQuestion = ['127.0.0.1', '80', AF_INET, SOCK_STREAM, 0, AI_NUMERICHOST];

/** Names that tell each answer to whoever waits for it. */
function makeNames(): {
  names: ReturnType<typeof native.createNames>;
  answer(id: number): Promise<NativeAnswer>;
} {
  const waiting = new Map<number, (answer: NativeAnswer) => void>();
  const names = native.createNames((id, answer) => waiting.get(id)?.(answer));
  return { names, answer: (id) => new Promise((resolve) => waiting.set(id, resolve)) };
}

/** A row for each function: it, what its parameters are, and arguments that are good. */
const { names } = makeNames();
type Kind = 'text' | 'textOrNull' | 'int' | 'port' | 'index' | 'id' | 'bytes';
const CALLS: readonly (readonly [string, Call, readonly (readonly [Kind, unknown])[]])[] = [
  ...(['findAddresses', 'askAddresses'] as const).map((name) => {
    const call = (name === 'findAddresses' ? native.findAddresses : names.askAddresses) as Call;
    const parameters: readonly (readonly [Kind, unknown])[] = [
      ['textOrNull', '127.0.0.1'],
      ['textOrNull', '80'],
      ['int', AF_INET],
      ['int', SOCK_STREAM],
      ['int', 0],
      ['int', AI_NUMERICHOST],
    ];
    return [name, call, parameters] as const;
  }),
  ...(['findNames', 'askNames'] as const).map((name) => {
    const call = (name === 'findNames' ? native.findNames : names.askNames) as Call;
    const parameters: readonly (readonly [Kind, unknown])[] = [
      ['bytes', SOCKADDR],
      ['int', NI_NUMERICHOST | NI_NUMERICSERV],
    ];
    return [name, call, parameters] as const;
  }),
  ['cancel', names.cancel as Call, [['id', 1]]],
  [
    'serviceByName',
    native.serviceByName as Call,
    [
      ['text', 'http'],
      ['textOrNull', 'tcp'],
    ],
  ],
  [
    'serviceByPort',
    native.serviceByPort as Call,
    [
      ['port', 80],
      ['textOrNull', 'tcp'],
    ],
  ],
  ['protocolByName', native.protocolByName as Call, [['text', 'tcp']]],
  ['protocolByNumber', native.protocolByNumber as Call, [['int', 6]]],
  ['interfaceIndex', native.interfaceIndex as Call, [['text', 'lo']]],
  ['interfaceName', native.interfaceName as Call, [['index', 1]]],
];

const NO_TEXT_OR_NULL: readonly BadValue[] = [
  ...NOTHING_USEFUL.filter(([, value]) => typeof value !== 'string' && value !== null),
  ['a number', 1],
  ['a String object', Object('x')],
  ['bytes', SOCKADDR],
];
const NO_NAME: readonly BadValue[] = [
  ['a NUL', '\0'],
  ['a NUL at the end', 'lo\0'],
  ['a NUL at the start', '\0lo'],
  ['4097 bytes', 'x'.repeat(4097)],
  ['4098 bytes of UTF-8', '\u00e9'.repeat(2049)],
];
const NO_INT: readonly BadValue[] = [...NO_INTEGER, ['2^31', 2 ** 31], ['-2^31 - 1', -(2 ** 31) - 1]];

/** For each kind: values of another type, and values out of range. */
const BAD: Readonly<Record<Kind, readonly [types: readonly BadValue[], ranges: readonly BadValue[]]>> = {
  text: [[...NO_TEXT_OR_NULL, ['null', null]], NO_NAME],
  textOrNull: [NO_TEXT_OR_NULL, NO_NAME],
  int: [NOTHING_USEFUL, NO_INT],
  port: [NOTHING_USEFUL, [...NO_INT, ['-1', -1], ['65536', 65536]]],
  index: [NOTHING_USEFUL, [...NO_INTEGER, ['-1', -1], ['2^32', 2 ** 32]]],
  id: [NOTHING_USEFUL, [...NO_INTEGER, ['-1', -1]]],
  bytes: [NO_BYTES, [['129 bytes', new Uint8Array(129)]]],
};

for (const [name, call, parameters] of CALLS) {
  test(`${name} refuses a wrong type with a TypeError and a wrong value with a RangeError`, () => {
    const good = parameters.map(([, value]) => value);
    for (const [index, [kind]] of parameters.entries()) {
      const [types, ranges] = BAD[kind];
      const attempt = (value: unknown) => (): unknown => call(...good.with(index, value));
      for (const [what, value] of types)
        assert.throws(attempt(value), TypeError, `${String(index)}: ${what}`);
      for (const [what, value] of ranges)
        assert.throws(attempt(value), RangeError, `${String(index)}: ${what}`);
    }
    assert.throws(() => call(), TypeError);
  });

  test(`${name} does not look at its this, nor at more arguments than it has (F50)`, () => {
    const good = parameters.map(([, value]) => value);
    const once = typeof Reflect.apply(call, undefined, good);
    for (const receiver of [null, 1, {}, new Proxy({}, {})])
      assert.equal(typeof Reflect.apply(call, receiver, [...good, Symbol('more'), NOTHING_USEFUL]), once);
  });

  test(`${name} answers or throws, whatever it is given`, () => {
    const anything = fc.anything({ withBigInt: true, withTypedArray: true, withObjectString: true });
    const any = fc.oneof(
      fc.constantFrom(...parameters.map(([, value]) => value)),
      fc.integer(),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.uint8Array({ maxLength: 140 }),
      anything,
    );
    fc.assert(
      fc.property(fc.array(any, { maxLength: 7 }), (args) => {
        // A name would be looked for on the network.
        if (name.endsWith('Addresses')) args[5] = AI_NUMERICHOST | AI_NUMERICSERV;
        if (name.endsWith('Names')) args[1] = NI_NUMERICHOST | NI_NUMERICSERV;
        try {
          const result = call(...args);
          // What waits must not grow beyond its limit.
          if (name.startsWith('ask') && typeof result === 'number' && result > 0) names.cancel(result);
        } catch (error) {
          assert.ok(error instanceof TypeError || error instanceof RangeError);
        }
      }),
    );
  });
}

for (const [what, value] of Object.entries({ nothing: undefined, null: null, text: 'x', 'an object': {} })) {
  test(`createNames refuses ${what} as its handler`, () => {
    assert.throws(() => (native.createNames as Call)(value), TypeError);
  });
}

test('findNames takes addresses of every length and content (F49)', () => {
  const flags = NI_NUMERICHOST | NI_NUMERICSERV;
  assert.equal(native.findNames(SOCKADDR, flags).host, '127.0.0.1');
  for (let length = 0; length < SOCKADDR.length; length++)
    assert.equal(native.findNames(SOCKADDR.subarray(0, length), flags).code, EAI_FAMILY);
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, AF_INET, AF_INET6, 16, 17, 255),
      fc.uint8Array({ maxLength: 126 }),
      (family, rest) => {
        const { code, host } = native.findNames(Uint8Array.of(family, 0, ...rest), flags);
        assert.ok(code !== 0 || host !== '');
      },
    ),
  );
});

test('an answer comes with the id of its question, and after the call that asked', async () => {
  const { names, answer } = makeNames();
  const ids = Array.from({ length: 200 }, (_, i) =>
    names.askAddresses('127.0.0.1', String(i), 0, SOCK_STREAM, 0, 4),
  );
  assert.equal(new Set(ids).size, ids.length);
  const answers = await Promise.all(ids.map(answer));
  assert.deepEqual(
    answers.map(({ addresses: [row] }) => 256 * (row?.sockaddr[2] ?? 0) + (row?.sockaddr[3] ?? 0)),
    ids.map((_, i) => i),
  );
});

test('an answer is the same whether it was waited for or asked for', async () => {
  const { names, answer } = makeNames();
  const questions: readonly AddressQuestion[] = [
    NUMERIC,
    ['::1', null, 0, 0, 0, AI_NUMERICHOST],
    [null, '80', 0, 0, 0, 0],
    ['no number', null, 0, 0, 0, AI_NUMERICHOST],
    ['localhost', 'http', AF_INET, 0, 0, 2],
  ];
  for (const question of questions)
    assert.deepEqual(await answer(names.askAddresses(...question)), native.findAddresses(...question));
  assert.deepEqual(await answer(names.askNames(SOCKADDR, 0)), native.findNames(SOCKADDR, 0));
  assert.equal(native.findAddresses(...(questions[3] ?? NUMERIC)).code, EAI_NONAME);
});

test('an answer that was cancelled does not come, and its id may be cancelled again', async () => {
  const told: number[] = [];
  let tell: () => void = () => undefined;
  const names = native.createNames((id) => {
    told.push(id);
    tell();
  });
  const dropped = Array.from({ length: 50 }, () => names.askAddresses(...NUMERIC));
  for (const id of [...dropped, ...dropped, 12345]) names.cancel(id);
  const kept = names.askAddresses(...NUMERIC);
  await new Promise<void>((resolve) => (tell = resolve));
  names.cancel(kept);
  assert.deepEqual(told, [kept]);
});

test('an exception of the handler is uncaught, and further answers come', async () => {
  const { nodeHooks } = await import('../testing/node/hooks.ts');
  const uncaught = nodeHooks().captureUncaught?.();
  assert.ok(uncaught);
  const names = native.createNames((id) => {
    throw new Error(`answer ${String(id)}`);
  });
  names.askAddresses(...NUMERIC);
  assert.equal(((await uncaught.next()) as Error).message, 'answer 1');
  names.askAddresses(...NUMERIC);
  assert.equal(((await uncaught.next()) as Error).message, 'answer 2');
  uncaught.stop();
});

test('names, services and interfaces leave no descriptor (F07)', async () => {
  const { names, answer } = makeNames();
  await answer(names.askAddresses(...NUMERIC));
  const before = countDescriptors();
  for (let i = 0; i < 200; i++) {
    native.findAddresses(null, '80', 0, 0, 0, native.constants.AI_ADDRCONFIG);
    native.interfaces();
    native.interfaceIndex('lo');
    native.interfaceName(1);
    native.serviceByName('http', null);
    native.protocolByName('tcp');
    await answer(names.askAddresses(...NUMERIC));
  }
  assert.equal(countDescriptors(), before);
});
