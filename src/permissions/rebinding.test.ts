/** Names that have another address each time that somebody asks (F66), before every provider, guarded. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '../base/address.ts';
import { parseIp } from '../base/address.ts';
import { DeniedError, ResolveError } from '../base/errors.ts';
import type { Resolver } from '../base/names.ts';
import type { SocketProvider } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { guard } from './guard.ts';
import type { Policy } from './policy.ts';

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

/** Lets the name through, and of addresses only the good one. */
function policy(judged: string[]): Policy {
  return ({ op, host }) => {
    judged.push(`${op} ${host}`);
    return { allowed: op === 'tcp-listen' || host === 'rebind.test' || host === GOOD };
  };
}

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
  test(`${name} dials the addresses that were checked, though the name has others by now (F66)`, async () => {
    const leaks = leakCheck();
    const { resolver, asked } = rebinding();
    const judged: string[] = [];
    const provider = make(resolver);
    const guarded = guard(provider, policy(judged));
    const { port, visits } = await listenOnBoth(provider);
    const addresses = await guarded.resolve('rebind.test');
    assert.deepEqual(addresses.map(hostOf), [GOOD]);
    const stream = await guarded.connect({ host: 'rebind.test', port, addresses });
    assert.equal(hostOf(stream.remote), GOOD);
    assert.deepEqual(asked, ['rebind.test'], 'the name was looked up once');
    assert.deepEqual(judged, ['tcp-connect rebind.test', `tcp-connect ${GOOD}`]);
    // Whoever asks anew is told the other address, and it does not pass.
    const later = await guarded.resolve('rebind.test');
    assert.deepEqual(later.map(hostOf), [EVIL]);
    await assert.rejects(guarded.connect({ host: 'rebind.test', port, addresses: later }), DeniedError);
    assert.equal(visits(), 0);
    await guarded.close();
    leaks.check();
  });

  test(`${name} looks a name up once for each connect, and dials what was answered then (F66)`, async () => {
    const leaks = leakCheck();
    const { resolver, asked } = rebinding();
    const refused: string[] = [];
    // The place to check every address that is dialled: what the resolver does not answer is not.
    const checking: Resolver = async (host, options) => {
      const found = await resolver(host, options);
      const good = (address: IpAddress): boolean => address.host === GOOD;
      refused.push(...found.filter((address) => !good(address)).map(hostOf));
      return found.filter(good);
    };
    const provider = make(checking);
    const guarded = guard(provider, policy([]));
    const { port, visits } = await listenOnBoth(provider);
    const stream = await guarded.connect({ host: 'rebind.test', port });
    assert.deepEqual([hostOf(stream.remote), asked.length], [GOOD, 1]);
    await assert.rejects(guarded.connect({ host: 'rebind.test', port }), ResolveError);
    assert.deepEqual([refused, asked.length, visits()], [[EVIL], 2, 0]);
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
