import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import test from 'node:test';
import * as numbers from './constants.ts';
import { error } from './module.ts';
import { addrinfo, nameinfo, sockaddr } from './resolve.ts';
import { checkLeaks, must } from './test-kit.ts';

checkLeaks();

const { AF_INET, AF_INET6, AF_UNIX, AI_NUMERICHOST, NI_NUMERICHOST, NI_NUMERICSERV } = numbers;
const { SOCK_DGRAM, SOCK_RAW, SOCK_STREAM } = numbers;

test('addrinfo gives a row for each type of socket, its members in order', () => {
  const rows = must(addrinfo('127.0.0.1', 80));
  assert.deepEqual(
    rows.map(({ socktype, protocol }) => [socktype, protocol]),
    [
      [SOCK_STREAM, numbers.IPPROTO_TCP],
      [SOCK_DGRAM, numbers.IPPROTO_UDP],
      [SOCK_RAW, numbers.IPPROTO_IP],
    ],
  );
  assert.equal(
    String(rows[0]),
    '{ "flags": 0, "family": 2, "socktype": 1, "protocol": 6, "addr": { "family": 2, "address": "127.0.0.1", "port": 80 }, "canonname": null }',
  );
});

test('addrinfo takes brackets, services of every kind, and hints loosely', () => {
  const one = (...args: Parameters<typeof addrinfo>): unknown => {
    const rows = must(addrinfo(...args));
    assert.equal(rows.length, 1);
    return rows[0]?.addr;
  };
  const streams = { socktype: String(SOCK_STREAM) as never, flags: AI_NUMERICHOST, unknown: 'x' };
  const six = { family: AF_INET6, address: '::1', flowinfo: 0 };
  assert.deepEqual(one('[::1]', '80', streams), { ...six, port: 80 });
  assert.deepEqual(one(Buffer.from('::1'), 80, streams), { ...six, port: 80 });
  assert.deepEqual(one('::1', null, streams), { ...six, port: 0 });
  assert.deepEqual(one('::1', '', streams), { ...six, port: 0 });
  assert.deepEqual(one('::1', '080', streams), { ...six, port: 80 });
  assert.deepEqual(one('::1', 'http', streams), { ...six, port: 80 });
  assert.deepEqual(one('::1', Buffer.from('81'), streams), { ...six, port: 81 });
});

test('addrinfo fails with the numbers of the resolver', () => {
  const rows: readonly (readonly [host: string, hints: object, code: number])[] = [
    ['no address', {}, numbers.EAI_NONAME],
    ['', {}, numbers.EAI_NONAME],
    ['x'.repeat(300), {}, numbers.EAI_NONAME],
    ['noaddress', { flags: AI_NUMERICHOST }, numbers.EAI_NONAME],
    ['127.0.0.1', { flags: 0x10000 }, numbers.EAI_BADFLAGS],
    ['127.0.0.1', { family: 99 }, numbers.EAI_FAMILY],
    ['127.0.0.1', { socktype: 99 }, numbers.EAI_SOCKTYPE],
    ['127.0.0.1', { family: AF_INET6 }, numbers.EAI_ADDRFAMILY],
  ];
  for (const [host, hints, code] of rows) {
    assert.equal(addrinfo(host, 80, hints), null);
    assert.equal(error(true), code, host);
  }
});

test('nameinfo names hosts and services, or not', () => {
  assert.deepEqual(nameinfo('127.0.0.1:80', NI_NUMERICHOST), { hostname: '127.0.0.1', service: 'http' });
  const flags = NI_NUMERICHOST | NI_NUMERICSERV;
  assert.deepEqual(nameinfo('[::1]:80', flags), { hostname: '::1', service: '80' });
  assert.deepEqual(nameinfo([127, 0, 0, 1], flags), { hostname: '127.0.0.1', service: '0' });
  assert.deepEqual(nameinfo({ path: '/x' }), { hostname: hostname(), service: '/x' });
  assert.deepEqual(nameinfo('/x', NI_NUMERICHOST), { hostname: 'localhost', service: '/x' });
  assert.equal(String(nameinfo('127.0.0.1:80', flags)), '{ "hostname": "127.0.0.1", "service": "80" }');
});

test('sockaddr brings addresses into one form', () => {
  assert.deepEqual(sockaddr('[2001:DB8::1]:443'), {
    family: AF_INET6,
    address: '2001:db8::1',
    port: 443,
    flowinfo: 0,
  });
  assert.deepEqual(sockaddr({ port: '5' }), { family: AF_INET, address: '0.0.0.0', port: 5 });
  assert.deepEqual(sockaddr('/x'), { family: AF_UNIX, path: '/x' });
  assert.equal(sockaddr('localhost'), null);
  assert.equal(error(), 'Unable to parse IP address: Invalid argument');
});
