/** What the tests of the proposal's first implementation assert, and those of its model in Firefox OS, written anew. */
import assert from 'node:assert/strict';
import type { ClientSocket } from '../../doors/tcpsocket.ts';
import { bytes, clog, each, nextOf, readAll, readBytes, readUntil, stateOf, text } from './test-kit.ts';

const METHODS = ['write', 'read', 'suspend', 'resume', 'close', 'closeImmediately'] as const;
const THRESHOLD = 65_536;

/** @see libdweb, test/tcp/test.js */
function assertFresh(socket: ClientSocket): void {
  assert.equal(socket.ssl, false);
  assert.equal(socket.bufferedAmount, 0);
  assert.ok(socket.opened instanceof Promise);
  assert.ok(socket.closed instanceof Promise);
  for (const name of METHODS) assert.equal(typeof socket[name], 'function', name);
}

each('TCPSocket has connect and listen', ({ browser }) => {
  assert.equal(typeof browser.TCPSocket, 'object');
  assert.equal(typeof browser.TCPSocket?.connect, 'function');
  assert.equal(typeof browser.TCPSocket?.listen, 'function');
  return Promise.resolve();
});

each('TCPSocket.listen answers a server, which closes', async ({ tcp }) => {
  const free = await tcp.listen();
  const port = free.localPort;
  assert.ok(port > 0);
  await free.close();
  const server = await tcp.listen({ port });
  assert.equal(server.localPort, port);
  assert.equal(typeof server.close, 'function');
  assert.ok(server.closed instanceof Promise);
  void server.close();
  await server.closed;
  await server.close();
  assert.equal(server.localPort, port, 'still told of a closed server');
});

each('TCPSocket exchanges messages between a server and a client', async ({ tcp }) => {
  const server = await tcp.listen({});
  const serve = async (): Promise<number> => {
    let count = 0;
    for await (const client of server.connections) {
      count++;
      assert.equal(client.readyState, 'open');
      assert.equal(client.host, '127.0.0.1');
      assert.equal(typeof client.port, 'number');
      assertFresh(client);
      await client.opened;
      const message = text(await client.read());
      assert.equal(message, 'Hello TCP');
      await client.write(bytes(`<echo>${message}</echo>`));
    }
    return count;
  };
  const served = serve();
  const client = await tcp.connect({ host: 'localhost', port: server.localPort });
  assert.equal(client.readyState, 'connecting');
  await client.opened;
  assert.equal(client.readyState, 'open');
  assert.equal(client.host, 'localhost');
  assert.equal(client.address, 'localhost');
  assert.equal(client.port, server.localPort);
  assert.equal(client.remotePort, server.localPort);
  assertFresh(client);
  const written = client.write(bytes('Hello TCP'));
  assert.equal(text(await client.read()), '<echo>Hello TCP</echo>');
  await Promise.all([written, client.close()]);
  await server.close();
  assert.equal(await served, 1, 'the loop has ended');
});

each('TCPSocket exchanges several messages on one connection', async (world) => {
  const { client, peer, server } = await world.pair();
  for (const round of ['first', 'second']) {
    void client.write(bytes(round));
    assert.equal(text(await peer.read()), round);
    await peer.write(bytes(`${round} answer`));
    assert.equal(text(await client.read()), `${round} answer`);
  }
  await Promise.all([client.close(), server.close()]);
});

each('ServerSocket.connections may be left with return, and the server closed after it', async ({ tcp }) => {
  const server = await tcp.listen({});
  const serve = async (): Promise<void> => {
    for await (const client of server.connections) {
      await client.write(bytes('bye'));
      await client.close();
      return;
    }
  };
  const served = serve();
  const client = await tcp.connect({ host: '127.0.0.1', port: server.localPort });
  assert.equal(text(await client.read()), 'bye');
  // The client's own side is never closed: the server's close does not wait for that.
  await served;
  await server.close();
  await server.closed;
});

/** @see Firefox OS, test_tcpsocket_client_and_server_basics.js */
each('ClientSocket.write carries slices by offset and length both ways', async (world) => {
  const { client, peer } = await world.pair();
  const all = bytes('0123456789');
  for (const [from, to] of [
    [client, peer],
    [peer, client],
  ] as const) {
    await from.write(all, 2, 3);
    assert.equal(text((await readBytes(to, 3)).buffer as ArrayBuffer), '234');
    await from.write(all.buffer, 7);
    assert.equal(text((await readBytes(to, 3)).buffer as ArrayBuffer), '789');
    await from.write(all.subarray(4), 1, 2);
    assert.equal(text((await readBytes(to, 2)).buffer as ArrayBuffer), '56');
  }
});

