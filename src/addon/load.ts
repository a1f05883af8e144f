/** Finds the native module: a prebuilt binary of the package, or one that was built from its source. */
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

import { UnsupportedError } from '../base/errors.ts';
import type { NativeModule } from './types.ts';

const require = createRequire(import.meta.url);

let loaded: NativeModule | undefined;

/** Runtimes that load the binary and then fail in it. */
function refuseRuntime(): void {
  const { bun, deno } = process.versions as Partial<Record<string, string>>;
  // Bun ends the process in uv_poll_init, and Deno's uv_poll stops reporting; neither can be detected by trying.
  if (bun !== undefined) throw new UnsupportedError('the native engine does not run on Bun');
  if (deno !== undefined) throw new UnsupportedError('the native engine does not run on Deno');
}

/**
 * The module that the environment variable `PORTSIDE_NATIVE_MODULE` names by its absolute path, or the package's own.
 * The variable is for tests of builds with other flags, such as sanitizers: what it names is loaded without a second
 * try, so that no test runs on another binary than it was told to.
 */
function findModule(): NativeModule {
  const given = process.env['PORTSIDE_NATIVE_MODULE'];
  if (given === undefined || given === '') {
    const find = require('node-gyp-build') as (root: string) => NativeModule;
    return find(fileURLToPath(new URL('../..', import.meta.url)));
  }
  if (!isAbsolute(given)) throw new Error(`PORTSIDE_NATIVE_MODULE is not an absolute path: ${given}`);
  return require(given) as NativeModule;
}

/**
 * Loads the native module, once for each thread.
 *
 * @throws {UnsupportedError} there is no binary for this system or runtime; `cause` says what was tried
 */
export function loadNative(): NativeModule {
  if (loaded !== undefined) return loaded;
  refuseRuntime();
  try {
    loaded = findModule();
  } catch (cause) {
    const system = `${process.platform}-${process.arch}`;
    throw new UnsupportedError(`no native module for ${system}`, { op: 'load', cause });
  }
  return loaded;
}
