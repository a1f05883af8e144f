import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatSignature, TCP_SERVER_SIGNATURES, TCP_SIGNATURES } from './signatures.ts';

/** The page's lines, without the spaces that align its tables. */
const lines = readFileSync(new URL('../../../docs/reference/chrome.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.replace(/ +/g, ' '));

test('docs/reference/chrome.md lists every function as the table has it, and no other', () => {
  const signatures = [...Object.values(TCP_SIGNATURES), ...Object.values(TCP_SERVER_SIGNATURES)];
  const expected = signatures.map((row) => `| \`${formatSignature(row)}\` |${row.promise ? ' P' : ''} |`);
  assert.deepEqual(
    lines.filter((line) => /^\| `sockets\.\w+\.\w+\(/.test(line)),
    expected,
  );
});

test('docs/reference/chrome.md knows every property', () => {
  for (const signature of [...Object.values(TCP_SIGNATURES), ...Object.values(TCP_SERVER_SIGNATURES)]) {
    for (const { type } of signature.params) {
      if (typeof type === 'string' || 'values' in type) continue;
      const row = lines.find((line) => line.startsWith(`| \`${type.name}\``)) ?? '';
      for (const member of type.members)
        assert.ok(row.includes(`\`${member.name}\``), `${type.name}.${member.name}`);
    }
  }
});
