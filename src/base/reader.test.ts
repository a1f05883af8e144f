import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Clock } from './clock.ts';
import type { SocketError } from './errors.ts';
import { BrokenError, BusyError, ClosedError, EndError, SystemError } from './errors.ts';
import type { ReadOptions, Stream, StreamSink } from './provider.ts';
import { memoryProvider } from '../testing/memory-provider.ts';
import { connectPair } from '../testing/pair-maker.ts';
import type { ReaderOptions, StreamReader } from './reader.ts';
import { reader } from './reader.ts';

/** The reading half of a stream, worked by hand. It refuses to deliver while it is paused, as streams promise. */
class HandStream {
  readonly transport = 'tcp';
  readonly local = { family: 'ipv4', host: '127.0.0.1', port: 1 } as const;
  readonly remote = { family: 'ipv4', host: '127.0.0.1', port: 2 } as const;
  isPaused = false;
  isClosed = false;
  sink: StreamSink | undefined;
  options: ReadOptions | undefined;

  start(sink: StreamSink, options?: ReadOptions): void {
    if (this.isClosed) throw new ClosedError();
    this.sink = sink;
    this.options = options;
  }

  pause(): void {
    if (this.isClosed) throw new ClosedError();
    this.isPaused = true;
  }

  resume(): void {
    if (this.isClosed) throw new ClosedError();
    this.isPaused = false;
  }

