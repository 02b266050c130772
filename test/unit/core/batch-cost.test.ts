import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cutByCost, joinGain, worthJoining } from '../../../core/index.ts';

const costs = fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 40 });
const limits = fc.record({
  callCost: fc.integer({ min: 0, max: 2000 }),
  maxCallCost: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 5000 })),
});

function costOfCall(rowCosts: readonly number[], callCost: number): number {
  return callCost + rowCosts.length * Math.max(0, ...rowCosts);
}

function pick(rowCosts: readonly number[], call: readonly number[]): number[] {
  return call.map((row) => rowCosts[row] ?? NaN);
}

function totalCost(rowCosts: readonly number[], calls: readonly number[][], callCost: number): number {
  return calls.reduce((sum, call) => sum + costOfCall(pick(rowCosts, call), callCost), 0);
}

/** Every way to cut a sorted list into runs. */
function* allCuts(sorted: readonly number[]): Generator<number[][]> {
  if (sorted.length === 0) {
    yield [];
    return;
  }
  for (let size = 1; size <= sorted.length; size++) {
    for (const rest of allCuts(sorted.slice(size))) yield [sorted.slice(0, size), ...rest];
  }
}

describe('joinGain', () => {
  it('is the difference between two calls and one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 512 }),
        fc.integer({ min: 0, max: 2000 }),
        (rows, next, callCost) => {
          const apart = costOfCall(rows, callCost) + costOfCall([next], callCost);
          const together = costOfCall([...rows, next], callCost);
          assert.equal(joinGain(rows.length, Math.max(...rows), next, callCost), apart - together);
        },
      ),
    );
  });

  it('joins rows of equal length even when a call costs nothing', () => {
    assert.equal(worthJoining(31, 20, 20, 0), true);
  });

  it('keeps a long row away from many short ones', () => {
    assert.equal(worthJoining(10, 8, 200, 100), false);
    assert.equal(worthJoining(10, 8, 200, Infinity), true);
  });
});

describe('cutByCost', () => {
  it('puts every row into exactly one call', () => {
    fc.assert(
      fc.property(costs, limits, (rowCosts, limit) => {
        const rows = cutByCost(rowCosts, limit).flat();
        assert.deepEqual(
          rows.sort((a, b) => a - b),
          rowCosts.map((_cost, index) => index),
        );
      }),
    );
  });

  it('keeps calls of more than one row within the limit', () => {
    fc.assert(
      fc.property(costs, limits, (rowCosts, limit) => {
        for (const call of cutByCost(rowCosts, limit)) {
          if (call.length > 1) assert.ok(costOfCall(pick(rowCosts, call), 0) <= limit.maxCallCost);
        }
      }),
    );
  });

  it('finds the cheapest of all cuts by length', () => {
    const few = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(few, fc.integer({ min: 0, max: 120 }), (rowCosts, callCost) => {
        const best = Math.min(
          ...[...allCuts(rowCosts.toSorted((a, b) => a - b))].map((calls) =>
            calls.reduce((sum, call) => sum + costOfCall(call, callCost), 0),
          ),
        );
        const calls = cutByCost(rowCosts, { callCost, maxCallCost: Infinity });
        assert.equal(totalCost(rowCosts, calls, callCost), best);
      }),
    );
  });

  it('makes one call of everything when calls are infinitely dear', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 40 }), (rowCosts) => {
        assert.equal(cutByCost(rowCosts, { callCost: Infinity, maxCallCost: Infinity }).length, 1);
      }),
    );
  });

  it('answers no calls for no rows', () => {
    assert.deepEqual(cutByCost([], { callCost: 10, maxCallCost: Infinity }), []);
  });
});
