/** Echo over Portside's engine, through the provider contract. */
import { localProvider } from '../../dist/engine/local-provider.js';
import { modeFromArguments, serve } from './control.mjs';

/** @typedef {import('../../src/base/provider.ts').Stream} Stream */

/** One per stream, so that no function is made per connection. */
class Echo {
  /** @param {Stream} stream */
  constructor(stream) {
    this.stream = stream;
  }
  /** @param {Uint8Array} chunk */
  data(chunk) {
    this.stream.write(chunk);
  }
  /** The peer is done, and so is an echo: when both directions have ended, the stream closes itself. */
  end() {
    this.stream.closeWrite();
  }
  close() {
    // A load generator that is gone is noticed by the load generator.
  }
}

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

/** @param {Error | null} error */
function close(error) {
  if (error !== null) throw error;
}

/** @param {Error} error */
function onListenerError(error) {
  throw error;
}

const provider = localProvider();
const listener = await provider.listen({ port: 0, backlog: 4096, options: { noDelay: true } });
listener.start({ ...SINKS[modeFromArguments()], error: onListenerError, close });
if (!('port' in listener.local)) throw new Error('the listener has no port');
serve(listener.local.port);
