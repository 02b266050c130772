import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  estimateMedian,
  estimateRatio,
  histogram,
  median,
  percentile,
  randomNumbers,
} from '../../../bench/statistics.ts';

describe('median', () => {
  it('is the middle of an odd number and the mean of the two middle ones of an even number', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
  });

  it('sorts as numbers', () => {
    assert.equal(median([10, 9, 100]), 10);
  });

  it('refuses no values', () => {
    assert.throws(() => median([]), { reason: 'invalid_argument' });
  });
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

  it('is the nearest rank', () => {
    assert.deepEqual(
      [50, 90, 99, 100].map((percent) => percentile(hundred, percent)),
      [50, 90, 99, 100],
    );
  });

  it('is a measured value that at least that part of all do not exceed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const sorted = values.toSorted((a, b) => a - b);
        const value = percentile(sorted, percent);
        assert.ok(sorted.includes(value));
        assert.ok(sorted.filter((other) => other <= value).length >= (percent / 100) * sorted.length);
      }),
    );
  });
});

describe('estimateMedian', () => {
  it('holds the median within the interval, and the interval within the values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 30 }), (values) => {
        const estimate = estimateMedian(values);
        assert.ok(Math.min(...values) <= estimate.low && estimate.high <= Math.max(...values));
        assert.ok(estimate.low <= estimate.value && estimate.value <= estimate.high);
        assert.equal(estimate.count, values.length);
      }),
      { numRuns: 20 },
    );
  });

  it('gives the same interval for the same values', () => {
    assert.deepEqual(estimateMedian([1, 5, 2, 8, 3]), estimateMedian([1, 5, 2, 8, 3]));
  });

  it('covers the true median in about 95 of 100 samples of 15', () => {
    const random = randomNumbers(7);
    let covered = 0;
    for (let trial = 0; trial < 100; trial++) {
      const { low, high } = estimateMedian(Array.from({ length: 15 }, () => random()));
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    assert.ok(covered >= 88, `covered ${covered} of 100`);
  });
});

describe('estimateRatio', () => {
  it('cancels what hits both halves of a pair', () => {
    const drift = [1, 2, 4, 8, 16];
    const estimate = estimateRatio(
      drift.map((factor) => 3 * factor),
      drift,
    );
    assert.deepEqual([estimate.value, estimate.low, estimate.high], [3, 3, 3]);
  });

  it('refuses halves of different length', () => {
    assert.throws(() => estimateRatio([1], [1, 2]), { reason: 'invalid_argument' });
  });
});

describe('histogram', () => {
  it('counts each value in the bucket whose upper bound is the first that is not below it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true })), (values) => {
        const buckets = histogram(values);
        assert.equal(
          buckets.reduce((sum, [, count]) => sum + count, 0),
          values.length,
        );
        for (const [upper, count] of buckets) {
          const inside = values.filter(
            (value) => value <= upper * (1 + 1e-12) && value > (upper / 2 ** 0.25) * (1 + 1e-12),
          );
          assert.ok(count > 0 && Math.abs(inside.length - count) <= 1);
        }
      }),
    );
  });
});
