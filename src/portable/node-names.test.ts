import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIp } from '../base/address.ts';
import { ResolveError } from '../base/errors.ts';
import type { ResolvePlan } from '../base/validate.ts';
import { validateResolve } from '../base/validate.ts';
import { realClock } from './node-clock.ts';
import { listInterfaces, resolveHost } from './node-names.ts';

function resolve(host: string, more: Partial<ResolvePlan> = {}): ReturnType<typeof resolveHost> {
  return resolveHost({ ...validateResolve(host), ...more }, realClock);
}

const NUMERIC: readonly (readonly [string, string])[] = [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['FE80::1%lo', 'fe80::1'],
];
for (const [text, host] of NUMERIC) {
  test(`resolveHost answers ${text} with itself`, async () => {
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
];
for (const host of NOT_NAMES) {
  test(`resolveHost does not take ${host} for an address`, async () => {
    await assert.rejects(resolve(host), { name: 'ResolveError', code: 'EAI_NONAME', host });
  });
}

test('resolveHost finds localhost, and only addresses of the family asked for', async () => {
  const all = await resolve('localhost');
  assert.ok(all.length > 0);
  for (const { family, host } of all) assert.equal(parseIp(host)?.family, family);
  assert.deepEqual(
    (await resolve('localhost', { family: 'ipv4' })).map(({ host }) => host),
    ['127.0.0.1'],
  );
});

test('resolveHost rejects for a name that cannot exist', async () => {
  // RFC 6761 keeps .invalid for this. A machine without a resolver answers that it cannot say.
  await assert.rejects(resolve('portside.invalid'), (error) => {
    assert.ok(error instanceof ResolveError);
    assert.ok(['EAI_NONAME', 'EAI_AGAIN'].includes(error.code), error.code);
    assert.ok(error.cause instanceof Error);
    return true;
  });
});

test('resolveHost ends with its signal and with its time', async () => {
  const reason = new Error('no more');
  await assert.rejects(resolve('127.0.0.1', { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const waiting = resolve('localhost', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  const clock = { now: () => 0, setTimer: (_delay: number, late: () => void) => (late(), () => undefined) };
  await assert.rejects(resolveHost({ ...validateResolve('localhost'), timeout: 1 }, clock), {
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
