import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import { guard } from './guard.ts';
import { allowAll, rulesPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import type { SocketRequest } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';

interface Spy {
  readonly provider: SocketProvider;
  readonly calls: (readonly [name: string, ...args: unknown[]])[];
}

/** A provider that only writes down what reaches it. */
function spy(): Spy {
  const calls: Spy['calls'] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): Promise<never> => {
      calls.push([name, ...args]);
      return Promise.resolve(name as never);
    };
  const provider: SocketProvider = {
    capabilities: new Set(['tcp' as const]),
    connect: note('connect'),
    listen: note('listen'),
    listenPackets: note('listenPackets'),
    bind: note('bind'),
    resolve: note('resolve'),
    interfaces: note('interfaces'),
    sockets: () => [],
    abort: () => false,
    close: note('close'),
    [Symbol.asyncDispose]: note('dispose'),
  };
  return { provider, calls };
}

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

test('guard asks with the host as passed, the port and the op', async () => {
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
  assert.deepEqual(calls, []);
  await guarded.connect({ host: 'a.com', port: 80 });
  assert.equal(calls.length, 1);
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

test('guard judges every address that is passed beside the host', async () => {
  const { provider, calls } = spy();
  const guarded = guard(provider, rulesPolicy([parseSocketRule('tcp-connect:a.com:80')]));
  const sneaky = { host: 'a.com', port: 80, addresses: [{ family: 'ipv4', host: '10.0.0.1' } as const] };
  await assert.rejects(guarded.connect(sneaky), DeniedError);
  assert.deepEqual(calls, []);
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
  const [, options] = calls[0] ?? [];
  assert.equal((options as { host: string }).host, 'a.com');
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

/** Other spellings of 127.0.0.1, and other ways to this machine. */
const SPELLINGS = [
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '::1', '::'],
  ...['0.0.0.0', '127.0.0.2', '127.1', '2130706433', '0177.0.0.1', '0x7f.1', '127.0.0.1.', 'localhost'],
];
for (const host of SPELLINGS) {
  test(`guard with a rule for 127.0.0.1 lets nobody connect to ${host} (F67, F68, F69)`, async () => {
    const { provider, calls } = spy();
    const guarded = guard(provider, rulesPolicy([parseSocketRule('tcp-connect:127.0.0.1:*')]));
    await assert.rejects(guarded.connect({ host, port: 80 }), DeniedError);
    await guarded.connect({ host: '127.0.0.1', port: 80 });
    assert.equal(calls.length, 1);
  });
}

test('guard passes everything else through', async () => {
  const { provider, calls } = spy();
  const guarded = guard(provider, rulesPolicy([]));
  await guarded.resolve('a.com', { family: 'ipv4' });
  await guarded.interfaces();
  await guarded.close();
  assert.deepEqual(calls, [['resolve', 'a.com', { family: 'ipv4' }], ['interfaces'], ['close']]);
  assert.equal(guarded.capabilities, provider.capabilities);
  assert.deepEqual([...guarded.sockets()], []);
});

test('guard hands on options unchanged where all is allowed', async () => {
  const { provider, calls } = spy();
  const options = { host: 'a.com', port: 80, family: 'ipv4', timeout: 5 } as const;
  await guard(provider, allowAll).connect(options);
  assert.deepEqual(calls, [['connect', { ...options, addresses: undefined }]]);
});
