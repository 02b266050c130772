import type { Index, MetricKind } from 'usearch';
import { FlowError } from '../../core/index.ts';
import type { Metric } from './vector-index.ts';

export interface GraphSettings {
  readonly dimension: number;
  readonly metric: Metric;
  /** The same for all calls of one graph: usearch keeps memory for each. */
  readonly threads: number;
}

/**
 * For the inner product: the greatest length of a vector that the graph can hold.
 *
 * A graph by the plain inner product loses rows, as long vectors are everybody's neighbours and short ones nobody's. So
 * vectors get one number more, which gives all of them this length, and queries get 0 there: the inner product with a
 * query stays what it was, and between vectors it orders as their distance does.
 */
export type GreatestLength = number;

/** The part of usearch that is used. */
type Usearch = (typeof import('usearch'))['default'];

/** Links of a row, and how widely its place is searched for when it is added: usearch's own defaults. */
const connectivity = 16;
const expansionAdd = 128;

/**
 * A graph of near neighbours (HNSW) by usearch: names rows that are probably among the nearest.
 *
 * It keeps numbers in 16 bits, so its own distances are rough; whoever asks compares the candidates again.
 * Vectors must come as they are compared: of length 1 for the cosine.
 */
export class Graph {
  private readonly usearch: Usearch;
  private readonly settings: GraphSettings;
  private readonly index: Index;

  readonly greatestLength: GreatestLength;

  constructor(usearch: Usearch, settings: GraphSettings, greatestLength: GreatestLength) {
    this.usearch = usearch;
    this.settings = settings;
    this.greatestLength = greatestLength;
    const { F16, BF16 } = usearch.ScalarKind;
    this.index = new usearch.Index({
      dimensions: this.width,
      metric: this.kind,
      // Extended vectors lie between -1 and 1, where the shorter range buys precision.
      quantization: this.isExtended ? F16 : BF16,
      connectivity,
      expansion_add: expansionAdd,
      expansion_search: 0,
      multi: false,
    });
  }

  get size(): number {
    return this.index.size();
  }

  /** Whether vectors, float32 [rows, dimension], are short enough for it. */
  fits(vectors: Float32Array): boolean {
    return !this.isExtended || longest(vectors, this.settings.dimension) <= this.greatestLength;
  }

  /** Adds rows that are not there. `vectors` is float32 [rows, dimension], one after another, and fits. */
  add(rows: readonly number[], vectors: Float32Array): void {
    if (rows.length === 0) return;
    const added = this.isExtended ? this.extend(vectors, rows.length) : vectors;
    this.index.add(BigUint64Array.from(rows, BigInt), added, this.settings.threads);
  }

  remove(rows: readonly number[]): void {
    if (rows.length > 0) this.index.remove(BigUint64Array.from(rows, BigInt));
  }

  /** At most `count` rows near `query`; the more are asked for, the fewer of the nearest are missed. */
  candidates(query: Float32Array, count: number): number[] {
    if (this.size === 0) return [];
    const asked = this.isExtended ? new Float32Array(this.width) : query;
    if (this.isExtended) asked.set(query);
    const { keys } = this.index.search(asked, Math.min(count, this.size), this.settings.threads);
    return Array.from(keys, Number);
  }

  /** The places of the `count` nearest of `vectors`, float32 [rows, dimension], found by comparing all. */
  exactPlaces(vectors: Float32Array, query: Float32Array, count: number): number[] {
    const { dimension, threads } = this.settings;
    const { keys } = this.usearch.exactSearch(vectors, query, dimension, count, this.kind, threads);
    return Array.from(keys, Number);
  }

  save(path: string): void {
    this.index.save(path);
  }

  /** Reads a file that `save` wrote. A damaged one may end the process: check it before. */
  load(path: string): void {
    this.index.load(path);
  }

  private get isExtended(): boolean {
    return this.settings.metric === 'inner_product';
  }

  /** Numbers of a vector in the graph. */
  private get width(): number {
    return this.settings.dimension + (this.isExtended ? 1 : 0);
  }

  /** Vectors with the number more, scaled to length 1. */
  private extend(vectors: Float32Array, rows: number): Float32Array {
    const { greatestLength } = this;
    const { dimension } = this.settings;
    const extended = new Float32Array(rows * this.width);
    for (let row = 0; row < rows; row++) {
      const start = row * this.width;
      let left = 1;
      for (let place = 0; place < dimension; place++) {
        const value = (vectors[row * dimension + place] ?? 0) / greatestLength;
        extended[start + place] = value;
        left -= value * value;
      }
      extended[start + dimension] = Math.sqrt(Math.max(0, left));
    }
    return extended;
  }

  private get kind(): MetricKind {
    const { L2sq, IP } = this.usearch.MetricKind;
    return this.settings.metric === 'euclidean' ? L2sq : IP;
  }
}

/** Length of the longest of vectors, float32 [rows, dimension]. */
export function longest(vectors: Float32Array, dimension: number): number {
  let most = 0;
  for (let start = 0; start < vectors.length; start += dimension) {
    let sum = 0;
    for (let place = start; place < start + dimension; place++) sum += (vectors[place] ?? 0) ** 2;
    most = Math.max(most, sum);
  }
  return Math.sqrt(most);
}

/**
 * Loads usearch.
 *
 * @throws `executor_load_failed` where it has no binary for this machine, saying what to do
 */
export async function loadUsearch(): Promise<Usearch> {
  try {
    return (await import('usearch')).default;
  } catch (error) {
    throw FlowError.from(
      error,
      'executor_load_failed',
      `usearch cannot be loaded on ${process.platform}-${process.arch}; write engine: exact under uses_with to do without`,
    );
  }
}
