/** Finds the native module: a prebuilt binary of the package, or one that was built from its source. */
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';

import { UnsupportedError } from '../base/errors.ts';
import type { NativeModule } from './types.ts';

const require = createRequire(import.meta.url);

let loaded: NativeModule | undefined;

/** Runtimes that load the binary and then fail in it, each with the reason. None can be detected by trying. */
const REFUSED: readonly (readonly [version: string, name: string])[] = [
  // uv_poll_init ends the process.
  ['bun', 'Bun'],
  // uv_poll stops reporting.
  ['deno', 'Deno'],
  // Buffers over memory that is not V8's are forbidden (docs/design/0007-memory-of-the-engine.md).
  ['electron', 'Electron'],
];

function refuseRuntime(): void {
  const versions: Readonly<Record<string, string | undefined>> = process.versions;
  for (const [version, name] of REFUSED) {
    if (versions[version] !== undefined) {
      throw new UnsupportedError(`the native engine does not run on ${name}`, { op: 'load' });
    }
  }
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

/** What tables are made from where there is no native module. */
const NOTHING: Pick<NativeModule, 'constants' | 'errorNumbers' | 'resolveErrors'> = {
  constants: {} as NativeModule['constants'],
  errorNumbers: {} as NativeModule['errorNumbers'],
  resolveErrors: {} as NativeModule['resolveErrors'],
};

/**
 * The numbers of this system, for tables that are made while modules are imported. They are empty where the native module
 * cannot be loaded: importing is no use of it, and the other providers are there to be used. Whatever uses the tables then
 * calls `loadNative`, which throws.
 */
export function numbersForTables(): Pick<NativeModule, 'constants' | 'errorNumbers' | 'resolveErrors'> {
  try {
    return loadNative();
  } catch (error) {
    if (error instanceof UnsupportedError) return NOTHING;
    throw error;
  }
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
