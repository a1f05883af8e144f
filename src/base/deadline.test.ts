import assert from 'node:assert/strict';
import test from 'node:test';
import { countDown, withDeadline } from './deadline.ts';
import { SystemError } from './errors.ts';

/** A clock whose only timer fires by hand. */
function handClock(): {
  now: () => number;
  fire: (() => void) | undefined;
  setTimer: (delay: number, callback: () => void) => () => void;
} {
  return {
    now: () => 0,
    fire: undefined,
    setTimer(_delay, callback) {
      this.fire = callback;
      return () => {
        this.fire = undefined;
      };
    },
  };
}

const late = (): SystemError => new SystemError('ETIMEDOUT');
const never = new Promise<never>(() => undefined);

test('withDeadline passes on what comes in time, and leaves neither timer nor listener', async () => {
  for (const work of [Promise.resolve(1), Promise.reject(new Error('mine'))]) {
    const clock = handClock();
    const controller = new AbortController();
    const { signal } = controller;
    let listeners = 0;
    const counted = {
      get aborted() {
        return signal.aborted;
      },
      reason: undefined,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    };
    const [outcome] = await Promise.allSettled([
      withDeadline(work, { signal: counted, timeout: 5 }, clock, late),
    ]);
    const [expected] = await Promise.allSettled([work]);
    assert.deepEqual(outcome, expected);
    await Promise.resolve();
    assert.equal(clock.fire, undefined);
    assert.equal(listeners, 0);
  }
});

test('withDeadline rejects with the late error, and drops what comes after', async () => {
  const clock = handClock();
  const controller = new AbortController();
  const waiting = withDeadline(never, { signal: controller.signal, timeout: 5 }, clock, late);
  clock.fire?.();
  controller.abort(new Error('too late'));
  await assert.rejects(waiting, { code: 'ETIMEDOUT' });
});

test('withDeadline rejects with the reason, whatever it is, and stops the timer', async () => {
  for (const reason of [new Error('x'), 'text', null, 0]) {
    const clock = handClock();
    const controller = new AbortController();
    const waiting = withDeadline(never, { signal: controller.signal, timeout: 5 }, clock, late);
    controller.abort(reason);
    assert.deepEqual((await Promise.allSettled([waiting]))[0], { status: 'rejected', reason });
    assert.equal(clock.fire, undefined);
  }
});

test('withDeadline rejects at once for a signal that has aborted, and sets no timer', async () => {
  const clock = handClock();
  const waiting = withDeadline(never, { signal: AbortSignal.abort('gone'), timeout: 5 }, clock, late);
  assert.equal(clock.fire, undefined);
  assert.deepEqual((await Promise.allSettled([waiting]))[0], { status: 'rejected', reason: 'gone' });
});

test('countDown tells what is left in whole milliseconds, and never less than none', () => {
  const times = [10.5, 10.5, 20.25, 109.75, 110.5, 300];
  const clock = { ...handClock(), now: () => times.shift() ?? NaN };
  const timeLeft = countDown(100, clock);
  assert.deepEqual([timeLeft(), timeLeft(), timeLeft(), timeLeft(), timeLeft()], [100, 91, 1, 0, 0]);
  assert.equal(countDown(undefined, clock)(), undefined);
});
