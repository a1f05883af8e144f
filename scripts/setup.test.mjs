import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { arePackagesStale, isNodeSupported, isStale } from './setup.mjs';
import { ROOT, capture, formatDuration, hasProgram } from './steps.mjs';

test('isNodeSupported draws the line at 20.19', () => {
  assert.deepEqual(
    ['18.20.8', '20.18.3', '20.19.0', '20.20.2', '21.0.0', '22.1.0', '26.0.0'].map(isNodeSupported),
    [false, false, true, true, true, true, true],
  );
});

test('arePackagesStale compares versions, and lets optional packages be missing', () => {
  const wanted = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };
  assert.equal(arePackagesStale(wanted, {}), true);
  assert.equal(arePackagesStale(wanted, { 'node_modules/a': { version: '1.0.0' } }), false);
  assert.equal(arePackagesStale(wanted, { 'node_modules/a': { version: '1.0.1' } }), true);
});

test('isStale sees changed, new and removed files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portside-setup-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  const at = (path, seconds) => {
    utimesSync(path, seconds, seconds);
  };
  const source = join(folder, 'source.ts');
  const stamp = join(tmpdir(), `portside-stamp-${String(process.pid)}`);
  writeFileSync(source, '');
  writeFileSync(stamp, '');
  t.after(() => {
    rmSync(stamp);
  });
  at(source, 1000);
  at(folder, 1000);
  at(stamp, 2000);
  // isStale reads below the repository; an absolute path is joined to it, so go up from there.
  const sources = [`${'../'.repeat(ROOT.split('/').length)}${folder}`];
  assert.equal(isStale(stamp, sources), false);
  at(source, 3000);
  assert.equal(isStale(stamp, sources), true);
  at(source, 1000);
  rmSync(source);
  assert.equal(isStale(stamp, sources), true);
  assert.equal(isStale(join(folder, 'no-stamp'), sources), true);
});

test('setup says nothing when there is nothing to do', () => {
  const result = spawnSync(process.execPath, ['scripts/setup.mjs'], { cwd: ROOT, encoding: 'utf8' });
  assert.deepEqual([result.status, result.stdout, result.stderr], [0, '', '']);
});

test('capture gives both streams and whether the program succeeded', () => {
  const script = 'console.log("out"); console.error("err"); process.exitCode = Number(process.argv[1])';
  assert.deepEqual(capture(process.execPath, ['-e', script, '0']), { ok: true, output: 'out\nerr\n' });
  assert.equal(capture(process.execPath, ['-e', script, '3']).ok, false);
  const missing = capture('no-such-program-here', []);
  assert.equal(missing.ok, false);
  assert.match(missing.output, /ENOENT/);
});

test('hasProgram looks along the PATH', () => {
  assert.equal(hasProgram('node') || hasProgram('sh'), true);
  assert.equal(hasProgram('no-such-program-here'), false);
});

test('formatDuration chooses the unit', () => {
  assert.deepEqual([40, 1449, 59_900, 61_000].map(formatDuration), ['0.0 s', '1.4 s', '59.9 s', '1 min 1 s']);
});
