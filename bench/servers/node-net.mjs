/** Echo over `node:net`, as plainly and as fast as its documentation allows. */
import net from 'node:net';
import { serve, serviceOf } from './control.mjs';

/** @param {net.Socket} socket */
function echo(socket) {
  socket.on('data', (chunk) => {
    socket.write(chunk);
  });
  socket.on('error', () => {
    socket.destroy();
  });
}

/** @param {net.Socket} socket */
function close(socket) {
  socket.destroy();
}

const server = net.createServer(
  { noDelay: true, highWaterMark: 64 * 1024 },
  serviceOf(['echo', 'accept']) === 'echo' ? echo : close,
);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  serve(/** @type {net.AddressInfo} */ (server.address()).port);
});
