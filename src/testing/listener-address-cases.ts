/** Cases of `listenerSuite`: TCP addresses and ports. */
import type { IpEndpoint } from '../base/address.ts';
import type { Listener, TcpListenOptions } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp, type CaseSetting } from './case-table.ts';
import type { ListenerRecorder } from './listener-recorder.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, rejects } from './suite.ts';

const onIpv4 = (about: CaseSetting): boolean => onTcp(about) && about.options.transport === 'ipv4';
const onIpv6 = (about: CaseSetting): boolean => onTcp(about) && about.options.transport === 'ipv6';

function localOf(listener: Listener): IpEndpoint {
  const { local } = listener;
  check(local.family !== 'unix', 'a TCP listener has a path');
  return local;
}

async function listenTcp(h: ProviderHarness, options: TcpListenOptions): Promise<Listener> {
  return h.watch(await h.provider.listen(options));
}

async function freePort(h: ProviderHarness): Promise<void> {
  const [one, two] = [await h.listen(), await h.listen()];
  check(localOf(one).port > 0 && localOf(two).port > 0, 'port 0 is told as the port');
  check(localOf(one).port !== localOf(two).port, 'two listeners have the same port');
}

async function defaultHost(h: ProviderHarness): Promise<void> {
  const listener = await listenTcp(h, {});
  equal(localOf(listener).host, '127.0.0.1', 'host');
  check(localOf(listener).port > 0, 'no port');
}

async function portInUse(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const { host, port } = localOf(listener);
  await h.leavesNothing(async () => {
    const error = await rejects(
      () => h.provider.listen({ host, port }),
      { name: 'SystemError', code: 'EADDRINUSE' },
      'listen on a port in use',
    );
    checkError(error, { code: 'EADDRINUSE' }, 'listen');
  });
  await h.connectTo(listener);
  await atListener.stream();
}

async function notAnAddressOfHere(h: ProviderHarness): Promise<void> {
  const host = h.transport === 'ipv6' ? '2001:db8::1' : '192.0.2.1';
  await h.leavesNothing(async () => {
    await rejects(
      () => h.provider.listen({ host, port: 0 }),
      { name: 'SystemError', code: 'EADDRNOTAVAIL' },
      `listen on ${host}`,
    );
  });
}

async function wildcard(h: ProviderHarness): Promise<void> {
  const host = h.transport === 'ipv6' ? '::' : '0.0.0.0';
  const listener = await listenTcp(h, { host });
  equal(localOf(listener).host, host, 'host');
  const atListener = h.recordListener(listener);
  const reach = h.transport === 'ipv6' ? '::1' : '127.0.0.1';
  await h.connect({ host: reach, port: localOf(listener).port });
  const stream = await atListener.stream();
  check(
    stream.local.family !== 'unix' && stream.local.host === reach,
    'local address of the accepted stream',
  );
}

async function dualStack(h: ProviderHarness): Promise<void> {
  const listener = await listenTcp(h, { host: '::' });
  const atListener = h.recordListener(listener);
  await h.connect({ host: '127.0.0.1', port: localOf(listener).port });
  await atListener.stream();
  await h.connect({ host: '::1', port: localOf(listener).port });
  await atListener.stream(1);
}

/** An IPv6-only listener and an IPv4 one on the same port; the port may be another program's in IPv4, so it is sought. */
async function bothFamilies(h: ProviderHarness): Promise<{ listener: Listener; other: Listener }> {
  for (let tries = 1; ; tries++) {
    const listener = await listenTcp(h, { host: '::', ipv6Only: true });
    try {
      return { listener, other: await listenTcp(h, { host: '0.0.0.0', port: localOf(listener).port }) };
    } catch (error) {
      await listener.close();
      if (tries === 10) throw error;
    }
  }
}

async function ipv6Only(h: ProviderHarness): Promise<void> {
  const { listener, other } = await bothFamilies(h);
  const { port } = localOf(listener);
  const [atListener, atOther] = [h.recordListener(listener), h.recordListener(other)];
  await h.connect({ host: '127.0.0.1', port });
  await atOther.stream();
  await h.connect({ host: '::1', port });
  await atListener.stream();
  equal(atListener.streams.length, 1, 'streams of the IPv6-only listener');
  await other.close();
  await rejects(
    () => h.connect({ host: '127.0.0.1', port }),
    { name: 'ConnectError' },
    'IPv4 to an IPv6-only listener',
  );
}

async function sharedPort(h: ProviderHarness): Promise<void> {
  const first = await h.listen({ reusePort: true });
  const { host, port } = localOf(first);
  const second = await listenTcp(h, { host, port, reusePort: true });
  await rejects(() => h.provider.listen({ host, port }), { code: 'EADDRINUSE' }, 'listen without reusePort');
  const recorders: ListenerRecorder[] = [h.recordListener(first), h.recordListener(second)];
  // The kernel chooses by a hash of the addresses: 64 connections all on one side happen once in 2^63 runs.
  for (let i = 0; i < 64; i++) await h.connect({ host, port });
  await h.quiet();
  const counts = recorders.map((recorder) => recorder.streams.length);
  equal(
    counts.reduce((sum, count) => sum + count, 0),
    64,
    'connections accepted by both',
  );
  check(
    counts.every((count) => count > 0),
    `connections are not spread: ${counts.join(' and ')}`,
  );
}

async function notShared(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const { host, port } = localOf(listener);
  await rejects(
    () => h.provider.listen({ host, port, reusePort: true }),
    { code: 'EADDRINUSE' },
    'reusePort on a port that is not shared',
  );
}

export const LISTENER_ADDRESS_CASES: readonly CaseRow<ProviderHarness>[] = [
  { name: 'tells the free port it was given', promises: ['listen.port'], when: onTcp, run: freePort },
  { name: 'listens on 127.0.0.1 unless asked', promises: ['listen.host'], when: onIpv4, run: defaultHost },
  { name: 'refuses a port in use with EADDRINUSE', promises: ['failure.clean'], when: onTcp, run: portInUse },
  {
    name: 'refuses an address of another machine with EADDRNOTAVAIL',
    promises: ['listen.host', 'failure.clean'],
    when: onTcp,
    run: notAnAddressOfHere,
  },
  {
    name: 'takes connections to every address on a wildcard',
    promises: ['listen.host'],
    when: onTcp,
    run: wildcard,
  },
  {
    name: 'takes IPv4 connections as well on ::',
    promises: ['listen.ipv6-only'],
    when: onIpv6,
    run: dualStack,
  },
  {
    name: 'takes no IPv4 connections with ipv6Only',
    promises: ['listen.ipv6-only'],
    when: onIpv6,
    run: ipv6Only,
  },
  {
    name: 'shares a port with reusePort',
    promises: ['listen.reuse-port'],
    needs: ['reuse-port'],
    when: onTcp,
    run: sharedPort,
  },
  {
    name: 'shares no port that was not to be shared',
    promises: ['listen.reuse-port'],
    needs: ['reuse-port'],
    when: onTcp,
    run: notShared,
  },
];
