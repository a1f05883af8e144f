import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCachedHeaders, headersFolder } from './build-native.mjs';
import { ROOT, capture } from './steps.mjs';

const noLinux = process.platform !== 'linux' && 'the module is compiled on Linux only';
const noHeaders =
  headersFolder() === undefined && !hasCachedHeaders() && "Node's headers are not on this machine";

/** A package as it is when unpacked, with a native module of one line, or with `source` for it. */
function makePackage(t, source) {
  const folder = mkdtempSync(join(tmpdir(), 'portside-install-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  for (const path of ['package.json', 'binding.gyp', 'scripts/install.mjs', 'scripts/build-native.mjs']) {
    cpSync(join(ROOT, path), join(folder, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'native/core'), { recursive: true });
  mkdirSync(join(folder, 'native/binding'));
  writeFileSync(join(folder, 'native/core/none.cc'), '');
  writeFileSync(join(folder, 'native/binding/addon.cc'), source);
  return folder;
}

const GOOD = `
#include <napi.h>
Napi::Object Init(Napi::Env env, Napi::Object exports) { return exports; }
NODE_API_MODULE(portside, Init)
`;

function install(folder, env = process.env) {
  return capture(process.execPath, ['scripts/install.mjs'], { cwd: folder, env });
}

test('install without a compiler succeeds, says so, and what to do', { skip: noLinux || noHeaders }, (t) => {
  const { ok, output } = install(makePackage(t, GOOD), {
    ...process.env,
    PATH: '/nonexistent',
    CXX: undefined,
  });
  assert.equal(ok, true, output);
  assert.match(output, /no native module \(not found: python3, make, g\+\+\)/);
  assert.match(output, /work through node:net/);
  assert.match(output, /npm rebuild portside/);
  assert.equal(output.trim().split('\n').length, 3);
});

test('install compiles where it can, and is silent when it has', { skip: noLinux || noHeaders }, (t) => {
  const folder = makePackage(t, GOOD);
  assert.deepEqual(install(folder), { ok: true, output: 'portside: compiling the native module ...\n' });
  assert.deepEqual(install(folder), { ok: true, output: '' });
});

test("install quotes the compiler's first complaint", { skip: noLinux || noHeaders }, (t) => {
  const { ok, output } = install(makePackage(t, 'this is no program;'));
  assert.equal(ok, true, output);
  assert.match(output, /no native module \(.*addon\.cc:1:1: error: /);
});

test('install without sources or a binary succeeds, and says so', { skip: noLinux }, (t) => {
  const folder = makePackage(t, GOOD);
  rmSync(join(folder, 'native'), { recursive: true });
  const { ok, output } = install(folder);
  assert.equal(ok, true, output);
  assert.match(output, /no native module \(the sources of the native module are not here\)/);
});
