import type { Client } from '../client/index.ts';
import type { Document, JsonObject } from '../core/index.ts';
import { appendRun, type QueryResult, resumeRun } from './run-file.ts';

export interface SearchRunOptions {
  /** Texts to put into the index first; missing: they are there. */
  readonly corpus?: readonly Document[] | undefined;
  readonly queries: readonly Document[];
  /** Matches asked for. */
  readonly depth: number;
  /** Parameters of each search beside `limit`. */
  readonly parameters: JsonObject;
  /** File that keeps what was found; queries that it has are not asked again. */
  readonly runFile?: string | undefined;
  readonly showProgress: boolean;
}

/** Enough in one request for an encoder to find company of like length, few enough for progress. */
const requestSize = 32;
const inFlight = 4;

/**
 * Indexes texts through a running flow and asks its queries.
 *
 * @returns ids of what was found, best first, by query
 * @throws the error of the first request that fails; what was found before is in the run file
 */
export async function searchRun(client: Client, options: SearchRunOptions): Promise<Map<string, readonly string[]>> {
  const { corpus, queries, depth, runFile, showProgress } = options;
  const found = new Map<string, readonly string[]>(runFile === undefined ? [] : resumeRun(runFile));
  const left = queries.filter(({ id }) => !found.has(id));
  if (left.length === 0) return found;
  const sending = { requestSize, prefetch: inFlight, showProgress };
  if (corpus !== undefined) await client.index(corpus, sending);
  const parameters = { ...options.parameters, limit: depth };
  for await (const { docs, error } of client.search(left, { ...sending, parameters }).responses()) {
    if (error !== undefined) throw error;
    const results = docs.map(resultOf);
    if (runFile !== undefined) appendRun(runFile, results);
    for (const { query, matches } of results) {
      found.set(
        query,
        matches.map(({ id }) => id),
      );
    }
  }
  return found;
}

/** The score of a match is the last that it was given, as the rankings' order comes from it. */
function resultOf({
  id,
  matches = [],
}: Pick<Document, 'id'> & { matches?: Iterable<Document> | undefined }): QueryResult {
  return {
    query: id,
    matches: [...matches].map((match) => ({
      id: match.id,
      score: Object.values(match.scores ?? {}).at(-1)?.value ?? 0,
    })),
  };
}
