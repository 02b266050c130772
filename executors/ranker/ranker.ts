import { z } from 'zod';
import { FlowError, type NamedScore } from '../../core/index.ts';
import { readRows, searchParameters } from '../kit/index.ts';
import { type Call, type Document, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';

const options = z.strictObject({
  /** Score of matches by which `/search` ranks; default: the first that they have. */
  score: z.string().min(1).optional(),
  /** What similarities are multiplied with before the softmax; 100 is what CLIP models were trained with. */
  scale: z.number().positive().default(100),
});

/** Scores that are distances: the smaller, the nearer. */
const distances = new Set(['euclidean']);

/**
 * Puts matches in order and says how far each stands out.
 *
 * `/search` ranks by the score that the index gave, so that it loses and adds no match, and gives each the share of
 * the softmax among its neighbours as `rank_score` (they sum to 1 for each query). `/rank` ranks given matches anew by
 * the cosine of embeddings, with the scores `clip_score` and `clip_score_cosine`.
 */
export class Ranker extends Executor<z.infer<typeof options>> {
  static override readonly options = options;

  @requests('/search', { effect: 'read', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 64 })
  rankMatches(docs: DocumentArray): void {
    for (const doc of docs) {
      const matches = doc.matches ?? [];
      const name = this.options.score ?? Object.keys(matches[0]?.scores ?? {})[0];
      if (name === undefined) continue;
      const similarities = matches.map((match) => {
        const value = match.scores?.[name]?.value ?? (distances.has(name) ? Infinity : -Infinity);
        return distances.has(name) ? -value : value;
      });
      const shares = softmax(similarities, this.options.scale);
      doc.matches = ranked(matches, similarities, (match, place) => {
        match.scores = { ...match.scores, rank_score: { value: shares[place] ?? 0, opName: 'softmax' } };
      });
    }
  }

  /** Embeddings of matches are removed from the answer, as CLIP clients expect. */
  @requests('/rank', { effect: 'read' })
  @dynamicBatching({ preferredBatchSize: 32 })
  rank(docs: DocumentArray, call: Call): void {
    const cosines = readRows(docs, call, cosinesOf);
    docs.forEach((doc, row) => {
      const similarities = cosines[row];
      if (similarities === undefined) return;
      const shares = softmax(similarities, this.options.scale);
      doc.matches = ranked(doc.matches ?? [], similarities, (match, place) => {
        const clip: Record<string, NamedScore> = {
          clip_score: { value: shares[place] ?? 0, opName: 'softmax' },
          clip_score_cosine: { value: similarities[place] ?? 0, opName: 'cosine' },
        };
        match.scores = { ...match.scores, ...clip };
        delete match.embedding;
      });
    });
  }
}

/** Matches by falling similarity, equal ones in the order they had; `mark` is given each with its place before. */
function ranked(
  matches: readonly Document[],
  similarities: readonly number[],
  mark: (match: Document, place: number) => void,
): DocumentArray {
  matches.forEach(mark);
  const order = matches.map((_match, place) => place);
  order.sort((a, b) => (similarities[b] ?? 0) - (similarities[a] ?? 0) || a - b);
  return DocumentArray.fromInputs(order.flatMap((place) => matches[place] ?? []));
}

/** Shares that sum to 1; a similarity of -Infinity gets none. */
function softmax(similarities: readonly number[], scale: number): number[] {
  const highest = similarities.reduce((most, value) => Math.max(most, value), -Infinity);
  if (highest === -Infinity) return similarities.map(() => 0);
  const weights = similarities.map((value) => Math.exp(scale * (value - highest)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** Cosine of a document's embedding with that of each match. */
function cosinesOf(doc: Document): number[] {
  const matches = doc.matches ?? [];
  if (matches.length === 0) return [];
  const query = numbersOf(doc);
  return matches.map((match) => {
    const other = numbersOf(match);
    if (other.length !== query.length) {
      throw new FlowError(
        'invalid_argument',
        `match ${match.id} of document ${doc.id}: expected an embedding of ${query.length} numbers, got ${other.length}`,
      );
    }
    return cosine(query, other);
  });
}

function numbersOf({ id, embedding }: Document): Float32Array | Float64Array {
  const data = embedding?.data;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new FlowError(
    'invalid_argument',
    `document ${id}: expected a float embedding to rank by, got ${embedding?.dtype ?? 'none'}; put an encoder before the ranker, or send embeddings`,
  );
}

/** 0 where one of them has no length. */
function cosine(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const [x, y] = [a[index] ?? 0, b[index] ?? 0];
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return lengthA === 0 || lengthB === 0 ? 0 : product / Math.sqrt(lengthA * lengthB);
}
