/** Which binary `loadNative` takes, each in a process of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = `
  const { loadNative } = await import(process.argv[1]);
  try {
    console.log(Object.keys(loadNative()).join());
  } catch (error) {
    console.log(error.name + ': ' + error.message + ': ' + error.cause.message);
  }`;

function loadWith(path: string): string {
  const here = new URL('./load.js', import.meta.url).href;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, here], {
    env: { ...process.env, PORTSIDE_NATIVE_MODULE: path },
    encoding: 'utf8',
  });
  return stdout.trim();
}

void test('loadNative takes the module that the environment names', () => {
  // Anything that `require` takes will do.
  assert.match(loadWith(fileURLToPath(new URL('../../package.json', import.meta.url))), /^name,version,/);
});

void test('loadNative takes nothing else when what is named is not there', () => {
  assert.match(
    loadWith('/nonexistent/portside.node'),
    /^UnsupportedError: .*no native module.*Cannot find module/,
  );
});

void test('loadNative refuses a relative path', () => {
  assert.match(loadWith('portside.node'), /^UnsupportedError: .*not an absolute path/);
});
