import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { Document } from '../../../core/index.ts';
import { DocumentStore } from '../../../executors/kit/index.ts';
import { type IndexEngine, openEngine } from '../../../executors/indexer/index-engine.ts';
import type { Metric, VectorIndex } from '../../../executors/indexer/vector-index.ts';
import { executorContext } from '../../fixtures/contexts/executor-context.ts';
import { SeededNumbers, vectorSource } from '../../fixtures/vectors.ts';

const metrics = ['cosine', 'inner_product', 'euclidean'] as const;
const small = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 3, maxLength: 3 });
const change = fc.oneof(
  fc.record({ type: fc.constant('set' as const), row: fc.integer({ min: 0, max: 12 }), vector: small }),
  fc.record({ type: fc.constant('delete' as const), row: fc.integer({ min: 0, max: 12 }) }),
);

function compare(metric: Metric, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, ofA, ofB, distance] = [0, 0, 0, 0];
  for (let place = 0; place < a.length; place++) {
    const [x = 0, y = 0] = [a[place], b[place]];
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
    distance += (x - y) ** 2;
  }
  if (metric === 'inner_product') return dot;
  if (metric === 'euclidean') return Math.sqrt(distance);
  return ofA * ofB === 0 ? 0 : dot / Math.sqrt(ofA * ofB);
}

