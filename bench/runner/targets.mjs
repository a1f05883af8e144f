/**
 * What Portside means to reach. `cpu` compares server CPU per request: 2.0 is half of the peer's. `rate` compares how much
 * was done in the same time: 2.0 is twice as much. `cost` compares the CPU time of calls, `p50` and `p99` the time that
 * half, and all but one in a hundred, of the requests take at most: 0.5 is half of the peer's.
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
  { test: 'tcpsocket-1',  subject: 'portside-tcpsocket', metric: 'cpu', peer: 'node-net-promises', atLeast: 1.3 },
  { test: 'tcpsocket-50', subject: 'portside-tcpsocket', metric: 'cpu', peer: 'node-net-promises', atLeast: 1.3 },
  { test: 'guard-50',   subject: 'portside-guarded', metric: 'cpu',   peer: 'portside-engine', atLeast: 0.95 },
  { test: 'crr',        subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.7 },
  { test: 'accept',     subject: 'portside-engine', metric: 'cpu',    peer: 'node-net',        atLeast: 2.0 },
  { test: 'idle',       subject: 'portside-engine', metric: 'memory', atMost: 900 },
  { test: 'idle',       subject: 'portside-chrome', metric: 'memory', atMost: 1500 },
  { test: 'latency',          subject: 'portside-engine',     metric: 'p50',  peer: 'node-net',        atMost: 0.88 },
  { test: 'latency',          subject: 'portside-engine',     metric: 'p99',  peer: 'node-net',        atMost: 0.87 },
  { test: 'latency',          subject: 'portside-busy',       metric: 'p50',  peer: 'node-net',        atMost: 0.65 },
  { test: 'bulk-receive',     subject: 'portside-owned',      metric: 'rate', peer: 'node-net-bulk',   atLeast: 1.5 },
  { test: 'bulk-receive',     subject: 'portside-owned',      metric: 'rate', peer: 'bun-stream',      atLeast: 1.2 },
  { test: 'bulk-receive',     subject: 'portside-view',       metric: 'rate', peer: 'node-net-bulk',   atLeast: 2.2 },
  { test: 'bulk-send',        subject: 'portside-owned',      metric: 'rate', peer: 'node-net-bulk',   atLeast: 1 },
  { test: 'tls-echo-1',       subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'tls-echo-50',      subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'tls-receive-1',    subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'tls-receive-50',   subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'tls-send-1',       subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'tls-send-50',      subject: 'portside-tls',        metric: 'cpu',  peer: 'node-tls',        atLeast: 0.95 },
  { test: 'udp-echo-64',      subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 4 },
  { test: 'udp-echo-64',      subject: 'portside-udp',        metric: 'cpu',  peer: 'bun-udp',         atLeast: 1.7 },
  { test: 'udp-echo-1200',    subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 4 },
  { test: 'udp-echo-1200',    subject: 'portside-udp',        metric: 'cpu',  peer: 'bun-udp',         atLeast: 1.7 },
  { test: 'udp-chrome-64',    subject: 'portside-udp-facade', metric: 'cpu',  peer: 'node-udp-facade', atLeast: 3 },
  { test: 'udp-chrome-64',    subject: 'portside-udp-facade', metric: 'cpu',  peer: 'bun-udp-facade',  atLeast: 1.7 },
  { test: 'udp-chrome-1200',  subject: 'portside-udp-facade', metric: 'cpu',  peer: 'node-udp-facade', atLeast: 3 },
  { test: 'udp-chrome-1200',  subject: 'portside-udp-facade', metric: 'cpu',  peer: 'bun-udp-facade',  atLeast: 1.7 },
  { test: 'udp-receive-64',   subject: 'portside-udp-owned',  metric: 'cpu',  peer: 'node-udp',        atLeast: 2.1 },
  { test: 'udp-receive-64',   subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 3.3 },
  { test: 'udp-receive-1200', subject: 'portside-udp-owned',  metric: 'cpu',  peer: 'node-udp',        atLeast: 2.1 },
  { test: 'udp-receive-1200', subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 3.3 },
  { test: 'udp-send-64',      subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 2 },
  { test: 'udp-send-1200',    subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 2 },
  { test: 'udp-train-64',     subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 5 },
  { test: 'udp-train-1200',   subject: 'portside-udp',        metric: 'cpu',  peer: 'node-udp',        atLeast: 5 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'cpp-calls',    atMost: 1.4 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'cpython-into', atMost: 1 },
  { test: 'call-pair',   subject: 'portside-recv',   metric: 'cost', peer: 'cpython-recv', atMost: 1 },
  { test: 'call-pair',   subject: 'portside-socket', metric: 'cost', peer: 'koffi',        atMost: 0.76 },
  { test: 'call-option', subject: 'portside-socket', metric: 'cost', peer: 'cpython-into', atMost: 1 },
  { test: 'call-option', subject: 'portside-socket', metric: 'cost', peer: 'koffi',        atMost: 0.76 },
  { test: 'call-batch',  subject: 'portside-socket', metric: 'batch', atLeast: 32 },
];

/** The first major version of Node whose `node:net` needs so much less CPU that the targets against it are lower. */
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
  if (nodeMajor < FASTER_NET_SINCE || target.atLeast === undefined || target.metric !== 'cpu') return target;
  if (!target.peer?.startsWith('node-net')) return target;
  return { ...target, atLeast: Math.round(target.atLeast * FASTER_NET_FACTOR * 1000) / 1000 };
}
