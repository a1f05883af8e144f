/** A thousand protected connections up and down (F06). */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SocketProvider, Stream } from '../base/provider.ts';
import { localProvider } from '../engine/local-provider.ts';
import { countDescriptors } from '../testing/node/leak-check.ts';
import { authority, good, portOf } from './test-kit.ts';
import { portableProvider } from './portable-provider.ts';

const CONNECTIONS = 1000;
/** Handshakes at once: each costs the one process both ends of it. */
const BATCH = 50;
const PROVIDERS: Readonly<Record<string, () => SocketProvider>> = {
  local: () => localProvider(),
  portable: () => portableProvider(),
};

/** Ends one by `how`; fulfils when it has told its last. */
type Ending = (stream: Stream) => void;
const ENDINGS: readonly Ending[] = [
  (stream) => {
    stream.closeWrite();
  },
  (stream) => void stream.close(),
  (stream) => {
    stream.abort();
  },
];

/** One byte there and back, and then an end, of each kind in turn. */
function used(stream: Stream, number: number): Promise<number> {
  return new Promise((resolve) => {
    let received = -1;
    stream.start({
      data: (chunk) => {
        received = chunk[0] ?? -1;
        ENDINGS[number % ENDINGS.length]?.(stream);
      },
      close: () => {
        resolve(received);
      },
    });
    stream.write(Uint8Array.of(number & 255));
  });
}

for (const [kind, make] of Object.entries(PROVIDERS)) {
  void test(`${String(CONNECTIONS)} protected connections, and every descriptor is given back (F06), ${kind}`, async () => {
    const before = countDescriptors();
    const provider = make();
    const listener = await provider.listen({ tls: good, backlog: BATCH });
    const accepted: Promise<void>[] = [];
    listener.start({
      accept: (stream) => {
        accepted.push(
          new Promise((resolve) => {
            stream.start({
              data: (chunk) => stream.write(chunk),
              end: () => {
                stream.closeWrite();
              },
              close: () => {
                resolve();
              },
            });
          }),
        );
      },
      close: () => undefined,
    });
    const where = {
      host: '127.0.0.1',
      port: portOf(listener),
      tls: { ca: authority, servername: 'localhost' },
    };
    for (let first = 0; first < CONNECTIONS; first += BATCH) {
      const streams = await Promise.all(Array.from({ length: BATCH }, () => provider.connect(where)));
      const received = await Promise.all(streams.map((stream, i) => used(stream, first + i)));
      assert.deepEqual(
        received,
        Array.from({ length: BATCH }, (_, i) => (first + i) & 255),
      );
    }
    assert.equal(accepted.length, CONNECTIONS);
    await Promise.all(accepted);
    assert.deepEqual(
      [...provider.sockets()].map((socket) => socket.kind),
      ['listener'],
    );
    await provider.close();
    assert.equal(countDescriptors(), before);
  });
}
