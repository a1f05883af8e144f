import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError } from '../base/errors.ts';
import type { SocketProvider, TcpConnectOptions } from '../base/provider.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { guard } from './guard.ts';
import { allowAll, rulesPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import type { SocketRequest } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';
import { dialled, only, PUBLIC, spyProvider as spy } from './test-kit.ts';

function recorder(): { policy: Policy; asked: SocketRequest[] } {
  const asked: SocketRequest[] = [];
  return {
    asked,
    policy: (request) => {
      asked.push(request);
      return { allowed: true };
    },
  };
}

test('guard asks with the host as passed, then with each of its addresses', async () => {
  const { provider } = spy();
  const { policy, asked } = recorder();
  const guarded = guard(provider, policy);
  await guarded.connect({ host: 'WWW.Example.com.', port: 80 });
  await guarded.listen({ host: '0.0.0.0', port: 8080 });
  await guarded.listen({});
  await guarded.bind({});
  await guarded.connect({ path: '/run/x' });
  await guarded.listen({ path: new Uint8Array([0, 97]) });
  assert.deepEqual(asked, [
    { op: 'tcp-connect', host: 'WWW.Example.com.', port: 80 },
    { op: 'tcp-connect', host: 'WWW.Example.com.', port: 80, address: PUBLIC },
    { op: 'tcp-listen', host: '0.0.0.0', port: 8080 },
    { op: 'tcp-listen', host: '127.0.0.1', port: 0 },
    { op: 'udp-bind', host: '0.0.0.0', port: 0 },
    { op: 'unix-connect', host: '/run/x', port: 0 },
    { op: 'unix-listen', host: '\0a', port: 0 },
  ]);
});

test('guard rejects with DeniedError and does not touch the provider', async () => {
  const { provider, calls } = spy();
  const guarded = guard(provider, rulesPolicy([parseSocketRule('tcp-connect:a.com:80')]));
  const attempts = [
    () => guarded.connect({ host: 'b.com', port: 80 }),
    () => guarded.connect({ host: 'a.com', port: 81 }),
    () => guarded.listen({ host: '127.0.0.1' }),
    () => guarded.bind({}),
    () => guarded.connect({ path: '/run/x' }),
    () => guarded.listen({ path: '/run/x' }),
  ];
  for (const attempt of attempts) await assert.rejects(attempt(), DeniedError);
  assert.equal(calls.length, 0);
  await guarded.connect({ host: 'a.com', port: 80 });
  assert.deepEqual(
    calls.map(([name]) => name),
    ['resolve', 'connect'],
  );
});

test('guard tells in the error what was asked', async () => {
  const guarded = guard(spy().provider, rulesPolicy([]));
  await assert.rejects(guarded.connect({ host: 'b.com', port: 80 }), {
    name: 'DeniedError',
    code: 'ERR_DENIED',
    op: 'connect',
    request: { op: 'tcp-connect', host: 'b.com', port: 80 },
    message: 'connect: tcp-connect b.com:80 is not permitted (ERR_DENIED)',
  });
});

test('guard tells in the error which address of a name a rule denies', async () => {
  const { provider } = spy({ 'a.com': ['10.0.0.1'] });
  const guarded = guard(provider, only('tcp-connect:a.com:80', 'deny tcp-connect:10.0.0.0/8:*'));
  await assert.rejects(guarded.connect({ host: 'a.com', port: 80 }), {
    code: 'ERR_DENIED',
    request: { op: 'tcp-connect', host: 'a.com', port: 80, address: { family: 'ipv4', host: '10.0.0.1' } },
    rule: 'deny tcp-connect:10.0.0.0/8:*',
    message:
      'connect: tcp-connect a.com:80 (10.0.0.1) is not permitted, by the rule "deny tcp-connect:10.0.0.0/8:*" (ERR_DENIED)',
  });
});

test('guard shows in the error what cannot be seen (F74)', async () => {
  const guarded = guard(spy().provider, rulesPolicy([]));
  for (const [path, shown] of [
    ['/run/\n2026 all is well', '"/run/\\n2026 all is well"'],
    ['/run/\u202egpj', '"/run/\\u{202e}gpj"'],
    ['\0\u001b[2J', '"\\u0000\\u001b[2J"'],
  ] as const)
    await assert.rejects(guarded.connect({ path }), {
      message: `connect: unix-connect ${shown} is not permitted (ERR_DENIED)`,
    });
  await assert.rejects(guarded.connect({ host: 'a\u202eb', port: 1 }), {
    message: 'connect: tcp-connect a\\u{202e}b:1 is not permitted (ERR_DENIED)',
  });
});

test('guard judges addresses that the caller gives as if they had been written as the host (F66, F70)', async () => {
  const world = spy();
  const guarded = guard(world.provider, only('tcp-connect:a.com:80', 'tcp-connect:192.0.2.0/24:80'));
  const given = (...hosts: string[]): Promise<unknown> =>
    guarded.connect({ host: 'a.com', port: 80, addresses: hosts.map((host) => ({ family: 'ipv4', host })) });
  await assert.rejects(given('10.0.0.1'), {
    code: 'ERR_DENIED',
    request: { op: 'tcp-connect', host: '10.0.0.1', port: 80, address: { family: 'ipv4', host: '10.0.0.1' } },
  });
  assert.deepEqual(world.calls, []);
  await given('10.0.0.1', '192.0.2.7', '127.0.0.1', '192.0.2.8');
  assert.deepEqual(dialled(world), [['192.0.2.7', '192.0.2.8']], 'the others are not dialled');
  await assert.rejects(
    guarded.connect({ host: 'b.com', port: 81, addresses: [{ family: 'ipv4', host: '192.0.2.7' }] }),
    DeniedError,
    'the port',
  );
});

test('guard resolves a name once, and dials of its addresses those that pass (F66)', async () => {
  const world = spy({
    'a.com': ['10.0.0.1', '192.0.2.1', '::ffff:10.0.0.2', '64:ff9b::a00:3', '2001:db8::1'],
  });
  const guarded = guard(world.provider, only('tcp-connect:a.com:80', 'deny tcp-connect:10.0.0.0/8:*'));
  await guarded.connect({ host: 'a.com', port: 80 });
  assert.deepEqual(dialled(world), [['192.0.2.1', '2001:db8::1']]);
  assert.equal(world.calls.filter(([name]) => name === 'resolve').length, 1);
});

test('guard looks up a name of which only the addresses can tell, and no other (F66)', async () => {
  const world = spy({ 'in.test': ['192.0.2.9', '10.0.0.9'], 'out.test': ['192.0.2.9'] });
  const guarded = guard(world.provider, only('tcp-connect:10.0.0.0/8:80'));
  await assert.rejects(guarded.connect({ host: 'in.test', port: 81 }), DeniedError);
  assert.deepEqual(world.calls, [], 'no rule for the port: nothing is looked up');
  await guarded.connect({ host: 'in.test', port: 80 });
  assert.deepEqual(dialled(world), [['10.0.0.9']]);
  await assert.rejects(guarded.connect({ host: 'out.test', port: 80 }), { code: 'ERR_DENIED' });
  assert.equal(dialled(world).length, 1);
});

test('guard binds to the address that was judged, though the peer was given by name (F66)', async () => {
  const world = spy({ 'dns.test': ['10.0.0.9', '192.0.2.53'] });
  const guarded = guard(
    world.provider,
    only('udp-bind:*:*', 'udp-send-to:*:53', 'deny udp-send-to:10.0.0.0/8:*'),
  );
  await guarded.bind({ remote: { host: 'dns.test', port: 53 } });
  const [, options] = world.calls.find(([name]) => name === 'bind') ?? [];
  assert.deepEqual((options as { remote: unknown }).remote, { host: '192.0.2.53', port: 53 });
});

test('guard does what it judged, whatever the caller changes', async () => {
  const { provider, calls } = spy();
  const guarded = guard(provider, rulesPolicy([parseSocketRule('tcp-connect:a.com:80')]));
  let reads = 0;
  const shifty = {
    port: 80,
    get host() {
      reads += 1;
      return reads === 1 ? 'a.com' : 'evil.com';
    },
  };
  await guarded.connect(shifty);
  assert.equal(reads, 1);
  assert.deepEqual(calls[0]?.slice(0, 2), ['resolve', 'a.com']);
  assert.deepEqual(calls[1]?.[1], {
    host: 'a.com',
    port: 80,
    addresses: [PUBLIC],
    timeout: undefined,
  });
});

test('guard takes a policy that throws for a no', async () => {
  const guarded = guard(spy().provider, () => {
    throw new Error('no idea');
  });
  await assert.rejects(guarded.connect({ host: 'a', port: 1 }), DeniedError);
});

/** Options that name another transport only to leave it out. */
const DISGUISES: readonly (readonly [string, (provider: SocketProvider) => Promise<unknown>])[] = [
  ['bind with an empty path', (p) => p.bind({ path: undefined, type: undefined, host: '0.0.0.0', port: 53 })],
  ['connect with an empty path', (p) => p.connect({ path: undefined, host: 'b.com', port: 80 })],
  ['listen with an empty path', (p) => p.listen({ path: undefined, host: '0.0.0.0' })],
];
for (const [what, attempt] of DISGUISES) {
  test(`guard judges ${what} by what it would do`, async () => {
    const { provider, calls } = spy();
    await assert.rejects(attempt(guard(provider, rulesPolicy([]))), DeniedError);
    assert.deepEqual(calls, []);
  });
}

test('guard judges an array of addresses by what it has, whatever its methods say', async () => {
  const { provider, calls } = spy();
  const guarded = guard(
    provider,
    rulesPolicy(['a.com', '10.0.0.1'].map((host) => parseSocketRule(`tcp-connect:${host}`))),
  );
  class Shifty extends Array<{ family: 'ipv4'; host: string }> {
    override map(): never[] {
      return [];
    }
  }
  const addresses = new Shifty();
  addresses.push({ family: 'ipv4', host: '10.0.0.2' });
  await assert.rejects(guarded.connect({ host: 'a.com', port: 80, addresses }), DeniedError);
  assert.equal(calls.length, 0);
  addresses[0] = { family: 'ipv4', host: '10.0.0.1' };
  await guarded.connect({ host: 'a.com', port: 80, addresses });
  addresses[0] = { family: 'ipv4', host: '10.0.0.2' };
  const [, options] = calls[0] ?? [];
  assert.deepEqual((options as { addresses: unknown }).addresses, [{ family: 'ipv4', host: '10.0.0.1' }]);
});

const BAD_ARGUMENTS: readonly (readonly [string, (provider: SocketProvider) => Promise<unknown>])[] = [
  ['connect of null', (p) => p.connect(null as never)],
  ['connect without a host', (p) => p.connect({ port: 80 } as never)],
  ['connect to a port that is text', (p) => p.connect({ host: 'a.com', port: '80' } as never)],
  ['connect to a path of numbers', (p) => p.connect({ path: [47] } as never)],
  [
    'connect to addresses that are text',
    (p) => p.connect({ host: 'a', port: 1, addresses: ['::1'] } as never),
  ],
  ['listen on a name', (p) => p.listen({ host: 'localhost' })],
  ['listenPackets without a path', (p) => p.listenPackets({} as never)],
  ['bind to a name', (p) => p.bind({ host: 'localhost' })],
  ['bind with a remote that is text', (p) => p.bind({ remote: 'a.com:80' } as never)],
];
for (const [what, attempt] of BAD_ARGUMENTS) {
  test(`guard refuses ${what}, and asks nobody`, async () => {
    const { provider, calls } = spy();
    const { policy, asked } = recorder();
    await assert.rejects(
      attempt(guard(provider, policy)),
      (error) => error instanceof TypeError || error instanceof RangeError,
    );
    assert.deepEqual([calls, asked], [[], []]);
  });
}

test('guard does not let the caller change a path of bytes once it was judged (F48)', async () => {
  const { provider, calls } = spy();
  const path = new TextEncoder().encode('/run/a');
  const connecting = guard(provider, only('unix-connect:/run/a')).connect({ path });
  path[5] = 98;
  await connecting;
  const [, options] = calls[0] ?? [];
  assert.deepEqual((options as { path: unknown }).path, new TextEncoder().encode('/run/a'));
});

test('guard leaves the name that TLS checks as it is', async () => {
  const world = spy({ 'a.com': ['192.0.2.7'] });
  const guarded = guard(world.provider, only('tcp-connect:a.com:443'));
  await guarded.connect({ host: 'a.com', port: 443, tls: true });
  await guarded.connect({ host: 'a.com', port: 443, tls: { servername: 'b.com' } });
  const asked = world.calls.filter(([name]) => name === 'connect').map(([, options]) => options);
  assert.deepEqual(
    asked.map((options) => [(options as TcpConnectOptions).host, (options as TcpConnectOptions).tls]),
    [
      ['a.com', true],
      ['a.com', { servername: 'b.com' }],
    ],
  );
});

test('guard judges look-ups and the list of interfaces', async () => {
  const { provider, calls } = spy();
  const denied = guard(provider, only('tcp-connect:*:*', 'resolve-host:a.com'));
  await assert.rejects(denied.resolve('b.com'), { code: 'ERR_DENIED', op: 'resolve' });
  await assert.rejects(denied.interfaces(), { code: 'ERR_DENIED', op: 'interfaces' });
  assert.deepEqual(calls, []);
  await denied.resolve('A.com.', { family: 'ipv4' });
  await guard(provider, only('network-state')).interfaces();
  assert.deepEqual(calls, [
    ['resolve', 'A.com.', { family: 'ipv4', signal: undefined, timeout: undefined }],
    ['interfaces'],
  ]);
});

test('guard passes everything else through', async () => {
  const { provider, calls } = spy();
  const guarded = guard(provider, rulesPolicy([]));
  await guarded.close();
  await guarded[Symbol.asyncDispose]();
  assert.deepEqual(calls, [['close'], ['close']]);
  assert.equal(guarded.capabilities, provider.capabilities);
  assert.deepEqual([...guarded.sockets()], []);
  assert.equal(guarded.abort(7), false);
});

test('guard hands on options unchanged but for what it judged', async () => {
  const { provider, calls } = spy();
  const options = { host: 'a.com', port: 80, family: 'ipv4', timeout: 5 } as const;
  const clock = new ManualClock();
  await guard(provider, allowAll, { clock }).connect(options);
  assert.deepEqual(calls, [
    ['resolve', 'a.com', { family: 'ipv4', signal: undefined, timeout: 5 }],
    ['connect', { ...options, addresses: [PUBLIC] }],
  ]);
});

for (const [what, make] of [
  ['no provider', () => guard({} as never, allowAll)],
  ['no policy', () => guard(spy().provider, undefined as never)],
  ['a policy without decide', () => guard(spy().provider, {} as never)],
  ['an onRevoke that is none', () => guard(spy().provider, allowAll, { onRevoke: 'maybe' as never })],
  ['an option that is none', () => guard(spy().provider, allowAll, { onrevoke: 'keep' } as never)],
  ['options that are none', () => guard(spy().provider, allowAll, null as never)],
] as const) {
  test(`guard refuses ${what}`, () => {
    assert.throws(make, (error) => error instanceof TypeError || error instanceof RangeError);
  });
}
