import assert from 'node:assert/strict';
import test from 'node:test';
import { SystemError } from '../../base/errors.ts';
import type { Listener, ListenerSink } from '../../base/provider.ts';
import type { ClientSocket } from '../../doors/tcpsocket.ts';
import type { TcpSocketHost } from './host.ts';
import { ServerSocket } from './server-socket.ts';
import { bytes, each, nextOf, nextTask, readAll, stateOf, text } from './test-kit.ts';
import type { World } from './test-kit.ts';

async function clientOf(world: World, server: ServerSocket): Promise<ClientSocket> {
  const client = await world.tcp.connect({ host: '127.0.0.1', port: server.localPort });
  await client.opened;
  return client;
}

each('ServerSocket keeps connections that nobody has asked for, with all that they sent', async (world) => {
  const server = await world.tcp.listen();
  const clients: ClientSocket[] = [];
  for (let i = 0; i < 5; i++) {
    const client = await clientOf(world, server);
    await client.write(bytes(`from ${String(i)}`));
    await client.close();
    clients.push(client);
  }
  const heard: string[] = [];
  for await (const peer of server.connections) {
    assert.equal(peer.readyState, 'open');
    heard.push(await readAll(peer));
    if (heard.length === clients.length) break;
  }
  assert.deepEqual(heard.sort(), ['from 0', 'from 1', 'from 2', 'from 3', 'from 4']);
});

each('ServerSocket keeps more connections than its backlog, in the system', async (world) => {
  for (const name of ['backlog', 'backLog'] as const) {
    const server = await world.tcp.listen({ [name]: 2 });
    const clients = await Promise.all(Array.from({ length: 6 }, () => clientOf(world, server)));
    for (const client of clients) void client.write(bytes('x'));
    for (let i = 0; i < 6; i++) {
      const peer = await nextOf(server);
      assert.equal(text(await peer.read()), 'x');
    }
    await server.close();
  }
});

each('ServerSocket.connections answers several next in their order', async (world) => {
  const server = await world.tcp.listen();
  const waiting = [server.connections.next(), server.connections.next(), server.connections.next()];
  const order: number[] = [];
  const told = waiting.map(async (next, i) => {
    const { value } = await next;
    order.push(i);
    return value;
  });
  for (let i = 0; i < 3; i++) await clientOf(world, server);
  const peers = await Promise.all(told);
  assert.deepEqual(order, [0, 1, 2]);
  assert.equal(new Set(peers).size, 3);
});

each('ServerSocket.connections.return ends what waits, and leaves the server open', async (world) => {
  const server = await world.tcp.listen();
  const waiting = [server.connections.next(), server.connections.next()];
  assert.deepEqual(await server.connections.return?.(), { done: true, value: undefined });
  for (const next of waiting) assert.deepEqual(await next, { done: true, value: undefined });
  assert.equal(await stateOf(server.closed), 'pending');
  await clientOf(world, server);
  await clientOf(world, server);
  let count = 0;
  // Each loop goes on where the one before it stopped.
  for await (const peer of server.connections) {
    assert.equal(peer.readyState, 'open');
    count++;
    break;
  }
  for await (const peer of server.connections) {
    assert.equal(peer.readyState, 'open');
    count++;
    break;
  }
  assert.equal(count, 2);
});

each('ServerSocket.close ends the iteration, and leaves connections open', async (world) => {
  const { client, peer, server } = await world.pair();
  const waiting = [server.connections.next(), server.connections.next()];
  const closing = server.close();
  assert.equal(server.close(), closing, 'the same promise again');
  assert.equal(server.closed, closing);
  await closing;
  for (const next of waiting) assert.deepEqual(await next, { done: true, value: undefined });
  assert.deepEqual(await server.connections.next(), { done: true, value: undefined });
  await client.write(bytes('still here'));
  assert.equal(text(await peer.read()), 'still here');
  await server[Symbol.asyncDispose]();
});

each('ServerSocket.close closes what nobody has asked for', async (world) => {
  const server = await world.tcp.listen();
  const client = await clientOf(world, server);
  const read = client.read();
  // It has been accepted when the loop had its turns.
  for (let turn = 0; turn < 20; turn++) await nextTask();
  await server.close();
  await Promise.allSettled([client.closed, read]);
  assert.equal(client.readyState, 'closed');
});

each('ServerSocket tells of a connection that broke before it was asked for', async (world) => {
  const server = await world.tcp.listen();
  const client = await clientOf(world, server);
  for (let turn = 0; turn < 20; turn++) await nextTask();
  await client.closeImmediately();
  const peer = await nextOf(server);
  await assert.rejects(peer.closed, { name: 'IOError', message: 'NetworkInterruptError: Network' });
});

