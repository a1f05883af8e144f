/** Cases of `streamSuite`: bytes arrive complete, in order, and belong to who the contract says. */
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { asciiBytes, patternBytes, patternMismatch } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { deferred } from './deferred.ts';
import { check, equal, equalList } from './suite.ts';

const ODD_SIZES: readonly number[] = [
  1, 2, 3, 7, 61, 1023, 1024, 1025, 4095, 4097, 16_383, 65_535, 65_536, 65_537,
];

/** One below, at and one above each power of two and each size at which kernels cut. */
const BOUNDARIES: readonly number[] = [
  1, 2, 4, 16, 64, 256, 512, 1024, 1448, 2048, 4096, 8192, 16_384, 32_768, 65_483, 65_536, 131_072,
];

/** Writes the pattern in chunks of the sizes given, over and over, and heeds `false`. */
async function pump(
  h: StreamHarness,
  from: Stream,
  recorder: { drains: number; until: (t: () => boolean, w: string) => Promise<void> },
  total: number,
): Promise<void> {
  for (let sent = 0, i = 0; sent < total; i++) {
    const size = Math.min(ODD_SIZES[i % ODD_SIZES.length] ?? 1, total - sent);
    const drains = recorder.drains;
    const isBelow = from.write(
      patternBytes(size, sent),
      h.done(`done of bytes ${String(sent)}+${String(size)}`),
    );
    sent += size;
    if (!isBelow) await recorder.until(() => recorder.drains > drains, `drain after ${String(sent)} bytes`);
  }
}

async function oddChunks(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const total = h.size(1024 * 1024 + 4321);
  const [writer, reader] = [h.record(a), h.record(b)];
  await pump(h, a, writer, total);
  a.closeWrite();
  await reader.untilEnd();
  reader.checkPattern(total);
  equal(a.bytesWritten, total, 'bytesWritten of the writer');
  equal(b.bytesRead, total, 'bytesRead of the reader');
  check(
    h.answers.every((answer) => answer.error === null),
    'a write of an open stream failed',
  );
}

async function bothWays(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const total = h.size(512 * 1024 + 99);
  const [atA, atB] = [h.record(a), h.record(b)];
  await Promise.all([pump(h, a, atA, total), pump(h, b, atB, total)]);
  await Promise.all([atA.untilBytes(total), atB.untilBytes(total)]);
  atA.checkPattern(total);
  atB.checkPattern(total);
}

async function boundaries(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  let sent = 0;
  for (const boundary of BOUNDARIES) {
    for (const size of [boundary - 1, boundary, boundary + 1]) {
      const bytes = patternBytes(Math.ceil(size * (h.options.scale ?? 1)), sent);
      sent += bytes.length;
      equal(await h.written(a, bytes), null, `done of ${String(bytes.length)} bytes`);
    }
  }
  await reader.untilBytes(sent);
  reader.checkPattern(sent);
}

async function manyTinyWrites(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  const count = h.size(3000, 1100);
  const last = deferred<unknown>();
  for (let i = 0; i < count; i++)
    a.write(patternBytes(1, i), h.done(String(i), i === count - 1 ? last.resolve : undefined));
  await last.promise;
  equalList(
    h.answers.map((answer) => answer.label),
    Array.from({ length: count }, (_, i) => String(i)),
    'order of the dones',
  );
  await reader.untilBytes(count);
  reader.checkPattern(count);
}

async function oneBigWrite(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const writer = h.record(a);
  const reader = h.record(b);
  const total = h.size(8 * 1024 * 1024 + 1);
  const done = h.written(a, patternBytes(total));
  await reader.untilBytes(total);
  equal(await done, null, 'done of the big write');
  reader.checkPattern(total);
  equal(a.bufferedAmount, 0, 'bufferedAmount when all is with the kernel');
  equal(a.bytesWritten, total, 'bytesWritten');
  check(writer.drains <= 1, 'more than one drain for one write');
}

async function interleavedWriters(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  let sent = 0;
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let round = 0; round < h.size(20, 2); round++) {
      const size = ((writer * 7 + round * 13) % 300) + 1;
      const offset = sent;
      sent += size;
      equal(await h.written(a, patternBytes(size, offset)), null, 'done');
    }
  });
  await Promise.all(writers);
  await reader.untilBytes(sent);
  reader.checkPattern(sent);
}

