/**
 * Parameters of a search that each caller has for itself. Executors before the index ignore them and declare them per
 * request, so that callers who ask for other numbers of matches still share batches.
 */
export const searchParameters = [
  'limit',
  'offset',
  'filter',
  'embeddings',
  'exact',
  'min_score',
  'max_distance',
] as const;
