/**
 * The tests: which load, on which servers; and which calls, by which callers.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 */

const RAW = ['portside-engine', 'node-net', 'bun', 'deno', 'cpp-epoll'];
const FACADE = ['portside-chrome', 'node-net-facade', 'bun-facade', 'cpp-epoll'];
const MEMORY = ['portside-engine', 'portside-chrome', 'node-net', 'bun', 'cpp-epoll'];
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
  { name: 'crr',         mode: 'crr',       connections: 32,     baseline: 'node-net',        programs: RAW,     title: 'Connect, 64-byte request and answer, close; 32 at a time' },
  { name: 'accept',      mode: 'accept',    connections: 32,     baseline: 'node-net',        programs: RAW,     title: 'Accept and close; 32 at a time' },
  { name: 'idle',        mode: 'idle',      connections: 10_000, baseline: 'node-net',        programs: MEMORY,  title: 'Memory of the server per idle connection, 10,000 connections' },
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
