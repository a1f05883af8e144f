/**
 * What every benchmark server does besides serving: it prints its port, collects its garbage when a line arrives on
 * stdin, and ends when stdin ends. Runs in Node, Bun and Deno.
 */
import process from 'node:process';

/**
 * What a server is started to do: answer what it gets, close at once, read, or send.
 *
 * @typedef {'echo' | 'accept' | 'sink' | 'source'} Service
 */

/**
 * The service from the command line, if it is one of those that the server offers.
 *
 * @template {Service} S
 * @param {readonly S[]} offered
 * @returns {S}
 */
export function serviceOf(offered) {
  const service = offered.find((name) => name === process.argv[2]);
  if (service === undefined) {
    throw new Error(`usage: SERVER ${offered.join('|')}, not ${String(process.argv[2])}`);
  }
  return service;
}

/** Words of the server's row, and for TLS the folder of its certificate, behind the service. */
export function wordsOf() {
  return process.argv.slice(3);
}

/**
 * Tells the runner that the server is ready, and obeys it from then on.
 *
 * @param {number} port
 */
export function serve(port) {
  process.stdin.on('data', () => {
    void collectGarbage().then(() => process.stdout.write('collected\n'));
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write(`${String(port)}\n`);
}

/** Frees what can be freed, as far as the runtime lets a program ask for it. */
async function collectGarbage() {
  if (process.versions.bun !== undefined) {
    // @ts-ignore a global of Bun
    Bun.gc(true);
  } else if (process.versions['deno'] !== undefined) {
    // @ts-ignore there with --v8-flags=--expose-gc
    globalThis.gc();
  } else {
    await collectInNode();
  }
}

/**
 * `gc()` leaves the young generation at the size it has grown to, up to 48 MiB, which is more than what is to be
 * measured. The inspector's collection is V8's answer to low memory and shrinks it.
 */
async function collectInNode() {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}
