/** What servers over Node's streams do, in the clear and with TLS. */
import { BLOCK_SIZE, pattern, streamCounter } from './payload.mjs';

/** @typedef {import('node:net').Socket} Socket */

/** @param {Socket} socket */
function echo(socket) {
  socket.on('data', (chunk) => {
    socket.write(chunk);
  });
}

/** @param {Socket} socket */
function sink(socket) {
  socket.on(
    'data',
    streamCounter((answer) => socket.write(answer)),
  );
}

/** Sends until the socket is full, and again when it has drained. @param {Socket} socket */
function source(socket) {
  const block = pattern(BLOCK_SIZE);
  const fill = () => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.once('data', () => {
    socket.on('drain', fill);
    fill();
  });
}

/** Each is given a socket that has just been accepted. */
export const NODE_SERVICES = { echo, sink, source };
