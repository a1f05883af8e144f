/** Where things are. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const BENCH = fileURLToPath(new URL('..', import.meta.url));
export const ROOT = path.dirname(path.resolve(BENCH));
export const LOAD_SOURCES = path.join(BENCH, 'load');
export const CALLER_SOURCES = path.join(BENCH, 'callers');
export const SERVER_SOURCES = path.join(BENCH, 'servers');
export const BUILD = path.join(BENCH, 'build');
export const CACHE = path.join(BENCH, '.cache');
export const RESULTS = path.join(BENCH, 'results');
export const LOAD_PROGRAM = path.join(BUILD, 'load');
