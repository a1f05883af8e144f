/** Cases of `streamSuite`: what a stream says and refuses once it was closed or aborted. */
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { StreamHarness } from './stream-harness.ts';
import { equal, equalList, throws } from './suite.ts';

async function callsAfterClose(h: StreamHarness, end: (stream: Stream) => Promise<void>): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  h.record(b);
  const pending = end(a);
  checkClosedCalls(h, a);
  await pending;
  checkClosedCalls(h, a);
  equal(a.close(), a.close(), 'close() again');
  a.abort();
  a.abort();
  await a[Symbol.asyncDispose]();
}

/** Each call that a closed stream must refuse. */
const REFUSED: readonly (readonly [string, (stream: Stream, h: StreamHarness) => unknown])[] = [
  [
    'closeWrite',
    (stream) => {
      stream.closeWrite();
    },
  ],
  ['get', (stream) => stream.get('keepAlive')],
  [
    'pause',
    (stream) => {
      stream.pause();
    },
  ],
  [
    'ref',
    (stream) => {
      stream.ref();
    },
  ],
  [
    'resume',
    (stream) => {
      stream.resume();
    },
  ],
  [
    'set',
    (stream) => {
      stream.set('keepAlive', true);
    },
  ],
  [
    'start',
    (stream, h) => {
      stream.start(h.recorder());
    },
  ],
  [
    'unref',
    (stream) => {
      stream.unref();
    },
  ],
  ['write', (stream, h) => stream.write(patternBytes(1), h.calls.never('done of a write after close'))],
];

function checkClosedCalls(h: StreamHarness, stream: Stream): void {
  for (const [name, call] of REFUSED) {
    throws(() => call(stream, h), { name: 'ClosedError', code: 'ERR_SOCKET_CLOSED' }, name);
  }
}

async function silentAfterClose(h: StreamHarness, end: (stream: Stream) => void): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const atB: { log: string[]; untilClose(): Promise<unknown> } = h.record(
    b,
    {
      data: () => {
        end(b);
      },
    },
    { readSize: 10 },
  );
  a.write(patternBytes(1000), h.done('done'));
  equal(await atB.untilClose(), null, 'close');
  await h.quiet();
  equalList(atB.log, ['data', 'close'], 'events');
}

const closing = (stream: Stream): Promise<void> => stream.close();
const aborting = (stream: Stream): Promise<void> => {
  stream.abort();
  return Promise.resolve();
};

export const CLOSED_CASES: readonly CaseRow<StreamHarness>[] = [
  {
    name: 'after close every other call throws ClosedError',
    promises: ['closed.calls'],
    run: (h) => callsAfterClose(h, closing),
  },
  {
    name: 'after abort every other call throws ClosedError',
    promises: ['closed.calls'],
    run: (h) => callsAfterClose(h, aborting),
  },
  {
    name: 'close inside data: only close follows',
    promises: ['closed.silent', 'once'],
    run: (h) => silentAfterClose(h, (stream) => void stream.close()),
  },
  {
    name: 'abort inside data: only close follows',
    promises: ['closed.silent', 'once'],
    run: (h) =>
      silentAfterClose(h, (stream) => {
        stream.abort();
      }),
  },
];
