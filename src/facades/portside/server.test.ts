import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { BrokenError, ClosedError } from '../../base/errors.ts';
import type { SocketError } from '../../base/errors.ts';
import type { Connection, Portside, Server } from '../../doors/portside.ts';
import { deferred } from '../../testing/deferred.ts';
import { text, world } from './test-kit.ts';

function connectAll(front: Portside, server: Server, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => front.connect({ to: server.local })));
}

/** The server's ends that are open. */
function accepted(front: Portside, server: Server): number {
  const { local } = server;
  const port = 'port' in local ? local.port : 0;
  return front
    .sockets()
    .filter((row) => row.kind === 'stream' && 'port' in row.local && row.local.port === port).length;
}

test('server accepts nothing before it is asked, and then no more than it may ahead', async (t) => {
  const { front, provider } = world(t);
  for (const acceptAhead of [0, 3]) {
    const server = await front.listen({ acceptAhead });
    const clients = await connectAll(front, server, 10);
    await provider.idle();
    assert.equal(accepted(front, server), 0);
    await server.accept();
    await provider.idle();
    assert.equal(accepted(front, server), 1 + acceptAhead);
    for (let i = 1; i < 10; i++) await server.accept();
    assert.equal(accepted(front, server), 10);
    for (const each of clients) each.abort();
    await server.close();
  }
});

test('server answers accepts in the order in which they were made', async (t) => {
  const { front } = world(t);
  const server = await front.listen();
  const accepts = [server.accept(), server.accept(), server.accept()];
  for (const word of ['a', 'b', 'c']) await (await front.connect({ to: server.local })).write(word);
  const words = await Promise.all(accepts.map(async (each) => text(await (await each).read())));
  assert.deepEqual(words, ['a', 'b', 'c']);
});

test('server accept gives up by its signal and its timeout, and loses no connection', async (t) => {
  const { front, clock, provider } = world(t);
  const server = await front.listen({ acceptAhead: 0 });
  const late = assert.rejects(server.accept({ timeout: 20 }), { code: 'ETIMEDOUT', op: 'accept' });
  const controller = new AbortController();
  const aborted = assert.rejects(server.accept({ signal: controller.signal }), /enough/);
  await provider.idle();
  clock.advance(20);
  controller.abort(new Error('enough'));
  await Promise.all([late, aborted]);
  await assert.rejects(server.accept({ signal: controller.signal }), /enough/);
  const client = await front.connect({ to: server.local });
  await client.write('x');
  assert.equal(text(await (await server.accept()).read()), 'x');
});

test('server iteration ends with close, which resets what nobody asked for', async (t) => {
  const { front, provider } = world(t);
  const server = await front.listen({ acceptAhead: 2 });
  const clients = await connectAll(front, server, 4);
  const seen: Connection[] = [];
  for await (const connection of server) {
    seen.push(connection);
    if (seen.length === 1) break;
  }
  await provider.idle();
  assert.equal(accepted(front, server), 3);
  const rest = (async () => {
    for await (const connection of server) {
      seen.push(connection);
      await server.close();
    }
  })();
  await rest;
  assert.equal(seen.length, 2);
  assert.equal(accepted(front, server), 2);
  await assert.rejects(clients[3]?.read() ?? Promise.resolve(), BrokenError);
  await assert.rejects(server.accept(), ClosedError);
  for await (const connection of server) assert.fail(String(connection.id));
  for (const each of [...clients, ...seen]) each.abort();
});

test('server close settles those who wait: accept by an error, iteration by its end', async (t) => {
  const { front } = world(t);
  const server = await front.listen();
  const waiting = assert.rejects(server.accept(), { name: 'ClosedError', op: 'accept' });
  const next = server[Symbol.asyncIterator]().next();
  const closing = server.close();
  assert.equal(server.close(), closing);
  await closing;
  await waiting;
  assert.deepEqual(await next, { done: true, value: undefined });
});

