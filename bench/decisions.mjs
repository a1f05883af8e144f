/**
 * What one decision of a policy with 100 rules costs, in microseconds of processor time: the least of nine runs, for each kind
 * of request. Exits with 1 if one of the usual kinds takes more than 2.
 *
 *     node bench/decisions.mjs
 */
import process from 'node:process';
import { parseRules, rulesPolicy } from '../dist/doors/permissions.js';

const MOST = 2;
const CALLS = 20_000;
const RUNS = 9;

const texts = Array.from({ length: 25 }, (_, i) => [
  `tcp-connect:host${i}.example.com:443`,
  `tcp-connect:*.below${i}.example.org:80,8000-8010`,
  `tcp-connect:10.${i}.0.0/16:*`,
  `deny tcp-connect:[2001:db8:${i.toString(16)}::/48]:*`,
]);
const decide = rulesPolicy(parseRules(texts.flat()));

/** @type {[what: string, isAllowed: boolean, request: import('../dist/doors/permissions.js').SocketRequest][]} */
const REQUESTS = [
  ['a name, allowed', true, { op: 'tcp-connect', host: 'a.below24.example.org', port: 8001 }],
  ['a name, refused', false, { op: 'tcp-connect', host: 'www.example.net', port: 443 }],
  ['IPv4, allowed', true, { op: 'tcp-connect', host: '10.24.3.4', port: 80 }],
  ['IPv4, refused', false, { op: 'tcp-connect', host: '11.24.3.4', port: 80 }],
  ['IPv6, refused', false, { op: 'tcp-connect', host: '2001:db9::1', port: 80 }],
];

for (const [what, isAllowed, request] of REQUESTS) {
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    for (let i = 0; i < CALLS; i++)
      if (decide(request).allowed !== isAllowed) throw new Error(`wrong decision: ${what}`);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / CALLS);
  }
  console.log(`${what.padEnd(18)} ${least.toFixed(2)} µs`);
  if (least > MOST) process.exitCode = 1;
}
