import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { namesIn, newNames } from './leftovers.mjs';
import { hasProgram } from './steps.mjs';

function makeFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'portside-leftovers-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test('newNames has files that have come, whatever their names', (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'old'), '');
  writeFileSync(join(folder, 'gone'), '');
  const before = namesIn(folder);
  assert.deepEqual(newNames(before, namesIn(folder)), []);
  rmSync(join(folder, 'gone'));
  for (const name of ['#(', 'QM8', ' ', 'a\nb']) writeFileSync(join(folder, name), '');
  assert.deepEqual(newNames(before, namesIn(folder)), ['" "', '"#("', '"QM8"', '"a\\nb"']);
});

test('newNames has nothing of what is built', (t) => {
  const folder = makeFolder(t);
  const before = namesIn(folder);
  for (const name of ['build', 'build-prebuild', 'dist', 'prebuilds', 'builder'])
    writeFileSync(join(folder, name), '');
  assert.deepEqual(newNames(before, namesIn(folder)), ['"builder"']);
});

test('newNames has sockets too', { skip: hasProgram('python3') ? false : 'python3 is not there' }, (t) => {
  const folder = makeFolder(t);
  const before = namesIn(folder);
  const script = "import socket; socket.socket(socket.AF_UNIX).bind('left')";
  const { status } = spawnSync('python3', ['-c', script], { cwd: folder });
  assert.equal(status, 0);
  assert.deepEqual(newNames(before, namesIn(folder)), ['"left"']);
});
