import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomNumbers, shuffled } from './random.mjs';
import { quantile, ratiosPerRound, spreadPercent, summarise, surplusPerRound, valuesOf } from './stats.mjs';

describe('summarise', () => {
  test('summarise takes the middle of an odd number of values in any order', () => {
    assert.deepEqual(summarise([9, 1, 5]), { median: 5, low: 3, high: 7, count: 3 });
  });

  test('summarise interpolates between the middle two of an even number', () => {
    assert.deepEqual(summarise([4, 1, 3, 2]), { median: 2.5, low: 1.75, high: 3.25, count: 4 });
  });

  test('summarise orders by number and not by text', () => {
    assert.equal(summarise([10, 9, 100])?.median, 10);
  });

  test('summarise of one value has no spread', () => {
    assert.deepEqual(summarise([7]), { median: 7, low: 7, high: 7, count: 1 });
  });

  test('summarise of nothing is undefined', () => {
    assert.equal(summarise([]), undefined);
  });

  test('summarise refuses what a division by zero leaves', () => {
    assert.throws(() => summarise([1, Number.NaN]), RangeError);
    assert.throws(() => summarise([1 / 0]), RangeError);
  });

  test('summarise leaves its argument as it was', () => {
    const values = [3, 1, 2];
    summarise(values);
    assert.deepEqual(values, [3, 1, 2]);
  });
});

describe('quantile', () => {
  test('quantile 0 and 1 are the ends', () => {
    assert.equal(quantile([1, 2, 8], 0), 1);
    assert.equal(quantile([1, 2, 8], 1), 8);
  });

  test('quantile of nothing is refused', () => {
    assert.throws(() => quantile([], 0.5), RangeError);
  });
});

describe('ratiosPerRound', () => {
  const rounds = [
    { a: { cpuMicros: 2, rate: 300 }, b: { cpuMicros: 4, rate: 100 } },
    { a: { cpuMicros: 20, rate: 30 }, b: { cpuMicros: 60, rate: 10 } },
    { a: { cpuMicros: 5, rate: 50 } },
    { b: { cpuMicros: 5, rate: 50 } },
    {},
  ];

  test('ratiosPerRound is above 1 where less CPU was used', () => {
    assert.deepEqual(ratiosPerRound(rounds, 'a', 'b', 'cpuMicros'), [2, 3]);
  });

  test('ratiosPerRound is above 1 where more requests were answered', () => {
    assert.deepEqual(ratiosPerRound(rounds, 'a', 'b', 'rate'), [3, 3]);
  });

  test('ratiosPerRound is not disturbed by a machine that changes speed between rounds', () => {
    const drifting = [1, 2, 0.5, 1.7].map((speed) => ({
      a: { cpuMicros: 10 * speed },
      b: { cpuMicros: 25 * speed },
    }));
    const ratio = summarise(ratiosPerRound(drifting, 'a', 'b', 'cpuMicros'));
    assert.deepEqual(ratio, { median: 2.5, low: 2.5, high: 2.5, count: 4 });
  });

  test('ratiosPerRound has no ratio to nothing', () => {
    const memory = [
      { a: { bytes: 600 }, b: { bytes: 0 } },
      { a: { bytes: 600 }, b: { bytes: 1200 } },
    ];
    assert.deepEqual(ratiosPerRound(memory, 'a', 'b', 'bytes'), [2]);
  });

  test('ratiosPerRound of a server that never ran is empty', () => {
    assert.deepEqual(ratiosPerRound(rounds, 'a', 'c', 'cpuMicros'), []);
  });

  test('surplusPerRound is what an operation takes beyond that of the peer, which may be less than nothing', () => {
    const calls = [
      { a: { cpuMicros: 2 }, b: { cpuMicros: 1.5 } },
      { a: { cpuMicros: 1 }, b: { cpuMicros: 1.25 } },
      { b: { cpuMicros: 1 } },
    ];
    assert.deepEqual(surplusPerRound(calls, 'a', 'b'), [0.5, -0.25]);
  });

  test('valuesOf leaves out the rounds that a server missed', () => {
    assert.deepEqual(valuesOf(rounds, 'a', 'rate'), [300, 30, 50]);
  });
});

describe('spreadPercent', () => {
  test('spreadPercent is half the distance between the quartiles', () => {
    assert.equal(spreadPercent({ median: 100, low: 90, high: 130, count: 9 }), 20);
  });
});

describe('shuffled', () => {
  test('shuffled keeps every item and is the same for the same seed', () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    const first = shuffled(items, randomNumbers(42));
    assert.deepEqual([...first].sort(), items);
    assert.deepEqual(shuffled(items, randomNumbers(42)), first);
  });

  test('shuffled gives each item each place about equally often', () => {
    const random = randomNumbers(0);
    const firsts = [0, 0, 0];
    for (let i = 0; i < 3000; i++) {
      const place = shuffled([0, 1, 2], random)[0] ?? 0;
      firsts[place] = (firsts[place] ?? 0) + 1;
    }
    for (const count of firsts) assert.ok(count > 850 && count < 1150, firsts.join(' '));
  });

  test('randomNumbers stays within 0 and 1', () => {
    const random = randomNumbers(123);
    for (let i = 0; i < 1000; i++) {
      const value = random();
      assert.ok(value >= 0 && value < 1);
    }
  });
});
