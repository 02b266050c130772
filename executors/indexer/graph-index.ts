import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Graph, type GraphSettings, type GreatestLength, longest } from './graph.ts';
import type { GraphCache } from './graph-cache.ts';
import { measuredCount, planSearch } from './search-plan.ts';
import type { IndexFacts, Metric, NearestOptions, Neighbour, VectorIndex, VectorRow } from './vector-index.ts';
import type { VectorTable } from './vector-table.ts';

/** What a graph follows: the store's own record of changed rows. */
export interface ChangeLog {
  /** Names the store; no other one has it. */
  readonly identity: string;
  /** Number of the last change. */
  readonly sequence: number;
  /** Rows that changed after `sequence`; undefined when the record does not go back so far. */
  changedAfter(sequence: number): readonly number[] | undefined;
  /** Nobody will ask for changes up to `sequence` again. */
  forget(sequence: number): void;
}

export interface GraphIndexSettings extends GraphSettings {
  readonly table: VectorTable;
  readonly cache: GraphCache;
  readonly changes: ChangeLog;
  createGraph(greatestLength: GreatestLength): Graph;
  /** Something that costs time but loses nothing, such as a graph that has to be made anew. */
  warn(message: string): void;
}

/** Rows added at a time while a graph is built. */
const buildRows = 1000;
/** Rows that are asked about when the graph is measured, and the share of their nearest that must be found. */
const probes = 32;
const targetRecall = 0.995;
const widths = [64, 128, 256, 512, 1024, 2048, 4096, 8192];
/** Below so many rows every row is compared anyway. */
const leastMeasured = 2000;
/** Changes that may be missing in the saved graph: what a restart after a crash adds again. */
const leastUnsaved = 20_000;

/**
 * A graph that names candidates, over a table that compares them: scores are exact, and so is the order.
 *
 * How many candidates are needed depends on the data (embeddings are easy, noise is hard), so it is measured on rows of
 * the index itself, again whenever it has doubled; where no width is good enough, every row is compared.
 */
export class GraphIndex implements VectorIndex {
  readonly dimension: number;
  readonly metric: Metric;
  private readonly settings: GraphIndexSettings;
  private readonly table: VectorTable;
  private graph: Graph;
  private width: number | undefined;
  private recall: number | undefined;
  private measuredSize = 0;
  private savedSequence = 0;
  private isBroken = false;

  private constructor(settings: GraphIndexSettings) {
    this.settings = settings;
    this.dimension = settings.dimension;
    this.metric = settings.metric;
    this.table = settings.table;
    this.graph = settings.createGraph(0);
  }

  /** An index over an empty table. */
  static create(settings: GraphIndexSettings): GraphIndex {
    settings.cache.clear();
    return new GraphIndex(settings);
  }

  /** Takes the saved graph and adds what changed since; makes a new one when there is none or it cannot be trusted. */
  static async open(settings: GraphIndexSettings, progress: (fraction: number) => void): Promise<GraphIndex> {
    const index = new GraphIndex(settings);
    if (!(await index.load())) await index.build(progress);
    index.measureIfGrown();
    return index;
  }

  get size(): number {
    return this.table.size;
  }

  get facts(): IndexFacts {
    const { size } = this;
    const { type } = planSearch({ size, allowed: size, count: measuredCount, width: this.width });
    return {
      engine: 'usearch',
      search: type,
      ...(type === 'scan' || this.recall === undefined ? {} : { recall: this.recall }),
    };
  }

  set(rows: readonly VectorRow[]): void {
    const known = rows.filter(({ row }) => this.table.has(row)).map(({ row }) => row);
    this.table.set(rows);
    this.change(() => {
      this.graph.remove(known);
      this.addToGraph([...new Set(rows.map(({ row }) => row))]);
    });
    this.measureIfGrown();
  }

  delete(rows: readonly number[]): void {
    this.table.delete(rows);
    this.change(() => {
      this.graph.remove(rows);
    });
  }

  nearest(query: Float32Array, options: NearestOptions): Neighbour[] {
    const { count, allowed, isExact = false } = options;
    const { size } = this;
    const plan = planSearch({ size, allowed: allowed?.size ?? size, count, width: this.width });
    if (isExact || plan.type === 'scan' || this.isBroken) return this.table.nearest(query, options);
    const named = this.graph.candidates(this.table.comparable(query), plan.candidates);
    const rows = allowed === undefined ? named : named.filter((row) => allowed.has(row));
    const found = this.table.nearestOf(rows, query, count);
    // Accepted rows may all lie far from the query, where candidates do not reach.
    return found.length < Math.min(count, allowed?.size ?? size) ? this.table.nearest(query, options) : found;
  }

  keep(isLast: boolean): void {
    const { cache, changes, dimension, metric } = this.settings;
    const { sequence, identity } = changes;
    const unsaved = sequence - this.savedSequence;
    if (this.isBroken || unsaved === 0) return;
    if (!isLast && unsaved < Math.max(leastUnsaved, this.size / 2)) return;
    try {
      cache.write(this.graph, {
        store: identity,
        sequence,
        dimension,
        metric,
        width: this.width ?? null,
        recall: this.recall ?? null,
        measuredSize: this.measuredSize,
        greatestLength: this.graph.greatestLength,
      });
      changes.forget(sequence);
    } catch (error) {
      this.settings.warn(`the graph is not saved and will be made again: ${String(error)}`);
    }
    this.savedSequence = sequence;
  }