each('ClientSocket.write waits for its bytes from one above 65,536 on, again and again', async (world) => {
  const { client, peer } = await world.pair();
  for (let round = 0; round < 3; round++) {
    // Fills what the system takes, until something stays unsent.
    peer.suspend();
    await clog(client);
    const room = THRESHOLD - client.bufferedAmount;
    const exact = client.write(new Uint8Array(room));
    assert.equal(await stateOf(exact), 'fulfilled', 'at the threshold: done at once');
    assert.equal(client.bufferedAmount, THRESHOLD);
    const above = client.write(new Uint8Array(1));
    const empty = client.write(new Uint8Array(0));
    assert.equal(await stateOf(above), 'pending', 'above it: not before it is sent');
    assert.equal(await stateOf(empty), 'pending');
    peer.resume();
    await readUntil(peer, Promise.all([above, empty]));
    assert.equal(client.bufferedAmount, 0);
  }
});

each('ClientSocket.close and its server side: closing at once, closed on both', async (world) => {
  for (const which of ['client', 'peer'] as const) {
    const sockets = await world.pair();
    const [own, other] = which === 'client' ? [sockets.client, sockets.peer] : [sockets.peer, sockets.client];
    const end = other.read();
    const closing = own.close();
    assert.equal(own.readyState, 'closing');
    await Promise.all([closing, own.closed, other.closed]);
    assert.equal((await end).byteLength, 0);
    assert.equal(own.readyState, 'closed');
    assert.equal(other.readyState, 'closed');
  }
});

each('ClientSocket.close sends every byte of a large write first', async (world) => {
  const { client, peer } = await world.pair();
  const large = new Uint8Array(4 * 1024 * 1024).map((_, i) => i % 251);
  const written = client.write(large);
  const closed = client.close();
  assert.equal(client.readyState, 'closing');
  assert.deepEqual(await readBytes(peer, large.length), large);
  await Promise.all([written, closed]);
  assert.equal((await peer.read()).byteLength, 0);
  await Promise.all([client.closed, peer.closed]);
});

each('ClientSocket.closeImmediately drops what is unsent', async (world) => {
  const { client, peer } = await world.pair();
  peer.suspend();
  const large = new Uint8Array(8 * 1024 * 1024);
  const writes = [client.write(large), client.write(large)];
  const settled = Promise.allSettled(writes);
  const closing = client.closeImmediately();
  assert.ok(closing instanceof Promise);
  assert.equal(client.readyState, 'closing');
  await closing;
  assert.equal(client.readyState, 'closed');
  assert.equal(client.bufferedAmount, 0);
  const [, last] = await settled;
  assert.equal(last?.status, 'rejected');
  assert.match(String(last.reason), /^IOError: Socket is closed$/);
  peer.resume();
  let count = 0;
  // A connection that is given up may be reset, which is how the other side hears of it.
  const outcome = await Promise.resolve()
    .then(async () => {
      for (let size = 1; size > 0; count += size) size = (await peer.read()).byteLength;
    })
    .catch((error: unknown) => error);
  if (outcome !== undefined) assert.equal((outcome as Error).message, 'NetworkInterruptError: Network');
  assert.ok(count < 2 * large.length, `${String(count)} bytes came`);
});

each('ClientSocket that is refused: an IOError, and closed', async ({ tcp }) => {
  const server = await tcp.listen();
  const port = server.localPort;
  await server.close();
  const client = await tcp.connect({ host: '127.0.0.1', port });
  assert.equal(client.readyState, 'connecting');
  const refused = { name: 'IOError', message: 'ConnectionRefusedError: Network', code: 'ECONNREFUSED' };
  await assert.rejects(client.opened, refused);
  await assert.rejects(client.closed, refused);
  assert.equal(client.readyState, 'closed');
  await assert.rejects(client.read(), refused);
  await assert.rejects(client.write(bytes('x')), { message: 'Socket is not open' });
  await client.close();
});

each(
  'TCPSocket over IPv6',
  async ({ tcp }) => {
    const server = await tcp.listen({ host: '::1' });
    assert.equal(server.localAddress, '::1');
    const client = await tcp.connect({ address: '::1', port: server.localPort });
    const peer = await nextOf(server);
    await client.opened;
    assert.equal(peer.host, '::1');
    void client.write(bytes('six'));
    void client.close();
    assert.equal(await readAll(peer), 'six');
    const bracketed = await tcp.listen({ host: '[::1]' });
    const again = await tcp.connect({ host: '[::1]', port: bracketed.localPort, awaitOpen: true });
    assert.equal(again.host, '[::1]');
    assert.equal(again.remoteAddress, '::1');
  },
  { needs: ['ipv6'] },
);
