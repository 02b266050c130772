import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Document, DocumentArray, type DocumentFields, type JsonObject, Tensor } from '../../../core/index.ts';
import { Ranker } from '../../../executors/ranker/index.ts';
import { executorContext, RecordedCall } from '../../fixtures/contexts/executor-context.ts';

function ranker(options: JsonObject = {}): Ranker {
  return new Ranker(Ranker.options.parse(options), executorContext());
}

function query(matches: readonly DocumentFields[], fields: DocumentFields = {}): Document {
  return new Document({ ...fields, matches: DocumentArray.fromInputs(matches) });
}

function ids(doc: Document | undefined): string[] {
  return (doc?.matches ?? []).map(({ id }) => id);
}

function scores(doc: Document | undefined, name: string): number[] {
  return (doc?.matches ?? []).map((match) => match.scores?.[name]?.value ?? NaN);
}

/** Runs `/search`; every row is a request with these parameters. */
function rank(executor: Ranker, docs: DocumentArray, parameters: JsonObject = {}): RecordedCall {
  const call = new RecordedCall(
    '/search',
    docs,
    docs.map(() => ({ rows: 1, parameters })),
  );
  executor.rankMatches(docs, call);
  return call;
}

const scored = (id: string, value: number, name = 'cosine'): DocumentFields => ({ id, scores: { [name]: { value } } });

describe('Ranker at /search', () => {
  it('ranks by the score of the index and keeps every match', () => {
    const docs = DocumentArray.fromInputs([query([scored('b', 0.2), scored('a', 0.9), scored('c', 0.2)])]);
    rank(ranker(), docs);
    assert.deepEqual(ids(docs[0]), ['a', 'b', 'c']);
    assert.deepEqual(scores(docs[0], 'cosine'), [0.9, 0.2, 0.2]);
  });

  it('gives shares that sum to 1 for each query and fall with the score', () => {
    const docs = DocumentArray.fromInputs([query([scored('a', 0.3), scored('b', 0.31)]), query([scored('c', -1)])]);
    rank(ranker({ scale: 100 }), docs);
    const [first = NaN, second = NaN] = scores(docs[0], 'rank_score');
    assert.ok(Math.abs(first + second - 1) < 1e-9);
    assert.ok(Math.abs(first - 1 / (1 + Math.exp(-1))) < 1e-9);
    assert.deepEqual(scores(docs[1], 'rank_score'), [1]);
  });

  it('puts small distances first', () => {
    const docs = DocumentArray.fromInputs([query([scored('far', 9, 'euclidean'), scored('near', 1, 'euclidean')])]);
    rank(ranker(), docs);
    assert.deepEqual(ids(docs[0]), ['near', 'far']);
  });

  it('puts matches without the score last, with no share', () => {
    const docs = DocumentArray.fromInputs([query([{ id: 'none' }, scored('a', 0.1)])]);
    rank(ranker({ score: 'cosine' }), docs);
    assert.deepEqual(ids(docs[0]), ['a', 'none']);
    assert.deepEqual(scores(docs[0], 'rank_score'), [1, 0]);
  });

  it('leaves documents without matches or scores as they are', () => {
    const docs = DocumentArray.fromInputs(['no matches', query([]), query([{ id: 'x' }, { id: 'y' }])]);
    rank(ranker(), docs);
    assert.equal(docs[0]?.matches, undefined);
    assert.deepEqual(ids(docs[2]), ['x', 'y']);
  });
});

