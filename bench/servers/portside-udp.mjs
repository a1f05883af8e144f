/** Datagrams over Portside's engine, through the provider contract. A word: how they are read, `view` or `owned`. */
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve, serviceOf, wordsOf } from './control.mjs';
import { datagramCounter, Flood } from './payload.mjs';

/**
 * @typedef {import('../../src/base/provider.ts').ReceivedDatagram} ReceivedDatagram
 * @typedef {import('../../src/base/address.ts').SocketAddress} SocketAddress
 * @typedef {import('../../src/base/provider.ts').OutgoingDatagram} OutgoingDatagram
 */

const socket = await localProvider().bind({ host: '127.0.0.1', port: 0 });

const echo = {
  /** @param {ReceivedDatagram} datagram */
  receive({ bytes, remote }) {
    socket.send({ bytes, to: remote });
  },
};

const count = datagramCounter();
const sink = {
  /** @param {ReceivedDatagram} datagram */
  receive({ bytes, remote }) {
    const answer = count(bytes);
    if (answer !== undefined) socket.send({ bytes: answer, to: remote });
  },
};

/** @type {Flood<SocketAddress>} */
const flood = new Flood();
/** @type {OutgoingDatagram[]} */
let burst = [];

/** Sends what the socket takes; `drain` has the rest of the burst tried again, from its beginning. */
function pump() {
  if (!flood.isOn) return;
  const taken = socket.sendMany(burst);
  flood.sent += taken;
  if (taken === burst.length) setImmediate(pump);
}

const source = {
  /** @param {ReceivedDatagram} datagram */
  receive({ bytes, remote }) {
    const answer = flood.hear(bytes, remote);
    if (answer !== undefined) {
      socket.send({ bytes: answer, to: remote });
    } else if (flood.isOn) {
      burst = flood.burst.map((to) => ({ bytes: flood.payload, to }));
      setImmediate(pump);
    }
  },
  drain: pump,
};

const SERVICES = { echo, sink, source };
const [chunks] = wordsOf();
if (chunks !== 'view' && chunks !== 'owned') throw new Error(`"${String(chunks)}" is no kind of chunks`);
socket.start(
  {
    ...SERVICES[serviceOf(['echo', 'sink', 'source'])],
    /** @param {Error} error */
    error(error) {
      throw error;
    },
    close() {
      // Never before this process ends.
    },
  },
  { chunks },
);
if (!('port' in socket.local)) throw new Error('the socket has no port');
serve(socket.local.port);
