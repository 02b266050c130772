import type { ExecutorContext } from '../sdk/index.ts';
import type { DocumentStore } from '../kit/index.ts';
import { Graph, loadUsearch } from './graph.ts';
import { GraphCache } from './graph-cache.ts';
import { GraphIndex, type GraphIndexSettings } from './graph-index.ts';
import type { Metric, VectorIndex } from './vector-index.ts';
import { VectorTable } from './vector-table.ts';

export const engines = ['usearch', 'exact'] as const;

/** Makes search structures of one kind over the vectors of one store. */
export interface IndexEngine {
  /** An index without vectors, for a store that has none. */
  create(dimension: number): VectorIndex;
  /** An index with all vectors of the store. */
  open(dimension: number): Promise<VectorIndex>;
}

export interface EngineSettings {
  readonly engine: (typeof engines)[number];
  readonly metric: Metric;
  readonly store: DocumentStore;
  /** Where an engine may keep files of its own. */
  readonly folder: string;
  readonly context: ExecutorContext;
}

/** @throws `executor_load_failed` when the engine cannot run on this machine */
export async function openEngine(settings: EngineSettings): Promise<IndexEngine> {
  const { engine, metric, store, folder, context } = settings;
  const cache = new GraphCache(folder);
  const filled = (dimension: number): VectorTable => {
    const table = new VectorTable(dimension, metric);
    for (const row of store.vectors()) table.set([row]);
    return table;
  };
  if (engine === 'exact') {
    // A graph that misses what is written from now on must not be found later.
    cache.clear();
    store.forget(store.sequence);
    return {
      create: (dimension) => new VectorTable(dimension, metric),
      open: (dimension) => Promise.resolve(filled(dimension)),
    };
  }
  const usearch = await loadUsearch();
  const settingsOf = (table: VectorTable): GraphIndexSettings => {
    const { dimension } = table;
    const { threads } = context;
    return {
      dimension,
      metric,
      threads,
      table,
      cache,
      changes: store,
      createGraph: (greatestLength) => new Graph(usearch, { dimension, metric, threads }, greatestLength),
      warn: (message) => {
        context.logger.warn({}, message);
      },
    };
  };
  return {
    create: (dimension) => GraphIndex.create(settingsOf(new VectorTable(dimension, metric))),
    open: async (dimension) =>
      await GraphIndex.open(settingsOf(filled(dimension)), (fraction) => {
        context.progress({ state: 'loading', message: 'graph of the index', fraction });
      }),
  };
}
