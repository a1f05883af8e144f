/** Datagrams of the engine between hosts: groups by interface, broadcast, what the other end sees, and what routers report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '../base/address.ts';
import { settledLeakCheck } from '../posix/test-kit.ts';
import type { HostSocket } from './engine-host.ts';
import { EngineHost } from './engine-host.ts';
import { whyNoNamespace } from './network-namespace.ts';
import type { RoutedNetworks } from './routed-networks.ts';
import { ip, makeNetworks } from './routed-networks.ts';

interface World {
  readonly near: EngineHost;
  readonly router: EngineHost;
  readonly far: EngineHost;
  readonly index: RoutedNetworks['index'];
  /** Runs `ip` at the router. */
  readonly ipAtRouter: (...args: readonly string[]) => Promise<string>;
}
type Case = (world: World) => Promise<void>;

const host = (text: string): IpAddress => ({ family: text.includes(':') ? 'ipv6' : 'ipv4', host: text });
const any = (group: string): string => (group.includes(':') ? '::' : '0.0.0.0');

/** The text of the next datagram, and who sent it. */
async function heard(socket: HostSocket): Promise<readonly [text: string, from: string]> {
  const { text, remote } = await socket.next();
  return [text, remote.family === 'unix' ? '' : remote.host];
}

const groups =
  (group: string): Case =>
  async ({ near, router, index }) => {
    const member = await router.bind({ host: any(group), reuseAddress: true }, ['local']);
    const sender = await near.bind({ host: any(group) });
    const to = ip(group, member.port);
    await member.join({ group: host(group), interfaceIndex: index.r0 });
    assert.equal(await sender.send('by the other', { to, interfaceIndex: index.a1 }), 'sent');
    assert.equal(await sender.send('by this', { to, interfaceIndex: index.a0 }), 'sent');
    const first = await member.next();
    assert.deepEqual([first.text, first.interfaceIndex, first.local], ['by this', index.r0, host(group)]);
    await member.leave({ group: host(group), interfaceIndex: index.r0 });
    const address = group.includes(':') ? 'fd02::fe' : '10.2.0.254';
    await member.join({ group: host(group), interfaceAddress: host(address) });
    await sender.set('multicastInterface', index.a0);
    assert.equal(await sender.send('left', { to }), 'sent');
    await sender.set('multicastInterface', index.a1);
    assert.equal(await sender.send('joined', { to }), 'sent');
    const second = await member.next();
    assert.deepEqual([second.text, second.interfaceIndex], ['joined', index.r1]);
  };

/** The interface that an address named when the group was joined is the one where it is left, whoever has the address then. */
const addressHasGone =
  (group: string, address: string): Case =>
  async ({ near, router, index, ipAtRouter }) => {
    const member = await router.bind({ host: any(group), reuseAddress: true });
    const sender = await near.bind({ host: any(group) });
    const by = { to: ip(group, member.port), interfaceIndex: index.a1 };
    const membership = { group: host(group), interfaceAddress: host(address) };
    const rest = group.includes(':') ? [`${address}/64`, 'nodad'] : [`${address}/24`, 'brd', '+'];
    await member.join(membership);
    await ipAtRouter('addr', 'del', rest[0] ?? '', 'dev', 'r1');
    assert.deepEqual(await member.memberships(), [membership]);
    await assert.rejects(
      member.join({ ...membership, group: host(any(group) === '::' ? 'ff05::9' : '239.9.9.9') }),
      {
        message: 'ENODEV',
      },
    );
    await member.leave(membership);
    assert.deepEqual(await member.memberships(), []);
    await assert.rejects(member.leave(membership), { message: 'EADDRNOTAVAIL' });
    await ipAtRouter('addr', 'add', ...rest, 'dev', 'r1');
    assert.equal(await sender.send('left', by), 'sent');
    await member.join(membership);
    assert.equal(await sender.send('joined', by), 'sent');
    assert.equal((await member.next()).text, 'joined');
    await member.leave(membership);
  };

const oneSource =
  (group: string, [other, source]: readonly [string, string]): Case =>
  async ({ near, router, index }) => {
    const member = await router.bind({ host: any(group), reuseAddress: true });
    const sender = await near.bind({ host: any(group) });
    const to = ip(group, member.port);
    const membership = { group: host(group), interfaceIndex: index.r0, source: host(source) };
    const by = { to, interfaceIndex: index.a0 };
    await member.join(membership);
    assert.equal(await sender.send('from another', { ...by, from: host(other) }), 'sent');
    assert.equal(await sender.send('from it', { ...by, from: host(source) }), 'sent');
    assert.deepEqual(await heard(member), ['from it', source]);
    await member.leave(membership);
    await member.join({ ...membership, source: host(other) });
    assert.equal(await sender.send('no longer', { ...by, from: host(source) }), 'sent');
    assert.equal(await sender.send('from another', { ...by, from: host(other) }), 'sent');
    assert.deepEqual(await heard(member), ['from another', other]);
  };

const broadcast: Case = async ({ near, router }) => {
  const receiver = await router.bind({ host: '0.0.0.0' });
  const sender = await near.bind({ host: '0.0.0.0' });
  const to = ip('10.1.0.255', receiver.port);
  assert.equal(await sender.send('not allowed', { to }), 'EACCES');
  await sender.set('broadcast', true);
  assert.equal(await sender.send('to all', { to }), 'sent');
  assert.deepEqual(await heard(receiver), ['to all', '10.1.0.1']);
  await sender.set('broadcast', false);
  assert.equal(await sender.send('not allowed', { to }), 'EACCES');
};

