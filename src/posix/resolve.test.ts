/** `resolve` where no name server is asked: what it refuses, what it answers, and how it is given up. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ResolveErrorName } from '../addon/constant-names.ts';
import { loadNative } from '../addon/load.ts';
import { ResolveError, SystemError } from '../base/errors.ts';
import type { BadValue } from '../testing/node/bad-values.ts';
import { NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import type { AddressInfo, ResolveHints, ResolveOptions } from './resolve.ts';
import { resolve, resolveSync } from './resolve.ts';

const { constants } = loadNative();
const { AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, IPPROTO_TCP, IPPROTO_UDP, AI_NUMERICHOST } =
  constants;
/** Of which nothing is looked up. */
const NUMERIC: ResolveHints = { type: 'SOCK_STREAM', flags: ['AI_NUMERICHOST'] };

/** Both forms, which have to agree. */
async function both(host: string | null, options?: ResolveHints): Promise<readonly AddressInfo[]> {
  const rows = await resolve(host, options);
  assert.deepEqual(resolveSync(host, options), rows);
  return rows;
}

/** Both forms have to fail in the same way. */
async function failBoth(host: unknown, options: unknown, expected: object): Promise<void> {
  await assert.rejects(resolve(host as string, options as ResolveOptions), expected);
  assert.throws(() => resolveSync(host as string, options as ResolveHints), expected);
}

test('resolve answers what Socket.socket and connect take', async () => {
  assert.deepEqual(await both('127.0.0.1', { ...NUMERIC, service: 80 }), [
    {
      family: AF_INET,
      type: SOCK_STREAM,
      protocol: IPPROTO_TCP,
      flags: AI_NUMERICHOST,
      address: { family: 'ipv4', host: '127.0.0.1', port: 80 },
      canonicalName: null,
    },
  ]);
  const [row] = await both('2001:DB8::0:1', { ...NUMERIC, service: '65535' });
  assert.deepEqual(row?.address, { family: 'ipv6', host: '2001:db8::1', port: 65535 });
  assert.equal(row.family, AF_INET6);
});

test('resolve answers a row for each type of socket, in the order of the system', async () => {
  const rows = await both('::1', { flags: ['AI_NUMERICHOST'] });
  assert.deepEqual(
    rows.map(({ type, protocol }) => [type, protocol]),
    [
      [SOCK_STREAM, IPPROTO_TCP],
      [SOCK_DGRAM, IPPROTO_UDP],
      [SOCK_RAW, 0],
    ],
  );
});

test('resolve takes hints as names and as numbers', async () => {
  const byName = await both('127.0.0.1', {
    family: 'AF_INET',
    type: 'SOCK_DGRAM',
    protocol: 'IPPROTO_UDP',
    flags: ['AI_NUMERICHOST', 'AI_NUMERICSERV'],
    service: '53',
  });
  const byNumber = await both('127.0.0.1', {
    family: AF_INET,
    type: SOCK_DGRAM,
    protocol: IPPROTO_UDP,
    flags: AI_NUMERICHOST | constants.AI_NUMERICSERV,
    service: 53,
  });
  assert.deepEqual(byName, byNumber);
  assert.equal(byName.length, 1);
});

test('resolve of no host is this machine', async () => {
  const rows = await both(null, { type: 'SOCK_STREAM', service: 80 });
  assert.ok(rows.some(({ address }) => 'host' in address && address.host === '127.0.0.1'));
  const passive = await both(null, { type: 'SOCK_STREAM', service: 80, flags: ['AI_PASSIVE'] });
  assert.ok(passive.some(({ address }) => 'host' in address && address.host === '0.0.0.0'));
});

test('resolve gives the canonical name with the first row alone', async () => {
  const rows = await both('127.0.0.1', { flags: ['AI_CANONNAME', 'AI_NUMERICHOST'] });
  assert.deepEqual(
    rows.map(({ canonicalName }) => canonicalName),
    ['127.0.0.1', null, null],
  );
});

