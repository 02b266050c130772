import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Metric, VectorTable } from '../../../executors/indexer/vector-table.ts';

const vector = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 3, maxLength: 3 });
const change = fc.oneof(
  fc.record({ type: fc.constant('set' as const), row: fc.integer({ min: 0, max: 12 }), vector }),
  fc.record({ type: fc.constant('delete' as const), row: fc.integer({ min: 0, max: 12 }) }),
);

function compare(metric: Metric, a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  if (metric === 'inner_product') return dot;
  if (metric === 'euclidean') return Math.hypot(...a.map((value, index) => value - (b[index] ?? 0)));
  const lengths = Math.hypot(...a) * Math.hypot(...b);
  return lengths === 0 ? 0 : dot / lengths;
}

describe('VectorTable', () => {
  for (const metric of ['cosine', 'inner_product', 'euclidean'] as const) {
    it(`finds what comparing every vector finds after any changes, by ${metric}`, () => {
      fc.assert(
        fc.property(
          fc.array(change, { maxLength: 60 }),
          vector,
          fc.integer({ min: 1, max: 15 }),
          (changes, query, count) => {
            const table = new VectorTable(3, metric);
            const model = new Map<number, number[]>();
            for (const each of changes) {
              if (each.type === 'set') {
                table.set(each.row, Float32Array.from(each.vector));
                model.set(each.row, each.vector);
              } else {
                table.delete(each.row);
                model.delete(each.row);
              }
            }
            assert.equal(table.size, model.size);
            const expected = [...model.values()].map((other) => compare(metric, query, other));
            expected.sort((a, b) => (metric === 'euclidean' ? a - b : b - a));
            const found = table.nearest(Float32Array.from(query), count);
            assert.equal(found.length, Math.min(count, model.size));
            assert.equal(new Set(found.map(({ row }) => row)).size, found.length);
            found.forEach(({ row, score }, place) => {
              assert.ok(Math.abs(score - (expected[place] ?? NaN)) < 1e-5);
              assert.ok(Math.abs(score - compare(metric, query, model.get(row) ?? [])) < 1e-5);
            });
          },
        ),
      );
    });
  }

  it('looks only at the rows that are allowed', () => {
    const table = new VectorTable(1, 'inner_product');
    for (let row = 0; row < 5000; row++) table.set(row, Float32Array.of(row));
    const found = table.nearest(Float32Array.of(1), 2, new Set([7, 4000, 3]));
    assert.deepEqual(found, [
      { row: 4000, score: 4000 },
      { row: 7, score: 7 },
    ]);
  });
});
