/** Cases of `providerSuite`: names, interfaces and capabilities. */
import { parseIp } from '../base/address.ts';
import type { CaseRow, CaseSetting } from './case-table.ts';
import { onTcp } from './case-table.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, equal, rejects } from './suite.ts';

const onIpv4 = (about: CaseSetting): boolean => about.options.transport === 'ipv4';

/** A label may have 63 characters (RFC 1035, 2.3.4), so no server needs to be asked for this one. */
const IMPOSSIBLE_NAME = `${'x'.repeat(64)}.invalid`;

const NUMERIC: readonly (readonly [text: string, family: string, host: string])[] = [
  ['127.0.0.1', 'ipv4', '127.0.0.1'],
  ['192.0.2.77', 'ipv4', '192.0.2.77'],
  ['::1', 'ipv6', '::1'],
  ['2001:DB8:0:0::1', 'ipv6', '2001:db8::1'],
  ['::ffff:1.2.3.4', 'ipv6', '::ffff:1.2.3.4'],
];

async function numeric(h: ProviderHarness): Promise<void> {
  for (const [text, family, host] of NUMERIC) {
    const addresses = await h.provider.resolve(text);
    equal(addresses.length, 1, `addresses of ${text}`);
    equal(addresses[0]?.family, family, `family of ${text}`);
    equal(addresses[0]?.host, host, `host of ${text}`);
  }
}

async function numericOfOtherFamily(h: ProviderHarness): Promise<void> {
  await rejects(
    () => h.provider.resolve('127.0.0.1', { family: 'ipv6' }),
    { name: 'ResolveError' },
    'resolve of an address of another family',
  );
  await rejects(
    () => h.provider.resolve('::1', { family: 'ipv4' }),
    { name: 'ResolveError' },
    'resolve of an address of another family',
  );
}

/** What the system's resolver would take for 127.0.0.1, and what no name can be. */
const LOOSE = ['127.1', '0x7f.0.0.1', '0x7f000001', '2130706433', '0177.0.0.1', '127.0.0.1.', '::ffff:127.1'];

async function loose(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  check(listener.local.family !== 'unix', 'a TCP listener has a path');
  const { port } = listener.local;
  for (const host of LOOSE) {
    await rejects(() => h.provider.resolve(host), { name: 'ResolveError' }, `resolve of ${host}`);
    await rejects(() => h.provider.connect({ host, port }), { name: 'ResolveError' }, `connect to ${host}`);
  }
}

async function localhost(h: ProviderHarness): Promise<void> {
  const addresses = await h.provider.resolve('localhost');
  check(addresses.length > 0, 'localhost has no address');
  for (const { host } of addresses) check(host === '::1' || host.startsWith('127.'), `localhost is ${host}`);
  const four = await h.provider.resolve('localhost', { family: 'ipv4' });
  check(four.length > 0 && four.every(({ family }) => family === 'ipv4'), 'an address of another family');
}

async function unknownName(h: ProviderHarness): Promise<void> {
  const error = await rejects(
    () => h.provider.resolve(IMPOSSIBLE_NAME),
    { name: 'ResolveError' },
    'resolve of no name',
  );
  check((error as { code: string }).code.startsWith('EAI_'), 'the code is no EAI_ name');
  await h.leavesNothing(async () => {
    await rejects(
      () => h.provider.connect({ host: IMPOSSIBLE_NAME, port: 80 }),
      { name: 'ResolveError' },
      'connect to no name',
    );
  });
}

async function connectByName(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  check(listener.local.family !== 'unix', 'a TCP listener has a path');
  // `localhost` may be ::1 first, where nobody listens: the race must go on to 127.0.0.1.
  const stream = await h.connect({ host: 'localhost', port: listener.local.port });
  check(stream.remote.family !== 'unix' && stream.remote.host === '127.0.0.1', 'remote of the stream');
  await atListener.stream();
  await h.quiet();
  equal(atListener.streams.length, 1, 'connections of one connect');
}

