/** Cases of `providerSuite`: connecting, and all the ways in which that fails. */
import type { IpAddress } from '../base/address.ts';
import type { TcpConnectOptions } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp, onUnix, type CaseSetting } from './case-table.ts';
import { connectOptions } from './pair-maker.ts';
import { patternBytes } from './pattern.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, rejects } from './suite.ts';

const onIpv4 = (about: CaseSetting): boolean => about.options.transport === 'ipv4';

/** The errors of the attempts that a `ConnectError` tells of. */
function attemptsOf(error: unknown): readonly { code: string; remote?: unknown }[] {
  checkError(error, { name: 'ConnectError', code: 'ERR_CONNECT_FAILED' }, 'connect');
  check('errors' in error && Array.isArray(error.errors), 'a ConnectError has no errors');
  return error.errors as { code: string }[];
}

function tcpOptions(options: unknown): TcpConnectOptions {
  check(typeof options === 'object' && options !== null && 'port' in options, 'no TCP options');
  return options as TcpConnectOptions;
}

async function connects(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair();
  const [atA, atB] = [h.record(a), h.record(b)];
  a.write(patternBytes(1000), h.done('to'));
  b.write(patternBytes(1000), h.done('fro'));
  await Promise.all([atA.untilBytes(1000), atB.untilBytes(1000)]);
  await Promise.all([a.close(), b.close()]);
}

async function refused(h: ProviderHarness): Promise<void> {
  const where = tcpOptions(await h.deserted());
  await h.leavesNothing(async () => {
    const error = await rejects(() => h.provider.connect(where), {}, 'connect where nobody listens');
    const attempts = attemptsOf(error);
    equal(attempts.length, 1, 'attempts');
    checkError(attempts[0], { name: 'SystemError', code: 'ECONNREFUSED' }, 'error of the attempt');
    equal((attempts[0].remote as { port?: unknown } | undefined)?.port, where.port, 'port in the error');
  });
}

async function refusedUnix(h: ProviderHarness): Promise<void> {
  const where = await h.deserted();
  await h.leavesNothing(async () => {
    const attempts = attemptsOf(
      await rejects(() => h.provider.connect(where), {}, 'connect where nobody listens'),
    );
    equal(attempts.length, 1, 'attempts');
    checkError(
      attempts[0],
      { name: 'SystemError', code: ['ENOENT', 'ECONNREFUSED'] },
      'error of the attempt',
    );
  });
}

async function refusedManyTimes(h: ProviderHarness): Promise<void> {
  const where = await h.deserted();
  await h.leavesNothing(async () => {
    const attempts = Array.from({ length: h.size(50, 5) }, () =>
      rejects(() => h.provider.connect(where), {}, 'connect'),
    );
    for (const error of await Promise.all(attempts)) attemptsOf(error);
  });
}

const LOOPBACKS: readonly IpAddress[] = [
  { family: 'ipv4', host: '127.0.0.2' },
  { family: 'ipv4', host: '127.0.0.1' },
];

async function secondAddress(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const { port } = tcpOptions(connectOptions(listener));
  const stream = await h.connect({ host: 'not-resolved.invalid', addresses: LOOPBACKS, port });
  check(stream.remote.family !== 'unix' && stream.remote.host === '127.0.0.1', 'remote of the stream');
  await atListener.stream();
  await h.quiet();
  equal(atListener.streams.length, 1, 'connections of one connect');
}

async function everyAddressFails(h: ProviderHarness): Promise<void> {
  const { port } = tcpOptions(await h.deserted());
  await h.leavesNothing(async () => {
    const error = await rejects(
      () => h.provider.connect({ host: 'not-resolved.invalid', addresses: LOOPBACKS, port }),
      {},
      'connect',
    );
    const attempts = attemptsOf(error);
    equal(attempts.length, 2, 'attempts');
    for (const [i, attempt] of attempts.entries()) {
      checkError(attempt, { code: 'ECONNREFUSED' }, `attempt ${String(i)}`);
      equal(
        (attempt.remote as unknown as IpAddress).host,
        LOOPBACKS[i]?.host,
        `address of attempt ${String(i)}`,
      );
    }
    check(
      error instanceof Error && error.message.includes('not-resolved.invalid'),
      'the message does not name the host',
    );
  });
}

async function noAddress(h: ProviderHarness): Promise<void> {
  const error = await rejects(
    () => h.provider.connect({ host: 'nobody.invalid', addresses: [], port: 80 }),
    {},
    'connect to no address',
  );
  equal(attemptsOf(error).length, 0, 'attempts');
}

async function otherFamily(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const { host, port } = tcpOptions(connectOptions(listener));
  const family = h.transport === 'ipv4' ? 'ipv6' : 'ipv4';
  await rejects(
    () => h.provider.connect({ host, port, family }),
    { name: ['ResolveError', 'ConnectError'] },
    'connect to an address of another family',
  );
  const own = h.transport === 'ipv4' ? 'ipv4' : 'ipv6';
  await h.connect({ host, port, family: own });
  await atListener.stream();
  await h.quiet();
  equal(atListener.streams.length, 1, 'connections');
}

