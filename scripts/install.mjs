/**
 * npm's `install` step: makes sure that there is a native module that loads, where that can be had. It downloads nothing
 * and never fails the install: without the module, Portside works over `node:net` (see the README's support table).
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { execPath, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildNative, hasCachedHeaders, headersFolder, missingCompileTools } from './build-native.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether the loader finds a module that works, ready-made or compiled here. */
function isReady() {
  const script = "require('node-gyp-build')(process.argv[1])";
  return spawnSync(execPath, ['-e', script, root], { cwd: root, stdio: 'ignore' }).status === 0;
}

/** Why compiling here is not worth trying, or `undefined`. */
function obstacle() {
  if (platform !== 'linux') return `the native engine does not support ${platform} yet`;
  if (!existsSync(`${root}/native`)) return 'the sources of the native module are not here';
  const missing = missingCompileTools();
  if (missing.length > 0) return `not found: ${missing.join(', ')}`;
  if (headersFolder() === undefined && !hasCachedHeaders())
    return "Node's C++ headers are not on this machine";
  return undefined;
}

/** The compiler's first complaint, or the last thing it said. */
function reasonOf(output) {
  const lines = output.trim().split('\n');
  return lines.find((line) => /\berror\b|not found/i.test(line)) ?? lines.at(-1) ?? 'unknown';
}

function explain(reason) {
  console.error(`portside: no native module (${reason.trim()}).`);
  console.error('portside: TCP and Unix sockets work through node:net; options that it lacks are refused.');
  console.error(
    'portside: for the native engine, install g++, make and python3, then run: npm rebuild portside',
  );
}

if (!isReady()) {
  const reason = obstacle();
  if (reason !== undefined) {
    explain(reason);
  } else {
    console.error('portside: compiling the native module ...');
    const { ok, output } = buildNative();
    if (!ok) explain(reasonOf(output));
  }
}
