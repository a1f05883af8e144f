import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeControls, painter } from './styles.ts';

test('painter paints on terminals only, and not where colours are unwanted', () => {
  const text = (stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): string =>
    painter(stream, env)('red', 'x');
  assert.notEqual(text({ isTTY: true }, { TERM: 'xterm' }), 'x');
  assert.notEqual(text({ isTTY: true }, { NO_COLOR: '' }), 'x');
  assert.equal(text({}, {}), 'x');
  assert.equal(text({ isTTY: true }, { NO_COLOR: '1' }), 'x');
  assert.equal(text({ isTTY: true }, { TERM: 'dumb' }), 'x');
});

test('escapeControls shows what could take over a terminal, and keeps lines and tabs', () => {
  assert.equal(escapeControls('a\tb\nc\r\nd'), 'a\tb\nc\nd');
  assert.equal(escapeControls('\x1b[2J\x07\x9b1m\x7f\r'), '\\x1b[2J\\x07\\x9b1m\\x7f\\x0d');
  assert.equal(escapeControls('é 漢 🎉'), 'é 漢 🎉');
});