  private async load(): Promise<boolean> {
    const { cache, changes, dimension, metric } = this.settings;
    const saved = cache.read();
    if (saved === undefined) return false;
    const { note, path } = saved;
    const isOurs = note.store === changes.identity && note.dimension === dimension && note.metric === metric;
    const changed = isOurs ? changes.changedAfter(note.sequence) : undefined;
    if (changed === undefined) return false;
    try {
      this.graph = this.settings.createGraph(note.greatestLength);
      this.graph.load(path);
      this.graph.remove(changed);
      for (let first = 0; first < changed.length; first += buildRows) {
        this.addToGraph(changed.slice(first, first + buildRows).filter((row) => this.table.has(row)));
        await nextTurn();
      }
    } catch (error) {
      this.settings.warn(`the saved graph cannot be used: ${String(error)}`);
    }
    if (this.graph.size !== this.table.size) {
      this.graph = this.settings.createGraph(0);
      return false;
    }
    this.width = note.width ?? undefined;
    this.recall = note.recall ?? undefined;
    this.measuredSize = note.measuredSize;
    this.savedSequence = note.sequence;
    return true;
  }

  /** All of the table, in pieces between which messages leave the process: a start without progress counts as hung. */
  private async build(progress: (fraction: number) => void): Promise<void> {
    this.settings.cache.clear();
    const { rows, vectors } = this.table.contents();
    this.graph = this.settings.createGraph(2 * longest(vectors, this.dimension));
    for (let first = 0; first < rows.length; first += buildRows) {
      this.addToGraph(rows.slice(first, first + buildRows));
      progress(Math.min(1, (first + buildRows) / rows.length));
      await nextTurn();
    }
  }

  private addToGraph(rows: readonly number[]): void {
    const vectors = new Float32Array(rows.length * this.dimension);
    rows.forEach((row, place) => {
      const vector = this.table.vectorOf(row);
      if (vector !== undefined) vectors.set(vector, place * this.dimension);
    });
    if (this.graph.fits(vectors)) this.graph.add(rows, vectors);
    else this.growLength();
  }

  /** All of the table in a new graph that holds vectors twice as long as now: seldom, as lengths differ little. */
  private growLength(): void {
    const { rows, vectors } = this.table.contents();
    this.graph = this.settings.createGraph(2 * longest(vectors, this.dimension));
    for (let first = 0; first < rows.length; first += buildRows) {
      const end = Math.min(rows.length, first + buildRows);
      this.graph.add(rows.slice(first, end), vectors.slice(first * this.dimension, end * this.dimension));
    }
  }

  /** A graph that cannot follow is given up; every row is compared until the next start. */
  private change(work: () => void): void {
    if (this.isBroken) return;
    try {
      work();
    } catch (error) {
      this.isBroken = true;
      this.width = undefined;
      this.settings.cache.clear();
      this.settings.warn(`the graph is given up, every row is compared from now on: ${String(error)}`);
    }
  }

  private measureIfGrown(): void {
    if (this.isBroken || this.size < Math.max(leastMeasured, 2 * this.measuredSize)) return;
    this.measuredSize = this.size;
    const { rows, vectors } = this.table.contents();
    const nearestTo = (query: Float32Array): Neighbour[] => {
      const places = this.graph.exactPlaces(vectors, query, measuredCount);
      return this.table.nearestOf(
        places.map((place) => rows[place] ?? -1),
        query,
        measuredCount,
      );
    };
    const queries = Array.from({ length: probes }, (_, probe) => {
      const place = Math.floor((probe * rows.length) / probes);
      const row = vectors.slice(place * this.dimension, (place + 1) * this.dimension);
      const query = this.table.comparable(this.movedAside(row, nearestTo(row)));
      return { query, nearest: nearestTo(query) };
    });
    this.width = undefined;
    for (const width of widths) {
      let hits = 0;
      for (const { query, nearest } of queries) hits += this.hits(query, nearest, width);
      this.recall = hits / (probes * measuredCount);
      if (this.recall < targetRecall) continue;
      // Queries of callers may be farther off.
      this.width = 2 * width;
      return;
    }
  }

  /** A vector as a caller's may be: near a row and none of the index, for a row has its nearest among its links. */
  private movedAside(row: Float32Array, nearest: readonly Neighbour[]): Float32Array {
    const [one, other] = [nearest[nearest.length - 1], nearest[nearest.length - 2]].map((neighbour) =>
      neighbour === undefined ? undefined : this.table.vectorOf(neighbour.row),
    );
    return row.map((value, place) => value + ((one?.[place] ?? 0) - (other?.[place] ?? 0)) / 2);
  }

  /** How many of the nearest the graph finds; others just as near count as well. */
  private hits(query: Float32Array, nearest: readonly Neighbour[], width: number): number {
    const farthest = nearest[nearest.length - 1]?.score ?? 0;
    const found = this.table.nearestOf(this.graph.candidates(query, width), query, nearest.length);
    const isNear = ({ score }: Neighbour): boolean =>
      this.metric === 'euclidean' ? score <= farthest : score >= farthest;
    return found.filter(isNear).length;
  }
}
