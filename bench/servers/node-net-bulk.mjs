/** Streams in one direction over `node:net`, as plainly and as fast as its documentation allows. */
import net from 'node:net';
import { serve, serviceOf } from './control.mjs';
import { NODE_SERVICES } from './node-services.mjs';

const service = NODE_SERVICES[serviceOf(['sink', 'source'])];

const server = net.createServer({ noDelay: true, highWaterMark: 64 * 1024 }, (socket) => {
  socket.on('error', () => {
    socket.destroy();
  });
  service(socket);
});
server.listen({ port: 0, host: '127.0.0.1' }, () => {
  serve(/** @type {net.AddressInfo} */ (server.address()).port);
});
