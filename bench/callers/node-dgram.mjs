/** Datagrams over `node:dgram`: 32 on their way at a time, as its documentation allows. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import { BATCH, requireSame, serve, SIZE, wrong } from './harness.mjs';

/** @returns {Promise<dgram.Socket>} */
async function bound() {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** @param {dgram.Socket} socket @param {dgram.Socket} peer */
async function connect(socket, peer) {
  socket.connect(peer.address().port, '127.0.0.1');
  await once(socket, 'connect');
}

async function datagrams() {
  const [left, right] = [await bound(), await bound()];
  await connect(left, right);
  await connect(right, left);
  /** @type {Uint8Array} */
  let message = new Uint8Array(SIZE).fill(7);
  let last = new Uint8Array(0);
  let missing = 0;
  let allArrived = () => undefined;
  right.on('message', (bytes) => {
    if (bytes.length !== SIZE) wrong('message', bytes.length);
    last = bytes;
    missing--;
    if (missing === 0) allArrived();
  });
  const exchange = () =>
    new Promise((resolve) => {
      missing = BATCH;
      allArrived = () => void resolve(undefined);
      for (let i = 0; i < BATCH; i++) left.send(message);
    });
  return {
    size: BATCH,
    turn: exchange,
    /** @param {Uint8Array} fresh */
    verify: async (fresh) => {
      message = fresh;
      await exchange();
      requireSame(fresh, last);
    },
  };
}

await serve({ datagrams });
