import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesRule } from './matcher.ts';
import { judge, rulesPolicy } from './policy.ts';
import type { SocketOp } from './ops.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { formatSocketRule, parseSocketRule } from './socket-permission.ts';
import { parseSocketsKey } from './sockets-key.ts';

/** Rule, request, whether it is allowed. */
const CASES: readonly (readonly [string, SocketOp, string, number, boolean])[] = [
  ['tcp-connect', 'tcp-connect', 'www.example.com', 80, true],
  ['tcp-connect', 'udp-send-to', 'www.example.com', 80, false],
  ['udp-send-to::8800', 'udp-send-to', 'www.example.com', 8800, true],
  ['udp-send-to::8800', 'udp-send-to', 'smtp.example.com', 8800, true],
  ['udp-send-to::8800', 'tcp-connect', 'www.example.com', 80, false],
  ['udp-send-to:*.example.com:8800', 'udp-send-to', 'www.example.com', 8800, true],
  ['udp-send-to:*.example.com:8800', 'udp-send-to', 'smtp.example.com', 8800, true],
  ['udp-send-to:*.example.com:8800', 'udp-send-to', 'SMTP.example.com', 8800, true],
  ['udp-send-to:*.example.com:8800', 'tcp-connect', 'www.example.com', 80, false],
  ['udp-send-to:*.example.com:8800', 'udp-send-to', 'www.google.com', 8800, false],
  ['udp-send-to:*.example.com:8800', 'udp-send-to', 'wwwexample.com', 8800, false],
  ['udp-send-to:*.ExAmPlE.cOm:8800', 'udp-send-to', 'www.example.com', 8800, true],
  ['udp-send-to:*.ExAmPlE.cOm:8800', 'udp-send-to', 'smtp.example.com', 8800, true],
  ['udp-send-to:*.ExAmPlE.cOm:8800', 'udp-send-to', 'SMTP.example.com', 8800, true],
  ['udp-send-to:*.ExAmPlE.cOm:8800', 'tcp-connect', 'www.example.com', 80, false],
  ['udp-send-to:*.ExAmPlE.cOm:8800', 'udp-send-to', 'www.google.com', 8800, false],
  ['udp-bind::8800', 'udp-bind', '127.0.0.1', 8800, true],
  ['udp-bind::8800', 'udp-bind', '127.0.0.1', 8888, false],
  ['udp-bind::8800', 'tcp-connect', 'www.example.com', 80, false],
  ['udp-bind::8800', 'udp-send-to', 'www.google.com', 8800, false],
  ['tcp-connect:*.168.0.1:8800', 'tcp-connect', '192.168.0.1', 8800, false],
  ['udp-multicast-membership', 'udp-bind', '127.0.0.1', 8800, false],
  ['udp-multicast-membership', 'udp-bind', '127.0.0.1', 8888, false],
  ['udp-multicast-membership', 'tcp-connect', 'www.example.com', 80, false],
  ['udp-multicast-membership', 'udp-send-to', 'www.google.com', 8800, false],
  ['udp-multicast-membership', 'udp-multicast-membership', '127.0.0.1', 35, true],
  ['udp-multicast-membership', 'udp-multicast-membership', '*', 0, true],
  ['resolve-host', 'resolve-host', 'www.example.com', 80, true],
  ['resolve-host', 'resolve-host', 'www.example.com', 8080, true],
  ['resolve-host', 'udp-bind', '127.0.0.1', 8800, false],
  ['resolve-host', 'tcp-connect', '127.0.0.1', 8800, false],
  ['resolve-proxy', 'resolve-proxy', 'www.example.com', 80, true],
  ['resolve-proxy', 'resolve-proxy', 'www.example.com', 8080, true],
  ['resolve-proxy', 'udp-bind', '127.0.0.1', 8800, false],
  ['resolve-proxy', 'tcp-connect', '127.0.0.1', 8800, false],
  ['network-state', 'network-state', '', 0, true],
  ['network-state', 'udp-bind', '127.0.0.1', 8800, false],
  ['network-state', 'tcp-connect', '127.0.0.1', 8800, false],
  ['tcp-connect:*.example.com:80', 'tcp-connect', 'example.com', 80, true],
  ['tcp-connect:*.example.com:80', 'tcp-connect', 'a.b.example.com', 80, true],
  ['tcp-connect:*.example.com:80', 'tcp-connect', '.example.com', 80, false],
  ['tcp-connect:example.com:80', 'tcp-connect', 'www.example.com', 80, false],
  ['tcp-connect:127.0.0.1:*', 'tcp-connect', 'localhost', 1, false],
  ['tcp-connect:127.0.0.1:*', 'tcp-connect', '127.1', 1, false],
  ['tcp-connect:127.0.0.1:*', 'tcp-connect', '127.0.0.1', 1, true],
  ['tcp-connect:www.example.com', 'tcp-connect', 'www.example.com.', 80, false],
  ['tcp-connect:*', 'tcp-connect', '::1', 80, true],
  ['udp-bind::8080', 'udp-bind', '0.0.0.0', 0, false],
  ['udp-bind', 'udp-bind', '0.0.0.0', 0, true],
  ['tcp-connect:*.:80', 'tcp-connect', 'anything', 80, true],
  ['tcp-connect:*.:80', 'tcp-connect', 'anything', 81, false],
  ['tcp-connect:*.1', 'tcp-connect', '127.1', 80, false],
  ['tcp-connect:*.1', 'tcp-connect', '0x7f.1', 80, false],
  ['tcp-connect:*.0.0.1', 'tcp-connect', '::ffff:127.0.0.1', 80, false],
  ['tcp-connect:*.1', 'tcp-connect', 'host.1', 80, true],
];

