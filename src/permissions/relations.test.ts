import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRule, parseRules } from './native-dialect.ts';
import { covers, implies, meets } from './relations.ts';
import type { Rule } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';
import { readCases } from './test-kit.ts';

const { rows } = readCases('relations') as {
  readonly rows: readonly (readonly [
    a: string,
    b: string,
    covers: boolean,
    isCovered: boolean,
    meets: boolean,
  ])[];
};

function one(text: string): Rule {
  const [rule] = parseRule(text);
  assert.ok(rule);
  return rule;
}

for (const [a, b, isCovering, isCovered, isMeeting] of rows) {
  test(`covers and meets ${a} and ${b}`, () => {
    const [first, second] = [one(a), one(b)];
    const told = [covers(first, second), covers(second, first), meets(first, second), meets(second, first)];
    assert.deepEqual(told, [isCovering, isCovered, isMeeting, isMeeting]);
  });
}

test('covers: what compares as text takes less for the same than what does not', () => {
  const literal = parseSocketRule('tcp-connect:a.com:80');
  const canonical = one('tcp-connect:a.com:80');
  assert.deepEqual(
    [covers(canonical, literal), covers(literal, canonical), meets(literal, canonical)],
    [true, false, true],
  );
});

for (const [held, wanted, expected] of [
  [['tcp-connect:*:*'], 'tcp-connect:a:80', true],
  [['tcp-connect:a:80', 'tcp-connect:a:81'], 'tcp-connect:a:80-81', false],
  [['tcp-connect:*:*', 'deny tcp-connect:a:80'], 'tcp-connect:*:*', false],
  [['tcp-connect:*:*', 'deny tcp-connect:a:80'], 'tcp-connect:b:80', true],
  [['tcp-connect:*:*', 'deny tcp-connect:10.0.0.0/8:*'], 'tcp-connect:b:80', true],
  [['tcp-connect:*:*', 'deny tcp-connect:10.0.0.0/8:*'], 'tcp-connect:10.0.0.1:80', false],
  [['deny tcp-connect:a:80'], 'tcp-connect:a:80', false],
  [[], 'tcp-connect:a:80', false],
] as const) {
  test(`implies ${JSON.stringify(held)} ${expected ? 'has' : 'has not'} ${wanted}`, () => {
    assert.equal(implies(parseRules(held), one(wanted)), expected);
  });
}
