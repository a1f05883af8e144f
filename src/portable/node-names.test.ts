import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import { ResolveError } from '../base/errors.ts';
import type { ResolvePlan } from '../base/validate.ts';
import { validateResolve } from '../base/validate.ts';
import { realClock } from './node-clock.ts';
import { listInterfaces, nodeNames, toAscii } from './node-names.ts';

const names = nodeNames({ clock: realClock });

function resolve(host: string, more: Partial<ResolvePlan> = {}): Promise<readonly IpAddress[]> {
  return names.resolve({ ...validateResolve(host), ...more });
}

const NUMERIC: readonly (readonly [string, string])[] = [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['FE80::1%lo', 'fe80::1'],
];
for (const [text, host] of NUMERIC) {
  test(`nodeNames answers ${text} with itself`, async () => {
    const family = text.includes(':') ? 'ipv6' : 'ipv4';
    assert.deepEqual(
      (await resolve(text)).map((each) => [each.family, each.host]),
      [[family, host]],
    );
    const other = family === 'ipv4' ? 'ipv6' : 'ipv4';
    await assert.rejects(resolve(text, { family: other }), { name: 'ResolveError', code: 'EAI_ADDRFAMILY' });
  });
}

/** What getaddrinfo would answer with an address, and what no name can be. */
const NOT_NAMES = [
  '127.1',
  '0x7f.0.0.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '127.0.0.1.',
  '256.1.1.1',
  'a.1',
  '１２７.０.０.１',
  '127。0。0。1',
  'xn--zzzzzzzzzzzzzzzz99999',
  '::1%',
  '[::1]',
  'fe80::1::2',
  '１２７.１',
];
for (const host of NOT_NAMES) {
  test(`nodeNames does not take ${host} for an address`, async () => {
    await assert.rejects(resolve(host), { name: 'ResolveError', code: 'EAI_NONAME', host });
  });
}

const IN_ASCII: readonly (readonly [host: string, ascii: string])[] = [
  ['example.org', 'example.org'],
  ['Example.ORG.', 'Example.ORG.'],
  ['_dns.example.org', '_dns.example.org'],
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['１２７.０.０.１', '127.0.0.1'],
  ['ex／ample.org', ''],
  ['ünï/x', ''],
  ['ü%41', ''],
  ['a%41.example', 'a%41.example'],
  ['a/b', 'a/b'],
];
for (const [host, ascii] of IN_ASCII) {
  test(`toAscii makes ${JSON.stringify(ascii)} of ${host}`, () => {
    assert.equal(toAscii(host), ascii);
  });
}

test('nodeNames refuses a resolver that is no function', () => {
  for (const resolver of [null, 'dns', {}])
    assert.throws(() => nodeNames({ clock: realClock, resolver: resolver as never }), TypeError);
});

test('nodeNames gives a resolver of the program the name in ASCII, and a signal of the platform', async () => {
  const asked: unknown[] = [];
  const own = nodeNames({
    clock: realClock,
    resolver: (host, { family, signal }) => {
      asked.push([host, family, signal instanceof AbortSignal]);
      return Promise.resolve([{ family: 'ipv6', host: '2001:db8::1' }]);
    },
  });
  const found = await own.resolve(validateResolve('münchen.example', { family: 'ipv6' }));
  assert.deepEqual(found, [{ family: 'ipv6', host: '2001:db8::1' }]);
  await assert.rejects(own.resolve(validateResolve('127。0。0。1')), { code: 'EAI_NONAME' });
  assert.deepEqual(asked, [['xn--mnchen-3ya.example', 'ipv6', true]]);
});

test('nodeNames finds localhost, and only addresses of the family asked for', async () => {
  const all = await resolve('localhost');
  assert.ok(all.length > 0);
  for (const { family, host } of all) assert.equal(parseIp(host)?.family, family);
  assert.deepEqual(
    (await resolve('localhost', { family: 'ipv4' })).map(({ host }) => host),
    ['127.0.0.1'],
  );
});

test('nodeNames rejects for a name that cannot exist', async () => {
  // RFC 6761 keeps .invalid for this. A machine without a resolver answers that it cannot say.
  await assert.rejects(resolve('portside.invalid'), (error) => {
    assert.ok(error instanceof ResolveError);
    assert.ok(['EAI_NONAME', 'EAI_AGAIN'].includes(error.code), error.code);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});

test('nodeNames ends with its signal and with its time', async () => {
  const reason = new Error('no more');
  await assert.rejects(resolve('127.0.0.1', { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const waiting = resolve('localhost', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  const clock = { now: () => 0, setTimer: (_delay: number, late: () => void) => (late(), () => undefined) };
  const late = nodeNames({ clock }).resolve({ ...validateResolve('localhost'), timeout: 1 });
  await assert.rejects(late, {
    code: 'ETIMEDOUT',
    op: 'resolve',
  });
});

test('listInterfaces has the loopback with its prefix', () => {
  const loopback = listInterfaces().find(({ address }) => address.host === '127.0.0.1');
  assert.deepEqual(loopback && [loopback.prefixLength, loopback.internal], [8, true]);
  for (const { name, address, prefixLength } of listInterfaces()) {
    assert.ok(name !== '' && prefixLength >= 0 && prefixLength <= (address.family === 'ipv4' ? 32 : 128));
    if (address.host.startsWith('fe80:')) assert.equal(address.scope, name);
  }
});

test('realClock calls once, later, and not when it was cancelled', async () => {
  const calls: string[] = [];
  const cancel = realClock.setTimer(0, () => calls.push('cancelled'));
  const before = realClock.now();
  await new Promise<void>((resolve) => {
    realClock.setTimer(5, resolve);
    cancel();
    assert.deepEqual(calls, []);
  });
  // A timer of Node's may fire up to a millisecond early by the finer clock.
  assert.ok(realClock.now() - before >= 4);
  assert.deepEqual(calls, []);
});
