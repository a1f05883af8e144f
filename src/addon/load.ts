/** Finds the native module: a prebuilt binary of the package, or one that was built from its source. */
import { createRequire } from 'node:module';
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
 * Loads the native module, once for each thread.
 *
 * @throws {UnsupportedError} there is no binary for this system or runtime; `cause` says what was tried
 */
export function loadNative(): NativeModule {
  if (loaded !== undefined) return loaded;
  refuseRuntime();
  try {
    const find = require('node-gyp-build') as (root: string) => NativeModule;
    loaded = find(fileURLToPath(new URL('../..', import.meta.url)));
  } catch (cause) {
    const system = `${process.platform}-${process.arch}`;
    throw new UnsupportedError(`no native module for ${system}`, { op: 'load', cause });
  }
  return loaded;
}
