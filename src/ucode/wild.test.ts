/** How programs use ucode's module: the shapes of calls that were found in public code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { tempPath } from '../testing/node/temp-path.ts';
import * as socket from '../doors/ucode.ts';
import type { Socket } from './socket.ts';
import { checkLeaks, must, portOf, using } from './test-kit.ts';

checkLeaks();

test('listen with a family, flags and reuse of addresses, and accept that fills an object (unetmsg)', () => {
  const hints = { family: socket.AF_INET6, socktype: socket.SOCK_STREAM, flags: socket.AI_NUMERICHOST };
  const server = using(socket.listen('::1', 0, hints, null, true));
  assert.equal(server.getopt(socket.SOL_SOCKET, socket.SO_REUSEADDR), true);
  const name = must(server.sockname());
  const client = using(socket.create(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_NONBLOCK));
  // That this is null, with EINPROGRESS, is not looked at.
  client.connect(must(socket.sockaddr({ family: socket.AF_INET6, address: '::1', port: portOf(server) })));
  const addr: { address?: string } = {};
  const peer = using(server.accept(addr));
  assert.equal(addr.address, '::1');
  assert.equal(name.family, socket.AF_INET6);
  assert.equal(peer.setopt(socket.SOL_TCP, socket.TCP_USER_TIMEOUT, 30_000), true);
  assert.equal(peer.getopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 30_000);
});

test('HTTP over a Unix socket, in a loop of recv (docker.uc)', async () => {
  const path = tempPath();
  const body = 'x'.repeat(100_000);
  const source = `
    import { createServer } from 'node:http';
    import { parentPort } from 'node:worker_threads';
    const server = createServer((request, response) => {
      response.end(request.url + ${JSON.stringify(body)});
      server.close();
    });
    server.listen(${JSON.stringify(path)}, () => parentPort.postMessage('listening'));
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  await new Promise((resolve) => worker.once('message', resolve));

  const dest = must(socket.sockaddr(path));
  const sock = using(socket.create(dest.family, socket.SOCK_STREAM));
  must(sock.connect(dest));
  sock.send('GET /info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  let response = '';
  for (let chunk = sock.recv(32776); chunk !== null && chunk.length > 0; chunk = sock.recv(32776))
    response += String(chunk);
  assert.match(response, /^HTTP\/1\.1 200 OK\r\n/);
  assert.ok(response.includes(`/info${'x'.repeat(1000)}`));
  assert.equal(response.split('x').length - 1 >= body.length, true);
  await ended;
});

test('multicast over UDP, with a listen that fails and is not looked at (mesh tools)', () => {
  const s = using(socket.create(socket.AF_INET, socket.SOCK_DGRAM));
  must(s.bind({ port: 0 }));
  const { port } = must(s.sockname());
  must(s.setopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1));
  must(s.setopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, { address: '127.0.0.1' }));
  must(
    s.setopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, { multiaddr: '239.7.7.7', address: '127.0.0.1' }),
  );
  must(s.setopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1));
  s.listen();
  assert.equal(must(socket.poll(0, [s, socket.POLLIN]))[0][1], 0);
  assert.equal(s.send('over the mesh', 0, { address: '239.7.7.7', port: must(port) }), 13);
  const [first] = must(socket.poll(5000, [s, socket.POLLIN]));
  assert.equal(first[1], socket.POLLIN);
  assert.equal(String(must(s.recvmsg(65535)).data), 'over the mesh');
  assert.equal(s.setopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0), true);
  assert.equal(s.getopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP), false);
});

test('a misspelt constant is undefined, and takes the default (a websocket server)', () => {
  const constants: Readonly<Partial<Record<string, number>>> = { ...socket } as never;
  const server = using(socket.create(socket.AF_INET, constants['SOCK_STRAM']));
  assert.equal(server.getopt(socket.SOL_SOCKET, socket.SO_TYPE), socket.SOCK_STREAM);
  must(server.bind({ address: '127.0.0.1', port: 0 }));
  must(server.listen());
  const client = using(socket.connect('127.0.0.1', portOf(server)));
  const peer = using(server.accept());
  // Sockets are keys of objects, by their text.
  const state: Record<string, string> = {};
  state[String(peer)] = 'greeted';
  assert.deepEqual(state, { [`<socket 0x${peer.fileno().toString(16)}>`]: 'greeted' });
  assert.equal(client.send('x'), 1);
});

test('addrinfo, a connection that does not wait, and SO_ERROR (probes)', () => {
  const server = using(socket.listen('127.0.0.1', 0));
  const host = '127.0.0.1';
  const rows = must(socket.addrinfo(host, String(portOf(server)), { socktype: socket.SOCK_STREAM }));
  assert.equal(rows.length, 1);
  const [info] = rows;
  assert.ok(info !== undefined);
  assert.deepEqual(Object.keys(info), ['flags', 'family', 'socktype', 'protocol', 'addr', 'canonname']);
  const sock = using(socket.create(info.family, info.socktype | socket.SOCK_NONBLOCK, info.protocol));
  assert.equal(sock.connect(info.addr), null);
  assert.equal(sock.error(true), socket.EINPROGRESS);
  must(socket.poll(5000, [sock, socket.POLLOUT]));
  assert.equal(sock.getopt(socket.SOL_SOCKET, socket.SO_ERROR), 0);
});

test('connected UDP, poll and recv of a datagram (DNS, IPFIX)', () => {
  const server = using(socket.listen('127.0.0.1', 0, { socktype: socket.SOCK_DGRAM }));
  const client = using(socket.connect('127.0.0.1', portOf(server), { socktype: socket.SOCK_DGRAM }, 1000));
  client.send('question');
  const from = {};
  assert.equal(String(server.recv(1500, 0, from)), 'question');
  server.send('answer', 0, from);
  must(socket.poll(5000, client));
  assert.equal(String(client.recv(1500)), 'answer');
});

test('connect to a path with a time limit, limits of receiving, and a loop of send (local RPC)', () => {
  const path = tempPath();
  const server = using(socket.listen({ path }, null, { socktype: socket.SOCK_STREAM }));
  const client = using(socket.connect({ path }, null, null, 3000));
  for (const option of [socket.SO_RCVTIMEO, socket.SO_SNDTIMEO]) {
    must(client.setopt(socket.SOL_SOCKET, option, { sec: 2, usec: 500_000 }));
    assert.deepEqual(client.getopt(socket.SOL_SOCKET, option), { sec: 2, usec: 500_000 });
  }
  const message = '{"method":"ping"}\n';
  for (let at = 0; at < message.length;) {
    const sent = client.send(message.slice(at));
    if (sent === null) assert.fail(String(client.error()));
    at += sent;
  }
  assert.equal(String(using(server.accept()).recv(4096)), message);
});

test("listen on a port of the system's choice (test servers)", () => {
  const server = using(socket.listen('127.0.0.1', 0, null, 64));
  const port = must(server.sockname()).port;
  assert.ok(port > 0);
  using(socket.connect('127.0.0.1', port));
});

test('poll with state as what follows the flags (event loops)', () => {
  const server = using(socket.listen('127.0.0.1', 0));
  interface State {
    readonly kind: 'server' | 'client';
    received: string;
  }
  const specs: [Socket, number, State][] = [[server, socket.POLLIN, { kind: 'server', received: '' }]];
  const client = using(socket.connect('127.0.0.1', portOf(server)));
  client.send('one message');
  client.shutdown(socket.SHUT_WR);
  const seen: string[] = [];
  for (let isOver = false; !isOver;) {
    for (const [sock, revents, state] of must(socket.poll(5000, ...specs))) {
      if ((revents & socket.POLLIN) === 0) continue;
      if (state.kind === 'server') {
        specs.push([using(sock.accept()), socket.POLLIN, { kind: 'client', received: '' }]);
      } else {
        const data = must(sock.recv(4));
        state.received += String(data);
        isOver = data.length === 0;
        if (isOver) seen.push(state.received);
      }
    }
  }
  assert.deepEqual(seen, ['one message']);
  assert.deepEqual(
    specs.map(([, flags]) => flags),
    [socket.POLLIN, socket.POLLIN],
  );
});

test('sockets of packets, bound to an interface (ARP tools)', (t) => {
  const made = socket.create(socket.AF_PACKET, socket.SOCK_RAW, 0x0300);
  if (made === null) {
    assert.equal(socket.error(true), socket.EPERM);
    t.skip('no right to make packet sockets');
    return;
  }
  const sock = using(made);
  assert.equal(
    sock.bind({ family: socket.AF_PACKET, protocol: socket.ETH_P_ALL, interface: 'lo', address: '' }),
    true,
  );
  assert.deepEqual(sock.sockname(), {
    family: socket.AF_PACKET,
    protocol: socket.ETH_P_ALL,
    interface: 'lo',
    hardware_type: socket.ARPHRD_LOOPBACK,
    packet_type: socket.PACKET_HOST,
    address: '00:00:00:00:00:00',
  });
  const udp = using(socket.connect('127.0.0.1', 9, { socktype: socket.SOCK_DGRAM }));
  udp.send('on the wire');
  for (;;) {
    const { data, address } = must(sock.recvmsg(2000));
    if (!String(data).endsWith('on the wire')) continue;
    assert.equal(must(address).interface, 'lo');
    break;
  }
});

test('hop limits for router advertisements, and a device to be bound to', () => {
  const sock = using(socket.create(socket.AF_INET6, socket.SOCK_DGRAM));
  must(sock.setopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255));
  assert.equal(sock.getopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS), 255);
  must(sock.setopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, 'lo'));
  assert.equal(sock.getopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF), 'lo');
  must(sock.setopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 'lo'));
  must(
    sock.setopt(socket.IPPROTO_IPV6, socket.IPV6_ADD_MEMBERSHIP, { multiaddr: 'ff02::99', interface: 'lo' }),
  );
  assert.match(readFileSync('/proc/self/net/igmp6', 'utf8'), /ff020000000000000000000000000099/);
});
