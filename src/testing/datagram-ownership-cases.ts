/** Cases of `datagramSuite`: whose the bytes are that are sent and received. */
import type { OutgoingDatagram } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { numbered, numberOf, type DatagramHarness, type DatagramSetting } from './datagram-harness.ts';
import { patternBytes } from './pattern.ts';
import { check, equal, equalList, SuiteFailure, throws } from './suite.ts';

async function ownedForGood(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const count = h.size(60, 10);
  for (let i = 0; i < count; i++) {
    await h.mustSend(a, { bytes: numbered(i, 200), to: toB });
    await atB.untilCount(i + 1);
  }
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: count }, (_, i) => i),
    'datagrams that are looked at much later',
  );
  equal(new Set(atB.datagrams).size, count, 'objects');
  equal(new Set(atB.datagrams.map((each) => each.bytes.buffer)).size, count, 'buffers');
}

async function viewsHoldDuringTheCall(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { chunks: 'view' });
  for (let i = 0; i < 10; i++) a.send({ bytes: numbered(i, 50 + i), to: toB }, h.done(`done ${String(i)}`));
  await atB.untilCount(10);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    Array.from({ length: 10 }, (_, i) => i),
    'views',
  );
}

async function viewsAreCut(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b, {}, { chunks: 'view', maxSize: 7 });
  await h.mustSend(a, { bytes: numbered(3, 40), to: toB });
  const { bytes, length } = await atB.datagram();
  equal(bytes.length, 7, 'bytes');
  equal(length, 40, 'length');
  equal(numberOf(bytes), 3, 'number');
}

/** Sends from one buffer and spoils it at once, by each of the ways to send. */
async function taken(h: DatagramHarness, spoil: (bytes: Uint8Array) => void): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  for (let i = 0; i < 4; i++) {
    const bytes = numbered(i, 400);
    a.send({ bytes, to: toB }, h.done(`done ${String(i)}`));
    spoil(bytes);
  }
  const many: OutgoingDatagram[] = [4, 5, 6].map((i) => ({ bytes: numbered(i, 400), to: toB }));
  equal(a.sendMany(many), 3, 'datagrams taken');
  for (const { bytes } of many) spoil(bytes);
  await atB.untilCount(7);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [0, 1, 2, 3, 4, 5, 6],
    'datagrams whose buffers were spoiled',
  );
}

/** The message object is the caller's too. */
async function messageIsRead(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const reads: Record<string, number> = {};
  const counted = new Proxy(
    { bytes: numbered(1, 30), to: toB },
    {
      get: (target, key, receiver): unknown => {
        reads[String(key)] = (reads[String(key)] ?? 0) + 1;
        return Reflect.get(target, key, receiver);
      },
    },
  );
  a.send(counted, h.done('done'));
  equal(reads['bytes'], 1, 'how often bytes was read');
  const message: { bytes: Uint8Array; to: typeof toB } = { bytes: numbered(2, 30), to: toB };
  a.send(message, h.done('done'));
  message.bytes = patternBytes(3);
  await atB.untilCount(2);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [1, 2],
    'datagrams',
  );
}

async function partOfABuffer(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const large = new Uint8Array(1000).fill(0xee);
  large.set(numbered(9, 300), 400);
  await h.mustSend(a, { bytes: large.subarray(400, 700), to: toB });
  equal(numberOf((await atB.datagram()).bytes), 9, 'number');
  equal(atB.datagrams[0]?.bytes.length, 300, 'bytes');
}

async function detachedIsRefused(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const bytes = patternBytes(100);
  detachOf(h)(bytes.buffer as ArrayBuffer);
  const never = h.calls.never('done of a detached buffer');
  throws(() => a.send({ bytes, to: toB }, never), { name: 'TypeError' }, 'send');
  const good = { bytes: numbered(1, 10), to: toB };
  throws(() => a.sendMany([good, { bytes, to: toB }]), { name: 'TypeError' }, 'sendMany');
  equal(a.bufferedAmount, 0, 'bufferedAmount');
  await h.mustSend(a, { bytes: numbered(2, 10), to: toB });
  await atB.untilCount(1);
  await h.quiet();
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [2],
    'datagrams',
  );
}

