/** How two vectors are compared. For `euclidean` smaller is nearer, for the others larger. */
export type Metric = 'cosine' | 'inner_product' | 'euclidean';

/** A row that was found, with its similarity or distance. */
export interface Neighbour {
  readonly row: number;
  readonly score: number;
}

/** A vector and the number of its row. */
export interface VectorRow {
  readonly row: number;
  /** float32 [dimension], as it was sent. */
  readonly vector: Float32Array;
}

export interface NearestOptions {
  /** The most rows to find. */
  readonly count: number;
  /** Rows that may be found; default all. */
  readonly allowed?: ReadonlySet<number> | undefined;
  /** Whether every allowed row is compared, whatever it costs; default false. */
  readonly isExact?: boolean;
}

/** What an index says about itself in `/status`. */
export interface IndexFacts {
  readonly engine: string;
  /** `scan`: every row is compared; `graph`: those that a graph leads to. */
  readonly search: 'scan' | 'graph';
  /** Share of the true 10 nearest that a measurement on the index's own rows found; missing where all are compared. */
  readonly recall?: number;
}

/**
 * A search structure over vectors, and all that the indexer knows of one. It can be thrown away at any time: the
 * store has every vector, and whoever opens an index fills it from there.
 *
 * Scores are exact in every implementation; what differs is whether a near row may be missed.
 */
export interface VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  readonly size: number;
  readonly facts: IndexFacts;
  /** Adds vectors or replaces those of their rows; copies them. */
  set(rows: readonly VectorRow[]): void;
  /** Forgets rows; those that are not there are no error. */
  delete(rows: readonly number[]): void;
  /** The nearest rows, nearest first, equally near ones in the order of their numbers. */
  nearest(query: Float32Array, options: NearestOptions): Neighbour[];
  /** Writes what would take long to compute again; called after each commit, `isLast` before the end. */
  keep(isLast: boolean): void;
}
