/** Cases of `providerSuite`: what is open, and the end of it all. */
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { connectOptions, listenOptions } from './pair-maker.ts';
import { patternBytes } from './pattern.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, rejects, settle, throws } from './suite.ts';

async function snapshots(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair();
  a.tag = ['mine'];
  const reader = h.record(b);
  h.record(a);
  equal(await h.written(a, patternBytes(123)), null, 'done');
  await reader.untilBytes(123);
  const shown = h.shown(a);
  equal(shown.kind, 'stream', 'kind');
  equal(shown.state, 'open', 'state');
  equal(shown.transport, a.transport, 'transport');
  equal(shown.bytesWritten, 123, 'bytesWritten');
  equal(shown.bufferedAmount, 0, 'bufferedAmount');
  equal(
    JSON.stringify([shown.local, shown.remote, shown.tag]),
    JSON.stringify([a.local, a.remote, ['mine']]),
    'addresses and tag',
  );
  equal(h.snapshot(b)?.bytesRead, 123, 'bytesRead of the other');
  await a.close();
  equal(h.snapshot(a), undefined, 'snapshot of a closed stream');
  await reader.untilEnd();
  check(h.snapshot(b) !== undefined, 'no snapshot of a stream that is half open');
  b.abort();
  await b.close();
  equal(h.snapshot(b), undefined, 'snapshot of an aborted stream');
}

async function closingIsShown(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  const written = await h.clog(a, writer);
  const closing = a.close();
  equal(h.snapshot(a)?.state, 'closing', 'state while closing');
  b.resume();
  await reader.untilBytes(written);
  await closing;
  equal(h.snapshot(a), undefined, 'snapshot of a closed stream');
}

async function idsAreNeverUsedTwice(h: ProviderHarness): Promise<void> {
  const seen = new Set<number>();
  for (let i = 0; i < h.size(20, 3); i++) {
    const { a, b } = await h.pair();
    for (const { id } of [a, b]) {
      check(Number.isSafeInteger(id), `id ${String(id)}`);
      check(!seen.has(id), `id ${String(id)} was used before`);
      seen.add(id);
    }
    await Promise.all([a.close(), b.close()]);
  }
}

async function nothingIsOpenAtFirst(h: ProviderHarness): Promise<void> {
  equal([...h.provider.sockets()].length, 0, 'snapshots of a new provider');
  const listener = await h.listen();
  equal([...h.provider.sockets()].length, 1, 'snapshots with one listener');
  await listener.close();
  equal([...h.provider.sockets()].length, 0, 'snapshots when all is closed');
}

/** Everything that can be under way when a provider is closed, all at once. */
async function closeSettlesEverything(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair({ isSmall: true });
  const writer = h.record(a);
  b.pause();
  const reader = h.record(b);
  await h.clog(a, writer);
  a.write(patternBytes(5), h.done('unsent'));
  const closingStream = settle(() => a.close(), 'close of a stream');
  const { atListener } = await h.serve();
  const unstarted = await h.pair();
  const closing = h.provider.close();
  equal(h.provider.close(), closing, 'close() again');
  await closing;
  await closingStream;
  equal(await writer.untilClose(), null, 'close of a stream that was closing');
  equal(await reader.untilClose(), null, 'close of a stream');
  equal(await atListener.untilClose(), null, 'close of a listener');
  checkError(h.answers.at(-1)?.error, { name: 'ClosedError' }, 'done of what was not sent');
  throws(
    () => unstarted.a.write(patternBytes(1), h.calls.never('done')),
    { name: 'ClosedError' },
    'write when the provider is closed',
  );
  equal([...h.provider.sockets()].length, 0, 'snapshots when the provider is closed');
  equal(h.provider.close(), closing, 'close() when closed');
}

async function closeEndsConnects(h: ProviderHarness): Promise<void> {
  const where = await h.blackHole();
  const pending = Array.from({ length: 3 }, () => settle(() => h.provider.connect(where), 'connect'));
  await h.quiet();
  await h.provider.close();
  for (const outcome of await Promise.all(pending)) {
    check(outcome.status === 'rejected', 'a connect fulfilled after the provider was closed');
    checkError(outcome.reason, { name: 'ClosedError' }, 'pending connect');
  }
}

/** The calls were made before the close, and have not been answered: each must settle, and leave nothing. */
async function closeInTheSameTurn(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const where = connectOptions(listener);
  const fresh = listenOptions(h.transport, h.options.files);
  const calls = [
    settle(() => h.provider.connect(where), 'connect'),
    settle(() => h.provider.listen(fresh), 'listen'),
    settle(() => h.provider.resolve('127.0.0.1'), 'resolve'),
    settle(() => h.provider.interfaces(), 'interfaces'),
  ];
  await h.provider.close();
  await Promise.all(calls);
  equal([...h.provider.sockets()].length, 0, 'snapshots when the provider is closed');
}

