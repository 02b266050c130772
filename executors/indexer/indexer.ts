import { z } from 'zod';
import {
  canonicalJson,
  describeValue,
  Document,
  FlowError,
  type Json,
  type JsonObject,
  Tensor,
} from '../../core/index.ts';
import { DocumentStore, readRequests, readRows, searchParameters, type StoredDocument } from '../kit/index.ts';
import { type Call, DocumentArray, dynamicBatching, Executor, requests } from '../sdk/index.ts';
import { type Neighbour, VectorTable } from './vector-table.ts';

const mostMatches = 10_000;

const options = z.strictObject({
  /** How vectors are compared; may be changed for an index that exists. */
  metric: z.enum(['cosine', 'inner_product', 'euclidean']).default('cosine'),
  /** Matches of a search that names no `limit`. */
  limit: z.int().min(1).max(mostMatches).default(10),
  /** Numbers of an embedding; default: as many as the first document has. */
  dimension: z.int().min(1).optional(),
});

const searchSchema = z.object({
  limit: z.int().min(1).max(mostMatches).optional(),
  offset: z.int().min(0).default(0),
  filter: z.record(z.string(), z.unknown()).nullish(),
  embeddings: z.boolean().default(false),
});

const fetchSchema = z.object({
  limit: z.int().min(1).max(mostMatches).default(100),
  offset: z.int().min(0).default(0),
  embeddings: z.boolean().default(false),
});

/**
 * Keeps documents with their embeddings and finds the nearest: exactly, by comparing with every one.
 *
 * Documents lie in a SQLite file of the workspace and are on the disk before their request is answered; vectors are
 * read into memory at start. Chunks, matches, scores and tensors of documents are not kept.
 */
export class Indexer extends Executor<z.infer<typeof options>> {
  static override readonly options = options;
  static override readonly state = 'exclusive';
  private opened: DocumentStore | undefined;
  private vectors: VectorTable | undefined;

  override init(): void {
    this.context.progress({ state: 'loading', message: 'index' });
    const store = DocumentStore.open(this.context.workspace());
    this.opened = store;
    const known = Number(store.fact('dimension') ?? NaN);
    const { dimension } = this.options;
    if (Number.isNaN(known)) return;
    if (dimension !== undefined && dimension !== known) {
      throw new FlowError(
        'invalid_argument',
        `the index in the workspace has embeddings of ${known} numbers, uses_with says ${dimension}: take another workspace`,
      );
    }
    const table = new VectorTable(known, this.options.metric);
    for (const { row, vector } of store.vectors()) table.set(row, vector);
    this.vectors = table;
    this.context.logger.info({ documents: table.size, dimension: known }, 'index loaded');
  }

  override close(): void {
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
        const tags = { ...stored.doc.tags, ...sent.tags };
        const doc = Object.assign(stored.doc, presentFields(sent));
        if (Object.keys(tags).length > 0) doc.tags = tags;
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
    for (const row of rows) this.vectors?.delete(row);
    return { deleted: rows.length, documents: this.store.count() };
  }

  /**
   * Gives each document its nearest ones as `matches`, nearest first, with the score under the metric's name.
   *
   * Parameters, each caller's own: `limit`, `offset`, `filter` (see `filterCondition`), `embeddings` (whether matches
   * bring theirs).
   */
  @requests('/search', { effect: 'read', perRequest: searchParameters })
  @dynamicBatching({ preferredBatchSize: 32 })
  search(docs: DocumentArray, call: Call): void {
    const queries = readRows(docs, call, (doc) => this.vectorOf(doc));
    const allowed = new Map<string, ReadonlySet<number>>();
    const searches = readRequests(call, ({ parameters }) => {
      const settings = readParameters(searchSchema, parameters);
      return { ...settings, allowed: this.allowedRows(settings.filter, allowed) };
    });
    for (const { request, value } of searches) {
      for (let row = request.rows[0]; row < request.rows[1]; row++) {
        const [doc, query] = [docs[row], queries[row]];
        if (doc === undefined || query === undefined) continue;
        const limit = value.limit ?? this.options.limit;
        const found = this.vectors?.nearest(query, value.offset + limit, value.allowed) ?? [];
        const matches = found.slice(value.offset).flatMap((each) => this.matchOf(each, value.embeddings) ?? []);
        doc.matches = DocumentArray.fromInputs(matches);
      }
    }
  }

