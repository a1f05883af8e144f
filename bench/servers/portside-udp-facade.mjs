/** Echo over Portside's engine that makes the same objects as `chrome.sockets.udp`. */
import { localProvider } from '../../dist/engine/local-provider.js';
import { serve, serviceOf } from './control.mjs';
import { dispatch, offer } from './udp-facade.mjs';

serviceOf(['echo']);
const socket = await localProvider().bind({ host: '127.0.0.1', port: 0 });

offer((data, host, port, callback) => {
  socket.send({ bytes: new Uint8Array(data), to: { family: 'ipv4', host, port } }, (error) => {
    callback(error ? { resultCode: -2, bytesSent: 0 } : { resultCode: 0, bytesSent: data.byteLength });
  });
});
socket.start({
  /** @param {import('../../src/base/provider.ts').ReceivedDatagram} datagram */
  receive({ bytes, remote }) {
    if (remote.family === 'unix') throw new Error('the sender has no address');
    const isWhole = bytes.byteLength === bytes.buffer.byteLength;
    const { buffer } = isWhole ? bytes : bytes.slice();
    dispatch(/** @type {ArrayBuffer} */ (buffer), remote.host, remote.port);
  },
  /** @param {Error} error */
  error(error) {
    throw error;
  },
  close() {
    // Never before this process ends.
  },
});
if (!('port' in socket.local)) throw new Error('the socket has no port');
serve(socket.local.port);
