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

const scored = (id: string, value: number, name = 'cosine'): DocumentFields => ({ id, scores: { [name]: { value } } });

describe('Ranker at /search', () => {
  it('ranks by the score of the index and keeps every match', () => {
    const docs = DocumentArray.fromInputs([query([scored('b', 0.2), scored('a', 0.9), scored('c', 0.2)])]);
    ranker().rankMatches(docs);
    assert.deepEqual(ids(docs[0]), ['a', 'b', 'c']);
    assert.deepEqual(scores(docs[0], 'cosine'), [0.9, 0.2, 0.2]);
  });

  it('gives shares that sum to 1 for each query and fall with the score', () => {
    const docs = DocumentArray.fromInputs([query([scored('a', 0.3), scored('b', 0.31)]), query([scored('c', -1)])]);
    ranker({ scale: 100 }).rankMatches(docs);
    const [first = NaN, second = NaN] = scores(docs[0], 'rank_score');
    assert.ok(Math.abs(first + second - 1) < 1e-9);
    assert.ok(Math.abs(first - 1 / (1 + Math.exp(-1))) < 1e-9);
    assert.deepEqual(scores(docs[1], 'rank_score'), [1]);
  });

  it('puts small distances first', () => {
    const docs = DocumentArray.fromInputs([query([scored('far', 9, 'euclidean'), scored('near', 1, 'euclidean')])]);
    ranker().rankMatches(docs);
    assert.deepEqual(ids(docs[0]), ['near', 'far']);
  });

  it('puts matches without the score last, with no share', () => {
    const docs = DocumentArray.fromInputs([query([{ id: 'none' }, scored('a', 0.1)])]);
    ranker({ score: 'cosine' }).rankMatches(docs);
    assert.deepEqual(ids(docs[0]), ['a', 'none']);
    assert.deepEqual(scores(docs[0], 'rank_score'), [1, 0]);
  });

  it('leaves documents without matches or scores as they are', () => {
    const docs = DocumentArray.fromInputs(['no matches', query([]), query([{ id: 'x' }, { id: 'y' }])]);
    ranker().rankMatches(docs);
    assert.equal(docs[0]?.matches, undefined);
    assert.deepEqual(ids(docs[2]), ['x', 'y']);
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