async function pingPong(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const rounds = h.size(500, 20);
  let back = 0;
  const finished = deferred<undefined>();
  h.record(b, { data: (chunk) => void b.write(chunk) });
  const atA = h.record(a, {
    data: (chunk) => {
      back += chunk.length;
      if (back === rounds) finished.resolve(undefined);
      else a.write(patternBytes(1, back));
    },
  });
  a.write(patternBytes(1));
  await Promise.race([finished.promise, atA.untilClose()]);
  atA.checkPattern(rounds);
}

async function emptyWrite(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  equal(await h.written(a, new Uint8Array(0)), null, 'done of an empty write alone');
  a.write(asciiBytes('first '), h.done('first'));
  a.write(new Uint8Array(0), h.done('empty'));
  const last = deferred<unknown>();
  a.write(asciiBytes('last'), h.done('last', last.resolve));
  await last.promise;
  equalList(
    h.answers.slice(1).map((answer) => answer.label),
    ['first', 'empty', 'last'],
    'order of the dones',
  );
  await reader.untilBytes(10);
  equal(reader.text(), 'first last', 'what arrived');
  equal(a.bytesWritten, 10, 'bytesWritten');
}

async function bytesAreTaken(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  h.record(a);
  b.pause();
  const reader = h.record(b);
  const piece = h.size(8192);
  const buffer = new Uint8Array(piece);
  for (let i = 0; i < 32; i++) {
    buffer.set(patternBytes(piece, i * piece));
    a.write(buffer, h.done(`piece ${String(i)}`));
    buffer.fill(0xee);
  }
  b.resume();
  await reader.untilBytes(32 * piece);
  reader.checkPattern(32 * piece);
}

/** An empty write sends nothing, but it may be under way for a while, and others then wait behind it. */
async function bytesAreTakenBehindNone(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  const buffer = new Uint8Array(1000);
  a.write(new Uint8Array(0), h.done('empty'));
  buffer.set(patternBytes(1000));
  a.write(buffer, h.done('piece'));
  buffer.fill(0xee);
  await reader.untilBytes(1000);
  reader.checkPattern(1000);
}

async function bytesAreTakenThenDetached(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  h.record(a);
  b.pause();
  const reader = h.record(b);
  const piece = h.size(8192);
  for (let i = 0; i < 32; i++) {
    const bytes = patternBytes(piece, i * piece);
    a.write(bytes, h.done(`piece ${String(i)}`));
    h.options.detach?.(bytes.buffer as ArrayBuffer);
  }
  b.resume();
  await reader.untilBytes(32 * piece);
  reader.checkPattern(32 * piece);
}

async function partOfABuffer(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  const whole = patternBytes(10_000);
  a.write(whole.subarray(0, 1), h.done('head'));
  a.write(whole.subarray(1, 9_999), h.done('middle'));
  a.write(whole.subarray(9_999), h.done('tail'));
  await reader.untilBytes(10_000);
  reader.checkPattern(10_000);
}

async function ownedChunks(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const total = h.size(300_000);
  const originals: Uint8Array[] = [];
  const reader = h.record(b, {
    data: (chunk) => {
      originals.push(chunk.slice());
      chunk[0] = (chunk[0] ?? 0) ^ 0xff;
    },
  });
  a.write(patternBytes(total), h.done('done'));
  await reader.untilBytes(total);
  let at = 0;
  for (const [i, original] of originals.entries()) {
    const kept = reader.chunks[i] ?? new Uint8Array(0);
    check(patternMismatch(original, at) < 0, `chunk ${String(i)} was not as sent when it came`);
    equal(kept[0], (original[0] ?? 0) ^ 0xff, `first byte of chunk ${String(i)}, which its receiver changed`);
    check(
      patternMismatch(kept.subarray(1), at + 1) < 0,
      `chunk ${String(i)} changed after it was handed over`,
    );
    at += original.length;
  }
  check(
    new Set(reader.chunks.map((chunk) => chunk.buffer)).size === reader.chunks.length,
    'two chunks share a buffer',
  );
}

async function viewChunks(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const total = h.size(300_000);
  const reader = h.record(b, {}, { chunks: 'view' });
  a.write(patternBytes(total), h.done('done'));
  await reader.untilBytes(total);
  reader.checkPattern(total);
}

