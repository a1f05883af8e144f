/** Datagrams over `node:dgram`, as plainly and as fast as its documentation allows. */
import dgram from 'node:dgram';
import { serve, serviceOf } from './control.mjs';
import { datagramCounter, Flood } from './payload.mjs';

const socket = dgram.createSocket('udp4');

function echo() {
  socket.on('message', (bytes, { port, address }) => {
    socket.send(bytes, port, address);
  });
}

function sink() {
  const count = datagramCounter();
  socket.on('message', (bytes, { port, address }) => {
    const answer = count(bytes);
    if (answer !== undefined) socket.send(answer, port, address);
  });
}

function source() {
  /** @type {Flood<dgram.RemoteInfo>} */
  const flood = new Flood();
  // A send is done before it returns and answers in the same turn: a chain of them would never let the loop read.
  const pump = () => {
    if (!flood.isOn) return;
    for (const { port, address } of flood.burst) socket.send(flood.payload, port, address);
    flood.sent += flood.burst.length;
    setImmediate(pump);
  };
  socket.on('message', (bytes, peer) => {
    const answer = flood.hear(bytes, peer);
    if (answer !== undefined) socket.send(answer, peer.port, peer.address);
    else if (flood.isOn) setImmediate(pump);
  });
}

const SERVICES = { echo, sink, source };
SERVICES[serviceOf(['echo', 'sink', 'source'])]();
socket.bind(0, '127.0.0.1', () => {
  serve(socket.address().port);
});
