/** How two vectors are compared. For `euclidean` smaller is nearer, for the others larger. */
export type Metric = 'cosine' | 'inner_product' | 'euclidean';

/** A row that was found, with its similarity or distance. */
export interface Neighbour {
  readonly row: number;
  readonly score: number;
}

const firstCapacity = 1024;

/**
 * Vectors in one block of memory, found by comparing with every one: exact, and no build step.
 *
 * Rows are named by numbers of the caller's choice.
 */
export class VectorTable {
  readonly dimension: number;
  readonly metric: Metric;
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

  /** Adds a vector, or replaces the row's vector; copies it. */
  set(row: number, vector: Float32Array): void {
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

  /** Forgets a row; nothing happens when it is not there. */
  delete(row: number): void {
    const slot = this.slots.get(row);
    if (slot === undefined) return;
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

  /** The `count` nearest rows, nearest first, equally near ones in the order of their numbers; `allowed` bounds them. */
  nearest(query: Float32Array, count: number, allowed?: ReadonlySet<number>): Neighbour[] {
    const target = Float32Array.from(query);
    if (this.metric === 'cosine') scaleToUnit(target);
    const best: Neighbour[] = [];
    for (let slot = 0; slot < this.rows.length; slot++) {
      const row = this.rows[slot] ?? 0;
      if (allowed !== undefined && !allowed.has(row)) continue;
      const found = { row, score: this.compare(target, slot) };
      const worst = best[best.length - 1];
      if (best.length === count && worst !== undefined && !this.isNearer(found, worst)) continue;
      best.splice(this.placeOf(found, best), 0, found);
      if (best.length > count) best.pop();
    }
    return best;
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
