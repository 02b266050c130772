import { type Document, DocumentArray, FlowError, type NamedScore } from '../../core/index.ts';

/** Matches by falling similarity, equal ones in the order they had; `mark` is given each with its place before. */
export function ranked(
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
export function softmax(similarities: readonly number[], scale: number): number[] {
  const highest = similarities.reduce((most, value) => Math.max(most, value), -Infinity);
  if (highest === -Infinity) return similarities.map(() => 0);
  const weights = similarities.map((value) => Math.exp(scale * (value - highest)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Cosine of a document's embedding with that of each match; what an encoder before has ranked already keeps its cosine.
 *
 * @throws `invalid_argument` naming the document that has no embedding, or one of another width
 */
export function cosinesOf(doc: Document): number[] {
  const matches = doc.matches ?? [];
  const known = matches.map(({ embedding, scores }) =>
    embedding === undefined ? scores?.['clip_score_cosine']?.value : undefined,
  );
  if (known.every((value) => value !== undefined)) return known;
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

/**
 * Puts a document's matches in order by their cosines, with the scores that CLIP clients read: `clip_score` (shares of
 * a softmax) and `clip_score_cosine`. Embeddings of matches are removed.
 *
 * @param scale what cosines are multiplied with before the softmax
 */
export function rankByCosines(doc: Document, cosines: readonly number[], scale: number): void {
  const shares = softmax(cosines, scale);
  doc.matches = ranked(doc.matches ?? [], cosines, (match, place) => {
    const clip: Record<string, NamedScore> = {
      clip_score: { value: shares[place] ?? 0, opName: 'softmax' },
      clip_score_cosine: { value: cosines[place] ?? 0, opName: 'cosine' },
    };
    match.scores = { ...match.scores, ...clip };
    delete match.embedding;
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