async function interfaces(h: ProviderHarness): Promise<void> {
  const all = await h.provider.interfaces();
  check(
    all.some((each) => each.internal),
    'there is no loopback interface',
  );
  for (const { name, address, prefixLength, index = 1 } of all) {
    check(name.length > 0, 'an interface without a name');
    check(Number.isInteger(index) && index > 0, `interface number ${String(index)}`);
    equal(parseIp(address.host)?.host, address.host, 'canonical text of an address');
    check(
      prefixLength >= 0 && prefixLength <= (address.family === 'ipv4' ? 32 : 128),
      `prefix of ${String(prefixLength)} bits`,
    );
  }
}

const KNOWN: ReadonlySet<string> = new Set([
  'accept-pause',
  'buffer-sizes',
  'datagram-meta',
  'icmp-errors',
  'ipv6',
  'keep-alive-timing',
  'local-bind',
  'multicast',
  'option-read',
  'reuse-port',
  'ssm',
  'tcp',
  'tls',
  'udp',
  'unix',
  'unix-abstract',
  'unix-datagram',
  'unix-seqpacket',
  'user-timeout',
]);

function capabilities(h: ProviderHarness): Promise<void> {
  for (const each of h.provider.capabilities) check(KNOWN.has(each), `an unknown capability: ${each}`);
  return Promise.resolve();
}

async function noDatagrams(h: ProviderHarness): Promise<void> {
  if (h.provider.capabilities.has('udp')) return;
  await rejects(
    () => h.provider.bind({}),
    { name: 'UnsupportedError', code: 'ERR_UNSUPPORTED' },
    'bind without udp',
  );
}

/** What each option needs of the provider. */
const OPTION_NEEDS = [
  ['userTimeout', 'user-timeout', 1000],
  ['receiveBufferSize', 'buffer-sizes', 10_000],
  ['sendBufferSize', 'buffer-sizes', 10_000],
] as const;

async function missingOptions(h: ProviderHarness): Promise<void> {
  const { a } = await h.pair();
  h.record(a);
  for (const [name, need, value] of OPTION_NEEDS) {
    if (h.provider.capabilities.has(need)) continue;
    for (const call of [
      () => a.get(name),
      () => {
        a.set(name, value);
      },
    ]) {
      const error = await rejects(
        () => Promise.resolve().then(call),
        { name: 'UnsupportedError' },
        `${name} without ${need}`,
      );
      check(error instanceof Error, 'no error');
    }
  }
}

export const PROVIDER_NAME_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'resolve answers numeric text itself, in canonical form',
    promises: ['provider.resolve'],
    when: onTcp,
    run: numeric,
  },
  {
    name: 'resolve refuses numeric text of another family',
    promises: ['provider.resolve', 'connect.family'],
    when: onTcp,
    run: numericOfOtherFamily,
  },
  {
    name: 'resolve and connect take no loose number for an address',
    promises: ['provider.resolve'],
    when: onIpv4,
    run: loose,
  },
  { name: 'resolve knows localhost', promises: ['provider.resolve'], when: onIpv4, run: localhost },
  {
    name: 'resolve and connect reject a name without an address',
    promises: ['provider.resolve', 'failure.clean'],
    when: onIpv4,
    run: unknownName,
  },
  { name: 'connect resolves a name', promises: ['connect.name'], when: onIpv4, run: connectByName },
  { name: 'interfaces has loopback and valid addresses', promises: ['provider.interfaces'], run: interfaces },
  { name: 'capabilities has known names only', promises: ['provider.sockets'], run: capabilities },
  { name: 'bind is unsupported without udp', promises: ['provider.bind'], run: noDatagrams },
  {
    name: 'options that the capabilities lack are unsupported',
    promises: ['socket.option'],
    when: onTcp,
    run: missingOptions,
  },
];
