/** Large chunks: each its receiver's own, exactly as large as its buffer, and made without asking the system for memory. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import test from 'node:test';

import { connected, record } from '../testing/node/pairs.ts';
import { node } from '../testing/node/peer.ts';
import { patternBytes } from '../testing/pattern.ts';
import { localProvider } from './local-provider.ts';

test('tuneMalloc must be a boolean', () => {
  for (const tuneMalloc of ['yes', 1, null] as unknown[])
    assert.throws(() => localProvider({ tuneMalloc: tuneMalloc as boolean }), TypeError);
});

for (const poller of ['epoll', 'poll'] as const) {
  test(`owned chunks of every size have a buffer of exactly that size, and are kept (${poller})`, async (t) => {
    const provider = localProvider({ poller });
    t.after(() => provider.close());
    const { client, server } = await connected(t, provider);
    const chunks: Uint8Array[] = [];
    let received = 0;
    const recorder = record(t, server, {
      data: (chunk) => {
        chunks.push(chunk);
        received += chunk.length;
        // Whatever is read next must not come to lie in it.
        assert.equal(chunk.byteOffset, 0);
        assert.equal(chunk.buffer.byteLength, chunk.length);
        assert.equal(Object.getPrototypeOf(chunk), Uint8Array.prototype);
      },
    });
    const bytes = patternBytes(5_000_000);
    client.write(bytes);
    client.closeWrite();
    await recorder.untilEnd();
    assert.equal(received, bytes.length);
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(bytes));
    assert.ok(chunks.some((chunk) => chunk.length >= 16_384));
    assert.equal(new Set(chunks.map((chunk) => chunk.buffer)).size, chunks.length);
  });
}

/** Pages that the system gave to a process while it read 200 MB into owned chunks, after the first 100. */
async function faultsOfBulk(t: TestContext, options: string, under: readonly string[] = []): Promise<number> {
  const peer = node(
    t,
    `const provider = localProvider(${options});
     const listener = await provider.listen({});
     const accepted = new Promise((resolve) => listener.start({ accept: resolve, close() {} }));
     const client = await provider.connect({ host: '127.0.0.1', port: listener.local.port });
     const server = await accepted;
     const block = new Uint8Array(65536).fill(1);
     let received = 0;
     const fill = () => { while (client.write(block)); };
     let before = 0;
     const data = (chunk) => {
       received += chunk.length;
       if (received < 100e6) before = process.resourceUsage().minorPageFault;
       if (received < 300e6) return;
       say(process.resourceUsage().minorPageFault - before);
       void provider.close();
     };
     server.start({ data, close() {} });
     client.start({ data() {}, drain: fill, close() {} });
     fill();`,
    { under },
  );
  const faults = await peer.json();
  assert.equal((await peer.ended).status, 0);
  return faults as number;
}

const header = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
/** A module built otherwise, for sanitizers, has their malloc. */
const isOther = (process.env['PORTSIDE_NATIVE_MODULE'] ?? '') !== '';
const skip =
  (header.header.glibcVersionRuntime === undefined && 'the C library is not glibc') ||
  (isOther && 'the native module is not the usual one');

test(
  'large owned chunks take no new pages, unless the environment tells malloc what to do',
  { skip },
  async (t) => {
    const tuned = await faultsOfBulk(t, '{}');
    const untuned = await faultsOfBulk(t, '{}', ['MALLOC_MMAP_THRESHOLD_=4096']);
    const tunable = await faultsOfBulk(t, '{}', ['GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4096']);
    // 3000 chunks of 16 pages each.
    assert.ok(tuned < 4000, `${String(tuned)} faults`);
    assert.ok(untuned > 40_000 && tunable > 40_000, `${String(untuned)}, ${String(tunable)} faults`);
  },
);
