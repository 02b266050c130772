import { z } from 'zod';
import type { Document } from '../../core/index.ts';
import {
  cosinesOf,
  mostMatches,
  rankByCosines,
  ranked,
  readParameters,
  readRequests,
  readRows,
  searchParameters,
  softmax,
} from '../kit/index.ts';
import { type Call, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { fuse, fusionMethods } from './fusion.ts';
import { similarityOf } from './similarity.ts';

const options = z.strictObject({
  /** Score of matches by which `/search` ranks; default: the first that they have. */
  score: z.string().min(1).optional(),
  /** What similarities are multiplied with before the softmax; 100 is what CLIP models were trained with. */
  scale: z.number().positive().default(100),
  /** Makes `/search` rank by several scores together; for the lists of several branches. */
  fusion: z
    .strictObject({
      method: z.enum(fusionMethods).default('z_score'),
      /** Weight by score name; default: every score that a match has, each 1. */
      weights: z.record(z.string().min(1), z.number().min(0)).optional(),
      k: z.number().positive().default(60),
    })
    .optional(),
  /** With `fusion`: matches of a search that names no `limit`. */
  limit: z.int().min(1).max(mostMatches).default(10),
});

const windowSchema = z.object({
  limit: z.int().min(1).max(mostMatches).optional(),
  offset: z.int().min(0).default(0),
});

/**
 * Puts matches in order and says how far each stands out.
 *
 * `/search` ranks by the score that the index gave, so that it loses and adds no match, and gives each the share of
 * the softmax among its neighbours as `rank_score` (they sum to 1 for each query). With `fusion` it ranks the matches
 * of several branches by their scores together, gives each the `fusion_score` and cuts the whole by the caller's
 * `limit` and `offset`. `/rank` ranks given matches anew by the cosine of embeddings, with the scores `clip_score` and
 * `clip_score_cosine`.
 */
export class Ranker extends Executor<z.infer<typeof options>> {
  static override readonly options = options;

  @requests('/search', { effect: 'read', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 64 })
  rankMatches(docs: DocumentArray, call: Call): void {
    const { fusion } = this.options;
    if (fusion === undefined) {
      for (const doc of docs) this.rankByScore(doc);
      return;
    }
    const windows = readRequests(call, ({ parameters }) => {
      const { limit = this.options.limit, offset } = readParameters(windowSchema, parameters);
      return [offset, offset + limit] as const;
    });
    for (const { request, value: window } of windows) {
      for (const doc of docs.slice(...request.rows)) {
        if (doc.matches === undefined) continue;
        const sums = fuse(doc.matches, fusion);
        const all = ranked(doc.matches, sums, (match, place) => {
          match.scores = { ...match.scores, fusion_score: { value: sums[place] ?? 0, opName: fusion.method } };
        });
        doc.matches = DocumentArray.fromInputs(all.slice(...window));
      }
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

  private rankByScore(doc: Document): void {
    const matches = doc.matches ?? [];
    const name = this.options.score ?? Object.keys(matches[0]?.scores ?? {})[0];
    if (name === undefined) return;
    const similarities = matches.map((match) => similarityOf(match, name) ?? -Infinity);
    const shares = softmax(similarities, this.options.scale);
    doc.matches = ranked(matches, similarities, (match, place) => {
      match.scores = { ...match.scores, rank_score: { value: shares[place] ?? 0, opName: 'softmax' } };
    });
  }
}
