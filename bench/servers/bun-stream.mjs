// @ts-nocheck Bun's globals have no types here.
/** Streams over `Bun.listen`: in one direction, and, where it is given a folder with a certificate, with TLS. */
import path from 'node:path';
import { serve, serviceOf, wordsOf } from './control.mjs';
import { BLOCK_SIZE, pattern, streamCounter } from './payload.mjs';

const block = pattern(BLOCK_SIZE);

/** Writes what an earlier write left over; `socket.data.rest` is that rest. */
function push(socket, bytes) {
  const taken = Math.max(socket.write(bytes), 0);
  socket.data.rest = taken < bytes.length ? bytes.subarray(taken) : undefined;
}

function fill(socket) {
  while (socket.data.rest === undefined) push(socket, block);
}

const SERVICES = {
  echo: {
    open(socket) {
      socket.data = { rest: undefined };
    },
    data(socket, chunk) {
      const { rest } = socket.data;
      if (rest === undefined) push(socket, Buffer.from(chunk));
      else socket.data.rest = Buffer.concat([rest, chunk]);
    },
    drain(socket) {
      if (socket.data.rest !== undefined) push(socket, socket.data.rest);
    },
  },
  sink: {
    open(socket) {
      socket.data = { rest: undefined, count: streamCounter((answer) => push(socket, answer)) };
    },
    data(socket, chunk) {
      socket.data.count(chunk);
    },
    drain(socket) {
      if (socket.data.rest !== undefined) push(socket, socket.data.rest);
    },
  },
  source: {
    open(socket) {
      socket.data = { rest: undefined };
    },
    data(socket) {
      fill(socket);
    },
    drain(socket) {
      if (socket.data.rest !== undefined) push(socket, socket.data.rest);
      fill(socket);
    },
  },
};

const [folder] = wordsOf();
const tls =
  folder === undefined
    ? undefined
    : { cert: Bun.file(path.join(folder, 'tls.crt')), key: Bun.file(path.join(folder, 'tls.key')) };

const socket = {
  ...SERVICES[serviceOf(['echo', 'sink', 'source'])],
  error(socket) {
    socket.terminate();
  },
};
serve(Bun.listen({ hostname: '127.0.0.1', port: 0, tls, socket }).port);
