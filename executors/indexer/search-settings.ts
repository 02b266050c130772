import { z } from 'zod';
import { FlowError, type JsonObject } from '../../core/index.ts';
import { mostMatches, readParameters } from '../kit/index.ts';
import type { Metric, Neighbour } from './vector-index.ts';

const searchSchema = z.object({
  /** Matches of each document; default what the indexer's options say. */
  limit: z.int().min(1).max(mostMatches).optional(),
  offset: z.int().min(0).default(0),
  filter: z.record(z.string(), z.unknown()).nullish(),
  /** Whether matches bring their embeddings. */
  embeddings: z.boolean().default(false),
  /** Whether matches bring their bytes, such as pictures. */
  blobs: z.boolean().default(false),
  /** Whether every row is compared, whatever it costs. */
  exact: z.boolean().default(false),
  /** For similarities: matches below are left out. */
  min_score: z.number().optional(),
  /** For `euclidean`: matches farther away are left out. */
  max_distance: z.number().optional(),
});

const fetchSchema = z.object({
  limit: z.int().min(1).max(mostMatches).default(100),
  offset: z.int().min(0).default(0),
  embeddings: z.boolean().default(false),
});

/** Parameters of `/search`, checked. */
export type SearchSettings = z.infer<typeof searchSchema>;

/** @throws `invalid_argument`, also when a bound is meant for another metric */
export function readSearchSettings(parameters: JsonObject, metric: Metric): SearchSettings {
  const settings = readParameters(searchSchema, parameters);
  const [unfit, fit] =
    metric === 'euclidean' ? (['min_score', 'max_distance'] as const) : (['max_distance', 'min_score'] as const);
  if (settings[unfit] !== undefined) {
    throw new FlowError('invalid_argument', `parameter ${unfit}: the index compares by ${metric}, which takes ${fit}`);
  }
  return settings;
}

/** @throws `invalid_argument` */
export function readFetchSettings(parameters: JsonObject): z.infer<typeof fetchSchema> {
  return readParameters(fetchSchema, parameters);
}

/** Whether a match is near enough for the bounds of a search. */
export function isNearEnough({ score }: Neighbour, { min_score, max_distance }: SearchSettings): boolean {
  return score >= (min_score ?? -Infinity) && score <= (max_distance ?? Infinity);
}
