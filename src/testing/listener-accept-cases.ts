/** Cases of `listenerSuite`: accepting, pausing, and what accepted streams are like. */
import { smallBuffers } from './pair-maker.ts';
import type { Stream } from '../base/provider.ts';
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { patternBytes } from './pattern.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, SuiteFailure } from './suite.ts';

async function acceptsWithAddresses(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const a = await h.connectTo(listener);
  const b = await atListener.stream();
  equal(JSON.stringify(b.local), JSON.stringify(a.remote), 'local address of the accepted stream');
  equal(JSON.stringify(b.remote), JSON.stringify(a.local), 'remote address of the accepted stream');
  equal(
    JSON.stringify(b.local),
    JSON.stringify(listener.local),
    'local address of the stream and of its listener',
  );
  check(new Set([a.id, b.id, listener.id]).size === 3, 'two sockets have the same id');
  equal(b.transport, listener.transport, 'transport');
}

async function waitsForStart(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const a = await h.connectTo(listener);
  h.record(a);
  a.write(patternBytes(100), h.done('early'));
  await h.quiet();
  const atListener = h.recordListener(listener);
  const b = await atListener.stream();
  await h.quiet();
  equal(b.bytesRead, 0, 'bytes that an accepted stream has read before it was started');
  const reader = h.record(b);
  await reader.untilBytes(100);
  reader.checkPattern(100);
}

async function pausedAcceptsNothing(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  await h.connectTo(listener);
  await atListener.stream();
  listener.pause();
  equal(listener.isPaused, true, 'isPaused');
  const a = await h.connectTo(listener);
  h.record(a);
  a.write(patternBytes(10), h.done('waits'));
  await h.quiet();
  equal(atListener.streams.length, 1, 'streams accepted while paused');
  listener.resume();
  equal(listener.isPaused, false, 'isPaused after resume');
  const reader = h.record(await atListener.stream(1));
  await reader.untilBytes(10);
}

async function pauseBeforeStart(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  listener.pause();
  const atListener = h.recordListener(listener);
  equal(listener.isPaused, true, 'isPaused after start');
  await h.connectTo(listener);
  await h.quiet();
  equal(atListener.streams.length, 0, 'streams accepted while paused');
  listener.resume();
  await atListener.stream();
}

async function pauseInsideAccept(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const clients = [await h.connectTo(listener), await h.connectTo(listener), await h.connectTo(listener)];
  const atListener = h.recordListener(listener, {
    accept: () => {
      listener.pause();
    },
  });
  for (let count = 1; count <= clients.length; count++) {
    await atListener.stream(count - 1);
    await h.quiet();
    equal(atListener.streams.length, count, 'streams accepted although paused inside accept');
    listener.resume();
  }
}

async function restartReplacesSink(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  await h.connectTo(listener);
  await atListener.stream();
  const second = h.recordListener(listener);
  await h.connectTo(listener);
  await second.stream();
  equal(atListener.streams.length, 1, 'streams told to the sink that was replaced');
}

/** Each client says who it is, and is answered: no connection is lost or mixed up. */
async function manyConnections(h: ProviderHarness): Promise<void> {
  const count = h.size(200, 20);
  const { listener, atListener } = await h.serve({
    accept: (stream) => {
      h.record(stream, {
        data: (chunk) => void stream.write(chunk),
        end: () => {
          stream.closeWrite();
        },
      });
    },
  });
  const one = async (index: number): Promise<void> => {
    const stream = await h.connectTo(listener);
    const reader = h.record(stream);
    stream.write(patternBytes(300, index * 7), h.done(`client ${String(index)}`));
    stream.closeWrite();
    equal(await reader.untilClose(), null, 'close');
    reader.checkPattern(300, index * 7);
  };
  await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  equal(atListener.streams.length, count, 'streams accepted');
  equal(new Set(atListener.streams.map((stream) => stream.id)).size, count, 'different ids');
}

/** Connection after connection, so that numbers of descriptors are used again at once. */
async function oneAfterTheOther(h: ProviderHarness): Promise<void> {
  const { listener } = await h.serve({ accept: (stream) => void stream.close() });
  for (let i = 0; i < h.size(100, 10); i++) {
    const stream = await h.connectTo(listener);
    const reader = h.record(stream);
    await reader.untilEnd();
    await stream.close();
  }
}

async function optionsOfAccepted(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve({}, { options: { noDelay: true, keepAlive: true } });
  await h.connectTo(listener);
  const stream = await atListener.stream();
  equal(stream.get('noDelay'), true, 'noDelay of the accepted stream');
  check(stream.get('keepAlive') !== false, 'keepAlive of the accepted stream is false');
}

async function limitsOfAccepted(h: ProviderHarness): Promise<void> {
  const options = smallBuffers(h.provider);
  const { listener, atListener } = await h.serve({}, { highWaterMark: 4000, options });
  const a = await h.connectTo(listener, { options });
  a.pause();
  h.record(a);
  const b = await atListener.stream();
  const writer = h.record(b);
  await h.fillUp(b, writer, 4000);
}

