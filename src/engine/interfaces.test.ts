/** `interfaces` of the providers that live in Node, in a network that the test has made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkInterface } from '../base/provider.ts';
import { interfaceIndex } from '../posix/interfaces.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import { localProvider } from './local-provider.ts';

/** Both ends of a cable, and a bridge that is down. */
const NETWORK = `
ip link add veth0 type veth peer name veth1
ip link set veth0 addrgenmode none
ip link set veth1 addrgenmode none
ip address add 10.1.0.1/24 dev veth0
ip address add fd00::1/64 dev veth0 nodad
ip address add fe80::77/64 dev veth0 nodad
ip address add 10.2.0.1/16 dev veth1
ip link set veth0 up
ip link set veth1 multicast off up
ip link add down0 type bridge
ip address add 10.3.0.1/24 dev down0`;

const byText = (a: NetworkInterface, b: NetworkInterface): number =>
  a.address.host < b.address.host ? -1 : 1;

/** Each interface without its number, which differs from system to system. */
const EXPECTED = [
  { name: 'veth0', address: { family: 'ipv4', host: '10.1.0.1' }, prefixLength: 24, multicast: true },
  { name: 'veth1', address: { family: 'ipv4', host: '10.2.0.1' }, prefixLength: 16, multicast: false },
  { name: 'lo', address: { family: 'ipv4', host: '127.0.0.1' }, prefixLength: 8, multicast: false },
  { name: 'lo', address: { family: 'ipv6', host: '::1' }, prefixLength: 128, multicast: false },
  { name: 'veth0', address: { family: 'ipv6', host: 'fd00::1' }, prefixLength: 64, multicast: true },
  {
    name: 'veth0',
    address: { family: 'ipv6', host: 'fe80::77', scope: 'veth0' },
    prefixLength: 64,
    multicast: true,
  },
] as const;

if (inOwnNetwork(import.meta.url, NETWORK)) {
  test('interfaces of the engine have number and multicast, and are those that are up', async () => {
    const leaks = leakCheck();
    const provider = localProvider();
    const found = [...(await provider.interfaces())].sort(byText);
    const expected = EXPECTED.map(({ name, ...row }) => ({
      ...row,
      name,
      internal: name === 'lo',
      index: interfaceIndex(name),
    }));
    assert.deepEqual(found, expected);
    await provider.close();
    await assert.rejects(provider.interfaces(), { name: 'ClosedError', op: 'interfaces' });
    leaks.check();
  });

  test('interfaces of the portable provider have the number where Node tells it', async () => {
    await using provider = portableProvider();
    const found = [...(await provider.interfaces())].sort(byText);
    const expected = EXPECTED.map(({ name, address, prefixLength }) => ({
      name,
      address,
      prefixLength,
      internal: name === 'lo',
      ...(name === 'veth0' ? { index: interfaceIndex(name) } : {}),
    }));
    assert.deepEqual(found, expected);
  });
}
