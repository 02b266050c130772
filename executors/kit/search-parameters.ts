import type { z } from 'zod';
import { describeValue, FlowError, type JsonObject } from '../../core/index.ts';

/**
 * Parameters of a search that each caller has for itself. Executors before the index ignore them and declare them per
 * request, so that callers who ask for other numbers of matches still share batches.
 */
export const searchParameters = [
  'limit',
  'offset',
  'filter',
  'embeddings',
  'blobs',
  'exact',
  'min_score',
  'max_distance',
] as const;

/** Most matches that a search may ask for. */
export const mostMatches = 10_000;

/**
 * The parameters of a request, checked.
 *
 * @throws `invalid_argument` naming the parameter and what it was.
 */
export function readParameters<T>(schema: z.ZodType<T>, parameters: JsonObject): T {
  const read = schema.safeParse(parameters);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const name = issue?.path.join('.') ?? '';
  throw new FlowError(
    'invalid_argument',
    `parameter ${name}: ${issue?.message ?? 'not valid'}, got ${describeValue(parameters[name])}`,
  );
}
