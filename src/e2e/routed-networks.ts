/** Two hosts and the router between them, each in a network namespace of its own. */
import type { TestContext } from 'node:test';
import type { InternetAddress } from '../posix/address.ts';
import type { Socket } from '../posix/socket.ts';
import { NetworkNamespace } from './network-namespace.ts';

/** Waits no longer than this for what happens at once on one machine, in milliseconds. */
export const WAIT = { timeout: 10_000 } as const;

/**
 * `near` has two cables to `router`, `far` has one, which carries smaller packets:
 *
 *     near a0 10.1.0.1, .2  fd01::1, ::2  fe80::a ── r0 10.1.0.254, .253  fd01::fe, ::fd  fe80::b router
 *     near a1 10.2.0.1      fd02::1       fe80::c ── r1 10.2.0.254        fd02::fe        fe80::d router
 *     far  b0 10.3.0.1      fd03::1       fe80::e ── r2 10.3.0.254        fd03::fe        fe80::f router
 */
export interface RoutedNetworks {
  readonly near: NetworkNamespace;
  readonly router: NetworkNamespace;
  readonly far: NetworkNamespace;
  /** The numbers of interfaces, by their names. */
  readonly index: Readonly<Record<'a0' | 'a1' | 'r0' | 'r1' | 'r2' | 'b0', number>>;
}

/** What goes from the router to `far` at once, in bytes. */
export const SMALL_MTU = 1400;

const cable = (here: string, there: string, host: NetworkNamespace): string =>
  `link add ${there} type veth peer name ${here} netns ${String(host.pid)}`;

const addresses = (device: string, hosts: string): string =>
  hosts
    .split(' ')
    .map((host) => `addr add ${host}/${host.includes(':') ? '64 nodad' : '24 brd +'} dev ${device}`)
    .join('\n');

const up = (...devices: readonly string[]): string =>
  devices.map((device) => `link set ${device} up`).join('\n');

async function connectAll({ near, router, far }: Omit<RoutedNetworks, 'index'>): Promise<void> {
  await router.setUp([cable('a0', 'r0', near), cable('a1', 'r1', near), cable('b0', 'r2', far)].join('\n'));
  await router.setUp(`link set r2 mtu ${String(SMALL_MTU)}`);
  await far.setUp(`link set b0 mtu ${String(SMALL_MTU)}`);
  // Addresses of the link are given by hand: others would come some time later.
  for (const [host, devices] of [
    [near, ['a0', 'a1']],
    [router, ['r0', 'r1', 'r2']],
    [far, ['b0']],
  ] as const) {
    for (const device of devices) await host.setUp(`link set ${device} addrgenmode none`);
    await host.setUp(up('lo', ...devices));
  }
  // Of several the first of IPv4, and the last of IPv6, is what packets are from.
  await near.setUp(addresses('a0', '10.1.0.1 10.1.0.2 fd01::2 fd01::1 fe80::a'));
  await near.setUp(addresses('a1', '10.2.0.1 fd02::1 fe80::c'));
  await router.setUp(addresses('r0', '10.1.0.254 10.1.0.253 fd01::fd fd01::fe fe80::b'));
  await router.setUp(addresses('r1', '10.2.0.254 fd02::fe fe80::d'));
  await router.setUp(addresses('r2', '10.3.0.254 fd03::fe fe80::f'));
  await far.setUp(addresses('b0', '10.3.0.1 fd03::1 fe80::e'));
}

async function route({ near, router, far }: Omit<RoutedNetworks, 'index'>): Promise<void> {
  await near.setUp('route add default via 10.1.0.254\n-6 route add default via fd01::fe');
  await far.setUp('route add default via 10.3.0.254\n-6 route add default via fd03::fe');
  await router.setUp('route add unreachable 10.9.0.0/24\n-6 route add unreachable fd09::/64');
  await router.sysctl('ipv4/ip_forward', '1');
  await router.sysctl('ipv6/conf/all/forwarding', '1');
  // As many as there are: the tests make more than a host should.
  await router.sysctl('ipv4/icmp_ratelimit', '0');
  await router.sysctl('ipv6/icmp/ratelimit', '0');
}

/** Makes the three, which are gone when the test is over. */
export async function makeNetworks(t: TestContext): Promise<RoutedNetworks> {
  const make = (): NetworkNamespace => {
    const made = new NetworkNamespace();
    t.after(() => made.close());
    return made;
  };
  const hosts = { near: make(), router: make(), far: make() };
  // Moving an interface into a network needs the process there to be in it by then.
  for (const host of Object.values(hosts)) await host.setUp('link set lo up');
  await connectAll(hosts);
  await route(hosts);
  const { near, router, far } = hosts;
  const index = {
    a0: await near.interfaceIndex('a0'),
    a1: await near.interfaceIndex('a1'),
    r0: await router.interfaceIndex('r0'),
    r1: await router.interfaceIndex('r1'),
    r2: await router.interfaceIndex('r2'),
    b0: await far.interfaceIndex('b0'),
  };
  return { ...hosts, index };
}

export function ip(host: string, port = 0): InternetAddress {
  return { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port };
}

/** A UDP socket of a namespace, bound to an address; closed when the test is over. */
export async function boundUdp(
  t: TestContext,
  space: NetworkNamespace,
  host: string,
  port = 0,
): Promise<{ socket: Socket; port: number }> {
  const socket = await space.socket(host.includes(':') ? 'AF_INET6' : 'AF_INET', 'SOCK_DGRAM');
  t.after(() => {
    socket.close();
  });
  if (port !== 0) socket.setOption('SOL_SOCKET', 'SO_REUSEADDR', true);
  socket.bind(ip(host, port));
  const address = socket.localAddress();
  return { socket, port: 'port' in address ? address.port : 0 };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (data: Uint8Array): string => decoder.decode(data);

/** The text of the next datagram, and the host that it is from. */
export async function nextText(socket: Socket): Promise<readonly [text: string, from: string]> {
  const { data, address } = await socket.recvFromAsync(2048, WAIT);
  return [textOf(data), address !== null && 'host' in address ? address.host : ''];
}
