/** The bridges of `portside` over a guarded provider: descriptors are no way around the guard (F71). */
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { localProvider } from '../engine/local-provider.ts';
import * as bridges from '../node/bridges.ts';
import { guard } from '../permissions/guard.ts';
import { allowAll, denyAll } from '../permissions/policy.ts';
import { Socket } from '../posix/socket.ts';
import { leakCheck } from '../testing/node/leak-check.ts';
import { createPortside } from './portside.ts';

// What the process opens once, to wait with, and keeps is no test's leak.
await localProvider().close();

test('guard: bridges take no descriptor in, and hand none out (F71)', async () => {
  const leaks = leakCheck();
  const inner = localProvider();
  const provider = guard(inner, allowAll);
  const front = createPortside({ provider });
  const context = { front, provider };
  const unsupported = { code: 'ERR_UNSUPPORTED' };
  const [near, far] = Socket.pair();
  assert.throws(() => bridges.fromFd(context, near.fd, { ownership: 'borrow' }), unsupported);
  assert.throws(() => bridges.fromFd(context, near.fd, { ownership: 'take' }), unsupported);
  near.send(Uint8Array.of(1));
  assert.deepEqual([...(far.recv(9) ?? [])], [1], 'the descriptors are as they were');
  near.close();
  far.close();

  const server = await front.listen();
  assert.throws(() => bridges.fileDescriptor(context, server), unsupported);
  const connection = await front.connect({ to: server.local });
  assert.throws(() => bridges.fileDescriptor(context, connection), unsupported);
  assert.throws(() => bridges.handleChannel(context, connection), unsupported);
  await provider.close();
  leaks.check();
});

test("guard: a socket of Node's stays Node's, and is not the provider's (F71)", async () => {
  const provider = guard(localProvider(), denyAll);
  const context = { front: createPortside({ provider }), provider };
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  // It is connected already: no permission can make it or unmake it.
  const connection = bridges.fromSocket(context, socket);
  assert.deepEqual([...provider.sockets()], []);
  await connection.write('still here');
  assert.equal(Buffer.from(await connection.readExactly(10)).toString(), 'still here');
  await connection.close();
  server.close();
  await once(server, 'close');
  await provider.close();
});

for (const key of ['adopt', 'detach', 'descriptor', 'faults']) {
  test(`guard: ${key} of the engine cannot be reached through it (F71)`, async () => {
    const inner = localProvider();
    const guarded = guard(inner, allowAll);
    assert.equal(key in inner || key === 'faults', true);
    assert.equal(key in guarded, false);
    await guarded.close();
  });
}
