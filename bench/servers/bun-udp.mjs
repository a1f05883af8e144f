// @ts-nocheck Bun's globals have no types here.
/** Datagrams over `Bun.udpSocket`. */
import { serve, serviceOf } from './control.mjs';
import { datagramCounter, Flood } from './payload.mjs';

/** What the kernel would not take yet, in order. */
const unsent = [];

function send(socket, bytes, port, address) {
  if (unsent.length === 0 && socket.send(bytes, port, address)) return;
  unsent.push([Buffer.from(bytes), port, address]);
}

function drain(socket) {
  while (unsent.length > 0 && socket.send(...unsent[0])) unsent.shift();
}

const echo = { data: send, drain };

const count = datagramCounter();
const sink = {
  data(socket, bytes, port, address) {
    const answer = count(bytes);
    if (answer !== undefined) send(socket, answer, port, address);
  },
  drain,
};

const flood = new Flood();

/** One call for the whole burst. */
function pump(socket) {
  if (!flood.isOn) return;
  flood.sent += socket.sendMany(flood.burst.flatMap(({ port, address }) => [flood.payload, port, address]));
  setImmediate(pump, socket);
}

const source = {
  data(socket, bytes, port, address) {
    const answer = flood.hear(bytes, { port, address });
    if (answer !== undefined) send(socket, answer, port, address);
    else if (flood.isOn) setImmediate(pump, socket);
  },
  drain,
};

const SERVICES = { echo, sink, source };
const socket = await Bun.udpSocket({
  hostname: '127.0.0.1',
  port: 0,
  socket: SERVICES[serviceOf(['echo', 'sink', 'source'])],
});
serve(socket.port);
