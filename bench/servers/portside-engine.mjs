/** Echo over Portside's engine, through the provider contract. The word `guarded` has a policy judge what it may do. */
import { guard, parseRules, rulesPolicy } from '../../dist/doors/permissions.js';
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve, serviceOf, wordsOf } from './control.mjs';
import { Echo } from './portside-services.mjs';

/** @typedef {import('../../src/base/provider.ts').Stream} Stream */

/** @type {import('../../src/base/provider.ts').ReadOptions} */
const READ_OPTIONS = { chunks: 'view' };

const SINKS = {
  echo: {
    /** @param {Stream} stream */
    accept(stream) {
      stream.start(new Echo(stream), READ_OPTIONS);
    },
  },
  accept: {
    /** @param {Stream} stream */
    accept(stream) {
      void stream.close();
    },
  },
};

/** Longer than the load generator takes to ask again. */
const BUSY_POLL_MICROS = 50;

/** @param {Error | null} error */
function close(error) {
  if (error !== null) throw error;
}

/** @param {Error} error */
function onListenerError(error) {
  throw error;
}

const local = localProvider(wordsOf().includes('busy') ? { busyPoll: BUSY_POLL_MICROS } : {});
const policy = rulesPolicy(parseRules(['tcp-listen:127.0.0.1:*']));
const provider = wordsOf().includes('guarded') ? guard(local, policy) : local;
const listener = await provider.listen({ port: 0, backlog: 4096, options: { noDelay: true } });
listener.start({ ...SINKS[serviceOf(['echo', 'accept'])], error: onListenerError, close });
if (!('port' in listener.local)) throw new Error('the listener has no port');
serve(listener.local.port);
