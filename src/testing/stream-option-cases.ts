/** Cases of `streamSuite`: options, tags and arguments. */
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { ARGUMENT_ERRORS, check, equal, settle, show, throws } from './suite.ts';

async function noDelay(h: StreamHarness): Promise<void> {
  const { a } = await h.pair();
  for (const value of [true, false, true]) {
    a.set('noDelay', value);
    equal(a.get('noDelay'), value, 'noDelay');
  }
}

async function keepAlive(h: StreamHarness): Promise<void> {
  const { a } = await h.pair();
  a.set('keepAlive', false);
  equal(a.get('keepAlive'), false, 'keepAlive after false');
  a.set('keepAlive', true);
  check(a.get('keepAlive') !== false, 'keepAlive is false after true');
  a.set('keepAlive', { idle: 77 });
  check(a.get('keepAlive') !== false, 'keepAlive is false after an idle time');
  a.set('keepAlive', false);
  equal(a.get('keepAlive'), false, 'keepAlive after false again');
}

async function keepAliveTiming(h: StreamHarness): Promise<void> {
  const { a } = await h.pair();
  a.set('keepAlive', { idle: 77, interval: 11, count: 5 });
  const value = a.get('keepAlive');
  check(typeof value === 'object', 'keepAlive tells no timing');
  equal(value.idle, 77, 'idle');
  equal(value.interval, 11, 'interval');
  equal(value.count, 5, 'count');
}

async function userTimeout(h: StreamHarness): Promise<void> {
  const { a } = await h.pair();
  a.set('userTimeout', 12_345);
  equal(a.get('userTimeout'), 12_345, 'userTimeout');
  a.set('userTimeout', 0);
  equal(a.get('userTimeout'), 0, 'userTimeout after 0');
}

async function bufferSizes(h: StreamHarness): Promise<void> {
  const { a } = await h.pair();
  for (const name of ['receiveBufferSize', 'sendBufferSize'] as const) {
    a.set(name, 40_000);
    check(a.get(name) >= 40_000, `${name} is ${String(a.get(name))} after 40000`);
  }
}

/** Values that are none, by option. They go in as `never`: the types would refuse them. */
const BAD_OPTIONS: readonly (readonly [string, readonly unknown[]])[] = [
  ['noDelay', ['yes', 1, null, undefined, {}]],
  [
    'keepAlive',
    [
      'yes',
      1,
      null,
      { idle: -1 },
      { idle: Number.NaN },
      { idle: '7' },
      { count: 2 ** 53 },
      { interval: 1.5 },
    ],
  ],
  ['userTimeout', [-1, Number.NaN, 1.5, 2 ** 53, '1', null, Number.POSITIVE_INFINITY]],
  ['receiveBufferSize', [-1, Number.NaN, 1.5, 2 ** 53, '1', null]],
  ['sendBufferSize', [-1, Number.NaN, 1.5, 2 ** 53, '1', null]],
  ['noSuchOption', [1]],
  ['toString', [1]],
];

async function badOptions(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const reader = h.record(b);
  for (const [name, values] of BAD_OPTIONS) {
    for (const value of values) {
      throws(
        () => {
          a.set(name as never, value as never);
        },
        { name: ARGUMENT_ERRORS },
        `set ${name} to ${String(value)}`,
      );
    }
  }
  throws(() => a.get('noSuchOption' as never), { name: ARGUMENT_ERRORS }, 'get of no option');
  a.write(patternBytes(10), h.done('done'));
  await reader.untilBytes(10);
}

const NOT_BYTES: readonly unknown[] = [
  'text',
  1,
  null,
  undefined,
  {},
  [1, 2],
  new ArrayBuffer(4),
  new Uint16Array(2),
  new DataView(new ArrayBuffer(2)),
];

async function badWrites(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  for (const bytes of NOT_BYTES) {
    throws(
      () => a.write(bytes as never, h.calls.never('done of a refused write')),
      { name: 'TypeError' },
      `write of ${String(bytes)}`,
    );
  }
  throws(
    () => a.write(patternBytes(1), 'done' as never),
    { name: 'TypeError' },
    'write with a done that is no function',
  );
  equal(a.bufferedAmount, 0, 'bufferedAmount after refused writes');
  a.write(patternBytes(10), h.done('done'));
  await reader.untilBytes(10);
  await h.quiet();
  reader.checkPattern(10);
}

