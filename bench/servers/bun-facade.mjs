// @ts-nocheck Bun's globals have no types here.
/** The same objects as `node-net-facade.mjs` makes, over `Bun.listen`. */
import { serve } from './control.mjs';

const sockets = new Map();
const receiveListeners = new Set();
let lastId = 0;

/** Callbacks whose bytes the kernel has, to be run once the current events are handled. */
let due = [];

function runDue() {
  const now = due;
  due = [];
  for (const { callback, bytesSent } of now) callback({ resultCode: 0, bytesSent });
}

/** What a socket could not send yet. */
class Unsent {
  rest;
  constructor(rest, callback, size) {
    this.rest = rest;
    this.callback = callback;
    this.size = size;
  }
}

function finish(callback, bytesSent) {
  if (due.length === 0) queueMicrotask(runDue);
  due.push({ callback, bytesSent });
}

function send(socketId, data, callback) {
  const socket = sockets.get(socketId);
  if (socket === undefined) {
    callback({ resultCode: -15, bytesSent: 0 });
    return;
  }
  const bytes = new Uint8Array(data);
  if (socket.data.unsent.length > 0) {
    socket.data.unsent.push(new Unsent(bytes, callback, bytes.length));
    return;
  }
  const taken = Math.max(socket.write(bytes), 0);
  if (taken === bytes.length) finish(callback, taken);
  else socket.data.unsent.push(new Unsent(bytes.subarray(taken), callback, bytes.length));
}

function onSent(result) {
  if (result.resultCode < 0) throw new Error(`send failed with ${String(result.resultCode)}`);
}

receiveListeners.add((info) => {
  send(info.socketId, info.data, onSent);
});

const server = Bun.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: {
    open(socket) {
      const socketId = ++lastId;
      socket.data = { socketId, unsent: [] };
      sockets.set(socketId, socket);
    },
    data(socket, chunk) {
      const data = new ArrayBuffer(chunk.byteLength);
      new Uint8Array(data).set(chunk);
      const { socketId } = socket.data;
      for (const listener of receiveListeners) listener({ socketId, data });
    },
    drain(socket) {
      const { unsent } = socket.data;
      while (unsent.length > 0) {
        const first = unsent[0];
        const taken = Math.max(socket.write(first.rest), 0);
        if (taken < first.rest.length) {
          first.rest = first.rest.subarray(taken);
          return;
        }
        unsent.shift();
        finish(first.callback, first.size);
      }
    },
    close(socket) {
      sockets.delete(socket.data.socketId);
    },
    error(socket) {
      socket.terminate();
    },
  },
});
serve(server.port);
