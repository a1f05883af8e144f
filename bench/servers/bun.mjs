// @ts-nocheck Bun's globals have no types here.
/** Echo over `Bun.listen`, which sets TCP_NODELAY by itself. */
import { serve, serviceOf } from './control.mjs';

/** Writes what an earlier write left over; `socket.data` is that rest. */
function drain(socket) {
  const rest = socket.data;
  if (rest === undefined) return;
  const taken = socket.write(rest);
  socket.data = taken < rest.length ? rest.subarray(Math.max(taken, 0)) : undefined;
}

const echo = {
  data(socket, chunk) {
    if (socket.data !== undefined) {
      socket.data = Buffer.concat([socket.data, chunk]);
      return;
    }
    const taken = socket.write(chunk);
    if (taken < chunk.length) socket.data = Buffer.from(chunk.subarray(Math.max(taken, 0)));
  },
  drain,
  error(socket) {
    socket.terminate();
  },
};

const close = {
  open(socket) {
    socket.end();
  },
  data() {
    // Nothing is sent in this mode.
  },
  error(socket) {
    socket.terminate();
  },
};

const socket = serviceOf(['echo', 'accept']) === 'echo' ? echo : close;
serve(Bun.listen({ hostname: '127.0.0.1', port: 0, socket }).port);
