import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesRule } from './matcher.ts';
import { judge, rulesPolicy } from './policy.ts';
import type { SocketOp } from './ops.ts';
import type { Rule, SocketRequest } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';
import { parseSocketsKey } from './sockets-key.ts';
import type { AskedRow, Dialect, Outcome } from './test-kit.ts';
import { outcomeOf, readCases, readRules, requestOf } from './test-kit.ts';

const MATCHES = readCases('matches') as {
  readonly rows: readonly (readonly [
    rule: string,
    op: SocketOp,
    host: string,
    port: number,
    allowed: boolean,
  ])[];
};

for (const [rule, op, host, port, expected] of MATCHES.rows) {
  test(`matchesRule ${rule} ${expected ? 'allows' : 'refuses'} ${op} ${host}:${String(port)}`, () => {
    assert.equal(matchesRule(parseSocketRule(rule), { op, host, port }), expected);
  });
}

const EDGES = readCases('edges') as {
  readonly rows: readonly (readonly [string, Dialect, readonly string[], AskedRow, Outcome])[];
};
for (const [edge, dialect, rules, asked, outcome] of EDGES.rows) {
  const what = `${JSON.stringify(rules)} of the ${dialect} dialect, asked ${JSON.stringify(asked)}`;
  test(`rulesPolicy ${edge}: ${what}: ${outcome} (F66, F67, F68, F69, F71)`, () => {
    assert.equal(outcomeOf(rulesPolicy(readRules(dialect, rules))(requestOf(asked))), outcome);
  });
}

const INSIDE = readCases('inside') as {
  readonly rows: readonly (readonly [readonly string[], AskedRow, Outcome])[];
};
for (const [rules, asked, outcome] of INSIDE.rows) {
  const what = `${JSON.stringify(rules)}, asked ${JSON.stringify(asked)}`;
  test(`rulesPolicy local by-address: ${what}: ${outcome} (F66)`, () => {
    const policy = rulesPolicy(readRules('native', rules), { local: 'by-address' });
    assert.equal(outcomeOf(policy(requestOf(asked))), outcome);
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
  assert.equal(policy({ op: 'tcp-connect', host: 'x.b.com', port: 9 }).rule, 'tcp-connect:.b.com:*');
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