describe('Vector indexes', () => {
  let folder: string;
  let store: DocumentStore;
  let warnings: ReturnType<typeof executorContext>['logger']['lines'];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-vectors-'));
    store = DocumentStore.open(folder);
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });

  async function engineOf(engine: 'usearch' | 'exact', metric: Metric): Promise<IndexEngine> {
    const context = executorContext({ threads: 2 });
    warnings = context.logger.lines;
    return await openEngine({ engine, metric, store, folder, context });
  }

  /** Puts vectors into the store and the index, as the indexer does; row numbers count from 1. */
  function write(index: VectorIndex, vectors: readonly Float32Array[], first = 1): void {
    const rows = store.transaction(() =>
      vectors.map((vector, place) => store.put({ doc: new Document({ id: String(first + place) }), vector })),
    );
    index.set(vectors.map((vector, place) => ({ row: rows[place] ?? 0, vector })));
  }

  /** All rows, nearest first. */
  function ranked(vectors: readonly Float32Array[], query: Float32Array, metric: Metric): number[] {
    const sign = metric === 'euclidean' ? 1 : -1;
    const scores = Float64Array.from(vectors, (vector) => sign * compare(metric, query, vector));
    return [...scores.keys()].sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0)).map((place) => place + 1);
  }

  for (const engine of ['usearch', 'exact'] as const) {
    for (const metric of metrics) {
      it(`find what comparing every vector finds after any changes: ${engine}, ${metric}`, async () => {
        const created = await engineOf(engine, metric);
        fc.assert(
          fc.property(
            fc.array(change, { maxLength: 60 }),
            small,
            fc.integer({ min: 1, max: 15 }),
            (changes, query, count) => {
              const index = created.create(3);
              const model = new Map<number, number[]>();
              for (const each of changes) {
                if (each.type === 'set') {
                  index.set([{ row: each.row, vector: Float32Array.from(each.vector) }]);
                  model.set(each.row, each.vector);
                } else {
                  index.delete([each.row]);
                  model.delete(each.row);
                }
              }
              assert.equal(index.size, model.size);
              const expected = [...model.values()].map((other) => compare(metric, query, other));
              expected.sort((a, b) => (metric === 'euclidean' ? a - b : b - a));
              const found = index.nearest(Float32Array.from(query), { count });
              assert.equal(found.length, Math.min(count, model.size));
              assert.equal(new Set(found.map(({ row }) => row)).size, found.length);
              found.forEach(({ row, score }, place) => {
                assert.ok(Math.abs(score - (expected[place] ?? NaN)) < 1e-5);
                assert.ok(Math.abs(score - compare(metric, query, model.get(row) ?? [])) < 1e-5);
              });
            },
          ),
        );
        assert.deepEqual(warnings, []);
      });
    }
  }

  const rows = 8000;
  const dimension = 24;
  for (const { data, clusters, metric } of [
    ...metrics.map((metric) => ({ data: 'clustered vectors', clusters: 50, metric })),
    { data: 'noise', clusters: 0, metric: 'cosine' as const },
  ]) {
    it(`have a recall of at least 0.99 under every filter: usearch, ${data}, ${metric}`, async () => {
      const next = vectorSource(dimension, clusters);
      const vectors = Array.from({ length: rows }, next);
      const queries = Array.from({ length: 30 }, next).map((query) => ({
        query,
        truth: ranked(vectors, query, metric),
      }));
      const index = (await engineOf('usearch', metric)).create(dimension);
      for (let first = 0; first < rows; first += 2000) write(index, vectors.slice(first, first + 2000), first + 1);
      if (clusters > 0) assert.equal(index.facts.search, 'graph');
      const axis = vectors.map((vector) => vector[0] ?? 0).sort((a, b) => a - b)[rows / 2] ?? 0;
      const filters: Record<string, ((row: number) => boolean) | undefined> = {
        none: undefined,
        '90 %': (row) => row % 10 !== 0,
        '50 %': (row) => row % 2 === 0,
        '10 %': (row) => row % 10 === 0,
        '1 %': (row) => row % 100 === 0,
        'one row': (row) => row === 77,
        'half of the space': (row) => (vectors[row - 1]?.[0] ?? 0) > axis,
      };
      for (const [name, isAllowed] of Object.entries(filters)) {
        const all = vectors.map((_, place) => place + 1);
        const allowed = isAllowed === undefined ? undefined : new Set(all.filter(isAllowed));
        let [hits, expected] = [0, 0];
        for (const { query, truth } of queries) {
          const nearest = new Set(truth.filter(isAllowed ?? (() => true)).slice(0, 10));
          expected += nearest.size;
          hits += index.nearest(query, { count: 10, allowed }).filter(({ row }) => nearest.has(row)).length;
        }
        assert.ok(hits / expected >= 0.99, `filter ${name}: recall ${hits / expected}`);
      }
      for (const { query, truth } of queries.slice(0, 3)) {
        const exact = index.nearest(query, { count: 50, isExact: true });
        assert.deepEqual(
          exact.map(({ row }) => row),
          truth.slice(0, 50),
        );
      }
    });
  }

  describe('with a saved graph', () => {
    const vectors = Array.from({ length: 3000 }, vectorSource(8, 10));
    const graphFiles = (): string[] => readdirSync(folder).filter((name) => name.startsWith('graph'));

    async function saved(): Promise<void> {
      const index = (await engineOf('usearch', 'cosine')).create(8);
      write(index, vectors);
      index.keep(true);
    }

    /** Opens the index again; how many rows were added to its graph, it does not say: what the graph is made of shows in the loading steps. */
    async function reopened(metric: Metric = 'cosine'): Promise<{ index: VectorIndex; wasBuilt: boolean }> {
      const context = executorContext({ threads: 2 });
      const engine = await openEngine({ engine: 'usearch', metric, store, folder, context });
      const index = await engine.open(8);
      warnings = context.logger.lines;
      return { index, wasBuilt: context.steps.length > 0 };
    }

    function assertFindsAll(index: VectorIndex, expected = vectors): void {
      assert.equal(index.size, expected.length);
      for (let row = 1; row <= expected.length; row += 97) {
        const query = expected[row - 1] ?? new Float32Array(8);
        assert.equal(index.nearest(query, { count: 1 })[0]?.row, row);
      }
    }

    it('load it instead of building one', async () => {
      await saved();
      assert.deepEqual(graphFiles().sort(), ['graph-3000.usearch', 'graph.json']);
      const { index, wasBuilt } = await reopened();
      assert.equal(wasBuilt, false);
      assert.equal(index.facts.search, 'graph');
      assertFindsAll(index);
    });

    it('add what was written after it, and forget what was removed', async () => {
      await saved();
      store.transaction(() => {
        store.remove('5');
        store.put({ doc: new Document({ id: '7' }), vector: vectors[4] ?? new Float32Array(8) });
        store.put({ doc: new Document({ id: 'new' }), vector: new Float32Array(8).fill(-3) });
      });
      const { index, wasBuilt } = await reopened();
      assert.equal(wasBuilt, false);
      assert.equal(index.size, 3000);
      assert.equal(index.nearest(vectors[4] ?? new Float32Array(8), { count: 1 })[0]?.row, 7);
      assert.equal(index.nearest(new Float32Array(8).fill(-3), { count: 1 })[0]?.row, 3001);
      assert.ok(!index.nearest(vectors[6] ?? new Float32Array(8), { count: 3 }).some(({ row }) => row === 5));
    });

    for (const { name, damage } of [
      {
        name: 'is torn',
        damage: (file: string) => {
          writeFileSync(file, readFileSync(file).subarray(0, 20_000));
        },
      },
      {
        name: 'has a changed byte',
        damage: (file: string) => {
          const bytes = readFileSync(file);
          bytes[5000] = (bytes[5000] ?? 0) ^ 1;
          writeFileSync(file, bytes);
        },
      },
      {
        name: 'is gone',
        damage: (file: string) => {
          renameSync(file, `${file}.gone`);
        },
      },
      {
        name: 'is empty',
        damage: (file: string) => {
          writeFileSync(file, '');
        },
      },
    ]) {
      it(`build a new one when its file ${name}`, async () => {
        await saved();
        damage(path.join(folder, 'graph-3000.usearch'));
        const { index, wasBuilt } = await reopened();
        assert.equal(wasBuilt, true);
        assertFindsAll(index);
      });
    }

    it('build a new one when its note is no JSON, or of another store', async () => {
      await saved();
      const note = path.join(folder, 'graph.json');
      const text = readFileSync(note, 'utf8');
      for (const other of ['{"format', text.replace(store.identity, 'another'), text.replace('3000,', '3001,')]) {
        assert.notEqual(other, text);
        writeFileSync(note, other);
        const { index, wasBuilt } = await reopened();
        assert.equal(wasBuilt, true, other);
        assertFindsAll(index);
        index.keep(true);
      }
    });

    it('leave nothing behind of a write that was cut off', async () => {
      await saved();
      writeFileSync(path.join(folder, 'graph-9.usearch.part'), 'half');
      writeFileSync(path.join(folder, 'graph-9.usearch'), 'never noted');
      const { index } = await reopened();
      write(index, [new SeededNumbers(5).vector(8)], 9000);
      index.keep(true);
      assert.deepEqual(graphFiles().sort(), ['graph-3001.usearch', 'graph.json']);
    });

    it('are not misled by it after a time without usearch', async () => {
      await saved();
      const exact = await (await engineOf('exact', 'cosine')).open(8);
      write(exact, [new Float32Array(8).fill(-3)], 9000);
      assert.deepEqual(graphFiles(), []);
      const { index, wasBuilt } = await reopened();
      assert.equal(wasBuilt, true);
      assert.equal(index.nearest(new Float32Array(8).fill(-3), { count: 1 })[0]?.row, 3001);
    });
  });
});
