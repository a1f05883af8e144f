import { HttpError, requestsOf, respond } from './http.js';

const PORT = 8089;
let served = 0;

const PAGES = {
  '/': () => ({
    type: 'text/html',
    body: `<!doctype html><title>HTTP Extension</title><h1>Hello from an extension</h1><p>This is answer ${served}.</p>`,
  }),
  '/time': () => ({ body: `${new Date().toISOString()}\n` }),
};

function answerOf({ method, target }) {
  if (method !== 'GET' && method !== 'HEAD') {
    return { status: 405, body: `${method} is not known here\n`, headers: { Allow: 'GET, HEAD' } };
  }
  const page = PAGES[target.split('?', 1)[0]];
  return page === undefined ? { status: 404, body: `there is no ${target}\n` } : { status: 200, ...page() };
}

async function serve(socket) {
  try {
    for await (const request of requestsOf(socket)) {
      served += 1;
      const answer = answerOf(request);
      console.log(`${socket.host} ${request.method} ${request.target} ${answer.status}`);
      const { keepsAlive } = request;
      await respond(socket, { ...answer, keepsAlive, isHead: request.method === 'HEAD' });
      if (!keepsAlive) break;
    }
  } catch (error) {
    if (error instanceof HttpError) {
      await respond(socket, { status: error.status, body: `${error.message}\n` }).catch(() => undefined);
    } else console.warn(`${socket.host}: ${error.message}`);
  } finally {
    await socket.close();
  }
}

async function open() {
  try {
    return await browser.TCPSocket.listen({ port: PORT, host: '127.0.0.1' });
  } catch (error) {
    if (error.code !== 'EADDRINUSE') throw error;
    console.warn(`port ${PORT} is taken; using a free one`);
    return browser.TCPSocket.listen({ host: '127.0.0.1' });
  }
}

const server = await open();
console.log(`serving http://localhost:${server.localPort}/`);
for await (const socket of server.connections) serve(socket);
