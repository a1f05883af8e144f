import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRule, describeRules, REACHES } from './describe.ts';
import { parseRule, parseRules } from './native-dialect.ts';
import { parseSocketRule } from './socket-permission.ts';
import { readCases } from './test-kit.ts';

const { rows } = readCases('descriptions') as {
  readonly rows: readonly (readonly [rule: string, reach: string, text: string])[];
};

for (const [text, reach, sentence] of rows) {
  test(`describeRule says of ${text}: ${sentence}`, () => {
    const [rule] = parseRule(text);
    assert.ok(rule);
    const { reach: told, text: said } = describeRule(rule);
    assert.deepEqual([told, said], [reach, sentence]);
    assert.ok((REACHES as readonly string[]).includes(reach));
  });
}

test('describeRules begins with what reaches furthest', () => {
  const rules = parseRules([
    'network-state',
    'tcp-connect:localhost:80',
    'tcp-connect:a.com:80',
    'tcp-connect:10.0.0.0/8:80',
    'tcp-connect:*.a.com:80',
    'tcp-connect:8.0.0.0/8:80',
    'tcp-connect:*:80',
  ]);
  assert.deepEqual(
    describeRules(rules).map(({ reach }) => reach),
    ['everywhere', 'internet', 'domain', 'local-network', 'host', 'this-computer', 'none'],
  );
});

test('describeRule shows what cannot be seen, so that no rule looks like another (F74)', () => {
  const { text } = describeRule(parseSocketRule('tcp-connect:good.example\u202e\n\u001b[2J:80'));
  assert.equal(text, 'connect to the host good.example\\u{202e}\\u{a}\\u{1b}[2j, on port 80');
  const path = describeRule({
    effect: 'allow',
    op: 'unix-connect',
    host: { kind: 'path', path: '/run/\u2028a\ud800', isPrefix: false },
    ports: null,
  });
  assert.equal(path.text, 'connect to programs on this computer at /run/\\u{2028}a\\u{d800}');
});