test('resolve has the zone of an IPv6 address as the number of the interface', async () => {
  for (const [zone, scope] of [
    ['lo', '1'],
    ['1', '1'],
    ['4294967295', '4294967295'],
  ] as const) {
    const [row] = await both(`fe80::1%${zone}`, NUMERIC);
    assert.deepEqual(row?.address, { family: 'ipv6', host: 'fe80::1', port: 0, scope });
  }
  await failBoth('fe80::1%nosuch', NUMERIC, { code: 'EAI_NONAME' });
});

test('resolve knows services by name, and the ports that are numbers', async () => {
  for (const [service, port] of [
    ['http', 80],
    ['ssh', 22],
    ['0', 0],
    [0, 0],
    ['65535', 65535],
    [-0, 0],
  ] as const) {
    const [row] = await both('127.0.0.1', { ...NUMERIC, service });
    assert.deepEqual(row?.address, { family: 'ipv4', host: '127.0.0.1', port });
  }
});

/** Neither a port nor a name, although the C library takes most of them for a port. */
const BAD_SERVICES: readonly unknown[] = [
  ...[70000, 65536, -1, 1.5, NaN, Infinity, 2 ** 32, 2 ** 32 + 80],
  ...[
    '70000',
    '65536',
    '-1',
    '+80',
    '080',
    '00',
    '4294967376',
    '18446744073709551696',
    '99999999999999999999',
  ],
  ...['', ' 80', '80 ', '\t80', '80\n', 'http\0', '\0', 'h ttp', 'x'.repeat(256), '\ud800'],
];
for (const service of BAD_SERVICES) {
  test(`resolve refuses the service ${JSON.stringify(service)} of type ${typeof service} (F40, F41)`, () =>
    failBoth('127.0.0.1', { ...NUMERIC, service }, { name: 'RangeError', message: /^service: expected/ }));
}

/** No hosts: nothing is asked for them. */
const BAD_HOSTS: readonly string[] = [
  '',
  ' ',
  'a b',
  'localhost\0',
  '\0',
  'a\0b',
  'a\nb',
  'x'.repeat(256),
  'a\ud800b',
];
for (const host of BAD_HOSTS) {
  test(`resolve refuses the host ${JSON.stringify(host.slice(0, 20))} (F38)`, () =>
    failBoth(host, NUMERIC, { name: 'RangeError', message: /^host: expected/ }));
}

