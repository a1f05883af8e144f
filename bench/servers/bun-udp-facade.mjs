// @ts-nocheck Bun's globals have no types here.
/** Echo over `Bun.udpSocket` that makes the same objects as `chrome.sockets.udp`. */
import { serve, serviceOf } from './control.mjs';
import { dispatch, offer } from './udp-facade.mjs';

serviceOf(['echo']);

/** Callbacks whose datagrams the kernel has, to be run once the current events are handled. */
let due = [];
/** What it would not take yet. */
const unsent = [];

function runDue() {
  const now = due;
  due = [];
  for (const { callback, bytesSent } of now) callback({ resultCode: 0, bytesSent });
}

function finish(callback, bytesSent) {
  if (due.length === 0) queueMicrotask(runDue);
  due.push({ callback, bytesSent });
}

const socket = await Bun.udpSocket({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    data(_socket, bytes, port, address) {
      const data = new ArrayBuffer(bytes.byteLength);
      new Uint8Array(data).set(bytes);
      dispatch(data, address, port);
    },
    drain(socket) {
      while (unsent.length > 0) {
        const { data, port, address, callback } = unsent[0];
        if (!socket.send(data, port, address)) return;
        unsent.shift();
        finish(callback, data.byteLength);
      }
    },
  },
});
offer((data, address, port, callback) => {
  if (unsent.length === 0 && socket.send(data, port, address)) finish(callback, data.byteLength);
  else unsent.push({ data, port, address, callback });
});
serve(socket.port);
