import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from './address.ts';
import type { AbortSignalLike } from './abort.ts';
import { ResolveError } from './errors.ts';
import type { LookUpOptions, Resolver } from './names.ts';
import { careful, MAX_LOOKUPS, Names } from './names.ts';
import { validateResolve } from './validate.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { ManualSignal } from '../testing/manual-signal.ts';

/** A look-up that the test answers by hand. */
interface Asked {
  readonly host: string;
  readonly options: LookUpOptions;
  answer(value: unknown): void;
  fail(error: unknown): void;
}

interface World {
  readonly clock: ManualClock;
  readonly asked: Asked[];
  readonly names: Names<ManualSignal>;
  readonly resolve: (host: string, options?: object) => Promise<readonly IpAddress[]>;
}

function makeController(): { signal: ManualSignal; abort: (reason: unknown) => void } {
  const signal = new ManualSignal();
  return {
    signal,
    abort: (reason) => {
      signal.abort(reason);
    },
  };
}

function world(limit = 2, toAscii?: (host: string) => string): World {
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const lookUp: Resolver = (host, options) =>
    new Promise((resolve, reject) => {
      asked.push({ host, options, answer: resolve, fail: reject });
    });
  const names = new Names({
    lookUp,
    limit,
    clock,
    makeController,
    ...(toAscii === undefined ? {} : { toAscii }),
  });
  return {
    clock,
    asked,
    names,
    resolve: (host, options) => names.resolve(validateResolve(host, options)),
  };
}

