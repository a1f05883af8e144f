/** Names that have another address each time that somebody asks (F66), before every provider, guarded. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseIp } from '../base/address.ts';
import { DeniedError } from '../base/errors.ts';
import type { Resolver } from '../base/names.ts';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { guard } from './guard.ts';
import type { SocketRequest } from './rule.ts';
import { only } from './test-kit.ts';

const PROVIDERS: readonly (readonly [string, (resolver: Resolver) => SocketProvider])[] = [
  ['localProvider', (resolver) => localProvider({ resolver })],
  ['portableProvider', (resolver) => portableProvider({ resolver })],
  ['memoryProvider', (resolver) => memoryProvider({ resolver })],
];

const GOOD = '127.0.0.1';
const EVIL = '127.0.0.66';

interface Rebinding {
  readonly resolver: Resolver;
  readonly asked: string[];
}

/** Answers the good address first, and the evil one from then on. */
function rebinding(): Rebinding {
  const asked: string[] = [];
  const resolver: Resolver = (host) => {
    asked.push(host);
    const address = parseIp(asked.length === 1 ? GOOD : EVIL);
    return Promise.resolve(address === null ? [] : [address]);
  };
  return { resolver, asked };
}

const RULES = ['tcp-listen:*:*', 'tcp-connect:rebind.test:*', `deny tcp-connect:${EVIL}:*`];

/** Listens on one port of both addresses, and counts who comes to the evil one. */
async function listenOnBoth(provider: SocketProvider): Promise<{ port: number; visits: () => number }> {
  let visits = 0;
  const good = await provider.listen({ host: GOOD });
  const port = good.local.family === 'unix' ? 0 : good.local.port;
  const evil = await provider.listen({ host: EVIL, port });
  evil.start({
    accept: (stream) => {
      visits++;
      stream.abort();
    },
    close: () => undefined,
  });
  return { port, visits: () => visits };
}

const hostOf = (address: { host: string } | { path: unknown }): string =>
  'host' in address ? address.host : '';

for (const [name, make] of PROVIDERS) {
  test(`${name} looks a name up once for each connect, and dials what was judged then (F66)`, async () => {
    const leaks = leakCheck();
    const { resolver, asked } = rebinding();
    const provider = make(resolver);
    const judged: SocketRequest[] = [];
    const decide = only(...RULES);
    const guarded = guard(provider, (request) => {
      judged.push(request);
      return decide(request);
    });
    const { port, visits } = await listenOnBoth(provider);
    const stream = await guarded.connect({ host: 'rebind.test', port });
    assert.equal(hostOf(stream.remote), GOOD);
    assert.deepEqual(asked, ['rebind.test'], 'the name was looked up once');
    const { family, host } = { family: 'ipv4', host: GOOD } as const;
    assert.deepEqual(judged, [
      { op: 'tcp-connect', host: 'rebind.test', port },
      { op: 'tcp-connect', host: 'rebind.test', port, address: { family, host } },
    ]);
    // Whoever asks anew is told the other address, and it does not pass.
    await assert.rejects(guarded.connect({ host: 'rebind.test', port }), DeniedError);
    assert.deepEqual([asked.length, visits()], [2, 0]);
    await guarded.close();
    leaks.check();
  });

  test(`${name} dials of a mixed answer the allowed address alone (F66)`, async () => {
    const leaks = leakCheck();
    const answer = [EVIL, GOOD, EVIL].map((host) => ({ family: 'ipv4', host }) as const);
    const provider = make(() => Promise.resolve(answer));
    const guarded = guard(provider, only(...RULES));
    const { port, visits } = await listenOnBoth(provider);
    const stream = await guarded.connect({ host: 'rebind.test', port });
    assert.equal(hostOf(stream.remote), GOOD);
    stream.abort();
    // The allowed one refuses: the denied one, which would accept, is no second choice.
    await assert.rejects(guarded.connect({ host: 'rebind.test', port: 1 }), { code: 'ERR_CONNECT_FAILED' });
    assert.equal(visits(), 0);
    await guarded.close();
    leaks.check();
  });

  test(`${name} takes no addresses of the caller's for the name's (F66)`, async () => {
    const leaks = leakCheck();
    const { resolver, asked } = rebinding();
    const provider = make(resolver);
    const guarded = guard(provider, only(...RULES, `tcp-connect:${GOOD}:*`));
    const { port, visits } = await listenOnBoth(provider);
    const given = (...hosts: string[]): Promise<Stream> =>
      guarded.connect({
        host: 'rebind.test',
        port,
        addresses: hosts.map((host) => ({ family: 'ipv4', host })),
      });
    await assert.rejects(given(EVIL), DeniedError);
    await assert.rejects(given('127.0.0.77'), DeniedError);
    assert.equal(hostOf((await given(EVIL, GOOD)).remote), GOOD);
    assert.deepEqual([asked, visits()], [[], 0]);
    await guarded.close();
    leaks.check();
  });

  test(`${name} binds to what a peer's name was judged by (F66)`, async () => {
    const leaks = leakCheck();
    const { resolver, asked } = rebinding();
    const guarded = guard(
      make(resolver),
      only('udp-bind:*:*', 'udp-send-to:*:9', `deny udp-send-to:${EVIL}:*`),
    );
    const socket = await guarded.bind({ remote: { host: 'rebind.test', port: 9 } });
    assert.deepEqual([hostOf(socket.remote ?? { path: '' }), asked.length], [GOOD, 1]);
    await assert.rejects(guarded.bind({ remote: { host: 'rebind.test', port: 9 } }), DeniedError);
    await guarded.close();
    leaks.check();
  });

  for (const host of ['2130706433', '0x7f.1', '127.1', '0177.0.0.1', '127。0。0。1'] as const) {
    if (name === 'memoryProvider' && !/^[\w.]+$/.test(host)) continue;
    test(`${name} asks no resolver for ${host} (F67)`, async () => {
      const { resolver, asked } = rebinding();
      const guarded = guard(make(resolver), () => ({ allowed: true }));
      await assert.rejects(guarded.connect({ host, port: 9 }), { name: 'ResolveError', code: 'EAI_NONAME' });
      assert.deepEqual(asked, []);
      await guarded.close();
    });
  }
}