async function otherFamilyOfAddresses(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const { port } = tcpOptions(connectOptions(listener));
  const addresses: IpAddress[] = [
    { family: 'ipv6', host: '::1' },
    { family: 'ipv4', host: '127.0.0.1' },
  ];
  const stream = await h.connect({ host: 'x.invalid', port, addresses, family: 'ipv4' });
  equal(stream.remote.family, 'ipv4', 'family that was dialled');
  await atListener.stream();
}

async function fromLocalAddress(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const free = tcpOptions(await h.deserted()).port;
  const localAddress = h.transport === 'ipv4' ? '127.0.0.3' : '::1';
  const stream = await h.connectTo(listener, { localAddress, localPort: free });
  const { local } = stream;
  check(
    local.family !== 'unix' && local.host === localAddress && local.port === free,
    `local is ${JSON.stringify(local)}`,
  );
  const other = await atListener.stream();
  equal(JSON.stringify(other.remote), JSON.stringify(local), 'remote of the accepted stream');
}

async function fromForeignAddress(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  const localAddress = h.transport === 'ipv4' ? '192.0.2.1' : '2001:db8::1';
  await h.leavesNothing(async () => {
    const error = await rejects(
      () => h.connectTo(listener, { localAddress }),
      {},
      'connect from an address of another machine',
    );
    checkError(attemptsOf(error)[0], { code: 'EADDRNOTAVAIL' }, 'error of the attempt');
  });
}

async function localFamilyRestricts(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  const { host, port } = tcpOptions(connectOptions(listener));
  const localAddress = h.transport === 'ipv4' ? '::1' : '127.0.0.1';
  await rejects(
    () => h.provider.connect({ host, port, localAddress }),
    { name: ['ResolveError', 'ConnectError'] },
    'connect from an address of another family',
  );
}

async function optionsBefore(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  const stream = await h.connectTo(listener, { options: { noDelay: true, keepAlive: { idle: 33 } } });
  equal(stream.get('noDelay'), true, 'noDelay');
  check(stream.get('keepAlive') !== false, 'keepAlive is false');
}

async function limits(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair({ highWaterMark: 3000, isSmall: true });
  const writer = h.record(a);
  b.pause();
  h.record(b);
  await h.fillUp(a, writer, 3000);
}

async function unsupportedOption(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  await h.leavesNothing(async () => {
    const options = { noDelay: true };
    await rejects(
      () => h.connectTo(listener, { options }),
      { name: ['UnsupportedError', 'SystemError', 'ConnectError'] },
      'noDelay on a Unix socket',
    );
  });
}

export const PROVIDER_CONNECT_CASES: readonly CaseRow<ProviderHarness>[] = [
  { name: 'connects, and both ends talk', promises: ['order.bytes', 'life.end'], run: connects },
  {
    name: 'connect where nobody listens is refused',
    promises: ['failure.clean', 'connect.errors'],
    when: onTcp,
    run: refused,
  },
  {
    name: 'connect to a path where nobody listens fails',
    promises: ['failure.clean', 'connect.errors'],
    when: onUnix,
    run: refusedUnix,
  },
  { name: 'many refused connects leave nothing', promises: ['failure.clean', 'once'], run: refusedManyTimes },
  {
    name: 'connect takes the second address when the first refuses',
    promises: ['connect.addresses', 'connect.name'],
    when: onIpv4,
    run: secondAddress,
  },
  {
    name: 'connect tells the error of every address',
    promises: ['connect.errors', 'failure.clean'],
    when: onIpv4,
    run: everyAddressFails,
  },
  {
    name: 'connect to no address at all fails',
    promises: ['connect.addresses'],
    when: onTcp,
    run: noAddress,
  },
  {
    name: 'connect uses only addresses of the family',
    promises: ['connect.family'],
    when: onTcp,
    run: otherFamily,
  },
  {
    name: 'connect leaves out given addresses of another family',
    promises: ['connect.family', 'connect.addresses'],
    when: onIpv4,
    run: otherFamilyOfAddresses,
  },
  {
    name: 'connect comes from the local address and port',
    promises: ['connect.local'],
    needs: ['local-bind'],
    when: onTcp,
    run: fromLocalAddress,
  },
  {
    name: 'connect from an address of another machine fails',
    promises: ['connect.local', 'failure.clean'],
    needs: ['local-bind'],
    when: onTcp,
    run: fromForeignAddress,
  },
  {
    name: 'connect dials only the family of the local address',
    promises: ['connect.local'],
    needs: ['local-bind'],
    when: onTcp,
    run: localFamilyRestricts,
  },
  { name: 'connect sets its options', promises: ['connect.options'], when: onTcp, run: optionsBefore },
  {
    name: 'connect refuses options that the transport has not',
    promises: ['connect.options', 'failure.clean'],
    when: onUnix,
    run: unsupportedOption,
  },
  { name: 'connect gives its limits to the stream', promises: ['limits.high-water'], run: limits },
];
