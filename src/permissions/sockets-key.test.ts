/** The manifest key `sockets`, by the table of Chrome's own cases and what follows from its code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRule } from './native-dialect.ts';
import { formatSocketRule } from './socket-permission.ts';
import { formatSocketsKey, parseSocketsKey } from './sockets-key.ts';
import { PermissionSyntaxError } from './syntax-error.ts';
import { readCases } from './test-kit.ts';

const { valid, invalid } = readCases('sockets-key') as {
  readonly valid: readonly (readonly [value: unknown, rules: readonly string[]])[];
  readonly invalid: readonly (readonly [value: unknown, path: readonly unknown[], message: string])[];
};

for (const [value, expected] of valid) {
  test(`parseSocketsKey reads ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseSocketsKey(value).map(formatSocketRule), expected);
  });
}

for (const [value, path, message] of invalid) {
  test(`parseSocketsKey refuses ${JSON.stringify(value)}`, () => {
    assert.throws(
      () => parseSocketsKey(value),
      (error) => {
        assert.ok(error instanceof PermissionSyntaxError);
        assert.equal(error.name, 'PermissionSyntaxError');
        assert.equal(error.message, message);
        assert.deepEqual(error.path, path);
        return true;
      },
    );
  });
}

for (const [value] of valid) {
  test(`formatSocketsKey writes ${JSON.stringify(value)} so that it is read again`, () => {
    const rules = parseSocketsKey(value);
    assert.deepEqual(parseSocketsKey(formatSocketsKey(rules)), rules);
  });
}

test('formatSocketsKey writes nothing that would say something else', () => {
  for (const text of [
    'deny tcp-connect:*:80',
    'tcp-connect:a:80',
    'tcp-connect:*:80-90',
    'unix-connect',
    'resolve-host',
  ])
    assert.equal(formatSocketsKey(parseRule(text)), undefined, text);
});

test('parseSocketsKey refuses what is not there', () => {
  assert.throws(() => parseSocketsKey(undefined), { path: ['sockets'] });
});

test('parseSocketsKey ignores what a prototype carries', () => {
  const value: unknown = Object.create({ tcp: { connect: '' } });
  assert.deepEqual(parseSocketsKey(value), []);
});
