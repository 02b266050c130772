import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Judgements,
  mean,
  measureQueries,
  type MetricName,
  metricNames,
  pairedBootstrap,
} from '../../../jobs/index.ts';

const judged = (grades: Record<string, number>): Judgements => new Map([['q', new Map(Object.entries(grades))]]);

function measure(name: MetricName, depth: number, ranking: readonly string[], grades: Record<string, number>): number {
  return measureQueries(name, depth, new Map([['q', ranking]]), judged(grades)).get('q') ?? NaN;
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
}

describe('Metrics of a ranking', () => {
  // Answers a (3), b (2), c (1) at the places 2, 4 and nowhere.
  const ranking = ['x', 'a', 'y', 'b'];
  const grades = { a: 3, b: 2, c: 1, x: 0 };

  it('are those worked out by hand', () => {
    near(measure('recall', 1, ranking, grades), 0);
    near(measure('recall', 2, ranking, grades), 1 / 3);
    near(measure('recall', 10, ranking, grades), 2 / 3);
    near(measure('mrr', 1, ranking, grades), 0);
    near(measure('mrr', 10, ranking, grades), 1 / 2);
    near(measure('map', 10, ranking, grades), (1 / 2 + 2 / 4) / 3);
    const best = 3 + 2 / Math.log2(3) + 1 / 2;
    near(measure('ndcg', 10, ranking, grades), (3 / Math.log2(3) + 2 / Math.log2(5)) / best);
    near(measure('ndcg', 2, ranking, grades), 3 / Math.log2(3) / (3 + 2 / Math.log2(3)));
  });

  it('are 1 for the best order and 0 without any answer', () => {
    for (const name of metricNames) {
      near(measure(name, 3, ['a', 'b', 'c'], grades), 1);
      near(measure(name, 3, ['x', 'y'], grades), 0);
    }
  });

  it('count a query that was not asked as 0, and leave out one that nothing answers', () => {
    const judgements = new Map([
      ['asked', new Map([['a', 1]])],
      ['missing', new Map([['a', 1]])],
      ['hopeless', new Map([['a', 0]])],
    ]);
    const values = measureQueries('recall', 1, new Map([['asked', ['a']]]), judgements);
    assert.deepEqual(
      [...values],
      [
        ['asked', 1],
        ['missing', 0],
      ],
    );
    assert.equal(mean(values.values()), 0.5);
    assert.equal(mean([]), 0);
  });

  it('take a text that comes twice for one', () => {
    near(measure('recall', 3, ['a', 'a', 'b'], grades), 2 / 3);
    near(measure('map', 2, ['a', 'a', 'b'], grades), (1 + 2 / 2) / 3);
  });

  it('agree with their definitions, counted place by place', () => {
    const texts = fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 12 });
    const marks = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(texts, marks, fc.integer({ min: 1, max: 14 }), (order, grade, depth) => {
        fc.pre(grade.some((value) => value > 0));
        const byText = Object.fromEntries(grade.map((value, text) => [String(text), value]));
        const expected = byDefinition(order, grade, depth);
        for (const name of metricNames) near(measure(name, depth, order.map(String), byText), expected[name]);
      }),
    );
  });
});

describe('The paired bootstrap', () => {
  const values = (list: readonly number[]): Map<string, number> =>
    new Map(list.map((value, query) => [String(query), value]));

  it('finds no difference between equal runs', () => {
    const run = values([1, 0, 0.5, 1]);
    assert.deepEqual(pairedBootstrap(run, run), { difference: 0, low: 0, high: 0, p: 1 });
  });

  it('is sure of what is better at every query, and says by how much', () => {
    const { difference, low, high, p } = pairedBootstrap(values([0.5, 0.75, 1]), values([0.25, 0.5, 0.75]));
    assert.deepEqual({ difference, low, high, p }, { difference: 0.25, low: 0.25, high: 0.25, p: 0 });
  });

  it('has bounds of about two standard errors', () => {
    const first = values(Array.from({ length: 400 }, (_, query) => query % 2));
    const second = values(Array.from({ length: 400 }, () => 0.5));
    const { difference, low, high, p } = pairedBootstrap(first, second);
    assert.equal(difference, 0);
    // The standard error is 0.5 / sqrt(400) = 0.025.
    for (const bound of [-low, high]) assert.ok(bound > 0.04 && bound < 0.06, String(bound));
    assert.ok(p > 0.8, String(p));
    assert.deepEqual(pairedBootstrap(first, second), { difference, low, high, p }, 'the same each time');
  });
});

/** The metrics by their definitions over sets, the best order by trying none but the sorted one. */
function byDefinition(order: readonly number[], grade: readonly number[], depth: number): Record<MetricName, number> {
  const isAnswer = (text: number | undefined): boolean => text !== undefined && (grade[text] ?? 0) > 0;
  const answers = grade.filter((value) => value > 0).length;
  const gainOf = (texts: readonly number[]): number => {
    let sum = 0;
    for (let place = 1; place <= Math.min(depth, texts.length); place++) {
      sum += (grade[texts[place - 1] ?? -1] ?? 0) / (Math.log(place + 1) / Math.log(2));
    }
    return sum;
  };
  const best = grade.map((_value, text) => text).sort((a, b) => (grade[b] ?? 0) - (grade[a] ?? 0));
  const expected = { recall: 0, mrr: 0, ndcg: gainOf(order) / gainOf(best), map: 0 };
  for (let place = 1; place <= Math.min(depth, order.length); place++) {
    if (!isAnswer(order[place - 1])) continue;
    const before = order.slice(0, place).filter(isAnswer).length;
    expected.recall += 1 / answers;
    expected.map += before / place / answers;
    if (expected.mrr === 0) expected.mrr = 1 / place;
  }
  return expected;
}
