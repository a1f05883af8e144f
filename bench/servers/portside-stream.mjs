/**
 * Streams over Portside's engine, through the provider contract. Words: how chunks are read, `view` or `owned`; and for
 * TLS the folder of its certificate.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve, serviceOf, wordsOf } from './control.mjs';
import { PORTSIDE_SERVICES } from './portside-services.mjs';

/** @typedef {import('../../src/base/provider.ts').Stream} Stream */

const Service = PORTSIDE_SERVICES[serviceOf(['echo', 'sink', 'source'])];
const [chunks, folder] = wordsOf();
if (chunks !== 'view' && chunks !== 'owned') throw new Error(`"${String(chunks)}" is no kind of chunks`);

/** @param {string} name */
const material = (name) => readFileSync(path.join(String(folder), name));
const tls = folder === undefined ? undefined : { cert: material('tls.crt'), key: material('tls.key') };

const listener = await localProvider().listen({ port: 0, backlog: 4096, tls, options: { noDelay: true } });
listener.start({
  /** @param {Stream} stream */
  accept(stream) {
    stream.start(new Service(stream), { chunks });
  },
  /** @param {Error} error */
  error(error) {
    throw error;
  },
  /** @param {Error | null} error */
  close(error) {
    if (error !== null) throw error;
  },
});
if (!('port' in listener.local)) throw new Error('the listener has no port');
serve(listener.local.port);