const seenByPeer =
  (address: string): Case =>
  async ({ near, far }) => {
    const receiver = await far.bind({ host: any(address) }, ['ttl', 'trafficClass']);
    const sender = await near.bind({ host: any(address) });
    const to = ip(address, receiver.port);
    assert.equal(await sender.send('chosen', { to, ttl: 9, trafficClass: 0xb9 }), 'sent');
    assert.equal(await sender.send('not chosen', { to }), 'sent');
    const [chosen, plain] = [await receiver.next(), await receiver.next()];
    // The router is a hop.
    assert.deepEqual([chosen.text, chosen.ttl, chosen.trafficClass], ['chosen', 8, 0xb9]);
    assert.deepEqual([plain.text, plain.ttl, plain.trafficClass], ['not chosen', 63, 0]);
  };

const sources =
  (address: string, all: readonly string[], refusal: string): Case =>
  async ({ near, router }) => {
    const receiver = await router.bind({ host: any(address) });
    const sender = await near.bind({ host: any(address) });
    const to = ip(address, receiver.port);
    for (const from of all) {
      assert.equal(await sender.send('hello', { to, from: host(from) }), 'sent');
      assert.deepEqual(await heard(receiver), ['hello', from]);
    }
    assert.equal(await sender.send('not ours', { to, from: host(address) }), refusal);
  };

const reports =
  (gone: string, there: string, code: string): Case =>
  async ({ near, far }) => {
    const receiver = await far.bind({ host: any(there) });
    const told = await near.bind({ host: any(there), icmpErrors: true });
    const untold = await near.bind({ host: any(there) });
    const to = ip(gone, 9);
    assert.equal(await told.send('to nobody', { to }), 'sent');
    assert.deepEqual(await told.error(), { code, remote: to });
    assert.equal(await untold.send('to nobody', { to }), 'sent');
    for (const socket of [told, untold]) {
      assert.equal(await socket.send('to somebody', { to: ip(there, receiver.port) }), 'sent');
      const { text, remote } = await receiver.next();
      assert.equal(text, 'to somebody');
      assert.equal(await receiver.send('answer', { to: remote }), 'sent');
      assert.deepEqual(await heard(socket), ['answer', there]);
      assert.equal(await socket.errorCount(), 0);
    }
    // A host that is there, and a port that is not.
    const port = ip(there, 9);
    assert.equal(await told.send('to nobody', { to: port }), 'sent');
    assert.deepEqual(await told.error(), { code: 'ECONNREFUSED', remote: port });
  };

const CASES: readonly (readonly [name: string, run: Case])[] = [
  ['join takes an interface by number and by address, IPv4', groups('239.1.2.3')],
  ['join takes an interface by number and by address, IPv6', groups('ff05::1:3')],
  [
    'leave leaves a group where it was joined, though the interface has lost its address, IPv4',
    addressHasGone('239.1.2.4', '10.2.0.254'),
  ],
  [
    'leave leaves a group where it was joined, though the interface has lost its address, IPv6',
    addressHasGone('ff05::1:4', 'fd02::fe'),
  ],
  ['join with a source hears that one alone, IPv4', oneSource('232.1.1.1', ['10.1.0.1', '10.1.0.2'])],
  ['join with a source hears that one alone, IPv6', oneSource('ff35::1:1', ['fd01::1', 'fd01::2'])],
  ['broadcast is refused without the option, and reaches the other host with it', broadcast],
  ['send: ttl and trafficClass arrive behind a router, IPv4', seenByPeer('10.3.0.1')],
  ['send: ttl and trafficClass arrive behind a router, IPv6', seenByPeer('fd03::1')],
  [
    'send: from chooses between addresses, IPv4',
    sources('10.1.0.254', ['10.1.0.1', '10.1.0.2'], 'ENETUNREACH'),
  ],
  ['send: from chooses between addresses, IPv6', sources('fd01::fe', ['fd01::1', 'fd01::2'], 'EINVAL')],
  [
    'icmpErrors tells what a router reports, and without it nothing is harmed (F24), IPv4',
    reports('10.9.0.1', '10.3.0.1', 'EHOSTUNREACH'),
  ],
  [
    'icmpErrors tells what a router reports, and without it nothing is harmed (F24), IPv6',
    reports('fd09::1', 'fd03::1', 'ENETUNREACH'),
  ],
];

test('datagrams between network namespaces', { skip: whyNoNamespace() }, async (t) => {
  const leaks = await settledLeakCheck();
  await t.test('two hosts and a router', async (all) => {
    const networks = await makeNetworks(all);
    const [near, router, far] = [networks.near, networks.router, networks.far].map(
      (space) => new EngineHost(all, space),
    ) as [EngineHost, EngineHost, EngineHost];
    const ipAtRouter = networks.router.ip.bind(networks.router);
    const world = { near, router, far, index: networks.index, ipAtRouter };
    for (const [name, run] of CASES) await all.test(name, () => run(world));
  });
  leaks.check();
});
