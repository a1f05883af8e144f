import assert from 'node:assert/strict';
import test from 'node:test';
import { MustCall } from './must-call.ts';

test('MustCall is content when each was called as often as it must', () => {
  const calls = new MustCall();
  const heard: number[] = [];
  const once = calls.once('once', (value: number) => heard.push(value));
  const twice = calls.times(2, 'twice');
  calls.never('never');
  once(7);
  twice();
  twice();
  calls.check();
  assert.deepEqual(heard, [7]);
  assert.deepEqual(calls.order, ['once', 'twice', 'twice']);
});

test('MustCall names each that was called too seldom or too often', () => {
  const calls = new MustCall();
  calls.once('missing');
  const twice = calls.once('doubled');
  twice();
  twice();
  calls.never('forbidden')();
  assert.deepEqual(calls.problems(), [
    'missing: called 0 times, must be 1',
    'doubled: called 2 times, must be 1',
    'forbidden: called 1 times, must be 0',
  ]);
  assert.throws(() => {
    calls.check();
  }, /missing.*doubled.*forbidden/);
});

test('MustCall asks at the end how often a callback had to be called', () => {
  const calls = new MustCall();
  let times = 0;
  const callback = calls.exactly('late', () => times);
  callback();
  assert.equal(calls.problems().length, 1);
  times = 1;
  calls.check();
});
