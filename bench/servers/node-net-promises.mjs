/** Echo over `node:net` by promises: chunks by async iteration, and writes that are awaited. */
import { once } from 'node:events';
import net from 'node:net';
import { serve } from './control.mjs';

const DONE = Promise.resolve();

/**
 * As that of `TCPSocket`: done at once while little is unsent, and else when it is sent.
 *
 * @param {net.Socket} socket
 * @param {Buffer} chunk
 * @returns {Promise<unknown>}
 */
function write(socket, chunk) {
  return socket.write(chunk) ? DONE : once(socket, 'drain');
}

/** @param {net.Socket} socket */
async function echo(socket) {
  for await (const chunk of socket) await write(socket, chunk);
}

function onBroken() {
  // A load generator that is gone is noticed by the load generator.
}

const server = net.createServer({ noDelay: true, highWaterMark: 64 * 1024 }, (socket) => {
  echo(socket).catch(onBroken);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  serve(/** @type {net.AddressInfo} */ (server.address()).port);
});