/** Lets every promise that is ready settle. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const v4 = (host: string): IpAddress => ({ family: 'ipv4', host });
const v6 = (host: string): IpAddress => ({ family: 'ipv6', host });

async function answered(answer: unknown, options: object = {}): Promise<readonly IpAddress[]> {
  const { resolve, asked } = world();
  const found = resolve('a.test', options);
  await settle();
  asked[0]?.answer(answer);
  return found;
}

test('Names gives the resolver the name and the family', async () => {
  const { resolve, asked } = world();
  const found = resolve('a.test', { family: 'ipv6' });
  assert.deepEqual([asked[0]?.host, asked[0]?.options.family], ['a.test', 'ipv6']);
  asked[0]?.answer([v6('2001:db8::1')]);
  assert.deepEqual(await found, [v6('2001:db8::1')]);
});

test('Names puts the families in turn, and each address once (F63)', async () => {
  const given = [v6('::1'), v6('0:0::1'), v6('::2'), v4('127.0.0.1'), v6('::2'), v4('127.0.0.1')];
  assert.deepEqual(await answered(given), [v6('::1'), v4('127.0.0.1'), v6('::2')]);
});

test('Names keeps two addresses of the link apart that differ in their zone', async () => {
  const given = [
    { ...v6('fe80::1'), scope: '1' },
    { ...v6('fe80::1'), scope: '2' },
  ];
  assert.deepEqual(await answered(given), given);
});

test('Names leaves out addresses of another family', async () => {
  assert.deepEqual(await answered([v6('::1'), v4('127.0.0.1')], { family: 'ipv4' }), [v4('127.0.0.1')]);
  await assert.rejects(answered([v6('::1')], { family: 'ipv4' }), { code: 'EAI_ADDRFAMILY' });
});

test('Names rejects where there is no address (F63)', async () => {
  await assert.rejects(answered([]), { name: 'ResolveError', code: 'EAI_NODATA', host: 'a.test' });
});

test('Names takes as many addresses as an answer may have (F63)', async () => {
  const many = (count: number): IpAddress[] =>
    Array.from({ length: count }, (_, i) => v4(`10.0.${String(i >> 8)}.${String(i & 255)}`));
  assert.equal((await answered(many(4096))).length, 4096);
  await assert.rejects(answered(many(4097)), { code: 'EAI_FAIL' });
});

const BAD_ANSWERS: readonly (readonly [what: string, answer: unknown, message: RegExp])[] = [
  ['nothing', undefined, /answer: expected an array of addresses, got undefined/],
  ['text', '127.0.0.1', /answer: expected an array of addresses/],
  ['a list of text', ['127.0.0.1'], /answer\[0\]: expected an object/],
  ['what node:dns answers', [{ address: '127.0.0.1', family: 4 }], /answer\[0\]\.family: expected "ipv4"/],
  ['an address of another family', [v4('127.0.0.1'), v4('::1')], /answer\[1\]\.host: expected an ipv4/],
  ['a loose number', [v4('127.1')], /answer\[0\]\.host/],
  ['octal', [v4('0177.0.0.1')], /answer\[0\]\.host/],
  ['a name', [v4('localhost')], /answer\[0\]\.host/],
  ['a hole', Array.from({ length: 2 }), /answer\[0\]: expected an object/],
  ['a Unix path', [{ family: 'unix', path: '/run/x' }], /answer\[0\]\.family/],
];
for (const [what, answer, message] of BAD_ANSWERS) {
  test(`Names refuses ${what} as an answer (F66)`, async () => {
    await assert.rejects(answered(answer), (error) => {
      assert.ok(error instanceof ResolveError);
      assert.equal(error.code, 'EAI_FAIL');
      assert.match(error.message, /^resolve: what the resolver answered is no list of addresses/);
      assert.match(error.message, message);
      assert.ok(error.cause instanceof Error);
      return true;
    });
  });
}

const NO_NAMES = [
  ...['127.1', '0x7f.1', '0x7F000001', '2130706433', '0177.0.0.1', '010.0.0.1', '127.0.0.1.', '1.2.3.4.5'],
  ...['a.1', 'a.0x', '0x', '256.1.1.1', '::1%', ':1', '[::1]', '::ffff:127.1'],
];
for (const host of NO_NAMES) {
  test(`Names asks nobody for ${host} (F67)`, async () => {
    const { resolve, asked } = world();
    await assert.rejects(resolve(host), { name: 'ResolveError', code: 'EAI_NONAME', host });
    assert.equal(asked.length, 0);
  });
}

test('Names asks nobody for what has no form in ASCII, or becomes a number in it (F67)', async () => {
  const { resolve, asked } = world(2, (host) => (host === 'one' ? '127.0.0.1' : ''));
  await assert.rejects(resolve('one'), { code: 'EAI_NONAME', host: 'one' });
  await assert.rejects(resolve('none'), { code: 'EAI_NONAME', host: 'none' });
  assert.equal(asked.length, 0);
});

test('Names answers numeric text with itself, and of one family', async () => {
  const { resolve, asked } = world();
  assert.deepEqual(await resolve('2001:DB8:0::1'), [v6('2001:db8::1')]);
  await assert.rejects(resolve('127.0.0.1', { family: 'ipv6' }), { code: 'EAI_ADDRFAMILY' });
  assert.equal(asked.length, 0);
});

test('Names has no more look-ups under way than its limit, and others wait in order', async () => {
  const { resolve, asked } = world(2);
  const all = ['a', 'b', 'c', 'd', 'e'].map((host) => resolve(host));
  const hosts = (): string => asked.map(({ host }) => host).join('');
  await settle();
  assert.equal(hosts(), 'ab');
  asked[1]?.answer([v4('192.0.2.2')]);
  await settle();
  assert.equal(hosts(), 'abc');
  asked[0]?.fail(new ResolveError('EAI_AGAIN', 'a'));
  asked[2]?.answer([v4('192.0.2.3')]);
  await assert.rejects(all[0] ?? Promise.resolve(), { code: 'EAI_AGAIN' });
  assert.equal(hosts(), 'abcde');
  for (const each of asked) each.answer([v4('192.0.2.9')]);
  assert.deepEqual(await all[4], [v4('192.0.2.9')]);
});

test('Names answers others while one look-up never ends (F63)', async () => {
  const { resolve, asked } = world(2);
  void resolve('dead');
  for (const host of ['a', 'b', 'c']) {
    const found = resolve(host);
    await settle();
    asked.at(-1)?.answer([v4('192.0.2.1')]);
    assert.deepEqual(await found, [v4('192.0.2.1')]);
  }
});

test('Names rejects with the reason of a signal at once, and tells the resolver (F63)', async () => {
  const { resolve, asked } = world(1);
  const [first, second] = [new ManualSignal(), new ManualSignal()];
  const reason = new Error('no more');
  const underWay = resolve('a', { signal: first });
  const waiting = resolve('b', { signal: second });
  await settle();
  second.abort(reason);
  await assert.rejects(waiting, reason);
  first.abort(reason);
  await assert.rejects(underWay, reason);
  const signal: AbortSignalLike | undefined = asked[0]?.options.signal;
  assert.deepEqual([signal?.aborted, signal?.reason], [true, reason]);
  assert.deepEqual([first.listenerCount, second.listenerCount], [0, 0]);
  asked[0]?.fail(reason);
  const third = resolve('c');
  await settle();
  assert.deepEqual(
    asked.map(({ host }) => host),
    ['a', 'c'],
    'what was taken back while it waited was never asked',
  );
  asked[1]?.answer([v4('192.0.2.1')]);
  await third;
});

test('Names counts a look-up that was given up until its resolver lets go', async () => {
  const { resolve, asked, clock } = world(1);
  const late = resolve('a', { timeout: 5 });
  const next = resolve('b');
  clock.advance(5);
  await assert.rejects(late, { name: 'SystemError', code: 'ETIMEDOUT', op: 'resolve' });
  await settle();
  assert.deepEqual(asked.length, 1);
  asked[0]?.answer('nobody hears this');
  await settle();
  asked[1]?.answer([v4('192.0.2.1')]);
  assert.deepEqual(await next, [v4('192.0.2.1')]);
  assert.equal(clock.pending, 0);
});

test('Names rejects a signal that has aborted, also for numeric text, and asks nobody', async () => {
  const { resolve, asked } = world();
  const signal = new ManualSignal();
  const reason = new Error('before');
  signal.abort(reason);
  for (const host of ['127.0.0.1', 'a']) await assert.rejects(resolve(host, { signal }), reason);
  assert.equal(asked.length, 0);
});

test('Names close rejects what is wanted, and tells the resolver', async () => {
  const { resolve, asked, names } = world(1);
  const both = ['a', 'b'].map((host) => resolve(host));
  names.close();
  for (const each of both) await assert.rejects(each, { name: 'ClosedError', op: 'resolve' });
  assert.deepEqual(
    asked.map(({ host, options }) => [host, options.signal.aborted]),
    [['a', true]],
  );
});

test('careful passes ResolveErrors on, and makes one of all else that is thrown', async () => {
  const clock = new ManualClock();
  const known = new ResolveError('EAI_AGAIN', 'a.test');
  const thrown: readonly unknown[] = [new TypeError('fetch failed'), 'text', undefined, null];
  const makeNames = (lookUp: Resolver): Names<ManualSignal> =>
    new Names({ lookUp: careful(lookUp), limit: MAX_LOOKUPS, clock, makeController });
  await assert.rejects(makeNames(() => Promise.reject(known)).resolve(validateResolve('a.test')), known);
  for (const cause of thrown) {
    const throwing: Resolver = () => {
      throw cause;
    };
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a resolver may do anything
    for (const lookUp of [throwing, (): Promise<never> => Promise.reject(cause)]) {
      await assert.rejects(makeNames(lookUp).resolve(validateResolve('a.test')), (error) => {
        assert.ok(error instanceof ResolveError);
        assert.deepEqual([error.code, error.host, error.cause], ['EAI_FAIL', 'a.test', cause]);
        assert.match(error.message, /^resolve: the resolver failed: "a\.test" \(EAI_FAIL\)$/);
        return true;
      });
    }
  }
});
