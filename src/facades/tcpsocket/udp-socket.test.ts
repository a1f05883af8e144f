import assert from 'node:assert/strict';
import test from 'node:test';
import type { UdpMessage, UdpSocket } from '../../doors/tcpsocket.ts';
import { createBrowserHost } from '../../doors/tcpsocket.ts';
import { memoryProvider } from '../../testing/memory-provider.ts';
import { bytes, each, nextTask, received, text } from './test-kit.ts';
import { MAX_WAITING } from './udp-messages.ts';

const CLOSED = { name: 'IOError', message: 'Socket is closed', code: 'ERR_SOCKET_CLOSED' };
const DENIED = { name: 'IOError', message: 'permission denied', code: 'ERR_PERMISSION_DENIED' };
const OVER = { done: true, value: undefined };

async function nextFrom(socket: UdpSocket): Promise<UdpMessage> {
  const { done, value } = await socket.messages().next();
  assert.ok(done !== true);
  return value;
}

/** @see libdweb, test/udp/test.js */
each('UDPSocket has create and the names of families', ({ udp }) => {
  assert.equal(typeof udp.create, 'function');
  assert.deepEqual([udp.FAMILY_INET, udp.FAMILY_INET6, udp.FAMILY_LOCAL], [1, 2, 3]);
  return Promise.resolve();
});

each('UDPSocket exchanges datagrams, and leaving the loop closes', async ({ udp }) => {
  const server = await udp.create({ port: -1 });
  const { address, port, family } = server.address;
  assert.equal(address, '127.0.0.1');
  assert.equal(server.address.host, address);
  assert.ok(port > 0);
  assert.equal(family, udp.FAMILY_INET);
  const serve = async (): Promise<void> => {
    for await (const [data, from] of server.messages()) {
      assert.ok(data instanceof ArrayBuffer);
      assert.equal(text(data), 'ping');
      assert.equal(typeof from.port, 'number');
      assert.equal(from.address, '127.0.0.1');
      assert.equal(from.family, udp.FAMILY_INET);
      break;
    }
  };
  const served = serve();
  const client = await udp.create();
  assert.equal(await client.send(address, port, bytes('ping')), 4);
  await served;
  await server.close();
  await server.closed;
  assert.deepEqual(await server.messages().next(), OVER);
  await assert.rejects(server.send(address, port, bytes('x')), CLOSED);
  await client.close();
  await client.close();
  await client[Symbol.asyncDispose]();
});

each('UDPSocket in the older style, in which functions take the socket first', async ({ udp, kind }) => {
  const [a, b] = await Promise.all([udp.create(), udp.create({ loopbackOnly: true, addressReuse: false })]);
  const messages = udp.messages(b);
  assert.equal(messages, b.messages());
  assert.equal(await udp.send(a, b.address.host, b.address.port, bytes('abcdef'), 3), 3);
  const { value } = await messages.next();
  assert.ok(value !== undefined);
  assert.equal(text(value.data), 'abc');
  assert.equal(value.data, value[0]);
  assert.equal(value.from, value[1]);
  assert.equal(value.from.host, '127.0.0.1');
  assert.equal(value.from.port, a.address.port);
  await udp.setMulticastLoopback(a, true);
  const setting = udp.setMulticastInterface(a, '127.0.0.1');
  // Node does not tell the numbers of interfaces.
  if (kind === 'portable') await assert.rejects(setting, { name: 'IOError', code: 'ERR_UNSUPPORTED' });
  else await setting;
  await Promise.all([udp.close(a), udp.close(b)]);
  await assert.rejects(udp.setMulticastLoopback(a, true), CLOSED);
});

each('UDPSocket.create: loopback alone unless told otherwise, and host before that', async ({ udp }) => {
  /* prettier-ignore */
  const cases = [
    [undefined,                                   '127.0.0.1'],
    [{},                                          '127.0.0.1'],
    [{ loopbackOnly: true },                      '127.0.0.1'],
    [{ loopbackOnly: false },                     '0.0.0.0'],
    [{ host: '0.0.0.0', loopbackOnly: true },     '0.0.0.0'],
    [{ host: '127.0.0.1', loopbackOnly: false },  '127.0.0.1'],
  ] as const;
  for (const [options, address] of cases) {
    const socket = await udp.create(options);
    assert.equal(socket.address.address, address, JSON.stringify(options));
    await socket.closeImmediately();
  }
});