async function readSizes(h: StreamHarness): Promise<void> {
  for (const readSize of [1, 7, 4096, 65_536, 262_144]) {
    const { a, b } = await h.pair();
    h.record(a);
    b.pause();
    const reader = h.record(b, {}, { readSize });
    const early = h.unread(readSize * 4 > 8000 ? 8000 : readSize * 4);
    const total = early + h.size(Math.min(readSize * 300, 500_000));
    equal(await h.written(a, patternBytes(early)), null, 'done');
    b.resume();
    a.write(patternBytes(total - early, early), h.done('rest'));
    await reader.untilBytes(total);
    reader.checkPattern(total);
    check(
      reader.chunks.every((chunk) => chunk.length <= readSize),
      `a chunk is longer than readSize ${String(readSize)}`,
    );
  }
}

async function restart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const text = 'abcdefghijklmnop';
  const second = h.recorder();
  const replace = (): void => {
    if (first.chunks.length === 1) b.start(second, { readSize: 5 });
  };
  const first = h.record(b, { data: replace }, { readSize: 3 });
  a.write(asciiBytes(text), h.done('done'));
  await second.until(() => first.received + second.received === text.length, 'all bytes');
  check(first.received >= 1 && first.received <= 3, 'the first sink read more than one chunk');
  equal(first.text() + second.text(), text, 'what both sinks read');
  check(
    second.chunks.every((chunk) => chunk.length <= 5),
    'the new readSize is not kept',
  );
  a.closeWrite();
  await second.untilEnd();
}

async function nothingBeforeStart(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  equal(await h.written(a, patternBytes(100)), null, 'done');
  await h.quiet();
  equal(b.bytesRead, 0, 'bytesRead before start');
  const reader = h.record(b);
  await reader.untilBytes(100);
  reader.checkPattern(100);
}

async function addressesAgree(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  equal(JSON.stringify(a.remote), JSON.stringify(b.local), 'remote of one and local of the other');
  equal(JSON.stringify(a.local), JSON.stringify(b.remote), 'local of one and remote of the other');
  equal(a.transport, h.transport, 'transport');
  const before = JSON.stringify([a.local, a.remote]);
  a.abort();
  await h.quiet();
  equal(JSON.stringify([a.local, a.remote]), before, 'addresses after the socket has closed');
  equal(a.bytesRead, 0, 'bytesRead after the socket has closed');
}

export const TRANSFER_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'carries 1 MiB in odd chunks byte for byte',
    promises: ['order.bytes', 'write.order', 'write.done', 'sink.end', 'sink.data'],
    run: oddChunks,
  },
  { name: 'carries bytes both ways at once', promises: ['write.order', 'pressure.bound'], run: bothWays },
  {
    name: 'keeps every byte at sizes around each boundary',
    promises: ['write.order', 'sink.data'],
    run: boundaries,
  },
  {
    name: 'takes more tiny writes at once than one system call can',
    promises: ['write.order', 'once'],
    run: manyTinyWrites,
  },
  {
    name: 'takes one write larger than all buffers',
    promises: ['pressure.bound', 'write.buffered'],
    run: oneBigWrite,
  },
  { name: 'keeps the order of many writers', promises: ['write.order'], run: interleavedWriters },
  { name: 'plays ping-pong 500 times', promises: ['order.bytes'], run: pingPong },
  {
    name: 'sends nothing for an empty write and is done in its turn',
    promises: ['write.empty'],
    run: emptyWrite,
  },
  { name: 'has taken the bytes when write returns', promises: ['bytes.taken'], run: bytesAreTaken },
  {
    name: 'has taken the bytes when write returns, also behind an empty write',
    promises: ['bytes.taken', 'write.empty'],
    run: bytesAreTakenBehindNone,
  },
  {
    name: 'has taken the bytes of a buffer that is then detached',
    promises: ['bytes.taken'],
    when: (about) => about.options.detach !== undefined,
    run: bytesAreTakenThenDetached,
  },
  {
    name: 'sends only the part of a buffer that it was given',
    promises: ['bytes.taken'],
    run: partOfABuffer,
  },
  { name: 'hands over owned chunks for good', promises: ['bytes.chunk'], run: ownedChunks },
  { name: 'shows views that hold during the call', promises: ['bytes.chunk'], run: viewChunks },
  { name: 'never exceeds readSize', promises: ['read.size'], run: readSizes },
  {
    name: 'start again replaces sink and options from the next chunk on',
    promises: ['read.restart'],
    run: restart,
  },
  { name: 'reads nothing before start', promises: ['read.start', 'accept.stream'], run: nothingBeforeStart },
  {
    name: 'has addresses that agree with the peer, also after it closed',
    promises: ['socket.local'],
    run: addressesAgree,
  },
];