  data(text: string | Uint8Array): void {
    assert.equal(this.isPaused, false, 'no data while paused');
    this.sink?.data(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  }

  end(): void {
    this.sink?.end?.();
  }

  close(error: SocketError | null): void {
    this.isClosed = true;
    this.sink?.close(error);
  }
}

function make(options?: ReaderOptions): { hand: HandStream; pull: StreamReader } {
  const hand = new HandStream();
  return { hand, pull: reader(hand as unknown as Stream, options) };
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

test('reader answers a read with what came before it, and a read with what comes after it', async () => {
  const { hand, pull } = make();
  hand.data('before');
  assert.equal(text(await pull.read()), 'before');
  const waiting = pull.read();
  hand.data('after');
  assert.equal(text(await waiting), 'after');
});

test('reader cuts at maxBytes, keeps the rest, and gives each part a buffer of its own size', async () => {
  const { hand, pull } = make();
  hand.data('abcdefgh');
  const parts = [await pull.read(3), await pull.read(1), await pull.read()];
  assert.deepEqual(parts.map(text), ['abc', 'd', 'efgh']);
  assert.deepEqual(
    parts.map((part) => part?.buffer.byteLength),
    [3, 1, 4],
  );
  assert.equal(pull.bufferedAmount, 0);
});

test('reader hands on a whole chunk without copying it', async () => {
  const { hand, pull } = make();
  const chunk = new Uint8Array(10);
  hand.data(chunk);
  assert.equal(await pull.read(10), chunk);
});

test('reader keeps what a waiting read with maxBytes leaves', async () => {
  const { hand, pull } = make();
  const waiting = pull.read(2);
  hand.data('abc');
  assert.equal(text(await waiting), 'ab');
  assert.equal(pull.bufferedAmount, 1);
  assert.equal(text(await pull.read(2)), 'c');
});

test('reader answers null at the end, after the data, and every time', async () => {
  const { hand, pull } = make();
  hand.data('x');
  hand.end();
  assert.deepEqual([text(await pull.read()), await pull.read(), await pull.read()], ['x', null, null]);
  hand.close(new BrokenError());
  assert.equal(await pull.read(), null);
});

test('reader answers a waiting read with null at the end', async () => {
  const { hand, pull } = make();
  const waiting = pull.read();
  hand.end();
  hand.close(null);
  assert.equal(await waiting, null);
});

test('reader gives data before a broken connection, then the error every time', async () => {
  const { hand, pull } = make();
  const broken = new BrokenError({ cause: new SystemError('ECONNRESET') });
  hand.data('last');
  hand.close(broken);
  assert.equal(text(await pull.read()), 'last');
  await assert.rejects(pull.read(), broken);
  await assert.rejects(pull.read(), broken);
});

test('reader rejects a waiting read when the connection breaks or the owner closes', async () => {
  for (const [error, type] of [
    [new BrokenError(), BrokenError],
    [null, ClosedError],
  ] as const) {
    const { hand, pull } = make({ pending: 'queue' });
    const reads = [pull.read(), pull.read()];
    hand.close(error);
    for (const each of reads) await assert.rejects(each, type);
  }
});

test('reader drops what is unread when the owner closes', async () => {
  const { hand, pull } = make();
  hand.data('unread');
  hand.close(null);
  assert.equal(pull.bufferedAmount, 0);
  await assert.rejects(pull.read(), { name: 'ClosedError', op: 'read' });
});

test('reader rejects with ClosedError between the close of a held stream and its last event', async () => {
  const { hand, pull } = make({ highWaterMark: 4 });
  hand.data('abcd');
  hand.isClosed = true;
  await assert.rejects(pull.read(), ClosedError);
});

test('reader refuses a second read at once, and the first goes on', async () => {
  const { hand, pull } = make();
  const first = pull.read();
  await assert.rejects(pull.read(), BusyError);
  hand.data('x');
  assert.equal(text(await first), 'x');
});

test('reader serves queued reads in order, several from one chunk', async () => {
  const { hand, pull } = make({ pending: 'queue' });
  const reads = [pull.read(2), pull.read(2), pull.read(), pull.read()];
  hand.data('abcdef');
  hand.data('g');
  hand.end();
  assert.deepEqual((await Promise.all([...reads, pull.read()])).map(text), ['ab', 'cd', 'ef', 'g', null]);
});

test('reader holds the stream at the high-water mark, and never keeps more', async () => {
  const { hand, pull } = make({ highWaterMark: 100_000 });
  assert.deepEqual(hand.options, { readSize: 65536, chunks: 'owned' });
  let most = 0;
  for (let round = 0; round < 50; round++) {
    while (!hand.isPaused) {
      hand.data(new Uint8Array(1 + ((round * 9973) % 65536)));
      most = Math.max(most, pull.bufferedAmount);
    }
    while (pull.bufferedAmount > 0) await pull.read(30_000);
    assert.equal(hand.isPaused, false, 'an empty reader does not hold');
  }
  assert.ok(most > 34_464 && most <= 100_000, String(most));
});

test('reader with a mark below one chunk reads smaller chunks', () => {
  const { hand, pull } = make({ highWaterMark: 10 });
  assert.equal(hand.options?.readSize, 10);
  hand.data('x');
  assert.equal(hand.isPaused, true);
  assert.equal(pull.bufferedAmount, 1);
});

test('reader does not hold the stream for a chunk that a waiting read takes', () => {
  const { hand, pull } = make({ highWaterMark: 4 });
  void pull.read();
  hand.data('abcd');
  assert.equal(hand.isPaused, false);
});

test('reader loses nothing to an aborted read', async () => {
  const { hand, pull } = make();
  const controller = new AbortController();
  const reason = new Error('not now');
  const aborted = pull.read(undefined, { signal: controller.signal });
  controller.abort(reason);
  hand.data('kept');
  await assert.rejects(aborted, reason);
  await assert.rejects(pull.read(undefined, { signal: controller.signal }), reason);
  assert.equal(text(await pull.read()), 'kept');
});

test('reader drops an aborted read out of the middle of the queue', async () => {
  const { hand, pull } = make({ pending: 'queue' });
  const controller = new AbortController();
  const reads = [pull.read(1), pull.read(1, { signal: controller.signal }), pull.read(1)];
  const aborted = assert.rejects(reads[1] ?? Promise.resolve());
  controller.abort();
  hand.data('ab');
  assert.deepEqual([text((await reads[0]) ?? null), text((await reads[2]) ?? null)], ['a', 'b']);
  await aborted;
});

test('reader is deaf to an abort that comes after the bytes', async () => {
  const { hand, pull } = make();
  const controller = new AbortController();
  const read = pull.read(undefined, { signal: controller.signal });
  hand.data('x');
  controller.abort();
  assert.equal(text(await read), 'x');
});

class OneTimer implements Clock {
  fire: (() => void) | undefined;
  now(): number {
    return 0;
  }
  setTimer(_delay: number, callback: () => void): () => void {
    this.fire = callback;
    return () => (this.fire = undefined);
  }
}

test('reader loses nothing to a read whose time runs out, and leaves no timer', async () => {
  const clock = new OneTimer();
  const { hand, pull } = make({ clock });
  const late = pull.read(undefined, { timeout: 10 });
  clock.fire?.();
  await assert.rejects(late, { code: 'ETIMEDOUT', op: 'read' });
  const inTime = pull.read(undefined, { timeout: 10 });
  hand.data('x');
  assert.equal(clock.fire, undefined);
  assert.equal(text(await inTime), 'x');
  await assert.rejects(make().pull.read(undefined, { timeout: 1 }), TypeError);
});

test('reader iterates to the end, and leaves the stream open when the loop is left', async () => {
  const { hand, pull } = make();
  for (const each of ['a', 'b', 'c']) hand.data(each);
  hand.end();
  for await (const chunk of pull) {
    assert.equal(text(chunk), 'a');
    break;
  }
  assert.equal(hand.isClosed, false);
  const rest: (string | null)[] = [];
  for await (const chunk of pull) rest.push(text(chunk));
  assert.deepEqual(rest, ['b', 'c']);
});

test('reader throws the error out of an iteration', async () => {
  const { hand, pull } = make();
  hand.close(new BrokenError());
  const run = async (): Promise<void> => {
    for await (const chunk of pull) assert.fail(String(chunk.length));
  };
  await assert.rejects(run(), BrokenError);
});

test('reader refuses bad arguments, and a stream that is closed', async () => {
  for (const bad of [0, -1, NaN, 1.5, 2 ** 32]) await assert.rejects(make().pull.read(bad), RangeError);
  await assert.rejects(make().pull.read('1' as never), TypeError);
  await assert.rejects(make().pull.read(1, 'soon' as never), TypeError);
  assert.throws(() => make({ highWaterMark: 0 }), RangeError);
  assert.throws(() => make({ pending: 'many' as never }), RangeError);
  assert.throws(() => make(null as never), TypeError);
  const hand = new HandStream();
  hand.isClosed = true;
  assert.throws(() => reader(hand as unknown as Stream), ClosedError);
});

test('reader readExactly answers so many bytes, however they came', async () => {
  const { hand, pull } = make();
  const waiting = pull.readExactly(5);
  for (const each of ['ab', 'c', 'defg']) hand.data(each);
  assert.equal(text(await waiting), 'abcde');
  assert.equal(text(await pull.readExactly(0)), '');
  assert.equal(text(await pull.readExactly(2)), 'fg');
});

test('reader readExactly takes more than the high-water mark, and then holds again', async () => {
  const { hand, pull } = make({ highWaterMark: 4 });
  hand.data('abcd');
  assert.equal(hand.isPaused, true);
  const waiting = pull.readExactly(10);
  assert.equal(hand.isPaused, false);
  hand.data('efgh');
  hand.data('ijkl');
  assert.equal(text(await waiting), 'abcdefghij');
  assert.equal(hand.isPaused, true);
  assert.equal(pull.bufferedAmount, 2);
});

test('reader readExactly says how many bytes came before the end, and keeps them', async () => {
  const { hand, pull } = make();
  hand.data('abc');
  const waiting = pull.readExactly(4);
  hand.end();
  await assert.rejects(waiting, { name: 'EndError', code: 'ERR_SOCKET_ENDED', received: 3 });
  await assert.rejects(pull.readExactly(4), { received: 3 });
  assert.equal(text(await pull.read()), 'abc');
  await assert.rejects(pull.readExactly(1), { received: 0 });
});

test('reader readExactly and readUntil of a broken connection keep what came', async () => {
  const { hand, pull } = make();
  hand.data('abc');
  hand.close(new BrokenError());
  await assert.rejects(pull.readExactly(4), BrokenError);
  await assert.rejects(pull.readUntil(Uint8Array.of(10)), BrokenError);
  assert.equal(text(await pull.readExactly(3)), 'abc');
});

test('reader readUntil finds a delimiter that lies over several chunks', async () => {
  const { hand, pull } = make();
  const end = new TextEncoder().encode('\r\n.\r\n');
  const waiting = pull.readUntil(end);
  for (const each of ['one\r', '\n.\r', '\r\n.', '\r', '\nrest']) hand.data(each);
  assert.equal(text(await waiting), 'one\r\n.\r\r\n.\r\n');
  assert.equal(text(await pull.read()), 'rest');
});

test('reader readUntil has a limit, at which nothing is lost', async () => {
  const { hand, pull } = make();
  const waiting = pull.readUntil(Uint8Array.of(10), { limit: 4 });
  hand.data('abcd');
  await assert.rejects(waiting, { name: 'LimitError', code: 'ERR_READ_LIMIT', limit: 4 });
  hand.data('e\n');
  await assert.rejects(pull.readUntil(Uint8Array.of(10), { limit: 5 }), { limit: 5 });
  assert.equal(text(await pull.readUntil(Uint8Array.of(10), { limit: 6 })), 'abcde\n');
});

test('reader readUntil is deaf to what the caller does to the delimiter meanwhile', async () => {
  const { hand, pull } = make();
  const delimiter = Uint8Array.of(10);
  const waiting = pull.readUntil(delimiter);
  delimiter[0] = 97;
  hand.data('a\n');
  assert.equal(text(await waiting), 'a\n');
});

test('reader gives what an aborted readExactly did not take to the read behind it', async () => {
  const { hand, pull } = make({ pending: 'queue' });
  const controller = new AbortController();
  const first = assert.rejects(pull.readExactly(10, { signal: controller.signal }));
  const second = pull.read();
  hand.data('abc');
  controller.abort();
  await first;
  assert.equal(text(await second), 'abc');
});

test('reader refuses bad arguments of readExactly and readUntil', async () => {
  const { pull } = make();
  for (const bad of [-1, 1.5, 2 ** 32]) await assert.rejects(pull.readExactly(bad), RangeError);
  await assert.rejects(pull.readUntil(new Uint8Array(0)), RangeError);
  await assert.rejects(pull.readUntil('x' as never), TypeError);
  await assert.rejects(pull.readUntil(Uint8Array.of(1), { limit: 0 }), RangeError);
  assert.equal(pull.pending, 0);
});

test('reader stop leaves the stream paused, and the next reader goes on from there', async () => {
  const { hand, pull } = make();
  hand.data('abc');
  assert.equal(text(await pull.read(1)), 'a');
  const left = pull.stop();
  assert.deepEqual([text(left.head), left.isEnded, hand.isPaused], ['bc', false, true]);
  await assert.rejects(pull.read(), ClosedError);
  const next = reader(hand as unknown as Stream, { after: left });
  assert.equal(hand.isPaused, false);
  hand.data('d');
  hand.end();
  assert.equal(text(await next.readExactly(3)), 'bcd');
  const after = next.stop();
  assert.equal(after.isEnded, true);
  assert.equal(await reader(hand as unknown as Stream, { after }).read(), null);
});

test('reader stop is refused while a read waits, and once the stream is closed', async () => {
  const { hand, pull } = make();
  const waiting = pull.read();
  assert.throws(() => pull.stop(), BusyError);
  hand.close(null);
  await assert.rejects(waiting, ClosedError);
  assert.throws(() => pull.stop(), ClosedError);
});

test('reader tells that the stream has closed, after the reads that waited', async () => {
  const told: (SocketError | null)[] = [];
  const { hand, pull } = make({ onClose: (error) => told.push(error) });
  const waiting = pull.read();
  hand.end();
  assert.deepEqual(told, []);
  const broken = new BrokenError();
  hand.close(broken);
  assert.deepEqual(told, [broken]);
  assert.equal(await waiting, null);
});

/** Bytes of few values, so that delimiters occur, and where they are cut. */
const cutBytes = fc
  .array(fc.array(fc.constantFrom(10, 13, 97, 98), { minLength: 1, maxLength: 12 }), { maxLength: 12 })
  .map((chunks) => chunks.map((chunk) => Uint8Array.from(chunk)));

test('reader readUntil cuts at every delimiter, whatever the chunks', async () => {
  const delimiter = fc.array(fc.constantFrom(10, 13, 97), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(cutBytes, delimiter, async (chunks, pattern) => {
      const { hand, pull } = make();
      const whole = Buffer.concat(chunks);
      const expected: string[] = [];
      let at = 0;
      for (
        let next = whole.indexOf(Buffer.from(pattern));
        next >= 0;
        next = whole.indexOf(Buffer.from(pattern), at)
      ) {
        expected.push(whole.toString('latin1', at, next + pattern.length));
        at = next + pattern.length;
      }
      const got = (async () => {
        const parts: string[] = [];
        for (;;) {
          try {
            parts.push(Buffer.from(await pull.readUntil(Uint8Array.from(pattern))).toString('latin1'));
          } catch (error) {
            assert.ok(error instanceof EndError);
            return { parts, received: error.received };
          }
        }
      })();
      for (const chunk of chunks) hand.data(chunk);
      hand.end();
      assert.deepEqual(await got, { parts: expected, received: whole.length - at });
    }),
  );
});

test('reader readExactly joins and cuts, whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(cutBytes, fc.array(fc.nat(20)), async (chunks, counts) => {
      const { hand, pull } = make({ highWaterMark: 100_000 });
      for (const chunk of chunks) hand.data(chunk.slice());
      hand.end();
      let left = Buffer.concat(chunks);
      for (const count of counts) {
        if (count > left.length) {
          await assert.rejects(pull.readExactly(count), { received: left.length });
        } else {
          const bytes = await pull.readExactly(count);
          assert.deepEqual(Buffer.from(bytes), left.subarray(0, count));
          assert.equal(bytes.buffer.byteLength, count);
          left = left.subarray(count);
        }
        assert.equal(pull.bufferedAmount, left.length);
      }
    }),
  );
});

test('reader over the provider in memory reads all that was written, and the end', async () => {
  const provider = memoryProvider();
  const { a, b } = await connectPair(provider, { path: '\0reader' });
  const pull = reader(b, { highWaterMark: 3000 });
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  a.write(bytes);
  a.closeWrite();
  let received = 0;
  for (let chunk = await pull.read(700); chunk !== null; chunk = await pull.read(700)) {
    assert.deepEqual(chunk, bytes.slice(received, received + chunk.length));
    received += chunk.length;
    assert.ok(pull.bufferedAmount <= 3000);
  }
  assert.equal(received, bytes.length);
  a.abort();
  b.abort();
  await provider.close();
  assert.equal(await pull.read(), null);
});
