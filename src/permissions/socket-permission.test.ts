/** The permission `{"socket": […]}`, by the table of Chrome's own cases and what follows from its code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSocketRule, parseSocketPermission, parseSocketRule } from './socket-permission.ts';
import { PermissionSyntaxError } from './syntax-error.ts';
import { readCases } from './test-kit.ts';

const { valid, invalid, lists } = readCases('socket-permission') as {
  readonly valid: readonly (readonly [text: string, canonical: string])[];
  readonly invalid: readonly string[];
  readonly lists: readonly (readonly [value: unknown, message: string, path: readonly unknown[]])[];
};

for (const text of invalid) {
  test(`parseSocketRule refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSocketRule(text), PermissionSyntaxError);
  });
}

for (const [text, canonical] of valid) {
  test(`parseSocketRule reads ${text} as ${canonical}`, () => {
    const rule = parseSocketRule(text);
    assert.equal(formatSocketRule(rule), canonical);
    assert.deepEqual(parseSocketRule(canonical), rule);
  });
}

test('parseSocketPermission keeps the rules of a list', () => {
  const list = ['tcp-connect:*.example.com:80', 'udp-bind::8080', 'udp-send-to::8888', 'udp-bind::8080'];
  const rules = parseSocketPermission(list);
  assert.deepEqual(rules.map(formatSocketRule), [
    'tcp-connect:*.example.com:80',
    'udp-bind:*:8080',
    'udp-send-to:*:8888',
  ]);
  assert.deepEqual(parseSocketPermission(rules.map(formatSocketRule)), rules);
});

for (const [value, message, path] of lists) {
  test(`parseSocketPermission refuses ${JSON.stringify(value)}`, () => {
    assert.throws(() => parseSocketPermission(value), { name: 'PermissionSyntaxError', message, path });
  });
}

test('parseSocketPermission refuses what is not there', () => {
  assert.throws(() => parseSocketPermission(undefined), { message: 'NULL or empty permission list' });
});

test('parseSocketPermission tells of unusable items and keeps the others', () => {
  const told: PermissionSyntaxError[] = [];
  const rules = parseSocketPermission(['x', 'resolve-host', 3], { onUnknown: (error) => told.push(error) });
  assert.deepEqual(rules.map(formatSocketRule), ['resolve-host']);
  assert.deepEqual(
    told.map((error) => error.path),
    [[0], [2]],
  );
});

test('parseSocketPermission refuses a list of which nothing is left', () => {
  assert.throws(() => parseSocketPermission(['x', 'y'], { onUnknown: () => undefined }), {
    message: 'NULL or empty permission list',
  });
});
