/**
 * The tests: which load, on which servers.
 *
 * @typedef {import('./model.mjs').TestDefinition} TestDefinition
 */

const RAW = ['portside-engine', 'node-net', 'bun', 'deno', 'cpp-epoll'];
const FACADE = ['portside-chrome', 'node-net-facade', 'bun-facade', 'cpp-epoll'];
const MEMORY = ['portside-engine', 'portside-chrome', 'node-net', 'bun', 'cpp-epoll'];

/** @type {readonly TestDefinition[]} */
// prettier-ignore
export const TESTS = [
  { name: 'echo-1',     mode: 'echo',   connections: 1,      baseline: 'node-net',        servers: RAW,    title: 'TCP echo, 64-byte messages, 1 connection' },
  { name: 'echo-50',    mode: 'echo',   connections: 50,     baseline: 'node-net',        servers: RAW,    title: 'TCP echo, 64-byte messages, 50 connections' },
  { name: 'echo-500',   mode: 'echo',   connections: 500,    baseline: 'node-net',        servers: RAW,    title: 'TCP echo, 64-byte messages, 500 connections' },
  { name: 'chrome-1',   mode: 'echo',   connections: 1,      baseline: 'node-net-facade', servers: FACADE, title: 'chrome.sockets echo, 64-byte messages, 1 connection' },
  { name: 'chrome-50',  mode: 'echo',   connections: 50,     baseline: 'node-net-facade', servers: FACADE, title: 'chrome.sockets echo, 64-byte messages, 50 connections' },
  { name: 'chrome-500', mode: 'echo',   connections: 500,    baseline: 'node-net-facade', servers: FACADE, title: 'chrome.sockets echo, 64-byte messages, 500 connections' },
  { name: 'crr',        mode: 'crr',    connections: 32,     baseline: 'node-net',        servers: RAW,    title: 'Connect, 64-byte request and answer, close; 32 at a time' },
  { name: 'accept',     mode: 'accept', connections: 32,     baseline: 'node-net',        servers: RAW,    title: 'Accept and close; 32 at a time' },
  { name: 'idle',       mode: 'idle',   connections: 10_000, baseline: 'node-net',        servers: MEMORY, title: 'Memory of the server per idle connection, 10,000 connections' },
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