test('server ends with its provider', async (t) => {
  const { front, provider } = world(t);
  const server = await front.listen();
  const waiting = assert.rejects(server.accept(), ClosedError);
  const serving = server.serve(() => undefined);
  await provider.close();
  await Promise.all([waiting, serving]);
});

test('server tells errors that end nothing to onError, in the context of listen (F01)', async (t) => {
  const { front, provider, clock } = world(t);
  const storage = new AsyncLocalStorage<string>();
  const told = deferred<[SocketError, string | undefined]>();
  const onError = (error: SocketError): void => {
    told.resolve([error, storage.getStore()]);
  };
  const server = await storage.run('of listen', () => front.listen({ onError }));
  provider.faults.fail('accept', 'EMFILE');
  const accepting = server.accept();
  const client = await front.connect({ to: server.local });
  const [error, context] = await told.promise;
  assert.deepEqual([error.code, context], ['EMFILE', 'of listen']);
  clock.advance(1000);
  (await accepting).abort();
  client.abort();
});

test('server warns of errors that nobody hears, once for each code (F01)', async (t) => {
  const { front, provider, clock, warnings } = world(t);
  const server = await front.listen();
  provider.faults.fail('accept', 'EMFILE', { times: 3 });
  const accepting = server.accept();
  const client = await front.connect({ to: server.local });
  for (let tries = 0; tries < 3; tries++) {
    await provider.idle();
    clock.advance(1000);
  }
  (await accepting).abort();
  client.abort();
  assert.equal(provider.faults.met, 3);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /^accepting failed: accept tcp .*EMFILE.*; set onError/);
});

test('serve runs a handler for each connection, and closes what it leaves open', async (t) => {
  const { front, network } = world(t);
  const server = await front.listen();
  const serving = server.serve(async (connection) => {
    for await (const line of connection.lines()) await connection.write(`${line}!\n`);
  });
  const clients = await connectAll(front, server, 20);
  await Promise.all(
    clients.map(async (client, i) => {
      await client.write(`${String(i)}\n`);
      await client.closeWrite();
      assert.equal(text(await client.readUntil('\n')), `${String(i)}!\n`);
      assert.equal(await client.read(), null);
      await client.close();
    }),
  );
  await server.close();
  await serving;
  assert.equal(network.openCount, 0);
});

test('serve runs no more handlers at once than it may, and waits for all of them', async (t) => {
  const { front, provider } = world(t);
  const server = await front.listen({ acceptAhead: 0 });
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  const serving = server.serve(
    async () => {
      most = Math.max(most, ++running);
      const gate = deferred<undefined>();
      gates.push(() => {
        gate.resolve(undefined);
      });
      await gate.promise;
      running--;
    },
    { maxConnections: 2 },
  );
  const clients = await connectAll(front, server, 5);
  for (let handled = 0; handled < 5; handled++) {
    await provider.idle();
    assert.equal(running, Math.min(2, 5 - handled));
    gates.shift()?.();
  }
  await provider.idle();
  assert.deepEqual([most, running], [2, 0]);
  await server.close();
  await serving;
  for (const each of clients) each.abort();
});

test('serve ends by its signal: it accepts no more, and waits for its handlers', async (t) => {
  const { front, provider } = world(t);
  const server = await front.listen();
  const controller = new AbortController();
  let isDone = false;
  const serving = server
    .serve(async (connection) => connection.write(await connection.readUntil('\n')), {
      signal: controller.signal,
    })
    .then(() => {
      isDone = true;
    });
  const client = await front.connect({ to: server.local });
  await provider.idle();
  controller.abort();
  await assert.rejects(front.connect({ to: server.local }));
  await provider.idle();
  assert.equal(isDone, false);
  await client.write('late\n');
  assert.equal(text(await client.readUntil('\n')), 'late\n');
  await serving;
  await client.close();
  await server.serve(() => assert.fail('closed'), { signal: controller.signal });
});

