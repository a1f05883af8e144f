/** TLS: from the start, and from the middle of a conversation on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import type { ClientSocket, IOErrorName } from '../../doors/tcpsocket.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import type { RowName } from '../../testing/node/certificates.ts';
import { certificates } from '../../testing/node/certificates.ts';
import type { EachOptions } from './test-kit.ts';
import {
  World,
  bytes,
  clog,
  each,
  nextOf,
  nextTask,
  readBytes,
  readUntil,
  stateOf,
  text,
  untilReceived,
} from './test-kit.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const made = hasOpenssl ? certificates() : undefined;
const NEEDS: EachOptions = { needs: ['tls'], skip: hasOpenssl ? false : 'openssl is not there' };

function material(): NonNullable<typeof made> {
  assert.ok(made !== undefined);
  return made;
}

function identity(name: RowName = 'good'): { readonly cert: string; readonly key: string } {
  const { cert, key } = material()[name];
  return { cert, key };
}

async function exchange(a: ClientSocket, b: ClientSocket, message: string): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    await from.write(bytes(message));
    assert.equal(new TextDecoder().decode(await readBytes(to, message.length)), message);
  }
}

each(
  'TCPSocket with useSecureTransport on both sides',
  async (world) => {
    const server = await world.tcp.listen({ useSecureTransport: true, tls: identity() });
    const client = await world.tcp.connect({
      host: 'localhost',
      port: server.localPort,
      useSecureTransport: true,
      tls: { ca: material().authority },
    });
    assert.equal(client.ssl, true);
    const peer = await nextOf(server);
    await client.opened;
    assert.equal(peer.ssl, true);
    assert.equal(client.tls?.role, 'client');
    assert.equal(client.tls.isAuthorized, true);
    assert.equal(peer.tls?.role, 'server');
    await exchange(client, peer, 'in secret');
    await client.upgradeToSecure();
    await client.close();
    assert.equal((await peer.read()).byteLength, 0);
    await peer.closed;
  },
  NEEDS,
);

/* prettier-ignore */
const FAILURES: readonly (readonly [certificate: RowName, reason: IOErrorName, tls: object])[] = [
  ['expired',   'SecurityExpiredCertificateError',          {}],
  ['wrongName', 'SecurityCertificateDomainMismatchError',   {}],
  ['untrusted', 'SecurityUntrustedCertificateIssuerError',  {}],
  ['client',    'SecurityInadequateKeyUsageError',          {}],
  ['good',      'SecurityUnsupportedTLSVersionError',       { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
];

for (const [name, reason, tls] of FAILURES) {
  each(
    `ClientSocket to a server with a certificate ${name} fails with ${reason}`,
    async (world) => {
      const server = await world.tcp.listen({ tls: { ...identity(name), minVersion: 'TLSv1.3' } });
      const client = await world.tcp.connect({
        host: 'localhost',
        port: server.localPort,
        tls: { ca: material().authority, ...tls },
      });
      const group =
        reason === 'SecurityUnsupportedTLSVersionError' ? 'SecurityProtocol' : 'SecurityCertificate';
      const failure = { name: 'IOError', message: `${reason}: ${group}`, reason };
      await assert.rejects(client.opened, failure);
      await assert.rejects(client.closed, failure);
      assert.equal(client.readyState, 'closed');
    },
    NEEDS,
  );
}

each(
  'ClientSocket that speaks TLS to who does not fails',
  async (world) => {
    const server = await world.tcp.listen();
    const to = { host: 'localhost', port: server.localPort };
    const client = await world.tcp.connect({ ...to, useSecureTransport: true });
    const peer = await nextOf(server);
    await peer.read();
    await peer.write(bytes('220 hello, this is no TLS\r\n'));
    await assert.rejects(client.opened, { name: 'IOError', message: 'SecurityError: SecurityProtocol' });
    await Promise.allSettled([peer.closed, peer.close()]);
  },
  NEEDS,
);

/** A client and its peer that have agreed to speak TLS. The peer's answer is unread. */
async function agreed(world: World): Promise<{ client: ClientSocket; peer: ClientSocket }> {
  const { client, peer } = await world.pair({}, { host: 'localhost' });
  await client.write(bytes('STARTTLS'));
  assert.equal(text(await peer.read()), 'STARTTLS');
  await peer.write(bytes('220 go ahead'));
  await untilReceived(world, client, '220 go ahead'.length);
  return { client, peer };
}

each(
  'ClientSocket.upgradeToSecure on both sides, with what came before it still to be read',
  async (world) => {
    const { client, peer } = await agreed(world);
    const serving = peer.upgradeToSecure({ role: 'server', ...identity() });
    const upgrading = client.upgradeToSecure({ ca: material().authority });
    assert.equal(client.upgradeToSecure(), upgrading, 'asked again while it goes on');
    assert.equal(client.ssl, true);
    assert.equal(client.readyState, 'open');
    await assert.rejects(client.write(bytes('too early')), { message: 'Socket is not open' });
    client.suspend();
    client.resume();
    assert.equal(text(await client.read()), '220 go ahead');
    await Promise.all([serving, upgrading]);
    assert.equal(client.tls?.servername, 'localhost');
    await exchange(client, peer, 'in secret');
    await client.close();
    assert.equal((await peer.read()).byteLength, 0);
    await peer.closed;
  },
  NEEDS,
);

each(
  'ClientSocket.upgradeToSecure sends in the clear what was written before it',
  async (world) => {
    const { client, peer } = await world.pair({}, { host: 'localhost' });
    client.suspend();
    client.resume();
    peer.suspend();
    await clog(client);
    const unsent = client.bufferedAmount;
    assert.ok(unsent > 0);
    const upgrading = client.upgradeToSecure({ ca: material().authority });
    for (let turn = 0; turn < 20; turn++) await nextTask();
    assert.equal(await stateOf(upgrading), 'pending');
    await client.closeImmediately();
    await assert.rejects(upgrading, { name: 'IOError', message: 'Socket is closed' });
    await client.closed;
    peer.resume();
    await readUntil(peer, peer.closed).catch(() => undefined);
  },
  NEEDS,
);

each(
  'ClientSocket.upgradeToSecure that fails rejects, and the connection is closed',
  async (world) => {
    const { client, peer } = await agreed(world);
    const serving = peer
      .upgradeToSecure({ role: 'server', ...identity('untrusted') })
      .catch((e: unknown) => e);
    const failure = { name: 'IOError', reason: 'SecurityUntrustedCertificateIssuerError' };
    await assert.rejects(client.upgradeToSecure({ ca: material().authority }), failure);
    assert.equal(client.readyState, 'closed');
    assert.equal(text(await client.read()), '220 go ahead', 'what came before is there');
    await assert.rejects(client.closed, failure);
    await assert.rejects(client.read(), failure);
    // In TLS 1.3 a server hears of it only after its own handshake.
    await Promise.allSettled([serving, peer.closed]);
  },
  NEEDS,
);

each(
  'ClientSocket.upgradeToSecure given up by a signal, or by closing',
  async (world) => {
    for (const how of ['signal', 'close', 'closeImmediately'] as const) {
      const { client, peer } = await agreed(world);
      assert.equal(text(await client.read()), '220 go ahead');
      const control = new AbortController();
      const upgrading = client.upgradeToSecure({ ca: material().authority, signal: control.signal });
      const outcome = upgrading.catch((error: unknown) => error);
      // The peer has the beginning of the handshake, and does not answer.
      assert.ok((await peer.read()).byteLength > 0);
      if (how === 'signal') control.abort(new Error('changed my mind'));
      else await client[how]();
      const error = await outcome;
      assert.match(String(error), how === 'signal' ? /changed my mind/ : /IOError: Socket is closed/);
      assert.equal(client.readyState, 'closed');
      await Promise.allSettled([client.closed, peer.closed]);
      if (how !== 'signal') await client.closed;
      await peer.close();
    }
  },
  NEEDS,
);

each(
  'ClientSocket.upgradeToSecure with options that are none leaves all as it was',
  async (world) => {
    const { client, peer } = await agreed(world);
    await assert.rejects(client.upgradeToSecure({ ca: 5 } as never), TypeError);
    assert.equal(client.ssl, false);
    assert.equal(client.readyState, 'open');
    assert.equal(text(await client.read()), '220 go ahead');
    await exchange(client, peer, 'in the clear');
    const serving = peer.upgradeToSecure({ role: 'server', ...identity() });
    await Promise.all([serving, client.upgradeToSecure({ ca: material().authority })]);
    await exchange(client, peer, 'in secret');
  },
  NEEDS,
);

each('ClientSocket.upgradeToSecure where it is not open is refused', async (world) => {
  const server = await world.tcp.listen();
  const client = await world.tcp.connect({ host: '127.0.0.1', port: server.localPort });
  const refused = { name: 'IOError', message: 'Socket is not open' };
  await assert.rejects(client.upgradeToSecure(), refused);
  await client.opened;
  await client.close();
  await assert.rejects(client.upgradeToSecure(), refused);
});

test('ClientSocket.upgradeToSecure where the provider has no TLS leaves all as it was', async () => {
  const world = new World('without TLS', memoryProvider());
  const { client, peer } = await world.pair();
  const unsupported = { name: 'IOError', message: 'NetworkError: Network', code: 'ERR_UNSUPPORTED' };
  await assert.rejects(client.upgradeToSecure(), unsupported);
  assert.equal(client.ssl, false);
  await exchange(client, peer, 'in the clear');
  await world.host.close();
  await world.provider.close();
});

const WRONG: readonly (readonly [what: string, options: unknown])[] = [
  ['null', null],
  ['a number', 7],
  ['a signal that is none', { signal: 7 }],
];
for (const [what, options] of WRONG) {
  test(`ClientSocket.upgradeToSecure(${what}) is a TypeError, and never taken for an upgrade`, async () => {
    const world = new World('without TLS', memoryProvider());
    const { client, peer } = await world.pair();
    await assert.rejects(client.upgradeToSecure(options as object), TypeError);
    assert.equal(client.ssl, false);
    await assert.rejects(client.upgradeToSecure(), { code: 'ERR_UNSUPPORTED' });
    await exchange(client, peer, 'in the clear');
    await world.host.close();
    await world.provider.close();
  });
}
