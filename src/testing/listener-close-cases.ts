/** Cases of `listenerSuite`: closing. */
import type { Listener, Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { ManualSignal } from './manual-signal.ts';
import { connectOptions, listenOptions } from './pair-maker.ts';
import { patternBytes } from './pattern.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, rejects, settle, throws } from './suite.ts';

async function acceptedStayOpen(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const a = await h.connectTo(listener);
  const b = await atListener.stream();
  const [atA, atB] = [h.record(a), h.record(b)];
  await listener.close();
  equal(await atListener.untilClose(), null, 'close of the listener');
  const total = h.size(100_000);
  a.write(patternBytes(total), h.done('to'));
  b.write(patternBytes(total), h.done('fro'));
  await Promise.all([atA.untilBytes(total), atB.untilBytes(total)]);
  atA.checkPattern(total);
  atB.checkPattern(total);
}

async function backlogIsReset(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const a = await h.connectTo(listener);
  const atA = h.record(a);
  await h.quiet();
  await listener.close();
  if (h.transport.startsWith('unix')) await atA.until(() => atA.isEnded || atA.isClosed, 'end or close');
  else checkError(await atA.untilClose(), { name: 'BrokenError' }, 'close of a stream that nobody accepted');
}

async function closeInsideAccept(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  for (let i = 0; i < 3; i++) h.record(await h.connectTo(listener));
  const atListener = h.recordListener(listener, { accept: () => void listener.close() });
  equal(await atListener.untilClose(), null, 'close');
  await h.quiet();
  equal(atListener.streams.length, 1, 'streams accepted');
  const stream = atListener.streams[0];
  check(stream !== undefined, 'no stream');
  await stream.close();
}

async function abortStreamInsideAccept(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve({
    accept: (stream) => {
      stream.abort();
    },
  });
  for (let i = 0; i < 3; i++) {
    // The reset may arrive before the client has looked at its connection: then it never had one.
    const outcome = await settle(() => h.connectTo(listener), 'connect');
    if (outcome.status === 'rejected') checkError(outcome.reason, { name: 'ConnectError' }, 'connect');
    else await gone(h, outcome.value);
  }
  await atListener.until(() => atListener.streams.length === 3, 'three streams');
}

async function gone(h: ProviderHarness, stream: Stream): Promise<void> {
  const reader = h.record(stream);
  await reader.until(() => reader.isEnded || reader.isClosed, 'end or close');
}

async function closeTwice(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const local = JSON.stringify(listener.local);
  const closing = listener.close();
  equal(listener.close(), closing, 'close() again');
  checkClosedCalls(h, listener);
  await closing;
  equal(listener.close(), closing, 'close() when closed');
  checkClosedCalls(h, listener);
  equal(JSON.stringify(listener.local), local, 'local after close');
  equal(await atListener.untilClose(), null, 'close');
  listener.abort();
  await listener[Symbol.asyncDispose]();
  await h.quiet();
}

function checkClosedCalls(h: ProviderHarness, listener: Listener): void {
  const closed = { name: 'ClosedError', code: 'ERR_SOCKET_CLOSED' };
  const sink = { accept: h.calls.never('accept'), close: h.calls.never('close') };
  throws(
    () => {
      listener.start(sink);
    },
    closed,
    'start',
  );
  throws(
    () => {
      listener.pause();
    },
    closed,
    'pause',
  );
  throws(
    () => {
      listener.resume();
    },
    closed,
    'resume',
  );
  throws(() => listener.get('receiveBufferSize'), closed, 'get');
  throws(
    () => {
      listener.set('receiveBufferSize', 1000);
    },
    closed,
    'set',
  );
  throws(
    () => {
      listener.ref();
    },
    closed,
    'ref',
  );
  throws(
    () => {
      listener.unref();
    },
    closed,
    'unref',
  );
}

async function closeBeforeStart(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  await listener.close();
  equal(h.snapshot(listener), undefined, 'snapshot of a closed listener');
}

async function closeWhilePaused(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  listener.pause();
  await listener.close();
  equal(await atListener.untilClose(), null, 'close of a paused listener');
}

async function abortCloses(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const where = connectOptions(listener);
  listener.abort();
  equal(await atListener.untilClose(), null, 'close');
  await listener.close();
  await rejects(() => h.connect(where), { name: 'ConnectError' }, 'connect to a listener that was aborted');
}

async function refusesAfterClose(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve();
  const where = connectOptions(listener);
  await listener.close();
  await rejects(() => h.connect(where), { name: 'ConnectError' }, 'connect to a closed listener');
}

async function addressIsFreeAfterClose(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const a = await h.connectTo(listener);
  h.record(a);
  h.record(await atListener.stream());
  const { local } = listener;
  await listener.close();
  const again = await h.listen(
    local.family === 'unix' ? { path: local.path, stale: 'replace' } : { port: local.port },
  );
  equal(JSON.stringify(again.local), JSON.stringify(local), 'address of the second listener');
  const second = h.recordListener(again);
  await h.connectTo(again);
  await second.stream();
}

async function signalBefore(h: ProviderHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('no');
  signal.abort(reason);
  const options = { ...listenOptions(h.transport, h.options.files), signal };
  await h.leavesNothing(async () => {
    equal(await rejects(() => h.provider.listen(options), {}, 'listen'), reason, 'reason');
  });
}

async function signalAtOnce(h: ProviderHarness): Promise<void> {
  const signal = new ManualSignal();
  const reason = new Error('no');
  const options = { ...listenOptions(h.transport, h.options.files), signal };
  await h.leavesNothing(async () => {
    const outcome = settle(() => h.provider.listen(options), 'listen');
    signal.abort(reason);
    const settled = await outcome;
    equal(settled.status, 'rejected', 'listen whose signal aborted in the same turn');
    if (settled.status === 'rejected') equal(settled.reason, reason, 'reason');
  });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

async function signalAfter(h: ProviderHarness): Promise<void> {
  const signal = new ManualSignal();
  const { listener, atListener } = await h.serve({}, { signal, timeout: 60_000 });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  signal.abort();
  await h.connectTo(listener);
  await atListener.stream();
}

async function snapshots(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  listener.tag = { purpose: 'test' };
  const shown = h.shown(listener);
  equal(shown.kind, 'listener', 'kind');
  equal(shown.state, 'open', 'state');
  equal(shown.transport, listener.transport, 'transport');
  equal(JSON.stringify(shown.local), JSON.stringify(listener.local), 'local');
  equal(JSON.stringify(shown.tag), '{"purpose":"test"}', 'tag');
  listener.unref();
  listener.ref();
  await listener.close();
  equal(h.snapshot(listener), undefined, 'snapshot of a closed listener');
}

async function badSinks(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  for (const sink of [null, undefined, 1, {}, { accept: 1, close: 1 }, { accept: () => undefined }]) {
    throws(
      () => {
        listener.start(sink as never);
      },
      { name: 'TypeError' },
      'start with a sink that is none',
    );
  }
  const atListener = h.recordListener(listener);
  await h.connectTo(listener);
  await atListener.stream();
}

export const LISTENER_CLOSE_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'close leaves accepted streams open',
    promises: ['accept.close', 'sink.close'],
    run: acceptedStayOpen,
  },
  {
    name: 'close resets what is still in the backlog',
    promises: ['accept.close'],
    needs: ['accept-pause'],
    run: backlogIsReset,
  },
  { name: 'close inside accept', promises: ['closed.silent', 'once'], run: closeInsideAccept },
  {
    name: 'aborting each stream inside accept',
    promises: ['once', 'accept.stream'],
    run: abortStreamInsideAccept,
  },
  {
    name: 'close again is the same promise, other calls throw',
    promises: ['closed.calls', 'socket.local'],
    run: closeTwice,
  },
  { name: 'close before start', promises: ['once', 'provider.sockets'], run: closeBeforeStart },
  { name: 'close while paused', promises: ['once', 'sink.close'], run: closeWhilePaused },
  { name: 'abort closes', promises: ['once', 'closed.calls'], run: abortCloses },
  {
    name: 'refuses connections after close',
    promises: ['accept.close', 'connect.errors'],
    run: refusesAfterClose,
  },
  {
    name: 'its address is free after close',
    promises: ['accept.close'],
    when: (about) => about.options.files !== undefined || onTcp(about),
    run: addressIsFreeAfterClose,
  },
  {
    name: 'listen rejects with the reason of a signal that has aborted',
    promises: ['deadline.signal'],
    run: signalBefore,
  },
  {
    name: 'listen rejects when its signal aborts in the same turn',
    promises: ['deadline.signal'],
    run: signalAtOnce,
  },
  { name: 'listen leaves its deadline behind', promises: ['deadline.signal'], run: signalAfter },
  {
    name: 'is in the snapshots while it is open',
    promises: ['provider.sockets', 'socket.tag'],
    run: snapshots,
  },
  { name: 'refuses sinks that are none', promises: ['accept.restart'], run: badSinks },
];
