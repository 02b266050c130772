import type { Document } from '../../client/index.ts';

/** Ids of a question's matches, nearest first, by id of the question. */
export type Rankings = ReadonlyMap<string, readonly string[]>;

/** Part of the texts that answer a question which is among its first `depth` matches, mean over all questions. */
export function recallAt(
  depth: number,
  rankings: Rankings,
  relevant: ReadonlyMap<string, ReadonlySet<string>>,
): number {
  let sum = 0;
  for (const [query, ids] of rankings) {
    const answers = relevant.get(query) ?? new Set();
    const found = ids.slice(0, depth).filter((id) => answers.has(id)).length;
    sum += answers.size === 0 ? 0 : found / answers.size;
  }
  return rankings.size === 0 ? 0 : sum / rankings.size;
}

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
