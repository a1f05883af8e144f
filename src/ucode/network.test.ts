/** What needs a network of its own: names with several addresses, and a network with somebody to send to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { inOwnNetwork } from '../testing/node/own-network.ts';
import { connect, listen } from './connect.ts';
import * as numbers from './constants.ts';
import { create, error } from './module.ts';
import { addrinfo } from './resolve.ts';
import { checkLeaks, must, portOf, using } from './test-kit.ts';

const { AF_INET, IPPROTO_TCP, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_BROADCAST } = numbers;

const SETUP = `
mount -t tmpfs none /mnt
echo '127.0.0.1 localhost' > /mnt/hosts
echo '::1 both' >> /mnt/hosts
echo '127.0.0.1 both' >> /mnt/hosts
echo '10.9.0.99 slow' >> /mnt/hosts
echo '127.0.0.1 slow' >> /mnt/hosts
echo 'hosts: files' > /mnt/nsswitch.conf
for name in hosts nsswitch.conf; do mount --bind /mnt/$name /etc/$name; done
ip link add wire type veth peer name other
ip link set other up
ip address add 10.9.0.1/24 dev wire
ip link set wire up
ip route add default dev wire
ip neigh add 10.9.0.99 lladdr 02:00:00:00:00:99 dev wire nud permanent
`;

if (inOwnNetwork(import.meta.url, SETUP)) {
  checkLeaks();

  const streams = { socktype: SOCK_STREAM };

  test('connect goes on when the first address refuses (defect 8)', () => {
    assert.deepEqual(
      addrinfo('both', null, streams)?.map(({ addr }) => addr.address),
      ['::1', '127.0.0.1'],
    );
    const server = using(listen('127.0.0.1', 0));
    const client = using(connect('both', portOf(server)));
    assert.equal(error(), null);
    assert.equal(must(client.peername()).address, '127.0.0.1');
    assert.equal(must(using(server.accept()).peername()).family, AF_INET);
  });

  test('connect does not wait for an address that does not answer', () => {
    const server = using(listen('127.0.0.1', 0));
    const client = using(connect('slow', portOf(server)));
    assert.equal(must(client.peername()).address, '127.0.0.1');
  });

  test('connect tells the error of the attempt that failed last', () => {
    const server = using(listen('127.0.0.1', 0));
    const port = portOf(server);
    server.close();
    assert.equal(connect('both', port), null);
    assert.equal(error(), 'connect(): Connection refused');
  });

  test('connect gives up when its time is up', () => {
    const began = performance.now();
    assert.equal(connect('slow', 1, null, 50), null);
    assert.deepEqual([error(true), error()], [numbers.ETIMEDOUT, 'connect(): Connection timed out']);
    assert.ok(performance.now() - began >= 45);
    assert.equal(connect('10.9.0.99', 1, null, 0), null);
    assert.equal(error(true), numbers.ETIMEDOUT);
  });

  test('connect without a limit waits as long as the system does', () => {
    const socket = using(create());
    must(socket.setopt(IPPROTO_TCP, numbers.TCP_USER_TIMEOUT, 100));
    assert.equal(socket.connect('10.9.0.99', 1), null);
    assert.deepEqual(
      [socket.error(true), socket.error()],
      [numbers.ETIMEDOUT, 'connect(): Connection timed out'],
    );
  });

  test('listen takes the address that most can reach', () => {
    assert.equal(must(using(listen(null, 0)).sockname()).address, '::');
    assert.equal(must(using(listen('both', 0)).sockname()).address, '::1');
    assert.equal(must(using(listen('localhost', 0)).sockname()).address, '127.0.0.1');
  });

  test('addrinfo tells that there is no such name by a negative number', () => {
    // As the documentation has it.
    assert.equal(addrinfo('doesnotexist.org'), null);
    assert.equal(error(true), -2);
    assert.equal(error(), 'getaddrinfo(): Name or service not known');
    assert.equal(connect('doesnotexist.org', 80), null);
    assert.equal(error(true), numbers.EAI_NONAME);
  });

  test('send sends to everybody, by text and by object, as the documentation has it', () => {
    const receiver = using(create(AF_INET, SOCK_DGRAM));
    must(receiver.bind({ port: 9000 }));
    const udpSock = using(create(AF_INET, SOCK_DGRAM));
    assert.equal(udpSock.send('Hello there!', 0, '255.255.255.255:9000'), 12);
    assert.equal(
      udpSock.send('Hello there!', 0, { family: AF_INET, address: '255.255.255.255', port: 9000 }),
      12,
    );
    assert.equal(udpSock.sendmsg('Hello there!', null, { address: '255.255.255.255', port: 9000 }), 12);
    for (let i = 0; i < 3; i++) assert.equal(String(receiver.recv()), 'Hello there!');
    // The socket is as it was, and other broadcasts are as locked as ever.
    assert.equal(udpSock.getopt(SOL_SOCKET, SO_BROADCAST), false);
    assert.equal(udpSock.send('x', 0, '10.9.0.255:9000'), null);
    assert.equal(udpSock.error(), 'send(): Permission denied');
    must(udpSock.setopt(SOL_SOCKET, SO_BROADCAST, true));
    assert.equal(udpSock.send('x', 0, '10.9.0.255:9000'), 1);
    assert.equal(udpSock.send('x', 0, '255.255.255.255:9000'), 1);
    assert.equal(udpSock.getopt(SOL_SOCKET, SO_BROADCAST), true);
  });

  test('sockaddr and setopt name interfaces that are there', () => {
    const socket = using(create(AF_INET, SOCK_DGRAM));
    must(socket.setopt(SOL_SOCKET, numbers.SO_BINDTODEVICE, 'wire'));
    assert.equal(socket.getopt(SOL_SOCKET, numbers.SO_BINDTODEVICE), 'wire');
    assert.equal(socket.setopt(SOL_SOCKET, numbers.SO_BINDTODEVICE, 'nope'), null);
    assert.equal(socket.error(true), numbers.ENODEV);
  });
}
