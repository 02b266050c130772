import type { IndexFacts, Metric, NearestOptions, Neighbour, VectorIndex, VectorRow } from './vector-index.ts';

const firstCapacity = 1024;

/**
 * Vectors in one block of memory, found by comparing with every one: exact, and no build step.
 *
 * Rows are named by numbers of the caller's choice.
 */
export class VectorTable implements VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  readonly facts: IndexFacts = { engine: 'exact', search: 'scan' };
  private block: Float32Array;
  /** Row of each slot of the block, without gaps. */
  private readonly rows: number[] = [];
  private readonly slots = new Map<number, number>();

  constructor(dimension: number, metric: Metric) {
    this.dimension = dimension;
    this.metric = metric;
    this.block = new Float32Array(firstCapacity * dimension);
  }

  get size(): number {
    return this.rows.length;
  }

  has(row: number): boolean {
    return this.slots.has(row);
  }

  set(rows: readonly VectorRow[]): void {
    for (const { row, vector } of rows) {
      let slot = this.slots.get(row);
      if (slot === undefined) {
        slot = this.rows.length;
        this.rows.push(row);
        this.slots.set(row, slot);
        this.reserve(slot + 1);
      }
      const target = this.at(slot);
      target.set(vector);
      // Vectors of length 1 make the cosine a plain product.
      if (this.metric === 'cosine') scaleToUnit(target);
    }
  }

  delete(rows: readonly number[]): void {
    for (const row of rows) {
      const slot = this.slots.get(row);
      if (slot === undefined) continue;
      const last = this.rows.length - 1;
      const moved = this.rows[last];
      if (moved !== undefined && slot !== last) {
        this.at(slot).set(this.at(last));
        this.rows[slot] = moved;
        this.slots.set(moved, slot);
      }
      this.rows.pop();
      this.slots.delete(row);
    }
  }

  nearest(query: Float32Array, { count, allowed }: NearestOptions): Neighbour[] {
    return this.nearestOf(allowed ?? this.rows, query, count);
  }

  /** The `count` nearest among `rows`; those that are not here are left out. */
  nearestOf(rows: Iterable<number>, query: Float32Array, count: number): Neighbour[] {
    const target = this.comparable(query);
    const best: Neighbour[] = [];
    for (const row of rows) {
      const slot = this.slots.get(row);
      if (slot === undefined) continue;
      const found = { row, score: this.compare(target, slot) };
      const worst = best[best.length - 1];
      if (best.length === count && worst !== undefined && !this.isNearer(found, worst)) continue;
      best.splice(this.placeOf(found, best), 0, found);
      if (best.length > count) best.pop();
    }
    return best;
  }

  /** Nothing: the store has the vectors. */
  keep(): void {
    return;
  }

  /** Rows and their vectors as they are compared, float32 [size, dimension]; a view that the next change breaks. */
  contents(): { readonly rows: readonly number[]; readonly vectors: Float32Array } {
    return { rows: this.rows, vectors: this.block.subarray(0, this.rows.length * this.dimension) };
  }

  /** A row's vector as it is compared; a view that the next change breaks. */
  vectorOf(row: number): Float32Array | undefined {
    const slot = this.slots.get(row);
    return slot === undefined ? undefined : this.at(slot);
  }

  /** A copy of a query as it is compared: of length 1 for the cosine. */
  comparable(query: Float32Array): Float32Array {
    const target = Float32Array.from(query);
    if (this.metric === 'cosine') scaleToUnit(target);
    return target;
  }

  private compare(target: Float32Array, slot: number): number {
    const { block, dimension } = this;
    const start = slot * dimension;
    let sum = 0;
    if (this.metric === 'euclidean') {
      for (let index = 0; index < dimension; index++) {
        const difference = (target[index] ?? 0) - (block[start + index] ?? 0);
        sum += difference * difference;
      }
      return Math.sqrt(sum);
    }
    for (let index = 0; index < dimension; index++) sum += (target[index] ?? 0) * (block[start + index] ?? 0);
    return sum;
  }

  private isNearer(a: Neighbour, b: Neighbour): boolean {
    if (a.score === b.score) return a.row < b.row;
    return this.metric === 'euclidean' ? a.score < b.score : a.score > b.score;
  }

  /** Where `found` belongs in a sorted list. */
  private placeOf(found: Neighbour, best: readonly Neighbour[]): number {
    let [low, high] = [0, best.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = best[middle];
      if (other !== undefined && this.isNearer(other, found)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private at(slot: number): Float32Array {
    return this.block.subarray(slot * this.dimension, (slot + 1) * this.dimension);
  }

  private reserve(slots: number): void {
    if (slots * this.dimension <= this.block.length) return;
    const grown = new Float32Array(Math.max(slots * this.dimension, this.block.length * 2));
    grown.set(this.block);
    this.block = grown;
  }
}

/** In place; a zero vector stays zero. */
function scaleToUnit(vector: Float32Array): void {
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return;
  const scale = 1 / Math.sqrt(sum);
  for (let index = 0; index < vector.length; index++) vector[index] = (vector[index] ?? 0) * scale;
}
