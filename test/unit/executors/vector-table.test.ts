import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VectorTable } from '../../../executors/indexer/vector-table.ts';

describe('VectorTable', () => {
  it('looks only at the rows that are allowed', () => {
    const table = new VectorTable(1, 'inner_product');
    table.set(Array.from({ length: 5000 }, (_, row) => ({ row, vector: Float32Array.of(row) })));
    const found = table.nearest(Float32Array.of(1), { count: 2, allowed: new Set([7, 4000, 3, 9999]) });
    assert.deepEqual(found, [
      { row: 4000, score: 4000 },
      { row: 7, score: 7 },
    ]);
  });
});
