/**
 * Echo over `node:net` that makes the same objects as `chrome.sockets`: for each message a fresh ArrayBuffer of exactly
 * its size and an info object, and an answer through a send with a callback, by socket number.
 */
import net from 'node:net';
import { serve } from './control.mjs';

/** @typedef {{ socketId: number, data: ArrayBuffer }} ReceiveInfo */
/** @typedef {{ resultCode: number, bytesSent: number }} SendInfo */

/** @type {Map<number, net.Socket>} */
const sockets = new Map();
/** @type {Set<(info: ReceiveInfo) => void>} */
const receiveListeners = new Set();
let lastId = 0;

/**
 * @param {number} socketId
 * @param {ArrayBuffer} data
 * @param {(info: SendInfo) => void} callback
 */
function send(socketId, data, callback) {
  const socket = sockets.get(socketId);
  if (socket === undefined) {
    callback({ resultCode: -15, bytesSent: 0 });
    return;
  }
  socket.write(Buffer.from(data), (error) => {
    callback(error ? { resultCode: -2, bytesSent: 0 } : { resultCode: 0, bytesSent: data.byteLength });
  });
}

/** @param {net.Socket} socket */
function accept(socket) {
  const socketId = ++lastId;
  sockets.set(socketId, socket);
  socket.on('data', (chunk) => {
    const data = new ArrayBuffer(chunk.byteLength);
    new Uint8Array(data).set(chunk);
    for (const listener of receiveListeners) listener({ socketId, data });
  });
  socket.on('error', () => {
    socket.destroy();
  });
  socket.on('close', () => {
    sockets.delete(socketId);
  });
}

/** @param {SendInfo} result */
function onSent(result) {
  if (result.resultCode < 0) throw new Error(`send failed with ${String(result.resultCode)}`);
}

receiveListeners.add((info) => {
  send(info.socketId, info.data, onSent);
});

const server = net.createServer({ noDelay: true, highWaterMark: 64 * 1024 }, accept);
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  serve(/** @type {net.AddressInfo} */ (server.address()).port);
});