async function detachedWrite(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  const bytes = patternBytes(100);
  h.options.detach?.(bytes.buffer as ArrayBuffer);
  throws(() => a.write(bytes, h.calls.never('done')), { name: 'TypeError' }, 'write of a detached buffer');
  a.write(patternBytes(10), h.done('done'));
  await reader.untilBytes(10);
  reader.checkPattern(10);
}

const BAD_READ_SIZES: readonly unknown[] = [0, -1, 262_145, 1.5, Number.NaN, 2 ** 53, '100', null];

async function badStarts(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  const recorder = h.recorder();
  const errors = { name: ARGUMENT_ERRORS };
  for (const readSize of BAD_READ_SIZES)
    throws(
      () => {
        b.start(recorder, { readSize: readSize as never });
      },
      errors,
      `readSize ${String(readSize)}`,
    );
  throws(
    () => {
      b.start(recorder, { chunks: 'borrowed' as never });
    },
    errors,
    'chunks borrowed',
  );
  for (const sink of [null, undefined, 1, 'sink', {}, { data: 1, close: 1 }])
    throws(
      () => {
        b.start(sink as never);
      },
      errors,
      `sink ${show(sink)}`,
    );
  h.record(a);
  a.write(patternBytes(10), h.done('done'));
  const reader = h.record(b);
  await reader.untilBytes(10);
}

async function badDeadlines(h: StreamHarness): Promise<void> {
  for (const deadline of [
    { timeout: -1 },
    { timeout: Number.NaN },
    { timeout: '5' },
    { signal: {} },
    { signal: 5 },
  ]) {
    const { a, b } = await h.pair();
    h.record(a);
    h.record(b);
    await refusesToClose(a, deadline);
  }
}

async function refusesToClose(stream: Stream, deadline: unknown): Promise<void> {
  const outcome = await settle(() => stream.close(deadline as never), 'close() with a deadline that is none');
  equal(outcome.status, 'rejected', 'close() with a deadline that is none');
}

async function tags(h: StreamHarness): Promise<void> {
  const { a, b } = await h.pair();
  equal(a.tag, undefined, 'tag of a new stream');
  const tag = { name: 'mine', list: [1, null] };
  a.tag = tag;
  equal(JSON.stringify(a.tag), JSON.stringify(tag), 'tag');
  equal(b.tag, undefined, 'tag of the peer');
  check(Number.isSafeInteger(a.id), 'id is no number');
  a.unref();
  a.ref();
  a.ref();
}

export const OPTION_CASES: readonly CaseRow<StreamHarness>[] = [
  { name: 'noDelay is read as it was set', promises: ['socket.option'], when: onTcp, run: noDelay },
  { name: 'keepAlive is read as it was set', promises: ['socket.option'], when: onTcp, run: keepAlive },
  {
    name: 'keepAlive has the timing that was set',
    promises: ['socket.option'],
    needs: ['keep-alive-timing'],
    when: onTcp,
    run: keepAliveTiming,
  },
  {
    name: 'userTimeout is read as it was set',
    promises: ['socket.option'],
    needs: ['user-timeout'],
    when: onTcp,
    run: userTimeout,
  },
  {
    name: 'buffer sizes are at least what was set',
    promises: ['socket.option'],
    needs: ['buffer-sizes'],
    run: bufferSizes,
  },
  { name: 'refuses options that are none', promises: ['socket.option'], run: badOptions },
  { name: 'write refuses what is no Uint8Array', promises: ['write.argument'], run: badWrites },
  {
    name: 'write refuses a detached buffer',
    promises: ['write.argument'],
    when: (about) => about.options.detach !== undefined,
    run: detachedWrite,
  },
  { name: 'start refuses sinks and options that are none', promises: ['read.size'], run: badStarts },
  { name: 'close refuses deadlines that are none', promises: ['deadline.timeout'], run: badDeadlines },
  { name: 'keeps its tag', promises: ['socket.tag'], run: tags },
];
