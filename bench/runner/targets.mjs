/**
 * What Portside means to reach. `cpu` compares server CPU per request: 2.0 is half of the peer's. `cost` compares the CPU
 * time of calls: 0.5 is half of the peer's.
 *
 * @typedef {import('./model.mjs').Target} Target
 */

/** @type {readonly Target[]} */
// prettier-ignore
export const TARGETS = [
  { test: 'echo-1',     subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 1.4 },
  { test: 'echo-50',    subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.3 },
  { test: 'echo-50',    subject: 'portside-engine', metric: 'cpu',    peer: 'bun',             atLeast: 1.15 },
  { test: 'echo-50',    subject: 'portside-engine', metric: 'cpu',    peer: 'cpp-epoll',       atLeast: 0.85 },
  { test: 'echo-500',   subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.6 },
  { test: 'echo-500',   subject: 'portside-engine', metric: 'cpu',    peer: 'cpp-epoll',       atLeast: 0.9 },
  { test: 'chrome-50',  subject: 'portside-chrome', metric: 'cpu',    peer: 'node-net-facade', atLeast: 2.0 },
  { test: 'chrome-50',  subject: 'portside-chrome', metric: 'cpu',    peer: 'bun-facade',      atLeast: 1.3 },
  { test: 'chrome-500', subject: 'portside-chrome', metric: 'cpu',    peer: 'node-net-facade', atLeast: 2.0 },
  { test: 'chrome-500', subject: 'portside-chrome', metric: 'cpu',    peer: 'bun-facade',      atLeast: 1.3 },
  { test: 'crr',        subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.7 },
  { test: 'accept',     subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.0 },
  { test: 'idle',       subject: 'portside-engine', metric: 'memory', atMost: 900 },
  { test: 'idle',       subject: 'portside-chrome', metric: 'memory', atMost: 1500 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'cpp-calls',    atMost: 1.4 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'cpython-into', atMost: 1 },
  { test: 'call-pair',   subject: 'portside-recv',   metric: 'cost', peer: 'cpython-recv', atMost: 1 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'koffi',        atMost: 0.76 },
  { test: 'call-option', subject: 'portside-socket', metric: 'cost', peer: 'cpython-into', atMost: 1 },
  { test: 'call-option', subject: 'portside-socket', metric: 'cost', peer: 'koffi',        atMost: 0.76 },
  { test: 'call-batch',  subject: 'portside-socket', metric: 'batch', atLeast: 32 },
];

/** The first major version of Node whose `node:net` is so much faster that the targets against it are lower. */
const FASTER_NET_SINCE = 26;
const FASTER_NET_FACTOR = 0.8;

/**
 * The targets of a test on a version of Node.
 *
 * @param {string} test
 * @param {number} nodeMajor
 * @returns {Target[]}
 */
export function targetsOf(test, nodeMajor) {
  return TARGETS.filter((target) => target.test === test).map((target) => onNode(target, nodeMajor));
}

/**
 * @param {Target} target
 * @param {number} nodeMajor
 * @returns {Target}
 */
function onNode(target, nodeMajor) {
  if (nodeMajor < FASTER_NET_SINCE || target.atLeast === undefined) return target;
  if (!target.peer?.startsWith('node-net')) return target;
  return { ...target, atLeast: Math.round(target.atLeast * FASTER_NET_FACTOR * 1000) / 1000 };
}