describe('Ranker with fusion', () => {
  const found = (id: string, scores: Record<string, number>): DocumentFields => ({
    id,
    scores: Object.fromEntries(Object.entries(scores).map(([name, value]) => [name, { value }])),
  });
  /** Words find a, b, c in this order; vectors find c, d, a. */
  const lists = (): DocumentArray =>
    DocumentArray.fromInputs([
      query([
        found('c', { cosine: 0.75, bm25: 2 }),
        found('d', { cosine: 0.5 }),
        found('a', { cosine: 0.25, bm25: 8 }),
        found('b', { bm25: 5 }),
      ]),
    ]);
  const near = (actual: readonly number[], expected: readonly number[]): void => {
    assert.equal(actual.length, expected.length);
    actual.forEach((value, index) => {
      assert.ok(Math.abs(value - (expected[index] ?? NaN)) < 1e-9, `${actual.join()} is not ${expected.join()}`);
    });
  };

  it('adds reciprocal places by weight, and nothing for a list that lacks the match', () => {
    const docs = lists();
    rank(ranker({ fusion: { method: 'rrf', k: 60, weights: { bm25: 1, cosine: 0.5 } } }), docs);
    // a: 1st of words, 3rd of vectors; c: 3rd and 1st; b: 2nd and none; d: none and 2nd.
    assert.deepEqual(ids(docs[0]), ['a', 'c', 'b', 'd']);
    near(scores(docs[0], 'fusion_score'), [1 / 61 + 0.5 / 63, 1 / 63 + 0.5 / 61, 1 / 62, 0.5 / 62]);
    assert.equal(docs[0]?.matches?.[0]?.scores?.['fusion_score']?.opName, 'rrf');
  });

  it('adds z-scores by weight, with the worst of the list for what it lacks', () => {
    const docs = lists();
    rank(ranker({ fusion: { weights: { bm25: 1, cosine: 0.5 } } }), docs);
    // Words 8, 5, 2 and vectors 0.75, 0.5, 0.25 have the z-scores +z, 0, -z.
    const z = Math.sqrt(1.5);
    assert.deepEqual(ids(docs[0]), ['a', 'b', 'c', 'd']);
    near(scores(docs[0], 'fusion_score'), [0.5 * z, -0.5 * z, -0.5 * z, -z]);
  });

  it('adds scores between the lowest and the highest of each list', () => {
    const docs = lists();
    rank(ranker({ fusion: { method: 'min_max' } }), docs);
    assert.deepEqual(ids(docs[0]), ['c', 'a', 'd', 'b']);
    near(scores(docs[0], 'fusion_score'), [1, 1, 0.5, 0.5]);
  });

  it('takes a small distance for a good one', () => {
    const docs = DocumentArray.fromInputs([
      query([found('far', { euclidean: 4, bm25: 1 }), found('near', { euclidean: 1, bm25: 1 })]),
    ]);
    for (const method of ['rrf', 'z_score', 'min_max']) {
      rank(ranker({ fusion: { method, weights: { euclidean: 1 } } }), docs);
      assert.deepEqual(ids(docs[0]), ['near', 'far'], method);
    }
  });

  it('prefers what a list with one match or equal scores found', () => {
    for (const method of ['z_score', 'min_max']) {
      const docs = DocumentArray.fromInputs([
        query([found('a', { cosine: 0.5 }), found('b', { cosine: 0.5, bm25: 3 })]),
      ]);
      rank(ranker({ fusion: { method } }), docs);
      assert.deepEqual(ids(docs[0]), ['b', 'a'], method);
      near(scores(docs[0], 'fusion_score'), [2, 1]);
    }
  });

  it('cuts the whole by the limit and offset of each caller', () => {
    const docs = lists();
    rank(ranker({ fusion: { weights: { bm25: 1, cosine: 0.5 } } }), docs, { limit: 2, offset: 1 });
    assert.deepEqual(ids(docs[0]), ['b', 'c']);
    const others = lists();
    rank(ranker({ fusion: { weights: { bm25: 1, cosine: 0.5 } }, limit: 1 }), others);
    assert.deepEqual(ids(others[0]), ['a']);
  });

  it('fails only the request whose limit is wrong', () => {
    const docs = lists();
    const call = rank(ranker({ fusion: {} }), docs, { limit: 0 });
    assert.match(call.failures.get('r0')?.message ?? '', /parameter limit: .*got the number 0/);
  });

  it('refuses methods and weights that mean nothing', () => {
    assert.throws(() => ranker({ fusion: { method: 'best' } }));
    assert.throws(() => ranker({ fusion: { weights: { bm25: -1 } } }));
  });
});

describe('Ranker at /rank', () => {
  const embedded = (id: string, values: number[]): DocumentFields => ({ id, embedding: Tensor.vector(values) });

  it('ranks by cosine with both CLIP scores and removes the embeddings of matches', () => {
    const docs = DocumentArray.fromInputs([
      query([embedded('b', [0, 2]), embedded('a', [5, 0]), embedded('zero', [0, 0])], embedded('q', [1, 0])),
    ]);
    const call = new RecordedCall('/rank', docs);
    ranker().rank(docs, call);
    assert.deepEqual(ids(docs[0]), ['a', 'b', 'zero']);
    assert.deepEqual(scores(docs[0], 'clip_score_cosine'), [1, 0, 0]);
    const shares = scores(docs[0], 'clip_score');
    assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
    const [doc] = docs;
    const first = doc?.matches?.[0];
    assert.equal(first?.scores?.['clip_score']?.opName, 'softmax');
    assert.equal(first.embedding, undefined);
    assert.ok(doc?.embedding);
  });

  it('fails only the request whose documents cannot be compared', () => {
    const docs = DocumentArray.fromInputs([
      query([embedded('a', [1, 2, 3])], embedded('q0', [1, 0])),
      query([{ id: 'bare' }], embedded('q1', [1, 0])),
      query([embedded('a', [1, 0])], embedded('q2', [1, 0])),
      { id: 'q3' },
    ]);
    const call = new RecordedCall(
      '/rank',
      docs,
      docs.map(() => ({ rows: 1 })),
    );
    ranker().rank(docs, call);
    assert.deepEqual([...call.failures.keys()], ['r0', 'r1']);
    assert.match(
      call.failures.get('r0')?.message ?? '',
      /match a of document q0: expected an embedding of 2 numbers, got 3/,
    );
    assert.match(
      call.failures.get('r1')?.message ?? '',
      /document bare: expected a float embedding to rank by, got none/,
    );
    assert.deepEqual(scores(docs[2], 'clip_score'), [1]);
  });
});
