/** Echo over `node:dgram` that makes the same objects as `chrome.sockets.udp`. */
import dgram from 'node:dgram';
import { serve, serviceOf } from './control.mjs';
import { dispatch, offer } from './udp-facade.mjs';

serviceOf(['echo']);
const socket = dgram.createSocket('udp4');

offer((data, address, port, callback) => {
  socket.send(new Uint8Array(data), port, address, (error) => {
    callback(error ? { resultCode: -2, bytesSent: 0 } : { resultCode: 0, bytesSent: data.byteLength });
  });
});
socket.on('message', (bytes, { address, port }) => {
  const data = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(data).set(bytes);
  dispatch(data, address, port);
});
socket.bind(0, '127.0.0.1', () => {
  serve(socket.address().port);
});