function detachOf(h: DatagramHarness): (buffer: ArrayBuffer) => void {
  if (h.options.detach === undefined) throw new SuiteFailure('this case needs the option detach');
  return h.options.detach;
}

interface Resizable {
  resize(length: number): void;
}
type ResizableMaker = new (length: number, options: { maxByteLength: number }) => ArrayBuffer & Resizable;

const canResize = 'resize' in ArrayBuffer.prototype;

async function resized(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const shrinking = (number: number): { message: OutgoingDatagram; shrink: () => void } => {
    const buffer = new (ArrayBuffer as unknown as ResizableMaker)(400, { maxByteLength: 800 });
    const bytes = new Uint8Array(buffer);
    bytes.set(numbered(number, 400));
    const shrink = (): void => {
      buffer.resize(0);
    };
    return { message: { bytes, to: toB }, shrink };
  };
  const made = [0, 1, 2].map(shrinking);
  const [first, ...others] = made;
  check(first !== undefined, 'nothing to send');
  a.send(first.message, h.done('done'));
  equal(a.sendMany(others.map(({ message }) => message)), 2, 'datagrams taken');
  for (const { shrink } of made) shrink();
  await atB.untilCount(3);
  equalList(
    atB.datagrams.map((each) => numberOf(each.bytes)),
    [0, 1, 2],
    'datagrams whose buffers have shrunk',
  );
}

async function shared(h: DatagramHarness): Promise<void> {
  const { a, b, toB } = await h.pair();
  h.recordDatagram(a);
  const atB = h.recordDatagram(b);
  const bytes = new Uint8Array(new SharedArrayBuffer(300));
  bytes.set(numbered(5, 300));
  const done = h.sent(a, { bytes, to: toB });
  bytes.fill(0xee);
  equal(await done, null, 'done');
  equal(numberOf((await atB.datagram()).bytes), 5, 'number');
}

const canDetach = ({ options }: DatagramSetting): boolean => options.detach !== undefined;

export const DATAGRAM_OWNERSHIP_CASES: readonly CaseRow<DatagramHarness, DatagramSetting>[] = [
  { name: 'hands over owned bytes for good', promises: ['bytes.chunk'], run: ownedForGood },
  { name: 'shows views that hold during the call', promises: ['bytes.chunk'], run: viewsHoldDuringTheCall },
  { name: 'shows views that are cut', promises: ['bytes.chunk', 'datagram.truncated'], run: viewsAreCut },
  {
    name: 'has taken the bytes when send and sendMany return',
    promises: ['bytes.taken'],
    run: (h) => taken(h, (bytes) => bytes.fill(0xff)),
  },
  {
    name: 'has taken the bytes of a buffer that is then detached (F44)',
    promises: ['bytes.taken'],
    when: canDetach,
    run: (h) =>
      taken(h, (bytes) => {
        detachOf(h)(bytes.buffer as ArrayBuffer);
      }),
  },
  {
    name: 'has taken the bytes of a buffer that then shrinks (F45)',
    promises: ['bytes.taken'],
    when: () => canResize,
    run: resized,
  },
  {
    name: 'has taken the bytes of shared memory (F46)',
    promises: ['bytes.taken'],
    run: shared,
  },
  {
    name: 'reads a message once, when it is given (F48)',
    promises: ['send.reads', 'bytes.taken'],
    run: messageIsRead,
  },
  {
    name: 'sends only the part of a buffer that it was given',
    promises: ['bytes.taken'],
    run: partOfABuffer,
  },
  {
    name: 'send and sendMany refuse a detached buffer and take nothing (F43)',
    promises: ['send.argument', 'send.many'],
    when: canDetach,
    run: detachedIsRefused,
  },
];
