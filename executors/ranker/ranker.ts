import { z } from 'zod';
import { cosinesOf, rankByCosines, ranked, readRows, searchParameters, softmax } from '../kit/index.ts';
import { type Call, type DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';

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
      if (similarities !== undefined) rankByCosines(doc, similarities, this.options.scale);
    });
  }
}
