/** Echo as a WebExtension writes it, with `TCPSocket` over Portside's engine. */
import { createBrowser } from '../../dist/doors/tcpsocket.js';
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve } from './control.mjs';

/** @typedef {import('../../src/doors/tcpsocket.ts').ClientSocket} ClientSocket */

const manifest = { name: 'echo', permissions: ['tcp-listen:*'] };
const { TCPSocket } = createBrowser({ manifest, provider: localProvider() });
if (TCPSocket?.listen === undefined) throw new Error('listening is not permitted');

/** @param {ClientSocket} socket */
async function echo(socket) {
  for (;;) {
    const chunk = await socket.read();
    if (chunk.byteLength === 0) return;
    await socket.write(chunk);
  }
}

function onBroken() {
  // A load generator that is gone is noticed by the load generator.
}

const server = await TCPSocket.listen({ host: '127.0.0.1', backlog: 4096 });
serve(server.localPort);
for await (const socket of server.connections) echo(socket).catch(onBroken);