test('serve gives handlers a grace, and then aborts their connections', async (t) => {
  const { front, clock, provider } = world(t);
  const server = await front.listen();
  const controller = new AbortController();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => {
    errors.push(error);
  };
  const serving = server.serve((connection) => connection.read(), {
    signal: controller.signal,
    grace: 500,
    onError,
  });
  const client = await front.connect({ to: server.local });
  await provider.idle();
  controller.abort();
  await provider.idle();
  clock.advance(499);
  await provider.idle();
  assert.equal(errors.length, 0);
  clock.advance(1);
  await serving;
  assert.equal((errors[0] as Error).name, 'ClosedError');
  await assert.rejects(client.read(), BrokenError);
});

test('serve aborts the connection of a handler that fails, tells of it, and goes on', async (t) => {
  const { front, warnings } = world(t);
  const server = await front.listen();
  let count = 0;
  const serving = server.serve(async (connection) => {
    count++;
    if (count === 1) throw new Error('a mistake');
    await connection.write('fine');
  });
  const first = await front.connect({ to: server.local });
  await assert.rejects(first.read(), BrokenError);
  const second = await front.connect({ to: server.local });
  assert.equal(text(await second.read()), 'fine');
  assert.match(warnings[0] ?? '', /^a connection handler failed: Error: a mistake\n +at /);
  await Promise.all([server.close(), second.close()]);
  await serving;
});

test('serve treats a handler that throws as one that rejects', async (t) => {
  const { front } = world(t);
  const server = await front.listen();
  const told = deferred<unknown>();
  const serving = server.serve(
    () => {
      throw new TypeError('at once');
    },
    {
      onError: (error, socket) => {
        assert.ok(socket.remote);
        told.resolve(error);
      },
    },
  );
  const client = await front.connect({ to: server.local });
  assert.ok((await told.promise) instanceof TypeError);
  client.abort();
  await server.close();
  await serving;
});

test('serve gives up the close of a connection whose peer takes nothing (F13)', async (t) => {
  const { front, clock, provider } = world(t, { bufferSize: 1000 });
  const server = await front.listen();
  const told = deferred<unknown>();
  const serving = server.serve(
    (connection) => void connection.write(new Uint8Array(100_000)).catch(() => undefined),
    {
      closeTimeout: 100,
      onError: told.resolve,
    },
  );
  const client = await front.connect({ to: server.local });
  await provider.idle();
  clock.advance(100);
  assert.equal(((await told.promise) as SocketError).code, 'ETIMEDOUT');
  await server.close();
  await serving;
  client.abort();
});

test('serve keeps the asynchronous context of its call in handlers', async (t) => {
  const { front } = world(t);
  const storage = new AsyncLocalStorage<string>();
  const server = await storage.run('listen', () => front.listen());
  const seen = deferred<string | undefined>();
  const serving = storage.run('serve', () =>
    server.serve(async (connection) => {
      await connection.read();
      seen.resolve(storage.getStore());
    }),
  );
  const client = await storage.run('client', () => front.connect({ to: server.local }));
  await storage.run('write', () => client.write('x'));
  assert.equal(await seen.promise, 'serve');
  await server.close();
  await serving;
  client.abort();
});

test('serve refuses bad arguments, and the server goes on', async (t) => {
  const { front } = world(t);
  const server = await front.listen();
  await assert.rejects(server.serve(5 as never), TypeError);
  await assert.rejects(
    server.serve(() => undefined, { maxConnections: 0 }),
    RangeError,
  );
  await assert.rejects(
    server.serve(() => undefined, { onError: 'x' as never }),
    TypeError,
  );
  const client = await front.connect({ to: server.local });
  (await server.accept()).abort();
  client.abort();
});

test('server is a socket: options, tag, ref, and disposal', async (t) => {
  const { front, network } = world(t);
  {
    await using server = await front.listen({ on: 'unix:@disposed' });
    server.tag = 'mine';
    server.unref();
    server.ref();
    assert.equal(server.tag, 'mine');
    assert.equal(server.transport, 'unix');
    assert.ok(server.get('receiveBufferSize') > 0);
  }
  assert.equal(network.openCount, 0);
});
