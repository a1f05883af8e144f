/** Who comes in on port 7010 says a name, and then whatever there is to say. `nc localhost 7010` comes in too. */
import { linesOf, say } from './lines.js';

const PORT = 7010;
/** Bytes that may wait for a visitor who does not listen. */
const PATIENCE = 64 * 1024;

const visitors = new Map();

function tellOthers(speaker, line) {
  for (const [socket] of visitors) {
    if (socket === speaker) continue;
    if (socket.bufferedAmount > PATIENCE) {
      // Nobody waits for somebody who does not listen.
      socket.closeImmediately();
      continue;
    }
    // How it went is told by the visitor's own reading.
    say(socket, line).catch(() => undefined);
  }
}

async function welcome(socket) {
  let name;
  try {
    for await (const line of linesOf(socket)) {
      if (line === '') continue;
      if (name === undefined) {
        name = line.slice(0, 40);
        visitors.set(socket, name);
        await say(socket, `welcome, ${name}; here: ${[...visitors.values()].join(', ')}`);
        tellOthers(socket, `${name} comes in`);
        console.log(`${name} comes in from ${socket.host}`);
      } else {
        tellOthers(socket, `${name}: ${line}`);
        console.log(`${name}: ${line}`);
      }
    }
  } catch (error) {
    console.warn(`${name ?? socket.host} is lost: ${error.message}`);
  } finally {
    visitors.delete(socket);
    await socket.close();
    if (name !== undefined) {
      tellOthers(socket, `${name} leaves`);
      console.log(`${name} leaves`);
    }
  }
}

async function open() {
  try {
    return await browser.TCPSocket.listen({ port: PORT });
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    console.warn(`port ${PORT} is taken; using a free one`);
    return browser.TCPSocket.listen();
  }
}

const server = await open();
console.log(`the room is open on port ${server.localPort}`);
for await (const socket of server.connections) welcome(socket);
