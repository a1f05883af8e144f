// @ts-nocheck Deno's globals have no types here.
/** Echo over `Deno.listen`. */
import { serve, serviceOf } from './control.mjs';

const CHUNK_SIZE = 64 * 1024;

async function echo(connection) {
  const chunk = new Uint8Array(CHUNK_SIZE);
  try {
    for (;;) {
      const size = await connection.read(chunk);
      if (size === null) break;
      let written = 0;
      while (written < size) written += await connection.write(chunk.subarray(written, size));
    }
  } catch (error) {
    if (!isPeersFault(error)) throw error;
  } finally {
    connection.close();
  }
}

function isPeersFault(error) {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

async function acceptAll(listener, handle) {
  for (;;) {
    let connection;
    try {
      connection = await listener.accept();
      connection.setNoDelay(true);
    } catch (error) {
      // A peer may be gone before it is accepted; the listener is still good.
      if (error instanceof Deno.errors.BadResource) return;
      connection?.close();
      continue;
    }
    handle(connection);
  }
}

const listener = Deno.listen({ hostname: '127.0.0.1', port: 0 });
serve(listener.addr.port);
const close = (connection) => connection.close();
await acceptAll(listener, serviceOf(['echo', 'accept']) === 'echo' ? echo : close);
