import assert from 'node:assert/strict';
import test from 'node:test';
import { ManualClock } from './manual-clock.ts';

test('ManualClock runs timers in order of time, then of setting', () => {
  const clock = new ManualClock(100);
  const log: string[] = [];
  const note = (text: string) => (): void => {
    log.push(`${text}@${String(clock.now())}`);
  };
  clock.setTimer(20, note('late'));
  clock.setTimer(10, note('one'));
  clock.setTimer(10, note('two'));
  clock.setTimer(0, note('now'));
  clock.advance(9);
  assert.deepEqual(log, ['now@100']);
  assert.equal(clock.next, 110);
  clock.advance(1);
  assert.deepEqual(log, ['now@100', 'one@110', 'two@110']);
  clock.advance(100);
  assert.equal(log.at(-1), 'late@120');
  assert.equal(clock.now(), 210);
  assert.equal(clock.pending, 0);
  assert.equal(clock.next, null);
});

test('ManualClock runs what a timer sets within the same move', () => {
  const clock = new ManualClock();
  const times: number[] = [];
  const again = (): void => {
    times.push(clock.now());
    if (times.length < 5) clock.setTimer(3, again);
  };
  clock.setTimer(3, again);
  clock.advance(10);
  assert.deepEqual(times, [3, 6, 9]);
  clock.advance(2);
  assert.deepEqual(times, [3, 6, 9, 12]);
});

test('ManualClock does not run what was cancelled, also by another timer', () => {
  const clock = new ManualClock();
  let count = 0;
  const cancel = clock.setTimer(5, () => count++);
  clock.setTimer(4, cancel);
  clock.advance(10);
  cancel();
  assert.equal(count, 0);
});

test('ManualClock refuses to go back, and times that are none', () => {
  const clock = new ManualClock();
  for (const value of [-1, Number.NaN]) {
    assert.throws(() => {
      clock.advance(value);
    }, RangeError);
    assert.throws(() => clock.setTimer(value, () => undefined), RangeError);
  }
});

test('ManualClock stops at the time of a timer that throws, and goes on from there', () => {
  const clock = new ManualClock();
  let isLaterRun = false;
  clock.setTimer(1, () => {
    throw new Error('mine');
  });
  clock.setTimer(2, () => {
    isLaterRun = true;
  });
  assert.throws(() => {
    clock.advance(5);
  }, /mine/);
  assert.equal(clock.now(), 1);
  assert.equal(isLaterRun, false);
  clock.advance(4);
  assert.equal(isLaterRun, true);
});
