/** Interfaces of a network that the test has made, beside what `ip` says of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { loadNative } from '../addon/load.ts';
import { NO_INTEGER, NOTHING_USEFUL } from '../testing/node/bad-values.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import type { NetworkInterface } from './interfaces.ts';
import { interfaceIndex, interfaceName, interfaces } from './interfaces.ts';
import { Socket } from './socket.ts';

const { constants } = loadNative();

/** A veth pair, a bridge with flags, one with nothing, and where it may be made a tunnel, which has no hardware address. */
const NETWORK = `
ip link add veth0 address 02:00:00:00:00:01 mtu 1400 type veth peer name veth1 address 02:00:00:00:00:02
ip link set veth0 addrgenmode none
ip link set veth1 addrgenmode none
ip address add 10.1.0.1/24 brd 10.1.0.255 dev veth0
ip address add 10.2.0.1/16 dev veth0
ip address add 10.3.0.1 peer 10.3.0.2/32 dev veth0
ip address add fd00::1/64 dev veth0 nodad
ip address add fd01::1 peer fd01::2/128 dev veth0 nodad
ip address add fe80::77/64 dev veth0 nodad
ip link set veth0 up
ip link set veth1 up
ip link add bridge0 address 02:0a:0b:0c:0d:0e mtu 9000 type bridge
ip link set bridge0 arp off multicast on
ip link add empty0 type bridge
ip tuntap add tun0 mode tun || true`;

/** What `ip -json -details address` says, as far as it is used. */
interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address?: string;
  readonly addr_info: readonly {
    readonly family: 'inet' | 'inet6';
    readonly local: string;
    readonly address?: string;
    readonly prefixlen: number;
    readonly broadcast?: string;
  }[];
}

