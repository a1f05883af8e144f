/**
 * The tests: which load, on which servers; and which calls, by which callers.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 */

const RAW = ['portside-engine', 'node-net', 'bun', 'deno', 'cpp-epoll'];
const FACADE = ['portside-chrome', 'node-net-facade', 'bun-facade', 'cpp-epoll'];
const PROMISES = ['portside-tcpsocket', 'node-net-promises', 'node-net', 'cpp-epoll'];
const GUARD = ['portside-guarded', 'portside-engine'];
const MEMORY = ['portside-engine', 'portside-chrome', 'node-net', 'bun', 'cpp-epoll'];
const BULK = ['portside-owned', 'portside-view', 'node-net-bulk', 'bun-stream', 'cpp-stream'];
const LATENCY = ['portside-engine', 'portside-busy', 'node-net', 'bun', 'cpp-epoll'];
const TLS = ['portside-tls', 'node-tls', 'bun-tls', 'cpp-tls'];
const UDP_ECHO = ['portside-udp', 'node-udp', 'bun-udp', 'cpp-udp', 'cpp-udp-one'];
const UDP_FACADE = ['portside-udp-facade', 'node-udp-facade', 'bun-udp-facade', 'cpp-udp'];
const UDP_RECEIVE = ['portside-udp', 'portside-udp-owned', 'node-udp', 'bun-udp', 'cpp-udp', 'cpp-udp-one'];
const UDP_SEND = ['portside-udp', 'node-udp', 'bun-udp', 'cpp-udp', 'cpp-udp-one'];
const PAIR = [
  'portside-socket',
  'portside-recv',
  'portside-native',
  'portside-bytes',
  'cpython-into',
  'cpython-recv',
  'koffi',
  'node-ffi',
  'cpp-threads',
  'cpp-calls',
];
const OPTION = [
  'portside-socket',
  'portside-native',
  'cpython-into',
  'koffi',
  'node-ffi',
  'cpp-threads',
  'cpp-calls',
];
const BATCH = ['portside-socket', 'portside-one', 'portside-native', 'node-dgram', 'cpp-calls', 'cpp-one'];

/**
 * What one operation of a caller is called, by mode.
 *
 * @type {Readonly<Record<string, string>>}
 */
const OPERATIONS = { pair: 'pair', option: 'call', datagrams: 'datagram' };

