/** The native dialect and that of WebExtensions: what they take, what they refuse and where, and what they write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readManifestPermissions } from './manifest-permissions.ts';
import { parseRule, parseRules } from './native-dialect.ts';
import { formatRule } from './rule.ts';
import { parseSocketRule } from './socket-permission.ts';
import { PermissionSyntaxError } from './syntax-error.ts';
import { readCases } from './test-kit.ts';
import {
  formatWebExtensionPermission,
  isSocketPermission,
  parseWebExtensionPermission,
} from './webextension-dialect.ts';

interface Tables<Canonical> {
  readonly valid: readonly (readonly [text: string, canonical: Canonical])[];
  readonly invalid: readonly (readonly [text: string, offset: number, reason: string])[];
}

function refuses(parse: (text: string) => unknown, ops: string, cases: Tables<unknown>['invalid']): void {
  for (const [text, offset, reason] of cases) {
    test(`${parse.name} refuses ${JSON.stringify(text)}, and says where`, () => {
      assert.throws(
        () => parse(text),
        (error) => {
          assert.ok(error instanceof PermissionSyntaxError);
          const why = reason.replace('…ops', ops);
          const place = `at character ${String(offset + 1)}`;
          assert.equal(
            error.message,
            `Cannot read the permission ${JSON.stringify(text)}: ${why} (${place})`,
          );
          assert.deepEqual([error.text, error.offset, error.path], [text, offset, []]);
          return true;
        },
      );
    });
  }
}

const NATIVE = readCases('native') as Tables<readonly string[]>;
for (const [text, canonical] of NATIVE.valid) {
  test(`parseRule reads ${text}, and its canonical text again`, () => {
    const rules = parseRule(text);
    assert.deepEqual(rules.map(formatRule), canonical);
    assert.deepEqual(parseRules(canonical), rules);
  });
}
refuses(
  parseRule,
  'tcp-connect, tcp-listen, udp-bind, udp-send-to, udp-multicast-membership, unix-connect, unix-listen, ' +
    'resolve-host, resolve-proxy, network-state, raw-open, packet-open, netlink-open, unix',
  NATIVE.invalid,
);

const WEBEXTENSION = readCases('webextension') as Tables<string>;
for (const [text, canonical] of WEBEXTENSION.valid) {
  test(`parseWebExtensionPermission reads ${text}, and its canonical text again`, () => {
    const rule = parseWebExtensionPermission(text);
    assert.equal(formatWebExtensionPermission(rule), canonical);
    assert.deepEqual(parseWebExtensionPermission(canonical), rule);
    assert.equal(isSocketPermission(text), true);
  });
}
refuses(
  parseWebExtensionPermission,
  'tcp-connect, tcp-listen, udp-bind, udp-send-to, udp-multicast-membership',
  WEBEXTENSION.invalid,
);

test('formatWebExtensionPermission writes nothing that would say something else', () => {
  const unwritable = [
    ...['deny tcp-connect:a:80', 'tcp-connect:a:80,90', 'tcp-connect:10.0.0.0/8:80', 'tcp-connect:.a:80'],
    ...['tcp-listen:127.0.0.1:80', 'udp-multicast-membership:224.0.0.0/4', 'unix-connect', 'resolve-host'],
  ];
  for (const text of unwritable)
    assert.deepEqual(parseRule(text).map(formatWebExtensionPermission), [undefined], text);
  assert.equal(formatWebExtensionPermission(parseSocketRule('tcp-connect:a.com:80')), undefined);
});

test('parseRules leaves repetitions out, and says which text it cannot read', () => {
  assert.deepEqual(parseRules(['tcp-connect:a:80', 'tcp-connect:A.:80-80']).map(formatRule), [
    'tcp-connect:a:80',
  ]);
  assert.throws(() => parseRules(['network-state', 'tcp-connect:a:0']), {
    name: 'PermissionSyntaxError',
    path: [1],
    offset: 14,
  });
});

test('readManifestPermissions passes over what is not about sockets', () => {
  const { granted, optional } = readManifestPermissions({
    name: 'x',
    permissions: ['storage', '<all_urls>', 'tcp-connect:a.com:443', { socket: [] }, 7],
    optional_permissions: ['tcp-listen:*', 'tcp-listen:*', 'tabs'],
  });
  assert.deepEqual(granted.map(formatRule), ['tcp-connect:a.com:443']);
  assert.deepEqual(optional.map(formatRule), ['tcp-listen:*:*']);
  assert.deepEqual(readManifestPermissions({}), { granted: [], optional: [] });
  const inherited = Object.create({ permissions: ['tcp-listen:*'] }) as Record<string, unknown>;
  assert.deepEqual(readManifestPermissions(inherited).granted, []);
});

for (const [manifest, path, offset] of [
  [{ permissions: ['storage', 'tcp-connect:a:0'] }, ['permissions', 1], 14],
  [{ optional_permissions: ['tcp-listen'] }, ['optional_permissions', 0], 0],
  [{ permissions: 'tcp-listen:*' }, ['permissions'], undefined],
] as const) {
  test(`readManifestPermissions refuses ${JSON.stringify(manifest)}, and says where`, () => {
    assert.throws(() => readManifestPermissions(manifest), { name: 'PermissionSyntaxError', path, offset });
  });
}
