/** Ways around a guard, each of which must be shut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp } from '../base/address.ts';
import { DeniedError } from '../base/errors.ts';
import { guard } from './guard.ts';
import { rulesPolicy } from './policy.ts';
import { parseSocketRule } from './socket-permission.ts';
import { dialled, only, spyProvider as spy } from './test-kit.ts';

/** Other spellings of 127.0.0.1 and `::1`, and other ways to this machine. */
const SPELLINGS = [
  ...[
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
  ],
  ...['::1', '0:0:0:0:0:0:0:1', '::', '0.0.0.0', '127.0.0.2', '127.255.255.254', '127.1', '2130706433', '0'],
  ...[
    '0177.0.0.1',
    '0x7f.1',
    '0x7f000001',
    '017700000001',
    '127.0.0.1.',
    '①②⑦.0.0.1',
    '127。0。0。1',
    '::1%lo',
  ],
];
for (const host of SPELLINGS) {
  test(`guard with a literal rule for 127.0.0.1 lets nobody connect to ${host} (F67, F68, F69)`, async () => {
    const { provider, calls } = spy();
    const guarded = guard(provider, rulesPolicy([parseSocketRule('tcp-connect:127.0.0.1:*')]));
    await assert.rejects(guarded.connect({ host, port: 80 }), DeniedError);
    await guarded.connect({ host: '127.0.0.1', port: 80 });
    assert.equal(calls.length, 1);
  });

  test(`guard that denies this machine lets nobody connect or send to ${host} (F67, F68, F69)`, async () => {
    const { provider, calls } = spy();
    const rules = ['tcp-connect', 'udp-send-to'].flatMap((op) => [
      `${op}:*:*`,
      `deny ${op}:127.0.0.0/8:*`,
      `deny ${op}:[::1]:*`,
    ]);
    const guarded = guard(provider, only('udp-bind:*:*', ...rules));
    await assert.rejects(guarded.connect({ host, port: 80 }), DeniedError);
    await assert.rejects(guarded.bind({ remote: { host, port: 80 } }), DeniedError);
    assert.deepEqual(calls, []);
  });

  const address = parseIp(host);
  if (address === null) continue;
  test(`guard that denies this machine lets no name lead to ${host} (F66, F68, F69, F70)`, async () => {
    const world = spy({ 'a.com': [host] });
    const guarded = guard(
      world.provider,
      only('tcp-connect:*:*', 'deny tcp-connect:127.0.0.0/8:*', 'deny tcp-connect:[::1]:*'),
    );
    await assert.rejects(guarded.connect({ host: 'a.com', port: 80 }), DeniedError);
    await assert.rejects(guarded.connect({ host: 'b.com', port: 80, addresses: [address] }), DeniedError);
    assert.deepEqual(dialled(world), []);
  });
}

test('guard lets nobody listen or bind on all addresses where one of them is denied (F71)', async () => {
  const { provider, calls } = spy();
  const guarded = guard(
    provider,
    only('tcp-listen:*:*', 'udp-bind:*:*', 'deny tcp-listen:192.0.2.7:*', 'deny udp-bind:[fd00::7]:*'),
  );
  for (const host of ['0.0.0.0', '::', '::ffff:0.0.0.0']) {
    await assert.rejects(guarded.listen({ host }), DeniedError, host);
    await assert.rejects(guarded.bind({ host, port: 53 }), DeniedError, host);
  }
  await assert.rejects(guarded.bind({}), DeniedError, 'all addresses are the default');
  await assert.rejects(guarded.listen({ host: '::ffff:192.0.2.7' }), DeniedError);
  assert.deepEqual(calls, []);
  await guarded.listen({ host: '127.0.0.1' });
  await guarded.bind({ host: '127.0.0.1' });
  assert.equal(calls.length, 2);
});

/** Unix paths: the rule, and what is not allowed by it. */
const OTHER_PATHS: readonly (readonly [rule: string, paths: readonly (Uint8Array | string)[]])[] = [
  [
    'unix:/run/app/*',
    ['/run/app/../x', '/run/app', '/run/app/..', 'run/app/x', '/run/apple', '/RUN/app/x', '\0/run/app/x'],
  ],
  ['unix:/run/é', ['/run/e\u0301', Uint8Array.of(47, 114, 117, 110, 47, 0xe9), '/run/\u00c3\u00a9']],
  ['unix:@app', ['app', '/app', '\0app2', '\0app\0', Uint8Array.of(0, 97, 112)]],
];
for (const [rule, paths] of OTHER_PATHS) {
  for (const path of paths) {
    test(`guard with ${rule} lets nobody use ${JSON.stringify(path)} (F70, F71)`, async () => {
      const { provider, calls } = spy();
      const guarded = guard(provider, only(rule));
      await assert.rejects(guarded.connect({ path }), DeniedError);
      await assert.rejects(guarded.listen({ path }), DeniedError);
      await assert.rejects(guarded.listenPackets({ path }), DeniedError);
      await assert.rejects(guarded.bind({ type: 'datagram', path }), DeniedError);
      await assert.rejects(guarded.bind({ type: 'datagram', remotePath: path }), DeniedError);
      assert.deepEqual(calls, []);
    });
  }
}

/** What is a denied path in another dress. */
const DENIED_PATHS = [
  ...[
    '/run/docker.sock',
    '/run//docker.sock',
    '//run/./docker.sock',
    '/run/x/../docker.sock',
    '/run/docker.sock/',
  ],
  ...['run/docker.sock', '../run/docker.sock', new TextEncoder().encode('/run/docker.sock')],
  new TextEncoder().encode('/run//docker.sock'),
];
for (const path of DENIED_PATHS) {
  test(`guard that denies /run/docker.sock denies ${JSON.stringify(path)} (F70, F71)`, async () => {
    const { provider, calls } = spy();
    const guarded = guard(provider, only('unix', 'deny unix:/run/docker.sock'));
    await assert.rejects(guarded.connect({ path }), DeniedError);
    await assert.rejects(guarded.bind({ type: 'datagram', remotePath: path }), DeniedError);
    assert.deepEqual(calls, []);
    await guarded.connect({ path: '/run/other.sock' });
    assert.equal(calls.length, 1);
  });
}

test('guard has no other door: what it is given stays inside', () => {
  const { provider } = spy();
  const guarded = guard(provider, rulesPolicy([]));
  const own = Reflect.ownKeys(Object.getPrototypeOf(guarded) as object).filter(
    (key) => typeof key === 'string',
  );
  own.sort();
  assert.deepEqual(own, [
    ...['abort', 'bind', 'capabilities', 'close', 'connect', 'constructor'],
    ...['interfaces', 'listen', 'listenPackets', 'resolve', 'sockets'],
  ]);
  assert.deepEqual(Reflect.ownKeys(guarded), []);
});