/** @type {readonly TestDefinition[]} */
// prettier-ignore
export const TESTS = [
  { name: 'echo-1',      mode: 'echo',      connections: 1,      baseline: 'node-net',        programs: RAW,     title: 'TCP echo, 64-byte messages, 1 connection' },
  { name: 'echo-50',     mode: 'echo',      connections: 50,     baseline: 'node-net',        programs: RAW,     title: 'TCP echo, 64-byte messages, 50 connections' },
  { name: 'echo-500',    mode: 'echo',      connections: 500,    baseline: 'node-net',        programs: RAW,     title: 'TCP echo, 64-byte messages, 500 connections' },
  { name: 'chrome-1',    mode: 'echo',      connections: 1,      baseline: 'node-net-facade', programs: FACADE,  title: 'chrome.sockets echo, 64-byte messages, 1 connection' },
  { name: 'chrome-50',   mode: 'echo',      connections: 50,     baseline: 'node-net-facade', programs: FACADE,  title: 'chrome.sockets echo, 64-byte messages, 50 connections' },
  { name: 'chrome-500',  mode: 'echo',      connections: 500,    baseline: 'node-net-facade', programs: FACADE,  title: 'chrome.sockets echo, 64-byte messages, 500 connections' },
  { name: 'tcpsocket-1',  mode: 'echo',     connections: 1,      baseline: 'node-net-promises', programs: PROMISES, title: 'TCPSocket echo by promises, 64-byte messages, 1 connection' },
  { name: 'tcpsocket-50', mode: 'echo',     connections: 50,     baseline: 'node-net-promises', programs: PROMISES, title: 'TCPSocket echo by promises, 64-byte messages, 50 connections' },
  { name: 'guard-50',    mode: 'echo',      connections: 50,     baseline: 'portside-engine', programs: GUARD,   title: 'TCP echo with and without a guard, 64-byte messages, 50 connections' },
  { name: 'crr',         mode: 'crr',       connections: 32,     baseline: 'node-net',        programs: RAW,     title: 'Connect, 64-byte request and answer, close; 32 at a time' },
  { name: 'accept',      mode: 'accept',    connections: 32,     baseline: 'node-net',        programs: RAW,     title: 'Accept and close; 32 at a time' },
  { name: 'idle',        mode: 'idle',      connections: 10_000, baseline: 'node-net',        programs: MEMORY,  title: 'Memory of the server per idle connection, 10,000 connections' },
  { name: 'latency',     mode: 'echo',      connections: 1,      baseline: 'node-net',        programs: LATENCY, title: 'TCP ping-pong, 64-byte messages, 1 connection, nothing else to do' },
  { name: 'bulk-receive', mode: 'receive',  connections: 1,      baseline: 'node-net-bulk',   programs: BULK, isRenewed: true, title: 'TCP, the server reads what is written 64 KiB at a time, 1 connection' },
  { name: 'bulk-send',   mode: 'send',      connections: 1,      baseline: 'node-net-bulk',   programs: BULK,    title: 'TCP, the server writes 64 KiB at a time, 1 connection' },
  { name: 'tls-echo-1',  mode: 'echo',      connections: 1,      baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS echo, 64-byte messages, 1 connection' },
  { name: 'tls-echo-50', mode: 'echo',      connections: 50,     baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS echo, 64-byte messages, 50 connections' },
  { name: 'tls-receive-1',  mode: 'receive', connections: 1,     baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS, the server reads what is written 64 KiB at a time, 1 connection' },
  { name: 'tls-receive-50', mode: 'receive', connections: 50,    baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS, the server reads what is written 64 KiB at a time, 50 connections' },
  { name: 'tls-send-1',  mode: 'send',      connections: 1,      baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS, the server writes 64 KiB at a time, 1 connection' },
  { name: 'tls-send-50', mode: 'send',      connections: 50,     baseline: 'node-tls',        programs: TLS, tls: true, title: 'TLS, the server writes 64 KiB at a time, 50 connections' },
  { name: 'udp-echo-64',      mode: 'udp-echo',    connections: 1, window: 64, size: 64,   baseline: 'node-udp',        programs: UDP_ECHO,    title: 'UDP echo, 64 bytes, 64 datagrams in flight' },
  { name: 'udp-echo-1200',    mode: 'udp-echo',    connections: 1, window: 64, size: 1200, baseline: 'node-udp',        programs: UDP_ECHO,    title: 'UDP echo, 1200 bytes, 64 datagrams in flight' },
  { name: 'udp-chrome-64',    mode: 'udp-echo',    connections: 1, window: 64, size: 64,   baseline: 'node-udp-facade', programs: UDP_FACADE,  title: 'UDP echo with the objects of chrome.sockets.udp, 64 bytes, 64 in flight' },
  { name: 'udp-chrome-1200',  mode: 'udp-echo',    connections: 1, window: 64, size: 1200, baseline: 'node-udp-facade', programs: UDP_FACADE,  title: 'UDP echo with the objects of chrome.sockets.udp, 1200 bytes, 64 in flight' },
  { name: 'udp-receive-64',   mode: 'udp-receive', connections: 1, size: 64,               baseline: 'node-udp',        programs: UDP_RECEIVE, title: 'UDP, the server receives, 64 bytes' },
  { name: 'udp-receive-1200', mode: 'udp-receive', connections: 1, size: 1200,             baseline: 'node-udp',        programs: UDP_RECEIVE, title: 'UDP, the server receives, 1200 bytes' },
  { name: 'udp-send-64',      mode: 'udp-send',    connections: 2, size: 64,               baseline: 'node-udp',        programs: UDP_SEND,    title: 'UDP, the server sends to two peers in turn, 64 bytes' },
  { name: 'udp-send-1200',    mode: 'udp-send',    connections: 2, size: 1200,             baseline: 'node-udp',        programs: UDP_SEND,    title: 'UDP, the server sends to two peers in turn, 1200 bytes' },
  { name: 'udp-train-64',     mode: 'udp-send',    connections: 1, size: 64,               baseline: 'node-udp',        programs: UDP_SEND,    title: 'UDP, the server sends equal sizes to one peer, 64 bytes' },
  { name: 'udp-train-1200',   mode: 'udp-send',    connections: 1, size: 1200,             baseline: 'node-udp',        programs: UDP_SEND,    title: 'UDP, the server sends equal sizes to one peer, 1200 bytes' },
  { name: 'call-pair',   mode: 'pair',      connections: 1,      baseline: 'cpp-calls',       programs: PAIR,    title: 'send and recv of 64 bytes on a socketpair' },
  { name: 'call-option', mode: 'option',    connections: 1,      baseline: 'cpp-calls',       programs: OPTION,  title: 'getsockopt of SO_RCVBUF' },
  { name: 'call-batch',  mode: 'datagrams', connections: 1,      baseline: 'node-dgram',      programs: BATCH,   title: '64-byte datagrams over loopback, 32 at a time' },
];

/**
 * @param {string} name
 * @returns {TestDefinition}
 */
export function testNamed(name) {
  const found = TESTS.find((test) => test.name === name);
  if (found === undefined) throw new Error(`there is no test ${name}`);
  return found;
}

/**
 * What callers do in this test, one of it; undefined where it is servers that are loaded.
 *
 * @param {TestDefinition} test
 * @returns {string | undefined}
 */
export function operationOf(test) {
  return OPERATIONS[test.mode];
}

/**
 * The tests that the words mean: a test's name, or the part before its number. All, if there are no words.
 *
 * @param {readonly string[]} words
 * @returns {readonly TestDefinition[]}
 */
export function selectTests(words) {
  if (words.length === 0) return TESTS;
  for (const word of words) {
    if (!TESTS.some((test) => isMeant(test, word))) {
      const names = TESTS.map((test) => test.name).join(', ');
      throw new Error(`there is no test "${word}"; there are ${names}`);
    }
  }
  return TESTS.filter((test) => words.some((word) => isMeant(test, word)));
}

/**
 * @param {TestDefinition} test
 * @param {string} word
 */
function isMeant(test, word) {
  return test.name === word || test.name.startsWith(`${word}-`);
}