each('UDPSocket.create: addressReuse lets two sockets share an address', async ({ udp }) => {
  const first = await udp.create();
  const { port } = first.address;
  const second = await udp.create({ port });
  assert.equal(second.address.port, port);
  await Promise.all([first.close(), second.close()]);
  const alone = await udp.create({ addressReuse: false });
  const again = udp.create({ port: alone.address.port, addressReuse: false });
  await assert.rejects(again, { name: 'IOError', code: 'EADDRINUSE' });
});

each('UDPSocket.send: sizes, an empty datagram, and what is none', async ({ udp }) => {
  const [a, b] = await Promise.all([udp.create(), udp.create()]);
  const to = [b.address.address, b.address.port] as const;
  b.messages();
  const data = bytes('0123456789');
  for (const [sent, size, expected] of [
    [data, undefined, '0123456789'],
    [data, 0, '0123456789'],
    [data, 4, '0123'],
    [data.subarray(5), 2, '56'],
    [data.buffer, 10, '0123456789'],
    [new Uint8Array(0), undefined, ''],
  ] as const) {
    assert.equal(await a.send(...to, sent, size), expected.length);
    assert.equal(text((await nextFrom(b)).data), expected);
  }
  await assert.rejects(a.send(...to, data, 11), RangeError);
  await assert.rejects(a.send(...to, 'text' as never), TypeError);
  await assert.rejects(a.send('localhost', to[1], data), /names are not looked up/);
  await assert.rejects(a.send(to[0], 0, data), TypeError);
  await assert.rejects(a.send(to[0], 65_536, data), TypeError);
  await assert.rejects(a.send(...to, new Uint8Array(70_000)), { name: 'IOError', code: 'EMSGSIZE' });
  assert.equal(await a.send(...to, data, 1), 1, 'and it goes on');
});

each('UDPSocket.create refuses what is no option, as a rejection', async ({ udp }) => {
  const wrong = [5, { port: 65_536 }, { port: '1' }, { host: '' }, { host: 5 }, { loopbackOnly: 'no' }];
  for (const options of [...wrong, { addressReuse: 1 }])
    await assert.rejects(udp.create(options as never), TypeError, JSON.stringify(options));
});

each('UDPSocket.messages keeps a bounded number, and counts what it drops', async (world) => {
  const { udp } = world;
  const [a, b] = await Promise.all([udp.create(), udp.create()]);
  b.messages();
  const more = 10;
  // One by one, so that none is lost on its way.
  for (let i = 1; i <= MAX_WAITING.count + more; i++) {
    await a.send(b.address.address, b.address.port, bytes('x'));
    while (received(world, b.address.port) < i) await nextTask();
  }
  await nextTask();
  assert.equal(b.dropped, more);
  for (let i = 0; i < MAX_WAITING.count; i++) await nextFrom(b);
  await a.send(b.address.address, b.address.port, bytes('next'));
  assert.equal(text((await nextFrom(b)).data), 'next');
  assert.equal(b.dropped, more);
});

each('UDPSocket.messages keeps a bounded number of bytes', async (world) => {
  const { udp } = world;
  const [a, b] = await Promise.all([udp.create(), udp.create()]);
  b.messages();
  const size = 60_000;
  const fits = Math.floor(MAX_WAITING.bytes / size);
  for (let i = 1; i <= fits + 3; i++) {
    await a.send(b.address.address, b.address.port, new Uint8Array(size));
    while (received(world, b.address.port) < i * size) await nextTask();
  }
  await nextTask();
  assert.equal(b.dropped, 3);
});