for (const [rule, op, host, port, expected] of CASES) {
  test(`matchesRule ${rule} ${expected ? 'allows' : 'refuses'} ${op} ${host}:${String(port)}`, () => {
    assert.equal(matchesRule(parseSocketRule(rule), { op, host, port }), expected);
  });
}

test('rulesPolicy combines rules as sets do', () => {
  const a = parseSocketsKey({ udp: { bind: ['127.0.0.1:3007', 'a.com:80'] } });
  const b = parseSocketsKey({ udp: { send: ['', 'a.com:80'] } });
  const requests: SocketRequest[] = [
    { op: 'udp-bind', host: '127.0.0.1', port: 3007 },
    { op: 'udp-send-to', host: 'anything', port: 1 },
    { op: 'tcp-connect', host: 'a.com', port: 80 },
  ];
  const allowed = (rules: readonly Rule[]): boolean[] =>
    requests.map((request) => rulesPolicy(rules)(request).allowed);
  assert.deepEqual(allowed(a), [true, false, false]);
  assert.deepEqual(allowed(b), [false, true, false]);
  assert.deepEqual(allowed([...a, ...b]), [true, true, false]);
  assert.deepEqual(allowed([]), [false, false, false]);
});

test('rulesPolicy names the rule that decided', () => {
  const policy = rulesPolicy(parseSocketsKey({ tcp: { connect: ['a.com:80', '*.b.com'] } }));
  assert.equal(policy({ op: 'tcp-connect', host: 'x.b.com', port: 9 }).rule, 'tcp-connect:*.b.com:*');
  assert.equal(policy({ op: 'tcp-connect', host: 'c.com', port: 9 }).rule, undefined);
});

test('rulesPolicy does not follow later changes of the list', () => {
  const rules: Rule[] = [];
  const policy = rulesPolicy(rules);
  rules.push(parseSocketRule('tcp-connect'));
  assert.equal(policy({ op: 'tcp-connect', host: 'a', port: 1 }).allowed, false);
});

test('judge takes an exception and nonsense for a no', () => {
  const request: SocketRequest = { op: 'tcp-connect', host: 'a', port: 1 };
  const fail = (): never => {
    throw new Error('broken policy');
  };
  assert.equal(judge(fail, request).allowed, false);
  assert.equal(judge((() => undefined) as never, request).allowed, false);
  assert.equal(judge((() => ({ allowed: 1 })) as never, request).allowed, false);
});

const labels = fc.constantFrom('a', 'b', 'com', 'WWW', 'example', '1', '127', '0', '*', '');
const hosts = fc.array(labels, { minLength: 0, maxLength: 4 }).map((parts) => parts.join('.'));
const ops = fc.constantFrom<SocketOp>('tcp-connect', 'tcp-listen', 'udp-bind', 'udp-send-to');
const ports = fc.constantFrom(0, 1, 80, 443, 65535);
const requests: fc.Arbitrary<SocketRequest> = fc.record({ op: ops, host: hosts, port: ports });
const ruleTexts = fc
  .tuple(ops, hosts, fc.constantFrom('', '*', '1', '80', '65535'))
  .map(([op, host, port]) => `${op}:${host}:${port}`);

/** The rules again, written from the documentation in another way: over the rule's canonical text, label by label. */
function oracle(text: string, request: SocketRequest): boolean {
  const [op, host = '', port] = (formatSocketRule(parseSocketRule(text)) ?? '').split(':');
  if (op !== request.op || (port !== '*' && port !== String(request.port))) return false;
  const asked = request.host.toLowerCase().split('.');
  if (host === '*') return true;
  if (!host.startsWith('*.')) return asked.join('.') === host;
  const base = host.slice(2).split('.');
  if (asked.join('.') === base.join('.')) return true;
  if (
    asked.length <= 4 &&
    asked.every(
      (label, index) => /^\d+$/.test(label) || (label === '' && index > 0 && index === asked.length - 1),
    )
  ) {
    return false;
  }
  const front = asked.slice(0, -base.length);
  return (
    front.length > 0 && front.join('.').length > 0 && asked.slice(front.length).join('.') === base.join('.')
  );
}

test('matchesRule agrees with a naive reading of the rules', () => {
  fc.assert(
    fc.property(ruleTexts, requests, (text, request) => {
      assert.equal(matchesRule(parseSocketRule(text), request), oracle(text, request));
    }),
    { numRuns: 3000 },
  );
});

test('rulesPolicy is monotone: more rules never narrow, fewer never widen', () => {
  fc.assert(
    fc.property(fc.array(ruleTexts, { maxLength: 6 }), ruleTexts, requests, (texts, more, request) => {
      const rules = texts.map(parseSocketRule);
      const isAllowed = rulesPolicy(rules)(request).allowed;
      if (isAllowed) assert.ok(rulesPolicy([...rules, parseSocketRule(more)])(request).allowed);
      else assert.ok(!rulesPolicy(rules.slice(1))(request).allowed);
    }),
    { numRuns: 2000 },
  );
});
