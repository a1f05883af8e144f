/** Cases of `providerSuite`: signals and timeouts of `connect`. */
import type { CaseRow } from './case-table.ts';
import { onTcp } from './case-table.ts';
import { ManualSignal } from './manual-signal.ts';
import { connectOptions } from './pair-maker.ts';
import type { ProviderHarness } from './provider-harness.ts';
import { check, checkError, equal, rejects, settle } from './suite.ts';

async function timeout(h: ProviderHarness): Promise<void> {
  const where = await h.blackHole();
  await h.leavesNothing(async () => {
    const outcome = settle(() => h.provider.connect({ ...where, timeout: 60 }), 'connect');
    await h.pass(60);
    const settled = await outcome;
    check(settled.status === 'rejected', 'a connect that nothing answers fulfilled');
    checkError(settled.reason, { name: 'ConnectError' }, 'connect whose time ran out');
    const { errors } = settled.reason as unknown as { errors: readonly unknown[] };
    checkError(errors.at(-1), { name: 'SystemError', code: 'ETIMEDOUT' }, 'error of the attempt');
  });
}

async function timeoutInTime(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const stream = await h.connectTo(listener, { timeout: 30_000 });
  await h.options.clock?.advance(30_000);
  h.record(stream);
  const reader = h.record(await atListener.stream());
  stream.write(Uint8Array.of(1), h.done('done'));
  await reader.untilBytes(1);
}

async function abortedBefore(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const signal = new ManualSignal();
  const reason = { odd: 'a reason need not be an error' };
  signal.abort(reason);
  await h.leavesNothing(async () => {
    equal(await rejects(() => h.connectTo(listener, { signal }), {}, 'connect'), reason, 'reason');
  });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  equal(atListener.streams.length, 0, 'connections made although aborted before');
}

async function abortedInTheSameTurn(h: ProviderHarness): Promise<void> {
  const where = connectOptions(await h.listen());
  const signal = new ManualSignal();
  const reason = new Error('changed my mind');
  const outcome = settle(() => h.provider.connect({ ...where, signal }), 'connect');
  signal.abort(reason);
  const settled = await outcome;
  check(settled.status === 'rejected', 'connect whose signal aborted in the same turn fulfilled');
  equal(settled.reason, reason, 'reason');
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

async function abortedDuring(h: ProviderHarness): Promise<void> {
  const where = await h.blackHole();
  const signal = new ManualSignal();
  const reason = new Error('enough');
  await h.leavesNothing(async () => {
    const outcome = settle(() => h.provider.connect({ ...where, signal }), 'connect');
    await h.quiet();
    signal.abort(reason);
    const settled = await outcome;
    check(settled.status === 'rejected', 'an aborted connect fulfilled');
    equal(settled.reason, reason, 'reason');
  });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

async function abortedAfter(h: ProviderHarness): Promise<void> {
  const { listener, atListener } = await h.serve();
  const signal = new ManualSignal();
  const stream = await h.connectTo(listener, { signal });
  equal(signal.listenerCount, 0, 'listeners left on the signal');
  signal.abort();
  h.record(stream);
  const reader = h.record(await atListener.stream());
  stream.write(Uint8Array.of(1), h.done('done'));
  await reader.untilBytes(1);
}

async function oneSignalForMany(h: ProviderHarness): Promise<void> {
  const where = await h.blackHole();
  const signal = new ManualSignal();
  await h.leavesNothing(async () => {
    const outcomes = Array.from({ length: 10 }, () =>
      settle(() => h.provider.connect({ ...where, signal }), 'connect'),
    );
    await h.quiet();
    signal.abort('all of you');
    for (const outcome of await Promise.all(outcomes)) {
      check(outcome.status === 'rejected' && outcome.reason === 'all of you', 'one of ten was not aborted');
    }
  });
}

async function abortedBeforeResolve(h: ProviderHarness): Promise<void> {
  const signal = new ManualSignal();
  signal.abort('too late');
  equal(
    await rejects(() => h.provider.resolve('localhost', { signal }), {}, 'resolve'),
    'too late',
    'reason',
  );
  equal(signal.listenerCount, 0, 'listeners left on the signal');
}

export const PROVIDER_DEADLINE_CASES: readonly CaseRow<ProviderHarness>[] = [
  {
    name: 'connect times out',
    promises: ['deadline.timeout', 'failure.clean', 'connect.errors'],
    needs: ['accept-pause'],
    when: onTcp,
    run: timeout,
  },
  { name: 'connect in time forgets its timeout', promises: ['deadline.timeout'], run: timeoutInTime },
  {
    name: 'connect rejects with the reason of a signal that has aborted',
    promises: ['deadline.signal', 'failure.clean'],
    run: abortedBefore,
  },
  {
    name: 'connect rejects when its signal aborts in the same turn',
    promises: ['deadline.signal', 'once'],
    run: abortedInTheSameTurn,
  },
  {
    name: 'connect rejects when its signal aborts meanwhile',
    promises: ['deadline.signal', 'failure.clean'],
    needs: ['accept-pause'],
    when: onTcp,
    run: abortedDuring,
  },
  { name: 'connect forgets its signal when connected', promises: ['deadline.signal'], run: abortedAfter },
  {
    name: 'connects that share a signal are all aborted',
    promises: ['deadline.signal', 'failure.clean'],
    needs: ['accept-pause'],
    when: onTcp,
    run: oneSignalForMany,
  },
  {
    name: 'resolve rejects with the reason of a signal that has aborted',
    promises: ['deadline.signal'],
    run: abortedBeforeResolve,
  },
];
