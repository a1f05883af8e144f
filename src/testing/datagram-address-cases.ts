/** Cases of `datagramSuite`: where sockets can be bound and connected, who shares an address, and what is left of it. */
import type { Datagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import {
  endpointOf,
  numbered,
  numberOf,
  onIpv4,
  onIpv6,
  onUdp,
  onUnixDatagrams,
  type DatagramHarness,
  type DatagramSetting,
} from './datagram-harness.ts';
import { check, equal, equalList, rejects } from './suite.ts';

const IN_USE = { name: 'SystemError', code: 'EADDRINUSE' };

async function taken(h: DatagramHarness): Promise<void> {
  const { port } = endpointOf(await h.bind());
  await rejects(() => h.provider.bind({ host: h.loopback, port }), IN_USE, 'bind to a port that is taken');
  await rejects(() => h.provider.bind({ host: h.wildcard, port }), IN_USE, 'bind to all addresses');
  const shared = { host: h.loopback, port, reuseAddress: true };
  await rejects(() => h.provider.bind(shared), IN_USE, 'bind to a port whose owner does not share');
}

async function portIsFreeAgain(h: DatagramHarness): Promise<void> {
  const first = await h.bind();
  const { port } = endpointOf(first);
  await first.close();
  const second = await h.bind({ port });
  equal(endpointOf(second).port, port, 'port');
  second.abort();
  await second.close();
  await h.bind({ port });
}

async function notOurs(h: DatagramHarness): Promise<void> {
  const host = h.transport === 'ipv6' ? '2001:db8::1234' : '192.0.2.77';
  const shape = { name: 'SystemError', code: 'EADDRNOTAVAIL' };
  await rejects(() => h.provider.bind({ host }), shape, 'bind to an address of nobody');
}

async function onAll(h: DatagramHarness): Promise<void> {
  const b = await h.bindTo(h.transport === 'ipv6' ? { family: 'ipv6' } : {});
  const { host, port } = endpointOf(b);
  equal(host, h.wildcard, 'host of a socket that was not given one');
  const atB = h.recordDatagram(b);
  const a = await h.bind();
  const family = h.transport === 'ipv6' ? 'ipv6' : 'ipv4';
  await h.mustSend(a, { bytes: numbered(1, 10), to: { family, host: h.loopback, port } });
  const { remote } = await atB.datagram();
  equal(JSON.stringify(remote), JSON.stringify(a.local), 'sender');
  h.recordDatagram(a);
  await h.mustSend(b, { bytes: numbered(2, 10), to: a.local });
}

async function connectedByName(h: DatagramHarness): Promise<void> {
  const family = h.transport === 'ipv6' ? 'ipv6' : 'ipv4';
  const [address] = await h.provider.resolve('localhost', { family }).catch(() => []);
  if (address?.host !== h.loopback) return;
  const b = await h.bind();
  const { port } = endpointOf(b);
  const a = await h.bindTo({ remote: { host: 'localhost', port }, family });
  equal(JSON.stringify(a.remote), JSON.stringify(b.local), 'remote');
  equal(endpointOf(a).host, h.loopback, 'the address that connecting has chosen');
  const atB = h.recordDatagram(b);
  await h.mustSend(a, { bytes: numbered(1, 10) });
  equal(JSON.stringify((await atB.datagram()).remote), JSON.stringify(a.local), 'sender');
}

async function noSuchName(h: DatagramHarness): Promise<void> {
  const shape = { name: 'ResolveError' };
  const family = h.transport === 'ipv6' ? 'ipv6' : 'ipv4';
  const host = h.transport === 'ipv6' ? '127.0.0.1' : '::1';
  await rejects(
    () => h.provider.bind({ family, remote: { host, port: 9 } }),
    shape,
    'remote of another family',
  );
}

async function sharedAddress(h: DatagramHarness): Promise<void> {
  const first = await h.bind({ reuseAddress: true });
  const { port } = endpointOf(first);
  const second = await h.bind({ port, reuseAddress: true });
  const heard = [h.recordDatagram(first), h.recordDatagram(second)];
  const a = await h.bind();
  for (let i = 0; i < 10; i++) await h.mustSend(a, { bytes: numbered(i, 10), to: first.local });
  await h.untilStill(...heard);
  const numbers = heard.flatMap((each) => each.datagrams.map(({ bytes }) => numberOf(bytes)));
  equalList(
    numbers.sort((x, y) => x - y),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    'datagrams of the sockets that share an address: each to one',
  );
}

async function sharedPort(h: DatagramHarness): Promise<void> {
  const first = await h.bind({ reusePort: true });
  const { port } = endpointOf(first);
  const sockets = [first, await h.bind({ port, reusePort: true }), await h.bind({ port, reusePort: true })];
  const heard = sockets.map((socket) => h.recordDatagram(socket));
  await rejects(() => h.provider.bind({ host: h.loopback, port }), IN_USE, 'bind without reusePort');
  const count = 48;
  for (let i = 0; i < count; i++) {
    const a = await h.bind();
    await h.mustSend(a, { bytes: numbered(i, 10), to: first.local });
    await a.close();
  }
  await h.untilStill(...heard);
  const shares = heard.map((each) => each.datagrams.length);
  equal(
    shares.reduce((sum, share) => sum + share, 0),
    count,
    'datagrams in all',
  );
  check(shares.filter((share) => share > 0).length > 1, `one socket has them all: ${shares.join(' ')}`);
}

/** Binds `::`, and tells whether an IPv4 socket can have the same port. */
async function bothFamilies(h: DatagramHarness, ipv6Only: boolean): Promise<void> {
  const six = await h.bindTo({ host: '::', ipv6Only });
  const { port } = endpointOf(six);
  const atSix = h.recordDatagram(six);
  const four = await h.bindTo({ host: '127.0.0.1' });
  h.recordDatagram(four);
  const to = { family: 'ipv4', host: '127.0.0.1', port } as const;
  await h.mustSend(four, { bytes: numbered(4, 10), to });
  await h.quiet();
  equal(atSix.datagrams.length, ipv6Only ? 0 : 1, 'datagrams over IPv4');
  if (ipv6Only) {
    const beside = await h.bindTo({ host: '127.0.0.1', port });
    equal(endpointOf(beside).port, port, 'port of an IPv4 socket beside');
    return;
  }
  const { remote } = await atSix.datagram();
  equal(
    JSON.stringify(remote),
    JSON.stringify({ family: 'ipv6', host: '::ffff:127.0.0.1', port: endpointOf(four).port }),
    'sender over IPv4',
  );
  await h.mustSend(six, { bytes: numbered(5, 10), to: remote });
}

async function optionsAreSet(h: DatagramHarness): Promise<void> {
  const a = await h.bind({ options: { ttl: 33 } });
  equal(a.get('ttl'), 33, 'ttl');
  const before = await h.options.resources?.();
  const shape = { name: 'UnsupportedError' };
  await rejects(() => h.provider.bind({ ...h.address(), options: { noDelay: true } }), shape, 'noDelay');
  equal(await h.options.resources?.(), before, 'descriptors left open');
}

async function fileIsThere(h: DatagramHarness): Promise<void> {
  const path = h.files.fresh();
  const a = await h.bindTo({ path, mode: 0o600 });
  equal(await h.files.exists(path), true, 'the file while the socket is open');
  equal(await h.files.mode(path), 0o600, 'mode');
  await a.close();
  equal(await h.files.exists(path), false, 'the file when the socket is closed');
  const again = await h.bindTo({ path });
  again.abort();
  await again.close();
  equal(await h.files.exists(path), false, 'the file when the socket was aborted');
}

async function pathIsTaken(h: DatagramHarness): Promise<void> {
  const a = await h.bind();
  const { local } = a;
  const path = local.family === 'unix' ? local.path : '';
  await rejects(() => h.provider.bind({ path }), IN_USE, 'bind to a path that is taken');
  await rejects(() => h.provider.bind({ path, stale: 'replace' }), IN_USE, 'replace of a live socket');
  const b = await h.bind();
  const atA = h.recordDatagram(a);
  await h.mustSend(b, { bytes: numbered(1, 10), to: local });
  await atA.untilCount(1);
}

async function stalePaths(h: DatagramHarness): Promise<void> {
  const path = h.files.fresh();
  await h.files.makeStaleSocket(path);
  await rejects(() => h.provider.bind({ path }), IN_USE, 'bind to a stale path');
  const a = await h.bindTo({ path, stale: 'replace' });
  await a.close();
  const file = h.files.fresh();
  await h.files.makeFile(file);
  await rejects(() => h.provider.bind({ path: file, stale: 'replace' }), IN_USE, 'replace of a file');
  equal(await h.files.exists(file), true, 'a file that is no socket');
}

async function unnamed(h: DatagramHarness): Promise<void> {
  const b = await h.bind();
  const atB = h.recordDatagram(b);
  const path = b.local.family === 'unix' ? b.local.path : '';
  const sockets: readonly Datagram[] = [
    await h.bindTo({ type: 'datagram' }),
    await h.bindTo({ remotePath: path }),
  ];
  for (const [number, socket] of sockets.entries()) {
    equal(JSON.stringify(socket.local), JSON.stringify({ family: 'unix', path: '' }), 'local');
    const to = socket.remote === undefined ? b.local : undefined;
    await h.mustSend(socket, { bytes: numbered(number, 10), to });
    const { remote } = await atB.datagram(number);
    equal(JSON.stringify(remote), JSON.stringify({ family: 'unix', path: '' }), 'sender');
  }
}

async function pathsAsBytes(h: DatagramHarness): Promise<void> {
  const text = h.freshPath();
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const b = await h.bindTo({ path: bytes });
  equal(JSON.stringify(b.local), JSON.stringify({ family: 'unix', path: text }), 'local');
  const atB = h.recordDatagram(b);
  const a = await h.bind();
  await h.mustSend(a, { bytes: numbered(1, 10), to: { family: 'unix', path: bytes } });
  await h.mustSend(a, { bytes: numbered(2, 10), to: { family: 'unix', path: text } });
  await atB.untilCount(2);
}

async function connectedToNobody(h: DatagramHarness): Promise<void> {
  const remotePath = h.freshPath();
  const path = h.freshPath();
  const shape = { name: 'SystemError', code: ['ENOENT', 'ECONNREFUSED'] };
  await rejects(() => h.provider.bind({ path, remotePath }), shape, 'bind with a peer that is not there');
  await h.bindTo({ path });
}

export const DATAGRAM_ADDRESS_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  {
    name: 'bind to a port that is taken is EADDRINUSE',
    promises: ['failure.clean', 'bind.reuse-address'],
    when: onUdp,
    run: taken,
  },
  {
    name: 'bind to a port whose socket has closed',
    promises: ['datagram.close-flush'],
    when: onUdp,
    run: portIsFreeAgain,
  },
  {
    name: 'bind to an address of nobody',
    promises: ['failure.clean', 'bind.host'],
    when: onUdp,
    run: notOurs,
  },
  { name: 'bind without a host is to all addresses', promises: ['bind.host'], when: onUdp, run: onAll },
  {
    name: 'bind with a remote that is a name',
    promises: ['bind.name', 'bind.family'],
    when: onUdp,
    run: connectedByName,
  },
  {
    name: 'bind with a remote that has no address of the family',
    promises: ['bind.family', 'failure.clean'],
    when: onUdp,
    run: noSuchName,
  },
  {
    name: 'reuseAddress lets sockets share a port',
    promises: ['bind.reuse-address'],
    when: onUdp,
    run: sharedAddress,
  },
  {
    name: 'reusePort spreads datagrams over sockets',
    promises: ['bind.reuse-port'],
    needs: ['reuse-port'],
    when: onUdp,
    run: sharedPort,
  },
  {
    name: 'ipv6Only leaves IPv4 to others',
    promises: ['bind.ipv6-only'],
    when: onIpv6,
    run: (h) => bothFamilies(h, true),
  },
  {
    name: 'a socket on :: receives over IPv4 as well',
    promises: ['bind.ipv6-only'],
    when: onIpv6,
    run: (h) => bothFamilies(h, false),
  },
  {
    name: 'bind sets options, and refuses those that UDP has not',
    promises: ['bind.options', 'failure.clean'],
    when: onIpv4,
    run: optionsAreSet,
  },
  {
    name: 'bind makes a file of its mode, which goes with the socket',
    promises: ['listen.mode', 'datagram.close-flush'],
    when: ({ transport }) => transport === 'unix',
    run: fileIsThere,
  },
  {
    name: 'bind to a path that is taken is EADDRINUSE',
    promises: ['failure.clean', 'listen.stale'],
    when: onUnixDatagrams,
    run: pathIsTaken,
  },
  {
    name: 'bind replaces a stale path only if it is asked to, and no file',
    promises: ['listen.stale'],
    when: ({ transport }) => transport === 'unix',
    run: stalePaths,
  },
  {
    name: 'bind without a path has no name, and can send',
    promises: ['bind.unnamed', 'datagram.sender'],
    when: onUnixDatagrams,
    run: unnamed,
  },
  {
    name: 'bind and send take paths as bytes',
    promises: ['bind.path'],
    when: onUnixDatagrams,
    run: pathsAsBytes,
  },
  {
    name: 'bind with a peer that is not there leaves nothing',
    promises: ['failure.clean', 'bind.remote'],
    when: onUnixDatagrams,
    run: connectedToNobody,
  },
];