function ip(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

const hex = (bytes: Uint8Array | null): string => (bytes === null ? '' : Buffer.from(bytes).toString('hex'));

function named(name: string): NetworkInterface {
  const found = interfaces().find((each) => each.name === name);
  assert.ok(found, name);
  return found;
}

test('interfaces has the loopback, under its name and number', () => {
  const loopback = named('lo');
  assert.equal(loopback.index, interfaceIndex('lo'));
  assert.equal(interfaceName(loopback.index), 'lo');
  assert.ok(loopback.flagNames.includes('IFF_LOOPBACK'));
  assert.equal(loopback.hardwareType, constants.ARPHRD_LOOPBACK);
});

test('interfaceIndex refuses what is no name, and says which interface there is not (F38)', () => {
  for (const name of ['lo\0', '\0', 'l\0o']) assert.throws(() => interfaceIndex(name), RangeError);
  for (const [, value] of NOTHING_USEFUL.filter(([, each]) => typeof each !== 'string'))
    assert.throws(() => interfaceIndex(value as string), { name: 'TypeError', message: /^name: / });
  for (const name of ['', 'no-such', 'x'.repeat(16), 'x'.repeat(100_000), '\ud800', 'lo '])
    assert.throws(() => interfaceIndex(name), { name: 'SystemError', code: 'ENODEV', op: 'interfaceIndex' });
  assert.throws(() => interfaceIndex('eth99'), {
    message: 'interfaceIndex: no network interface "eth99" (ENODEV)',
    syscall: 'if_nametoindex',
  });
});

test('interfaceName refuses what is no number, and says which interface there is not (F41)', () => {
  for (const [, value] of [...NO_INTEGER, ['-1', -1], ['2^32', 2 ** 32]] as const)
    assert.throws(() => interfaceName(value as number), { name: 'RangeError', message: /^index: / });
  for (const [, value] of NOTHING_USEFUL)
    assert.throws(() => interfaceName(value as number), { name: 'TypeError', message: /^index: / });
  for (const index of [0, 99999, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])
    assert.throws(() => interfaceName(index), {
      code: 'ENXIO',
      message: `interfaceName: no network interface ${String(index)} (ENXIO)`,
    });
});

test('interfaces leaves no descriptor (F07)', () => {
  const leaks = leakCheck();
  for (let i = 0; i < 100; i++) interfaces();
  leaks.check();
});

if (inOwnNetwork(import.meta.url, NETWORK)) {
  test('interfaces says what ip says', () => {
    const links = JSON.parse(ip('-json', '-details', 'address')) as readonly IpLink[];
    const found = interfaces();
    assert.deepEqual(
      found.map(({ index, name, mtu, hardwareAddress }) => [index, name, mtu, hex(hardwareAddress)]),
      links.map(({ ifindex, ifname, mtu, address = '' }) => [
        ifindex,
        ifname,
        mtu,
        address.replaceAll(':', ''),
      ]),
    );
    for (const [i, link] of links.entries()) {
      assert.deepEqual(
        found[i]?.addresses.map(({ host, prefixLength, broadcast, peer }) => [
          host,
          prefixLength,
          broadcast,
          peer,
        ]),
        link.addr_info.map(({ local, address, prefixlen, broadcast }) => [
          local,
          prefixlen,
          broadcast,
          address,
        ]),
        link.ifname,
      );
    }
  });

  test('interfaces tells MTU, hardware address and flags of a veth and of a bridge', () => {
    const veth = named('veth0');
    assert.deepEqual([veth.mtu, hex(veth.hardwareAddress)], [1400, '020000000001']);
    assert.equal(veth.hardwareType, constants.ARPHRD_ETHER);
    for (const name of ['IFF_UP', 'IFF_BROADCAST', 'IFF_RUNNING', 'IFF_MULTICAST', 'IFF_LOWER_UP'] as const)
      assert.ok(veth.flagNames.includes(name), name);
    const bridge = named('bridge0');
    assert.deepEqual([bridge.mtu, hex(bridge.hardwareAddress)], [9000, '020a0b0c0d0e']);
    assert.deepEqual(bridge.flagNames, ['IFF_BROADCAST', 'IFF_NOARP', 'IFF_MULTICAST']);
    assert.equal(bridge.flags, constants.IFF_BROADCAST | constants.IFF_NOARP | constants.IFF_MULTICAST);
    assert.deepEqual(bridge.addresses, []);
  });

  test('interfaces has no hardware address of a tunnel', (t) => {
    const tunnel = interfaces().find(({ name }) => name === 'tun0');
    if (tunnel === undefined) {
      t.skip('no tunnel can be made here');
      return;
    }
    assert.deepEqual([tunnel.hardwareAddress, tunnel.hardwareType], [null, constants.ARPHRD_NONE]);
    assert.deepEqual(tunnel.flagNames, ['IFF_POINTOPOINT', 'IFF_NOARP', 'IFF_MULTICAST']);
  });

  test('interfaces tells the broadcast address where there is one, and the peer where there is one', () => {
    const addresses = new Map(named('veth0').addresses.map((each) => [each.host, each]));
    assert.deepEqual(addresses.get('10.1.0.1'), {
      family: 'ipv4',
      host: '10.1.0.1',
      prefixLength: 24,
      broadcast: '10.1.0.255',
    });
    assert.deepEqual(addresses.get('10.2.0.1'), { family: 'ipv4', host: '10.2.0.1', prefixLength: 16 });
    assert.deepEqual(addresses.get('10.3.0.1'), {
      family: 'ipv4',
      host: '10.3.0.1',
      prefixLength: 32,
      peer: '10.3.0.2',
    });
    assert.deepEqual(addresses.get('fd00::1'), { family: 'ipv6', host: 'fd00::1', prefixLength: 64 });
    assert.deepEqual(addresses.get('fd01::1'), {
      family: 'ipv6',
      host: 'fd01::1',
      prefixLength: 128,
      peer: 'fd01::2',
    });
  });

  test('an address of interfaces is one that a socket can be bound to, zone and all', () => {
    const { index, addresses } = named('veth0');
    const linkLocal = addresses.find(({ host }) => host === 'fe80::77');
    assert.equal(linkLocal?.scope, String(index));
    for (const { family, host, scope } of addresses) {
      using socket = Socket.socket(family === 'ipv4' ? 'AF_INET' : 'AF_INET6', 'SOCK_DGRAM');
      const address = scope === undefined ? { family, host, port: 0 } : { family, host, port: 0, scope };
      socket.bind(address);
      const bound = socket.localAddress();
      assert.deepEqual(bound, { ...address, port: (bound as { port: number }).port });
    }
  });

  test('interfaces, interfaceIndex and interfaceName follow a change at once', () => {
    const { index } = named('empty0');
    ip('link', 'set', 'empty0', 'name', 'fifteen-letters');
    assert.equal(interfaceName(index), 'fifteen-letters');
    assert.equal(interfaceIndex('fifteen-letters'), index);
    assert.throws(() => interfaceIndex('empty0'), { code: 'ENODEV' });
    assert.equal(named('fifteen-letters').index, index);
    ip('link', 'delete', 'fifteen-letters');
    assert.throws(() => interfaceName(index), { code: 'ENXIO' });
    assert.ok(interfaces().every((each) => each.index !== index));
  });

  test('interfaces has hundreds of interfaces and addresses, each once, in order', () => {
    const batch = Array.from({ length: 300 }, (_, i) => {
      const name = `many${String(i)}`;
      return `link add ${name} type bridge\naddress add 10.9.${String(i >> 8)}.${String(i & 255)}/32 dev ${name}`;
    });
    const { status, stderr } = spawnSync('ip', ['-batch', '-'], {
      input: batch.join('\n'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const found = interfaces();
    const indexes = found.map(({ index }) => index);
    assert.deepEqual(
      indexes,
      [...new Set(indexes)].sort((one, other) => one - other),
    );
    const many = found.filter(({ name }) => name.startsWith('many'));
    assert.equal(many.length, 300);
    for (const { name, addresses } of many) {
      const i = Number(name.slice(4));
      assert.deepEqual(addresses, [
        { family: 'ipv4', host: `10.9.${String(i >> 8)}.${String(i & 255)}`, prefixLength: 32 },
      ]);
    }
  });
}
