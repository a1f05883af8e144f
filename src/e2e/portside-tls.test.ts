/** TLS by promises: from the start, by upgrading, and with OpenSSL's own client at the other end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { SocketError } from '../base/errors.ts';
import type { SocketProvider } from '../base/provider.ts';
import type { Connection, Portside } from '../doors/portside.ts';
import { ClosedError, createPortside, isSocketError, TlsError } from '../doors/portside.ts';
import { localProvider } from '../engine/local-provider.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { deferred } from '../testing/deferred.ts';
import { certificates } from '../testing/node/certificates.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { portOf } from '../testing/node/pairs.ts';

const { good, authority } = certificates();
const CLIENT = { ca: authority, servername: 'localhost' } as const;

const PROVIDERS: readonly (readonly [name: string, make: () => SocketProvider])[] = [
  ['local', () => localProvider()],
  ['portable', () => portableProvider()],
];

function begin(t: TestContext, make: () => SocketProvider, warnings: string[] = []): Portside {
  const provider = make();
  const leaks = leakCheck();
  t.after(async () => {
    await provider.close();
    leaks.check();
  });
  return createPortside({ provider, warn: (text) => warnings.push(text) });
}

const decode = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

async function shout(connection: Connection): Promise<void> {
  for await (const line of connection.lines()) await connection.write(`${line.toUpperCase()}\n`);
}

/** A service that speaks in the clear until it is told to protect itself. */
async function startTls(plain: Connection): Promise<void> {
  await plain.write('220 ready\n');
  for await (const line of plain.lines()) {
    if (line !== 'STARTTLS') {
      await plain.write('500 what?\n');
      continue;
    }
    await plain.write('220 go ahead\n');
    await shout(await plain.upgrade({ role: 'server', ...good }));
    return;
  }
}

for (const [name, make] of PROVIDERS) {
  test(`portside over ${name}: TLS from the start, both ends`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen({ tls: { ...good, alpn: ['lines'] } });
    const serving = server.serve(shout);
    const client = await front.connect({ to: server.local, tls: { ...CLIENT, alpn: ['lines', 'other'] } });
    assert.deepEqual(
      [client.tls?.role, client.tls?.alpn, client.tls?.isAuthorized],
      ['client', 'lines', true],
    );
    await client.write('hello\n');
    assert.equal(decode(await client.readUntil('\n')), 'HELLO\n');
    assert.equal(front.sockets().find(({ id }) => id === client.id)?.tls, true);
    await client.closeWrite();
    assert.equal(await client.read(), null);
    await client.close();
    await server.close();
    await serving;
  });

  test(`portside over ${name}: a certificate of nobody's we know is a TlsError`, async (t) => {
    const front = begin(t, make);
    const told = deferred<SocketError>();
    const server = await front.listen({ tls: good, onError: told.resolve });
    const accepting = assert.rejects(server.accept(), ClosedError);
    await assert.rejects(front.connect({ to: server.local, tls: true }), (error) => {
      assert.ok(error instanceof TlsError);
      assert.equal(error.failure, 'certificate-untrusted');
      return true;
    });
    assert.ok((await told.promise) instanceof TlsError);
    await server.close();
    await accepting;
  });

  test(`portside over ${name}: a peer in the clear is a warning, and ends nothing`, async (t) => {
    const warnings: string[] = [];
    const front = begin(t, make, warnings);
    const server = await front.listen({ tls: good });
    const serving = server.serve(shout);
    for (let i = 0; i < 3; i++) {
      const plain = await front.connect({ to: server.local });
      await plain.write('GET / HTTP/1.0\r\n\r\n');
      // The server ends it, with an alert or without.
      for await (const chunk of plain) assert.ok(chunk.length > 0);
      await plain.close();
    }
    const client = await front.connect({ to: server.local, tls: CLIENT });
    await client.write('still\n');
    assert.equal(decode(await client.readUntil('\n')), 'STILL\n');
    await client.close();
    await server.close();
    await serving;
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^accepting failed: .*; set onError/);
  });

  test(`portside over ${name}: STARTTLS, both ends`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const serving = server.serve(startTls);
    const plain = await front.connect({ to: server.local });
    assert.equal(decode(await plain.readUntil('\n')), '220 ready\n');
    await plain.write('HELO\nSTARTTLS\n');
    assert.equal(decode(await plain.readUntil('\n')), '500 what?\n');
    assert.equal(decode(await plain.readUntil('\n')), '220 go ahead\n');
    const { id } = plain;
    const secure = await front.upgrade(plain, { ...CLIENT, timeout: 30_000 });
    assert.deepEqual([secure.id, secure.tls?.role], [id, 'client']);
    await secure.write('secret\n');
    assert.equal(decode(await secure.readUntil('\n')), 'SECRET\n');
    await assert.rejects(plain.write('x'), ClosedError);
    // Closing the one that was upgraded closes what has become of it.
    await plain.close();
    await server.close();
    await serving;
    assert.equal(
      front.sockets().some(({ state }) => state === 'open'),
      false,
    );
  });

  test(`portside over ${name}: commands in the clear behind STARTTLS are never obeyed`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen();
    const told = deferred<unknown>();
    const serving = server.serve(startTls, { onError: told.resolve });
    const plain = await front.connect({ to: server.local });
    await plain.write('STARTTLS\nFORGED COMMAND THAT IS NO TLS AT ALL\n');
    let heard = '';
    try {
      for await (const chunk of plain) heard += decode(chunk);
    } catch (error) {
      assert.ok(isSocketError(error), 'a reset is as good an end');
    }
    assert.doesNotMatch(heard, /FORGED/);
    assert.ok((await told.promise) instanceof TlsError);
    plain.abort();
    await server.close();
    await serving;
  });

  test(`portside over ${name}: lines over TLS for openssl s_client`, async (t) => {
    const front = begin(t, make);
    const server = await front.listen({ tls: good });
    const serving = server.serve(async (connection) => {
      const line = decode(await connection.readUntil('\n'));
      await connection.write(`${line.trim().toUpperCase()} by ${connection.tls?.version ?? 'nothing'}\n`);
    });
    const args = ['s_client', '-quiet', '-connect', `127.0.0.1:${String(portOf(server))}`];
    const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined).write('hello\n');
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    assert.equal(output, 'HELLO by TLSv1.3\n');
    await server.close();
    await serving;
  });
}
