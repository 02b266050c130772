import type { Document } from '../../client/index.ts';

/** What the index found, by id of the question. */
export function rankingsOf(queries: readonly Document[]): Map<string, string[]> {
  return new Map(queries.map(({ id, matches }) => [id, (matches ?? []).map((match) => match.id)]));
}

/** The `depth` texts nearest to each question by cosine, every one compared, in double precision. */
export function bruteForce(
  queries: readonly Document[],
  corpus: readonly Document[],
  depth: number,
): Map<string, string[]> {
  const texts = corpus.map((doc) => ({ id: doc.id, unit: unitOf(doc) }));
  return new Map(
    queries.map((query) => {
      const unit = unitOf(query);
      const scored = texts.map(({ id, unit: other }) => ({ id, score: product(unit, other) }));
      scored.sort((a, b) => b.score - a.score);
      return [query.id, scored.slice(0, depth).map(({ id }) => id)];
    }),
  );
}

function unitOf({ embedding }: Document): Float64Array {
  const vector = Float64Array.from(embedding?.data ?? [], Number);
  const length = Math.sqrt(product(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}

function product(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
