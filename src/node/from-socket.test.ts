/** Sockets of Node's that become connections: nothing is lost, and the old owner has no say any more (F54). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, Socket } from 'node:net';
import { duplexPair, PassThrough } from 'node:stream';
import test from 'node:test';
import type { TLSSocket } from 'node:tls';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { createPortside } from '../doors/portside.ts';
import { portableProvider } from '../portable/portable-provider.ts';
import { certificates } from '../testing/node/certificates.ts';
import { fileDescriptor } from './file-descriptor.ts';
import { fromSocket } from './from-socket.ts';
import { bytes, pair, text, world } from './test-kit.ts';
import { toDuplex } from './to-duplex.ts';

test('fromSocket reads what Node had read and told nobody first, and then what comes', async (t) => {
  const context = world(t);
  const server = await context.front.listen();
  assert.ok(server.local.family !== 'unix');
  const node = connect(server.local.port, '127.0.0.1');
  const [peer] = await Promise.all([server.accept(), once(node, 'connect')]);
  await peer.write('first ');
  await once(node, 'readable');
  const connection = fromSocket(context, node);
  await once(node, 'close');
  await peer.write('second');
  assert.equal(text(await connection.readExactly(12)), 'first second');
  node.write('from the old owner');
  await connection.write('answer');
  assert.equal(text(await peer.readExactly(6)), 'answer');
  await connection.close();
  assert.equal(await peer.read(), null);
});

test('fromSocket refuses what is no socket, is closed, is connecting, or has an encoding', async (t) => {
  const context = world(t);
  for (const value of [null, {}, 7]) assert.throws(() => fromSocket(context, value as never), TypeError);
  const fresh = new Socket();
  assert.throws(() => fromSocket(context, fresh), { code: 'ENOTCONN' });
  fresh.destroy();
  assert.throws(() => fromSocket(context, fresh), { code: 'ERR_SOCKET_CLOSED' });
  const server = await context.front.listen();
  assert.ok(server.local.family !== 'unix');
  const node = connect(server.local.port, '127.0.0.1');
  assert.throws(() => fromSocket(context, node), { code: 'ERR_SOCKET_BUSY' });
  await once(node, 'connect');
  node.setEncoding('utf8');
  assert.throws(() => fromSocket(context, node), TypeError);
  node.destroy();
  await once(node, 'close');
});

test('fromSocket keeps a writing half that has ended so', async (t) => {
  const context = world(t);
  const server = await context.front.listen();
  assert.ok(server.local.family !== 'unix');
  const node = connect({ port: server.local.port, host: '127.0.0.1', allowHalfOpen: true });
  const [peer] = await Promise.all([server.accept(), once(node, 'connect')]);
  node.end(bytes('all'));
  await once(node, 'finish');
  const connection = fromSocket(context, node);
  assert.equal(text(await peer.readExactly(3)), 'all');
  assert.equal(await peer.read(), null);
  await peer.write('late answer');
  assert.equal(text(await connection.readExactly(11)), 'late answer');
  await assert.rejects(connection.write('x'), { code: 'ERR_SOCKET_CLOSED' });
});

test('fromSocket takes a TLSSocket as it is, at both ends, and tells what its handshake agreed on', async (t) => {
  const context = world(t);
  const { good, authority } = certificates();
  const server = createTlsServer({ ...good, ALPNProtocols: ['echo'] });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const node = connectTls({
    ...{ port, host: '127.0.0.1', servername: 'localhost', ca: authority },
    ALPNProtocols: ['echo'],
  });
  assert.throws(() => fromSocket(context, node), { code: 'ERR_SOCKET_BUSY' });
  const [[accepted]] = (await Promise.all([
    once(server, 'secureConnection'),
    once(node, 'secureConnect'),
  ])) as [[TLSSocket], unknown];
  accepted.write('first ');
  await once(node, 'readable');
  const connection = fromSocket(context, node, { options: { noDelay: true } });
  const peer = fromSocket(context, accepted);
  const { tls } = connection;
  assert.deepEqual(
    [tls?.role, tls?.version, tls?.alpn, tls?.servername, tls?.isAuthorized, tls?.authorizationError],
    ['client', 'TLSv1.3', 'echo', 'localhost', true, undefined],
  );
  assert.equal(tls?.peerCertificates[0]?.alternativeNames.includes('DNS:localhost'), true);
  assert.deepEqual([peer.tls?.role, peer.tls?.alpn, peer.tls?.isAuthorized], ['server', 'echo', false]);
  assert.deepEqual(
    [connection.transport, connection.remote, peer.remote],
    ['tcp', peer.local, connection.local],
  );
  await peer.write('second');
  assert.equal(text(await connection.readExactly(12)), 'first second');
  await assert.rejects(connection.upgrade(), { code: 'ERR_UNSUPPORTED' });
  assert.throws(() => fileDescriptor(context, connection), { code: 'ERR_UNSUPPORTED' });
  await connection.write('answer');
  await connection.closeWrite();
  assert.equal(text(await peer.readExactly(6)), 'answer');
  assert.equal(await peer.read(), null);
  await peer.write('late');
  assert.equal(text(await connection.readExactly(4)), 'late');
  await Promise.all([peer.close(), connection.close()]);
  server.close();
  await once(server, 'close');
});

test('fromSocket works on a net.Socket where there is no native engine', async () => {
  const provider = portableProvider();
  const front = createPortside({ provider });
  const context = { front, provider };
  const server = await front.listen();
  assert.ok(server.local.family !== 'unix');
  const node = connect(server.local.port, '127.0.0.1');
  const [peer] = await Promise.all([server.accept(), once(node, 'connect')]);
  await peer.write('first ');
  await once(node, 'readable');
  const connection = fromSocket(context, node, { options: { noDelay: true } });
  await peer.write('second');
  assert.equal(text(await connection.readExactly(12)), 'first second');
  await peer.closeWrite();
  assert.equal(await connection.read(), null);
  await connection.write('still half open');
  assert.equal(text(await peer.readExactly(15)), 'still half open');
  assert.deepEqual(
    [connection.get('noDelay'), connection.remote, connection.id < 0],
    [true, server.local, true],
  );
  await connection.close();
  assert.ok(node.closed);
  await provider.close();
});

test('fromSocket makes connections of both ends of any pair of Duplexes', async (t) => {
  const context = world(t);
  const [one, two] = duplexPair();
  one.write('first ');
  two.write('for one');
  two.end();
  const [near, far] = [fromSocket(context, one), fromSocket(context, two)];
  await near.write('second');
  assert.equal(text(await far.readExactly(12)), 'first second');
  assert.equal(text(await near.readExactly(7)), 'for one');
  assert.equal(await near.read(), null);
  await assert.rejects(far.write('x'), { code: 'ERR_SOCKET_CLOSED' });
  assert.deepEqual(
    [near.transport, near.remote, near.tls],
    ['unix', { family: 'unix', path: '' }, undefined],
  );
  assert.throws(() => near.get('noDelay'), { code: 'ERR_UNSUPPORTED' });
  near.unref();
  assert.deepEqual(context.front.sockets(), []);
  await near.close();
  assert.equal(await far.read(), null);
  await far.close();
});

test('fromSocket tells what breaks the Duplex below', async (t) => {
  const context = world(t);
  const cause = new Error('the cable was cut');
  for (const broken of [cause, undefined]) {
    const [one, two] = duplexPair();
    const connection = fromSocket(context, one);
    const reading = connection.read();
    one.destroy(broken);
    await assert.rejects(reading, (error: Error & { code?: unknown }) => {
      assert.equal(error.code, 'ERR_SOCKET_BROKEN');
      if (broken !== undefined) assert.equal((error.cause as Error).cause, cause);
      return true;
    });
    two.destroy();
  }
});

test('fromSocket speaks TLS over Duplexes by upgrade', async (t) => {
  const context = world(t);
  const { good, authority } = certificates();
  const [one, two] = duplexPair();
  const [client, server] = await Promise.all([
    fromSocket(context, one).upgrade({ ca: authority, servername: 'localhost' }),
    fromSocket(context, two).upgrade({ role: 'server', ...good }),
  ]);
  await client.write('protected');
  assert.equal(text(await server.readExactly(9)), 'protected');
  await Promise.all([client.close(), server.close()]);
});

test('fromSocket gives the connection back of which toDuplex has made a Duplex', async (t) => {
  const context = world(t);
  const { client, peer } = await pair(context);
  await client.write('read ahead, ');
  assert.equal(text(await peer.read(4)), 'read');
  const duplex = toDuplex(peer);
  await once(duplex, 'readable');
  const again = fromSocket(context, duplex, { options: { noDelay: true } });
  await once(duplex, 'close');
  assert.deepEqual([again.id, again.remote, again.get('noDelay')], [peer.id, client.local, true]);
  assert.equal(context.front.sockets().length, 3);
  await client.write('and more');
  await client.closeWrite();
  let all = '';
  for await (const chunk of again) all += text(chunk) ?? '';
  assert.equal(all, ' ahead, and more');
  await again.write('answer');
  assert.equal(text(await client.readExactly(6)), 'answer');
  // Once more, when the end has been told already.
  const ended = toDuplex(again);
  const last = fromSocket(context, ended);
  assert.equal(await last.read(), null);
  await last.write('!');
  assert.equal(text(await client.readExactly(1)), '!');
  assert.ok(fileDescriptor(context, last) > 2);
});

test('fromSocket refuses Duplexes of objects, with an encoding, and options that they have not, and leaves them alone', (t) => {
  const context = world(t);
  const objects = new PassThrough({ objectMode: true });
  const readable = new PassThrough({ readableObjectMode: true });
  const encoded = new PassThrough().setEncoding('latin1');
  for (const each of [objects, readable, encoded]) assert.throws(() => fromSocket(context, each), TypeError);
  const plain = new PassThrough();
  const heard: unknown[] = [];
  plain.on('data', (chunk) => heard.push(chunk));
  assert.throws(() => fromSocket(context, plain, { options: { noDelay: true } }), {
    code: 'ERR_UNSUPPORTED',
  });
  assert.throws(() => fromSocket(context, plain, { highWaterMark: -1 }), RangeError);
  assert.throws(() => fromSocket(context, plain, { readAhead: 0 }), RangeError);
  assert.throws(() => fromSocket(context, plain, { ownership: 'take' } as never), TypeError);
  assert.equal(plain.listenerCount('data'), 1);
  plain.destroy();
  assert.throws(() => fromSocket(context, plain), { code: 'ERR_SOCKET_CLOSED' });
});

test('toDuplex refuses a stream of Node’s, and says what makes a connection of it', () => {
  assert.throws(() => toDuplex(new PassThrough() as never), {
    name: 'TypeError',
    message: /^socket: expected a connection, which fromSocket makes of streams of Node/,
  });
  assert.throws(() => toDuplex({} as never), TypeError);
});