  /** The documents with the ids that are sent, those that are there; without documents a page of all of them. */
  @requests('/fetch', { effect: 'read', changesCount: true })
  fetch(docs: DocumentArray, call: Call): DocumentArray {
    const { limit, offset, embeddings } = readParameters(fetchSchema, call.requests[0]?.parameters ?? {});
    const rows =
      docs.length === 0 ? this.store.page(offset, limit) : docs.flatMap(({ id }) => this.store.byId(id) ?? []);
    return DocumentArray.fromInputs(
      rows.map(({ doc, vector }) => {
        if (embeddings) doc.embedding = new Tensor('float32', [vector.length], vector);
        return doc;
      }),
    );
  }

  @requests('/status', { effect: 'read' })
  status(): JsonObject {
    const { metric, dimension } = this.options;
    return { documents: this.store.count(), dimension: this.vectors?.dimension ?? dimension ?? null, metric };
  }

  private write(call: Call, documents: readonly StoredDocument[]): void {
    const [first] = documents;
    if (first === undefined) return;
    const table = this.vectors ?? new VectorTable(first.vector.length, this.options.metric);
    const rows = call.phase('commit', () =>
      this.store.transaction(() => {
        if (this.vectors === undefined) this.store.setFact('dimension', String(table.dimension));
        return documents.map((document) => this.store.put(document));
      }),
    );
    // Only what is on the disk is found.
    documents.forEach(({ vector }, position) => {
      const row = rows[position];
      if (row !== undefined) table.set(row, vector);
    });
    this.vectors = table;
  }

  /** The embedding of a document, checked. */
  private vectorOf({ id, embedding }: Document): Float32Array {
    if (embedding === undefined) {
      throw invalid(id, 'expected an embedding, got none: put an encoder before the index, or send embeddings');
    }
    const { dtype, shape, data } = embedding;
    if (shape.length !== 1 || !(data instanceof Float32Array || data instanceof Float64Array)) {
      throw invalid(
        id,
        `expected a float32 embedding of shape [dimension], got ${dtype} of shape [${shape.join(', ')}]`,
      );
    }
    const dimension = this.vectors?.dimension ?? this.options.dimension;
    if (data.length === 0 || (dimension !== undefined && data.length !== dimension)) {
      throw wrongDimension(id, dimension, data.length);
    }
    const wrong = data.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) throw invalid(id, `expected finite numbers in an embedding, got ${wrong}`);
    return data instanceof Float32Array ? data : Float32Array.from(data);
  }

  private matchOf({ row, score }: Neighbour, hasEmbedding: boolean): Document | undefined {
    const stored = this.store.byRow(row);
    if (stored === undefined) return undefined;
    const { metric } = this.options;
    const match = stored.doc;
    // Bytes of ten pictures are no answer to a search; /fetch brings them.
    delete match.blob;
    match.scores = { [metric]: { value: score, opName: metric } };
    if (hasEmbedding) match.embedding = new Tensor('float32', [stored.vector.length], stored.vector);
    return match;
  }

  /** Rows that a filter accepts; equal filters of one batch are looked up once. */
  private allowedRows(
    filter: Record<string, unknown> | null | undefined,
    known: Map<string, ReadonlySet<number>>,
  ): ReadonlySet<number> | undefined {
    if (filter === undefined || filter === null) return undefined;
    const key = canonicalJson(filter as Json);
    const rows = known.get(key) ?? this.store.matching(filter);
    known.set(key, rows);
    return rows;
  }

  private get store(): DocumentStore {
    if (this.opened === undefined) throw new FlowError('internal', 'the index is used before init; this is a bug');
    return this.opened;
  }
}

/** The fields that a document has; the others are properties too, without value. */
function presentFields(doc: Document): Partial<Document> {
  return Object.fromEntries(Object.entries(doc).filter(([, value]) => value !== undefined));
}

function readParameters<T>(schema: z.ZodType<T>, parameters: JsonObject): T {
  const read = schema.safeParse(parameters);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const name = issue?.path.join('.') ?? '';
  throw new FlowError(
    'invalid_argument',
    `parameter ${name}: ${issue?.message ?? 'not valid'}, got ${describeValue(parameters[name])}`,
  );
}

function wrongDimension(id: string, dimension: number | undefined, length: number): FlowError {
  return invalid(id, `expected an embedding of ${dimension ?? 'at least 1'} numbers as the index has, got ${length}`);
}

function invalid(id: string, message: string): FlowError {
  return new FlowError('invalid_argument', `document ${id}: ${message}`, { details: { document: id } });
}
