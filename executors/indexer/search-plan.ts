/** What a search has to choose from. */
export interface SearchSize {
  /** Rows in the index. */
  readonly size: number;
  /** Rows that the filter accepts; `size` without one. */
  readonly allowed: number;
  /** Rows to find. */
  readonly count: number;
  /** Candidates that the graph has to look at to find the 10 nearest; undefined: it has not been measured. */
  readonly width: number | undefined;
}

/** Compare every allowed row, or take this many candidates from the graph. */
export type SearchPlan = { readonly type: 'scan' } | { readonly type: 'graph'; readonly candidates: number };

/** How many nearest rows {@link SearchSize.width} stands for. */
export const measuredCount = 10;

/** What a candidate of the graph costs, in rows compared one after another; measured with 256 numbers a row. */
const candidateCost = 16;

/**
 * Chooses the cheaper way that still finds the nearest.
 *
 * The graph knows no filters: of its candidates only the share that the filter accepts is of use, so it has to give
 * that many more. A filter that accepts little therefore leads to comparing just what it accepts, which is exact.
 */
export function planSearch({ size, allowed, count, width }: SearchSize): SearchPlan {
  if (width === undefined || allowed === 0) return { type: 'scan' };
  const rank = (count * size) / allowed;
  const candidates = Math.ceil(width * Math.max(1, rank / measuredCount));
  return candidates * candidateCost < allowed ? { type: 'graph', candidates } : { type: 'scan' };
}