async function goneBeforeAccept(h: ProviderHarness): Promise<void> {
  const listener = await h.listen();
  const first = await h.connectTo(listener);
  h.record(first);
  equal(await h.written(first, patternBytes(5)), null, 'done');
  first.abort();
  const second = await h.connectTo(listener);
  h.record(second);
  second.write(patternBytes(77), h.done('second'));
  await h.quiet();
  // The first may be told, and then be broken or at its end; the second must be told.
  const served: Stream[] = [];
  const atListener = h.recordListener(listener, {
    accept: (stream) => {
      const reader = h.record(stream, {
        data: () => {
          if (reader.received === 77) served.push(stream);
        },
      });
    },
  });
  await atListener.until(() => atListener.streams.length > 0, 'a stream');
  for (let i = 0; i < 1000 && served.length === 0; i++) await h.quiet();
  equal(served.length, 1, 'streams that were served');
}

async function throwInsideAccept(h: ProviderHarness): Promise<void> {
  const capture = h.options.captureUncaught?.();
  if (capture === undefined) throw new SuiteFailure('this case needs captureUncaught');
  try {
    const mistake = new Error('thrown inside accept');
    const { listener, atListener } = await h.serve({
      accept: () => {
        if (atListener.streams.length === 1) throw mistake;
      },
    });
    await h.connectTo(listener);
    equal(await capture.next(), mistake, 'what was reported as uncaught');
    const a = await h.connectTo(listener);
    const b = await atListener.stream(1);
    h.record(a);
    const reader = h.record(b);
    a.write(patternBytes(10), h.done('done'));
    await reader.untilBytes(10);
  } finally {
    capture.stop();
  }
}

async function smallBacklog(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve({}, { backlog: 1 });
  for (let i = 0; i < 5; i++) {
    await h.connectTo(listener);
    await atListener.stream(i);
  }
}

async function descriptorsRunOut(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  h.options.failAccept?.(h.provider, 'EMFILE', 2);
  await h.connectTo(listener);
  await atListener.until(() => atListener.errors.length === 1, 'the first error');
  checkError(atListener.errors[0], { name: 'SystemError', code: 'EMFILE' }, 'error of the listener');
  equal(atListener.streams.length, 0, 'streams accepted without a descriptor');
  await h.options.clock?.advance(50);
  await atListener.until(() => atListener.errors.length === 2, 'the second error');
  await h.options.clock?.advance(100);
  await atListener.stream();
  equal(atListener.errors.length, 2, 'errors told');
}

async function descriptorsComeBack(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const first = await h.connectTo(listener);
  await atListener.stream();
  h.options.failAccept?.(h.provider, 'ENFILE', 1);
  await h.connectTo(listener);
  await atListener.until(() => atListener.errors.length === 1, 'the error');
  checkError(atListener.errors[0], { code: 'ENFILE' }, 'error of the listener');
  // Time stands still where the clock is the suite's: only the socket that closes can be the reason to try again.
  await first.close();
  await atListener.stream(1);
}

export const LISTENER_ACCEPT_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'accepts streams with the addresses of both ends',
    promises: ['socket.local', 'socket.id'],
    run: acceptsWithAddresses,
  },
  {
    name: 'keeps connections waiting until it is started',
    promises: ['listen.waits', 'accept.stream', 'listen.backlog'],
    run: waitsForStart,
  },
  {
    name: 'accepts nothing while paused, and all after',
    promises: ['accept.pause'],
    run: pausedAcceptsNothing,
  },
  { name: 'pause before start holds', promises: ['accept.pause'], run: pauseBeforeStart },
  {
    name: 'pause inside accept is the last of the streams',
    promises: ['accept.pause'],
    run: pauseInsideAccept,
  },
  { name: 'start again replaces the sink', promises: ['accept.restart'], run: restartReplacesSink },
  {
    name: 'serves many connections at once',
    promises: ['once', 'half.both', 'socket.id'],
    run: manyConnections,
  },
  {
    name: 'serves one connection after the other',
    promises: ['once', 'close.settles'],
    run: oneAfterTheOther,
  },
  {
    name: 'sets its options on accepted streams',
    promises: ['listen.options'],
    when: onTcp,
    run: optionsOfAccepted,
  },
  { name: 'gives its limits to accepted streams', promises: ['limits.high-water'], run: limitsOfAccepted },
  {
    name: 'survives a connection that is gone before it is accepted',
    promises: ['listen.waits'],
    run: goneBeforeAccept,
  },
  {
    name: 'an exception inside accept is uncaught and hurts no other',
    promises: ['sink.throw'],
    when: (about) => about.options.captureUncaught !== undefined,
    run: throwInsideAccept,
  },
  { name: 'works with a backlog of 1', promises: ['listen.backlog'], run: smallBacklog },
  {
    name: 'out of descriptors, tells, and tries again after 50 ms, 100 ms …',
    promises: ['failure.accept', 'accept.retry'],
    when: (about) => about.options.failAccept !== undefined,
    run: descriptorsRunOut,
  },
  {
    name: 'out of descriptors, tries again when a socket closes',
    promises: ['accept.retry'],
    when: (about) => about.options.failAccept !== undefined,
    run: descriptorsComeBack,
  },
];