const isNo =
  (...types: readonly string[]) =>
  ([, value]: BadValue): boolean =>
    !types.includes(value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** Values of the wrong type for each argument. */
const WRONG_TYPES: Readonly<Record<string, readonly BadValue[]>> = {
  host: NOTHING_USEFUL.filter(isNo('string', 'null')),
  service: NOTHING_USEFUL.filter(isNo('string', 'undefined')),
  family: NOTHING_USEFUL.filter(isNo('string', 'undefined')),
  type: NOTHING_USEFUL.filter(isNo('string', 'undefined')),
  protocol: NOTHING_USEFUL.filter(isNo('string', 'undefined')),
  flags: NOTHING_USEFUL.filter(isNo('array', 'undefined')),
};
for (const [name, values] of Object.entries(WRONG_TYPES)) {
  test(`resolve refuses a ${name} of another type (F50)`, async () => {
    for (const [what, value] of values) {
      const [host, options] =
        name === 'host' ? [value, NUMERIC] : ['127.0.0.1', { ...NUMERIC, [name]: value }];
      const expected = { name: 'TypeError', message: new RegExp(`^${name}: expected`) };
      await failBoth(host, options, expected).catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
    }
  });
}

test('resolve refuses options that are no object, a signal that is none, and a bad timeout', async () => {
  for (const [, value] of NOTHING_USEFUL.filter(isNo('object', 'array', 'undefined'))) {
    await failBoth('127.0.0.1', value, { name: 'TypeError', message: /^options: expected/ });
  }
  const refuses = (options: unknown, name: string): Promise<void> =>
    assert.rejects(resolve('127.0.0.1', options as ResolveOptions), { name });
  for (const signal of [null, 1, 'x', {}, { aborted: 1 }]) await refuses({ signal }, 'TypeError');
  for (const timeout of [null, '1', {}]) await refuses({ timeout }, 'TypeError');
  for (const timeout of [NaN, -1, 2 ** 31]) await refuses({ timeout }, 'RangeError');
});

for (const name of ['family', 'type', 'protocol', 'flags']) {
  test(`resolve refuses a ${name} that is out of range, and names that there are not (F41)`, async () => {
    for (const [, value] of [...NO_INTEGER, ['2^31', 2 ** 31], ['-2^31 - 1', -(2 ** 31) - 1]] as const)
      await failBoth(
        '127.0.0.1',
        { [name]: value },
        { name: 'RangeError', message: new RegExp(`^${name}: `) },
      );
    for (const value of ['', 'AF_', 'AF_INTE', 'SOCK_STEAM', 'SOL_SOCKET', 'constructor', '__proto__']) {
      const given = name === 'flags' ? [value] : value;
      await failBoth('127.0.0.1', { [name]: given }, { name: 'RangeError' });
    }
  });
}

test('resolve suggests the name that a misspelt one is nearest to', async () => {
  await failBoth('127.0.0.1', { family: 'AF_INTE' }, { message: /AF_INET\?/ });
  await failBoth('127.0.0.1', { flags: ['AI_PASIVE'] }, { message: /^flags\[0\]: .*AI_PASSIVE\?/ });
});

test('resolve refuses a list of flags that is no list', async () => {
  const sparse: string[] = [];
  sparse.length = 3;
  const endless: unknown[] = [];
  endless.length = 2 ** 32 - 1;
  for (const flags of [sparse, [4], [null], ['AI_PASSIVE', undefined], [['AI_PASSIVE']]])
    await failBoth('127.0.0.1', { flags }, { name: 'TypeError', message: /^flags\[\d\]: expected/ });
  await failBoth('127.0.0.1', { flags: endless }, { name: 'RangeError', message: /^flags\.length/ });
});

test('resolve reads each option once, and nothing after a getter has thrown (F48)', async () => {
  const reads: string[] = [];
  const options = new Proxy<ResolveOptions>(
    {},
    {
      get: (_, key) => {
        reads.push(String(key));
        return key === 'flags' ? ['AI_NUMERICHOST'] : undefined;
      },
    },
  );
  await resolve('127.0.0.1', options);
  assert.deepEqual(reads, ['service', 'family', 'type', 'protocol', 'flags', 'signal', 'timeout']);
  const thrower = {
    get family(): never {
      throw new Error('mine');
    },
  };
  await assert.rejects(resolve('127.0.0.1', thrower), { message: 'mine' });
  assert.throws(() => resolveSync('127.0.0.1', thrower), { message: 'mine' });
});

/** What the system says no to: host, options, code. */
const SYSTEM_SAYS_NO: readonly (readonly [string | null, ResolveHints, ResolveErrorName])[] = [
  ['127.0.0.1', { ...NUMERIC, service: 'no-such-service' }, 'EAI_SERVICE'],
  ['127.0.0.1', { ...NUMERIC, family: 'AF_INET6' }, 'EAI_ADDRFAMILY'],
  ['127.0.0.1', { ...NUMERIC, family: 'AF_UNIX' }, 'EAI_FAMILY'],
  ['127.0.0.1', { ...NUMERIC, family: 12345 }, 'EAI_FAMILY'],
  ['127.0.0.1', { ...NUMERIC, type: 12345 }, 'EAI_SOCKTYPE'],
  ['127.0.0.1', { ...NUMERIC, protocol: 'IPPROTO_UDP' }, 'EAI_SOCKTYPE'],
  ['127.0.0.1', { flags: 2 ** 30 }, 'EAI_BADFLAGS'],
  ['127.0.0.1', { flags: -1 }, 'EAI_BADFLAGS'],
  [null, { service: 80, flags: ['AI_CANONNAME'] }, 'EAI_BADFLAGS'],
  [null, {}, 'EAI_NONAME'],
  ['no.number', NUMERIC, 'EAI_NONAME'],
  ['[::1]', NUMERIC, 'EAI_NONAME'],
  ['127.0.0.1:80', NUMERIC, 'EAI_NONAME'],
  ['1.2.3.4.5', NUMERIC, 'EAI_NONAME'],
  ['127.0.0.1', { ...NUMERIC, service: 'http', flags: ['AI_NUMERICHOST', 'AI_NUMERICSERV'] }, 'EAI_NONAME'],
  ['b\u00fccher', { ...NUMERIC, flags: ['AI_NUMERICHOST', 'AI_IDN'] }, 'EAI_NONAME'],
  ['\u00fc'.repeat(100), { ...NUMERIC, flags: ['AI_NUMERICHOST', 'AI_IDN'] }, 'EAI_IDN_ENCODE'],
];
for (const [host, options, code] of SYSTEM_SAYS_NO) {
  test(`resolve of ${String(host).slice(0, 20)} with ${JSON.stringify(options)} fails with ${code}`, () =>
    failBoth(host, options, (error: unknown) => {
      assert.ok(error instanceof ResolveError && !(error instanceof SystemError));
      assert.deepEqual([error.code, error.host, error.op], [code, host ?? '', 'resolve']);
      return true;
    }));
}

test('an error of resolve names host and service, and is not told by a number', () => {
  assert.throws(() => resolveSync('127.0.0.1', { ...NUMERIC, service: 'nope' }), {
    message: 'resolve: no such service: "127.0.0.1", service "nope" (EAI_SERVICE)',
    service: 'nope',
  });
  assert.throws(
    () => resolveSync('x', NUMERIC),
    (error: object) => !('errno' in error),
  );
});

test('resolve answers or throws an error of its own, whatever it is given', async () => {
  const leaks = leakCheck();
  const text = fc.oneof(
    fc.constantFrom(
      '127.0.0.1',
      '::1',
      'fe80::1%lo',
      'localhost',
      '127.1',
      '0x7f.1',
      '',
      'AF_INET',
      'AI_PASSIVE',
    ),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.ipV4(),
    fc.ipV6(),
  );
  const value = fc.oneof(text, fc.integer(), fc.anything(), fc.constantFrom(...Object.keys(constants)));
  const isExpected = (error: unknown): boolean =>
    error instanceof ResolveError || error instanceof TypeError || error instanceof RangeError;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(text, fc.constant(null), fc.anything()),
      fc.record({ service: value, family: value, type: value, protocol: value }, { requiredKeys: [] }),
      async (host, options) => {
        const hints = { ...options, flags: ['AI_NUMERICHOST'] } as ResolveHints;
        const answer = await resolve(host as string, hints).catch((error: unknown) => error);
        assert.ok(Array.isArray(answer) || isExpected(answer), String(answer));
      },
    ),
    { numRuns: 500 },
  );
  leaks.check();
});