async function refusesAfterClose(h: ProviderHarness): Promise<void> {
  const where = await h.deserted();
  await h.provider.close();
  const closed = { name: 'ClosedError', code: 'ERR_SOCKET_CLOSED' };
  const fresh = listenOptions(h.transport, h.options.files);
  await rejects(() => h.provider.connect(where), closed, 'connect');
  await rejects(() => h.provider.listen(fresh), closed, 'listen');
  await rejects(() => h.provider.resolve('127.0.0.1'), closed, 'resolve');
  await rejects(() => h.provider.bind({}), { name: ['ClosedError', 'UnsupportedError'] }, 'bind');
  await h.provider[Symbol.asyncDispose]();
}

async function closeInsideData(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair();
  const { atListener } = await h.serve();
  const atA = h.record(a);
  const atB = h.record(b, { data: () => void h.provider.close() }, { readSize: 10 });
  a.write(patternBytes(1000), h.done('done'));
  equal(await atB.untilClose(), null, 'close');
  equal(await atA.untilClose(), null, 'close of the other');
  equal(await atListener.untilClose(), null, 'close of the listener');
  check(atB.chunks.length === 1, 'chunks told after the provider was closed');
  await h.provider.close();
}

async function closeInsideAccept(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve({ accept: () => void h.provider.close() });
  await settle(() => h.connectTo(listener), 'connect');
  equal(await atListener.untilClose(), null, 'close of the listener');
  await h.provider.close();
}

async function peerSeesTheEnd(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair();
  h.record(a);
  const reader = h.record(b);
  a.write(patternBytes(50), h.done('done'));
  await reader.untilBytes(50);
  a.abort();
  checkError(await reader.untilClose(), { name: 'BrokenError' }, 'close of the peer');
}

async function abortByNumber(h: ProviderHarness): Promise<void> {
  const { a, b } = await h.pair();
  const atA = h.record(a);
  const atB = h.record(b);
  a.write(patternBytes(50), h.done('done'));
  await atB.untilBytes(50);
  equal(h.provider.abort(a.id), true, 'abort of an open stream');
  equal(await atA.untilClose(), null, 'close of the stream');
  if (h.transport.startsWith('ip'))
    checkError(await atB.untilClose(), { name: 'BrokenError' }, 'of the peer');
  throws(() => a.write(patternBytes(1), h.calls.never('done')), { name: 'ClosedError' }, 'write');
  equal(h.provider.abort(a.id), false, 'abort of it again');
  const { listener, atListener } = await h.serve();
  equal(h.provider.abort(listener.id), true, 'abort of an open listener');
  equal(await atListener.untilClose(), null, 'close of the listener');
  await rejects(() => h.provider.connect(connectOptions(listener)), {}, 'connect to it');
  equal(h.provider.abort(2 ** 40), false, 'abort of a number that no socket has');
  await h.provider.close();
  equal(h.provider.abort(b.id), false, 'abort when the provider is closed');
}

async function dispose(h: ProviderHarness): Promise<void> {
  const { atListener } = await h.serve();
  await h.provider[Symbol.asyncDispose]();
  equal(await atListener.untilClose(), null, 'close of the listener');
}

export const PROVIDER_LIFE_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'sockets lists a stream while it is open',
    promises: ['provider.sockets', 'socket.tag', 'socket.id'],
    run: snapshots,
  },
  { name: 'sockets shows a stream that is closing', promises: ['provider.sockets'], run: closingIsShown },
  {
    name: 'sockets is empty when nothing is open',
    promises: ['provider.sockets'],
    run: nothingIsOpenAtFirst,
  },
  { name: 'ids are never used twice', promises: ['socket.id'], run: idsAreNeverUsedTwice },
  {
    name: 'close settles everything that is under way',
    promises: ['provider.close', 'life.end', 'once', 'closed.calls'],
    run: closeSettlesEverything,
  },
  {
    name: 'close ends pending connects',
    promises: ['provider.close', 'life.end'],
    needs: ['accept-pause'],
    when: onTcp,
    run: closeEndsConnects,
  },
  {
    name: 'close settles calls made in the same turn',
    promises: ['provider.close', 'life.end', 'once'],
    run: closeInTheSameTurn,
  },
  {
    name: 'close refuses further calls',
    promises: ['provider.close', 'closed.calls'],
    run: refusesAfterClose,
  },
  { name: 'close inside data', promises: ['once', 'closed.silent', 'life.end'], run: closeInsideData },
  { name: 'close inside accept', promises: ['once', 'closed.silent', 'life.end'], run: closeInsideAccept },
  {
    name: 'abort of one stream is told to its peer',
    promises: ['socket.abort'],
    when: onTcp,
    run: peerSeesTheEnd,
  },
  {
    name: 'abort aborts the socket with that number, and no other',
    promises: ['provider.abort', 'socket.abort', 'once'],
    run: abortByNumber,
  },
  { name: 'asyncDispose closes', promises: ['life.end'], run: dispose },
];
