import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSocketRule, parseSocketPermission, parseSocketRule } from './socket-permission.ts';
import { PermissionSyntaxError } from './syntax-error.ts';

const MALFORMED: readonly string[] = [
  '',
  '*',
  '\0\0*',
  '\x01*',
  'tcp-connect:www.example.com:-1',
  'tcp-connect:www.example.com:65536',
  'tcp-connect:::',
  'tcp-connect::0',
  'tcp-connect:  www.exmaple.com:  99  ',
  'tcp-connect:*.exmaple.com :99',
  'tcp-connect:*.exmaple.com: 99',
  'tcp-connect:*.exmaple.com:99 ',
  'tcp-connect:\t*.exmaple.com:99',
  'tcp-connect:\n*.exmaple.com:99',
  'resolve-host:exmaple.com:99',
  'resolve-host:127.0.0.1',
  'resolve-host:',
  'resolve-proxy:exmaple.com:99',
  'resolve-proxy:exmaple.com',
  'udp-multicast-membership:*',
  'udp-multicast-membership:*:*',
  'tcp-connect:[::1]:80',
  'tcp-connect:::1',
  'tcp-connect:a:80-90',
  'tcp-connect:a:1e3',
  'tcp-connect:a:0x50',
  'TCP-CONNECT',
  'unix-connect',
  'unix-listen:/x',
];

const CANONICAL: readonly (readonly [string, string])[] = [
  ...['tcp-connect', 'tcp-listen', 'udp-bind', 'udp-send-to'].flatMap((op): [string, string][] => [
    [op, `${op}:*:*`],
    [`${op}:`, `${op}:*:*`],
    [`${op}::`, `${op}:*:*`],
    [`${op}:*`, `${op}:*:*`],
    [`${op}:*:`, `${op}:*:*`],
    [`${op}::*`, `${op}:*:*`],
    [`${op}:www.example.com`, `${op}:www.example.com:*`],
    [`${op}:.example.com`, `${op}:*.example.com:*`],
    [`${op}:*.example.com`, `${op}:*.example.com:*`],
    [`${op}::99`, `${op}:*:99`],
  ]),
  ['udp-send-to:wWW.ExAmPlE.cOm', 'udp-send-to:www.example.com:*'],
  ['tcp-connect:*.example.com:99', 'tcp-connect:*.example.com:99'],
  ['tcp-connect:*.:80', 'tcp-connect:*:80'],
  ['tcp-connect:www . example.com', 'tcp-connect:www.example.com:*'],
  ['tcp-connect:a.*.b:1', 'tcp-connect:a.*.b:1'],
  ['resolve-host', 'resolve-host'],
  ['resolve-proxy', 'resolve-proxy'],
  ['network-state', 'network-state'],
  ['udp-multicast-membership', 'udp-multicast-membership'],
];

for (const text of MALFORMED) {
  test(`parseSocketRule refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSocketRule(text), PermissionSyntaxError);
  });
}

for (const [text, canonical] of CANONICAL) {
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

const BAD_LISTS: readonly (readonly [unknown, string, readonly (string | number)[]])[] = [
  [undefined, 'NULL or empty permission list', []],
  [null, 'NULL or empty permission list', []],
  [[], 'NULL or empty permission list', []],
  ['tcp-connect', "Cannot parse the permission list. It's not a list.", []],
  [{ 'tcp-connect': 1 }, "Cannot parse the permission list. It's not a list.", []],
  [['tcp-connect', 'nonsense'], 'Cannot parse an item from the permission list: "nonsense"', [1]],
  [[{ 'tcp-connect': '*' }], 'Cannot parse an item from the permission list: {"tcp-connect":"*"}', [0]],
];

for (const [value, message, path] of BAD_LISTS) {
  test(`parseSocketPermission refuses ${(JSON.stringify(value) as string | undefined) ?? 'undefined'}`, () => {
    assert.throws(() => parseSocketPermission(value), { name: 'PermissionSyntaxError', message, path });
  });
}

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
