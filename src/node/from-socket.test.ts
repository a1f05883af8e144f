/** Sockets of Node's that become connections: nothing is lost, and the old owner has no say any more (F54). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import test from 'node:test';
import { fromSocket } from './from-socket.ts';
import { bytes, text, world } from './test-kit.ts';

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
  assert.throws(() => fromSocket(context, fresh), { code: 'ERR_UNSUPPORTED' });
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