each('ServerSocket has an address, also when it is closed', async (world) => {
  const server = await world.tcp.listen();
  const { localPort } = server;
  const check = (): void => {
    assert.equal(server.localAddress, '0.0.0.0');
    assert.equal(server.localPort, localPort);
    assert.deepEqual(server.address(), { address: '0.0.0.0', port: localPort });
  };
  check();
  await server.closeImmediately();
  check();
});

each('TCPSocket.listen: a port that is left out, null, 0 or -1 is a free one', async (world) => {
  for (const port of [undefined, null, 0, -1]) {
    const server = await world.tcp.listen({ port, backlog: -1 });
    assert.ok(server.localPort > 0);
    await server.close();
  }
});

each('TCPSocket.listen on a port that is taken rejects with its code', async (world) => {
  const server = await world.tcp.listen({ host: '127.0.0.1' });
  const taken = { name: 'IOError', message: 'NetworkError: Network', code: 'EADDRINUSE' };
  await assert.rejects(world.tcp.listen({ host: '127.0.0.1', port: server.localPort }), taken);
});

each('TCPSocket.listen and connect refuse what is no option, as rejections', async ({ tcp }) => {
  const wrong = [null, 5, 'x', { port: '80' }, { port: 65_536 }, { port: -2 }, { port: 1.5 }, { port: NaN }];
  const none = [{ host: '' }, { host: 5 }, { backlog: 0 }, { backlog: 'x' }, { useSecureTransport: 1 }];
  for (const options of [...wrong.slice(1), ...none])
    await assert.rejects(tcp.listen(options as never), TypeError, JSON.stringify(options));
  for (const options of [
    ...wrong,
    {},
    { host: 'a' },
    { host: 'a', port: 0 },
    { host: '', port: 1 },
    { port: 1 },
  ])
    await assert.rejects(tcp.connect(options as never), TypeError, JSON.stringify(options));
  for (const more of [{ timeout: 'x' }, { signal: 5 }, { tls: 5 }, { tls: { ca: 5 } }, { awaitOpen: 1 }])
    await assert.rejects(tcp.connect({ host: '127.0.0.1', port: 1, ...more } as never), TypeError);
  await assert.rejects(tcp.listen({ useSecureTransport: true }), /needs a certificate/);
  const other = { host: '127.0.0.1', port: 0, somethingElse: true };
  await (await tcp.listen(other)).close();
});

/** A listener that does nothing by itself. */
function stubListener(): { listener: Listener; sink: () => ListenerSink } {
  let started: ListenerSink | undefined;
  const stub = {
    local: { family: 'ipv4', host: '127.0.0.1', port: 1 },
    start: (sink: ListenerSink) => (started = sink),
  };
  const sink = (): ListenerSink => {
    assert.ok(started !== undefined);
    return started;
  };
  return { listener: stub as unknown as Listener, sink };
}

test('ServerSocket that the system closes: one next and closed reject, then it is over', async () => {
  for (const waits of [0, 1, 3]) {
    const { listener, sink } = stubListener();
    const server = ServerSocket.listen({
      host: {} as TcpSocketHost,
      open: new Set(),
      listener,
      backlog: 1,
      ssl: false,
    });
    const waiting = Array.from({ length: waits }, () => server.connections.next());
    const outcomes = Promise.allSettled(waiting);
    sink().close(new SystemError('EBADF', { op: 'accept' }));
    const failed = { name: 'IOError', message: 'NetworkError: Network', code: 'EBADF' };
    await assert.rejects(server.closed, failed);
    const [first, ...others] = await outcomes;
    if (first === undefined) await assert.rejects(server.connections.next(), failed);
    else assert.equal(first.status, 'rejected');
    for (const other of others)
      assert.deepEqual(other, { status: 'fulfilled', value: { done: true, value: undefined } });
    assert.deepEqual(await server.connections.next(), { done: true, value: undefined });
  }
});

each(
  'ServerSocket that somebody else closed: the end of the program closes what nobody asked for',
  async (world) => {
    const server = await world.tcp.listen();
    const client = await clientOf(world, server);
    for (const { id, kind } of world.provider.sockets()) if (kind === 'listener') world.provider.abort(id);
    await server.closed;
    await world.host.close();
    await client.closed;
    await nextTask();
    assert.deepEqual([...world.provider.sockets()], []);
  },
);