test('resolve of a thousand at once answers each its own (F63)', async () => {
  const leaks = leakCheck();
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => resolve('127.0.0.1', { ...NUMERIC, service: i })),
  );
  assert.deepEqual(
    answers.map(([row]) => row !== undefined && 'port' in row.address && row.address.port),
    answers.map((_, i) => i),
  );
  leaks.check();
});

test('resolve with a signal that has aborted rejects with its reason, whatever that is', async () => {
  for (const reason of [new Error('mine'), 'text', null, 0]) {
    const error: unknown = await resolve('127.0.0.1', { ...NUMERIC, signal: AbortSignal.abort(reason) }).then(
      () => 'no error',
      (each: unknown) => each,
    );
    assert.equal(error, reason);
  }
});

test('resolve rejects at once when its signal aborts, and leaves no listener', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const pending = Array.from({ length: 100 }, () => resolve('127.0.0.1', { ...NUMERIC, signal }));
  const settled = Promise.allSettled(pending);
  const reason = new Error('mine');
  controller.abort(reason);
  for (const each of await settled) assert.ok(each.status === 'rejected' && each.reason === reason);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('resolve has let go of its signal when it is answered', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const rows = await resolve('127.0.0.1', { ...NUMERIC, signal, timeout: 2 ** 31 - 1 });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  controller.abort();
  assert.equal(rows.length, 1);
  await assert.rejects(
    resolve('x', { ...NUMERIC, signal: new AbortController().signal, timeout: Infinity }),
    {
      code: 'EAI_NONAME',
    },
  );
});
