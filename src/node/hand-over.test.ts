/** Connections as streams of Node, and in the hands of Node's servers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, Socket as NetSocket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import test from 'node:test';
import { createPortside } from '../doors/portside.ts';
import { MemoryNetwork } from '../testing/memory-network.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { runProgram } from '../testing/node/peer.ts';
import { tempPath } from '../testing/node/temp-path.ts';
import { handToServer } from './hand-over.ts';
import type { Pair } from './test-kit.ts';
import { pair, text, world } from './test-kit.ts';
import { toDuplex } from './to-duplex.ts';

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  response.end(`${request.method ?? ''} ${request.url ?? ''}`);
};
const REQUEST = 'GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

async function readAll({ client }: Pick<Pair, 'client'>): Promise<string> {
  let all = '';
  for await (const chunk of client) all += text(chunk) ?? '';
  return all;
}

test('toDuplex reads what was read ahead first, and pipes to the end', async (t) => {
  const { client, peer } = await pair(world(t));
  await client.write('one two');
  assert.equal(text(await peer.readExactly(4)), 'one ');
  const duplex = toDuplex(peer);
  const echoed = pipeline(duplex, duplex);
  await client.write(' three');
  await client.closeWrite();
  assert.equal(await readAll({ client }), 'two three');
  await echoed;
  await assert.rejects(peer.read(), { code: 'ERR_SOCKET_CLOSED' });
});

test('toDuplex after the end was read still writes, and closes without an error', async (t) => {
  const { client, peer } = await pair(world(t));
  await client.closeWrite();
  assert.equal(await peer.read(), null);
  const duplex = toDuplex(peer);
  duplex.resume();
  const closed = once(duplex, 'close');
  duplex.end('answer');
  assert.equal(await readAll({ client }), 'answer');
  await closed;
  assert.equal(duplex.errored, null);
});

test('toDuplex takes a stream of a provider too, and refuses what is none', async (t) => {
  const context = world(t);
  const listener = await context.provider.listen({ path: tempPath() });
  const stream = await context.provider.connect({ path: (listener.local as { path: string }).path });
  toDuplex(stream).destroy();
  for (const value of [null, 1, 'x']) assert.throws(() => toDuplex(value as never), TypeError);
});

test('toDuplex refuses while a read waits, and the connection is as it was', async (t) => {
  const { client, peer } = await pair(world(t));
  const waiting = peer.read();
  assert.throws(() => toDuplex(peer), { code: 'ERR_SOCKET_BUSY' });
  await client.write('still read');
  assert.equal(text(await waiting), 'still read');
});

for (const kind of ['TCP', 'Unix'] as const)
  test(`handToServer gives an http.Server a true net.Socket of a ${kind} connection, and nothing is lost`, async (t) => {
    const context = world(t);
    const { client, peer } = await pair(context, kind === 'Unix' ? `unix:${tempPath()}` : undefined);
    const http = createHttpServer(echo);
    await client.write(REQUEST.slice(0, 10));
    const peeked = await peer.readExactly(3);
    assert.equal(text(peeked), 'GET');
    peer.unread(peeked);
    const given = await handToServer(context, peer, http);
    assert.ok(given instanceof NetSocket);
    await client.write(REQUEST.slice(10));
    assert.match(await readAll({ client }), /^HTTP\/1\.1 200 OK\r\n[^]*GET \/hello$/);
    assert.equal(context.front.sockets().length, 2, 'the server and the client');
  });

test('handToServer hands what was written before it to the kernel first', async (t) => {
  const context = world(t);
  const { client, peer } = await pair(context);
  const server = createServer((socket) => socket.resume().end('from node'));
  await peer.write('from portside, ');
  const closed = once(await handToServer(context, peer, server), 'close');
  assert.equal(await readAll({ client }), 'from portside, from node');
  await client.close();
  await closed;
});

test('handToServer keeps the time limits of http: an idle connection is closed', async (t) => {
  const context = world(t);
  const { client, peer } = await pair(context);
  const http = createHttpServer({ keepAliveTimeout: 1 }, echo);
  await handToServer(context, peer, http);
  await client.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await readAll({ client }), /Connection: keep-alive[^]*GET \/1$/);
});

test('handToServer serves curl by way of a server of ours', async (t) => {
  const context = world(t);
  const http = createHttpServer(echo);
  const server = await context.front.listen();
  const serving = server.serve((connection) => handToServer(context, connection, http).then(() => undefined));
  const { local } = server;
  assert.ok(local.family !== 'unix');
  const url = `http://127.0.0.1:${String(local.port)}/a`;
  const { stdout, status } = await runProgram('curl', ['-s', url, url]);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: 'GET /aGET /a' });
  await server.close();
  await serving;
  http.closeAllConnections();
});

test('handToServer gives a server a Duplex where there is no descriptor', async (t) => {
  const provider = memoryProvider({ network: new MemoryNetwork() });
  const front = createPortside({ provider });
  t.after(() => provider.close());
  const context = { front, provider };
  const server = await front.listen();
  const [client, peer] = await Promise.all([front.connect({ to: server.local }), server.accept()]);
  await client.write(REQUEST);
  const given = await handToServer(context, peer, createHttpServer(echo));
  assert.ok(!(given instanceof NetSocket));
  assert.match(await readAll({ client }), /GET \/hello$/);
});

test('handToServer refuses what is no server, and leaves the connection as it was', async (t) => {
  const context = world(t);
  const { client, peer } = await pair(context);
  for (const server of [null, {}, 5])
    await assert.rejects(handToServer(context, peer, server as never), TypeError);
  await client.write('still');
  assert.equal(text(await peer.read()), 'still');
});

test('handToServer rejects for a connection that has broken, and leaves nothing open', async (t) => {
  const context = world(t);
  const { client, peer } = await pair(context);
  await peer.write('x');
  assert.equal(text(await client.read()), 'x');
  await client.write('unread');
  client.abort();
  await assert.rejects(async () => {
    for (;;) await peer.write('y');
  });
  await assert.rejects(handToServer(context, peer, createHttpServer(echo)));
});
