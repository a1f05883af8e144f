/** `node:tls`, as plainly and as fast as its documentation allows. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { serve, serviceOf, wordsOf } from './control.mjs';
import { NODE_SERVICES } from './node-services.mjs';

const service = NODE_SERVICES[serviceOf(['echo', 'sink', 'source'])];
const [folder = ''] = wordsOf();

const options = {
  cert: readFileSync(path.join(folder, 'tls.crt')),
  key: readFileSync(path.join(folder, 'tls.key')),
  noDelay: true,
  highWaterMark: 64 * 1024,
};
const server = tls.createServer(options, (socket) => {
  socket.on('error', () => {
    socket.destroy();
  });
  service(socket);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  serve(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
});
