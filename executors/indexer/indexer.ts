import { z } from 'zod';
import { canonicalJson, type Document, FlowError, type Json, type JsonObject, Tensor } from '../../core/index.ts';
import {
  DocumentStore,
  mostMatches,
  readRequests,
  readRows,
  searchParameters,
  type StoredDocument,
  withChanges,
} from '../kit/index.ts';
import { type Call, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { embeddingOf, wrongDimension } from './embedding.ts';
import { engines, type IndexEngine, openEngine } from './index-engine.ts';
import { isNearEnough, readFetchSettings, readSearchSettings, type SearchSettings } from './search-settings.ts';
import type { Neighbour, VectorIndex } from './vector-index.ts';
import { checkRecord, recordOf, type WorkspaceRecord, writeRecord } from './workspace-record.ts';

/** Filters whose rows are remembered until the next write. */
const mostFilters = 8;

const options = z.strictObject({
  /** How vectors are compared; recorded in the workspace. */
  metric: z.enum(['cosine', 'inner_product', 'euclidean']).default('cosine'),
  /** Matches of a search that names no `limit`. */
  limit: z.int().min(1).max(mostMatches).default(10),
  /** Numbers of an embedding; default: as many as the first document has. */
  dimension: z.int().min(1).optional(),
  /** What makes the embeddings: the folder of a model, whose hash is recorded, or any name. */
  model: z.string().min(1).optional(),
  /** `usearch`: a graph of neighbours, and comparing where that is cheaper; `exact`: always comparing. */
  engine: z.enum(engines).default('usearch'),
  /** Tags that get an index of the database, for filters that accept little of much. */
  filter_by: z.array(z.string().min(1)).default([]),
});

/**
 * Keeps documents with their embeddings and finds the nearest.
 *
 * Documents lie in a SQLite file of the workspace and are on the disk before their request is answered; what searches
 * is made from that file and can be lost. Requests that are joined are committed together. Chunks, matches, scores and
 * tensors of documents are not kept.
 */
export class Indexer extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  static override readonly state = 'exclusive';
  private opened: DocumentStore | undefined;
  private engine: IndexEngine | undefined;
  private vectors: VectorIndex | undefined;
  private record: WorkspaceRecord = {};
  private readonly filters = new Map<string, ReadonlySet<number>>();

  override async init(): Promise<void> {
    const { context } = this;
    const { metric, dimension, model, engine, filter_by } = this.options;
    context.progress({ state: 'loading', message: 'index' });
    const folder = context.workspace();
    const store = DocumentStore.open(folder);
    this.opened = store;
    const { shard, shards } = context;
    this.record = await recordOf({ metric, dimension, model, shard, shards });
    checkRecord(store, this.record, folder);
    store.indexTags(filter_by);
    this.engine = await openEngine({ engine, metric, store, folder, context });
    const known = Number(store.fact('dimension') ?? NaN);
    if (Number.isNaN(known)) return;
    this.vectors = await this.engine.open(known);
    const { facts, size } = this.vectors;
    context.logger.info({ documents: size, dimension: known, ...facts }, 'index loaded');
  }

  override close(): void {
    this.vectors?.keep(true);
    this.vectors = undefined;
    this.opened?.close();
  }

  /** Adds documents; one with an id that is there already replaces it. A request is kept as a whole or not at all. */
  @requests('/index', { effect: 'upsert' })
  @dynamicBatching({ preferredBatchSize: 128 })
  index(docs: DocumentArray, call: Call): void {
    const read = readRows(docs, call, (doc) => this.vectorOf(doc));
    // The first documents of all decide the dimension, whichever request brings them.
    const dimension = read.find((vector) => vector !== undefined)?.length;
    const vectors = readRows(docs, call, ({ id }, row) => {
      const vector = read[row];
      if (vector !== undefined && vector.length !== dimension) throw wrongDimension(id, dimension, vector.length);
      return vector;
    });
    this.write(
      call,
      docs.flatMap((doc, row) => {
        const vector = vectors[row];
        return vector === undefined ? [] : { doc, vector };
      }),
    );
  }

  /** Changes the fields that are sent of documents that are there; tags are merged. */
  @requests('/update', { effect: 'upsert' })
  update(docs: DocumentArray, call: Call): void {
    this.write(
      call,
      docs.map((sent) => {
        const stored = this.store.byId(sent.id);
        if (stored === undefined) throw new FlowError('document_not_found', `the index has no document ${sent.id}`);
        const doc = withChanges(stored.doc, sent);
        return { doc, vector: sent.embedding === undefined ? stored.vector : this.vectorOf(sent) };
      }),
    );
  }

  /** Removes the documents with the ids that are sent; ids that are not there are no error. */
  @requests('/delete', { effect: 'upsert' })
  delete(docs: DocumentArray, call: Call): JsonObject {
    const rows = call.phase('commit', () =>
      this.store.transaction(() => docs.flatMap((doc) => this.store.remove(doc.id) ?? [])),
    );
    this.vectors?.delete(rows);
    this.committed();
    return { deleted: rows.length, documents: this.store.count() };
  }

  /**
   * Gives each document its nearest ones as `matches`, nearest first, with the score under the metric's name.
   *
   * Parameters, each caller's own: `limit`, `offset`, `filter` (see `filterCondition`), `min_score` or `max_distance`,
   * `exact` (compare every row), `embeddings` and `blobs` (whether matches bring theirs).
   */
  @requests('/search', { effect: 'read', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 32 })
  search(docs: DocumentArray, call: Call): void {
    const queries = readRows(docs, call, (doc) => this.vectorOf(doc));
    const searches = readRequests(call, ({ parameters }) => {
      const settings = readSearchSettings(parameters, this.options.metric);
      return { ...settings, allowed: this.allowedRows(settings.filter) };
    });
    for (const { request, value } of searches) {
      const { offset, limit = this.options.limit, allowed, exact: isExact } = value;
      for (let row = request.rows[0]; row < request.rows[1]; row++) {
        const [doc, query] = [docs[row], queries[row]];
        if (doc === undefined || query === undefined) continue;
        const found = this.vectors?.nearest(query, { count: offset + limit, allowed, isExact }) ?? [];
        const matches = found
          .slice(offset)
          .filter((neighbour) => isNearEnough(neighbour, value))
          .flatMap((neighbour) => this.matchOf(neighbour, value) ?? []);
        doc.matches = DocumentArray.fromInputs(matches);
      }
    }
  }

  /** The documents with the ids that are sent, those that are there; without documents a page of all of them. */
  @requests('/fetch', { effect: 'read', changesCount: true })
  fetch(docs: DocumentArray, call: Call): DocumentArray {
    const { limit, offset, embeddings } = readFetchSettings(call.requests[0]?.parameters ?? {});
    const rows =
      docs.length === 0 ? this.store.page(offset, limit) : docs.flatMap(({ id }) => this.store.byId(id) ?? []);
    return DocumentArray.fromInputs(
      rows.map(({ doc, vector }) => {
        if (embeddings) doc.embedding = new Tensor('float32', [vector.length], vector);
        return doc;
      }),
    );
  }

  /** How many documents there are, how they are compared and searched, and what else the workspace records. */
  @requests('/status', { effect: 'read' })
  status(): JsonObject {
    const { metric, dimension, engine } = this.options;
    const model = this.store.fact('model');
    return {
      documents: this.store.count(),
      dimension: this.vectors?.dimension ?? dimension ?? null,
      metric,
      ...(model === undefined ? {} : { model }),
      ...(this.vectors?.facts ?? { engine, search: 'scan' }),
    };
  }

  private write(call: Call, documents: readonly StoredDocument[]): void {
    const [first] = documents;
    if (first === undefined) return;
    const index = this.vectors ?? this.createIndex(first.vector.length);
    const rows = call.phase('commit', () =>
      this.store.transaction(() => {
        if (this.vectors === undefined) writeRecord(this.store, { ...this.record, dimension: String(index.dimension) });
        return documents.map((document) => this.store.put(document));
      }),
    );
    // Only what is on the disk is found.
    index.set(documents.flatMap(({ vector }, place) => ({ row: rows[place] ?? 0, vector })));
    this.vectors = index;
    this.committed();
  }

  private committed(): void {
    this.filters.clear();
    this.vectors?.keep(false);
  }

  /** The embedding of a document, checked. */
  private vectorOf(doc: Document): Float32Array {
    return embeddingOf(doc, this.vectors?.dimension ?? this.options.dimension);
  }

  private matchOf({ row, score }: Neighbour, { embeddings, blobs }: SearchSettings): Document | undefined {
    const stored = this.store.byRow(row);
    if (stored === undefined) return undefined;
    const { metric } = this.options;
    const match = stored.doc;
    if (!blobs) delete match.blob;
    match.scores = { [metric]: { value: score, opName: metric } };
    if (embeddings) match.embedding = new Tensor('float32', [stored.vector.length], stored.vector);
    return match;
  }

  /** Rows that a filter accepts, looked up once between two writes. */
  private allowedRows(filter: Record<string, unknown> | null | undefined): ReadonlySet<number> | undefined {
    if (filter === undefined || filter === null) return undefined;
    const key = canonicalJson(filter as Json);
    const rows = this.filters.get(key) ?? this.store.matching(filter);
    if (this.filters.size >= mostFilters) this.filters.clear();
    this.filters.set(key, rows);
    return rows;
  }

  private createIndex(dimension: number): VectorIndex {
    if (this.engine === undefined) throw new FlowError('internal', 'the index is used before init; this is a bug');
    return this.engine.create(dimension);
  }

  private get store(): DocumentStore {
    if (this.opened === undefined) throw new FlowError('internal', 'the index is used before init; this is a bug');
    return this.opened;
  }
}