each('UDPSocket.messages: several next, and a close while they wait', async ({ udp }) => {
  const socket = await udp.create();
  const waiting = [socket.messages().next(), socket.messages().next()];
  await socket.close();
  for (const next of waiting) assert.deepEqual(await next, OVER);
  assert.deepEqual(await socket.messages().next(), OVER);
  const never = await udp.create();
  await never.close();
  assert.deepEqual(await never.messages().next(), OVER);
});

each(
  'UDPSocket.joinMulticast hears the group until leaveMulticast',
  async ({ udp }) => {
    const group = '239.1.2.3';
    const member = await udp.create({ host: '0.0.0.0' });
    const sender = await udp.create({ host: '0.0.0.0' });
    await member.joinMulticast(group, '127.0.0.1');
    await sender.setMulticastInterface('127.0.0.1');
    await sender.setMulticastLoopback(true);
    member.messages();
    await sender.send(group, member.address.port, bytes('to all'));
    const [data, from] = await nextFrom(member);
    assert.equal(text(data), 'to all');
    assert.equal(from.port, sender.address.port);
    await assert.rejects(member.joinMulticast(group, '127.0.0.1'), { name: 'IOError', code: 'EADDRINUSE' });
    await udp.dropMembership(member, group, '127.0.0.1');
    await assert.rejects(member.leaveMulticast(group, '127.0.0.1'), { name: 'IOError' });
    await udp.addMembership(member, group, '127.0.0.1');
    await assert.rejects(member.joinMulticast('not a group'), TypeError);
    await assert.rejects(member.joinMulticast('127.0.0.1', '127.0.0.1'), Error);
    await assert.rejects(sender.setMulticastInterface('192.0.2.77'), /no interface of this machine/);
  },
  // Only by its number can the loopback interface be sent by.
  { needs: ['multicast', 'datagram-meta'] },
);

each(
  'UDPSocket over IPv6, with brackets and without',
  async ({ udp }) => {
    const [a, b] = await Promise.all([udp.create({ host: '::1' }), udp.create({ host: '[::1]' })]);
    assert.equal(b.address.address, '::1');
    assert.equal(b.address.family, udp.FAMILY_INET6);
    b.messages();
    for (const host of ['::1', '[::1]']) {
      await a.send(host, b.address.port, bytes(host));
      const { data, from } = await nextFrom(b);
      assert.equal(text(data), host);
      assert.equal(from.family, udp.FAMILY_INET6);
    }
  },
  { needs: ['ipv6'] },
);

each('UDPSocket cannot be constructed', async ({ udp }) => {
  const socket = await udp.create();
  const made = socket.constructor as new () => unknown;
  assert.throws(() => new made(), { name: 'TypeError', message: 'Illegal constructor' });
});

test('UDPSocket: every destination, port and group needs its permission', async (t) => {
  const provider = memoryProvider();
  const permissions = ['udp-bind:5000', 'udp-send-to:127.0.0.1:*', 'udp-send-to:192.0.2.1:7'];
  const host = createBrowserHost({ manifest: { permissions }, provider });
  t.after(async () => {
    await host.close();
    await provider.close();
  });
  const udp = host.browser.UDPSocket;
  assert.ok(udp !== undefined);
  await assert.rejects(udp.create(), { ...DENIED, permission: 'udp-bind:*' });
  await assert.rejects(udp.create({ port: 5001 }), { ...DENIED, permission: 'udp-bind:5001' });
  const socket = await udp.create({ port: 5000 });
  const x = bytes('x');
  assert.equal(await socket.send('127.0.0.1', 5000, x), 1);
  await assert.rejects(socket.send('192.0.2.1', 8, x), { ...DENIED, permission: 'udp-send-to:192.0.2.1:8' });
  await assert.rejects(socket.send('192.0.2.2', 7, x), DENIED);
  await assert.rejects(socket.joinMulticast('239.1.2.3'), {
    ...DENIED,
    permission: 'udp-multicast-membership:239.1.2.3',
  });
  assert.equal(await socket.send('127.0.0.1', 5000, x), 1, 'and it goes on');
});
