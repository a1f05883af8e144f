/** Ten thousand connections up and down (F06). Two processes, for one may not have that many descriptors. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { node } from '../testing/node/peer.ts';

const CONNECTIONS = 10_000;
const ROUNDS = 2;

/** Node opens a few descriptors of its own as it goes along: those that count are sockets. */
const SOCKETS = `
const sockets = () => readdirSync('/proc/self/fd').filter((fd) => {
  try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:'); } catch { return false; }
}).length;
`;

const SERVER = `${SOCKETS}
const input = lines();
const provider = localProvider();
const listener = await provider.listen({});
const before = sockets();
let open = 0;
let most = 0;
listener.start({
  accept: (stream) => {
    most = Math.max(most, ++open);
    stream.start({ data: (chunk) => stream.write(chunk), end: () => stream.closeWrite(), close: () => { open--; } }, { chunks: 'view' });
  },
  close() {},
});
say(listener.local.port);
await input.next();
say([most, open, sockets() - before]);
await provider.close();
process.exit();`;

const CLIENT = `${SOCKETS}
const [port, connections, rounds] = args.map(Number);
const provider = localProvider();
const before = sockets();
for (let round = 0; round < rounds; round++) {
  const streams = [];
  while (streams.length < connections) {
    const batch = Array.from({ length: 250 }, () => provider.connect({ host: '127.0.0.1', port }));
    streams.push(...(await Promise.all(batch)));
  }
  await Promise.all(streams.map((stream, i) => new Promise((resolve, reject) => {
    stream.start({
      data: (chunk) => { if (chunk[0] === (i & 255)) stream.closeWrite(); else reject(new Error('wrong byte')); },
      close: (error) => { if (error === null) resolve(); else reject(error); },
    }, { chunks: 'view' });
    stream.write(Uint8Array.of(i & 255));
  })));
  say([streams.length, sockets() - before]);
}
await provider.close();`;

test(`${String(CONNECTIONS)} connections at once, ${String(ROUNDS)} times, and every descriptor is given back (F06)`, async (t) => {
  const server = node(t, SERVER);
  const port = await server.line();
  const client = node(t, CLIENT, { args: [port, String(CONNECTIONS), String(ROUNDS)] });
  for (let i = 0; i < ROUNDS; i++) assert.deepEqual(await client.json(), [CONNECTIONS, 0]);
  assert.equal((await client.ended).status, 0);
  server.say('how many?');
  const [most, open, more] = await server.json<number[]>();
  assert.ok((most ?? 0) >= CONNECTIONS, String(most));
  assert.deepEqual([open, more], [0, 0]);
});
